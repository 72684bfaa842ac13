// SPDX-License-Identifier: GPL-2.0
/* Connects the parts of the device with a server of libvuser. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <vuser/pci.h>
#include <vuser/server.h>

#include "../../common/server-event.h"
#include "../../common/state-file.h"
#include "bar.h"
#include "channel.h"
#include "config.h"
#include "device.h"
#include "kept.h"
#include "memory.h"
#include "migration.h"
#include "regs.h"

/* The reply to a reset waits for a message that is in progress: keep the time short. */
#define DMA_TIMEOUT_MS 5000

/**
 * struct ioat_device - the device
 * @verbose: log when clients connect and disconnect
 * @server: the server, which the client is connected to
 * @server_io: calls the server, NULL before ioat_device_serve()
 * @channel: the DMA channel
 * @memory: the client's memory, as the channel sees it
 * @bar: BAR 0
 * @pci: configuration space
 * @kept: the state in a state file, or NULL
 * @stopped: the state of migration is neither RUNNING nor PRE_COPY: the channel is paused
 * @pre_copy: the state of migration is PRE_COPY or PRE_COPY_P2P: the header of the stream
 *	can be read
 * @migration: the transfer of the state
 */
struct ioat_device {
	bool verbose;
	struct vuser_server *server;
	sd_event_source *server_io;
	struct ioat_channel *channel;
	struct ioat_memory memory;
	struct ioat_bar bar;
	struct vuser_pci pci;
	struct ioat_kept *kept;
	bool stopped;
	bool pre_copy;
	struct ioat_migration migration;
};

/* If the vector has no eventfd, the client does not want this interrupt. */
static void raise_irq(void *ctx)
{
	struct ioat_device *dev = ctx;

	vuser_irq_trigger(dev->server, VFIO_PCI_MSIX_IRQ_INDEX, 0);
}

/* The state of the device, without the channel. */

static void save(const struct ioat_device *dev, struct ioat_kept_device *record)
{
	*record = (struct ioat_kept_device) {
		.genctrl = dev->bar.genctrl,
		.intrctrl = dev->bar.intrctrl,
		.intrdelay = dev->bar.intrdelay,
	};
	memcpy(record->cfg, dev->pci.cfg, sizeof(record->cfg));
	memcpy(record->table, dev->bar.msix.table, sizeof(record->table));
	memcpy(record->pba, dev->bar.msix.pba, sizeof(record->pba));
}

/* Take over a state. Its configuration space must have the same capabilities. */
static int load(struct ioat_device *dev, const struct ioat_kept_device *record)
{
	int ret = vuser_pci_load(&dev->pci, record->cfg);

	if (ret)
		return ret;
	memcpy(dev->bar.msix.table, record->table, sizeof(record->table));
	memcpy(dev->bar.msix.pba, record->pba, sizeof(record->pba));
	dev->bar.genctrl = record->genctrl;
	dev->bar.intrctrl = record->intrctrl;
	dev->bar.intrdelay = record->intrdelay;
	return 0;
}

/* The state file. */

/* Store what does not belong to the channel. The channel stores its own state. */
static void keep(struct ioat_device *dev)
{
	struct ioat_kept *kept = dev->kept;
	struct ioat_kept_device record;

	if (!kept)
		return;
	save(dev, &record);
	state_file_put(&kept->device_now, kept->device, sizeof(record),
		       &record);
}

/* Take over the state of an earlier process. The channel waits for the client. */
static int restore(struct ioat_device *dev)
{
	return load(dev, &dev->kept->device[dev->kept->device_now % 2]);
}

static int start_keeping(struct ioat_device *dev,
			 const struct ioat_device_options *options)
{
	int ret = 0;

	if (!options->state)
		return 0;
	dev->kept = options->state;
	if (options->restore)
		ret = restore(dev);
	if (ret)
		return ret;
	keep(dev);
	ioat_channel_keep(dev->channel, dev->kept, options->restore);
	return 0;
}

