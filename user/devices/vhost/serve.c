// SPDX-License-Identifier: GPL-2.0
/* The device as a vfio-user server. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>

#include "internal.h"

#define PAGE_OF(offset) ((offset) & ~(uint64_t)(VHOST_PAGE - 1))

static void read_bar(struct vhost_device *dev, uint64_t offset, void *buf,
		     uint32_t count)
{
	uint64_t within = offset % VHOST_PAGE;

	memset(buf, 0, count);
	switch (PAGE_OF(offset)) {
	case VHOST_BAR_COMMON:
		virtio_read(&dev->virtio, within, buf, count);
		break;
	case VHOST_BAR_ISR:
		if (!within)
			*(uint8_t *)buf = vhost_irq_take_isr(dev);
		break;
	case VHOST_BAR_DEVICE:
		vhost_config_read(dev, within, buf, count);
		break;
	}
}

/* A client that knows no ioeventfds kicks so. */
static void kick(struct vhost_device *dev, uint64_t within)
{
	uint64_t queue = within / VHOST_NOTIFY_MULTIPLIER;

	if (!(within % VHOST_NOTIFY_MULTIPLIER) &&
	    queue < dev->virtio.nr_queues)
		eventfd_write(dev->queues[queue].kick, 1);
}

static void write_bar(struct vhost_device *dev, uint64_t offset,
		      const void *buf, uint32_t count)
{
	uint64_t within = offset % VHOST_PAGE;

	switch (PAGE_OF(offset)) {
	case VHOST_BAR_COMMON:
		virtio_write(&dev->virtio, within, buf, count);
		break;
	case VHOST_BAR_DEVICE:
		vhost_config_write(dev, within, buf, count);
		break;
	case VHOST_BAR_NOTIFY:
		kick(dev, within);
		break;
	}
}

static int on_read_bar(void *data, uint32_t index, uint64_t offset, void *buf,
		       uint32_t count)
{
	(void)index;
	read_bar(data, offset, buf, count);
	return 0;
}

static int on_write_bar(void *data, uint32_t index, uint64_t offset,
			const void *buf, uint32_t count)
{
	(void)index;
	write_bar(data, offset, buf, count);
	return 0;
}

static int on_read_msix(void *data, uint32_t index, uint64_t offset, void *buf,
			uint32_t count)
{
	struct vhost_device *dev = data;

	(void)index;
	if (offset < VHOST_MSIX_PBA)
		vuser_msix_table_read(&dev->msix, offset, buf, count);
	else
		vuser_msix_pba_read(&dev->msix, offset - VHOST_MSIX_PBA, buf,
				    count);
	return 0;
}

static int on_write_msix(void *data, uint32_t index, uint64_t offset,
			 const void *buf, uint32_t count)
{
	struct vhost_device *dev = data;

	(void)index;
	if (offset < VHOST_MSIX_PBA)
		vuser_msix_table_write(&dev->msix, offset, buf, count);
	return 0;
}

static int on_read_config(void *data, uint32_t index, uint64_t offset,
			  void *buf, uint32_t count)
{
	struct vhost_device *dev = data;
	struct vhost_window w;

	(void)index;
	if (vhost_pci_window(&dev->pci, offset, count, &w))
		read_bar(dev, w.offset, w.data, w.count);
	return vuser_pci_read(&dev->pci.pci, offset, buf, count);
}

/* Without it a device must not touch memory: then no back-end does. */
static void lost_bus_master(struct vhost_device *dev)
{
	if (!virtio_running(&dev->virtio))
		return;
	vhost_rings_stop(dev);
	dev->virtio.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
}

static int on_write_config(void *data, uint32_t index, uint64_t offset,
			   const void *buf, uint32_t count)
{
	struct vhost_device *dev = data;
	bool master = vuser_pci_bus_master(&dev->pci.pci);
	struct vhost_window w;
	int ret;

	(void)index;
	ret = vuser_pci_write(&dev->pci.pci, offset, buf, count);
	if (ret == 1) {
		vhost_serve_reset(dev);
		return 0;
	}
	if (master && !vuser_pci_bus_master(&dev->pci.pci))
		lost_bus_master(dev);
	if (!ret && vhost_pci_window(&dev->pci, offset, count, &w))
		write_bar(dev, w.offset, w.data, w.count);
	return ret;
}

/** vhost_serve_reset - as after power on */
void vhost_serve_reset(struct vhost_device *dev)
{
	virtio_reset(&dev->virtio);
	vuser_pci_reset(&dev->pci.pci);
	vuser_msix_reset(&dev->msix);
}

static void on_connected(void *data)
{
	struct vhost_device *dev = data;

	if (dev->options.verbose)
		vhost_say(dev, "client connected");
}

static void on_disconnected(void *data, int error)
{
	struct vhost_device *dev = data;

	vhost_serve_reset(dev);
	vhost_migration_reset(dev);
	if (error)
		vhost_say(dev, "client lost: %s", strerror(-error));
	else if (dev->options.verbose)
		vhost_say(dev, "client disconnected");
}

static int on_reset(void *data)
{
	vhost_serve_reset(data);
	vhost_migration_reset(data);
	return 0;
}

