/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Failures of memory allocation and of copies from and to user space, put where
 * a module's code is on the stack: CONFIG_FAULT_INJECTION_STACKTRACE_FILTER.
 * Functions return 0 (or what they name) or -errno.
 */
#ifndef SELFTESTS_INJECT_H
#define SELFTESTS_INJECT_H

#include <sys/types.h>

/* -ENOENT where the kernel cannot do it. */
int inject_init(void);

/* In which tasks it fails. */
enum inject_who {
	INJECT_SELF, /* the calling thread */
	INJECT_HELPER, /* vuserd */
	INJECT_SERVER, /* the process of @inject_server */
	INJECT_WORKERS, /* the kernel's own threads that serve work queues */
};

enum inject_how {
	INJECT_ONE,
	INJECT_REST, /* so does each allocation that comes after it */
};

extern pid_t inject_server;

/* The @nth allocation or copy from now on is to fail, in each of the tasks. */
int inject_arm(enum inject_who who, enum inject_how how, unsigned int nth);
/* Ends it; 1: one has failed, 0: there were fewer. */
int inject_disarm(void);

#endif /* SELFTESTS_INJECT_H */
