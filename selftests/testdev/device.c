// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "model.h"

static const uint32_t bar_sizes[NR_BARS] = {
	TESTDEV_BAR0_SIZE, TESTDEV_BAR1_SIZE, TESTDEV_BAR2_SIZE,
	TESTDEV_BAR3_SIZE, TESTDEV_BAR4_SIZE, TESTDEV_BAR5_SIZE,
};

static uint32_t bar_size(struct device *dev, uint32_t index)
{
	if (index == TESTDEV_MODEL_WIDE_BAR + 1 && dev->opt.model)
		return 0;
	if (index == 4 && dev->opt.bar4_size)
		return dev->opt.bar4_size;
	if (index == 1 && dev->opt.small_msix)
		return TESTDEV_SMALL_BAR1_SIZE;
	return bar_sizes[index];
}

uint8_t *device_memory(struct device *dev, uint32_t index, uint64_t offset,
		       uint32_t size)
{
	uint64_t limit;
	uint8_t *mem;

	if (index < NR_BARS) {
		mem = dev->bars[index];
		limit = bar_size(dev, index);
	} else if (index == VFIO_PCI_ROM_REGION_INDEX) {
		mem = dev->rom;
		limit = TESTDEV_ROM_SIZE;
	} else if (index == TESTDEV_TYPED) {
		mem = dev->typed;
		limit = TESTDEV_TYPED_SIZE;
	} else if (index == VFIO_PCI_CONFIG_REGION_INDEX) {
		mem = dev->pci.cfg;
		limit = TESTDEV_CONFIG_SIZE;
	} else {
		return NULL;
	}
	if (offset > limit || size > limit - offset)
		return NULL;
	return mem + offset;
}

static int memory_read(void *data, uint32_t index, uint64_t offset, void *buf,
		       uint32_t count)
{
	uint8_t *mem = device_memory(data, index, offset, count);

	if (!mem)
		return -EINVAL;
	memcpy(buf, mem, count);
	return 0;
}

static int memory_write(void *data, uint32_t index, uint64_t offset,
			const void *buf, uint32_t count)
{
	uint8_t *mem = device_memory(data, index, offset, count);

	if (!mem)
		return -EINVAL;
	memcpy(mem, buf, count);
	return 0;
}

/* Read the client's memory before answering the client's read. */
static int onread(struct device *dev, void *buf)
{
	uint64_t iova;
	bool on;

	pthread_mutex_lock(&dev->lock);
	on = dev->onread;
	iova = dev->onread_iova;
	pthread_mutex_unlock(&dev->lock);
	memset(buf, 0, 8);
	return on ? vuser_dma_read(dev->server, iova, buf, 8) : 0;
}

static int bar0_read(void *data, uint32_t index, uint64_t offset, void *buf,
		     uint32_t count)
{
	struct device *dev = data;
	uint32_t id = TESTDEV_ID;

	if (offset >= TESTDEV_REG_MEMORY)
		return memory_read(data, index, offset, buf, count);
	if (offset == TESTDEV_REG_ID && count == sizeof(id)) {
		memcpy(buf, &id, sizeof(id));
		return 0;
	}
	if (offset == TESTDEV_REG_READS && (count == 4 || count == 8)) {
		memcpy(buf, &dev->reads, count);
		dev->reads++;
		return 0;
	}
	if (offset == TESTDEV_REG_ONREAD && count == 8)
		return onread(dev, buf);
	memset(buf, 0, count);
	return 0;
}

static int bar0_write(void *data, uint32_t index, uint64_t offset,
		      const void *buf, uint32_t count)
{
	if (offset < TESTDEV_REG_MEMORY)
		return 0;
	return memory_write(data, index, offset, buf, count);
}

static uint32_t pba_offset(const struct device *dev)
{
	return dev->opt.small_msix ? TESTDEV_SMALL_PBA : TESTDEV_MSIX_PBA;
}

static uint32_t msix_bar(const struct device *dev)
{
	return dev->opt.msix_bar ? dev->opt.msix_bar : 1;
}

/* Whether an access to BAR 1 is to the memory after table and pending bits. */
static bool is_msix_memory(const struct device *dev, uint64_t offset)
{
	return dev->opt.small_msix && offset >= TESTDEV_SMALL_MEMORY;
}

