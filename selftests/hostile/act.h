/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is going on when the server plays its trick: something that a consumer
 * does, or a step of the handshake.
 */
#ifndef HOSTILE_ACT_H
#define HOSTILE_ACT_H

#include "../lib/sysfs.h"
#include "../lib/vfio.h"
#include "server.h"

struct consumer {
	char uuid[UUID_LEN + 1];
	struct vfio_dev dev;
	volatile uint32_t *bar0;
	volatile uint32_t *bar2;
	char *mem; /* four pages */
	int event;
};

/* Where acts map the pages of @mem. */
#define ACT_IOVA 0x100000UL

/**
 * enum result - how an act may end
 * @GOOD: 0
 * @BAD: an error
 * @EITHER: nobody can say
 */
enum result {
	GOOD,
	BAD,
	EITHER,
};

/**
 * struct act - a line of the table
 * @name: for people
 * @target: the message that the trick is played to
 * @phase: see there
 * @prepare: done before, with the device open; 0 or -errno
 * @run: done while the trick is played; 0 or -errno
 * @len: payload bytes of the right reply
 * @min: least and
 * @max: most payload bytes that are taken
 * @bare: a reply without payload is taken as well
 * @echoes: the payload is compared with what was asked
 * @max_fds: descriptors that are taken
 * @refuses: an error reply makes it fail; else it is taken as an answer
 * @lost: how it ends when the device is lost
 * @refused: how it ends after an error reply
 * @thorough: no generic trick is left out
 * @posted: there is no reply: generic tricks are not for it
 * @single: nor are they here, where only what comes behind it is new
 */
struct act {
	const char *name;
	struct target target;
	enum phase {
		OPEN, /* with the device open */
		OPENING, /* @run opens it */
		CLOSING, /* it is closed */
		HANDSHAKE, /* vuserd asks */
	} phase;
	int (*prepare)(struct consumer *c);
	int (*run)(struct consumer *c);
	unsigned int len;
	unsigned int min;
	unsigned int max;
	bool bare;
	bool echoes;
	unsigned int max_fds;
	bool refuses;
	enum result lost;
	enum result refused;
	bool thorough;
	bool posted;
	bool single;
};

extern const struct act acts[];
extern const unsigned int nr_acts;

/* The act of that name; aborts where there is none. */
const struct act *act_find(const char *name);

/* Opens the device and sees that it works; 0 or -errno. */
int consumer_open(struct consumer *c);
/* A read that a good server answers; 0 or -errno. */
int consumer_check(struct consumer *c);
void consumer_close(struct consumer *c);

#endif /* HOSTILE_ACT_H */
