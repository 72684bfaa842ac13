/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The wire: sits between the client and libvuser's server in this process,
 * sees every message both ways, and can hold, refuse or spoil them.
 */
#ifndef TESTDEV_WIRE_H
#define TESTDEV_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vuser_server;
struct wire;

/* One access of a region that the client sent. */
struct wire_access {
	char dir; /* 'r', 'w', or 'p' for a posted write */
	uint32_t region;
	uint64_t offset;
	uint32_t size;
	uint64_t value; /* written; its first 8 bytes */
};

/*
 * Listens at @path.  A client's connection is relayed to the descriptor that
 * comes out of @connections (a pipe that carries ints).  0 or -errno.
 */
int wire_start(const char *path, int connections, struct wire **wire);

/* The number of a command by its name, "read" or "dma-map"; -EINVAL. */
int wire_command(const char *name);

/* All rules off, what is held let go, the log empty and on. */
void wire_restore(struct wire *w);

void wire_log_clear(struct wire *w);
void wire_log_stop(struct wire *w);
unsigned int wire_log_count(struct wire *w);
int wire_log_get(struct wire *w, unsigned int nr, struct wire_access *acc);

/* Commands that came from the client. */
unsigned long wire_count(struct wire *w, int command);
/* Waits until @nr have come; 0 or -ETIMEDOUT. */
int wire_wait(struct wire *w, int command, unsigned long nr, int ms);

/* Keeps back the replies to @command until wire_release(). */
void wire_hold(struct wire *w, int command);
/* Waits until @nr replies are kept back; 0 or -ETIMEDOUT. */
int wire_wait_held(struct wire *w, unsigned int nr, int ms);
void wire_release(struct wire *w);

/* Answers the next @nr of @command with @error; the server never sees them. */
void wire_fail(struct wire *w, int command, int error, unsigned int nr);
/* Spoils the next reply to @command; -EINVAL for an unknown @kind. */
int wire_corrupt(struct wire *w, int command, const char *kind);
/* Takes the descriptor off each DMA_MAP. */
void wire_strip_fds(struct wire *w, bool on);
/* Keeps a copy of each DMA_MAP's descriptor, see kept.h. */
void wire_keep(struct wire *w, bool on);

/*
 * Sends bytes to the client.  A reply to an ID of WIRE_RAW_ID or above does
 * not go to the server; wire_raw_wait() gives its error, 0 if none, or
 * -ETIMEDOUT.
 */
#define WIRE_RAW_ID 0xff00
int wire_raw(struct wire *w, const void *buf, size_t len);
int wire_raw_wait(struct wire *w, int ms);

#endif /* TESTDEV_WIRE_H */
