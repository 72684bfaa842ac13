// SPDX-License-Identifier: GPL-2.0
/*
 * Several devices and several consumers.
 */
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "lib/consumer.h"
#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/task.h"

#define PAGE 0x1000UL
#define MB   0x100000UL

FIXTURE(two)
{
	struct testdev td[2];
	struct vfio_dev dev[2];
	long locked;
	char *mem;
};

FIXTURE_SETUP(two)
{
	int i;

	self->locked = res_locked();
	for (i = 0; i < 2; i++) {
		self->dev[i] = (struct vfio_dev)VFIO_DEV_INIT;
		ASSERT_EQ(0, testdev_start(&self->td[i], NULL));
	}
	self->mem = mem_anon(MB);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN(two)
{
	int i;

	for (i = 0; i < 2; i++)
		vfio_dev_close(&self->dev[i]);
	EXPECT_EQ(self->locked, res_locked());
	for (i = 0; i < 2; i++)
		testdev_stop(&self->td[i]);
}

static void check_reads(struct __test_metadata *_metadata, struct testdev *td,
			uint64_t iova, const void *mem, size_t size)
{
	EXPECT_EQ(mem_sum(mem, size),
		  testdev_num(td, "dma-sum 0x%llx %zu",
			      (unsigned long long)iova, size));
}

/*
 * One container: both devices have the same maps, and memory is counted once.
 */
TEST_F(two, devices_in_one_container_share_maps)
{
	ASSERT_EQ(0, vfio_dev_open(&self->dev[0], self->td[0].uuid,
				   VFIO_TYPE1v2_IOMMU));
	mem_fill(self->mem, MB, 21);
	/* Map before the second device joins, and after. */
	ASSERT_EQ(0, dma_map(self->dev[0].container, self->mem, 0, 4 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, vfio_dev_join(&self->dev[1], self->td[1].uuid,
				   self->dev[0].container));
	ASSERT_EQ(0, dma_map(self->dev[0].container, self->mem + 8 * PAGE, MB,
			     4 * PAGE, DMA_RW));
	EXPECT_EQ(self->locked + 32, res_locked());
	check_reads(_metadata, &self->td[0], 0, self->mem, 4 * PAGE);
	check_reads(_metadata, &self->td[1], 0, self->mem, 4 * PAGE);
	check_reads(_metadata, &self->td[0], MB, self->mem + 8 * PAGE,
		    4 * PAGE);
	check_reads(_metadata, &self->td[1], MB, self->mem + 8 * PAGE,
		    4 * PAGE);
	/* One device writes, the other reads. */
	ASSERT_EQ(0, testdev_cmd(&self->td[0], "dma-write 0x10 5566"));
	ASSERT_EQ(0, testdev_cmd(&self->td[1], "dma-read 0x10 2"));
	EXPECT_STREQ("5566", testdev_reply());

	ASSERT_EQ(0, dma_unmap(self->dev[0].container, 0, 4 * PAGE, 0, NULL));
	EXPECT_EQ(-EFAULT, testdev_cmd(&self->td[0], "dma-read 0 1"));
	EXPECT_EQ(-EFAULT, testdev_cmd(&self->td[1], "dma-read 0 1"));
}

TEST_F(two, closing_one_device_keeps_the_maps_of_the_other)
{
	ASSERT_EQ(0, vfio_dev_open(&self->dev[0], self->td[0].uuid,
				   VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, vfio_dev_join(&self->dev[1], self->td[1].uuid,
				   self->dev[0].container));
	ASSERT_EQ(0, dma_map(self->dev[0].container, self->mem, 0, 4 * PAGE,
			     DMA_RW));
	vfio_dev_close(&self->dev[0]);
	EXPECT_EQ(0, testdev_num(&self->td[0], "dma-count"));
	mem_fill(self->mem, MB, 22);
	check_reads(_metadata, &self->td[1], 0, self->mem, 4 * PAGE);
	ASSERT_EQ(0, dma_map(self->dev[1].container, self->mem + 4 * PAGE, MB,
			     PAGE, DMA_RW));
	check_reads(_metadata, &self->td[1], MB, self->mem + 4 * PAGE, PAGE);
	ASSERT_EQ(0, dma_unmap(self->dev[1].container, 0, 4 * PAGE, 0, NULL));
}

/* If one of two servers refuses a map, the map is undone at the other. */
TEST_F(two, map_refused_by_one_server_is_undone)
{
	ASSERT_EQ(0, vfio_dev_open(&self->dev[0], self->td[0].uuid,
				   VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, vfio_dev_join(&self->dev[1], self->td[1].uuid,
				   self->dev[0].container));
	ASSERT_EQ(0, testdev_cmd(&self->td[1], "fail dma-map %d 1", EPERM));
	EXPECT_GT(0,
		  dma_map(self->dev[0].container, self->mem, 0, PAGE, DMA_RW));
	EXPECT_EQ(0, testdev_num(&self->td[0], "dma-count"));
	EXPECT_EQ(0, testdev_num(&self->td[1], "dma-count"));
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0,
		  dma_map(self->dev[0].container, self->mem, 0, PAGE, DMA_RW));
}

/* One server dies; the other's device still works in the same container. */
TEST_F(two, loss_of_one_device_keeps_the_other)
{
	uint32_t id = 0;

	ASSERT_EQ(0, vfio_dev_open(&self->dev[0], self->td[0].uuid,
				   VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, vfio_dev_join(&self->dev[1], self->td[1].uuid,
				   self->dev[0].container));
	ASSERT_EQ(0,
		  dma_map(self->dev[0].container, self->mem, 0, PAGE, DMA_RW));
	testdev_kill(&self->td[0]);
	ASSERT_EQ(0, mdev_wait(self->td[0].uuid, "state", "lost", SOON_MS));
	mem_fill(self->mem, MB, 23);
	check_reads(_metadata, &self->td[1], 0, self->mem, PAGE);
	ASSERT_EQ(0, dma_map(self->dev[1].container, self->mem + PAGE, MB, PAGE,
			     DMA_RW));
	check_reads(_metadata, &self->td[1], MB, self->mem + PAGE, PAGE);
	ASSERT_EQ(0, dma_unmap(self->dev[1].container, 0, PAGE, 0, NULL));
	EXPECT_EQ(0, region_get(self->dev[1].device, BAR(0), TESTDEV_REG_ID,
				&id, 4));
	EXPECT_EQ(TESTDEV_ID, id);
}

/* Two containers in one process: the same IOVA, different memory. */
TEST_F(two, containers_have_separate_maps)
{
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, vfio_dev_open(&self->dev[i], self->td[i].uuid,
					   i ? VFIO_TYPE1_IOMMU :
					       VFIO_TYPE1v2_IOMMU));
		ASSERT_EQ(0, dma_map(self->dev[i].container,
				     self->mem + i * 16 * PAGE, 0, 4 * PAGE,
				     DMA_RW));
	}
	mem_fill(self->mem, MB, 24);
	for (i = 0; i < 2; i++)
		check_reads(_metadata, &self->td[i], 0,
			    self->mem + i * 16 * PAGE, 4 * PAGE);
}

/* Only one consumer can use a device. */
TEST_F(two, second_consumer_is_refused)
{
	struct vfio_dev other;

	ASSERT_EQ(0, vfio_dev_open(&self->dev[0], self->td[0].uuid,
				   VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(-EBUSY,
		  vfio_dev_open(&other, self->td[0].uuid, VFIO_TYPE1v2_IOMMU));
}

/*
 * A server does not reply during an open: calls for other devices do not wait
 * for the server, and the state of the device itself can be read.
 */
TEST_F(two, stuck_open_does_not_block_other_devices)
{
	char uuid[UUID_LEN + 1], state[32];
	int status, fd;
	pid_t pid;

	ASSERT_EQ(0, testdev_cmd(&self->td[0], "hold reset"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(vfio_dev_open(&self->dev[0], self->td[0].uuid,
				    VFIO_TYPE1v2_IOMMU) ?
			      1 :
			      0);
	ASSERT_EQ(0, testdev_cmd(&self->td[0], "held 1"));

	ASSERT_EQ(0, mdev_get(self->td[0].uuid, "state", state, sizeof(state)));
	ASSERT_EQ(0, vfio_dev_open(&self->dev[1], self->td[1].uuid,
				   VFIO_TYPE1v2_IOMMU));
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	EXPECT_EQ(0, irq_set_eventfds(self->dev[1].device,
				      VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &fd));
	EXPECT_EQ(0,
		  dma_map(self->dev[1].container, self->mem, 0, PAGE, DMA_RW));
	vfio_dev_close(&self->dev[1]);
	uuid_new(uuid);
	EXPECT_EQ(0, mdev_create(uuid));
	EXPECT_EQ(0, mdev_remove(uuid));
	/* The open was still stuck during all these calls. */
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));

	ASSERT_EQ(0, testdev_cmd(&self->td[0], "release"));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Two processes use devices at the same time. */
static int consume(struct testdev *td, int nr)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	volatile uint32_t *bar;
	struct vfio_dev dev;
	char *mem;
	uint32_t i;

	if (vfio_dev_open(&dev, td->uuid, VFIO_TYPE1v2_IOMMU))
		return 1;
	bar = region_mmap(dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			  PROT_READ | PROT_WRITE);
	mem = mem_anon(4 * PAGE);
	if (bar == MAP_FAILED || !mem)
		return 2;
	if (irq_set_eventfds(dev.device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &fd))
		return 3;
	mem_fill(mem, 4 * PAGE, nr);
	for (i = 0; i < 20; i++) {
		bar[TESTDEV_REG_MEMORY / 4] = i * 2 + nr;
		if (bar[TESTDEV_REG_MEMORY / 4] != i * 2 + nr)
			return 4;
		if (dma_map(dev.container, mem, 0, 4 * PAGE, DMA_RW))
			return 5;
		if (testdev_num(td, "dma-sum 0 %lu", 4 * PAGE) !=
		    (long long)mem_sum(mem, 4 * PAGE))
			return 6;
		if (testdev_cmd(td, "irq %u 0", VFIO_PCI_MSIX_IRQ_INDEX) ||
		    eventfd_wait(fd, SOON_MS) != 1)
			return 7;
		if (dma_unmap(dev.container, 0, 4 * PAGE, 0, NULL))
			return 8;
	}
	vfio_dev_close(&dev);
	return 0;
}

TEST_F(two, two_processes_use_two_devices)
{
	int i, status;
	pid_t pid[2];

	for (i = 0; i < 2; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i])
			_exit(consume(&self->td[i], i));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status) TH_LOG("consumer %d", i);
	}
}

/* Device and container are passed from one process to another. */
TEST_F(two, device_works_in_a_forked_child)
{
	uint32_t id = 0;
	int status;
	pid_t pid;

	ASSERT_EQ(0, vfio_dev_open(&self->dev[0], self->td[0].uuid,
				   VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0,
		  dma_map(self->dev[0].container, self->mem, 0, PAGE, DMA_RW));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int device = self->dev[0].device;

		_exit(region_get(device, BAR(0), TESTDEV_REG_ID, &id, 4) ||
		      id != TESTDEV_ID ||
		      dma_unmap(self->dev[0].container, 0, PAGE, 0, NULL));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* The pages belonged to this process, and its count was reduced. */
	EXPECT_EQ(self->locked, res_locked());
}

HELPER_MAIN

static void *wait_for_byte(void *data)
{
	char byte;

	return read(*(int *)data, &byte, 1) == 1 ? NULL : data;
}

/*
 * Opens the device and exits.  A thread that exits at the same moment may be the last
 * one that has the device, and closes it while a fatal signal is pending for it.
 */
static void exit_with_two_threads(const char *uuid)
{
	struct vfio_dev dev;
	pthread_t thread;
	int go[2];

	if (vfio_dev_open(&dev, uuid, VFIO_TYPE1v2_IOMMU) || pipe(go) ||
	    pthread_create(&thread, NULL, wait_for_byte, &go[0]))
		_exit(1);
	_exit(write(go[1], "", 1) != 1 || pthread_join(thread, NULL));
}

TEST(exiting_thread_that_closes_the_device_reads_replies)
{
	struct testdev td;
	unsigned int i;
	pid_t pid;

	ASSERT_EQ(0, testdev_start(&td, NULL));
	for (i = 0; i < 10; i++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			exit_with_two_threads(td.uuid);
		ASSERT_EQ(0, task_wait_end(pid, SOON_MS));
		ASSERT_EQ(0, mdev_wait(td.uuid, "state", "attached", 0));
	}
	testdev_stop(&td);
}