static int msix_read(void *data, uint32_t index, uint64_t offset, void *buf,
		     uint32_t count)
{
	struct device *dev = data;

	if (is_msix_memory(dev, offset))
		return memory_read(data, index, offset, buf, count);
	if (offset < pba_offset(dev))
		vuser_msix_table_read(&dev->msix, offset, buf, count);
	else
		vuser_msix_pba_read(&dev->msix, offset - pba_offset(dev), buf,
				    count);
	return 0;
}

static int msix_write(void *data, uint32_t index, uint64_t offset,
		      const void *buf, uint32_t count)
{
	struct device *dev = data;

	if (is_msix_memory(dev, offset))
		return memory_write(data, index, offset, buf, count);
	if (offset < pba_offset(dev))
		vuser_msix_table_write(&dev->msix, offset, buf, count);
	return 0;
}

static int region_read(void *data, uint32_t index, uint64_t offset, void *buf,
		       uint32_t count)
{
	if (!model_decodes(data, index)) {
		memset(buf, 0xff, count);
		return 0;
	}
	if (index == 0)
		return bar0_read(data, index, offset, buf, count);
	if (index == 1)
		return msix_read(data, index, offset, buf, count);
	return memory_read(data, index, offset, buf, count);
}

static int region_write(void *data, uint32_t index, uint64_t offset,
			const void *buf, uint32_t count)
{
	struct device *dev = data;
	int id = vuser_server_write_id(dev->server);

	if (id >= 0)
		dev->last_write = id;
	if (!model_decodes(data, index))
		return 0;
	if (index == 0)
		return bar0_write(data, index, offset, buf, count);
	if (index == 1)
		return msix_write(data, index, offset, buf, count);
	return memory_write(data, index, offset, buf, count);
}

static int device_reset(void *data)
{
	struct device *dev = data;

	vuser_pci_reset(&dev->pci);
	vuser_msix_reset(&dev->msix);
	return 0;
}

static int config_read(void *data, uint32_t index, uint64_t offset, void *buf,
		       uint32_t count)
{
	struct device *dev = data;

	(void)index;
	return vuser_pci_read(&dev->pci, offset, buf, count);
}

static int config_write(void *data, uint32_t index, uint64_t offset,
			const void *buf, uint32_t count)
{
	struct device *dev = data;
	int ret = model_write(dev, offset, buf, count);

	(void)index;
	return ret == 1 ? device_reset(dev) : ret;
}

/* Read the start of a mapping before the reply to DMA_MAP. */
static void read_early(struct device *dev, const struct vuser_dma_region *reg)
{
	uint64_t value = 0;
	int ret = vuser_dma_read(dev->server, reg->iova, &value, 8);

	pthread_mutex_lock(&dev->lock);
	dev->onmap_result = ret;
	dev->onmap_value = value;
	pthread_mutex_unlock(&dev->lock);
}

static int device_dma_map(void *data, const struct vuser_dma_region *region)
{
	struct device *dev = data;
	bool onmap;

	pthread_mutex_lock(&dev->lock);
	if (dev->nr_dma == MAX_DMA_LIST ||
	    (dev->opt.dma_limit && dev->nr_dma == dev->opt.dma_limit)) {
		pthread_mutex_unlock(&dev->lock);
		return -EINVAL;
	}
	dev->dma[dev->nr_dma++] = *region;
	onmap = dev->onmap;
	pthread_mutex_unlock(&dev->lock);
	if (onmap)
		read_early(dev, region);
	return 0;
}

static void device_dma_unmap(void *data, const struct vuser_dma_region *region)
{
	struct device *dev = data;
	unsigned int i;

	pthread_mutex_lock(&dev->lock);
	for (i = 0; i < dev->nr_dma; i++) {
		if (dev->dma[i].iova == region->iova) {
			dev->dma[i] = dev->dma[--dev->nr_dma];
			break;
		}
	}
	pthread_mutex_unlock(&dev->lock);
}

static ssize_t device_feature(void *data, uint32_t flags, void *buf, size_t len,
			      size_t size)
{
	struct device *dev = data;
	uint32_t last = dev->last_write;

	if ((flags & VFIO_DEVICE_FEATURE_MASK) ==
		    VFIO_USER_FEATURE_LAST_WRITE &&
	    dev->opt.has_last_write && size >= sizeof(last)) {
		memcpy(buf, &last, sizeof(last));
		return sizeof(last);
	}
	if ((flags & VFIO_DEVICE_FEATURE_MASK) != TESTDEV_FEATURE)
		return -ENOTTY;
	if (flags & VFIO_DEVICE_FEATURE_PROBE)
		return 0;
	if (flags & VFIO_DEVICE_FEATURE_SET) {
		if (len != TESTDEV_FEATURE_SIZE)
			return -EINVAL;
		memcpy(dev->typed, buf, len);
		return 0;
	}
	if (size < TESTDEV_FEATURE_SIZE)
		return -EINVAL;
	memcpy(buf, dev->typed, TESTDEV_FEATURE_SIZE);
	return TESTDEV_FEATURE_SIZE;
}

