// SPDX-License-Identifier: GPL-2.0
/* Joins the parts of the device to libvuser's server. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>

#include <vuser/pci.h>
#include <vuser/server.h>

#include "bar.h"
#include "channel.h"
#include "config.h"
#include "device.h"
#include "guard.h"
#include "regs.h"

/* A reset waits for a message on its way, so do not wait for long. */
#define DMA_TIMEOUT_MS	5000

/**
 * struct ioat_device - the device
 * @verbose: log clients that come and go
 * @server: the client's side of it
 * @channel: the DMA channel
 * @bar: BAR 0
 * @pci: configuration space
 */
struct ioat_device {
	bool verbose;
	struct vuser_server *server;
	struct ioat_channel *channel;
	struct ioat_bar bar;
	struct vuser_pci pci;
};

/* Memory, for the copy thread. */

static int dma_get(void *ctx, uint64_t iova, size_t len, enum ioat_dma_dir dir,
		   struct ioat_span *span)
{
	int prot = dir == IOAT_DMA_READ ? PROT_READ : PROT_WRITE;
	struct ioat_device *dev = ctx;
	struct vuser_dma_ref ref;
	int ret;

	if (!vuser_pci_bus_master(&dev->pci))
		return -EFAULT;
	/* All of a reference lies in one region; at its end a part will do. */
	for (;;) {
		ret = vuser_dma_get(dev->server, iova, len, prot, &ref);
		if (ret != -EFAULT || len == 1)
			break;
		len = (len + 1) / 2;
	}
	if (ret && ret != -EOPNOTSUPP)
		return ret;
	*span = (struct ioat_span) {
		.ptr = ret ? NULL : ref.ptr,
		.len = len,
		.ref = ret ? NULL : ref.region,
	};
	return 0;
}

static void dma_put(void *ctx, struct ioat_span *span)
{
	struct ioat_device *dev = ctx;
	struct vuser_dma_ref ref = { .ptr = span->ptr, .region = span->ref };

	if (span->ptr)
		vuser_dma_put(dev->server, &ref);
}

static int dma_read(void *ctx, uint64_t iova, void *buf, size_t len)
{
	struct ioat_device *dev = ctx;

	return vuser_dma_read(dev->server, iova, buf, len);
}

static int dma_write(void *ctx, uint64_t iova, const void *buf, size_t len)
{
	struct ioat_device *dev = ctx;

	return vuser_dma_write(dev->server, iova, buf, len);
}

static const struct ioat_dma_ops dma_ops = {
	.get = dma_get,
	.put = dma_put,
	.read = dma_read,
	.write = dma_write,
};

/* A vector without an eventfd is one the client does not want to hear of. */
static void raise_irq(void *ctx)
{
	struct ioat_device *dev = ctx;

	vuser_irq_trigger(dev->server, VFIO_PCI_MSIX_IRQ_INDEX, 0);
}

/* Regions, for the event loop. */

static void device_reset(struct ioat_device *dev)
{
	ioat_channel_reset(dev->channel);
	ioat_channel_quiesce(dev->channel);
	ioat_bar_reset(&dev->bar);
	vuser_pci_reset(&dev->pci);
}

static int read_bar(void *data, uint32_t index, uint64_t offset, void *buf,
		    uint32_t count)
{
	struct ioat_device *dev = data;

	(void)index;
	ioat_bar_read(&dev->bar, offset, buf, count);
	return 0;
}

static int write_bar(void *data, uint32_t index, uint64_t offset,
		     const void *buf, uint32_t count)
{
	struct ioat_device *dev = data;

	(void)index;
	ioat_bar_write(&dev->bar, offset, buf, count);
	return 0;
}

static int read_config(void *data, uint32_t index, uint64_t offset, void *buf,
		       uint32_t count)
{
	struct ioat_device *dev = data;

	(void)index;
	return ioat_config_read(&dev->pci, dev->channel, offset, buf, count);
}

static int write_config(void *data, uint32_t index, uint64_t offset,
			const void *buf, uint32_t count)
{
	struct ioat_device *dev = data;
	int ret;

	(void)index;
	ret = ioat_config_write(&dev->pci, dev->channel, offset, buf, count);
	if (ret == 1) {
		device_reset(dev);
		ret = 0;
	}
	return ret;
}

/* The life of a client. */

static void on_connected(void *data)
{
	struct ioat_device *dev = data;

	if (dev->verbose)
		fprintf(stderr, "vuser-ioat: client connected\n");
}

