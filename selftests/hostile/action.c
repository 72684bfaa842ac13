// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/mem.h"
#include "action.h"

#define BAR0   VFIO_PCI_BAR0_REGION_INDEX
#define BAR2   VFIO_PCI_BAR2_REGION_INDEX
#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX
#define MSIX   VFIO_PCI_MSIX_IRQ_INDEX
#define PAGE   HOSTILE_PAGE

int consumer_check(struct consumer *c)
{
	uint32_t id = 0;
	int ret = region_get(c->dev.device, BAR0, 0, &id, sizeof(id));

	return ret ?: id == HOSTILE_ID ? 0 : -EBADMSG;
}

static void *map_bar(struct consumer *c, uint32_t index, size_t size)
{
	void *bar = region_mmap(c->dev.device, index, 0, size,
				PROT_READ | PROT_WRITE);

	return bar == MAP_FAILED ? NULL : bar;
}

int consumer_open(struct consumer *c)
{
	int ret = vfio_dev_open(&c->dev, c->uuid, VFIO_TYPE1v2_IOMMU);

	if (ret)
		return ret;
	c->bar0 = map_bar(c, BAR0, HOSTILE_BAR0_SIZE);
	c->bar2 = map_bar(c, BAR2, HOSTILE_BAR2_SIZE);
	return c->bar0 ? consumer_check(c) : -ENOMEM;
}

static void unmap_bar(volatile uint32_t **bar, size_t size)
{
	if (*bar)
		munmap((void *)*bar, size);
	*bar = NULL;
}

void consumer_close(struct consumer *c)
{
	unmap_bar(&c->bar0, HOSTILE_BAR0_SIZE);
	unmap_bar(&c->bar2, HOSTILE_BAR2_SIZE);
	vfio_dev_close(&c->dev);
}

/* Actions ------------------------------------------------------------------ */

static int do_load(struct consumer *c)
{
	uint32_t value = c->bar0[0];

	return value == HOSTILE_ID ? 0 : value == ~0U ? -EIO : -EBADMSG;
}

static int do_store(struct consumer *c)
{
	c->bar0[1] = 1;
	return 0;
}

static int do_config_write(struct consumer *c)
{
	uint8_t value = 0xff;

	return region_put(c->dev.device, CONFIG, 0x3c, &value, 1);
}

static int do_map(struct consumer *c)
{
	return dma_map(c->dev.container, c->mem, ACTION_IOVA, PAGE, DMA_RW);
}

/*
 * Maps a page that a server may read and write, and one that it may only read;
 * the page after them is a hole.
 */
static int map_two(struct consumer *c)
{
	memset(c->mem, 0x5a, 2 * PAGE);
	return do_map(c) ?:
			   dma_map(c->dev.container, c->mem + PAGE,
				   ACTION_IOVA + PAGE, PAGE,
				   VFIO_DMA_MAP_FLAG_READ);
}

static int do_unmap(struct consumer *c)
{
	return dma_unmap(c->dev.container, ACTION_IOVA, PAGE, 0, NULL);
}

static int do_irqs(struct consumer *c)
{
	return irq_set_eventfds(c->dev.device, MSIX, 0, 1, &c->event);
}

static int do_irqs_off(struct consumer *c)
{
	return irq_disable(c->dev.device, MSIX);
}

static int do_reset(struct consumer *c)
{
	return ioctl(c->dev.device, VFIO_DEVICE_RESET) ? -errno : 0;
}

static int do_feature(struct consumer *c)
{
	struct {
		struct vfio_device_feature head;
		uint64_t data;
	} feature = {
		.head.argsz = sizeof(feature),
		.head.flags = VFIO_DEVICE_FEATURE_GET | 0x777,
	};

	return ioctl(c->dev.device, VFIO_DEVICE_FEATURE, &feature) ? -errno : 0;
}

static int do_open(struct consumer *c)
{
	return consumer_open(c);
}