/*
 * The state that migrates: records of a byte with the kind, and data. 'P', before the device
 * stops, has BAR 0; 'S' has BAR 0, then configuration space, and ends the state.
 */
#define MIG_SIZE (TESTDEV_BAR0_SIZE + TESTDEV_CONFIG_SIZE)

static uint8_t *mig_byte(struct device *dev, size_t i)
{
	return i < TESTDEV_BAR0_SIZE ? &dev->bars[0][i] :
				       &dev->pci.cfg[i - TESTDEV_BAR0_SIZE];
}

static size_t mig_len(const struct device *dev)
{
	return dev->mig_record == 'S' ? MIG_SIZE : TESTDEV_BAR0_SIZE;
}

static bool mig_saves(enum vfio_device_mig_state state)
{
	return state == VFIO_DEVICE_STATE_STOP_COPY ||
	       state == VFIO_DEVICE_STATE_PRE_COPY ||
	       state == VFIO_DEVICE_STATE_PRE_COPY_P2P;
}

static int device_migrate(void *data, enum vfio_device_mig_state from,
			  enum vfio_device_mig_state to)
{
	struct device *dev = data;

	if (from == VFIO_DEVICE_STATE_RESUMING && !dev->mig_ended)
		return -EINVAL;
	if (!mig_saves(from)) {
		dev->mig_record = 0;
		dev->mig_early = false;
		dev->mig_ended = false;
	}
	dev->mig_state = to;
	dev->mig_stopped = to == VFIO_DEVICE_STATE_STOP_COPY;
	return 0;
}

/* Begin the next record that is due. */
static bool mig_next(struct device *dev)
{
	if (dev->mig_stopped && !dev->mig_ended)
		dev->mig_record = 'S';
	else if (!dev->mig_stopped && !dev->mig_early)
		dev->mig_record = 'P';
	else
		return false;
	dev->mig_early = true;
	dev->mig_ended = dev->mig_stopped;
	dev->mig_done = 0;
	return true;
}

static ssize_t device_mig_read(void *data, void *buf, size_t count)
{
	struct device *dev = data;
	uint8_t *bytes = buf;
	size_t i = 0;

	/* In small parts, as a device with much state. */
	if (count > 1000)
		count = 1000;
	if (dev->mig_endless) {
		memset(buf, 0, count);
		return count;
	}
	while (i < count) {
		if (dev->mig_record && dev->mig_done == mig_len(dev))
			dev->mig_record = 0;
		if (dev->mig_record)
			bytes[i++] = *mig_byte(dev, dev->mig_done++);
		else if (mig_next(dev))
			bytes[i++] = dev->mig_record;
		else
			break;
	}
	return i;
}

static int device_mig_write(void *data, const void *buf, size_t count)
{
	const uint8_t *bytes = buf;
	struct device *dev = data;
	size_t i;

	if (dev->mig_endless)
		return 0;
	for (i = 0; i < count; i++) {
		if (dev->mig_ended)
			return -EINVAL;
		if (dev->mig_record) {
			*mig_byte(dev, dev->mig_done++) = bytes[i];
		} else if (bytes[i] == 'P' || bytes[i] == 'S') {
			dev->mig_record = bytes[i];
			dev->mig_done = 0;
		} else {
			return -EINVAL;
		}
		if (dev->mig_done == mig_len(dev)) {
			dev->mig_ended = dev->mig_record == 'S';
			dev->mig_record = 0;
			dev->mig_done = 0;
		}
	}
	return 0;
}

static int device_mig_size(void *data, uint64_t *size)
{
	struct device *dev = data;

	*size = dev->mig_endless ? UINT64_MAX : MIG_SIZE + 1;
	return 0;
}

static void device_disconnected(void *data, int error)
{
	struct device *dev = data;

	(void)error;
	pthread_mutex_lock(&dev->lock);
	dev->nr_dma = 0;
	pthread_mutex_unlock(&dev->lock);
}

