/* SPDX-License-Identifier: GPL-2.0 */
/* Requests in flight at the back end. */
#ifndef VHOST_INFLIGHT_H
#define VHOST_INFLIGHT_H

#include "parts.h"

int vhost_inflight_set_up(struct vhost_device *dev);
void vhost_inflight_release(struct vhost_device *dev);
bool vhost_inflight_can_resume(const struct vhost_device *dev);

#endif
