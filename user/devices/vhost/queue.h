/* SPDX-License-Identifier: GPL-2.0 */
/* Facts about a queue, which follow from its registers. */
#ifndef VHOST_QUEUE_H
#define VHOST_QUEUE_H

#include "parts.h"

bool vhost_queue_is_control(const struct vhost_device *dev, uint16_t index);
void vhost_queue_sizes(const struct vhost_device *dev,
		       const struct virtio_queue *q, uint64_t sizes[3]);
bool vhost_queue_lacks_memory(const struct vhost_device *dev, uint16_t index);
void vhost_queue_mark_dirty(struct vhost_device *dev, uint16_t index);

#endif
