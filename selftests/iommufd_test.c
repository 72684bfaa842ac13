// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer that uses iommufd: through the device's own node, or through a
 * group that is attached to iommufd in place of a container.  Everything works
 * as in a container, except DMA: the server gets no memory to map and uses
 * messages.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/consumer.h"
#include "lib/control.h"
#include "lib/fuse.h"
#include "lib/iommufd.h"
#include "lib/mem.h"
#include "lib/task.h"

#define PAGE 0x1000UL
#define MB   0x100000UL

#ifdef HAVE_IOMMUFD

FIXTURE(cdev)
{
	int iommufd;
	int device;
	uint32_t ioas;
	char *mem;
};

FIXTURE_SETUP(cdev)
{
	self->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (self->iommufd < 0)
		SKIP(return, "no /dev/iommu: CONFIG_IOMMUFD is not set");
	ASSERT_EQ(0, ioas_alloc(self->iommufd, &self->ioas));
	self->device = cdev_open(shared.uuid);
	ASSERT_LE(0, self->device);
	ASSERT_EQ(0, cdev_bind(self->device, self->iommufd));
	ASSERT_EQ(0, cdev_attach(self->device, self->ioas));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	self->mem = mem_anon(MB);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN(cdev)
{
	struct vfio_dev dev;

	close(self->device);
	close(self->iommufd);
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	/* The device can still be used with a container. */
	ASSERT_EQ(0, vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	vfio_dev_close(&dev);
}

TEST_F(cdev, registers_work_with_iommufd)
{
	volatile uint32_t *bar;
	uint32_t val = 0;

	ASSERT_EQ(0, region_get(self->device, BAR(0), TESTDEV_REG_ID, &val, 4));
	EXPECT_EQ(TESTDEV_ID, val);
	bar = region_mmap(self->device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			  PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, bar);
	EXPECT_EQ(TESTDEV_ID, bar[TESTDEV_REG_ID / 4]);
	bar[TESTDEV_REG_MEMORY / 4] = 0x12345678;
	EXPECT_EQ(0x12345678, bar[TESTDEV_REG_MEMORY / 4]);
	munmap((void *)bar, TESTDEV_BAR0_SIZE);
}

TEST_F(cdev, interrupts_work_with_iommufd)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	ASSERT_EQ(0, irq_set_eventfds(self->device, VFIO_PCI_MSIX_IRQ_INDEX, 0,
				      1, &fd));
	ASSERT_EQ(0, testdev_cmd(&shared, "irq %u 0", VFIO_PCI_MSIX_IRQ_INDEX));
	EXPECT_EQ(1, eventfd_wait(fd, SOON_MS));
	ASSERT_EQ(0, irq_disable(self->device, VFIO_PCI_MSIX_IRQ_INDEX));
	close(fd);
}

static int hot_reset(int device, uint32_t count)
{
	struct vfio_pci_hot_reset reset = {
		.argsz = sizeof(reset),
		.count = count,
	};

	return ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, &reset) ? -errno : 0;
}

/* As in vfio-pci, only a consumer with a group passes file descriptors of groups. */
TEST_F(cdev, hot_reset_with_groups_is_invalid_with_iommufd)
{
	EXPECT_EQ(-ENODEV, hot_reset(self->device, 0));
	EXPECT_EQ(-EINVAL, hot_reset(self->device, 1));
}

/* One dma region, without a file, covers the whole range. */
TEST_F(cdev, server_gets_one_dma_region_without_memory)
{
	EXPECT_EQ(1, testdev_num(&shared, "dma-count"));
	ASSERT_EQ(0, ioas_map(self->iommufd, self->ioas, self->mem, 0, MB,
			      ACCESS_R | ACCESS_W));
	EXPECT_EQ(1, testdev_num(&shared, "dma-count"));
	EXPECT_GT(0, testdev_cmd(&shared, "dma-ptr 0"));
}

TEST_F(cdev, dma_reaches_mapped_memory)
{
	mem_fill(self->mem, MB, 5);
	ASSERT_EQ(0, ioas_map(self->iommufd, self->ioas, self->mem, 0x40000000,
			      MB, ACCESS_R | ACCESS_W));
	EXPECT_EQ(mem_sum(self->mem, MB),
		  testdev_num(&shared, "dma-sum 0x40000000 %lu", MB));
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-write 0x40000ffe 11223344"));
	EXPECT_EQ(0, memcmp(self->mem + 0xffe, "\x11\x22\x33\x44", 4));
}

TEST_F(cdev, dma_crosses_adjacent_mappings)
{
	char *other = mem_anon(PAGE);

	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, ioas_map(self->iommufd, self->ioas, self->mem, 0, PAGE,
			      ACCESS_R | ACCESS_W));
	ASSERT_EQ(0, ioas_map(self->iommufd, self->ioas, other, PAGE, PAGE,
			      ACCESS_R | ACCESS_W));
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-write 0xffe a1b2c3d4"));
	EXPECT_EQ(0, memcmp(self->mem + 0xffe, "\xa1\xb2", 2));
	EXPECT_EQ(0, memcmp(other, "\xc3\xd4", 2));
	munmap(other, PAGE);
}

