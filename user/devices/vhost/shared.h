/* SPDX-License-Identifier: GPL-2.0 */
/* Objects that the back ends of all devices in this process share. */
#ifndef VHOST_SHARED_H
#define VHOST_SHARED_H

#include "parts.h"

int vhost_shared_add(struct vhost_device *dev,
		     const struct vhost_user_shared *object);
int vhost_shared_remove(struct vhost_device *dev,
			const struct vhost_user_shared *object);
int vhost_shared_lookup(struct vhost_device *dev,
			const struct vhost_user_shared *object);
bool vhost_shared_fetch(struct vhost_device *dev);
void vhost_shared_release(struct vhost_device *dev);

#endif