static int on_dma_map(void *data, const struct vuser_dma_region *region)
{
	struct vhost_device *dev = data;
	int ret = vhost_mem_add(&dev->mem, region);

	if (!ret)
		ret = vhost_dirty_map(dev);
	if (ret)
		goto remove;
	if (!dev->live)
		return 0;
	ret = vhost_mem_tell(&dev->mem, dev->link.backend);
	/* Some give the log to the memory that they have by then. */
	if (!ret)
		ret = vhost_rings_log_base(dev);
	if (!ret) {
		vhost_rings_unpause(dev);
		return 0;
	}
	vhost_say(dev, "cannot tell of memory at %#jx: %s",
		  (uintmax_t)region->iova,
		  vhost_backend_error(dev->link.backend));
	ret = -EIO;
remove:
	vhost_mem_remove(&dev->mem, dev->link.backend, region);
	return ret;
}

static void on_dma_unmap(void *data, const struct vuser_dma_region *region)
{
	struct vhost_device *dev = data;
	int ret;

	vhost_rings_pause(dev, region->iova, region->size);
	ret = vhost_mem_remove(&dev->mem, dev->link.backend, region);
	if (!ret || ret == -ENOTCONN)
		return;
	/* Nothing else has it let go for sure. */
	vhost_say(dev, "hung up, since it keeps memory at %#jx: %s",
		  (uintmax_t)region->iova,
		  vhost_backend_error(dev->link.backend));
	vhost_backend_disconnect(dev->link.backend);
}

static void on_irq_state(void *data, uint32_t index, uint32_t start,
			 uint32_t count)
{
	vhost_irq_changed(data, index, start, count);
}

static void on_log(void *data, int level, const char *line)
{
	struct vhost_device *dev = data;

	if (level < LOG_INFO || dev->options.verbose)
		vhost_say(dev, "%s", line);
}

static const struct vuser_server_ops server_ops = {
	.connected = on_connected,
	.disconnected = on_disconnected,
	.reset = on_reset,
	.dma_map = on_dma_map,
	.dma_unmap = on_dma_unmap,
	.irq_state = on_irq_state,
	.migrate = vhost_migrate,
	.mig_read = vhost_migration_read,
	.mig_write = vhost_migration_write,
	.log_start = vhost_dirty_start,
	.log_stop = vhost_dirty_stop,
	.log_report = vhost_dirty_report,
	.log = on_log,
};

static int add_bars(struct vhost_device *dev)
{
	struct vuser_server_region region = {
		.size = VHOST_BAR_SIZE,
		.flags = VFIO_REGION_INFO_FLAG_READ |
			 VFIO_REGION_INFO_FLAG_WRITE,
		.access_max = 8,
		.read = on_read_bar,
		.write = on_write_bar,
		.fd = -1,
	};
	int ret;

	ret = vuser_server_set_region(dev->server, VFIO_PCI_BAR0_REGION_INDEX,
				      &region);
	if (ret)
		return ret;
	region.size = VHOST_MSIX_BAR_SIZE;
	region.read = on_read_msix;
	region.write = on_write_msix;
	ret = vuser_server_set_region(dev->server, VFIO_PCI_BAR1_REGION_INDEX,
				      &region);
	if (ret)
		return ret;
	vuser_pci_config_region(&dev->pci.pci, &region);
	region.read = on_read_config;
	region.write = on_write_config;
	return vuser_server_set_region(dev->server,
				       VFIO_PCI_CONFIG_REGION_INDEX, &region);
}

/* Each queue has an address of its own, so what is written does not matter. */
static int add_kicks(struct vhost_device *dev)
{
	uint16_t i;
	int ret = 0;

	for (i = 0; i < dev->virtio.nr_queues && !ret; i++)
		ret = vuser_server_add_ioeventfd(
			dev->server, VFIO_PCI_BAR0_REGION_INDEX,
			VHOST_BAR_NOTIFY + i * VHOST_NOTIFY_MULTIPLIER,
			sizeof(uint16_t), 0, 0, dev->queues[i].kick);
	/* More than a client takes are kicked by message. */
	return ret == -ENOSPC ? 0 : ret;
}

/**
 * vhost_serve_init - set the server up
 * @dev: its registers and configuration space are
 *
 * Return: 0 or -errno.
 */
int vhost_serve_init(struct vhost_device *dev)
{
	uint64_t slots = vhost_backend_mem_slots(dev->link.backend);
	const struct vuser_server_config config = {
		.device_flags = VFIO_DEVICE_FLAGS_PCI,
		.max_dma_maps = slots < UINT16_MAX ? slots : UINT16_MAX,
		.keep_dma_fds = true,
		.migration = dev->can_migrate,
		.dma_logging = dev->can_log,
	};
	int ret;

	ret = vuser_server_new(&server_ops, &config, dev, &dev->server);
	if (!ret)
		ret = add_bars(dev);
	if (!ret)
		ret = add_kicks(dev);
	if (!ret)
		ret = vuser_server_set_irqs(
			dev->server, VFIO_PCI_INTX_IRQ_INDEX,
			VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
				VFIO_IRQ_INFO_AUTOMASKED,
			1);
	if (!ret)
		ret = vuser_server_set_irqs(
			dev->server, VFIO_PCI_MSIX_IRQ_INDEX,
			VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE,
			dev->msix.vectors);
	return ret;
}
