/* SPDX-License-Identifier: GPL-2.0 */
/* The requests in flight of rings that stop. */
#ifndef VHOST_DRAIN_H
#define VHOST_DRAIN_H

#include "parts.h"

void vhost_drain_before(struct vhost_device *dev);
int vhost_drain(struct vhost_device *dev);
void vhost_drain_close(struct vhost_device *dev);
void vhost_drain_or_close(struct vhost_device *dev);

#endif
