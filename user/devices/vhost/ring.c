// SPDX-License-Identifier: GPL-2.0
/* One ring at the back end. */
#include <endian.h>
#include <errno.h>
#include <sys/eventfd.h>

#include "irq.h"
#include "queue.h"
#include "ring.h"
#include "say.h"

static struct vhost_backend *backend_of(struct vhost_device *dev)
{
	return dev->conn.backend;
}

/* A ring must be aligned and lie in mapped memory. */
static int check_ring(struct vhost_device *dev, uint16_t index)
{
	const struct virtio_queue *q = &dev->virtio.queues[index];
	const uint64_t at[3] = { q->desc, q->driver, q->device };
	static const char *const names[3] = { "descriptors", "driver area",
					      "device area" };
	bool packed = virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED);
	const unsigned int align[3] = { 16, packed ? 4 : 2, 4 };
	uint64_t sizes[3];
	int i;

	if (!packed && q->size & (q->size - 1)) {
		vhost_say(
			dev,
			"queue %u has %u entries, which is not a power of two",
			index, q->size);
		return -EINVAL;
	}
	vhost_queue_sizes(dev, q, sizes);
	for (i = 0; i < 3; i++) {
		if (at[i] % align[i]) {
			vhost_say(dev,
				  "queue %u: the %s at %#jx is not aligned",
				  index, names[i], (uintmax_t)at[i]);
			return -EINVAL;
		}
		if (!vhost_dma_holds(&dev->dma, at[i], sizes[i])) {
			vhost_say(
				dev,
				"queue %u: the %s at %#jx is not in mapped memory",
				index, names[i], (uintmax_t)at[i]);
			return -EFAULT;
		}
	}
	return 0;
}

/*
 * A driver of a network device may use fewer queue pairs than the device has.
 */
static bool in_use(const struct vhost_device *dev, uint16_t queue)
{
	return !dev->net || queue < 2 * dev->net_dev.pairs;
}

static int enable_ring(struct vhost_device *dev, uint16_t queue)
{
	int ret = vhost_backend_set_vring_enable(backend_of(dev), queue,
						 in_use(dev, queue));

	/*
	 * Without protocol features, a ring is enabled as soon as it has a kick
	 * eventfd.
	 */
	return ret == -EOPNOTSUPP ? 0 : ret;
}

/*
 * Whether a ring that has been enabled must be kicked. The driver may have made buffers
 * available before, and back ends built on the crate vhost-user-backend drop the kicks of
 * a ring that is not enabled. @kicked: the driver kicked it before the back end had the
 * eventfd.
 */
static bool needs_kick(const struct vhost_device *dev, uint16_t queue,
		       bool kicked)
{
	return kicked || dev->queues[queue].paused || dev->resuming ||
	       !dev->options.type.no_first_kick;
}

/*
 * Pass the kick eventfd of a ring, and enable the ring. The back end has enabled it when
 * vhost_backend_set_vring_enable() returns, so it sees the kick afterwards.
 */
static int run_ring(struct vhost_device *dev, uint16_t queue)
{
	int kick = dev->queues[queue].kick, ret;
	eventfd_t count;
	bool kicked = !eventfd_read(kick, &count);

	ret = vhost_backend_set_vring_kick(backend_of(dev), queue, kick);
	if (!ret)
		ret = enable_ring(dev, queue);
	if (!ret && needs_kick(dev, queue, kicked))
		eventfd_write(kick, 1);
	return ret;
}

/*
 * Find the position at which a ring starts: its beginning, the position where it
 * was paused, or the position where the previous back end was lost. In the last
 * case, a split ring continues at its used index. For a packed ring, the back end
 * finds the position in the memory that tracks requests in flight.
 */
static int find_base(struct vhost_device *dev, uint16_t index, uint32_t *base)
{
	const struct virtio_queue *q = &dev->virtio.queues[index];
	uint16_t used;
	int ret;

	*base = dev->queues[index].base;
	if (dev->queues[index].paused && !dev->queues[index].unfinished)
		return 0;
	*base = 0;
	if (virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED)) {
		*base = vhost_packed_base(0, 1, 0, 1);
		return 0;
	}
	if (!dev->resuming && !dev->queues[index].unfinished)
		return 0;
	ret = vuser_dma_read(dev->server, q->device + 2, &used, sizeof(used));
	if (!ret)
		*base = le16toh(used);
	return ret;
}

/**
 * vhost_ring_set_addr - set where a ring lies, and whether writes to it are
 * logged
 *
 * The back end logs writes of used descriptors. In a packed ring, these replace
 * the available descriptors.
 */
int vhost_ring_set_addr(struct vhost_device *dev, uint16_t index)
{
	const struct virtio_queue *q = &dev->virtio.queues[index];
	bool packed = virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED);
	struct vhost_vring_addr addr = {
		.index = index,
		.desc_user_addr = q->desc,
		.avail_user_addr = q->driver,
		.used_user_addr = q->device,
	};

	if (vhost_log_on(&dev->log)) {
		addr.flags = 1 << VHOST_VRING_F_LOG;
		addr.log_guest_addr = packed ? q->desc : q->device;
	}
	return vhost_backend_set_vring_addr(backend_of(dev), &addr);
}

