// SPDX-License-Identifier: GPL-2.0
/*
 * The server ends: the consumer sees a lost device and neither hangs nor
 * crashes, and the helper connects again.  hostile_test covers messages that
 * servers must not send.
 */
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "lib/clock.h"
#include "lib/consumer.h"
#include "lib/fault.h"
#include "lib/helper.h"
#include "lib/mem.h"

#define PAGE 0x1000UL
#define MEM  TESTDEV_REG_MEMORY

FIXTURE(device)
{
	struct testdev td;
	struct vfio_dev dev;
	volatile uint32_t *bar;
	long locked;
	int err;
};

FIXTURE_SETUP(device)
{
	static const char *const args[] = { "--no-twin", NULL };

	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	self->locked = res_locked();
	ASSERT_EQ(0, testdev_start(&self->td, args));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "request_timeout_ms", "1500"));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	self->bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
				PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->bar);
	self->err = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_EQ(0, irq_set_eventfds(self->dev.device, VFIO_PCI_ERR_IRQ_INDEX,
				      0, 1, &self->err));
}

FIXTURE_TEARDOWN(device)
{
	if (self->bar)
		munmap((void *)self->bar, TESTDEV_BAR0_SIZE);
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	testdev_stop(&self->td);
}

static void check_lost(struct __test_metadata *_metadata,
		       FIXTURE_DATA(device) *self)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int device = self->dev.device;
	uint32_t value = 0;
	int fd;

	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	EXPECT_EQ(0xffffffff, self->bar[MEM / 4]);
	EXPECT_EQ(0xff, *(volatile uint8_t *)self->bar);
	EXPECT_EQ(~0ULL, *(volatile uint64_t *)self->bar);
	self->bar[MEM / 4] = 1;
	EXPECT_EQ(-EIO, region_get(device, BAR(0), MEM, &value, 4));
	EXPECT_EQ(-EIO, region_get(device, VFIO_PCI_CONFIG_REGION_INDEX, 0,
				   &value, 4));
	/* The description is the kernel's own copy. */
	EXPECT_EQ(0, ioctl(device, VFIO_DEVICE_GET_INFO, &info));
	/* Other calls fail at once. */
	EXPECT_NE(0, ioctl(device, VFIO_DEVICE_RESET));
	fd = eventfd(0, EFD_CLOEXEC);
	EXPECT_GT(0,
		  irq_set_eventfds(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &fd));
	/* ERR is signalled once. */
	EXPECT_EQ(0, eventfd_wait(self->err, 0));
}

TEST_F(device, killed_server_loses_the_device)
{
	self->bar[MEM / 4] = 5;
	EXPECT_EQ(5, self->bar[MEM / 4]);
	testdev_kill(&self->td);
	check_lost(_metadata, self);
}

/* Maps made before can be unmapped; new maps do not reach the server. */
TEST_F(device, maps_can_be_unmapped_after_the_loss)
{
	char *mem = mem_anon(4 * PAGE);
	uint64_t size = 0;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, dma_map(self->dev.container, mem, 0, PAGE, DMA_RW));
	testdev_kill(&self->td);
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
	ASSERT_EQ(0, dma_unmap(self->dev.container, 0, PAGE, 0, &size));
	EXPECT_EQ(PAGE, size);
	EXPECT_EQ(self->locked, res_locked());
	/* This map may fail, but it must not hang or leak. */
	dma_map(self->dev.container, mem + PAGE, 0, PAGE, DMA_RW);
	dma_unmap(self->dev.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
	EXPECT_EQ(self->locked, res_locked());
}

/* A mapped shared area stays; the server's file still exists. */
TEST_F(device, mapped_area_survives_the_loss)
{
	volatile uint32_t *area = region_mmap(self->dev.device, BAR(4), 0,
					      TESTDEV_BAR4_SIZE,
					      PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, area);
	area[0] = 1;
	testdev_kill(&self->td);
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
	EXPECT_EQ(0, FAULT_OF(area[0] = 2));
	EXPECT_EQ(0, FAULT_OF(area[PAGE / 4] = 3));
	EXPECT_EQ(2, area[0]);
	munmap((void *)area, TESTDEV_BAR4_SIZE);
}

/* The server dies while a load waits for it. */
TEST_F(device, server_death_ends_a_load)
{
	uint32_t value;
	pid_t pid;

	ASSERT_EQ(0, testdev_cmd(&self->td, "hold read"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		testdev_cmd(&self->td, "held 1");
		kill(self->td.pid, SIGKILL);
		_exit(0);
	}
	value = self->bar[TESTDEV_REG_ID / 4];
	EXPECT_EQ(0xffffffff, value);
	waitpid(pid, NULL, 0);
	check_lost(_metadata, self);
}

/*
 * MAP_DMA may succeed, for other devices of the container, or fail; it must not
 * hang or leak.
 */
TEST_F(device, server_death_ends_a_map)
{
	pid_t pid;

	ASSERT_EQ(0, testdev_cmd(&self->td, "hold dma-map"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		testdev_cmd(&self->td, "held 1");
		kill(self->td.pid, SIGKILL);
		_exit(0);
	}
	dma_map(self->dev.container, mem_anon(PAGE), 0, PAGE, DMA_RW);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, dma_unmap(self->dev.container, 0, 0,
			       VFIO_DMA_UNMAP_FLAG_ALL, NULL));
	EXPECT_EQ(self->locked, res_locked());
	check_lost(_metadata, self);
}

/* After the last close, the helper connects to the new server. */
TEST_F(device, new_server_is_attached_after_the_close)
{
	struct testdev *td = &self->td;
	uint32_t id = 0;

	testdev_kill(td);
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
	EXPECT_EQ(0, mdev_wait(td->uuid, "state", "lost", SOON_MS));
	munmap((void *)self->bar, TESTDEV_BAR0_SIZE);
	self->bar = NULL;
	vfio_dev_close(&self->dev);
	EXPECT_EQ(0, mdev_wait(td->uuid, "state", "created", SOON_MS));
	ASSERT_EQ(0, testdev_serve(td, NULL));
	ASSERT_EQ(0, mdev_wait(td->uuid, "state", "attached", SOON_MS));
	ASSERT_EQ(0, vfio_dev_open(&self->dev, td->uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0,
		  region_get(self->dev.device, BAR(0), TESTDEV_REG_ID, &id, 4));
	EXPECT_EQ(TESTDEV_ID, id);
}

TEST_F(device, unopened_device_gets_the_new_server)
{
	struct testdev *td = &self->td;

	munmap((void *)self->bar, TESTDEV_BAR0_SIZE);
	self->bar = NULL;
	vfio_dev_close(&self->dev);
	testdev_kill(td);
	EXPECT_EQ(0, mdev_wait(td->uuid, "state", "created", SOON_MS));
	EXPECT_EQ(-ENODEV,
		  vfio_dev_open(&self->dev, td->uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_serve(td, NULL));
	EXPECT_EQ(0, mdev_wait(td->uuid, "state", "attached", SOON_MS));
}

TEST_F(device, lost_device_can_be_removed)
{
	testdev_kill(&self->td);
	EXPECT_EQ(1, eventfd_wait(self->err, SOON_MS));
	munmap((void *)self->bar, TESTDEV_BAR0_SIZE);
	self->bar = NULL;
	vfio_dev_close(&self->dev);
	EXPECT_EQ(0, mdev_remove(self->td.uuid));
	EXPECT_EQ(0, mdev_exists(self->td.uuid));
}

HELPER_MAIN
