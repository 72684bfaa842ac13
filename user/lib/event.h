/* SPDX-License-Identifier: BSD-3-Clause */
/* Signalling an eventfd that somebody else has, too. */
#ifndef VUSER_EVENT_H
#define VUSER_EVENT_H

/**
 * struct vu_event_port - the way to signal eventfds
 * @context: of Linux AIO, 0 before the first signal and without AIO
 * @file: empty; its read is what completes
 * @tried: the context was asked for
 */
struct vu_event_port {
	unsigned long context;
	int file;
	_Bool tried;
};

#define VU_EVENT_PORT_INIT { .file = -1 }

/**
 * vu_event_signal - add 1 to an eventfd, never waiting
 * @port: one caller at a time
 * @fd: the eventfd, in whatever mode; nothing happens where it is none
 *
 * A write(2) waits where the count is at its limit, and a client can take it
 * there between a look and the write.  The kernel's own signal does not wait:
 * AIO gives it.  Where a sandbox keeps AIO from us, it is a look and a write.
 */
void vu_event_signal(struct vu_event_port *port, int fd);

void vu_event_port_clear(struct vu_event_port *port);

#endif /* VUSER_EVENT_H */
