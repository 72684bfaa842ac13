// SPDX-License-Identifier: GPL-2.0
/*
 * Servers that take few DMA regions, consumers that map in small pieces: what
 * the server is told stays within its limit, and all the memory is there.
 */
#include "lib/consumer.h"
#include "lib/helper.h"
#include "lib/mem.h"

#define PAGE 0x1000UL
#define MB 0x100000UL
#define LIMIT 8
#define NR_MAPS 600

FIXTURE(window)
{
	struct testdev td;
	struct vfio_dev dev;
	long locked;
	char *mem;
};

FIXTURE_VARIANT(window)
{
	const char *arg;	/* the server's */
	const char *attr;	/* max_dma_maps */
};

/* The server says so. */
FIXTURE_VARIANT_ADD(window, announced)
{
	.arg = "--max-dma-maps=8",
};

/* It does not, and refuses the ninth. */
FIXTURE_VARIANT_ADD(window, learned)
{
	.arg = "--dma-limit=8",
};

/* The administrator knows. */
FIXTURE_VARIANT_ADD(window, set)
{
	.arg = "--dma-limit=8",
	.attr = "8",
};

FIXTURE_SETUP(window)
{
	const char *args[] = { variant->arg, NULL };

	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	self->locked = res_locked();
	ASSERT_EQ(0, testdev_start(&self->td, args));
	if (variant->attr) {
		ASSERT_EQ(0, mdev_set(self->td.uuid, "max_dma_maps",
				      variant->attr));
	}
	ASSERT_EQ(0, vfio_dev_open(&self->dev, self->td.uuid,
				   VFIO_TYPE1_IOMMU));
	self->mem = mem_anon(NR_MAPS * PAGE);
	ASSERT_NE(NULL, self->mem);
	mem_fill(self->mem, NR_MAPS * PAGE, 17);
}

FIXTURE_TEARDOWN(window)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, testdev_num(&self->td, "dma-count"));
	testdev_stop(&self->td);
}

static int map_one(FIXTURE_DATA(window) *self, unsigned int i, uint64_t step)
{
	/* Backwards in memory, so that no two are neighbours in both. */
	return dma_map(self->dev.container,
		       self->mem + (NR_MAPS - 1 - i) * PAGE, i * step, PAGE,
		       DMA_RW);
}

static int one_is_there(FIXTURE_DATA(window) *self, unsigned int i,
			uint64_t step)
{
	long long sum = testdev_num(&self->td, "dma-sum 0x%llx %lu",
				    (unsigned long long)(i * step), PAGE);

	return sum >= 0 &&
	       (uint64_t)sum == mem_sum(self->mem + (NR_MAPS - 1 - i) * PAGE,
					PAGE);
}

/* Dense: every page of the IOVA range is mapped, one by one. */
TEST_F_TIMEOUT(window, dense, 120)
{
	unsigned int i;

	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_EQ(0, map_one(self, i, PAGE)) TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&self->td, "dma-count"));
	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_TRUE(one_is_there(self, i, PAGE)) TH_LOG("map %u", i);
	}
}

/* With holes, and far apart. */
TEST_F_TIMEOUT(window, sparse, 120)
{
	uint64_t step = 2 * MB + PAGE;
	unsigned int i;

	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_EQ(0, map_one(self, i, step)) TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&self->td, "dma-count"));
	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_TRUE(one_is_there(self, i, step)) TH_LOG("map %u", i);
	}
}

/* Maps come and go while the others are in use. */
TEST_F_TIMEOUT(window, churn, 120)
{
	uint64_t step = 2 * PAGE;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, map_one(self, i, step));
	}
	for (i = 0; i < 100; i += 3) {
		ASSERT_EQ(0, dma_unmap(self->dev.container, i * step, PAGE, 0,
				       NULL));
	}
	for (i = 0; i < 100; i++) {
		if (i % 3) {
			ASSERT_TRUE(one_is_there(self, i, step))
				TH_LOG("map %u", i);
		}
	}
	for (i = 0; i < 100; i += 3) {
		ASSERT_EQ(0, map_one(self, i, step));
	}
	for (i = 0; i < 100; i++) {
		ASSERT_TRUE(one_is_there(self, i, step))
			TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&self->td, "dma-count"));
}