static const struct vuser_server_ops ops = {
	.struct_size = sizeof(ops),
	.reset = device_reset,
	.dma_map = device_dma_map,
	.dma_unmap = device_dma_unmap,
	.feature = device_feature,
	.disconnected = device_disconnected,
	.migrate = device_migrate,
	.mig_read = device_mig_read,
	.mig_write = device_mig_write,
	.mig_size = device_mig_size,
};

static const struct vuser_server_ops ops_no_reset = {
	.struct_size = sizeof(ops_no_reset),
	.dma_map = device_dma_map,
	.dma_unmap = device_dma_unmap,
	.disconnected = device_disconnected,
	.migrate = device_migrate,
	.mig_read = device_mig_read,
	.mig_write = device_mig_write,
};

static int init_memory(struct device *dev)
{
	bool is_shared;
	unsigned int i;

	for (i = 0; i < NR_BARS; i++) {
		if (!bar_size(dev, i))
			continue;
		is_shared = i == 2 || i == 4;
		dev->memfds[i] =
			area_create(is_shared ? dev->opt.areas : AREA_MEMFD,
				    bar_size(dev, i), &dev->bars[i]);
		if (dev->memfds[i] < 0)
			return dev->memfds[i];
		if (!is_shared) {
			close(dev->memfds[i]);
			dev->memfds[i] = -1;
		}
	}
	dev->rom[0] = 0x55;
	dev->rom[1] = 0xaa;
	return vuser_msix_init(&dev->msix, TESTDEV_NR_MSIX);
}

static int init_pci(struct device *dev)
{
	static const struct vuser_pci_ids ids = {
		.struct_size = sizeof(ids),
		.vendor = TESTDEV_VENDOR_ID,
		.device = TESTDEV_DEVICE_ID,
		.subsystem_vendor = TESTDEV_VENDOR_ID,
		.subsystem = TESTDEV_DEVICE_ID,
		.class_code = TESTDEV_CLASS,
	};
	unsigned int i;
	int ret;

	ret = vuser_pci_init(&dev->pci, VUSER_PCIE_CFG_SIZE, &ids);
	if (ret)
		return ret;
	for (i = 0; i < NR_BARS; i++) {
		if (!bar_size(dev, i))
			continue;
		ret = vuser_pci_set_bar(&dev->pci, i, bar_size(dev, i),
					dev->opt.model ? model_bar_flags(i) :
							 0);
		if (ret)
			return ret;
	}
	vuser_pci_set_intx(&dev->pci, 1);
	ret = vuser_pci_add_pcie(&dev->pci, PCI_EXP_TYPE_ENDPOINT,
				 dev->opt.model);
	if (ret >= 0)
		ret = vuser_pci_add_msix(&dev->pci, TESTDEV_NR_MSIX,
					 msix_bar(dev), TESTDEV_MSIX_TABLE,
					 msix_bar(dev), pba_offset(dev));
	if (ret >= 0 && dev->opt.model)
		ret = model_init(dev);
	if (ret >= 0 && dev->opt.broken)
		ret = model_break(dev, dev->opt.broken);
	if (ret < 0)
		return ret;
	vuser_pci_seal(&dev->pci);
	return 0;
}

static int set_config(struct device *dev)
{
	struct vuser_server_region region = { .struct_size = sizeof(region) };
	int ret;

	ret = vuser_pci_config_region(&dev->pci, &region);
	if (ret)
		return ret;
	region.read = config_read;
	region.write = config_write;
	return vuser_server_set_region(dev->server,
				       VFIO_PCI_CONFIG_REGION_INDEX, &region);
}

static int set_typed(struct device *dev)
{
	static const struct vuser_server_region region = {
		.struct_size = sizeof(region),
		.size = TESTDEV_TYPED_SIZE,
		.flags = VFIO_REGION_INFO_FLAG_READ |
			 VFIO_REGION_INFO_FLAG_WRITE,
		.read = memory_read,
		.write = memory_write,
		.fd = -1,
		.has_type = true,
		.type = TESTDEV_TYPED_TYPE,
		.subtype = TESTDEV_TYPED_SUBTYPE,
	};

	return vuser_server_set_region(dev->server, TESTDEV_TYPED, &region);
}

