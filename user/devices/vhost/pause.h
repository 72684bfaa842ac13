/* SPDX-License-Identifier: GPL-2.0 */
/* Stop rings, and let them continue where they stopped. */
#ifndef VHOST_PAUSE_H
#define VHOST_PAUSE_H

#include "parts.h"

void vhost_pause_memory(struct vhost_device *dev, uint64_t iova, uint64_t len);
void vhost_pause_resume(struct vhost_device *dev);
int vhost_pause_suspend(struct vhost_device *dev);
void vhost_pause_hold(struct vhost_device *dev);
bool vhost_pause_left_requests(const struct vhost_device *dev);
int vhost_pause_continue(struct vhost_device *dev);

#endif
