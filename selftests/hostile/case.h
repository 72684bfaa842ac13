/* SPDX-License-Identifier: GPL-2.0 */
/* One device with its hostile server, and one trick after the other on it. */
#ifndef HOSTILE_CASE_H
#define HOSTILE_CASE_H

#include "act.h"
#include "trick.h"

struct hostile {
	struct server server;
	struct consumer consumer;
	bool attached; /* to a server without a twin, that behaves */
	unsigned int hasty; /* ms, for what ends by a time-out */
	int klog;
	int helper_log; /* what vuserd prints, a file */
	char why[512]; /* why the last case failed */
};

/* A device, not attached yet; @helper_log is vuserd's. 0 or -errno. */
int hostile_start(struct hostile *h, const char *helper_log);
void hostile_stop(struct hostile *h);

/* Attaches the device to a server that behaves, and uses it; 0 or -errno. */
int hostile_usable(struct hostile *h);
/* The first half of it: attached, whatever was. */
int hostile_attach(struct hostile *h);

/* Plays one case; true: it ended as it should, else @h->why says how not. */
bool hostile_play(struct hostile *h, const struct act *act,
		  const struct trick *trick);

#endif /* HOSTILE_CASE_H */
