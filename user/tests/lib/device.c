// SPDX-License-Identifier: GPL-2.0
/* A device for the tests of libvuser. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "../harness.h"
#include "device.h"

#define TIMEOUT_MS 20000

static void connected(void *data)
{
	struct device *dev = data;

	dev->connects++;
}

static void disconnected(void *data, int error)
{
	struct device *dev = data;

	dev->last_error = error;
	dev->disconnects++;
}

static int reset(void *data)
{
	struct device *dev = data;

	vuser_pci_reset(&dev->pci);
	memset(dev->regs, 0, sizeof(dev->regs));
	dev->resets++;
	return 0;
}

static int dma_map(void *data, const struct vuser_dma_region *region)
{
	struct device *dev = data;

	(void)region;
	dev->maps++;
	return dev->refuse_map;
}

static void dma_unmap(void *data, const struct vuser_dma_region *region)
{
	struct device *dev = data;

	(void)region;
	dev->unmaps++;
}

static void irq_state(void *data, uint32_t index, uint32_t start,
		      uint32_t count)
{
	struct device *dev = data;

	(void)index;
	(void)start;
	(void)count;
	dev->irq_states++;
}

/* MIG_DEVICE_STATE has GET and SET; no other feature exists. */
static ssize_t feature(void *data, uint32_t flags, void *buf, size_t len,
		       size_t size)
{
	const uint32_t index = flags & VFIO_DEVICE_FEATURE_MASK;
	struct vfio_device_feature_mig_state state = { 0 };
	struct device *dev = data;

	if (index != VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE)
		return -ENOTTY;
	if (flags & VFIO_DEVICE_FEATURE_PROBE)
		return 0;
	if (flags & VFIO_DEVICE_FEATURE_SET) {
		if (len != sizeof(state))
			return -EINVAL;
		memcpy(&state, buf, len);
		dev->mig_state = state.device_state;
		return 0;
	}
	if (size < sizeof(state))
		return -ENOSPC;
	state.device_state = dev->mig_state;
	memcpy(buf, &state, sizeof(state));
	return sizeof(state);
}

/* Append each step as two digits. */
static int migrate(void *data, enum vfio_device_mig_state from,
		   enum vfio_device_mig_state to)
{
	struct device *dev = data;

	dev->mig_steps = dev->mig_steps * 100 + from * 10 + to;
	return dev->mig_refuse == to ? -EREMOTEIO : 0;
}

static int log_start(void *data, uint64_t *page_size)
{
	struct device *dev = data;

	dev->logging++;
	*page_size = DEVICE_LOG_PAGE;
	return 0;
}

static void log_stop(void *data)
{
	struct device *dev = data;

	dev->logging--;
}

/* Report that only the last page of the range was written. */
static int log_report(void *data, uint64_t iova, uint64_t len,
		      uint64_t page_size, uint64_t *bitmap)
{
	uint64_t bit = (len - 1) / page_size;
	struct device *dev = data;

	dev->reports++;
	dev->last_iova = iova;
	bitmap[bit / 64] |= 1ULL << bit % 64;
	return 0;
}

static ssize_t mig_read(void *data, void *buf, size_t count)
{
	struct device *dev = data;

	(void)dev;
	memset(buf, 'm', count);
	return count > 100 ? 100 : count;
}

static int mig_size(void *data, uint64_t *size)
{
	(void)data;
	*size = 12345;
	return 0;
}

static int mig_write(void *data, const void *buf, size_t count)
{
	struct device *dev = data;

	(void)buf;
	dev->last_count = count;
	return 0;
}

static void log_line(void *data, int level, const char *line)
{
	struct device *dev = data;

	if (level <= LOG_WARNING)
		dev->warnings++;
	/*
	 * Most tests are about refused commands, so do not print these
	 * refusals.
	 */
	if (level < LOG_DEBUG)
		printf("# server: %s\n", line);
}

