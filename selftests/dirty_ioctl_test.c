// SPDX-License-Identifier: GPL-2.0
/*
 * The log of writes to the memory of a container: the ioctls, as type1 answers them, and
 * devices that are opened, closed, or have no log.
 */
#include <sys/mman.h>

#include "lib/dirty_device.h"
#include "lib/helper.h"

FIXTURE_SETUP(log)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	self->locked = res_locked();
	ASSERT_EQ(0, testdev_start(&self->td, logging));
	ASSERT_EQ(0, log_open(self, mem_anon(SIZE)));
}

FIXTURE_TEARDOWN(log)
{
	log_close(self);
	EXPECT_EQ(self->locked, res_locked());
	testdev_stop(&self->td);
}

/* Arguments ------------------------------------------------------------------------------ */

TEST_F(log, info_has_the_migration_capability)
{
	const struct vfio_iommu_type1_info_cap_migration *cap =
		(void *)iommu_cap(self->fd,
				  VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION);

	ASSERT_NE(NULL, cap);
	EXPECT_EQ(1, cap->header.version);
	EXPECT_EQ(0, cap->flags);
	EXPECT_EQ(PAGE, cap->pgsize_bitmap);
	EXPECT_EQ(1UL << 28, cap->max_dirty_bitmap_size);
}

TEST_F(log, version_1_has_no_log)
{
	struct vfio_dev dev;

	log_close(self);
	ASSERT_EQ(0, vfio_dev_open(&dev, self->td.uuid, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(-EACCES, log_set(dev.container, LOG_START));
	EXPECT_EQ(-EACCES, log_set(dev.container, LOG_STOP));
	EXPECT_EQ(-EACCES, log_set(dev.container, 0));
	vfio_dev_close(&dev);
}

TEST_F(log, exactly_one_flag_is_accepted)
{
	struct vfio_iommu_type1_dirty_bitmap arg = { sizeof(arg) };
	uint32_t flags;

	for (flags = 0; flags < 16; flags++) {
		if (flags == LOG_START || flags == LOG_STOP)
			continue;
		EXPECT_EQ(-EINVAL, log_set(self->fd, flags));
	}
	EXPECT_EQ(-EINVAL, log_set(self->fd, 1U << 31 | LOG_START));
	arg.argsz = 7;
	arg.flags = LOG_START;
	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_DIRTY_PAGES, &arg));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_DIRTY_PAGES, NULL));
	EXPECT_EQ(EFAULT, errno);
	/* None of these has started the log. */
	EXPECT_EQ(-EINVAL, log_pages(self));
}

TEST_F(log, bitmap_needs_a_started_log)
{
	EXPECT_EQ(-EINVAL, log_pages(self));
	EXPECT_EQ(0, log_set(self->fd, LOG_STOP));
	EXPECT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(0, log_pages(self));
	EXPECT_EQ(0, log_set(self->fd, LOG_STOP));
	EXPECT_EQ(-EINVAL, log_pages(self));
	EXPECT_EQ(0, log_set(self->fd, LOG_STOP));
}

TEST_F(log, second_start_keeps_the_log)
{
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, dirty_page(&self->td, 70));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_TRUE(only_page_is_dirty(self, 70));
}

TEST_F(log, stop_drops_the_log)
{
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, dirty_page(&self->td, 70));
	ASSERT_EQ(0, log_set(self->fd, LOG_STOP));
	ASSERT_EQ(0, dirty_page(&self->td, 71));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(0, log_pages(self));
}

TEST_F(log, wrong_ranges_and_bitmaps_are_refused)
{
	const struct {
		uint64_t iova, size, pgsize, bytes;
		int ret;
	} cases[] = {
		{ IOVA, SIZE, PAGE, WORDS * 8, 0 },
		{ IOVA, SIZE, PAGE, WORDS * 8 + 8, 0 },
		{ IOVA, SIZE, PAGE, WORDS * 8 - 1, -EINVAL },
		{ IOVA, SIZE, PAGE, 0, -EINVAL },
		{ IOVA, SIZE, PAGE, (1UL << 28) + 1, -EINVAL },
		{ IOVA, SIZE, 2 * PAGE, WORDS * 8, -EINVAL },
		{ IOVA, SIZE, PAGE / 2, WORDS * 8 * 2, -EINVAL },
		{ IOVA, SIZE, 0, WORDS * 8, -EINVAL },
		{ IOVA, 0, PAGE, WORDS * 8, -EINVAL },
		{ IOVA + 1, SIZE, PAGE, WORDS * 8, -EINVAL },
		/* A mapping is cut. */
		{ IOVA, SIZE - PAGE, PAGE, WORDS * 8, -EINVAL },
		{ IOVA + PAGE, SIZE - PAGE, PAGE, WORDS * 8, -EINVAL },
		{ -PAGE, 2 * PAGE, PAGE, WORDS * 8, -EOVERFLOW },
		/* A part of a page at the end is ignored.  type1 refuses it. */
		{ IOVA, SIZE + 16, PAGE, WORDS * 8, 0 },
		{ IOVA, SIZE + PAGE - 16, PAGE, WORDS * 8, 0 },
		{ IOVA, SIZE - 16, PAGE, WORDS * 8, -EINVAL },
		/* Nothing is mapped there. */
		{ -PAGE, PAGE, PAGE, WORDS * 8, 0 },
		{ 0, IOVA, PAGE, 1 << 20, 0 },
	};
	struct dirty_get arg;
	unsigned int i;
	char *bits = mem_anon(1 << 20);
	int ret;

	ASSERT_NE(NULL, bits);
	/* The next mapping follows without a gap. */
	ASSERT_EQ(0, dma_map(self->fd, mem_anon(2 * PAGE), IOVA + SIZE,
			     2 * PAGE, DMA_RW));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		arg = (struct dirty_get) {
			.head = { sizeof(arg), LOG_GET },
			.range = { cases[i].iova,
				   cases[i].size,
				   { cases[i].pgsize, cases[i].bytes,
				     (void *)bits } },
		};
		ret = ioctl(self->fd, VFIO_IOMMU_DIRTY_PAGES, &arg) ? -errno :
								      0;
		EXPECT_EQ(cases[i].ret, ret) TH_LOG("case %u", i);
	}
	arg.head.argsz = sizeof(arg) - 1;
	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_DIRTY_PAGES, &arg));
	EXPECT_EQ(EINVAL, errno);
	/* Not an address of user space. */
	EXPECT_EQ(-EINVAL,
		  log_get(self->fd, IOVA, SIZE, (void *)(1UL << 63), 64));
	munmap(bits, 1 << 20);
}

