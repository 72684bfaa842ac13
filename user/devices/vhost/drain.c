// SPDX-License-Identifier: GPL-2.0
/*
 * The requests in flight of rings that stop.
 *
 * A back end must complete them before it replies to GET_VRING_BASE. QEMU's library
 * libvhost-user does not: it stops to take requests, replies, and completes the requests in
 * flight later. Such a write would reach memory that the driver uses for something else after
 * a reset, or that a migration has copied already. The memory for requests in flight
 * (INFLIGHT_SHMFD) shows when a back end is done.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dirty.h"
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

/**
 * struct layout - the memory of one ring
 * @head: bytes of the header
 * @entry: bytes of an entry
 * @nr: number of entries
 */
struct layout {
	size_t head;
	size_t entry;
	unsigned int nr;
};

/* Not more entries than the memory of @size bytes has room for. */
static struct layout layout_of(const struct vhost_device *dev, uint64_t size)
{
	bool packed = virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED);
	struct layout l = {
		.head = packed ? PACKED_HEAD : SPLIT_HEAD,
		.entry = packed ? PACKED_ENTRY : SPLIT_ENTRY,
	};
	uint64_t room = size < l.head ? 0 : (size - l.head) / l.entry;

	l.nr = room < dev->inflight.queue_size ? room :
						 dev->inflight.queue_size;
	return l;
}

static unsigned int count(const struct layout *l, const uint8_t *entries)
{
	unsigned int i, nr = 0;

	for (i = 0; i < l->nr; i++)
		nr += entries[i * l->entry] == 1;
	return nr;
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

/*
 * Wait until no request is in flight. @at: the ring's memory, @entries: has room for its
 * entries.
 */
static int wait_for_requests(struct vhost_device *dev, uint16_t queue,
			     uint64_t at, const struct layout *l,
			     uint8_t *entries)
{
	unsigned int left = 0;
	int ret;

	do {
		ret = vhost_inflight_read(dev, at + l->head, entries,
					  l->nr * l->entry);
		if (ret)
			break;
		left = count(l, entries);
		if (!left)
			return 0;
		ret = wait_moment(dev);
	} while (!ret);
	if (ret == -ETIMEDOUT)
		vhost_say(
			dev,
			"ring %u has requests in flight after its stop (%u): closing the connection",
			queue, left);
	else
		vhost_say(
			dev,
			"cannot see the requests in flight of ring %u: %s: closing the connection",
			queue, strerror(-ret));
	return ret;
}

static int drain_ring(struct vhost_device *dev, uint16_t queue)
{
	struct layout l;
	uint8_t *entries;
	uint64_t size;
	int ret;

	if (!vhost_inflight_outlasts_stop(dev) ||
	    queue >= dev->inflight.num_queues)
		return 0;
	if (!vhost_backend_connected(dev->conn.backend))
		return -ENOTCONN;
	size = dev->inflight.mmap_size / dev->inflight.num_queues;
	l = layout_of(dev, size);
	entries = calloc(l.nr + 1, l.entry);
	if (!entries)
		return -ENOMEM;
	ret = wait_for_requests(dev, queue, queue * size, &l, entries);
	free(entries);
	return ret;
}

/**
 * vhost_drain - wait until the back end has completed the requests of the stopped rings
 * @dev: device. Call vhost_ring_ask_stop() for each ring before.
 *
 * Does nothing without INFLIGHT_SHMFD, since then nothing shows the requests, and with
 * GET_VRING_BASE_INFLIGHT, since then the back end has cancelled the requests.
 *
 * If the back end does not complete them in time, the connection is closed: the next back end
 * does what is left.
 *
 * Return: 0; or after reporting the reason -ETIMEDOUT, -ENOTCONN because the back end has
 * closed the connection, -EIO because it has truncated the memory, or -ENOMEM.
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
		queue->draining = false;
		ret = ret ?: drain_ring(dev, i);
		queue->unfinished = ret;
	}
	if (!ret)
		return 0;
	/* Some writes may not be in the log. */
	vhost_dirty_all(dev);
	vhost_backend_disconnect(dev->conn.backend);
	return ret;
}
