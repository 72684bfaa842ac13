// SPDX-License-Identifier: GPL-2.0
/*
 * The requests in flight of rings that stop.
 *
 * A back end must complete them before it replies to GET_VRING_BASE. QEMU's library
 * libvhost-user does not: it stops to take requests, replies, and completes the requests in
 * flight later. Such a write would reach memory that the driver uses for something else after
 * a reset, or that a migration has copied already.
 *
 * The memory for requests in flight (INFLIGHT_SHMFD) shows when a back end is done. Without it,
 * a split ring shows it, because the back end has taken the requests before its base, and has
 * completed those before the used index.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "drain.h"
#include "inflight.h"
#include "say.h"
#include "wait.h"

/*
 * The memory of one ring: a header, and an entry for each descriptor. The first byte of an
 * entry is 1 while the request that begins with this descriptor is in flight.
 */
#define SPLIT_HEAD   16
#define SPLIT_ENTRY  16
#define PACKED_HEAD  32
#define PACKED_ENTRY 32

/* Time between two looks at the memory, in ms: no event says that it has changed. */
#define LOOK_MS 1

/* Bytes of entries that are read at once. */
#define PART 4096

/* Count the requests in flight in the memory of a ring. */
static int count_tracked(const struct vhost_device *dev, uint16_t queue,
			 unsigned int *nr)
{
	bool packed = virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED);
	size_t entry = packed ? PACKED_ENTRY : SPLIT_ENTRY;
	uint64_t size = dev->inflight.mmap_size / dev->inflight.num_queues;
	uint64_t at = packed ? PACKED_HEAD : SPLIT_HEAD;
	uint64_t end = at + dev->inflight.queue_size * entry;
	uint8_t buf[PART];
	size_t len, i;
	int ret;

	*nr = 0;
	end = end < size ? end : size;
	for (; at + entry <= end; at += len) {
		len = end - at < PART ? end - at : PART;
		ret = vhost_inflight_read(dev, queue * size + at, buf, len);
		if (ret)
			return ret;
		for (i = 0; i + entry <= len; i += entry)
			*nr += buf[i] == 1;
	}
	return 0;
}

/* Read the index of an area of a split ring: of its driver or of its device. */
static int read_index(const struct vhost_device *dev, uint64_t area,
		      uint16_t *index)
{
	int ret = vhost_dma_read(&dev->dma, area + 2, index, sizeof(*index));

	if (!ret)
		*index = le16toh(*index);
	return ret;
}

/* Count the requests between the used index and the base of a split ring. */
static int count_used(const struct vhost_device *dev, uint16_t queue,
		      unsigned int *nr)
{
	const struct virtio_queue *q = &dev->virtio.queues[queue];
	uint16_t used, taken = dev->queues[queue].base;
	int ret;

	ret = read_index(dev, q->device, &used);
	if (ret)
		return ret;
	taken -= used;
	/* A base that does not fit says nothing. */
	*nr = taken > q->size ? 0 : taken;
	return 0;
}

static int count(const struct vhost_device *dev, uint16_t queue,
		 unsigned int *nr)
{
	*nr = 0;
	if (vhost_inflight_suspends(dev))
		return 0;
	if (dev->inflight_fd >= 0)
		return queue < dev->inflight.num_queues ?
			       count_tracked(dev, queue, nr) :
			       0;
	if (!dev->options.type.completes ||
	    virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED))
		return 0;
	return count_used(dev, queue, nr);
}

/*
 * Wait until the caller should look again. The back end may need a reply before it completes
 * a request, so serve its channel.
 */
static int wait_moment(struct vhost_device *dev)
{
	struct vhost_backend *b = dev->conn.backend;
	struct pollfd fds[] = {
		{ .fd = vhost_backend_fd(b) },
		{ .fd = vhost_backend_req_fd(b), .events = POLLIN },
	};
	int ret = vhost_wait_moment(dev, fds, 2, LOOK_MS);

	if (ret <= 0)
		return ret;
	return fds[0].revents ? -ENOTCONN : vhost_backend_process(b);
}

