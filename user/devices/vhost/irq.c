// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts. With MSI-X, the back end signals the eventfd of the client
 * directly. While a vector has no eventfd, the back end signals an eventfd of
 * this process. When the client sets an eventfd for the vector, a pending signal
 * is passed on. The eventfd of this process also serves INTx, because this
 * process must set the ISR register for INTx.
 */
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "irq.h"
#include "queue.h"
#include "say.h"

#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define INTX VFIO_PCI_INTX_IRQ_INDEX

static uint16_t vector_of(const struct vhost_device *dev, uint16_t queue)
{
	return dev->virtio.queues[queue].vector;
}

/** vhost_irq_call_fd - the eventfd that the back end signals for a queue */
int vhost_irq_call_fd(struct vhost_device *dev, uint16_t queue)
{
	int fd = -1;

	if (vector_of(dev, queue) != VIRTIO_NO_VECTOR)
		fd = vuser_irq_eventfd(dev->server, MSIX,
				       vector_of(dev, queue));
	return fd < 0 ? dev->queues[queue].call : fd;
}

static void raise_intx(struct vhost_device *dev, uint8_t isr)
{
	dev->isr |= isr;
	vuser_irq_trigger(dev->server, INTX, 0);
}

static bool take_call(struct vhost_device *dev, uint16_t queue)
{
	eventfd_t count;

	return !eventfd_read(dev->queues[queue].call, &count);
}

/** vhost_irq_queue - interrupt the driver for a queue */
void vhost_irq_queue(struct vhost_device *dev, uint16_t queue)
{
	eventfd_write(vhost_irq_call_fd(dev, queue), 1);
}

/**
 * vhost_irq_config - interrupt the driver because the configuration has changed
 */
void vhost_irq_config(struct vhost_device *dev)
{
	uint16_t vector = dev->virtio.config_vector;

	/* Drivers check this bit with MSI-X, too. */
	raise_intx(dev, VIRTIO_ISR_CONFIG);
	if (vector != VIRTIO_NO_VECTOR)
		dev->config_pending =
			vuser_irq_trigger(dev->server, MSIX, vector);
}

static int on_call(sd_event_source *source, int fd, uint32_t revents,
		   void *data)
{
	struct vhost_device *dev = data;
	uint16_t i;

	(void)source;
	(void)fd;
	(void)revents;
	for (i = 0; i < dev->virtio.nr_queues; i++)
		if (dev->queues[i].watch && take_call(dev, i))
			raise_intx(dev, VIRTIO_ISR_QUEUE);
	return 0;
}

/*
 * Watch our eventfds only while the client uses INTx. If a driver polls, each
 * signal would wake this process without need.
 */
static void watch_intx(struct vhost_device *dev)
{
	bool intx = vuser_irq_enabled(dev->server, INTX, 0);
	struct vhost_queue *q;
	uint16_t i;

	for (i = 0; i < dev->virtio.nr_queues; i++) {
		q = &dev->queues[i];
		if (intx && !q->watch && dev->event)
			sd_event_add_io(dev->event, &q->watch, q->call, EPOLLIN,
					on_call, dev);
		else if (!intx)
			q->watch = sd_event_source_disable_unref(q->watch);
	}
}

/**
 * vhost_irq_reroute - signal the interrupts of a queue to its current eventfd
 * @dev: device
 * @queue: index of the queue
 *
 * A count that our eventfd received before the change is passed on.
 */
void vhost_irq_reroute(struct vhost_device *dev, uint16_t queue)
{
	int fd = vhost_irq_call_fd(dev, queue);
	eventfd_t count;

	if (dev->queues[queue].started &&
	    vhost_backend_set_vring_call(dev->conn.backend, queue, fd))
		vhost_say(dev, "cannot set the call eventfd of ring %u: %s",
			  queue, vhost_backend_error(dev->conn.backend));
	if (fd != dev->queues[queue].call &&
	    !eventfd_read(dev->queues[queue].call, &count))
		eventfd_write(fd, 1);
}

