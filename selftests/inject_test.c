// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation of the module, and each of its copies from and to user space,
 * fails in turn: what was asked for fails cleanly or works all the same, and
 * what comes next works.  Leaks are for the suite to see.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/consumer.h"
#include "lib/fault.h"
#include "lib/helper.h"
#include "lib/inject.h"
#include "lib/mem.h"

#define PAGE 0x1000UL
#define MB   0x100000UL

/* More places than there are anywhere. */
#define MAX_NTH 3000

/* Seconds for all of them. */
#define LIMIT 120

/* What is done with a failure in it, and without one afterwards. */
struct act {
	int (*run)(void *data);
	void (*undo)(void *data);
	void *data;
	enum inject_who who;
};

/*
 * What a system call may say of a failure: EINVAL where VFIO then tries another
 * backend, EIO of a register access.
 */
static bool clean(int ret)
{
	switch (ret) {
	case 0:
	case -ENOMEM:
	case -EFAULT:
	case -ENOBUFS:
	case -EINVAL:
	case -EIO:
		return true;
	default:
		return false;
	}
}

/* The first, second, third place fails, until a run had no more of them. */
static void sweep(struct __test_metadata *_metadata, const struct act *act)
{
	int ret = 0, failed = 1;
	unsigned int nth;

	for (nth = 1; failed && nth < MAX_NTH; nth++) {
		ASSERT_EQ(0, inject_arm(act->who, nth));
		ret = act->run(act->data);
		failed = inject_disarm(act->who);
		if (act->undo)
			act->undo(act->data);
		EXPECT_TRUE(clean(ret))
		TH_LOG("failure %u: %s", nth, strerror(-ret));
	}
	EXPECT_EQ(0, failed);
	EXPECT_EQ(0, ret);
	/* One at least, or nothing was tried. */
	EXPECT_LT(2, nth);
	TH_LOG("%u places", nth - 2);
}

static void sweep_self(struct __test_metadata *_metadata, int (*run)(void *),
		       void (*undo)(void *), void *data)
{
	struct act act = { run, undo, data, INJECT_SELF };

	sweep(_metadata, &act);
}

/* Create, settings, remove ------------------------------------------------- */

FIXTURE(device)
{
	struct testdev td;
};

FIXTURE_SETUP(device)
{
	memset(&self->td, 0, sizeof(self->td));
	uuid_new(self->td.uuid);
}

FIXTURE_TEARDOWN(device)
{
	testdev_stop(&self->td);
	EXPECT_EQ(0, mdev_exists(self->td.uuid));
}

static int create(void *uuid)
{
	return mdev_create(uuid);
}

static void remove_if_there(void *uuid)
{
	if (mdev_exists(uuid))
		mdev_remove(uuid);
}

TEST_F_TIMEOUT(device, create, LIMIT)
{
	sweep_self(_metadata, create, remove_if_there, self->td.uuid);
}

static int remove_it(void *uuid)
{
	return mdev_remove(uuid);
}

static void create_again(void *uuid)
{
	if (!mdev_exists(uuid))
		mdev_create(uuid);
}

TEST_F_TIMEOUT(device, remove, LIMIT)
{
	ASSERT_EQ(0, mdev_create(self->td.uuid));
	sweep_self(_metadata, remove_it, create_again, self->td.uuid);
}

static int set_all(void *uuid)
{
	static const char *const set[][2] = {
		{ "request_timeout_ms", "20000" }, { "mmap", "trap" },
		{ "max_dma_maps", "8" },	   { "reset", "auto" },
		{ "dma_backing", "memory" },	   { "endpoint", "/run/none" },
		{ "pci_address", "5655:12:1f.7" },
	};
	unsigned int i;
	char buf[256];
	int ret = 0;

	for (i = 0; i < sizeof(set) / sizeof(set[0]) && !ret; i++) {
		ret = mdev_set(uuid, set[i][0], set[i][1]);
		if (!ret)
			ret = mdev_get(uuid, set[i][0], buf, sizeof(buf));
	}
	return ret;
}

