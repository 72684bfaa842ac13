// SPDX-License-Identifier: GPL-2.0
/*
 * The rings at the back-end.  They start at DRIVER_OK, by when a driver has set
 * all of them up and the client its interrupts.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "internal.h"

static struct vhost_backend *backend_of(struct vhost_device *dev)
{
	return dev->link.backend;
}

/** vhost_ring_sizes - bytes of a queue's descriptors, driver and device area */
void vhost_ring_sizes(const struct vhost_device *dev,
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

/* A ring must lie where the client mapped memory, and be aligned. */
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
		vhost_say(dev, "queue %u has %u entries, no power of two",
			  index, q->size);
		return -EINVAL;
	}
	vhost_ring_sizes(dev, q, sizes);
	for (i = 0; i < 3; i++) {
		if (at[i] % align[i]) {
			vhost_say(dev, "queue %u: %s at %#jx: not aligned",
				  index, names[i], (uintmax_t)at[i]);
			return -EINVAL;
		}
		if (!vhost_mem_holds(&dev->mem, at[i], sizes[i])) {
			vhost_say(dev,
				  "queue %u: %s at %#jx: not in mapped memory",
				  index, names[i], (uintmax_t)at[i]);
			return -EFAULT;
		}
	}
	return 0;
}

/* Whether the driver uses a queue, of a network device with many pairs. */
static bool in_use(const struct vhost_device *dev, uint16_t queue)
{
	return !dev->net || queue < 2 * dev->net_dev.pairs;
}

static int enable_ring(struct vhost_device *dev, uint16_t queue)
{
	int ret = vhost_backend_set_vring_enable(backend_of(dev), queue,
						 in_use(dev, queue));

	/* Without protocol features a ring that has a kick is enabled. */
	return ret == -EOPNOTSUPP ? 0 : ret;
}

/*
 * Where a ring starts: with nothing in it.  Or where it was paused.  Or where a
 * back-end stopped without a word: that of a split ring is what it had given
 * back, that of a packed one is in the memory of what is in flight.
 */
static int find_base(struct vhost_device *dev, uint16_t index, uint32_t *base)
{
	const struct virtio_queue *q = &dev->virtio.queues[index];
	uint16_t used;
	int ret;

	*base = dev->queues[index].base;
	if (dev->queues[index].paused)
		return 0;
	*base = 0;
	if (virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED)) {
		*base = vhost_packed_base(0, 1, 0, 1);
		return 0;
	}
	if (!dev->resuming)
		return 0;
	ret = vuser_dma_read(dev->server, q->device + 2, &used, sizeof(used));
	if (!ret)
		*base = le16toh(used);
	return ret;
}

/*
 * Where a ring is, and whether writes to it are logged: those of used
 * descriptors, which in a packed ring are in the place of the others.
 */
static int set_addr(struct vhost_device *dev, uint16_t index)
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

static int start_ring(struct vhost_device *dev, uint16_t index)
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
	ret = vhost_backend_set_vring_num(b, index, q->size);
	if (!ret)
		ret = vhost_backend_set_vring_base(b, index, base);
	if (!ret)
		ret = set_addr(dev, index);
	if (!ret)
		ret = vhost_backend_set_vring_call(
			b, index, vhost_irq_call_fd(dev, index));
	if (!ret)
		ret = vhost_backend_set_vring_kick(b, index,
						   dev->queues[index].kick);
	if (!ret)
		ret = enable_ring(dev, index);
	if (ret)
		return ret;
	dev->queues[index].started = true;
	dev->queues[index].paused = false;
	/* What the driver made available before the back-end looked. */
	eventfd_write(dev->queues[index].kick, 1);
	return 0;
}

/** vhost_ring_stop - 0, or as a request of the back-end, and why has been said */
int vhost_ring_stop(struct vhost_device *dev, uint16_t index)
{
	struct vhost_queue *queue = &dev->queues[index];
	int ret = 0;

	queue->paused = false;
	if (!queue->started)
		return 0;
	queue->started = false;
	vhost_dirty_ring(dev, index);
	if (vhost_backend_connected(backend_of(dev)))
		ret = vhost_backend_get_vring_base(backend_of(dev), index,
						   &queue->base);
	if (ret)
		vhost_say(dev, "cannot stop ring %u: %s", index,
			  vhost_backend_error(backend_of(dev)));
	return ret;
}

