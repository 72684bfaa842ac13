// SPDX-License-Identifier: GPL-2.0
/* The regions of the device: BAR 0, BAR 1 and configuration space. */
#include <string.h>
#include <sys/eventfd.h>

#include "config.h"
#include "hold.h"
#include "irq.h"
#include "keep.h"
#include "regions.h"
#include "rings.h"
#include "wait.h"

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

/* A kick by a write to the BAR, from a client that does not use ioeventfds. */
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
	vhost_hold_end(data);
	read_bar(data, offset, buf, count);
	if (PAGE_OF(offset) == VHOST_BAR_ISR)
		vhost_keep(data);
	return 0;
}

static int on_write_bar(void *data, uint32_t index, uint64_t offset,
			const void *buf, uint32_t count)
{
	(void)index;
	vhost_wait_begin(data);
	vhost_hold_end(data);
	write_bar(data, offset, buf, count);
	if (PAGE_OF(offset) != VHOST_BAR_NOTIFY)
		vhost_keep(data);
	return 0;
}

static int on_read_msix(void *data, uint32_t index, uint64_t offset, void *buf,
			uint32_t count)
{
	struct vhost_device *dev = data;

	(void)index;
	vhost_hold_end(dev);
	if (offset < VHOST_MSIX_PBA)
		vuser_msix_table_read(&dev->msix, offset, buf, count);
	else
		vhost_irq_read_pba(dev, offset - VHOST_MSIX_PBA, buf, count);
	return 0;
}

static int on_write_msix(void *data, uint32_t index, uint64_t offset,
			 const void *buf, uint32_t count)
{
	struct vhost_device *dev = data;

	(void)index;
	vhost_hold_end(dev);
	if (offset < VHOST_MSIX_PBA)
		vuser_msix_table_write(&dev->msix, offset, buf, count);
	vhost_keep(dev);
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
	vhost_keep(dev);
	return vuser_pci_read(&dev->pci.pci, offset, buf, count);
}

/*
 * Without bus mastering a device must not access memory, so the back end must
 * stop.
 */
static void lost_bus_master(struct vhost_device *dev)
{
	if (!virtio_running(&dev->virtio))
		return;
	vhost_rings_stop(dev);
	dev->virtio.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
}

/** vhost_regions_reset - put all registers into the state after power-on */
void vhost_regions_reset(struct vhost_device *dev)
{
	virtio_reset(&dev->virtio);
	vuser_pci_reset(&dev->pci.pci);
	vuser_msix_reset(&dev->msix);
}

static int on_write_config(void *data, uint32_t index, uint64_t offset,
			   const void *buf, uint32_t count)
{
	struct vhost_device *dev = data;
	bool master = vuser_pci_bus_master(&dev->pci.pci);
	struct vhost_window w;
	int ret;

	(void)index;
	vhost_wait_begin(dev);
	ret = vuser_pci_write(&dev->pci.pci, offset, buf, count);
	if (ret == 1) {
		vhost_regions_reset(dev);
		vhost_keep(dev);
		return 0;
	}
	/* Not before the write, which may let the device access memory. */
	vhost_hold_end(dev);
	if (master && !vuser_pci_bus_master(&dev->pci.pci))
		lost_bus_master(dev);
	if (!ret && vhost_pci_window(&dev->pci, offset, count, &w))
		write_bar(dev, w.offset, w.data, w.count);
	vhost_keep(dev);
	return ret;
}

/*
 * Whether a write of BAR 0 can be made while a request to the back end waits: it selects
 * which queue or features another register shows, it kicks a queue, or it is ignored.
 */
static bool bar_write_now(uint64_t offset, uint32_t count)
{
	switch (PAGE_OF(offset)) {
	case VHOST_BAR_COMMON:
		return ((offset == VIRTIO_PCI_COMMON_DFSELECT ||
			 offset == VIRTIO_PCI_COMMON_GFSELECT) &&
			count == 4) ||
		       (offset == VIRTIO_PCI_COMMON_Q_SELECT && count == 2);
	case VHOST_BAR_DEVICE:
		return false;
	default:
		return PAGE_OF(offset + count - 1) == PAGE_OF(offset);
	}
}

/**
 * vhost_regions_access_now - whether an access can be made while a request to the back
 * end waits; for struct vuser_server_ops
 *
 * Each read can: all registers are in this process. A write can if it neither sends a
 * request nor changes a register that the waiting command uses.
 */
bool vhost_regions_access_now(void *data, uint32_t index, uint64_t offset,
			      uint32_t count, bool write)
{
	(void)data;
	if (!write)
		return true;
	if (index == VFIO_PCI_BAR0_REGION_INDEX)
		return bar_write_now(offset, count);
	return index == VFIO_PCI_BAR1_REGION_INDEX;
}

/** vhost_regions_add - add the regions to the server; 0 or -errno */
int vhost_regions_add(struct vhost_device *dev)
{
	struct vuser_server_region region = {
		.struct_size = sizeof(region),
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
	ret = vuser_pci_config_region(&dev->pci.pci, &region);
	if (ret)
		return ret;
	region.read = on_read_config;
	region.write = on_write_config;
	return vuser_server_set_region(dev->server,
				       VFIO_PCI_CONFIG_REGION_INDEX, &region);
}