static void create_anew(void *uuid)
{
	mdev_remove(uuid);
	mdev_create(uuid);
}

TEST_F_TIMEOUT(device, settings, LIMIT)
{
	ASSERT_EQ(0, mdev_create(self->td.uuid));
	sweep_self(_metadata, set_all, create_anew, self->td.uuid);
}

/* Attach: vuserd's calls --------------------------------------------------- */

static int attach(void *data)
{
	struct testdev *td = data;
	int ret = mdev_set(td->uuid, "endpoint", td->socket);

	/* vuserd says why not, and tries again. */
	return ret ? ret : mdev_wait(td->uuid, "state", "attached", SOON_MS);
}

static void detach(void *data)
{
	struct testdev *td = data;

	mdev_set(td->uuid, "endpoint", "");
	mdev_wait(td->uuid, "state", "created", SOON_MS);
}

TEST_F_TIMEOUT(device, attach, LIMIT)
{
	struct act act = { attach, detach, &self->td, INJECT_HELPER };

	ASSERT_EQ(0, testdev_serve(&self->td, NULL));
	ASSERT_EQ(0, mdev_create(self->td.uuid));
	sweep(_metadata, &act);
	ASSERT_EQ(0, attach(&self->td));
}

/* What changed is told by a work item: vuserd learns of it whatever fails. */
TEST_F_TIMEOUT(device, attach_told, LIMIT)
{
	struct act act = { attach, detach, &self->td, INJECT_WORKERS };

	ASSERT_EQ(0, testdev_serve(&self->td, NULL));
	ASSERT_EQ(0, mdev_create(self->td.uuid));
	sweep(_metadata, &act);
	ASSERT_EQ(0, attach(&self->td));
}

/* A consumer --------------------------------------------------------------- */

FIXTURE(consumer)
{
	struct vfio_dev dev;
	long locked;
};

FIXTURE_SETUP(consumer)
{
	self->locked = res_locked();
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
}

FIXTURE_TEARDOWN(consumer)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	/* Whatever happened, the next one finds it in order. */
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	vfio_dev_close(&self->dev);
}

static int open_it(void *data)
{
	return vfio_dev_open(data, shared.uuid, VFIO_TYPE1v2_IOMMU);
}

static void close_it(void *data)
{
	vfio_dev_close(data);
}

TEST_F_TIMEOUT(consumer, open, LIMIT)
{
	vfio_dev_close(&self->dev);
	sweep_self(_metadata, open_it, close_it, &self->dev);
}

static int close_after_use(void *data)
{
	struct vfio_dev *dev = data;

	vfio_dev_close(dev);
	return 0;
}

/* Interrupts and memory are there for the close to end. */
static void use(void *data)
{
	struct vfio_dev *dev = data;
	static void *mem;
	int fd;

	if (!mem)
		mem = mem_anon(MB);
	if (open_it(dev))
		return;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	irq_set_eventfds(dev->device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &fd);
	close(fd);
	dma_map(dev->container, mem, 0, MB, DMA_RW);
}

TEST_F_TIMEOUT(consumer, close, LIMIT)
{
	vfio_dev_close(&self->dev);
	use(&self->dev);
	sweep_self(_metadata, close_after_use, use, &self->dev);
}

static int ask(void *data)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_dev *dev = data;
	struct {
		struct vfio_region_info info;
		char room[1024];
	} region;
	struct vfio_irq_info irq;
	uint32_t i;
	int ret = 0;

	if (ioctl(dev->device, VFIO_DEVICE_GET_INFO, &info))
		return -errno;
	for (i = 0; i < info.num_regions; i++) {
		memset(&region, 0, sizeof(region));
		region.info.argsz = sizeof(region);
		region.info.index = i;
		if (ioctl(dev->device, VFIO_DEVICE_GET_REGION_INFO, &region) &&
		    errno != EINVAL)
			return -errno;
	}
	for (i = 0; i < info.num_irqs && !ret; i++)
		ret = irq_info(dev->device, i, &irq);
	if (!ret && !iommu_cap(dev->container, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL))
		ret = -errno;
	return ret == -EINVAL ? 0 : ret;
}