/* Opens the device in a container that has a map already. */
static int do_open_mapped(struct consumer *c)
{
	struct vfio_dev *dev = &c->dev;
	int ret = -EIO;

	*dev = (struct vfio_dev)VFIO_DEV_INIT;
	dev->container = container_open();
	dev->group = group_open(c->uuid);
	if (group_attach(dev->group, dev->container) ||
	    ioctl(dev->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) ||
	    do_map(c))
		goto err;
	ret = group_device(dev->group, c->uuid);
	if (ret < 0)
		goto err;
	dev->device = ret;
	return consumer_check(c);

err:
	vfio_dev_close(dev);
	return ret;
}

static int do_close(struct consumer *c)
{
	consumer_close(c);
	return 0;
}

/*
 * The index of the region or interrupt in the command; all commands have it at
 * the same place.
 */
static uint32_t index_of(const struct message *cmd)
{
	uint32_t index;

	memcpy(&index, cmd->data + 8, sizeof(index));
	return index;
}

static bool is_bar2(const struct message *cmd)
{
	return index_of(cmd) == BAR2;
}

static bool is_msix(const struct message *cmd)
{
	return index_of(cmd) == MSIX;
}

static bool is_posted(const struct message *cmd)
{
	return cmd->hdr.flags & VFIO_USER_FLAGS_NO_REPLY;
}

/* The third read of configuration space in the handshake. */
static bool is_third(const struct message *cmd)
{
	uint64_t offset;

	memcpy(&offset, cmd->data, sizeof(offset));
	return offset == 8;
}

/*
 * The last read of configuration space, and the last command of the handshake.
 */
static bool is_last(const struct message *cmd)
{
	uint64_t offset;

	memcpy(&offset, cmd->data, sizeof(offset));
	return offset == HOSTILE_CONFIG - 4;
}

/* The helper takes a few more descriptors than a description needs. */
#define FEW_FDS	  8
#define ANY_FDS	  HOSTILE_MAX_FDS * 1000
#define REGION_RW sizeof(struct vfio_user_region_access)
#define NO_LIMIT  (1 << 20)

