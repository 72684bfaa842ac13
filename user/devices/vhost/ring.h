/* SPDX-License-Identifier: GPL-2.0 */
/* One ring at the back end. */
#ifndef VHOST_RING_H
#define VHOST_RING_H

#include "parts.h"

int vhost_ring_announce(struct vhost_device *dev, uint16_t index);
int vhost_ring_start(struct vhost_device *dev, uint16_t index);
void vhost_ring_lost(struct vhost_device *dev, uint16_t index, bool kept);
int vhost_ring_ask_stop(struct vhost_device *dev, uint16_t index);
void vhost_ring_discard(struct vhost_device *dev, uint16_t index);
int vhost_ring_set_addr(struct vhost_device *dev, uint16_t index);
int vhost_ring_enable_started(struct vhost_device *dev);

#endif