TEST_F_TIMEOUT(consumer, info, LIMIT)
{
	sweep_self(_metadata, ask, NULL, &self->dev);
}

static int read_write(void *data)
{
	int device = ((struct vfio_dev *)data)->device;
	char buf[512];
	int ret;

	ret = region_get(device, VFIO_PCI_CONFIG_REGION_INDEX, 0, buf, 64);
	if (!ret)
		ret = region_put(device, BAR(0), TESTDEV_REG_MEMORY, buf, 512);
	if (!ret)
		ret = region_get(device, BAR(0), TESTDEV_REG_MEMORY, buf, 512);
	if (!ret && ioctl(device, VFIO_DEVICE_RESET))
		ret = -errno;
	/* Some of it was done before it failed. */
	return ret == -ENODATA ? -EFAULT : ret;
}

TEST_F_TIMEOUT(consumer, regions, LIMIT)
{
	sweep_self(_metadata, read_write, NULL, &self->dev);
}

static volatile uint32_t *map_bar(int device, unsigned int bar, size_t size)
{
	return region_mmap(device, BAR(bar), 0, size, PROT_READ | PROT_WRITE);
}

static int touch_trapped(volatile uint32_t *bar)
{
	return FAULT_OF({
		bar[TESTDEV_REG_MEMORY / 4] = 1;
		(void)bar[TESTDEV_REG_MEMORY / 4];
	});
}

static int touch_shared(volatile uint32_t *bar)
{
	return FAULT_OF({
		bar[TESTDEV_AREA0_OFFSET / 4] = 1;
		(void)bar[TESTDEV_AREA1_OFFSET / 4];
	});
}

static int touch_bar(int device, unsigned int nr, size_t size,
		     int (*touch)(volatile uint32_t *bar))
{
	volatile uint32_t *bar = map_bar(device, nr, size);
	int sig;

	if (bar == MAP_FAILED)
		return -errno;
	sig = touch(bar);
	munmap((void *)bar, size);
	return sig ? -EFAULT : 0;
}

static int touch(void *data)
{
	int device = ((struct vfio_dev *)data)->device;
	int ret = touch_bar(device, 0, TESTDEV_BAR0_SIZE, touch_trapped);

	return ret ? ret :
		     touch_bar(device, 2, TESTDEV_BAR2_SIZE, touch_shared);
}

TEST_F_TIMEOUT(consumer, mapped_registers, LIMIT)
{
	sweep_self(_metadata, touch, NULL, &self->dev);
}

/* Interrupts --------------------------------------------------------------- */

#define NR_VECTORS 8

struct irqs {
	int device;
	int fds[NR_VECTORS];
};

static int irqs_set(void *data)
{
	struct irqs *irqs = data;
	int ret;

	ret = irq_set_eventfds(irqs->device, VFIO_PCI_MSIX_IRQ_INDEX, 0,
			       NR_VECTORS, irqs->fds);
	if (!ret)
		ret = irq_set_eventfds(irqs->device, VFIO_PCI_ERR_IRQ_INDEX, 0,
				       1, irqs->fds);
	if (!ret)
		ret = irq_disable(irqs->device, VFIO_PCI_MSIX_IRQ_INDEX);
	return ret;
}

static void irqs_off(void *data)
{
	struct irqs *irqs = data;

	irq_disable(irqs->device, VFIO_PCI_ERR_IRQ_INDEX);
	irq_disable(irqs->device, VFIO_PCI_MSIX_IRQ_INDEX);
}