TEST_F(cdev, dma_to_unmapped_ranges_fails)
{
	EXPECT_EQ(-EFAULT, testdev_cmd(&shared, "dma-read 0 1"));
	ASSERT_EQ(0, ioas_map(self->iommufd, self->ioas, self->mem, 0, PAGE,
			      ACCESS_R | ACCESS_W));
	EXPECT_EQ(0, testdev_cmd(&shared, "dma-read 0 1"));
	EXPECT_EQ(-EFAULT, testdev_cmd(&shared, "dma-read 0xfff 2"));
	ASSERT_EQ(0, ioas_unmap(self->iommufd, self->ioas, 0, PAGE));
	EXPECT_EQ(-EFAULT, testdev_cmd(&shared, "dma-read 0 1"));
}

TEST_F(cdev, dma_write_to_read_only_memory_fails)
{
	ASSERT_EQ(0, ioas_map(self->iommufd, self->ioas, self->mem, 0, PAGE,
			      ACCESS_R));
	EXPECT_EQ(0, testdev_cmd(&shared, "dma-read 0 1"));
	EXPECT_EQ(-EACCES, testdev_cmd(&shared, "dma-write 0 11"));
}

TEST_F(cdev, dma_fails_while_the_device_is_detached)
{
	ASSERT_EQ(0, ioas_map(self->iommufd, self->ioas, self->mem, 0, PAGE,
			      ACCESS_R | ACCESS_W));
	ASSERT_EQ(0, cdev_detach(self->device));
	EXPECT_EQ(-EFAULT, testdev_cmd(&shared, "dma-read 0 1"));
	ASSERT_EQ(0, cdev_attach(self->device, self->ioas));
	EXPECT_EQ(0, testdev_cmd(&shared, "dma-read 0 1"));
}

/*
 * The server sends a DMA command while the consumer waits for the server: the
 * waiting thread serves the command.
 */
TEST_F(cdev, dma_within_an_access_is_served)
{
	uint64_t val = 0;

	memset(self->mem, 0x5a, PAGE);
	ASSERT_EQ(0, ioas_map(self->iommufd, self->ioas, self->mem, 0, PAGE,
			      ACCESS_R | ACCESS_W));
	ASSERT_EQ(0, testdev_cmd(&shared, "onread 0x10"));
	ASSERT_EQ(0, region_get(self->device, BAR(0), TESTDEV_REG_ONREAD, &val,
				8));
	EXPECT_EQ(0x5a5a5a5a5a5a5a5a, val);
}

/*
 * The consumer maps a page that the FUSE server does not fill: only DMA waits
 * for the page.  The consumer is a separate process, so that it can be killed.
 */
FIXTURE(waits)
{
	struct testdev td;
	struct fuse fuse;
	struct nlt nl;
	pthread_t server;
	bool joined;
	int dma; /* result of the server's DMA_READ */
	pid_t consumer;
};

/* Opens the device and maps the page, then writes a byte to @ready. */
static void consume(const char *uuid, int file, int ready)
{
	void *mem = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
	int iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	int device = cdev_open(uuid);
	uint32_t ioas = 0;

	if (mem == MAP_FAILED || cdev_bind(device, iommufd) ||
	    ioas_alloc(iommufd, &ioas) || cdev_attach(device, ioas) ||
	    ioas_map(iommufd, ioas, mem, 0, PAGE, ACCESS_R) ||
	    write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void *server_reads(void *arg)
{
	FIXTURE_DATA(waits) *self = arg;

	self->dma = testdev_cmd(&self->td, "dma-read 0 1");
	return NULL;
}

/* Waits until the server has its reply. */
static void server_done(FIXTURE_DATA(waits) *self)
{
	if (!self->joined)
		pthread_join(self->server, NULL);
	self->joined = true;
}

FIXTURE_SETUP(waits)
{
	int ready[2], file;
	char c;

	if (access("/dev/iommu", F_OK))
		SKIP(return, "no /dev/iommu: CONFIG_IOMMUFD is not set");
	ASSERT_EQ(0, testdev_start(&self->td, NULL));
	ASSERT_EQ(0, nlt_open(&self->nl));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "close_timeout_ms", "500"));
	ASSERT_EQ(0, fuse_start(&self->fuse));
	file = fuse_open(&self->fuse);
	ASSERT_LE(0, file);
	ASSERT_EQ(0, pipe(ready));
	self->consumer = fork();
	ASSERT_LE(0, self->consumer);
	if (!self->consumer)
		consume(self->td.uuid, file, ready[1]);
	close(file);
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	close(ready[0]);

	fuse_hold(&self->fuse);
	ASSERT_EQ(0, pthread_create(&self->server, NULL, server_reads, self));
	fuse_wait(&self->fuse);
}

FIXTURE_TEARDOWN(waits)
{
	if (self->consumer > 0) {
		kill(self->consumer, SIGKILL);
		fuse_stop(&self->fuse);
		waitpid(self->consumer, NULL, 0);
	}
	server_done(self);
	nlt_close(&self->nl);
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "state", "attached", SOON_MS));
	testdev_stop(&self->td);
}