/* Accesses to regions, from the event loop. */

static void answer(void *request)
{
	vuser_request_done(request, 0);
}

/*
 * Reset the device, in a callback of the server. The answer waits until the copy thread
 * has stopped: it may be waiting for the client's reply to a message. If another answer
 * waits for that already, this one need not: the server waits for the other.
 */
static void device_reset(struct ioat_device *dev)
{
	struct vuser_request *request;

	ioat_channel_reset(dev->channel);
	ioat_bar_reset(&dev->bar);
	vuser_pci_reset(&dev->pci);
	keep(dev);
	if (ioat_channel_is_quiet(dev->channel))
		return;
	request = vuser_server_defer(dev->server);
	if (!request)
		ioat_channel_quiesce(dev->channel);
	else if (!ioat_channel_when_quiet(dev->channel, answer, request))
		vuser_request_done(request, 0);
}

/*
 * A client announces all its memory before it accesses BAR 0 or writes to
 * configuration space. Before that it may read configuration space.
 */
static void client_is_ready(struct ioat_device *dev)
{
	if (!dev->stopped)
		ioat_channel_go(dev->channel);
}

static int read_bar(void *data, uint32_t index, uint64_t offset, void *buf,
		    uint32_t count)
{
	struct ioat_device *dev = data;

	(void)index;
	client_is_ready(dev);
	ioat_bar_read(&dev->bar, offset, buf, count);
	return 0;
}

static int write_bar(void *data, uint32_t index, uint64_t offset,
		     const void *buf, uint32_t count)
{
	struct ioat_device *dev = data;
	int id = vuser_server_write_id(dev->server);

	(void)index;
	client_is_ready(dev);
	if (id >= 0 && ioat_bar_is_one(offset, count))
		ioat_channel_begin_write(dev->channel, id);
	ioat_bar_write(&dev->bar, offset, buf, count);
	if (!ioat_bar_of_channel(offset, count))
		keep(dev);
	if (id >= 0)
		ioat_channel_end_write(dev->channel, id);
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
	keep(dev);
	/* Not before the write, which may let the device access memory. */
	client_is_ready(dev);
	return ret;
}

/* Clients. */

static void on_connected(void *data)
{
	struct ioat_device *dev = data;

	if (dev->verbose)
		fprintf(stderr, "vuser-ioat: client connected\n");
}

/*
 * Reset the device, so that the next client finds it in its initial state. With a
 * state file, the client is expected to come back: the device keeps its state.
 */
static void on_disconnected(void *data, int error)
{
	struct ioat_device *dev = data;

	dev->stopped = false;
	/*
	 * When the device is freed, the channel is freed before the client
	 * disconnects.
	 */
	if (dev->channel && dev->kept) {
		ioat_channel_hold(dev->channel);
	} else if (dev->channel) {
		device_reset(dev);
		ioat_channel_go(dev->channel);
	}
	if (error)
		fprintf(stderr, "vuser-ioat: client lost: %s\n",
			strerror(-error));
	else if (dev->verbose)
		fprintf(stderr, "vuser-ioat: client disconnected\n");
}

static int on_reset(void *data)
{
	struct ioat_device *dev = data;

	dev->stopped = dev->pre_copy = false;
	device_reset(dev);
	ioat_channel_forget_writes(dev->channel);
	return 0;
}

/* Migration. */

/* The descriptor under way is completed first. The answer waits for that. */
static int stop(struct ioat_device *dev)
{
	struct vuser_request *request = vuser_server_defer(dev->server);

	if (!request)
		return -ENOMEM;
	dev->stopped = true;
	if (!ioat_channel_pause(dev->channel, answer, request))
		vuser_request_done(request, 0);
	return 0;
}

/* Save the state of the stopped device, when the client begins to read it. */
static void save_stopped(struct ioat_device *dev)
{
	struct ioat_kept_channel channel;
	struct ioat_kept_device device;

	ioat_channel_save(dev->channel, &channel);
	save(dev, &device);
	ioat_migration_encode(&dev->migration, &channel, &device);
}