TEST_F(log, wrong_arguments_of_unmap_change_nothing)
{
	uint64_t unmapped;
	struct dirty_unmap arg = {
		.head = { sizeof(arg), VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			  IOVA, SIZE },
		.bitmap = { PAGE, WORDS * 8, (void *)self->bits },
	};

	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	arg.head.flags |= VFIO_DMA_UNMAP_FLAG_ALL;
	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, &arg));
	EXPECT_EQ(EINVAL, errno);
	arg.head.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |
			 VFIO_DMA_UNMAP_FLAG_VADDR;
	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, &arg));
	EXPECT_EQ(EINVAL, errno);
	arg.head.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	arg.head.argsz = sizeof(arg) - 1;
	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, &arg));
	EXPECT_EQ(EINVAL, errno);
	arg.head.argsz = sizeof(arg);
	arg.bitmap.pgsize = 2 * PAGE;
	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, &arg));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-EINVAL, log_unmap(self->fd, IOVA, SIZE, self->bits,
				     WORDS * 8 - 1, &unmapped));
	EXPECT_EQ(-EINVAL, log_unmap(self->fd, IOVA, SIZE - PAGE, self->bits,
				     WORDS * 8, &unmapped));
	EXPECT_EQ(-EFAULT,
		  log_unmap(self->fd, IOVA, SIZE, NULL, WORDS * 8, &unmapped));
	EXPECT_EQ(1, testdev_num(&self->td, "dma-count"));
	EXPECT_TRUE(log_works(self, &self->td));
}

/* Devices -------------------------------------------------------------------------------- */

/* Its last writes are not known. */
TEST_F(log, close_of_a_device_makes_all_pages_dirty_once)
{
	struct testdev td = {};
	struct vfio_dev dev;

	ASSERT_EQ(0, testdev_start(&td, logging));
	ASSERT_EQ(0, vfio_dev_join(&dev, td.uuid, self->fd));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, dirty_page(&td, 9));
	vfio_dev_close(&dev);
	EXPECT_EQ(NR_PAGES, log_pages(self));
	EXPECT_TRUE(log_works(self, &self->td));
	/* The server does not log for the next consumer. */
	ASSERT_EQ(0, vfio_dev_join(&dev, td.uuid, self->fd));
	EXPECT_TRUE(log_works(self, &td));
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

TEST_F_TIMEOUT(log, device_without_a_log_makes_all_pages_dirty, 90)
{
	static const char *const old[] = { "--dma-logging", "--minor=0", NULL };
	static const char *const *const args[] = { NULL, old };
	struct testdev td = {};
	struct vfio_dev dev;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, testdev_start(&td, args[i]));
		ASSERT_EQ(0, vfio_dev_join(&dev, td.uuid, self->fd));
		ASSERT_EQ(0, log_set(self->fd, LOG_START));
		EXPECT_EQ(NR_PAGES, log_pages(self));
		EXPECT_EQ(NR_PAGES, log_pages(self));
		vfio_dev_close(&dev);
		EXPECT_EQ(NR_PAGES, log_pages(self));
		EXPECT_TRUE(log_works(self, &self->td));
		ASSERT_EQ(0, log_set(self->fd, LOG_STOP));
		testdev_stop(&td);
	}
}

TEST_F(log, log_without_a_device_has_no_pages)
{
	int device = self->dev.device;

	close(device);
	self->dev.device = -1;
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(0, log_pages(self));
	self->dev.device = group_device(self->dev.group, self->td.uuid);
	ASSERT_LE(0, self->dev.device);
	EXPECT_TRUE(log_works(self, &self->td));
}

/* The bits of the first mapping are copied, then those of the second one cannot be. */
TEST_F(log, bits_that_cannot_be_copied_are_kept)
{
	/* The number of pages whose bits are in one page. */
	const unsigned long nr = 8 * PAGE;
	char *bits = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *mem = mem_anon(PAGE);

	ASSERT_NE(MAP_FAILED, (void *)bits);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, dma_map(self->fd, mem, IOVA + nr * PAGE, PAGE, DMA_RW));
	ASSERT_EQ(0, mprotect(bits + PAGE, PAGE, PROT_READ));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, dirty_page(&self->td, 70));
	EXPECT_EQ(-EFAULT,
		  log_get(self->fd, IOVA, (nr + 1) * PAGE, bits, PAGE + 8));
	ASSERT_LE(1, log_pages(self));
	EXPECT_TRUE(has_bit(self->bits, 70));
	EXPECT_TRUE(log_works(self, &self->td));
	munmap(bits, 2 * PAGE);
}

HELPER_MAIN