static bool ends(pid_t pid, int ms)
{
	struct pollfd poll_fd = { .events = POLLIN };
	bool ended;

	poll_fd.fd = syscall(SYS_pidfd_open, pid, 0);
	ended = poll(&poll_fd, 1, ms) == 1;
	close(poll_fd.fd);
	return ended;
}

TEST_F(waits, slow_page_blocks_only_the_dma)
{
	struct vfio_dev dev;
	struct control_info info;
	uint32_t id = 0;

	EXPECT_EQ(0, control_get_by_uuid(&self->nl, self->td.uuid, &info));
	EXPECT_EQ(VUSER_STATE_OPEN, info.state);

	/* The close has a timeout and does not wait for the page. */
	ASSERT_EQ(0, kill(self->consumer, SIGKILL));
	EXPECT_EQ(0, control_get_by_uuid(&self->nl, self->td.uuid, &info));
	EXPECT_TRUE(ends(self->consumer, SOON_MS));

	/*
	 * The DMA command belongs to the old channel; a new channel is
	 * attached.
	 */
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "attached", SOON_MS));
	server_done(self);
	EXPECT_GT(0, self->dma);
	ASSERT_EQ(0, vfio_dev_open(&dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, region_get(dev.device, BAR(0), TESTDEV_REG_ID, &id, 4));
	EXPECT_EQ(TESTDEV_ID, id);
	vfio_dev_close(&dev);
}

/* After the page is filled, the server gets the data. */
TEST_F(waits, dma_completes_when_the_page_is_filled)
{
	struct control_info info;

	EXPECT_EQ(0, control_get_by_uuid(&self->nl, self->td.uuid, &info));
	fuse_release(&self->fuse);
	server_done(self);
	EXPECT_EQ(0, self->dma);
	EXPECT_STREQ("46", testdev_reply());
	ASSERT_EQ(0, kill(self->consumer, SIGKILL));
	EXPECT_TRUE(ends(self->consumer, SOON_MS));
}

/*
 * DMA of a lost server cannot be cancelled while it waits for memory.  No other server
 * serves the device before that DMA has ended.
 */
TEST_F(waits, device_resumes_after_dma_of_the_lost_server)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "wait"));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "reconnect_timeout_ms", "60000"));
	testdev_kill(&self->td);
	server_done(self);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->td, NULL));
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "resuming", SOON_MS));
	EXPECT_EQ(-ETIMEDOUT,
		  mdev_wait(self->td.uuid, "state", "open", QUIET_MS));
	fuse_release(&self->fuse);
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "state", "open", SOON_MS));
	ASSERT_EQ(0, kill(self->consumer, SIGKILL));
	EXPECT_TRUE(ends(self->consumer, SOON_MS));
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "state", "attached", SOON_MS));
}

/* The device is closed in time, as without a loss. */
TEST_F(waits, device_can_be_closed_while_dma_of_the_lost_server_waits)
{
	ASSERT_EQ(0, mdev_set(self->td.uuid, "on_loss", "wait"));
	testdev_kill(&self->td);
	server_done(self);
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_serve(&self->td, NULL));
	ASSERT_EQ(0, mdev_wait(self->td.uuid, "state", "resuming", SOON_MS));
	ASSERT_EQ(0, task_wait_worker_in("vuser_serve_dma_wait_end", SOON_MS));
	ASSERT_EQ(0, kill(self->consumer, SIGKILL));
	EXPECT_TRUE(ends(self->consumer, 5000));
	fuse_release(&self->fuse);
	EXPECT_EQ(0, mdev_wait(self->td.uuid, "state", "attached", SOON_MS));
}

/* A group is attached to iommufd, which emulates the ioctls of a container. */
TEST(group_in_iommufd_works_like_a_container)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	char *mem = mem_anon(PAGE);

	dev.container = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (dev.container < 0)
		SKIP(return, "no /dev/iommu: CONFIG_IOMMUFD is not set");
	ASSERT_NE(NULL, mem);
	dev.group = group_open(shared.uuid);
	ASSERT_LE(0, dev.group);
	ASSERT_EQ(0, group_attach(dev.group, dev.container));
	ASSERT_EQ(0, ioctl(dev.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	dev.device = group_device(dev.group, shared.uuid);
	ASSERT_LE(0, dev.device);

	memset(mem, 0x77, PAGE);
	ASSERT_EQ(0, dma_map(dev.container, mem, 0, PAGE, DMA_RW));
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-read 0 2"));
	EXPECT_STREQ("7777", testdev_reply());
	ASSERT_EQ(0, dma_unmap(dev.container, 0, PAGE, 0, NULL));
	EXPECT_EQ(-EFAULT, testdev_cmd(&shared, "dma-read 0 2"));
	vfio_dev_close(&dev);
	munmap(mem, PAGE);
}

#else

TEST(cdev_works_like_a_container)
{
	SKIP(return, "built without the headers of iommufd");
}

#endif

SHARED_MAIN(NULL)
