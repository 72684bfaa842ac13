/* SPDX-License-Identifier: GPL-2.0 */
/* The process of vuserd. */
#ifndef VUSERCTL_HELPER_H
#define VUSERCTL_HELPER_H

#include <sys/types.h>

/*
 * The process ID of a vuserd in the caller's PID namespace, or 0 if there is none. vuserd's
 * own child processes do not count.
 */
pid_t helper_find(void);

#endif /* VUSERCTL_HELPER_H */
