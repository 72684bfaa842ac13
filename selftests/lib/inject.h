/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes memory allocations and copies from and to user space fail if the
 * module's code is on the stack (CONFIG_FAULT_INJECTION_STACKTRACE_FILTER).
 * Functions return 0 (or the value they document) or -errno.
 */
#ifndef SELFTESTS_INJECT_H
#define SELFTESTS_INJECT_H

#include <sys/types.h>

/* Returns -ENOENT if the kernel does not support fault injection. */
int inject_init(void);

/* The tasks in which calls fail. */
enum inject_target {
	INJECT_SELF, /* the calling thread */
	INJECT_HELPER, /* vuserd */
	INJECT_SERVER, /* the process of @inject_server */
	INJECT_WORKERS, /* the kernel's workqueue threads */
};

enum inject_scope {
	INJECT_ONE,
	INJECT_FROM, /* and every later allocation, too */
};

extern pid_t inject_server;

/* Makes the @nth allocation or copy from now on fail, in each of the tasks. */
int inject_arm(enum inject_target target, enum inject_scope scope,
	       unsigned int nth);
/*
 * Ends the injection; 1: a call has failed, 0: there were fewer than @nth
 * calls.
 */
int inject_disarm(void);

#endif /* SELFTESTS_INJECT_H */
