// SPDX-License-Identifier: GPL-2.0
/*
 * Rings that stop and go on where they were: each for as long as its memory is
 * gone, all of them for a migration.
 */
#include <errno.h>

#include "control.h"
#include "irq.h"
#include "pause.h"
#include "queue.h"
#include "ring.h"
#include "rings.h"
#include "say.h"

static bool overlap(uint64_t a, uint64_t len_a, uint64_t b, uint64_t len_b)
{
	return a - b < len_b || b - a < len_a;
}

static bool lies_in(const struct vhost_device *dev, uint16_t index,
		    uint64_t iova, uint64_t len)
{
	const struct virtio_queue *q = &dev->virtio.queues[index];
	uint64_t sizes[3];

	vhost_queue_sizes(dev, q, sizes);
	return overlap(q->desc, sizes[0], iova, len) ||
	       overlap(q->driver, sizes[1], iova, len) ||
	       overlap(q->device, sizes[2], iova, len);
}

/**
 * vhost_pause_memory - memory is about to be unmapped: stop what lies in it
 * @dev: device
 * @iova: of the memory
 * @len: bytes
 *
 * A client whose memory changes under a driver, as that of a guest does while
 * firmware is at work, unmaps it and maps it anew.  A back-end that looked into
 * such a ring in between would find nothing.
 */
void vhost_pause_memory(struct vhost_device *dev, uint64_t iova, uint64_t len)
{
	uint16_t i;

	for (i = 0; i < dev->virtio.nr_queues; i++) {
		if (!dev->queues[i].started || !lies_in(dev, i, iova, len) ||
		    vhost_ring_stop(dev, i))
			continue;
		dev->queues[i].paused = true;
		if (dev->options.verbose)
			vhost_say(dev, "ring %u pauses: memory at %#jx goes", i,
				  (uintmax_t)iova);
	}
}

/**
 * vhost_pause_resume - memory has come: go on with what lies in it
 * @dev: device; its back-end knows of the memory
 */
void vhost_pause_resume(struct vhost_device *dev)
{
	uint16_t i;

	for (i = 0; i < dev->virtio.nr_queues; i++) {
		if (!dev->queues[i].paused || vhost_queue_lacks_memory(dev, i))
			continue;
		if (!vhost_say_failed(dev, "cannot go on with a ring",
				      vhost_rings_start_queue(dev, i)))
			continue;
		vhost_rings_stop(dev);
		virtio_need_reset(&dev->virtio);
		return;
	}
}

/* Stop all rings, and keep where they go on. */
static int halt(struct vhost_device *dev)
{
	int ret = 0, err;
	uint16_t i;

	dev->live = false;
	if (dev->net)
		vhost_control_suspend(dev);
	for (i = 0; i < dev->virtio.nr_queues; i++) {
		if (!dev->queues[i].started)
			continue;
		err = vhost_ring_stop(dev, i);
		dev->queues[i].paused = !err;
		ret = ret ?: err;
	}
	return ret;
}

/* Whether rings are to be served when the device runs. */
static bool in_service(const struct vhost_device *dev)
{
	return virtio_running(&dev->virtio) &&
	       !(dev->virtio.status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/**
 * vhost_pause_suspend - stop the device for a migration: nothing is in flight
 *	then, and each ring is known to the entry
 * @dev: device
 *
 * The back-end's own state stays: it is not told that the driver is gone.
 *
 * Return: 0, or -errno and the device is not stopped.
 */
int vhost_pause_suspend(struct vhost_device *dev)
{
	int ret;

	if (in_service(dev) && !dev->live) {
		vhost_say(dev, "cannot be stopped for a migration now: the "
			       "back-end is away with what is in flight");
		return -ENOTCONN;
	}
	ret = halt(dev);
	if (ret) {
		/* Where its rings are nobody knows: as if it had gone. */
		vhost_backend_disconnect(dev->conn.backend);
		return ret;
	}
	dev->stopped = true;
	return 0;
}

/**
 * vhost_pause_continue - go on after vhost_pause_suspend(), here or where the
 *	state has come from
 * @dev: device
 *
 * Return: 0, or -errno and the device is stopped as before.
 */
int vhost_pause_continue(struct vhost_device *dev)
{
	int ret = 0;

	if (in_service(dev)) {
		ret = vhost_connection_reopen(&dev->conn);
		if (!ret)
			ret = vhost_rings_start(dev);
		vhost_say_failed(dev, "cannot go on with the rings", ret);
	}
	if (ret) {
		halt(dev);
		return ret;
	}
	dev->stopped = false;
	vhost_irq_resume(dev);
	return 0;
}
