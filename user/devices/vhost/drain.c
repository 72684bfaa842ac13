// SPDX-License-Identifier: GPL-2.0
/*
 * The requests in flight of a ring that stops.
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
 * Wait until no request is in flight. @at: the ring's memory, @entries: has room for its
 * entries, @left: set to the number of requests in flight.
 */
static int wait_for_requests(struct vhost_device *dev, uint64_t at,
			     const struct layout *l, uint8_t *entries,
			     unsigned int *left)
{
	int fd = vhost_backend_fd(dev->conn.backend), ret;

	do {
		ret = vhost_inflight_read(dev, at + l->head, entries,
					  l->nr * l->entry);
		if (ret)
			return ret;
		*left = count(l, entries);
		if (*left)
			ret = vhost_wait_moment(dev, fd, LOOK_MS);
	} while (*left && !ret);
	return ret;
}

/**
 * vhost_drain_ring - wait until the back end has completed the requests of a stopped ring
 * @dev: device, whose back end has replied to GET_VRING_BASE
 * @queue: index of the queue
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
int vhost_drain_ring(struct vhost_device *dev, uint16_t queue)
{
	unsigned int left = 0;
	struct layout l;
	uint8_t *entries;
	uint64_t size;
	int ret;

	if (!vhost_inflight_outlasts_stop(dev) ||
	    queue >= dev->inflight.num_queues)
		return 0;
	size = dev->inflight.mmap_size / dev->inflight.num_queues;
	l = layout_of(dev, size);
	entries = calloc(l.nr + 1, l.entry);
	ret = entries ?
		      wait_for_requests(dev, queue * size, &l, entries, &left) :
		      -ENOMEM;
	free(entries);
	if (!ret)
		return 0;
	vhost_say(dev,
		  "cannot stop ring %u: %u requests are still in flight: %s; "
		  "connection closed",
		  queue, left, strerror(-ret));
	vhost_backend_disconnect(dev->conn.backend);
	return ret;
}