/* The next client finds the device as the first one did. */
static void on_disconnected(void *data, int error)
{
	struct ioat_device *dev = data;

	/* At the end of all the channel is gone before its client. */
	if (dev->channel)
		device_reset(dev);
	if (error)
		fprintf(stderr, "vuser-ioat: client lost: %s\n",
			strerror(-error));
	else if (dev->verbose)
		fprintf(stderr, "vuser-ioat: client disconnected\n");
}

static int on_reset(void *data)
{
	device_reset(data);
	return 0;
}

static void on_log(void *data, int level, const char *line)
{
	struct ioat_device *dev = data;

	if (level < LOG_INFO || dev->verbose)
		fprintf(stderr, "vuser-ioat: %s\n", line);
}

static const struct vuser_server_ops server_ops = {
	.connected = on_connected,
	.disconnected = on_disconnected,
	.reset = on_reset,
	.log = on_log,
};

static int add_regions(struct ioat_device *dev)
{
	struct vuser_server_region bar = {
		.size = IOAT_BAR_SIZE,
		.flags = VFIO_REGION_INFO_FLAG_READ |
			 VFIO_REGION_INFO_FLAG_WRITE,
		.read = read_bar,
		.write = write_bar,
		.fd = -1,
	};
	struct vuser_server_region config;
	int ret;

	ret = vuser_server_set_region(dev->server, VFIO_PCI_BAR0_REGION_INDEX,
				      &bar);
	if (ret)
		return ret;

	vuser_pci_config_region(&dev->pci, &config);
	config.read = read_config;
	config.write = write_config;
	return vuser_server_set_region(dev->server,
				       VFIO_PCI_CONFIG_REGION_INDEX, &config);
}

static int start_server(struct ioat_device *dev,
			const struct ioat_device_options *options)
{
	struct vuser_server_config config = {
		.device_flags = VFIO_DEVICE_FLAGS_PCI,
		.no_dma_fds = options->no_fd_dma,
		.dma_timeout_ms = DMA_TIMEOUT_MS,
	};
	int ret;

	ret = vuser_server_new(&server_ops, &config, dev, &dev->server);
	if (ret)
		return ret;
	ret = add_regions(dev);
	if (ret)
		return ret;
	return vuser_server_set_irqs(dev->server, VFIO_PCI_MSIX_IRQ_INDEX,
				     VFIO_IRQ_INFO_EVENTFD |
				     VFIO_IRQ_INFO_NORESIZE, IOAT_MSIX_VECTORS);
}

/**
 * ioat_device_new - make a device that nobody can reach yet
 * @options: how to serve
 * @device: set on success
 *
 * Return: 0 or -errno.
 */
int ioat_device_new(const struct ioat_device_options *options,
		    struct ioat_device **device)
{
	struct ioat_device *dev = calloc(1, sizeof(*dev));
	int ret;

	if (!dev)
		return -ENOMEM;
	dev->verbose = options->verbose;
	ret = ioat_guard_init();
	if (!ret)
		ret = ioat_config_init(&dev->pci);
	if (!ret)
		ret = vuser_msix_init(&dev->bar.msix, IOAT_MSIX_VECTORS);
	if (!ret)
		ret = start_server(dev, options);
	if (!ret)
		ret = ioat_channel_new(&dev->channel,
				       (struct ioat_dma) { &dma_ops, dev },
				       (struct ioat_irq) { raise_irq, dev });
	if (ret) {
		ioat_device_free(dev);
		return ret;
	}
	dev->bar.channel = dev->channel;
	*device = dev;
	return 0;
}

/**
 * ioat_device_serve - listen, and have an event loop serve who comes
 * @device: device
 * @path: of the socket
 * @event: event loop
 *
 * Return: 0 or -errno.
 */
int ioat_device_serve(struct ioat_device *device, const char *path,
		      struct sd_event *event)
{
	int ret = vuser_server_listen(device->server, path);

	if (ret)
		return ret;
	return vuser_server_attach_event(device->server, event);
}

/**
 * ioat_device_free - send the client away, remove the socket, end the thread
 * @device: device
 */
void ioat_device_free(struct ioat_device *device)
{
	/* First: no message is answered after it, so the thread ends at once. */
	if (device->channel) {
		vuser_server_disconnect(device->server);
		ioat_channel_free(device->channel);
		device->channel = NULL;
	}
	vuser_server_free(device->server);
	vuser_msix_fini(&device->bar.msix);
	free(device);
}
