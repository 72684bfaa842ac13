/* SPDX-License-Identifier: GPL-2.0 */
/* What lives as long as the module. */
#ifndef VUSER_MAIN_H
#define VUSER_MAIN_H

#include <linux/cred.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/workqueue.h>

/* For reading sockets and ending channels; unbound, any work may sleep. */
extern struct workqueue_struct *vuser_wq;

/* Kernel credentials for the channel's own socket I/O. */
extern const struct cred *vuser_cred;

/* Jiffies until @deadline, at least 1 while it has not passed, else 0. */
static inline long vuser_jiffies_left(ktime_t deadline)
{
	s64 left = ktime_to_ns(ktime_sub(deadline, ktime_get()));

	return left > 0 ? nsecs_to_jiffies(left) + 1 : 0;
}

#endif /* VUSER_MAIN_H */
