// SPDX-License-Identifier: GPL-2.0
/* As inject_test.c, of a consumer that comes by iommufd. */
#include <fcntl.h>
#include <sys/mman.h>

#include "lib/consumer.h"
#include "lib/iommufd.h"
#include "lib/mem.h"
#include "lib/sweep.h"

#define PAGE 0x1000UL

#ifdef HAVE_IOMMUFD

FIXTURE(by_node)
{
	int iommufd;
	int device;
	uint32_t ioas;
	char *mem;
};

/* iommufd has an error of its own for what it could not do. */
static int come(void *data)
{
	FIXTURE_DATA(by_node) *self = data;
	int ret;

	self->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (self->iommufd < 0)
		return -errno;
	self->device = cdev_open(shared.uuid);
	if (self->device < 0)
		return self->device;
	ret = cdev_bind(self->device, self->iommufd);
	if (!ret)
		ret = ioas_alloc(self->iommufd, &self->ioas);
	if (!ret)
		ret = cdev_attach(self->device, self->ioas);
	return ret;
}

static void go(void *data)
{
	FIXTURE_DATA(by_node) *self = data;

	if (self->device >= 0)
		close(self->device);
	if (self->iommufd >= 0)
		close(self->iommufd);
	self->device = -1;
	self->iommufd = -1;
}

/* What cannot be told to end gives the server up, and it comes back. */
static void go_and_wait(void *data)
{
	go(data);
	mdev_wait(shared.uuid, "state", "attached", AGAIN_MS);
}

FIXTURE_SETUP(by_node)
{
	self->device = -1;
	self->iommufd = -1;
	self->mem = mem_anon(PAGE);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
}

FIXTURE_TEARDOWN(by_node)
{
	struct vfio_dev dev;

	go_and_wait(self);
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	ASSERT_EQ(0, vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	vfio_dev_close(&dev);
}

TEST_F_TIMEOUT(by_node, open, SWEEP_LIMIT)
{
	EXPECT_SWEEP(come, go_and_wait, self, INJECT_SELF);
}

static int leave(void *data)
{
	go(data);
	return 0;
}

static void come_again(void *data)
{
	go_and_wait(data);
	come(data);
}

TEST_F_TIMEOUT(by_node, close, SWEEP_LIMIT)
{
	ASSERT_EQ(0, come(self));
	EXPECT_SWEEP(leave, come_again, self, INJECT_SELF);
}

static int come_with_memory(FIXTURE_DATA(by_node) *self)
{
	return come(self) ?:
		       ioas_map(self->iommufd, self->ioas, self->mem, 0, PAGE,
				ACCESS_R | ACCESS_W);
}

/* A server that cannot be answered is lost. */
static void come_if_lost(void *data)
{
	FIXTURE_DATA(by_node) *self = data;
	uint32_t val;

	if (!region_get(self->device, VFIO_PCI_CONFIG_REGION_INDEX, 0, &val,
			sizeof(val)))
		return;
	go_and_wait(self);
	come_with_memory(self);
}

static int by_message(void *data)
{
	(void)data;
	return testdev_cmd(&shared, "dma-fill 0 4096 7") ?:
		       testdev_cmd(&shared, "dma-read 0 4096");
}

TEST_F_TIMEOUT(by_node, dma, SWEEP_LIMIT)
{
	ASSERT_EQ(0, come_with_memory(self));
	EXPECT_SWEEP(by_message, come_if_lost, self, INJECT_WORKERS,
		     .lossy = true);
}

#else

TEST(by_node)
{
	SKIP(return, "built without the headers of iommufd");
}

#endif

SWEEP_MAIN
