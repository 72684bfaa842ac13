/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The wire relays each message between the client and libvuser's server, which
 * is in this process.  It can hold, refuse or corrupt messages.
 */
#ifndef TESTDEV_WIRE_H
#define TESTDEV_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vuser_server;
struct wire;

/* An access to a region by the client. */
struct wire_access {
	char dir; /* 'r', 'w', or 'p' for a posted write */
	uint32_t region;
	uint64_t offset;
	uint32_t size;
	uint64_t value; /* the first 8 bytes written */
};

/*
 * Listen at @path.  For each client, write a descriptor to @connections, a pipe
 * of ints; the server at that descriptor serves the client.  With
 * @shadow_io_fds, change the replies to DEVICE_GET_REGION_IO_FDS to the layout
 * of libvfio-user.  Return 0 or -errno.
 */
int wire_start(const char *path, int connections, bool shadow_io_fds,
	       struct wire **wire);

/*
 * Return the number of a command, for example "read" or "dma-map"; or -EINVAL.
 */
int wire_command(const char *name);

/* Remove all rules, send the held replies, clear the log and enable it. */
void wire_restore(struct wire *w);

void wire_log_clear(struct wire *w);
void wire_log_stop(struct wire *w);
unsigned int wire_log_count(struct wire *w);
int wire_log_get(struct wire *w, unsigned int nr, struct wire_access *acc);

/* Return the number of commands received from the client. */
unsigned long wire_count(struct wire *w, int command);
/* Wait until @nr were received; return 0 or -ETIMEDOUT. */
int wire_wait(struct wire *w, int command, unsigned long nr, int ms);

/* Hold the replies to @command until wire_release(). */
void wire_hold(struct wire *w, int command);
/* Wait until @nr replies are held; return 0 or -ETIMEDOUT. */
int wire_wait_held(struct wire *w, unsigned int nr, int ms);
void wire_release(struct wire *w);

/* Reply to the next @nr of @command with @error, without the server. */
void wire_fail(struct wire *w, int command, int error, unsigned int nr);
/* Corrupt the next reply to @command; return -EINVAL for an unknown @kind. */
int wire_corrupt(struct wire *w, int command, const char *kind);
/* Remove the descriptor from each DMA_MAP. */
void wire_strip_fds(struct wire *w, bool on);

/*
 * Reply to posted writes, too, and mark the error replies of wire_fail() as
 * commands.
 */
void wire_answer_posted(struct wire *w, bool on);
/* Keep a copy of each DMA_MAP's descriptor, see kept.h. */
void wire_keep(struct wire *w, bool on);

/*
 * Send bytes to the client.  A reply to an ID of WIRE_RAW_ID or above is not
 * forwarded to the server; wire_raw_wait() returns its error, 0 for success, or
 * -ETIMEDOUT.
 */
#define WIRE_RAW_ID 0xff00
int wire_raw(struct wire *w, const void *buf, size_t len);
int wire_raw_wait(struct wire *w, int ms);

#endif /* TESTDEV_WIRE_H */
