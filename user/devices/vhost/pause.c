// SPDX-License-Identifier: GPL-2.0
/*
 * Rings that stop, and later continue where they stopped: one ring while its
 * memory is unmapped, all rings during a migration.
 */
#include <errno.h>

#include "control.h"
#include "drain.h"
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

/* Whether a ring that runs, or that may have requests in flight, lies in memory. */
static bool any_lies_in(const struct vhost_device *dev, uint64_t iova,
			uint64_t len)
{
	uint16_t i;

	for (i = 0; i < dev->virtio.nr_queues; i++)
		if (dev->queues[i].draining ||
		    (dev->queues[i].started && lies_in(dev, i, iova, len)))
			return true;
	return false;
}

/* Stop a ring that continues later, if its position is known or can be found. */
static int pause_ring(struct vhost_device *dev, uint16_t index)
{
	int ret = vhost_ring_ask_stop(dev, index);

	dev->queues[index].paused = !ret || vhost_rings_can_continue(dev);
	return ret;
}

/**
 * vhost_pause_memory - stop the rings that lie in memory that is about to be
 * unmapped
 * @dev: device
 * @iova: start of the memory
 * @len: length of the memory in bytes
 *
 * The memory layout of a client can change while a driver runs, for example
 * while the firmware of a guest runs. The client then unmaps memory and maps it
 * again. A back end must not access a ring in between.
 */
void vhost_pause_memory(struct vhost_device *dev, uint64_t iova, uint64_t len)
{
	uint16_t i;

	if (!any_lies_in(dev, iova, len))
		return;
	vhost_drain_before(dev);
	for (i = 0; i < dev->virtio.nr_queues; i++) {
		if (!dev->queues[i].started || !lies_in(dev, i, iova, len) ||
		    pause_ring(dev, i))
			continue;
		if (dev->options.verbose)
			vhost_say(
				dev,
				"ring %u pauses: its memory at %#jx is being unmapped",
				i, (uintmax_t)iova);
	}
	vhost_drain_or_close(dev);
}

/**
 * vhost_pause_resume - continue the rings whose memory is mapped again
 * @dev: device whose back end has mapped the memory
 */
void vhost_pause_resume(struct vhost_device *dev)
{
	uint16_t i;

	for (i = 0; i < dev->virtio.nr_queues; i++) {
		if (!dev->queues[i].paused || vhost_queue_lacks_memory(dev, i))
			continue;
		if (!vhost_say_failed(dev, "cannot continue with a ring",
				      vhost_rings_start_queue(dev, i))) {
			/* The back end may have completed requests meanwhile. */
			vhost_irq_queue(dev, i);
			continue;
		}
		vhost_rings_stop(dev);
		virtio_need_reset(&dev->virtio);
		return;
	}
}

/* Stop all rings, and keep their positions. */
static int halt(struct vhost_device *dev)
{
	int ret = 0, err;
	uint16_t i;

	vhost_drain_before(dev);
	if (dev->net)
		vhost_control_suspend(dev);
	for (i = 0; i < dev->virtio.nr_queues; i++) {
		if (!dev->queues[i].started)
			continue;
		err = pause_ring(dev, i);
		ret = ret ?: err;
	}
	err = vhost_drain(dev);
	dev->live = false;
	return ret ?: err;
}

/* Whether the rings run when the device runs. */
static bool in_service(const struct vhost_device *dev)
{
	return virtio_running(&dev->virtio) &&
	       !(dev->virtio.status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/**
 * vhost_pause_suspend - stop the device for a migration
 * @dev: device
 *
 * Afterwards the position of each ring is known, and no request is in flight, except with
 * GET_VRING_BASE_INFLIGHT those that the back end has cancelled.
 * The back end keeps its internal state: its status is not reset.
 *
 * A back end that needs too long for its requests does not keep the device from stopping, since
 * QEMU resets a device that does not stop. But then the state cannot be saved. With
 * INFLIGHT_SHMFD, the connection is closed, and the next back end does these requests: this one
 * would do them twice when the ring starts again. Without, only this one can complete them.
 *
 * Return: 0, or -errno if the device is not stopped.
 */
int vhost_pause_suspend(struct vhost_device *dev)
{
	int ret;

	if (in_service(dev) && !dev->live) {
		vhost_say(dev, "cannot stop for a migration: the back end is "
			       "disconnected, and requests were in flight");
		return -ENOTCONN;
	}
	ret = halt(dev);
	if (ret == -ETIMEDOUT && vhost_backend_connected(dev->conn.backend)) {
		ret = 0;
		if (dev->inflight_fd >= 0)
			vhost_drain_close(dev);
	}
	if (ret) {
		/*
		 * The positions of the rings are unknown. Continue as if the
		 * back end had closed the connection.
		 */
		vhost_backend_disconnect(dev->conn.backend);
		return ret;
	}
	dev->stopped = true;
	return 0;
}

/**
 * vhost_pause_hold - stop the device, because its client is gone
 * @dev: device
 *
 * A back end that needs too long for its requests completes them before it accepts the next
 * connection.
 */
void vhost_pause_hold(struct vhost_device *dev)
{
	dev->stopped = true;
	if (halt(dev))
		vhost_drain_close(dev);
}

/**
 * vhost_pause_left_requests - whether requests were left when a stopped device stopped, because
 * its back end was lost or was too slow
 */
bool vhost_pause_left_requests(const struct vhost_device *dev)
{
	uint16_t i;

	for (i = 0; i < dev->virtio.nr_queues; i++)
		if (dev->queues[i].paused &&
		    (dev->queues[i].unfinished || dev->queues[i].draining))
			return true;
	return false;
}

/**
 * vhost_pause_continue - continue after vhost_pause_suspend(), in this process or
 *	in the process that saved the state
 * @dev: device
 *
 * Return: 0, or -errno if the device is still stopped.
 */
int vhost_pause_continue(struct vhost_device *dev)
{
	int ret = 0;

	if (in_service(dev)) {
		ret = vhost_connection_reopen(&dev->conn);
		if (!ret)
			ret = vhost_rings_start(dev);
		vhost_say_failed(dev, "cannot continue with the rings", ret);
	}
	if (ret) {
		halt(dev);
		return ret;
	}
	dev->stopped = false;
	vhost_irq_resume(dev);
	return 0;
}
