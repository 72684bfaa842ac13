/* SPDX-License-Identifier: GPL-2.0 */
/* The time limit for the back end. */
#ifndef VHOST_TIMEOUT_H
#define VHOST_TIMEOUT_H

#include "options.h"

int vhost_timeout_ms(const struct vhost_device_options *opt);

#endif