/* clang-format off */
const struct action actions[] = {
	{ "pread", { VFIO_USER_REGION_READ }, OPEN, NULL, consumer_check,
	  REGION_RW + 4, REGION_RW + 4, REGION_RW + 4, .echoes = true, .refuses = true,
	  .lost = FAILURE, .refused = FAILURE, .max_fds = ANY_FDS, .thorough = true },
	{ "load", { VFIO_USER_REGION_READ }, OPEN, NULL, do_load,
	  REGION_RW + 4, REGION_RW + 4, REGION_RW + 4, .echoes = true, .refuses = true,
	  .lost = FAILURE, .refused = FAILURE, .max_fds = ANY_FDS },
	{ "config write", { VFIO_USER_REGION_WRITE }, OPEN, NULL, do_config_write,
	  REGION_RW, REGION_RW, REGION_RW, .echoes = true, .refuses = true,
	  .lost = FAILURE, .refused = FAILURE, .max_fds = ANY_FDS },
	{ "store", { VFIO_USER_REGION_WRITE, is_posted }, OPEN, NULL, do_store,
	  .posted = true, .lost = SUCCESS, .refused = SUCCESS },
	{ "dma", { VFIO_USER_REGION_WRITE, is_posted }, OPEN, map_two, do_store,
	  .posted = true, .lost = SUCCESS, .refused = SUCCESS },
	{ "DMA_MAP", { VFIO_USER_DMA_MAP }, OPEN, NULL, do_map,
	  0, 0, 0, .refuses = true, .lost = EITHER, .refused = FAILURE, .max_fds = ANY_FDS, .thorough = true },
	{ "DMA_UNMAP", { VFIO_USER_DMA_UNMAP }, OPEN, do_map, do_unmap,
	  24, 24, 24, .bare = true, .refuses = true, .lost = EITHER, .refused = EITHER, .max_fds = ANY_FDS },
	{ "SET_IRQS", { VFIO_USER_DEVICE_SET_IRQS }, OPEN, NULL, do_irqs,
	  0, 20, 20, .bare = true, .refuses = true, .lost = FAILURE, .refused = FAILURE, .max_fds = ANY_FDS },
	{ "SET_IRQS off", { VFIO_USER_DEVICE_SET_IRQS }, OPEN, do_irqs, do_irqs_off,
	  0, 20, 20, .bare = true, .refuses = true, .lost = EITHER, .refused = EITHER, .max_fds = ANY_FDS },
	{ "RESET", { VFIO_USER_DEVICE_RESET }, OPEN, NULL, do_reset,
	  0, 0, 0, .refuses = true, .lost = FAILURE, .refused = FAILURE, .max_fds = ANY_FDS },
	{ "FEATURE", { VFIO_USER_DEVICE_FEATURE }, OPEN, NULL, do_feature,
	  16, 8, 16, .refuses = true, .lost = FAILURE, .refused = FAILURE, .max_fds = ANY_FDS },
	{ "open", { VFIO_USER_DEVICE_RESET }, OPENING, NULL, do_open,
	  0, 0, 0, .refuses = true, .lost = FAILURE, .refused = FAILURE, .max_fds = ANY_FDS },
	{ "open, setup", { VFIO_USER_REGION_WRITE }, OPENING, NULL, do_open,
	  REGION_RW, REGION_RW, REGION_RW, .echoes = true, .refuses = true,
	  .lost = FAILURE, .refused = SUCCESS, .max_fds = ANY_FDS },
	{ "open mapped", { VFIO_USER_DMA_MAP }, OPENING, NULL, do_open_mapped,
	  0, 0, 0, .refuses = true, .lost = FAILURE, .refused = FAILURE, .max_fds = ANY_FDS },
	{ "close, interrupts", { VFIO_USER_DEVICE_SET_IRQS }, CLOSING, do_irqs, do_close,
	  0, 20, 20, .bare = true, .refuses = true, .max_fds = ANY_FDS },
	{ "close, command", { VFIO_USER_REGION_WRITE }, CLOSING, NULL, do_close,
	  REGION_RW, REGION_RW, REGION_RW, .echoes = true, .refuses = true, .max_fds = ANY_FDS },
	{ "close, unmap", { VFIO_USER_DMA_UNMAP }, CLOSING, do_map, do_close,
	  24, 24, 24, .bare = true, .refuses = true, .max_fds = ANY_FDS },
	{ "close, reset", { VFIO_USER_DEVICE_RESET }, CLOSING, NULL, do_close,
	  0, 0, 0, .refuses = true, .max_fds = ANY_FDS },
	{ "version", { VFIO_USER_VERSION }, HANDSHAKE, .len = 72, .min = 72, .max = 72,
	  .echoes = true, .refuses = true, .max_fds = FEW_FDS, .thorough = true },
	{ "info", { VFIO_USER_DEVICE_GET_INFO }, HANDSHAKE, .len = 16, .min = 16, .max = NO_LIMIT,
	  .echoes = true, .refuses = true, .max_fds = 0 },
	{ "region info", { VFIO_USER_DEVICE_GET_REGION_INFO, is_bar2 }, HANDSHAKE,
	  .len = 64, .min = 64, .max = NO_LIMIT, .echoes = true, .max_fds = FEW_FDS },
	{ "io fds", { VFIO_USER_DEVICE_GET_REGION_IO_FDS, is_bar2 }, HANDSHAKE,
	  .len = 16, .min = 16, .max = NO_LIMIT, .echoes = true, .max_fds = HOSTILE_MAX_FDS },
	{ "irq info", { VFIO_USER_DEVICE_GET_IRQ_INFO, is_msix }, HANDSHAKE,
	  .len = 16, .min = 16, .max = NO_LIMIT, .echoes = true, .max_fds = 0 },
	{ "config read", { VFIO_USER_REGION_READ, is_third }, HANDSHAKE,
	  .len = 20, .min = 20, .max = 20, .echoes = true, .max_fds = 0, .thorough = true },
	{ "last config read", { VFIO_USER_REGION_READ, is_last }, HANDSHAKE, .single = true },
};
/* clang-format on */

const unsigned int nr_actions = sizeof(actions) / sizeof(actions[0]);

const struct action *action_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_actions; i++)
		if (!strcmp(actions[i].name, name))
			return &actions[i];
	fprintf(stderr, "no action \"%s\"\n", name);
	abort();
}