static int refuse(const char *why)
{
	fprintf(stderr, "vuser-ioat: the state does not match: %s\n", why);
	return -EINVAL;
}

static int end_resuming(struct ioat_device *dev)
{
	struct ioat_kept_channel channel;
	struct ioat_kept_device device;
	const char *why;
	int ret;

	ret = ioat_migration_decode(&dev->migration, &channel, &device, &why);
	if (!ret) {
		why = "its configuration space is different";
		ret = load(dev, &device);
	}
	if (ret)
		return refuse(why);
	ioat_channel_load(dev->channel, &channel);
	keep(dev);
	return 0;
}

/* Old headers do not have all states in the enum. */
static bool runs(uint32_t state)
{
	return state == VFIO_DEVICE_STATE_RUNNING ||
	       state == VFIO_DEVICE_STATE_PRE_COPY;
}

static bool is_pre_copy(uint32_t state)
{
	return state == VFIO_DEVICE_STATE_PRE_COPY ||
	       state == VFIO_DEVICE_STATE_PRE_COPY_P2P;
}

/*
 * In RUNNING_P2P and PRE_COPY_P2P the device must not access other devices. The channel cannot
 * tell their memory from other memory, so it pauses. The registers can be accessed.
 */
static int on_migrate(void *data, enum vfio_device_mig_state from,
		      enum vfio_device_mig_state to)
{
	struct ioat_device *dev = data;

	dev->pre_copy = is_pre_copy(to);
	if (from == VFIO_DEVICE_STATE_RESUMING)
		return end_resuming(dev);
	/* The header has been read before. */
	if (!is_pre_copy(from))
		ioat_migration_begin(&dev->migration);
	if (runs(from) && !runs(to))
		return stop(dev);
	if (!runs(from) && runs(to)) {
		dev->stopped = false;
		client_is_ready(dev);
	}
	return 0;
}

static ssize_t on_mig_read(void *data, void *buf, size_t count)
{
	struct ioat_device *dev = data;

	if (!dev->pre_copy && dev->migration.end == IOAT_STREAM_HEADER)
		save_stopped(dev);
	return ioat_migration_read(&dev->migration, buf, count);
}

static int on_mig_size(void *data, uint64_t *size)
{
	(void)data;
	*size = sizeof(struct ioat_stream);
	return 0;
}

static int on_mig_write(void *data, const void *buf, size_t count)
{
	struct ioat_device *dev = data;
	const char *why;
	int ret;

	ret = ioat_migration_write(&dev->migration, buf, count, &why);
	return ret ? refuse(why) : 0;
}

/* The client asks which of its last writes the state contains. */
static ssize_t on_feature(void *data, uint32_t flags, void *buf, size_t len,
			  size_t size)
{
	struct vfio_user_last_write last;
	struct ioat_device *dev = data;

	(void)len;
	if (!dev->kept ||
	    (flags & VFIO_DEVICE_FEATURE_MASK) != VFIO_USER_FEATURE_LAST_WRITE)
		return -ENOTTY;
	if (flags & VFIO_DEVICE_FEATURE_SET)
		return -EINVAL;
	if (flags & VFIO_DEVICE_FEATURE_PROBE)
		return 0;
	if (size < sizeof(last))
		return -EINVAL;
	/* -1 is VFIO_USER_NO_WRITE. */
	last.msg_id = ioat_channel_last_write(dev->channel);
	memcpy(buf, &last, sizeof(last));
	return sizeof(last);
}

static void on_dma_unmap(void *data, const struct vuser_dma_region *region)
{
	struct ioat_device *dev = data;

	(void)region;
	ioat_memory_release(&dev->memory);
}

static void on_log(void *data, int level, const char *line)
{
	struct ioat_device *dev = data;

	if (level < LOG_INFO || dev->verbose)
		fprintf(stderr, "vuser-ioat: %s\n", line);
}