static const struct vuser_server_ops ops = {
	.struct_size = sizeof(ops),
	.connected = connected,
	.disconnected = disconnected,
	.reset = reset,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
	.irq_state = irq_state,
	.feature = feature,
	.migrate = migrate,
	.log_start = log_start,
	.log_stop = log_stop,
	.log_report = log_report,
	.mig_read = mig_read,
	.mig_write = mig_write,
	.mig_size = mig_size,
	.log = log_line,
};

/* Return the memory behind a region. */
static uint8_t *backing(struct device *dev, uint32_t index)
{
	if (index == 0)
		return dev->regs;
	return index == 1 ? dev->memory : dev->raw;
}

static int dma_copy(struct device *dev, uint64_t iova)
{
	uint64_t val;
	int ret;

	ret = vuser_dma_read(dev->server, iova, &val, sizeof(val));
	if (ret)
		return ret;
	val++;
	return vuser_dma_write(dev->server, iova + sizeof(val), &val,
			       sizeof(val));
}

static int read_mem(void *data, uint32_t index, uint64_t offset, void *buf,
		    uint32_t count)
{
	struct device *dev = data;

	dev->nr_reads++;
	dev->last_count = count;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return vuser_pci_read(&dev->pci, offset, buf, count);
	if (index == 0 && offset == REG_FAIL)
		return -ENXIO;
	memcpy(buf, backing(dev, index) + offset, count);
	return 0;
}

static int write_mem(void *data, uint32_t index, uint64_t offset,
		     const void *buf, uint32_t count)
{
	struct device *dev = data;
	int64_t result;
	uint64_t iova;

	dev->nr_writes++;
	dev->last_count = count;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return vuser_pci_write(&dev->pci, offset, buf, count);
	if (index == 0 && offset == REG_FAIL)
		return -ENXIO;
	memcpy(backing(dev, index) + offset, buf, count);
	if (index == 0 && offset == REG_DMA_COPY && count == sizeof(iova)) {
		memcpy(&iova, buf, sizeof(iova));
		result = dma_copy(dev, iova);
		memcpy(dev->regs + REG_DMA_RESULT, &result, sizeof(result));
	}
	return 0;
}

static void add_regions(struct device *dev)
{
	const uint32_t rw = VFIO_REGION_INFO_FLAG_READ |
			    VFIO_REGION_INFO_FLAG_WRITE;
	const struct vfio_user_sparse_area areas[] = {
		{ 0x1000, 0x1000 },
		{ 0x4000, 0x4000 },
	};
	struct vuser_server_region region = {
		.struct_size = sizeof(region),
		.size = DEVICE_REGION_SIZE,
		.flags = rw,
		.access_max = 8,
		.read = read_mem,
		.write = write_mem,
		.fd = -1,
	};

	require(!vuser_server_set_region(dev->server, 0, &region));
	region.access_max = 0;
	require(!vuser_server_set_region(dev->server, 2, &region));
	require(!vuser_server_add_ioeventfd(dev->server, 2, 0x1000, 4, 0, 0,
					    dev->io_fds[0]));
	require(!vuser_server_add_ioeventfd(dev->server, 2, 0x1004, 4, 0, 0,
					    dev->io_fds[1]));
	require(!vuser_server_add_ioeventfd(dev->server, 2, 0x1008, 2,
					    VFIO_USER_IOEVENTFD_DATAMATCH, 7,
					    dev->io_fds[1]));
	region.has_type = true;
	region.type = DEVICE_TYPE;
	region.subtype = DEVICE_SUBTYPE;
	region.flags = VFIO_REGION_INFO_FLAG_READ;
	require(!vuser_server_set_region(dev->server, 9, &region));

	region.flags = rw;
	region.has_type = false;
	region.fd = dev->memory_fd;
	region.fd_offset = 0x2000;
	region.size = DEVICE_SHARED_SIZE;
	region.areas = areas;
	region.nr_areas = 2;
	require(!vuser_server_set_region(dev->server, 1, &region));

	require(!vuser_pci_config_region(&dev->pci, &region));
	region.read = read_mem;
	region.write = write_mem;
	require(!vuser_server_set_region(
		dev->server, VFIO_PCI_CONFIG_REGION_INDEX, &region));
}