static int drain_ring(struct vhost_device *dev, uint16_t queue)
{
	unsigned int left;
	int ret;

	if (!vhost_backend_connected(dev->conn.backend))
		return -ENOTCONN;
	do {
		ret = count(dev, queue, &left);
		if (!ret && !left)
			return 0;
		ret = ret ?: wait_moment(dev);
	} while (!ret);
	if (ret == -ETIMEDOUT)
		vhost_say(
			dev,
			"ring %u has requests in flight after it was stopped: %u",
			queue, left);
	else
		vhost_say(dev,
			  "cannot see the requests in flight of ring %u: %s",
			  queue, strerror(-ret));
	return ret;
}

/* Wait until the back end has completed the requests before the index @end. */
static void wait_for_end(struct vhost_device *dev, uint16_t queue, uint16_t end)
{
	const struct virtio_queue *q = &dev->virtio.queues[queue];
	uint16_t used = 0;

	do {
		if (read_index(dev, q->device, &used))
			return;
		/* Indexes that do not fit say nothing. */
		end = (uint16_t)(end - used) > q->size ? used : end;
	} while (used != end && !wait_moment(dev));
}

/**
 * vhost_drain_before - wait for requests in flight before rings are asked to stop
 * @dev: device
 *
 * QEMU's library libvhost-user closes the call eventfd of a ring before it replies to
 * GET_VRING_BASE. If it must signal a completion afterwards, it completes no further request,
 * and closes the connection. So wait first for the requests that the driver has made
 * available by now. During a migration the driver is stopped, and makes no more available. Kick
 * each ring: the driver may not have kicked it yet.
 */
void vhost_drain_before(struct vhost_device *dev)
{
	uint16_t i, end;

	if (!dev->options.type.completes || vhost_inflight_suspends(dev) ||
	    virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED))
		return;
	for (i = 0; i < dev->virtio.nr_queues; i++) {
		if (!dev->queues[i].started ||
		    read_index(dev, dev->virtio.queues[i].driver, &end))
			continue;
		eventfd_write(dev->queues[i].kick, 1);
		wait_for_end(dev, i, end);
	}
}

/**
 * vhost_drain - wait until the back end has completed the requests of the stopped rings
 * @dev: device. Call vhost_ring_ask_stop() for each ring before.
 *
 * Does nothing with GET_VRING_BASE_INFLIGHT, since then the back end has cancelled the
 * requests, nor if nothing shows them: without INFLIGHT_SHMFD only split rings show them, and
 * only of a device that has no buffers which wait for an event.
 *
 * Return: 0; or after reporting the reason -ETIMEDOUT, and @draining of the rings stays set; or
 * -ENOTCONN because the back end has closed the connection, or the error with which the
 * requests cannot be seen.
 */
int vhost_drain(struct vhost_device *dev)
{
	struct vhost_queue *queue;
	uint16_t i;
	int ret = 0;

	for (i = 0; i < dev->virtio.nr_queues; i++) {
		queue = &dev->queues[i];
		if (!queue->draining)
			continue;
		ret = ret ?: drain_ring(dev, i);
		queue->draining = ret == -ETIMEDOUT;
		queue->unfinished = ret && ret != -ETIMEDOUT;
	}
	return ret;
}

/** vhost_drain_close - close the connection, because requests are left */
void vhost_drain_close(struct vhost_device *dev)
{
	vhost_say(dev, "connection closed, because requests are left");
	vhost_backend_disconnect(dev->conn.backend);
}

/**
 * vhost_drain_or_close - as vhost_drain(), but close the connection if requests are left
 *
 * A back end must not complete them when their memory is unmapped, or when the driver uses the
 * ring for something else.
 */
void vhost_drain_or_close(struct vhost_device *dev)
{
	if (vhost_drain(dev))
		vhost_drain_close(dev);
}
