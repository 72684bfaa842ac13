// SPDX-License-Identifier: GPL-2.0
/* The device as a vfio-user server: the callbacks of libvuser. */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "dirty.h"
#include "hold.h"
#include "irq.h"
#include "keep.h"
#include "migration.h"
#include "pause.h"
#include "regions.h"
#include "rings.h"
#include "say.h"
#include "serve.h"
#include "wait.h"

static void on_connected(void *data)
{
	struct vhost_device *dev = data;

	if (dev->options.verbose)
		vhost_say(dev, "client connected");
}

static void on_disconnected(void *data, int error)
{
	struct vhost_device *dev = data;

	vhost_wait_begin(dev);
	if (dev->keep) {
		vhost_migration_reset(dev);
		vhost_hold_begin(dev);
	} else {
		vhost_regions_reset(dev);
		vhost_migration_reset(dev);
	}
	if (error)
		vhost_say(dev, "client lost: %s", strerror(-error));
	else if (dev->options.verbose)
		vhost_say(dev, "client disconnected");
}

static int on_reset(void *data)
{
	vhost_wait_begin(data);
	vhost_regions_reset(data);
	vhost_migration_reset(data);
	vhost_keep(data);
	return 0;
}

static int on_dma_map(void *data, const struct vuser_dma_region *region)
{
	struct vhost_device *dev = data;
	int ret = vhost_dma_add(&dev->dma, region);

	vhost_wait_begin(dev);
	if (!ret)
		ret = vhost_dirty_map(dev);
	if (ret)
		goto remove;
	if (!dev->live)
		return 0;
	ret = vhost_dma_map(&dev->dma, dev->conn.backend);
	/*
	 * Some back ends apply the log only to memory that they know already.
	 */
	if (!ret)
		ret = vhost_rings_log_base(dev);
	if (!ret) {
		vhost_pause_resume(dev);
		return 0;
	}
	vhost_say(dev, "the back end cannot map memory at %#jx: %s",
		  (uintmax_t)region->iova,
		  vhost_backend_error(dev->conn.backend));
	ret = -EIO;
remove:
	vhost_dma_remove(&dev->dma, dev->conn.backend, region);
	return ret;
}

static void on_dma_unmap(void *data, const struct vuser_dma_region *region)
{
	struct vhost_device *dev = data;
	int ret;

	vhost_wait_begin(dev);
	vhost_pause_memory(dev, region->iova, region->size);
	ret = vhost_dma_remove(&dev->dma, dev->conn.backend, region);
	if (!ret || ret == -ENOTCONN)
		return;
	/*
	 * The back end may still have the memory mapped. Close the connection, so
	 * that it unmaps all memory.
	 */
	vhost_say(
		dev,
		"connection closed, because the back end did not unmap memory at %#jx: %s",
		(uintmax_t)region->iova,
		vhost_backend_error(dev->conn.backend));
	vhost_backend_disconnect(dev->conn.backend);
}

static void on_irq_state(void *data, uint32_t index, uint32_t start,
			 uint32_t count)
{
	vhost_wait_begin(data);
	vhost_irq_changed(data, index, start, count);
}

static void on_log(void *data, int level, const char *line)
{
	struct vhost_device *dev = data;

	if (level < LOG_INFO || dev->options.verbose)
		vhost_say(dev, "%s", line);
}

static int on_migrate(void *data, enum vfio_device_mig_state from,
		      enum vfio_device_mig_state to)
{
	int ret;

	vhost_wait_begin(data);
	vhost_hold_end(data);
	ret = vhost_migration_step(data, from, to);
	vhost_keep(data);
	return ret;
}

static ssize_t on_mig_read(void *data, void *buf, size_t count)
{
	vhost_wait_begin(data);
	return vhost_migration_read(data, buf, count);
}

static int on_mig_write(void *data, const void *buf, size_t count)
{
	vhost_wait_begin(data);
	return vhost_migration_write(data, buf, count);
}

static int on_log_start(void *data, uint64_t *page_size)
{
	vhost_wait_begin(data);
	return vhost_dirty_start(data, page_size);
}

static void on_log_stop(void *data)
{
	vhost_wait_begin(data);
	vhost_dirty_stop(data);
}

static const struct vuser_server_ops server_ops = {
	.struct_size = sizeof(server_ops),
	.connected = on_connected,
	.disconnected = on_disconnected,
	.reset = on_reset,
	.dma_map = on_dma_map,
	.dma_unmap = on_dma_unmap,
	.irq_state = on_irq_state,
	.migrate = on_migrate,
	.mig_read = on_mig_read,
	.mig_write = on_mig_write,
	.mig_size = vhost_migration_size,
	.log_start = on_log_start,
	.log_stop = on_log_stop,
	.log_report = vhost_dirty_report,
	.log = on_log,
	.access_now = vhost_regions_access_now,
};

/* Each queue has its own address, so the written value does not matter. */
static int add_kicks(struct vhost_device *dev)
{
	uint16_t i;
	int ret = 0;

	for (i = 0; i < dev->virtio.nr_queues && !ret; i++)
		ret = vuser_server_add_ioeventfd(
			dev->server, VFIO_PCI_BAR0_REGION_INDEX,
			VHOST_BAR_NOTIFY + i * VHOST_NOTIFY_MULTIPLIER,
			sizeof(uint16_t), 0, 0, dev->queues[i].kick);
	/*
	 * If the client does not accept all ioeventfds, it kicks the other
	 * queues by messages.
	 */
	return ret == -ENOSPC ? 0 : ret;
}

/**
 * vhost_serve_init - create the server
 * @dev: device whose registers and configuration space are initialized
 *
 * Return: 0 or -errno.
 */
int vhost_serve_init(struct vhost_device *dev)
{
	const struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.device_flags = VFIO_DEVICE_FLAGS_PCI,
		.max_dma_maps = dev->slots,
		.keep_dma_fds = true,
		.migration = dev->can_migrate,
		.migration_flags = VFIO_MIGRATION_P2P,
		.dma_logging = dev->can_log,
	};
	int ret;

	ret = vuser_server_new(&server_ops, &config, dev, &dev->server);
	if (!ret)
		ret = vhost_regions_add(dev);
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
