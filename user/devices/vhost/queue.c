// SPDX-License-Identifier: GPL-2.0
#include <linux/virtio_net.h>

#include "queue.h"

/** vhost_queue_is_control - whether a queue is the control queue */
bool vhost_queue_is_control(const struct vhost_device *dev, uint16_t queue)
{
	return dev->net && virtio_has(&dev->virtio, VIRTIO_NET_F_CTRL_VQ) &&
	       queue == vhost_net_ctrl_queue(&dev->net_dev,
					     dev->virtio.accepted);
}

/** vhost_queue_sizes - bytes of a queue's descriptors, driver and device area */
void vhost_queue_sizes(const struct vhost_device *dev,
		       const struct virtio_queue *q, uint64_t sizes[3])
{
	bool event = virtio_has(&dev->virtio, VIRTIO_RING_F_EVENT_IDX);

	sizes[0] = 16 * (uint64_t)q->size;
	if (virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED)) {
		sizes[1] = 4;
		sizes[2] = 4;
	} else {
		sizes[1] = 4 + 2 * (uint64_t)q->size + 2 * event;
		sizes[2] = 4 + 8 * (uint64_t)q->size + 2 * event;
	}
}

/**
 * vhost_queue_lacks_memory - whether a queue is paused and its memory is not
 * mapped
 */
bool vhost_queue_lacks_memory(const struct vhost_device *dev, uint16_t index)
{
	const struct virtio_queue *q = &dev->virtio.queues[index];
	uint64_t sizes[3];

	vhost_queue_sizes(dev, q, sizes);
	return dev->queues[index].paused &&
	       !(vhost_dma_holds(&dev->dma, q->desc, sizes[0]) &&
		 vhost_dma_holds(&dev->dma, q->driver, sizes[1]) &&
		 vhost_dma_holds(&dev->dma, q->device, sizes[2]));
}

/**
 * vhost_queue_mark_dirty - log that the memory of a ring was written
 * @dev: device
 * @queue: index of the queue
 *
 * Back ends log writes of used descriptors. They do not log writes of flags and
 * event indexes, and some log no writes to packed rings at all.
 */
void vhost_queue_mark_dirty(struct vhost_device *dev, uint16_t queue)
{
	const struct virtio_queue *q = &dev->virtio.queues[queue];
	uint64_t sizes[3];

	vhost_queue_sizes(dev, q, sizes);
	if (virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED))
		vhost_log_mark(&dev->log, q->desc, sizes[0]);
	vhost_log_mark(&dev->log, q->device, sizes[2]);
}
