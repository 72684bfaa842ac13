// SPDX-License-Identifier: GPL-2.0
/*
 * Calls with valid and invalid arguments.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/vfio.h"
#include "random.h"

#define REGION_SHIFT 40

/* A structure of some size, filled with plausible values. */
union argument {
	uint32_t word[64];
	uint8_t byte[256];
};

static void fill(struct dice *dice, union argument *arg)
{
	unsigned int i;

	memset(arg, 0, sizeof(*arg));
	for (i = 1; i < 16; i++)
		if (pick(dice, 2))
			arg->word[i] = odd_number(dice);
	arg->word[0] = once_in(dice, 4) ? odd_number(dice) :
					  4 * (1 + pick(dice, 64));
	if (arg->word[0] > sizeof(*arg) && !once_in(dice, 8))
		arg->word[0] = sizeof(*arg);
}

/* Calls one of @nr ioctls, or an ioctl with a number in the range of VFIO. */
static int call(struct dice *dice, int fd, const unsigned long *known,
		unsigned int nr)
{
	unsigned long cmd = known[pick(dice, nr)];
	union argument arg;
	void *where = &arg;

	fill(dice, &arg);
	if (once_in(dice, 10))
		cmd = _IO(VFIO_TYPE, VFIO_BASE + pick(dice, 40));
	if (once_in(dice, 20))
		where = (void *)(uintptr_t)odd_number(dice);
	/* The buffer may be longer than argsz, but not shorter. */
	if (where == &arg && arg.word[0] > sizeof(arg))
		arg.word[0] = sizeof(arg);
	return ioctl(fd, cmd, where);
}

static void random_ioctl(struct dice *dice, int fd)
{
	static const unsigned long known[] = {
		VFIO_DEVICE_GET_INFO,	   VFIO_DEVICE_GET_REGION_INFO,
		VFIO_DEVICE_GET_IRQ_INFO,  VFIO_DEVICE_SET_IRQS,
		VFIO_DEVICE_FEATURE,	   VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
		VFIO_DEVICE_PCI_HOT_RESET, VFIO_DEVICE_IOEVENTFD,
	};

	call(dice, fd, known, sizeof(known) / sizeof(known[0]));
	did(DID_IOCTL);
}

/* Some ioctls of a group return a descriptor, which must be closed. */
void container_step(struct dice *dice, const struct vfio_dev *dev)
{
	static const unsigned long known[] = {
		VFIO_GET_API_VERSION,	  VFIO_CHECK_EXTENSION,
		VFIO_SET_IOMMU,		  VFIO_IOMMU_GET_INFO,
		VFIO_IOMMU_MAP_DMA,	  VFIO_IOMMU_UNMAP_DMA,
		VFIO_IOMMU_DIRTY_PAGES,	  VFIO_GROUP_GET_STATUS,
		VFIO_GROUP_SET_CONTAINER,
	};
	int fd = pick(dice, 4) ? dev->container : dev->group, ret;

	if (once_in(dice, 8))
		ret = group_device(dev->group, once_in(dice, 2) ?
						       world->uuid[0] :
						       "5655:00:00.0");
	else
		ret = call(dice, fd, known, sizeof(known) / sizeof(known[0]));
	if (ret > 2)
		close(ret);
	did(DID_CONTAINER);
}

static void set_irqs(struct dice *dice, int fd)
{
	static const uint32_t data[] = {
		VFIO_IRQ_SET_DATA_NONE,
		VFIO_IRQ_SET_DATA_BOOL,
		VFIO_IRQ_SET_DATA_EVENTFD,
	};
	uint32_t kind = data[pick(dice, 3)], count = pick(dice, 12);
	uint32_t action = VFIO_IRQ_SET_ACTION_TRIGGER;
	int32_t fds[16];
	uint8_t bools[16];
	unsigned int i;

	if (once_in(dice, 3))
		action = 1 << (3 + pick(dice, 3));
	for (i = 0; i < 16; i++) {
		fds[i] = once_in(dice, 4) ? -1 : eventfd(0, EFD_NONBLOCK);
		bools[i] = pick(dice, 2);
	}
	irq_set(fd, kind | action, pick(dice, 6), pick(dice, 4),
		once_in(dice, 20) ? odd_number(dice) : count,
		kind == VFIO_IRQ_SET_DATA_EVENTFD ? (void *)fds : bools,
		kind == VFIO_IRQ_SET_DATA_NONE ? 0 :
		kind == VFIO_IRQ_SET_DATA_BOOL ? count :
						 count * sizeof(fds[0]));
	for (i = 0; i < 16; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	did(DID_IRQS);
}

static void transfer(struct dice *dice, int fd)
{
	uint64_t region = once_in(dice, 10) ? odd_number(dice) % 64 :
					      pick(dice, 9);
	uint64_t offset = once_in(dice, 10) ? odd_number(dice) :
					      pick(dice, 0x5000);
	size_t len = once_in(dice, 4) ? pick(dice, 5000) : 1 + pick(dice, 16);
	static __thread char buf[5000];

	offset += region << REGION_SHIFT;
	if (pick(dice, 2))
		(void)!pread(fd, buf, len, offset);
	else
		(void)!pwrite(fd, buf, len, offset);
	did(DID_ACCESS);
}

void device_step(struct dice *dice, int fd)
{
	switch (pick(dice, 8)) {
	case 0 ... 2:
		random_ioctl(dice, fd);
		break;
	case 3:
		set_irqs(dice, fd);
		break;
	case 4:
		if (once_in(dice, 8))
			ioctl(fd, VFIO_DEVICE_RESET);
		break;
	default:
		transfer(dice, fd);
	}
}

void dma_step(struct dice *dice, int container, struct views *views)
{
	size_t size = (1 + pick(dice, 8)) * PAGE;
	uint64_t iova = pick(dice, 64) * PAGE;
	enum memory kind = MEMORY_ANON;
	size_t room;
	char *mem;

	if (once_in(dice, 10))
		iova = odd_number(dice);
	if (pick(dice, 2)) {
		dma_unmap(container, iova, once_in(dice, 4) ? 64 * PAGE : size,
			  once_in(dice, 20) ? pick(dice, 8) : 0, NULL);
		did(DID_DMA_UNMAP);
		return;
	}
	mem = memory_any(dice, size, &kind);
	/* Sometimes map memory of the device itself, or any address. */
	if (once_in(dice, 5)) {
		mem = views_any(dice, views, &room);
		if (room < size)
			mem = NULL;
		kind = MEMORY_ANON;
	}
	if (once_in(dice, 20))
		mem = (char *)(uintptr_t)odd_number(dice);
	if (!dma_map(container, mem, iova,
		     once_in(dice, 20) ? odd_number(dice) : size,
		     kind == MEMORY_FUSE || once_in(dice, 4) ? pick(dice, 4) :
							       DMA_RW))
		memory_did(kind);
}
