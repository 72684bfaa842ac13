/* SPDX-License-Identifier: GPL-2.0 */
/* The control queue of a network device. */
#ifndef VHOST_CONTROL_H
#define VHOST_CONTROL_H

#include "parts.h"

int vhost_control_start(struct vhost_device *dev, uint16_t queue);
void vhost_control_stop(struct vhost_device *dev);
void vhost_control_suspend(struct vhost_device *dev);

#endif
