// SPDX-License-Identifier: GPL-2.0
/*
 * The control queue of a network device. This process serves it, because back
 * ends do not. libvuser copies from and to its memory, and copes with a client
 * that truncates the file at any time.
 */
#include <endian.h>
#include <sys/eventfd.h>

#include "config.h"
#include "control.h"
#include "irq.h"
#include "keep.h"
#include "ring.h"
#include "say.h"

static int mem_read(void *ctx, uint64_t iova, void *buf, size_t len)
{
	struct vhost_device *dev = ctx;

	return vuser_dma_read(dev->server, iova, buf, len);
}

static int mem_write(void *ctx, uint64_t iova, const void *buf, size_t len)
{
	struct vhost_device *dev = ctx;

	vhost_log_mark(&dev->log, iova, len);
	return vuser_dma_write(dev->server, iova, buf, len);
}

static int on_kick(sd_event_source *source, int fd, uint32_t revents,
		   void *data)
{
	struct vhost_device *dev = data;
	eventfd_t count;
	bool more;
	int ret;

	(void)source;
	(void)revents;
	eventfd_read(fd, &count);
	ret = vhost_net_serve(&dev->net_dev, &dev->ctrl, dev->virtio.accepted,
			      &more);
	if (more)
		eventfd_write(fd, 1);
	vhost_keep(dev);
	if (ret > 0)
		vhost_irq_queue(dev,
				vhost_net_ctrl_queue(&dev->net_dev,
						     dev->virtio.accepted));
	if (ret >= 0)
		return 0;
	vhost_say(dev, "the driver has corrupted the control queue");
	vhost_control_stop(dev);
	virtio_need_reset(&dev->virtio);
	return 0;
}

static int pairs_changed(void *ctx, uint16_t pairs)
{
	(void)pairs;
	return vhost_ring_enable_started(ctx);
}

/* The driver sees the result of a command after this. */
static void changed(void *ctx)
{
	struct vhost_device *dev = ctx;

	vhost_config_refresh(dev);
	vhost_keep(dev);
}

/*
 * Find the position at which the queue starts. A split ring of a process that was killed
 * continues at its used index.
 */
static int set_base(struct vhost_device *dev, uint16_t queue)
{
	uint16_t used;
	int ret;

	if (dev->queues[queue].paused) {
		vqueue_set_base(&dev->ctrl, dev->queues[queue].base);
		return 0;
	}
	if (!dev->resuming || dev->ctrl.packed)
		return 0;
	ret = vuser_dma_read(dev->server, dev->virtio.queues[queue].device + 2,
			     &used, sizeof(used));
	if (!ret)
		vqueue_set_base(&dev->ctrl, le16toh(used));
	return ret;
}

/** vhost_control_start - start to serve the control queue; 0 or -errno */
int vhost_control_start(struct vhost_device *dev, uint16_t queue)
{
	int ret;

	/* The queue is being served already, and only the back end is new. */
	if (dev->ctrl_watch)
		return 0;
	dev->ring_mem = (struct vqueue_mem) { mem_read, mem_write, dev };
	dev->net_dev.pairs_changed = pairs_changed;
	dev->net_dev.changed = changed;
	dev->net_dev.ctx = dev;
	vqueue_init(&dev->ctrl, &dev->ring_mem, &dev->virtio.queues[queue],
		    dev->virtio.accepted);
	ret = set_base(dev, queue);
	if (ret)
		return ret;
	ret = sd_event_add_io(dev->event, &dev->ctrl_watch,
			      dev->queues[queue].kick, EPOLLIN, on_kick, dev);
	if (ret < 0)
		return ret;
	dev->queues[queue].paused = false;
	eventfd_write(dev->queues[queue].kick, 1);
	return 0;
}

/** vhost_control_suspend - stop serving the queue, and keep its position */
void vhost_control_suspend(struct vhost_device *dev)
{
	struct vhost_queue *q = &dev->queues[vhost_net_ctrl_queue(
		&dev->net_dev, dev->virtio.accepted)];

	if (!dev->ctrl_watch)
		return;
	q->paused = true;
	q->base = vqueue_base(&dev->ctrl);
	vhost_control_stop(dev);
}

/** vhost_control_stop - stop serving the queue */
void vhost_control_stop(struct vhost_device *dev)
{
	dev->ctrl_watch = sd_event_source_disable_unref(dev->ctrl_watch);
}