static int set_regions(struct device *dev)
{
	static const struct vfio_user_sparse_area areas[] = {
		{ TESTDEV_AREA0_OFFSET, TESTDEV_AREA0_SIZE },
		{ TESTDEV_AREA1_OFFSET, TESTDEV_AREA1_SIZE },
	};
	struct vuser_server_region region = { .struct_size = sizeof(region) };
	unsigned int i;
	int ret;

	for (i = 0; i < NR_BARS; i++) {
		if (!bar_size(dev, i))
			continue;
		region = (struct vuser_server_region) {
			.struct_size = sizeof(region),
			.size = bar_size(dev, i),
			.flags = VFIO_REGION_INFO_FLAG_READ |
				 VFIO_REGION_INFO_FLAG_WRITE,
			.read = region_read,
			.write = region_write,
			.fd = dev->memfds[i],
			.areas = i == 2 ? areas : NULL,
			.nr_areas = i == 2 ? 2 : 0,
		};
		ret = vuser_server_set_region(dev->server, i, &region);
		if (ret)
			return ret;
	}
	region = (struct vuser_server_region) {
		.struct_size = sizeof(region),
		.size = TESTDEV_ROM_SIZE,
		.flags = VFIO_REGION_INFO_FLAG_READ,
		.read = region_read,
		.fd = -1,
	};
	ret = vuser_server_set_region(dev->server, VFIO_PCI_ROM_REGION_INDEX,
				      &region);
	if (!ret)
		ret = set_typed(dev);
	return ret ? ret : set_config(dev);
}

static int set_doorbells(struct device *dev)
{
	static const struct {
		uint64_t offset;
		uint32_t size;
		uint32_t flags;
		uint64_t match;
	} db[TESTDEV_NR_DOORBELLS] = {
		{ TESTDEV_DB_ANY, 4, 0, 0 },
		{ TESTDEV_DB_MATCH, 2, VFIO_USER_IOEVENTFD_DATAMATCH,
		  TESTDEV_DB_MATCH1 },
		{ TESTDEV_DB_MATCH, 2, VFIO_USER_IOEVENTFD_DATAMATCH,
		  TESTDEV_DB_MATCH2 },
		{ TESTDEV_DB_ANYSIZE, 0, 0, 0 },
		{ TESTDEV_DB_WIDE, 8, 0, 0 },
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < TESTDEV_NR_DOORBELLS && !ret; i++) {
		dev->doorbells[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (dev->doorbells[i] < 0)
			return -errno;
		if (dev->opt.no_io_fds)
			continue;
		ret = vuser_server_add_ioeventfd(dev->server, 3, db[i].offset,
						 db[i].size, db[i].flags,
						 db[i].match,
						 dev->doorbells[i]);
	}
	return ret;
}

static int set_irqs(struct device *dev)
{
	static const struct {
		uint32_t index;
		uint32_t flags;
		uint32_t count;
	} irqs[] = {
		{ VFIO_PCI_INTX_IRQ_INDEX,
		  VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
			  VFIO_IRQ_INFO_AUTOMASKED,
		  1 },
		{ VFIO_PCI_MSI_IRQ_INDEX, VFIO_IRQ_INFO_EVENTFD,
		  TESTDEV_NR_MSI },
		{ VFIO_PCI_MSIX_IRQ_INDEX,
		  VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE,
		  TESTDEV_NR_MSIX },
		{ VFIO_PCI_ERR_IRQ_INDEX, VFIO_IRQ_INFO_EVENTFD, 1 },
		{ VFIO_PCI_REQ_IRQ_INDEX, VFIO_IRQ_INFO_EVENTFD, 1 },
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < sizeof(irqs) / sizeof(irqs[0]) && !ret; i++)
		ret = vuser_server_set_irqs(dev->server, irqs[i].index,
					    irqs[i].flags, irqs[i].count);
	if (!ret && dev->opt.plain_intx)
		ret = vuser_server_set_irqs(dev->server,
					    VFIO_PCI_INTX_IRQ_INDEX,
					    VFIO_IRQ_INFO_EVENTFD, 1);
	return ret;
}

int device_init(struct device *dev, const struct options *opt)
{
	int ret;

	pthread_mutex_init(&dev->lock, NULL);
	dev->opt = *opt;
	dev->last_write = opt->last_write;
	dev->opt.server.device_flags |= VFIO_DEVICE_FLAGS_PCI;
	ret = init_memory(dev);
	if (!ret)
		ret = init_pci(dev);
	if (!ret)
		ret = vuser_server_new(opt->no_reset ? &ops_no_reset : &ops,
				       &dev->opt.server, dev, &dev->server);
	if (!ret)
		ret = set_regions(dev);
	if (!ret)
		ret = set_doorbells(dev);
	if (!ret)
		ret = set_irqs(dev);
	return ret;
}
