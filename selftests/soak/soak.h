/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Well-behaved devices beside hostile servers, consumers and helpers: those of the random
 * tester (../random), servers that play the tricks of ../hostile and flood their sockets,
 * and servers that hold the processes of vuserd.
 */
#ifndef SOAK_SOAK_H
#define SOAK_SOAK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "../random/random.h"

/* Operations whose longest time is reported separately. */
enum soak_kind {
	SOAK_ACCESS, /* registers, memory and interrupts */
	SOAK_MAP, /* messages that vuserd has to send */
	SOAK_NR_KINDS
};

/* Shared by all processes. */
struct soak {
	atomic_ulong ops;
	atomic_ulong bytes; /* that were compared */
	atomic_ulong longest_us[SOAK_NR_KINDS];
	atomic_ulong lies;
	atomic_ulong floods;
	atomic_uint held; /* connections of vuserd to servers that hold it */
	atomic_uint started; /* well-behaved consumers */
	atomic_bool stop; /* the well-behaved consumers end */
	atomic_bool failed; /* an operation of a well-behaved device */
	char why[256];
};

extern struct soak *soak;

/* Each function runs in its own process. */

/* load.c: uses a well-behaved device until the test stops or an operation fails. */
void load_run(struct dice *dice, unsigned int number);
/* liar.c: a device whose server lies and floods; runs until it is killed. */
void liar_run(struct dice *dice, unsigned int number);

#endif /* SOAK_SOAK_H */