static int on_error(sd_event_source *source, int fd, uint32_t revents,
		    void *data)
{
	struct vhost_device *dev = data;
	eventfd_t count;
	uint16_t i = 0;

	(void)source;
	(void)revents;
	eventfd_read(fd, &count);
	while (dev->queues[i].err != fd)
		i++;
	if (!(dev->virtio.status & VIRTIO_CONFIG_S_NEEDS_RESET))
		vhost_say(dev, "the back end reports an error in ring %u", i);
	virtio_need_reset(&dev->virtio);
	return 0;
}

/* Watch for errors that the back end finds in a ring, while the ring runs. */
static int watch_errors(struct vhost_device *dev, struct vhost_queue *queue)
{
	eventfd_t count;

	/* An error of an earlier run, which ended before it was handled. */
	eventfd_read(queue->err, &count);
	return sd_event_add_io(dev->event, &queue->err_watch, queue->err,
			       EPOLLIN, on_error, dev);
}

/* The ring does not run at the back end any more. */
static void end_run(struct vhost_queue *queue)
{
	queue->started = false;
	queue->err_watch = sd_event_source_disable_unref(queue->err_watch);
}

/**
 * vhost_ring_announce - send the first message about a ring: its error eventfd
 * @dev: device
 * @index: index of the queue
 *
 * Some back ends create a ring at the first message about it (DPDK's vhost library).
 *
 * Return: 0, or the error of the request to the back end.
 */
int vhost_ring_announce(struct vhost_device *dev, uint16_t index)
{
	return vhost_backend_set_vring_err(backend_of(dev), index,
					   dev->queues[index].err);
}

/**
 * vhost_ring_start - start a ring that the driver has set up
 * @dev: device
 * @index: index of the queue
 *
 * Return: 0; -EINVAL or -EFAULT after reporting an error of the driver; or the
 * error of the request to the back end.
 */
int vhost_ring_start(struct vhost_device *dev, uint16_t index)
{
	const struct virtio_queue *q = &dev->virtio.queues[index];
	struct vhost_backend *b = backend_of(dev);
	uint32_t base;
	int ret;

	ret = check_ring(dev, index);
	if (!ret)
		ret = find_base(dev, index, &base);
	if (ret)
		return ret;
	ret = vhost_ring_announce(dev, index);
	if (!ret)
		ret = vhost_backend_set_vring_num(b, index, q->size);
	if (!ret)
		ret = vhost_backend_set_vring_base(b, index, base);
	if (!ret)
		ret = vhost_ring_set_addr(dev, index);
	if (!ret)
		ret = vhost_backend_set_vring_call(
			b, index, vhost_irq_call_fd(dev, index));
	if (!ret)
		ret = run_ring(dev, index);
	if (ret)
		return ret;
	dev->queues[index].started = true;
	vhost_ring_discard(dev, index);
	ret = watch_errors(dev, &dev->queues[index]);
	return ret < 0 ? ret : 0;
}

/**
 * vhost_ring_ask_stop - have the back end stop a ring
 * @dev: device
 * @index: index of the queue
 *
 * The caller asks for each ring that is to stop, and then calls vhost_drain(): so no ring
 * takes new requests while vhost_drain() waits for another one.
 *
 * Return: 0, also if the ring does not run; or the error of the request to the back end, after
 * reporting it.
 */
int vhost_ring_ask_stop(struct vhost_device *dev, uint16_t index)
{
	struct vhost_queue *queue = &dev->queues[index];
	int ret;

	queue->paused = queue->unfinished = false;
	if (!queue->started)
		return 0;
	end_run(queue);
	vhost_queue_mark_dirty(dev, index);
	queue->unfinished = true;
	if (!vhost_backend_connected(backend_of(dev)))
		return 0;
	ret = vhost_backend_get_vring_base(backend_of(dev), index,
					   &queue->base);
	if (ret) {
		vhost_say(dev, "cannot stop ring %u: %s", index,
			  vhost_backend_error(backend_of(dev)));
		return ret;
	}
	queue->unfinished = false;
	queue->draining = true;
	return 0;
}

/**
 * vhost_ring_discard - discard the position of a stopped ring: the driver has reset its queue
 * or the device
 */
void vhost_ring_discard(struct vhost_device *dev, uint16_t index)
{
	struct vhost_queue *queue = &dev->queues[index];

	queue->paused = queue->unfinished = queue->draining = false;
}

/**
 * vhost_ring_lost - note that a ring does not run, because the back end was lost
 * @dev: device
 * @index: index of the queue
 * @kept: the next back end can continue with the ring
 */
void vhost_ring_lost(struct vhost_device *dev, uint16_t index, bool kept)
{
	struct vhost_queue *queue = &dev->queues[index];

	queue->unfinished = queue->unfinished || queue->started ||
			    queue->draining;
	queue->draining = false;
	queue->paused = kept && (queue->paused || queue->started);
	end_run(queue);
}

/**
 * vhost_ring_enable_started - enable or disable each ring, after the driver has
 * changed the number of queues in use; 0, or the error of the request to the
 * back end
 */
int vhost_ring_enable_started(struct vhost_device *dev)
{
	uint16_t i;
	int ret = 0;

	for (i = 0; i < dev->virtio.nr_queues && !ret; i++)
		if (dev->queues[i].started)
			ret = enable_ring(dev, i);
	return vhost_say_failed(dev, "cannot enable rings", ret);
}