/** vhost_ring_start - at the back-end, or here; 0, or as a request of the
 * back-end
 */
int vhost_ring_start(struct vhost_device *dev, uint16_t queue)
{
	return vhost_is_control(dev, queue) ? vhost_control_start(dev, queue) :
					      start_ring(dev, queue);
}

static int set_status(struct vhost_device *dev, uint8_t status)
{
	struct vhost_backend *b = backend_of(dev);

	dev->told = status;
	if (!vhost_backend_has(b, VHOST_USER_PROTOCOL(STATUS)))
		return 0;
	return vhost_backend_set_status(b, status);
}

static int set_mtu(struct vhost_device *dev)
{
	struct vhost_backend *b = backend_of(dev);

	if (!dev->net || !dev->net_dev.mtu ||
	    !vhost_backend_has(b, VHOST_USER_PROTOCOL(MTU)))
		return 0;
	return vhost_backend_net_set_mtu(b, dev->net_dev.mtu);
}

static int set_log(struct vhost_device *dev)
{
	if (!vhost_log_on(&dev->log))
		return 0;
	return vhost_backend_set_log_base(backend_of(dev), dev->log.size, 0,
					  dev->log.fd);
}

/** vhost_rings_start - all that the driver enabled and whose memory is there; 0,
 * or as a request of the back-end
 */
int vhost_rings_start(struct vhost_device *dev)
{
	struct vhost_backend *b = backend_of(dev);
	uint16_t i;
	int ret;

	ret = vhost_backend_set_features(b, vhost_features_pass(dev));
	if (!ret)
		ret = vhost_inflight_give(dev);
	if (!ret)
		ret = vhost_mem_tell(&dev->mem, b);
	/* Some give the log to the memory that they have by then. */
	if (!ret)
		ret = set_log(dev);
	if (!ret)
		ret = set_mtu(dev);
	for (i = 0; i < dev->virtio.nr_queues && !ret; i++)
		if (dev->virtio.queues[i].enabled && !vhost_ring_waits(dev, i))
			ret = vhost_ring_start(dev, i);
	if (!ret)
		ret = set_status(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE |
					      VIRTIO_CONFIG_S_DRIVER |
					      VIRTIO_CONFIG_S_FEATURES_OK |
					      VIRTIO_CONFIG_S_DRIVER_OK);
	dev->live = !ret;
	return ret;
}

/** vhost_report - say what went wrong, unless it was the driver, of which that has
 * been said; @ret
 */
int vhost_report(struct vhost_device *dev, const char *what, int ret)
{
	if (ret && ret != -EFAULT && ret != -EINVAL)
		vhost_say(dev, "%s: %s", what,
			  vhost_backend_error(backend_of(dev)));
	return ret;
}

static int ops_start(void *ctx)
{
	struct vhost_device *dev = ctx;
	int ret;

	/* Until the client has the device run. */
	if (dev->stopped)
		return 0;
	ret = vhost_link_again(&dev->link);
	if (!ret)
		ret = vhost_rings_start(dev);
	vhost_report(dev, "cannot start the rings", ret);
	if (ret)
		vhost_rings_stop(dev);
	return ret;
}

/**
 * vhost_rings_resume - go on with a new back-end, where that before stopped
 * @dev: device; its back-end keeps track of what is in flight
 *
 * Return: 0, or -errno after the driver was told to reset the device.
 */
int vhost_rings_resume(struct vhost_device *dev)
{
	int ret;

	dev->resuming = true;
	ret = vhost_report(dev, "cannot go on with the rings",
			   vhost_rings_start(dev));
	dev->resuming = false;
	if (ret) {
		vhost_rings_stop(dev);
		virtio_need_reset(&dev->virtio);
		return ret;
	}
	vhost_irq_resume(dev);
	return 0;
}

static int ops_queue_start(void *ctx, uint16_t queue)
{
	struct vhost_device *dev = ctx;

	if (dev->stopped)
		return 0;
	return vhost_report(dev, "cannot start a ring",
			    vhost_ring_start(dev, queue));
}

