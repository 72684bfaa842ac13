/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Actions of a consumer and steps of the handshake.  The server plays a trick
 * (trick.h) on a message of the action.
 */
#ifndef HOSTILE_ACTION_H
#define HOSTILE_ACTION_H

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

/* The IOVA at which actions map the pages of @mem. */
#define ACTION_IOVA 0x100000UL

/**
 * enum result - how an action may end
 * @SUCCESS: 0
 * @FAILURE: an error
 * @EITHER: cannot be predicted
 */
enum result {
	SUCCESS,
	FAILURE,
	EITHER,
};

/**
 * struct action - a line of the table
 * @name: name of the action, printed in results
 * @target: the message that the trick is played on
 * @phase: state of the device when the action starts
 * @prepare: runs before, with the device open; 0 or -errno
 * @run: runs while the trick is played; 0 or -errno
 * @len: payload bytes of the right reply
 * @min: fewest payload bytes that are accepted
 * @max: most payload bytes that are accepted
 * @bare: a reply without payload is accepted as well
 * @echoes: the payload is compared with the command
 * @max_fds: number of descriptors that are accepted
 * @refuses: an error reply makes the action fail; otherwise it is an answer
 * @lost: result when the device is lost
 * @refused: result after an error reply
 * @thorough: all generic tricks are played
 * @posted: the command has no reply: no generic trick is played
 * @single: no generic trick is played: other actions cover them
 */
struct action {
	const char *name;
	struct target target;
	enum phase {
		OPEN, /* the device is open */
		OPENING, /* @run opens the device */
		CLOSING, /* the device is being closed */
		HANDSHAKE, /* vuserd sends the command */
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

extern const struct action actions[];
extern const unsigned int nr_actions;

/* Finds the action with this name; aborts if there is none. */
const struct action *action_find(const char *name);

/* Opens the device and checks that it works; 0 or -errno. */
int consumer_open(struct consumer *c);
/* Reads a register, which a good server answers; 0 or -errno. */
int consumer_check(struct consumer *c);
void consumer_close(struct consumer *c);

#endif /* HOSTILE_ACTION_H */
