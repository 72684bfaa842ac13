// SPDX-License-Identifier: GPL-2.0
/*
 * Servers that take few DMA regions, consumers that map in small pieces: what
 * the server is told stays within its limit, and all the memory is there.
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

FIXTURE(window)
{
	struct consumer c;
};

FIXTURE_VARIANT(window)
{
	const char *arg; /* the server's */
	const char *attr; /* max_dma_maps */
};

/* The server says so. */
FIXTURE_VARIANT_ADD(window, announced) {
	.arg = "--max-dma-maps=8",
};

/* It does not, and refuses the ninth. */
FIXTURE_VARIANT_ADD(window, learned) {
	.arg = "--dma-limit=8",
};

/* The administrator knows. */
FIXTURE_VARIANT_ADD(window, set) {
	.arg = "--dma-limit=8",
	.attr = "8",
};

FIXTURE_SETUP(window)
{
	ASSERT_EQ(0, consumer_start(&self->c, variant->arg, variant->attr));
}

FIXTURE_TEARDOWN(window)
{
	consumer_stop(_metadata, &self->c);
}

/* What does not depend on how the limit became known. */
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
	/* Backwards in memory, so that no two are neighbours in both. */
	return dma_map(c->dev.container, c->mem + (NR_MAPS - 1 - i) * PAGE,
		       i * step, PAGE, DMA_RW);
}

static int one_is_there(struct consumer *c, unsigned int i, uint64_t step)
{
	long long sum = testdev_num(&c->td, "dma-sum 0x%llx %lu",
				    (unsigned long long)(i * step), PAGE);

	return sum >= 0 &&
	       (uint64_t)sum ==
		       mem_sum(c->mem + (NR_MAPS - 1 - i) * PAGE, PAGE);
}

/* Dense: every page of the IOVA range is mapped, one by one. */
TEST_F_TIMEOUT(window, dense, 120)
{
	struct consumer *c = &self->c;
	unsigned int i;

	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_EQ(0, map_one(c, i, PAGE)) TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&c->td, "dma-count"));
	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_TRUE(one_is_there(c, i, PAGE)) TH_LOG("map %u", i);
	}
}

/* With holes, and far apart. */
TEST_F_TIMEOUT(window, sparse, 120)
{
	struct consumer *c = &self->c;
	uint64_t step = 2 * MB + PAGE;
	unsigned int i;

	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_EQ(0, map_one(c, i, step)) TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&c->td, "dma-count"));
	for (i = 0; i < NR_MAPS; i++) {
		ASSERT_TRUE(one_is_there(c, i, step)) TH_LOG("map %u", i);
	}
}

/* Maps come and go while the others are in use. */
TEST_F_TIMEOUT(window, churn, 120)
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
			ASSERT_TRUE(one_is_there(c, i, step))
			TH_LOG("map %u", i);
		}
	}
	for (i = 0; i < 100; i += 3) {
		ASSERT_EQ(0, map_one(c, i, step));
	}
	for (i = 0; i < 100; i++) {
		ASSERT_TRUE(one_is_there(c, i, step))
		TH_LOG("map %u", i);
	}
	EXPECT_GE(LIMIT, testdev_num(&c->td, "dma-count"));
}

/* What the device writes lands, and only where it should. */
TEST_F_TIMEOUT(few, writes, 120)
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

/* A hole shows no memory of anybody's; touching it does no harm. */
TEST_F_TIMEOUT(few, holes, 120)
{
	struct consumer *c = &self->c;
	unsigned int i, k;

	for (i = 0; i < 64; i++) {
		ASSERT_EQ(0, map_one(c, i, 2 * PAGE));
	}
	ASSERT_EQ(0, dma_unmap(c->dev.container, 20 * PAGE, PAGE, 0, NULL));
	/* Refused or scratch: a server that tries must survive it. */
	testdev_cmd(&c->td, "dma-fill 0x%lx %lu 0xee", 20 * PAGE, PAGE);
	testdev_cmd(&c->td, "dma-fill 0x%lx %lu 0xee", 21 * PAGE, PAGE);
	for (i = 0; i < NR_MAPS; i++)
		for (k = 0; k < PAGE; k += 512) {
			ASSERT_EQ((char)(17 + k + i * PAGE + i * 31),
				  c->mem[i * PAGE + k])
			TH_LOG("page %u", i);
		}
	EXPECT_TRUE(one_is_there(c, 9, 2 * PAGE));
	EXPECT_TRUE(one_is_there(c, 11, 2 * PAGE));
}

TEST_F_TIMEOUT(few, unmap_all, 120)
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
	EXPECT_TRUE(one_is_there(c, 5, PAGE));
}

/* No two of these can be one region. */
static int map_apart(struct consumer *c, unsigned int i)
{
	return dma_map(c->dev.container, c->mem + i * PAGE, i * MB, PAGE,
		       i % 2 ? VFIO_DMA_MAP_FLAG_READ : DMA_RW);
}

/*
 * A server that refuses one map for a reason of its own seems to be full; it
 * is asked again, until it is.
 */
TEST(refused_not_full)
{
	struct consumer c;
	unsigned int i;

	ASSERT_EQ(0, consumer_start(&c, "--dma-limit=8", NULL));
	ASSERT_EQ(0, map_apart(&c, 0));
	ASSERT_EQ(0, testdev_cmd(&c.td, "fail dma-map %d 2", EINVAL));
	EXPECT_EQ(-ENOSPC, map_apart(&c, 1));
	for (i = 1; i < LIMIT; i++) {
		EXPECT_EQ(0, map_apart(&c, i)) TH_LOG("map %u", i);
	}
	EXPECT_EQ(-ENOSPC, map_apart(&c, LIMIT));
	EXPECT_EQ(LIMIT, testdev_num(&c.td, "dma-count"));
	consumer_stop(_metadata, &c);
}

/* Maps of a shared file, page by page, as DPDK does without huge pages. */
TEST_F_TIMEOUT(few, file_pages, 120)
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

/* One file and one map each, as DPDK's huge pages are. */
TEST_F_TIMEOUT(few, many_files, 120)
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