static void irqs_sweep(struct __test_metadata *_metadata, int device,
		       enum inject_who who)
{
	struct irqs irqs = { .device = device };
	struct act act = { irqs_set, irqs_off, &irqs, who };
	unsigned int i;

	for (i = 0; i < NR_VECTORS; i++)
		irqs.fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	sweep(_metadata, &act);
	EXPECT_EQ(0, testdev_num(&shared, "irq-enabled %u 0",
				 VFIO_PCI_MSIX_IRQ_INDEX));
	ASSERT_EQ(0, irq_set_eventfds(device, VFIO_PCI_MSIX_IRQ_INDEX, 0,
				      NR_VECTORS, irqs.fds));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 7", VFIO_PCI_MSIX_IRQ_INDEX));
	EXPECT_EQ(1, eventfd_wait(irqs.fds[7], SOON_MS));
}

TEST_F_TIMEOUT(consumer, irqs, LIMIT)
{
	irqs_sweep(_metadata, self->dev.device, INJECT_SELF);
}

TEST_F_TIMEOUT(consumer, irqs_by_helper, LIMIT)
{
	irqs_sweep(_metadata, self->dev.device, INJECT_HELPER);
}

/* DMA ---------------------------------------------------------------------- */

struct dma {
	int container;
	void *anon;
	void *memfd;
};

static int dma_set(void *data)
{
	struct dma *dma = data;
	int ret;

	ret = dma_map(dma->container, dma->anon, 0, MB, DMA_RW);
	if (!ret)
		ret = dma_map(dma->container, dma->memfd, MB, MB, DMA_RW);
	if (!ret)
		ret = dma_map(dma->container, dma->anon, 2 * MB, PAGE,
			      VFIO_DMA_MAP_FLAG_READ);
	if (!ret)
		ret = dma_unmap(dma->container, 0, MB, 0, NULL);
	if (!ret)
		ret = dma_unmap(dma->container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL,
				NULL);
	return ret;
}

static void dma_off(void *data)
{
	struct dma *dma = data;

	dma_unmap(dma->container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
}

static void dma_sweep(struct __test_metadata *_metadata, int container,
		      enum inject_who who)
{
	struct dma dma = { container, mem_anon(MB), mem_memfd(MB, NULL) };
	struct act act = { dma_set, dma_off, &dma, who };

	ASSERT_NE(NULL, dma.anon);
	ASSERT_NE(NULL, dma.memfd);
	sweep(_metadata, &act);
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	munmap(dma.anon, MB);
	munmap(dma.memfd, MB);
}

TEST_F_TIMEOUT(consumer, dma, LIMIT)
{
	dma_sweep(_metadata, self->dev.container, INJECT_SELF);
}

TEST_F_TIMEOUT(consumer, dma_by_helper, LIMIT)
{
	dma_sweep(_metadata, self->dev.container, INJECT_HELPER);
}

static int dma_by_message(void *data)
{
	int ret;

	ret = testdev_cmd(&shared, "dma-fill 0 8192 7");
	if (!ret)
		ret = testdev_cmd(&shared, "dma-read 4096 8192");
	return ret;
}

/* The server's requests are served by a work item when nobody waits. */
TEST_F_TIMEOUT(consumer, dma_by_message, LIMIT)
{
	struct act act = { dma_by_message, NULL, NULL, INJECT_WORKERS };
	void *mem = mem_anon(MB);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, testdev_cmd(&shared, "strip-fds 1"));
	ASSERT_EQ(0, dma_map(self->dev.container, mem, 0, MB, DMA_RW));
	sweep(_metadata, &act);
	ASSERT_EQ(0, testdev_cmd(&shared, "strip-fds 0"));
}

int main(int argc, char **argv)
{
	static const char *const args[] = { NULL };
	int ret = inject_init();

	if (ret) {
		printf("TAP version 13\n1..1\n");
		printf("not ok 1 - this kernel injects failures: %s\n",
		       strerror(-ret));
		return 1;
	}
	return shared_run(argc, argv, args, test_harness_run);
}
