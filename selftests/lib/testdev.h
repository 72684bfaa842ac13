/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device for a test: an mdev, and vuser-testdev as its server.  The test
 * sends commands to the server over a control socket, which bypasses all code
 * under test.
 */
#ifndef SELFTESTS_TESTDEV_H
#define SELFTESTS_TESTDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sysfs.h"
#include "../testdev/testdev.h"

/* How long a test waits for something that should happen at once, in ms. */
#define SOON_MS 20000
/* How long a test waits to see that nothing happens, in ms. */
#define QUIET_MS 100

struct testdev {
	char uuid[UUID_LEN + 1];
	char socket[64];
	pid_t pid;
	int ctl;
};

/*
 * Starts a server with @args (a list that ends with NULL, or NULL), creates an
 * mdev for it and waits until it is attached.
 */
int testdev_start(struct testdev *td, const char *const *args);
/*
 * Starts only the server and waits until it listens; the caller creates the
 * mdev.
 */
int testdev_serve(struct testdev *td, const char *const *args);
/* Removes the mdev and ends the server, if they still exist. */
void testdev_stop(struct testdev *td);
/* Sends SIGKILL and waits for the end. */
void testdev_kill(struct testdev *td);

/*
 * Sends one command, by printf format; 0, or the server's -errno.  The text of
 * the reply is in testdev_reply().
 */
int testdev_cmd(struct testdev *td, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const char *testdev_reply(void);
/* The reply as a number; -1 if there is none. */
long long testdev_num(struct testdev *td, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* One access that reached the server. */
struct testdev_access {
	char dir; /* 'r', 'w', or 'p' for a posted write */
	unsigned int region;
	uint64_t offset;
	unsigned int size;
	uint64_t value;
};

/* Empties the log of accesses. */
int testdev_log_clear(struct testdev *td);
/* The number of accesses in the log. */
long long testdev_log_count(struct testdev *td);
/* Reads access @nr, counted from 0; 0 or -errno. */
int testdev_log_get(struct testdev *td, unsigned int nr,
		    struct testdev_access *acc);

#endif /* SELFTESTS_TESTDEV_H */
