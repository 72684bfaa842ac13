// SPDX-License-Identifier: GPL-2.0
/*
 * DMA maps of memory of a FUSE file system.  The FUSE server may take
 * arbitrarily long to fill a page.  MAP_DMA waits for it, but the device and
 * its vfio-user server do not.  After the map, the FUSE server is not asked
 * again.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "lib/consumer.h"
#include "lib/fuse.h"
#include "lib/mem.h"

#define PAGE 0x1000UL

FIXTURE(fuse)
{
	struct vfio_dev dev;
	struct fuse fuse;
	int file;
	long locked;
	bool stopped;
};

FIXTURE_VARIANT(fuse)
{
	int flags;
	int prot;
	uint32_t dma;
};

FIXTURE_VARIANT_ADD(fuse, private) {
	.flags = MAP_PRIVATE,
	.prot = PROT_READ | PROT_WRITE,
	.dma = DMA_RW,
};
FIXTURE_VARIANT_ADD(fuse, shared) {
	.flags = MAP_SHARED,
	.prot = PROT_READ,
	.dma = VFIO_DMA_MAP_FLAG_READ,
};

FIXTURE_SETUP(fuse)
{
	self->locked = res_locked();
	ASSERT_EQ(0, fuse_start(&self->fuse));
	self->file = fuse_open(&self->fuse);
	ASSERT_LE(0, self->file);
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	ASSERT_EQ(0, testdev_cmd(&shared, "strip-fds 1"));
}

FIXTURE_TEARDOWN(fuse)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	close(self->file);
	if (!self->stopped)
		fuse_stop(&self->fuse);
	testdev_cmd(&shared, "restore");
}

struct mapper {
	struct vfio_dev *dev;
	void *mem;
	uint32_t flags;
	int ret;
	atomic_bool done;
};

static void *map(void *arg)
{
	struct mapper *m = arg;

	m->ret = dma_map(m->dev->container, m->mem, 0, PAGE, m->flags);
	m->done = true;
	return NULL;
}

TEST_F(fuse, slow_fuse_server_blocks_only_the_map)
{
	struct mapper m = { .dev = &self->dev, .flags = variant->dma };
	char *other = mem_anon(PAGE);
	pthread_t thread;
	uint32_t id = 0;

	m.mem = mmap(NULL, PAGE, variant->prot, variant->flags, self->file, 0);
	ASSERT_NE(MAP_FAILED, m.mem);
	ASSERT_NE(NULL, other);
	other[0] = 0x77;
	ASSERT_EQ(0, dma_map(self->dev.container, other, PAGE, PAGE, DMA_RW));
	fuse_hold(&self->fuse);
	ASSERT_EQ(0, pthread_create(&thread, NULL, map, &m));
	fuse_wait(&self->fuse);
	/*
	 * MAP_DMA waits.  On 6.1 it holds the mmap lock of the process, which
	 * other maps of this process need.  Registers and the server's DMA do
	 * not need this lock.
	 */
	EXPECT_EQ(0,
		  region_get(self->dev.device, BAR(0), TESTDEV_REG_ID, &id, 4));
	EXPECT_EQ(TESTDEV_ID, id);
	EXPECT_EQ(0, testdev_cmd(&shared, "dma-read 0x%lx 1", PAGE));
	EXPECT_STREQ("77", testdev_reply());
	EXPECT_FALSE(m.done);

	fuse_release(&self->fuse);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, m.ret);
	/* The FUSE server has ended; the page stays mapped. */
	fuse_stop(&self->fuse);
	self->stopped = true;
	EXPECT_EQ(0, testdev_cmd(&shared, "dma-read 0 2"));
	EXPECT_STREQ("4646", testdev_reply());
	EXPECT_EQ(0, dma_unmap(self->dev.container, 0, PAGE, 0, NULL));
	munmap(m.mem, PAGE);
}

/* The FUSE server ends during MAP_DMA: the map fails, as a page fault would. */
TEST_F(fuse, map_fails_if_the_fuse_server_ends)
{
	struct mapper m = { .dev = &self->dev, .flags = variant->dma };
	pthread_t thread;

	m.mem = mmap(NULL, PAGE, variant->prot, variant->flags, self->file, 0);
	ASSERT_NE(MAP_FAILED, m.mem);
	fuse_hold(&self->fuse);
	ASSERT_EQ(0, pthread_create(&thread, NULL, map, &m));
	fuse_wait(&self->fuse);
	fuse_stop(&self->fuse);
	self->stopped = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(-EFAULT, m.ret);
	munmap(m.mem, PAGE);
}

/*
 * The container is closed during MAP_DMA: the VFIO core detaches it together
 * with the group, even if an ioctl of the container is running.
 */
TEST_F(fuse, map_fails_if_the_group_is_closed)
{
	struct mapper m = { .dev = &self->dev, .flags = variant->dma };
	pthread_t thread;

	m.mem = mmap(NULL, PAGE, variant->prot, variant->flags, self->file, 0);
	ASSERT_NE(MAP_FAILED, m.mem);
	fuse_hold(&self->fuse);
	ASSERT_EQ(0, pthread_create(&thread, NULL, map, &m));
	fuse_wait(&self->fuse);
	EXPECT_EQ(0, close(self->dev.device));
	EXPECT_EQ(0, close(self->dev.group));
	self->dev.device = -1;
	self->dev.group = -1;
	EXPECT_FALSE(m.done);
	fuse_release(&self->fuse);
	pthread_join(thread, NULL);
	EXPECT_EQ(-ENODEV, m.ret);
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	munmap(m.mem, PAGE);
}

SHARED_MAIN(NULL)
