/* SPDX-License-Identifier: GPL-2.0 */
/* Requests in flight at the back end. */
#ifndef VHOST_INFLIGHT_H
#define VHOST_INFLIGHT_H

#include "parts.h"

int vhost_inflight_set_up(struct vhost_device *dev);
int vhost_inflight_reset_ring(struct vhost_device *dev, uint16_t queue);
struct vhost_user_inflight
vhost_inflight_describe(const struct vhost_device *dev);
int vhost_inflight_read(const struct vhost_device *dev, uint64_t at, void *buf,
			size_t len);
int vhost_inflight_load(struct vhost_device *dev,
			const struct vhost_user_inflight *inflight);
int vhost_inflight_open(struct vhost_device *dev,
			const struct vhost_user_inflight *inflight);
int vhost_inflight_write(struct vhost_device *dev, uint64_t at, const void *buf,
			 size_t len);
void vhost_inflight_release(struct vhost_device *dev);
bool vhost_inflight_can_resume(const struct vhost_device *dev);
bool vhost_inflight_suspends(const struct vhost_device *dev);

#endif
