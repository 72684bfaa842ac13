// SPDX-License-Identifier: GPL-2.0
/*
 * All rings of the device. They start at DRIVER_OK. By then the driver has set
 * up all rings, and the client has set up interrupts.
 */
#include "config.h"
#include "control.h"
#include "drain.h"
#include "features.h"
#include "inflight.h"
#include "irq.h"
#include "keep.h"
#include "queue.h"
#include "ring.h"
#include "rings.h"
#include "say.h"

static struct vhost_backend *backend_of(struct vhost_device *dev)
{
	return dev->conn.backend;
}

/**
 * vhost_rings_start_queue - start one ring, at the back end or in this process;
 * 0, or the error of the request to the back end
 */
int vhost_rings_start_queue(struct vhost_device *dev, uint16_t queue)
{
	return vhost_queue_is_control(dev, queue) ?
		       vhost_control_start(dev, queue) :
		       vhost_ring_start(dev, queue);
}

static int set_status(struct vhost_device *dev, uint8_t status)
{
	struct vhost_backend *b = backend_of(dev);

	dev->driver_ok_sent = status;
	if (!vhost_backend_has(b, VHOST_USER_PROTOCOL(STATUS)))
		return 0;
	return vhost_backend_set_status(b, status);
}

/*
 * Reset the back end: by its status or, if it has none, by RESET_DEVICE. That may remove
 * its memory table, so send the table again.
 */
