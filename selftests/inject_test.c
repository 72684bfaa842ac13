// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation of the module, and each of its copies from and to user space,
 * fails in turn: the operation must fail cleanly or succeed, and the next
 * operation must succeed.  The suite checks for leaks.  This file tests the
 * life of a device, its registers and interrupts; inject_dma_test.c tests DMA,
 * inject_control_test.c the control plane.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/consumer.h"
#include "lib/control.h"
#include "lib/fault.h"
#include "lib/helper.h"
#include "lib/inject.h"
#include "lib/mem.h"
#include "lib/sweep.h"

#define MB 0x100000UL

static void sweep_self(struct __test_metadata *_metadata, int (*run)(void *),
		       void (*undo)(void *), void *data)
{
	EXPECT_SWEEP(run, undo, data, INJECT_SELF);
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

/*
 * The next device gets a new UUID: a process that still has the old device
 * open, for example vuserd during a query, prevents the reuse of its UUID.
 */
static void remove_if_present(void *uuid)
{
	if (mdev_exists(uuid))
		mdev_remove(uuid);
	uuid_new(uuid);
}

/*
 * The PCI addresses come from an IDA.  With the shared device, this is the
 * number of devices that an IDA can number without allocating memory.
 */
#define NR_OTHERS 62

TEST_F_TIMEOUT(device, create_survives_each_failure, SWEEP_LIMIT)
{
	static char others[NR_OTHERS][UUID_LEN + 1];
	unsigned int i;

	for (i = 0; i < NR_OTHERS; i++) {
		uuid_new(others[i]);
		ASSERT_EQ(0, mdev_create(others[i]));
	}
	EXPECT_SWEEP(create, remove_if_present, self->td.uuid, INJECT_SELF,
		     .from_first = true);
	for (i = 0; i < NR_OTHERS; i++)
		EXPECT_EQ(0, mdev_remove(others[i]));
}

static int remove_device(void *uuid)
{
	return mdev_remove(uuid);
}

static void create_if_missing(void *uuid)
{
	if (mdev_exists(uuid))
		return;
	uuid_new(uuid);
	mdev_create(uuid);
}

TEST_F_TIMEOUT(device, remove_survives_each_failure, SWEEP_LIMIT)
{
	ASSERT_EQ(0, mdev_create(self->td.uuid));
	sweep_self(_metadata, remove_device, create_if_missing, self->td.uuid);
}

static int set_all(void *uuid)
{
	static const char *const set[][2] = {
		{ "request_timeout_ms", "20000" },
		{ "mmap", "trap" },
		{ "max_dma_maps", "8" },
		{ "reset", "auto" },
		{ "pci_setup", "auto" },
		{ "dma_backing", "memory" },
		{ "dma_backing", "file" },
		{ "dma_holes", "fault" },
		{ "endpoint", "/run/none" },
		{ "pci_address", "5655:12:1f.7" },
		{ "close_timeout_ms", "20000" },
		{ "on_loss", "wait" },
		{ "reconnect_timeout_ms", "20000" },
		{ "state_kept", "yes" },
		{ "server_user", "0" },
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

static void recreate(void *uuid)
{
	mdev_remove(uuid);
	uuid_new(uuid);
	mdev_create(uuid);
}

TEST_F_TIMEOUT(device, settings_survive_each_failure, SWEEP_LIMIT)
{
	ASSERT_EQ(0, mdev_create(self->td.uuid));
	sweep_self(_metadata, set_all, recreate, self->td.uuid);
}

/* Attach, in calls of vuserd ----------------------------------------------- */

static int attach_server(void *data)
{
	struct testdev *td = data;
	int ret = mdev_set(td->uuid, "endpoint", td->socket);

	/* After a failure, vuserd reports the error and tries again. */
	return ret ? ret : mdev_wait(td->uuid, "state", "attached", AGAIN_MS);
}

static void detach_server(void *data)
{
	struct testdev *td = data;

	mdev_set(td->uuid, "endpoint", "\n");
	mdev_wait(td->uuid, "state", "created", SOON_MS);
}

TEST_F_TIMEOUT(device, attach_survives_each_failure_in_the_helper, SWEEP_LIMIT)
{
	ASSERT_EQ(0, testdev_serve(&self->td, NULL));
	ASSERT_EQ(0, mdev_create(self->td.uuid));
	EXPECT_SWEEP(attach_server, detach_server, &self->td, INJECT_HELPER,
		     .step = 4);
	ASSERT_EQ(0, attach_server(&self->td));
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
	/* The device must still be usable. */
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	vfio_dev_close(&self->dev);
}

static int open_shared(void *data)
{
	return vfio_dev_open(data, shared.uuid, VFIO_TYPE1v2_IOMMU);
}

static void close_shared(void *data)
{
	vfio_dev_close(data);
}

TEST_F_TIMEOUT(consumer, open_survives_each_failure, SWEEP_LIMIT)
{
	vfio_dev_close(&self->dev);
	sweep_self(_metadata, open_shared, close_shared, &self->dev);
}

/* Stores are recorded; without memory for that, the device opens nevertheless. */
TEST_F_TIMEOUT(consumer, open_with_kept_state_survives_each_failure,
	       SWEEP_LIMIT)
{
	ASSERT_EQ(0, mdev_set(shared.uuid, "state_kept", "yes"));
	vfio_dev_close(&self->dev);
	sweep_self(_metadata, open_shared, close_shared, &self->dev);
	EXPECT_EQ(0, mdev_set(shared.uuid, "state_kept", "no"));
}

/* Opens the device by its PCI address, as DPDK and QEMU do. */
static int open_by_address(void *data)
{
	struct vfio_dev *dev = data;
	char address[32];
	int ret;

	ret = mdev_get(shared.uuid, "pci_address", address, sizeof(address));
	*dev = (struct vfio_dev)VFIO_DEV_INIT;
	dev->container = container_open();
	dev->group = group_open(shared.uuid);
	if (!ret)
		ret = group_attach(dev->group, dev->container);
	if (!ret && ioctl(dev->container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU))
		ret = -errno;
	if (ret)
		return ret;
	dev->device = group_device(dev->group, address);
	return dev->device < 0 ? dev->device : 0;
}

TEST_F_TIMEOUT(consumer, open_by_address_survives_each_failure, SWEEP_LIMIT)
{
	vfio_dev_close(&self->dev);
	sweep_self(_metadata, open_by_address, close_shared, &self->dev);
}

static int close_after_use(void *data)
{
	struct vfio_dev *dev = data;

	vfio_dev_close(dev);
	return 0;
}

/* Sets up interrupts and memory, which the close must release. */
static void use(void *data)
{
	struct vfio_dev *dev = data;
	static void *mem;
	int fd;

	if (!mem)
		mem = mem_anon(MB);
	/* If a message of the close fails, the server is lost. */
	mdev_wait(shared.uuid, "state", "attached", AGAIN_MS);
	if (open_shared(dev))
		return;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	irq_set_eventfds(dev->device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &fd);
	close(fd);
	dma_map(dev->container, mem, 0, MB, DMA_RW);
}

TEST_F_TIMEOUT(consumer, close_survives_each_failure, SWEEP_LIMIT)
{
	vfio_dev_close(&self->dev);
	use(&self->dev);
	EXPECT_SWEEP(close_after_use, use, &self->dev, INJECT_SELF, .step = 3);
}

static int query_info(void *data)
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

TEST_F_TIMEOUT(consumer, info_survives_each_failure, SWEEP_LIMIT)
{
	sweep_self(_metadata, query_info, NULL, &self->dev);
}

/* With the policy "sparse", each mappable area has its own entry. */
TEST_F_TIMEOUT(consumer, info_of_areas_survives_each_failure, SWEEP_LIMIT)
{
	vfio_dev_close(&self->dev);
	ASSERT_EQ(0, mdev_set(shared.uuid, "mmap", "sparse"));
	ASSERT_EQ(0, open_shared(&self->dev));
	sweep_self(_metadata, query_info, NULL, &self->dev);
	vfio_dev_close(&self->dev);
	ASSERT_EQ(0, mdev_set(shared.uuid, "mmap", "auto"));
}

static int use_feature(void *data)
{
	struct {
		struct vfio_device_feature hdr;
		uint8_t data[TESTDEV_FEATURE_SIZE];
	} feature = { .hdr.argsz = sizeof(feature) };
	int device = ((struct vfio_dev *)data)->device;

	feature.hdr.flags = VFIO_DEVICE_FEATURE_SET | TESTDEV_FEATURE;
	if (ioctl(device, VFIO_DEVICE_FEATURE, &feature))
		return -errno;
	feature.hdr.flags = VFIO_DEVICE_FEATURE_GET | TESTDEV_FEATURE;
	return ioctl(device, VFIO_DEVICE_FEATURE, &feature) ? -errno : 0;
}

TEST_F_TIMEOUT(consumer, feature_survives_each_failure, SWEEP_LIMIT)
{
	sweep_self(_metadata, use_feature, NULL, &self->dev);
}

static int read_write(void *data)
{
	int device = ((struct vfio_dev *)data)->device;
	char buf[32];
	int ret;

	ret = region_get(device, VFIO_PCI_CONFIG_REGION_INDEX, 0, buf, 16);
	if (!ret)
		ret = region_put(device, BAR(0), TESTDEV_REG_MEMORY, buf, 32);
	if (!ret)
		ret = region_get(device, BAR(0), TESTDEV_REG_MEMORY, buf, 32);
	if (!ret && ioctl(device, VFIO_DEVICE_RESET))
		ret = -errno;
	/* The transfer was done in part before it failed. */
	return ret == -ENODATA ? -EFAULT : ret;
}

TEST_F_TIMEOUT(consumer, region_access_survives_each_failure, SWEEP_LIMIT)
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

static uint64_t nr_unsent(struct __test_metadata *_metadata)
{
	struct control_info info;
	struct nlt nl;

	ASSERT_EQ(0, nlt_open(&nl));
	ASSERT_EQ(0, control_get_by_uuid(&nl, shared.uuid, &info));
	nlt_close(&nl);
	return info.unsent;
}

/* A store that cannot be sent is lost, as on a bus, but it is counted. */
TEST_F_TIMEOUT(consumer, mapped_registers_survive_each_failure, SWEEP_LIMIT)
{
	uint64_t before = nr_unsent(_metadata);

	sweep_self(_metadata, touch, NULL, &self->dev);
	EXPECT_LT(before, nr_unsent(_metadata));
}

static int touch_area(void *data)
{
	int device = ((struct vfio_dev *)data)->device;

	return touch_bar(device, 2, TESTDEV_BAR2_SIZE, touch_shared);
}

/* The kernel holds the pages of an area for as long as the device is open. */
static void open_again(void *data)
{
	vfio_dev_close(data);
	open_shared(data);
}

/* The kernel retries an access that lacks memory until memory is available. */
TEST_F_TIMEOUT(consumer, shared_areas_survive_each_failure, SWEEP_LIMIT)
{
	EXPECT_SWEEP(touch_area, open_again, &self->dev, INJECT_SELF,
		     .one_only = true);
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
	if (!ret)
		ret = irq_set_eventfds(irqs->device, VFIO_PCI_INTX_IRQ_INDEX, 0,
				       1, irqs->fds);
	if (!ret)
		ret = irq_set(irqs->device,
			      VFIO_IRQ_SET_DATA_EVENTFD |
				      VFIO_IRQ_SET_ACTION_UNMASK,
			      VFIO_PCI_INTX_IRQ_INDEX, 0, 1, irqs->fds,
			      sizeof(irqs->fds[0]));
	/* Most servers refuse UNMASK by eventfd, including vuser-testdev. */
	if (!ret || ret == -EOPNOTSUPP)
		ret = irq_disable(irqs->device, VFIO_PCI_INTX_IRQ_INDEX);
	return ret;
}

static void irqs_off(void *data)
{
	struct irqs *irqs = data;

	irq_disable(irqs->device, VFIO_PCI_ERR_IRQ_INDEX);
	irq_disable(irqs->device, VFIO_PCI_MSIX_IRQ_INDEX);
	irq_disable(irqs->device, VFIO_PCI_INTX_IRQ_INDEX);
}

static void irqs_sweep(struct __test_metadata *_metadata, int device,
		       enum inject_target target)
{
	struct irqs irqs = { .device = device };
	unsigned int i;

	for (i = 0; i < NR_VECTORS; i++)
		irqs.fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	EXPECT_SWEEP(irqs_set, irqs_off, &irqs, target);
	EXPECT_EQ(0, testdev_num(&shared, "irq-enabled %u 0",
				 VFIO_PCI_MSIX_IRQ_INDEX));
	ASSERT_EQ(0, irq_set_eventfds(device, VFIO_PCI_MSIX_IRQ_INDEX, 0,
				      NR_VECTORS, irqs.fds));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 7", VFIO_PCI_MSIX_IRQ_INDEX));
	EXPECT_EQ(1, eventfd_wait(irqs.fds[7], SOON_MS));
}

TEST_F_TIMEOUT(consumer, interrupts_survive_each_failure, SWEEP_LIMIT)
{
	irqs_sweep(_metadata, self->dev.device, INJECT_SELF);
}

TEST_F_TIMEOUT(consumer, interrupts_survive_each_failure_in_the_helper,
	       SWEEP_LIMIT)
{
	irqs_sweep(_metadata, self->dev.device, INJECT_HELPER);
}

SWEEP_MAIN
