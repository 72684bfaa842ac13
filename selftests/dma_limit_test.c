// SPDX-License-Identifier: GPL-2.0
/*
 * Servers that accept few dma regions and consumers that map small pieces: the
 * number of dma regions stays within the limit, and all of the memory is
 * accessible.
 */
#include "lib/consumer.h"
#include "lib/helper.h"
#include "lib/mem.h"

#define PAGE	0x1000UL
#define MB	0x100000UL
#define LIMIT	8
#define NR_MAPS 600

struct consumer {
	struct testdev td;
	struct vfio_dev dev;
	long locked;
	char *mem;
};

static int consumer_start(struct consumer *c, const char *arg, const char *attr)
{
	const char *args[] = { arg, NULL };
	int ret;

	c->dev = (struct vfio_dev)VFIO_DEV_INIT;
	c->locked = res_locked();
	ret = testdev_start(&c->td, args);
	if (!ret && attr)
		ret = mdev_set(c->td.uuid, "max_dma_maps", attr);
	if (!ret)
		ret = vfio_dev_open(&c->dev, c->td.uuid, VFIO_TYPE1_IOMMU);
	c->mem = mem_anon(NR_MAPS * PAGE);
	if (!c->mem)
		return -ENOMEM;
	mem_fill(c->mem, NR_MAPS * PAGE, 17);
	return ret;
}

static void consumer_stop(struct __test_metadata *_metadata, struct consumer *c)
{
	vfio_dev_close(&c->dev);
	EXPECT_EQ(c->locked, res_locked());
	EXPECT_EQ(0, testdev_num(&c->td, "dma-count"));
	testdev_stop(&c->td);
}

FIXTURE(limit)
{
	struct consumer c;
};

FIXTURE_VARIANT(limit)
{
	const char *arg; /* argument of the server */
	const char *attr; /* value of max_dma_maps */
};

/* The server announces its limit. */
FIXTURE_VARIANT_ADD(limit, announced) {
	.arg = "--max-dma-maps=8",
};

/* The server announces no limit and refuses the ninth dma region. */
FIXTURE_VARIANT_ADD(limit, learned) {
	.arg = "--dma-limit=8",
};

/* The administrator sets the limit. */
FIXTURE_VARIANT_ADD(limit, set) {
	.arg = "--dma-limit=8",
	.attr = "8",
};

FIXTURE_SETUP(limit)
{
	ASSERT_EQ(0, consumer_start(&self->c, variant->arg, variant->attr));
}

FIXTURE_TEARDOWN(limit)
{
	consumer_stop(_metadata, &self->c);
}

/* Tests that do not depend on how the kernel learned the limit. */
FIXTURE(few)
{
	struct consumer c;
};

FIXTURE_SETUP(few)
{
	ASSERT_EQ(0, consumer_start(&self->c, "--max-dma-maps=8", NULL));
}

FIXTURE_TEARDOWN(few)
{
	consumer_stop(_metadata, &self->c);
}

static int map_one(struct consumer *c, unsigned int i, uint64_t step)
{
	/*
	 * Reverse the order of the memory, so that no two maps are adjacent in
	 * both IOVA and memory.
	 */
	return dma_map(c->dev.container, c->mem + (NR_MAPS - 1 - i) * PAGE,
		       i * step, PAGE, DMA_RW);
}

static int is_readable(struct consumer *c, unsigned int i, uint64_t step)
{
	long long sum = testdev_num(&c->td, "dma-sum 0x%llx %lu",
				    (unsigned long long)(i * step), PAGE);

	return sum >= 0 &&
	       (uint64_t)sum ==
		       mem_sum(c->mem + (NR_MAPS - 1 - i) * PAGE, PAGE);
}

/* Maps every page of the IOVA range, one by one. */
TEST_F_TIMEOUT(limit, dense_maps_stay_within_the_limit, 120)
{
	struct consumer *c = &self->c;
	unsigned int i;

	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_EQ(0, map_one(c, i, PAGE)) TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&c->td, "dma-count"));
	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_TRUE(is_readable(c, i, PAGE)) TH_LOG("map %u", i);
	}
}

/* The maps are far apart. */
TEST_F_TIMEOUT(limit, sparse_maps_stay_within_the_limit, 120)
{
	struct consumer *c = &self->c;
	uint64_t step = 2 * MB + PAGE;
	unsigned int i;

	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_EQ(0, map_one(c, i, step)) TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&c->td, "dma-count"));
	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_TRUE(is_readable(c, i, step)) TH_LOG("map %u", i);
	}
}

/* Maps and unmaps some memory while other maps are in use. */
TEST_F_TIMEOUT(limit, remapping_keeps_other_maps_usable, 120)
{
	struct consumer *c = &self->c;
	uint64_t step = 2 * PAGE;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, map_one(c, i, step));
	}
	for (i = 0; i < 100; i += 3) {
		ASSERT_EQ(0,
			  dma_unmap(c->dev.container, i * step, PAGE, 0, NULL));
	}
	for (i = 0; i < 100; i++) {
		if (i % 3) {
			ASSERT_TRUE(is_readable(c, i, step))
			TH_LOG("map %u", i);
		}
	}
	for (i = 0; i < 100; i += 3) {
		ASSERT_EQ(0, map_one(c, i, step));
	}
	for (i = 0; i < 100; i++) {
		ASSERT_TRUE(is_readable(c, i, step))
		TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&c->td, "dma-count"));
}