static int reset_backend(struct vhost_device *dev)
{
	struct vhost_backend *b = backend_of(dev);
	int ret;

	if (vhost_backend_has(b, VHOST_USER_PROTOCOL(STATUS)) ||
	    !vhost_backend_has(b, VHOST_USER_PROTOCOL(RESET_DEVICE)))
		return set_status(dev, 0);
	dev->driver_ok_sent = false;
	ret = vhost_backend_reset_device(b);
	return ret ?: vhost_dma_repeat(&dev->dma, b);
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

/*
 * A back end that creates a ring at its first message gives memory for requests in flight
 * only to the rings that exist.
 */
static int announce(struct vhost_device *dev)
{
	uint16_t i;
	int ret = 0;

	if (!vhost_backend_has(backend_of(dev),
			       VHOST_USER_PROTOCOL(INFLIGHT_SHMFD)))
		return 0;
	for (i = 0; i < dev->virtio.nr_queues && !ret; i++)
		if (!vhost_queue_is_control(dev, i))
			ret = vhost_ring_announce(dev, i);
	return ret;
}

/*
 * Whether a ring waits for its memory. A ring of a lost back end or of a killed process waits,
 * too.
 */
static bool waits(struct vhost_device *dev, uint16_t queue)
{
	struct vhost_queue *q = &dev->queues[queue];

	if (dev->resuming && !q->paused && !vhost_queue_is_control(dev, queue))
		q->paused = q->unfinished = true;
	return vhost_queue_lacks_memory(dev, queue);
}

/**
 * vhost_rings_start - start all rings that the driver has enabled and whose
 * memory is mapped; 0, or the error of the request to the back end
 */
int vhost_rings_start(struct vhost_device *dev)
{
	struct vhost_backend *b = backend_of(dev);
	uint16_t i;
	int ret;

	ret = vhost_backend_set_features(b, vhost_features_pass(dev));
	if (!ret)
		ret = announce(dev);
	if (!ret)
		ret = vhost_inflight_set_up(dev);
	/* The driver must not see a used buffer of a ring that is not kept. */
	vhost_keep(dev);
	if (!ret)
		ret = vhost_dma_map(&dev->dma, b);
	/*
	 * The log comes after the memory: some back ends apply the log only to
	 * memory that they know already.
	 */
	if (!ret)
		ret = set_log(dev);
	if (!ret)
		ret = set_mtu(dev);
	for (i = 0; i < dev->virtio.nr_queues && !ret; i++)
		if (dev->virtio.queues[i].enabled && !waits(dev, i))
			ret = vhost_rings_start_queue(dev, i);
	if (!ret)
		ret = set_status(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE |
					      VIRTIO_CONFIG_S_DRIVER |
					      VIRTIO_CONFIG_S_FEATURES_OK |
					      VIRTIO_CONFIG_S_DRIVER_OK);
	dev->live = !ret;
	return ret;
}

static int ops_start(void *ctx)
{
	struct vhost_device *dev = ctx;
	int ret;

	/* The rings start when the client lets the device run. */
	if (dev->stopped)
		return 0;
	ret = vhost_connection_reopen(&dev->conn);
	if (!ret)
		ret = vhost_rings_start(dev);
	vhost_say_failed(dev, "cannot start the rings", ret);
	if (ret)
		vhost_rings_stop(dev);
	return ret;
}

/**
 * vhost_rings_resume - continue with a new back end, where the previous one
 * stopped
 * @dev: device whose back end tracks requests in flight
 *
 * Return: 0, or -errno after asking the driver to reset the device.
 */
int vhost_rings_resume(struct vhost_device *dev)
{
	int ret;

	dev->resuming = true;
	ret = vhost_say_failed(dev, "cannot continue with the rings",
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
	vhost_keep(dev);
	return vhost_say_failed(dev, "cannot start a ring",
				vhost_rings_start_queue(dev, queue));
}

static void ops_queue_stop(void *ctx, uint16_t queue)
{
	struct vhost_device *dev = ctx;

	if (vhost_queue_is_control(dev, queue)) {
		vhost_ring_discard(dev, queue);
		vhost_control_stop(dev);
		return;
	}
	vhost_drain_before(dev);
	vhost_ring_ask_stop(dev, queue);
	vhost_drain_or_close(dev);
	vhost_ring_discard(dev, queue);
	if (!vhost_inflight_reset_ring(dev, queue))
		return;
	vhost_say(dev, "cannot remove the requests in flight of ring %u",
		  queue);
	virtio_need_reset(&dev->virtio);
}

/**
 * vhost_rings_stop - stop all rings; none runs when this function returns
 * @dev: device
 */
void vhost_rings_stop(struct vhost_device *dev)
{
	uint16_t i;

	vhost_drain_before(dev);
	vhost_control_stop(dev);
	for (i = 0; i < dev->virtio.nr_queues; i++) {
		dev->driver_ok_sent = dev->driver_ok_sent ||
				      dev->queues[i].started;
		vhost_ring_ask_stop(dev, i);
	}
	vhost_drain_or_close(dev);
	for (i = 0; i < dev->virtio.nr_queues; i++)
		vhost_ring_discard(dev, i);
	dev->live = false;
	if (dev->driver_ok_sent && vhost_backend_connected(backend_of(dev)))
		reset_backend(dev);
}

/**
 * vhost_rings_can_continue - whether the next back end can continue without the
 * internal state of the previous one
 */
bool vhost_rings_can_continue(const struct vhost_device *dev)
{
	return vhost_inflight_can_resume(dev) ||
	       (dev->stopped && dev->options.type.stateless);
}

/** vhost_rings_lost - note that no ring runs, because the back end was lost */
void vhost_rings_lost(struct vhost_device *dev)
{
	bool kept = vhost_rings_can_continue(dev);
	uint16_t i;

	dev->live = false;
	dev->driver_ok_sent = false;
	for (i = 0; i < dev->virtio.nr_queues; i++)
		vhost_ring_lost(dev, i, kept);
}

/**
 * vhost_rings_log - have the back end start or stop logging writes
 * @dev: device
 *
 * Return: 0, also when no ring runs; or the error of the request to the back
 * end.
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
			ret = vhost_ring_set_addr(dev, i);
	return vhost_say_failed(dev, "cannot log writes", ret);
}

/**
 * vhost_rings_log_base - pass the log to the back end again, after the log or
 * the memory has changed; returns as vhost_rings_log()
 */
int vhost_rings_log_base(struct vhost_device *dev)
{
	return dev->live ? vhost_say_failed(dev, "cannot log writes",
					    set_log(dev)) :
			   0;
}

static void ops_queue_vector(void *ctx, uint16_t queue)
{
	vhost_irq_reroute(ctx, queue);
}

static void ops_reset(void *ctx)
{
	struct vhost_device *dev = ctx;

	vhost_rings_stop(dev);
	vhost_inflight_release(dev);
	vhost_irq_reset(dev);
	if (dev->net) {
		vhost_net_reset(&dev->net_dev);
		vhost_config_refresh(dev);
	}
}

/* The status has changed: DEVICE_NEEDS_RESET is set. */
static void ops_config_changed(void *ctx)
{
	vhost_say(ctx, "the driver must reset the device");
	vhost_keep(ctx);
	vhost_irq_config(ctx);
}

const struct virtio_ops vhost_rings_ops = {
	.reset = ops_reset,
	.start = ops_start,
	.queue_start = ops_queue_start,
	.queue_stop = ops_queue_stop,
	.queue_vector = ops_queue_vector,
	.config_changed = ops_config_changed,
};