static void add_irqs(struct device *dev)
{
	require(!vuser_server_set_irqs(dev->server, VFIO_PCI_INTX_IRQ_INDEX,
				       VFIO_IRQ_INFO_EVENTFD |
					       VFIO_IRQ_INFO_MASKABLE |
					       VFIO_IRQ_INFO_AUTOMASKED,
				       1));
	require(!vuser_server_set_irqs(
		dev->server, VFIO_PCI_MSIX_IRQ_INDEX,
		VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE, DEVICE_MSIX));
}

static void *run(void *data)
{
	struct device *dev = data;
	struct pollfd pfds[2] = {
		{ .fd = vuser_server_fd(dev->server), .events = POLLIN },
		{ .fd = dev->stop_fd, .events = POLLIN },
	};

	for (;;) {
		poll(pfds, 2, -1);
		if (pfds[1].revents)
			return NULL;
		if (vuser_server_process(dev->server))
			return NULL;
	}
}

void device_resume(struct device *dev)
{
	pthread_create(&dev->thread, NULL, run, dev);
}

void device_pause(struct device *dev)
{
	eventfd_t count;

	eventfd_write(dev->stop_fd, 1);
	pthread_join(dev->thread, NULL);
	eventfd_read(dev->stop_fd, &count);
}

struct device *device_new(const struct vuser_server_config *config,
			  const char *path)
{
	const struct vuser_pci_ids ids = {
		.struct_size = sizeof(ids),
		.vendor = 0x5655,
		.device = 1,
		.class_code = 0xff0000,
	};
	struct vuser_server_config conf = { .struct_size = sizeof(conf) };
	struct device *dev = calloc(1, sizeof(*dev));

	if (!dev)
		return NULL;
	if (config)
		conf = *config;
	conf.device_flags = VFIO_DEVICE_FLAGS_PCI;
	require(!vuser_pci_init(&dev->pci, VUSER_PCI_CFG_SIZE, &ids));
	require(!vuser_pci_set_bar(&dev->pci, 0, DEVICE_REGION_SIZE, 0));
	vuser_pci_seal(&dev->pci);
	dev->stop_fd = eventfd(0, EFD_CLOEXEC);
	dev->io_fds[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	dev->io_fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	dev->memory_fd = memfd_create("device", MFD_CLOEXEC);
	if (ftruncate(dev->memory_fd, 0x2000 + DEVICE_SHARED_SIZE) ||
	    vuser_server_new(&ops, &conf, dev, &dev->server)) {
		free(dev);
		return NULL;
	}
	add_regions(dev);
	add_irqs(dev);
	if (path && vuser_server_listen(dev->server, path))
		printf("# cannot listen at %s\n", path);
	device_resume(dev);
	return dev;
}

void device_free(struct device *dev)
{
	device_pause(dev);
	vuser_server_free(dev->server);
	close(dev->stop_fd);
	close(dev->io_fds[0]);
	close(dev->io_fds[1]);
	close(dev->memory_fd);
	free(dev);
}

int device_connect(struct device *dev)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	/* Only the event loop's thread may call vuser_server_serve(). */
	device_pause(dev);
	if (vuser_server_serve(dev->server, fds[0])) {
		close(fds[1]);
		fds[1] = -EBUSY;
	}
	device_resume(dev);
	return fds[1];
}

bool device_await(atomic_uint *counter, unsigned int value)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int i;

	for (i = 0; i < TIMEOUT_MS; i++) {
		if (*counter >= value)
			return true;
		nanosleep(&ms, NULL);
	}
	return false;
}

struct vuser_client *device_client(struct device *dev,
				   const struct vuser_client_options *opt,
				   const struct vuser_client_ops *client_ops,
				   void *data)
{
	struct vuser_client *client;
	int sock = device_connect(dev);

	if (sock < 0 || vuser_client_new_fd(sock, opt, TIMEOUT_MS, client_ops,
					    data, &client))
		return NULL;
	return client;
}
