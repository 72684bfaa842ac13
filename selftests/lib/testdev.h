/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device for a test: an mdev, and vuser-testdev that serves it.  Commands
 * go to the server over its control socket, past everything under test.
 */
#ifndef SELFTESTS_TESTDEV_H
#define SELFTESTS_TESTDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sysfs.h"
#include "../testdev/testdev.h"

/* How long a test waits for what should come at once, in ms. */
#define SOON_MS 20000
/* How long a test waits to see that nothing comes, in ms. */
#define QUIET_MS 100

struct testdev {
	char uuid[UUID_LEN + 1];
	char socket[64];
	pid_t pid;
	int ctl;
};

/*
 * A server of our own with @args (a list that ends with NULL, or NULL), an
 * mdev for it, and the wait until it is attached.
 */
int testdev_start(struct testdev *td, const char *const *args);
/* The server only, ready for connections; the mdev is the caller's. */
int testdev_serve(struct testdev *td, const char *const *args);
/* Removes the mdev and ends the server, if they are still there. */
void testdev_stop(struct testdev *td);
/* SIGKILL, and the wait for its end. */
void testdev_kill(struct testdev *td);

/*
 * One command, by printf format; 0, or the server's -errno.  The text of the
 * reply is in testdev_reply().
 */
int testdev_cmd(struct testdev *td, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const char *testdev_reply(void);
/* The reply as a number; -1 where there is none. */
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
/* Number of accesses in the log. */
long long testdev_log_count(struct testdev *td);
/* Access @nr, from 0; 0 or -errno. */
int testdev_log_get(struct testdev *td, unsigned int nr,
		    struct testdev_access *acc);

#endif /* SELFTESTS_TESTDEV_H */
