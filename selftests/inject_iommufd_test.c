// SPDX-License-Identifier: GPL-2.0
/*
 * Failures while a consumer uses iommufd.  See inject_test.c.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "lib/consumer.h"
#include "lib/iommufd.h"
#include "lib/mem.h"
#include "lib/sweep.h"

#define PAGE 0x1000UL

#ifdef HAVE_IOMMUFD

FIXTURE(cdev)
{
	int iommufd;
	int device;
	uint32_t ioas;
	char *mem;
};

/*
 * Opens the device through iommufd, which may report its own error for a
 * failure.
 */
static int open_cdev(void *data)
{
	FIXTURE_DATA(cdev) *self = data;
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

static void close_cdev(void *data)
{
	FIXTURE_DATA(cdev) *self = data;

	if (self->device >= 0)
		close(self->device);
	if (self->iommufd >= 0)
		close(self->iommufd);
	self->device = -1;
	self->iommufd = -1;
}

/*
 * If a message of the close fails, the server is lost; wait until it is
 * attached again.
 */
static void close_and_wait(void *data)
{
	close_cdev(data);
	mdev_wait(shared.uuid, "state", "attached", AGAIN_MS);
}

FIXTURE_SETUP(cdev)
{
	self->device = -1;
	self->iommufd = -1;
	self->mem = mem_anon(PAGE);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
}

FIXTURE_TEARDOWN(cdev)
{
	struct vfio_dev dev;

	close_and_wait(self);
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	ASSERT_EQ(0, vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	vfio_dev_close(&dev);
}

TEST_F_TIMEOUT(cdev, open_survives_each_failure, SWEEP_LIMIT)
{
	EXPECT_SWEEP(open_cdev, close_and_wait, self, INJECT_SELF);
}

static int close_only(void *data)
{
	close_cdev(data);
	return 0;
}

static void reopen(void *data)
{
	close_and_wait(data);
	open_cdev(data);
}

TEST_F_TIMEOUT(cdev, close_survives_each_failure, SWEEP_LIMIT)
{
	ASSERT_EQ(0, open_cdev(self));
	EXPECT_SWEEP(close_only, reopen, self, INJECT_SELF);
}

static int open_with_memory(FIXTURE_DATA(cdev) *self)
{
	return open_cdev(self) ?:
		       ioas_map(self->iommufd, self->ioas, self->mem, 0, PAGE,
				ACCESS_R | ACCESS_W);
}

/* If the kernel cannot send a reply, the server is lost. */
static void reopen_if_lost(void *data)
{
	FIXTURE_DATA(cdev) *self = data;
	uint32_t val;

	if (!region_get(self->device, VFIO_PCI_CONFIG_REGION_INDEX, 0, &val,
			sizeof(val)))
		return;
	close_and_wait(self);
	open_with_memory(self);
}

static int by_message(void *data)
{
	(void)data;
	return testdev_cmd(&shared, "dma-fill 0 4096 7") ?:
		       testdev_cmd(&shared, "dma-read 0 4096");
}

TEST_F_TIMEOUT(cdev, dma_by_message_survives_each_failure, SWEEP_LIMIT)
{
	ASSERT_EQ(0, open_with_memory(self));
	EXPECT_SWEEP(by_message, reopen_if_lost, self, INJECT_WORKERS,
		     .lossy = true);
}

#else

TEST(cdev_survives_each_failure)
{
	SKIP(return, "built without the headers of iommufd");
}

#endif

SWEEP_MAIN
