/* SPDX-License-Identifier: GPL-2.0 */
/* All rings of a device: at the back end, and the control queue. */
#ifndef VHOST_RINGS_H
#define VHOST_RINGS_H

#include "parts.h"

extern const struct virtio_ops vhost_rings_ops;

int vhost_rings_start(struct vhost_device *dev);
int vhost_rings_start_queue(struct vhost_device *dev, uint16_t queue);
void vhost_rings_stop(struct vhost_device *dev);
int vhost_rings_resume(struct vhost_device *dev);
bool vhost_rings_can_continue(const struct vhost_device *dev);
void vhost_rings_lost(struct vhost_device *dev);
int vhost_rings_log(struct vhost_device *dev);
int vhost_rings_log_base(struct vhost_device *dev);

#endif
