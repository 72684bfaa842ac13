/* SPDX-License-Identifier: BSD-3-Clause */
/* Signal an eventfd of another process, without waiting. */
#ifndef VUSER_EVENT_H
#define VUSER_EVENT_H

/**
 * struct vu_event_port - state for signalling eventfds
 * @context: context of Linux AIO; 0 before the first signal, and without AIO
 * @file: an empty file to read from, since the end of a read signals the eventfd
 * @tried: io_setup(2) was called
 */
struct vu_event_port {
	unsigned long context;
	int file;
	_Bool tried;
};

#define VU_EVENT_PORT_INIT { .file = -1 }

/**
 * vu_event_signal - add 1 to an eventfd, without waiting
 * @port: used by one caller at a time
 * @fd: the eventfd, blocking or not; a file of another type is ignored
 *
 * A write(2) waits when the counter is at its maximum, and a client can set it to the
 * maximum between a poll(2) and the write. When the kernel itself signals an eventfd, it
 * does not wait, and the completion of an AIO read is such a signal. If a sandbox does
 * not allow AIO, this function polls and writes.
 */
void vu_event_signal(struct vu_event_port *port, int fd);

/**
 * vu_event_write - signal a file that takes the writes of an eventfd, without waiting
 * @fd: the file; a file to which a write would wait now is ignored
 *
 * vuser's kernel module gives such files to servers in place of a consumer's eventfds.
 */
void vu_event_write(int fd);

void vu_event_port_clear(struct vu_event_port *port);

#endif /* VUSER_EVENT_H */
