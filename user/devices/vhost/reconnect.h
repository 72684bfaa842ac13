/* SPDX-License-Identifier: GPL-2.0 */
/* Accepts or rejects a back end that connects again. */
#ifndef VHOST_RECONNECT_H
#define VHOST_RECONNECT_H

#include "parts.h"

void vhost_reconnect_init(struct vhost_device *dev);
int vhost_reconnect_check(struct vhost_device *dev);

#endif