static const struct vuser_server_ops server_ops = {
	.struct_size = sizeof(server_ops),
	.connected = on_connected,
	.disconnected = on_disconnected,
	.reset = on_reset,
	.dma_unmap = on_dma_unmap,
	.feature = on_feature,
	.migrate = on_migrate,
	.mig_read = on_mig_read,
	.mig_write = on_mig_write,
	.mig_size = on_mig_size,
	.log = on_log,
};

static int add_regions(struct ioat_device *dev)
{
	struct vuser_server_region bar = {
		.struct_size = sizeof(bar),
		.size = IOAT_BAR_SIZE,
		.flags = VFIO_REGION_INFO_FLAG_READ |
			 VFIO_REGION_INFO_FLAG_WRITE,
		.read = read_bar,
		.write = write_bar,
		.fd = -1,
	};
	struct vuser_server_region config = { .struct_size = sizeof(config) };
	int ret;

	ret = vuser_server_set_region(dev->server, VFIO_PCI_BAR0_REGION_INDEX,
				      &bar);
	if (ret)
		return ret;

	ret = vuser_pci_config_region(&dev->pci, &config);
	if (ret)
		return ret;
	config.read = read_config;
	config.write = write_config;
	return vuser_server_set_region(dev->server,
				       VFIO_PCI_CONFIG_REGION_INDEX, &config);
}

static int start_server(struct ioat_device *dev,
			const struct ioat_device_options *options)
{
	struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.device_flags = VFIO_DEVICE_FLAGS_PCI,
		.no_dma_fds = options->no_fd_dma,
		.max_dma_maps = options->max_dma_maps,
		.hide_max_dma_maps = options->hide_max_dma_maps,
		.dma_timeout_ms = DMA_TIMEOUT_MS,
		.migration = true,
		.migration_flags = VFIO_MIGRATION_PRE_COPY | VFIO_MIGRATION_P2P,
		.dma_logging = true,
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
					     VFIO_IRQ_INFO_NORESIZE,
				     IOAT_MSIX_VECTORS);
}

/**
 * ioat_device_new - create a device, which does not listen yet
 * @options: options of the device
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
	ret = ioat_config_init(&dev->pci);
	if (!ret)
		ret = vuser_msix_init(&dev->bar.msix, IOAT_MSIX_VECTORS);
	if (!ret)
		ret = start_server(dev, options);
	dev->memory.server = dev->server;
	dev->memory.pci = &dev->pci;
	if (!ret)
		ret = ioat_channel_new(&dev->channel,
				       ioat_memory_dma(&dev->memory),
				       (struct ioat_irq) { raise_irq, dev });
	if (!ret)
		ret = start_keeping(dev, options);
	if (ret) {
		ioat_device_free(dev);
		return ret;
	}
	dev->bar.channel = dev->channel;
	*device = dev;
	return 0;
}

/**
 * ioat_device_serve - listen, and serve clients from an event loop
 * @device: device
 * @path: path of the socket
 * @event: event loop
 *
 * Return: 0 or -errno.
 */
int ioat_device_serve(struct ioat_device *device, const char *path,
		      struct sd_event *event)
{
	int ret = server_event_listen(device->server, path);

	if (ret)
		return ret;
	return server_event_add(event, &device->server_io, device->server);
}

/**
 * ioat_device_free - disconnect the client, remove the socket and end the
 * thread
 * @device: device
 */
void ioat_device_free(struct ioat_device *device)
{
	/*
	 * Disconnect first: pending messages then fail, so the thread ends at
	 * once.
	 */
	if (device->channel) {
		vuser_server_disconnect(device->server);
		ioat_channel_free(device->channel);
		device->channel = NULL;
	}
	sd_event_source_disable_unref(device->server_io);
	vuser_server_free(device->server);
	vuser_msix_fini(&device->bar.msix);
	free(device);
}
