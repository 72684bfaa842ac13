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

/* In which threads it fails. */
enum inject_who {
	INJECT_SELF,
	INJECT_HELPER, /* vuserd */
	INJECT_WORKERS, /* the kernel's own threads that serve work queues */
};

/* The @nth allocation or copy from now on is to fail; 0: none. */
int inject_arm(enum inject_who who, unsigned int nth);
/* Ends it; 1: one has failed, 0: there were fewer. */
int inject_disarm(enum inject_who who);

#endif /* SELFTESTS_INJECT_H */