/* Data that the device writes arrives in the right page, and nowhere else. */
TEST_F_TIMEOUT(few, dma_writes_reach_the_right_page, 120)
{
	struct consumer *c = &self->c;
	unsigned int i;

	for (i = 0; i < 64; i++) {
		ASSERT_EQ(0, map_one(c, i, 2 * PAGE));
	}
	for (i = 0; i < 64; i++) {
		ASSERT_EQ(0, testdev_cmd(&c->td, "dma-fill 0x%lx %lu 0x%x",
					 i * 2 * PAGE, PAGE, i + 1));
	}
	for (i = 0; i < 64; i++) {
		char *page = c->mem + (NR_MAPS - 1 - i) * PAGE;

		EXPECT_EQ((char)(i + 1), page[0]);
		EXPECT_EQ((char)(i + 1), page[PAGE - 1]);
	}
}

/* A write to a hole does not change any memory of the consumer. */
TEST_F_TIMEOUT(few, writes_to_holes_reach_no_memory, 120)
{
	struct consumer *c = &self->c;
	unsigned int i, k;

	for (i = 0; i < 64; i++) {
		ASSERT_EQ(0, map_one(c, i, 2 * PAGE));
	}
	ASSERT_EQ(0, dma_unmap(c->dev.container, 20 * PAGE, PAGE, 0, NULL));
	/*
	 * The write is refused or goes to a scratch page: a server that tries
	 * it must survive.
	 */
	testdev_cmd(&c->td, "dma-fill 0x%lx %lu 0xee", 20 * PAGE, PAGE);
	testdev_cmd(&c->td, "dma-fill 0x%lx %lu 0xee", 21 * PAGE, PAGE);
	for (i = 0; i < NR_MAPS; i++)
		for (k = 0; k < PAGE; k += 512) {
			ASSERT_EQ((char)(17 + k + i * PAGE + i * 31),
				  c->mem[i * PAGE + k])
			TH_LOG("page %u", i);
		}
	EXPECT_TRUE(is_readable(c, 9, 2 * PAGE));
	EXPECT_TRUE(is_readable(c, 11, 2 * PAGE));
}

TEST_F_TIMEOUT(few, unmap_all_removes_all_dma_regions, 120)
{
	struct consumer *c = &self->c;
	uint64_t size = 0;
	unsigned int i;

	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_EQ(0, map_one(c, i, 4 * PAGE));
	}
	ASSERT_EQ(0, dma_unmap(c->dev.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL,
			       &size));
	EXPECT_EQ(NR_MAPS * PAGE, size);
	EXPECT_EQ(c->locked, res_locked());
	EXPECT_EQ(0, map_one(c, 5, PAGE));
	EXPECT_TRUE(is_readable(c, 5, PAGE));
}

/* Maps page @i so that no two pages can share a dma region. */
static int map_apart(struct consumer *c, unsigned int i)
{
	return dma_map(c->dev.container, c->mem + i * PAGE, i * MB, PAGE,
		       i % 2 ? VFIO_DMA_MAP_FLAG_READ : DMA_RW);
}

/*
 * A server that refuses one map for another reason appears to be full.  The
 * kernel tries again for each new map, until the server is really full.
 */
TEST(one_refusal_does_not_set_the_limit)
{
	struct consumer c;
	unsigned int i;

	ASSERT_EQ(0, consumer_start(&c, "--dma-limit=8", NULL));
	ASSERT_EQ(0, map_apart(&c, 0));
	ASSERT_EQ(0, testdev_cmd(&c.td, "fail dma-map %d 1", EINVAL));
	EXPECT_EQ(-ENOSPC, map_apart(&c, 1));
	for (i = 1; i < LIMIT; i++) {
		EXPECT_EQ(0, map_apart(&c, i)) TH_LOG("map %u", i);
	}
	EXPECT_EQ(-ENOSPC, map_apart(&c, LIMIT));
	EXPECT_EQ(LIMIT, testdev_num(&c.td, "dma-count"));
	consumer_stop(_metadata, &c);
}

/* Maps a shared file page by page, as DPDK does without huge pages. */
TEST_F_TIMEOUT(few, pages_of_one_file_stay_within_the_limit, 120)
{
	struct consumer *c = &self->c;
	char *mem = mem_memfd(NR_MAPS * PAGE, NULL);
	unsigned int i;

	ASSERT_NE(NULL, mem);
	mem_fill(mem, NR_MAPS * PAGE, 29);
	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_EQ(0, dma_map(c->dev.container, mem + i * PAGE,
				     (uintptr_t)mem + i * PAGE, PAGE, DMA_RW))
		TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&c->td, "dma-count"));
	EXPECT_EQ(mem_sum(mem, PAGE),
		  testdev_num(&c->td, "dma-sum %p %lu", mem, PAGE));
	for (i = 0; i < NR_MAPS; i += 37) {
		EXPECT_EQ(mem_sum(mem + i * PAGE, PAGE),
			  testdev_num(&c->td, "dma-sum %p %lu", mem + i * PAGE,
				      PAGE));
	}
}

/* Maps many files, one map each, as DPDK does with huge pages. */
TEST_F_TIMEOUT(few, many_files_stay_within_the_limit, 120)
{
	struct consumer *c = &self->c;
	char *mem[64];
	unsigned int i;

	for (i = 0; i < 64; i++) {
		mem[i] = mem_memfd(2 * MB, NULL);
		ASSERT_NE(NULL, mem[i]);
		mem_fill(mem[i], 2 * PAGE, i);
		ASSERT_EQ(0, dma_map(c->dev.container, mem[i],
				     4096 * MB + i * 2 * MB, 2 * MB, DMA_RW))
		TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&c->td, "dma-count"));
	for (i = 0; i < 64; i++) {
		EXPECT_EQ(mem_sum(mem[i], 2 * PAGE),
			  testdev_num(&c->td, "dma-sum 0x%lx %lu",
				      4096 * MB + i * 2 * MB, 2 * PAGE));
	}
}

HELPER_MAIN
