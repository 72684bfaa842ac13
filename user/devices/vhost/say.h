/* SPDX-License-Identifier: GPL-2.0 */
/* Messages for the user, on standard error. */
#ifndef VHOST_SAY_H
#define VHOST_SAY_H

#include "parts.h"

/*
 * Print a line that starts with the socket of the back end. A thread prints 100 lines at
 * once at most, and then one in ten seconds.
 */
__attribute__((format(printf, 2, 3))) void
vhost_say(const struct vhost_device *dev, const char *fmt, ...);

/**
 * vhost_say_failed - report that an action has failed
 * @dev: device
 * @what: the action
 * @ret: result of the action
 *
 * Nothing is printed for 0, and nothing for -EFAULT and -EINVAL: these are
 * errors of the driver, which have been reported already.
 *
 * Return: @ret.
 */
int vhost_say_failed(const struct vhost_device *dev, const char *what, int ret);

#endif