static void ops_queue_stop(void *ctx, uint16_t queue)
{
	struct vhost_device *dev = ctx;

	dev->queues[queue].paused = false;
	if (vhost_is_control(dev, queue))
		vhost_control_stop(dev);
	else
		vhost_ring_stop(dev, queue);
}

/**
 * vhost_rings_stop - no ring is served any more when this returns
 * @dev: device
 */
void vhost_rings_stop(struct vhost_device *dev)
{
	uint16_t i;

	dev->live = false;
	vhost_control_stop(dev);
	for (i = 0; i < dev->virtio.nr_queues; i++) {
		dev->told = dev->told || dev->queues[i].started;
		vhost_ring_stop(dev, i);
	}
	if (dev->told && vhost_backend_connected(backend_of(dev)))
		set_status(dev, 0);
}

/** vhost_rings_lost - the back-end is gone and the rings with it */
void vhost_rings_lost(struct vhost_device *dev)
{
	bool kept = vhost_can_go_on(dev);
	uint16_t i;

	dev->live = false;
	dev->told = false;
	for (i = 0; i < dev->virtio.nr_queues; i++) {
		dev->queues[i].started = false;
		dev->queues[i].paused = dev->queues[i].paused && kept;
	}
}

/** vhost_rings_enable - the driver uses more or less of the queues; 0 or as a
 * request of the back-end
 */
int vhost_rings_enable(struct vhost_device *dev)
{
	uint16_t i;
	int ret = 0;

	for (i = 0; i < dev->virtio.nr_queues && !ret; i++)
		if (dev->queues[i].started)
			ret = enable_ring(dev, i);
	return vhost_report(dev, "cannot enable rings", ret);
}

/**
 * vhost_rings_log - writes are logged from now on, or no more
 * @dev: device
 *
 * Return: 0, also when no ring is served; or as a request of the back-end.
 */
int vhost_rings_log(struct vhost_device *dev)
{
	uint16_t i;
	int ret;

	if (!dev->live)
		return 0;
	ret = set_log(dev);
	if (!ret)
		ret = vhost_backend_set_features(backend_of(dev),
						 vhost_features_pass(dev));
	for (i = 0; i < dev->virtio.nr_queues && !ret; i++)
		if (dev->queues[i].started)
			ret = set_addr(dev, i);
	return vhost_report(dev, "cannot log writes", ret);
}

/** vhost_rings_log_base - the log or memory is another one, likewise */
int vhost_rings_log_base(struct vhost_device *dev)
{
	return dev->live ?
		       vhost_report(dev, "cannot log writes", set_log(dev)) :
		       0;
}

/**
 * vhost_rings_call - what a queue's interrupt goes to has changed
 * @dev: device
 * @queue: which
 *
 * What came before it, came to our own eventfd: it is passed on.
 */
void vhost_rings_call(struct vhost_device *dev, uint16_t queue)
{
	int fd = vhost_irq_call_fd(dev, queue);
	eventfd_t count;

	if (dev->queues[queue].started &&
	    vhost_backend_set_vring_call(backend_of(dev), queue, fd))
		vhost_say(dev, "cannot set the call of ring %u: %s", queue,
			  vhost_backend_error(backend_of(dev)));
	if (fd != dev->queues[queue].call &&
	    !eventfd_read(dev->queues[queue].call, &count))
		eventfd_write(fd, 1);
}

static void ops_queue_vector(void *ctx, uint16_t queue)
{
	vhost_rings_call(ctx, queue);
}

static void ops_reset(void *ctx)
{
	struct vhost_device *dev = ctx;

	vhost_rings_stop(dev);
	vhost_inflight_forget(dev);
	vhost_irq_reset(dev);
	if (dev->net) {
		vhost_net_reset(&dev->net_dev);
		vhost_config_refresh(dev);
	}
}

/* The status did, by DEVICE_NEEDS_RESET. */
static void ops_config_changed(void *ctx)
{
	vhost_say(ctx, "the driver has to reset the device");
	vhost_irq_config(ctx);
}

const struct virtio_ops vhost_ring_ops = {
	.reset = ops_reset,
	.start = ops_start,
	.queue_start = ops_queue_start,
	.queue_stop = ops_queue_stop,
	.queue_vector = ops_queue_vector,
	.config_changed = ops_config_changed,
};
