/* SPDX-License-Identifier: GPL-2.0 */
/* Plays one trick after another on a device with a hostile server. */
#ifndef HOSTILE_CASE_H
#define HOSTILE_CASE_H

#include "action.h"
#include "trick.h"

struct hostile {
	struct server server;
	struct consumer consumer;
	bool attached; /* to a good server without a twin socket */
	unsigned int hasty; /* timeout in ms for tricks that end by a timeout */
	int klog;
	int helper_log; /* the file to which vuserd logs */
	char why[512]; /* why the last case failed */
};

/*
 * Creates a device, not yet attached; @helper_log is vuserd's log. 0 or -errno.
 */
int hostile_start(struct hostile *h, const char *helper_log);
void hostile_stop(struct hostile *h);

/* Attaches the device to a good server, and uses it; 0 or -errno. */
int hostile_usable(struct hostile *h);
/* Attaches the device to a good server, unless it is attached. */
int hostile_attach(struct hostile *h);

/*
 * Plays one case; true if it ended as expected, otherwise @h->why is the
 * reason.
 */
bool hostile_play(struct hostile *h, const struct action *action,
		  const struct trick *trick);

#endif /* HOSTILE_CASE_H */
