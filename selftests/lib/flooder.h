/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Servers that send DMA commands without end on both of their sockets, and a server
 * that answers register reads.  The caller acts as the helper.
 */
#ifndef SELFTESTS_FLOODER_H
#define SELFTESTS_FLOODER_H

#include "control.h"

#define FLOODER_BATCH 512

struct flooder {
	struct control c;
	int twin[2];
	pid_t pid;
};

/*
 * Creates a device and attaches it; 0 or -errno.  No process may have been started
 * with a copy of the sockets.
 */
int flooder_attach(struct flooder *f);
/* Sends FLOODER_BATCH DMA_WRITE commands of one byte; 0 or -errno. */
int flooder_send(int fd);
/* Starts the process that floods; 0 or -errno. */
int flooder_start(struct flooder *f);
/* Ends the process and removes the device; 0 or -errno. */
int flooder_stop(struct flooder *f);

/* Starts a process that answers each REGION_READ with zeros; its ID or -errno. */
pid_t responder_start(int server);

#endif /* SELFTESTS_FLOODER_H */