/* What the device writes lands, and only where it should. */
TEST_F_TIMEOUT(window, writes, 120)
{
	unsigned int i;

	for (i = 0; i < 64; i++) {
		ASSERT_EQ(0, map_one(self, i, 2 * PAGE));
	}
	for (i = 0; i < 64; i++) {
		ASSERT_EQ(0, testdev_cmd(&self->td, "dma-fill 0x%lx %lu 0x%x",
					 i * 2 * PAGE, PAGE, i + 1));
	}
	for (i = 0; i < 64; i++) {
		char *page = self->mem + (NR_MAPS - 1 - i) * PAGE;

		EXPECT_EQ((char)(i + 1), page[0]);
		EXPECT_EQ((char)(i + 1), page[PAGE - 1]);
	}
}

/* A hole shows no memory of anybody's; touching it does no harm. */
TEST_F_TIMEOUT(window, holes, 120)
{
	unsigned int i, k;

	for (i = 0; i < 64; i++) {
		ASSERT_EQ(0, map_one(self, i, 2 * PAGE));
	}
	ASSERT_EQ(0, dma_unmap(self->dev.container, 20 * PAGE, PAGE, 0,
			       NULL));
	/* Refused or scratch: a server that tries must survive it. */
	testdev_cmd(&self->td, "dma-fill 0x%lx %lu 0xee", 20 * PAGE, PAGE);
	testdev_cmd(&self->td, "dma-fill 0x%lx %lu 0xee", 21 * PAGE, PAGE);
	for (i = 0; i < NR_MAPS; i++)
		for (k = 0; k < PAGE; k += 512) {
			ASSERT_EQ((char)(17 + k + i * PAGE + i * 31),
				  self->mem[i * PAGE + k])
				TH_LOG("page %u", i);
		}
	EXPECT_TRUE(one_is_there(self, 9, 2 * PAGE));
	EXPECT_TRUE(one_is_there(self, 11, 2 * PAGE));
}

TEST_F_TIMEOUT(window, unmap_all, 120)
{
	uint64_t size = 0;
	unsigned int i;

	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_EQ(0, map_one(self, i, 4 * PAGE));
	}
	ASSERT_EQ(0, dma_unmap(self->dev.container, 0, 0,
			       VFIO_DMA_UNMAP_FLAG_ALL, &size));
	EXPECT_EQ(NR_MAPS * PAGE, size);
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, map_one(self, 5, PAGE));
	EXPECT_TRUE(one_is_there(self, 5, PAGE));
}

/* Maps of a shared file, page by page, as DPDK does without huge pages. */
TEST_F_TIMEOUT(window, file_pages, 120)
{
	char *mem = mem_memfd(NR_MAPS * PAGE, NULL);
	unsigned int i;

	ASSERT_NE(NULL, mem);
	mem_fill(mem, NR_MAPS * PAGE, 29);
	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_EQ(0, dma_map(self->dev.container, mem + i * PAGE,
				     (uintptr_t)mem + i * PAGE, PAGE,
				     DMA_RW)) TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&self->td, "dma-count"));
	EXPECT_EQ(mem_sum(mem, PAGE),
		  testdev_num(&self->td, "dma-sum %p %lu", mem, PAGE));
	for (i = 0; i < NR_MAPS; i += 37) {
		EXPECT_EQ(mem_sum(mem + i * PAGE, PAGE),
			  testdev_num(&self->td, "dma-sum %p %lu",
				      mem + i * PAGE, PAGE));
	}
}

/* One file and one map each, as DPDK's huge pages are. */
TEST_F_TIMEOUT(window, many_files, 120)
{
	char *mem[64];
	unsigned int i;

	for (i = 0; i < 64; i++) {
		mem[i] = mem_memfd(2 * MB, NULL);
		ASSERT_NE(NULL, mem[i]);
		mem_fill(mem[i], 2 * PAGE, i);
		ASSERT_EQ(0, dma_map(self->dev.container, mem[i],
				     4096 * MB + i * 2 * MB, 2 * MB,
				     DMA_RW)) TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&self->td, "dma-count"));
	for (i = 0; i < 64; i++) {
		EXPECT_EQ(mem_sum(mem[i], 2 * PAGE),
			  testdev_num(&self->td, "dma-sum 0x%lx %lu",
				      4096 * MB + i * 2 * MB, 2 * PAGE));
	}
}

HELPER_MAIN