/* The client has set or removed the eventfd of a vector: update its users. */
static void vector_changed(struct vhost_device *dev, uint16_t vector)
{
	uint16_t i;

	for (i = 0; i < dev->virtio.nr_queues; i++)
		if (vector_of(dev, i) == vector)
			vhost_irq_reroute(dev, i);
	if (vector == dev->virtio.config_vector && dev->config_pending)
		dev->config_pending =
			vuser_irq_trigger(dev->server, MSIX, vector);
}

/* Whether the back end has signalled our eventfd, whose count is not changed. */
static bool is_signalled(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

static void set_pending(const struct vhost_device *dev, uint16_t vector,
			uint64_t offset, uint8_t *bits, uint32_t count)
{
	uint32_t byte = vector / 8;

	if (vector < dev->msix.vectors && byte >= offset &&
	    byte - offset < count)
		bits[byte - offset] |= 1 << vector % 8;
}

/**
 * vhost_irq_read_pba - read the pending bits of MSI-X
 * @dev: device
 * @offset: offset in the array of bits
 * @buf: filled in
 * @count: bytes
 *
 * A client masks a vector by removing its eventfd. An interrupt is pending from then on
 * until the client sets an eventfd, which delivers it.
 */
void vhost_irq_read_pba(struct vhost_device *dev, uint64_t offset, void *buf,
			uint32_t count)
{
	uint16_t i;

	memset(buf, 0, count);
	if (dev->config_pending)
		set_pending(dev, dev->virtio.config_vector, offset, buf, count);
	for (i = 0; i < dev->virtio.nr_queues; i++)
		if (vhost_irq_call_fd(dev, i) == dev->queues[i].call &&
		    is_signalled(dev->queues[i].call))
			set_pending(dev, vector_of(dev, i), offset, buf, count);
}

/** vhost_irq_changed - the client has changed the eventfds of interrupts */
void vhost_irq_changed(struct vhost_device *dev, uint32_t index, uint32_t start,
		       uint32_t count)
{
	uint32_t i;

	if (index == INTX) {
		watch_intx(dev);
		/* INTx is level triggered. */
		if (dev->isr)
			vuser_irq_trigger(dev->server, INTX, 0);
		return;
	}
	if (index != MSIX)
		return;
	for (i = start; i < start + count; i++)
		vector_changed(dev, i);
}

/** vhost_irq_take_isr - read the ISR register, which lowers INTx */
uint8_t vhost_irq_take_isr(struct vhost_device *dev)
{
	uint8_t isr = dev->isr;
	uint16_t i;

	/* A driver without interrupts may poll this register. */
	for (i = 0; i < dev->virtio.nr_queues; i++)
		if (vector_of(dev, i) == VIRTIO_NO_VECTOR && take_call(dev, i))
			isr |= VIRTIO_ISR_QUEUE;
	dev->isr = 0;
	vuser_irq_clear(dev->server, INTX, 0);
	return isr;
}

/**
 * vhost_irq_resume - interrupt the driver for each queue, when the rings
 * continue
 * @dev: device
 *
 * The rings may have run in another process before. It is not known whether the
 * driver got their last interrupts. One more does no harm.
 */
void vhost_irq_resume(struct vhost_device *dev)
{
	uint16_t i;

	for (i = 0; i < dev->virtio.nr_queues; i++)
		if (dev->queues[i].started ||
		    (dev->ctrl_watch && vhost_queue_is_control(dev, i)))
			vhost_irq_queue(dev, i);
	if (dev->isr)
		vuser_irq_trigger(dev->server, INTX, 0);
	if (dev->config_pending)
		vector_changed(dev, dev->virtio.config_vector);
}

/** vhost_irq_reset - drop all pending interrupts */
void vhost_irq_reset(struct vhost_device *dev)
{
	uint16_t i;

	for (i = 0; i < dev->virtio.nr_queues; i++)
		take_call(dev, i);
	dev->config_pending = false;
	dev->isr = 0;
	vuser_irq_clear(dev->server, INTX, 0);
}
