// SPDX-License-Identifier: GPL-2.0
/*
 * The log of writes to the memory of a container: the pages that a device has written, for
 * each way in which a server writes.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "lib/dirty_device.h"
#include "lib/helper.h"

FIXTURE_VARIANT(log)
{
	void *(*alloc)(size_t size);
	const char *strip; /* whether the server writes by messages */
};

static void *alloc_memfd(size_t size)
{
	return mem_memfd(size, NULL);
}

FIXTURE_VARIANT_ADD(log, file) { .alloc = alloc_memfd, .strip = "0" };
FIXTURE_VARIANT_ADD(log, pinned) { .alloc = mem_anon, .strip = "0" };
FIXTURE_VARIANT_ADD(log, messages) { .alloc = mem_anon, .strip = "1" };

FIXTURE_SETUP(log)
{
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	self->locked = res_locked();
	ASSERT_EQ(0, testdev_start(&self->td, logging));
	ASSERT_EQ(0, testdev_cmd(&self->td, "strip-fds %s", variant->strip));
	ASSERT_EQ(0, log_open(self, variant->alloc(SIZE)));
}

FIXTURE_TEARDOWN(log)
{
	log_close(self);
	EXPECT_EQ(self->locked, res_locked());
	testdev_stop(&self->td);
}

/* Pages ----------------------------------------------------------------------------- */

TEST_F(log, written_pages_are_reported_once)
{
	static const unsigned int pages[] = { 0, 1, 63, 64, 127, 128, 199 };
	unsigned int i;

	ASSERT_EQ(0, dirty_page(&self->td, 3));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_EQ(0, log_pages(self));
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		ASSERT_EQ(0, dirty_page(&self->td, pages[i]));
		EXPECT_EQ(0x77, self->mem[pages[i] * PAGE + 5]);
		EXPECT_TRUE(only_page_is_dirty(self, pages[i]));
	}
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		ASSERT_EQ(0, dirty_page(&self->td, pages[i]));
	EXPECT_EQ(i, log_pages(self));
	EXPECT_EQ(0, log_pages(self));
	/* A read changes nothing. */
	ASSERT_LE(0, testdev_num(&self->td, "dma-sum 0x%lx %lu", IOVA, SIZE));
	EXPECT_EQ(0, log_pages(self));
	/* A write across pages. */
	ASSERT_EQ(0, testdev_cmd(&self->td, "dma-fill 0x%lx %lu 1",
				 IOVA + 10 * PAGE - 1, 2 * PAGE + 2));
	EXPECT_EQ(4, log_pages(self));
	EXPECT_TRUE(has_bit(self->bits, 9) && has_bit(self->bits, 12));
	/* All pages. */
	ASSERT_EQ(0,
		  testdev_cmd(&self->td, "dma-fill 0x%lx %lu 1", IOVA, SIZE));
	EXPECT_EQ(NR_PAGES, log_pages(self));
	EXPECT_EQ(0, log_pages(self));
}

/* The bits of a mapping do not start at a word of the bitmap. */
TEST_F(log, range_of_several_mappings_has_the_bits_of_each)
{
	const uint64_t first = IOVA - 10 * PAGE, far = IOVA + SIZE + 7 * PAGE;
	const unsigned int nr = 10 + NR_PAGES + 7 + 20;
	uint64_t bits[4];
	char *mem = variant->alloc(20 * PAGE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, dma_map(self->fd, mem, far, 20 * PAGE, DMA_RW));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, dirty_page(&self->td, 0));
	ASSERT_EQ(0, dirty_page(&self->td, NR_PAGES - 1));
	ASSERT_EQ(0, testdev_cmd(&self->td, "dma-write 0x%lx 77", far));
	ASSERT_EQ(0, testdev_cmd(&self->td, "dma-write 0x%lx 77",
				 far + 19 * PAGE));
	memset(bits, 0, sizeof(bits));
	ASSERT_EQ(0, log_get(self->fd, first, nr * PAGE, bits, sizeof(bits)));
	EXPECT_EQ(4, count_bits(bits, 4));
	EXPECT_TRUE(has_bit(bits, 10));
	EXPECT_TRUE(has_bit(bits, 10 + NR_PAGES - 1));
	EXPECT_TRUE(has_bit(bits, 10 + NR_PAGES + 7));
	EXPECT_TRUE(has_bit(bits, nr - 1));
	/* Bits before a mapping are kept, also in its word. */
	memset(bits, 0xff, sizeof(bits));
	ASSERT_EQ(0, log_get(self->fd, first, nr * PAGE, bits, sizeof(bits)));
	EXPECT_EQ(0x3ff, bits[0]);
	ASSERT_EQ(0, dma_unmap(self->fd, far, 20 * PAGE, 0, NULL));
}

TEST_F(log, mapping_that_is_made_later_is_logged)
{
	const uint64_t far = IOVA + (1UL << 32);
	uint64_t bits[1] = {};
	char *mem = variant->alloc(8 * PAGE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, dma_map(self->fd, mem, far, 8 * PAGE, DMA_RW));
	ASSERT_EQ(0,
		  testdev_cmd(&self->td, "dma-write 0x%lx 77", far + 3 * PAGE));
	ASSERT_EQ(0, log_get(self->fd, far, 8 * PAGE, bits, 8));
	EXPECT_EQ(1 << 3, bits[0]);
	/* The log of its predecessor at the same address is gone. */
	ASSERT_EQ(0,
		  testdev_cmd(&self->td, "dma-write 0x%lx 77", far + 4 * PAGE));
	ASSERT_EQ(0, dma_unmap(self->fd, far, 8 * PAGE, 0, NULL));
	ASSERT_EQ(0, dma_map(self->fd, mem, far, 8 * PAGE, DMA_RW));
	ASSERT_EQ(0, log_get(self->fd, far, 8 * PAGE, bits, 8));
	EXPECT_EQ(0, bits[0]);
	EXPECT_TRUE(log_works(self, &self->td));
	ASSERT_EQ(0, dma_unmap(self->fd, far, 8 * PAGE, 0, NULL));
}

TEST_F(log, memory_that_the_device_may_only_read_is_clean)
{
	const uint64_t far = IOVA + (1UL << 32);
	uint64_t bits[1] = {};
	char *mem = mem_anon(8 * PAGE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, dma_map(self->fd, mem, far, 8 * PAGE,
			     VFIO_DMA_MAP_FLAG_READ));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	EXPECT_GT(0, testdev_cmd(&self->td, "dma-write 0x%lx 77", far));
	/* Also if the server says that all is dirty. */
	ASSERT_EQ(0, testdev_cmd(&self->td, "corrupt feature ones"));
	ASSERT_EQ(0, log_get(self->fd, far, 8 * PAGE, bits, 8));
	EXPECT_EQ(0, bits[0]);
	ASSERT_EQ(0, testdev_cmd(&self->td, "restore"));
	ASSERT_EQ(0, dma_unmap(self->fd, far, 8 * PAGE, 0, NULL));
}

/* UNMAP_DMA with a bitmap ------------------------------------------------------------- */

TEST_F(log, unmap_reports_the_pages)
{
	uint64_t unmapped = 1;

	memset(self->bits, 0, sizeof(self->bits));
	EXPECT_EQ(-EINVAL, log_unmap(self->fd, IOVA, SIZE, self->bits,
				     WORDS * 8, &unmapped));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, dirty_page(&self->td, 5));
	ASSERT_EQ(0, dirty_page(&self->td, 130));
	ASSERT_EQ(0, log_unmap(self->fd, IOVA, SIZE, self->bits, WORDS * 8,
			       &unmapped));
	EXPECT_EQ(SIZE, unmapped);
	EXPECT_EQ(2, count_bits(self->bits, WORDS));
	EXPECT_TRUE(has_bit(self->bits, 5) && has_bit(self->bits, 130));
	EXPECT_EQ(0, testdev_num(&self->td, "dma-count"));
	/* Nothing is mapped. */
	ASSERT_EQ(0, log_unmap(self->fd, IOVA, SIZE, self->bits, WORDS * 8,
			       &unmapped));
	EXPECT_EQ(0, unmapped);
	ASSERT_EQ(0, dma_map(self->fd, self->mem, IOVA, SIZE, DMA_RW));
	EXPECT_TRUE(log_works(self, &self->td));
}

/* The dma region stays, because it has another mapping, too. */
TEST_F(log, unmap_of_a_part_of_an_island_reports_the_pages)
{
	uint64_t unmapped = 0;
	char *mem = variant->alloc(SIZE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, dma_map(self->fd, mem, IOVA + SIZE, SIZE, DMA_RW));
	/* The island of both is one dma region after this. */
	ASSERT_EQ(0, ioctl(self->dev.device, VFIO_DEVICE_RESET));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, dirty_page(&self->td, 5));
	ASSERT_EQ(0, dirty_page(&self->td, NR_PAGES + 6));
	memset(self->bits, 0, sizeof(self->bits));
	ASSERT_EQ(0, log_unmap(self->fd, IOVA + SIZE, SIZE, self->bits,
			       WORDS * 8, &unmapped));
	EXPECT_EQ(SIZE, unmapped);
	EXPECT_EQ(1, count_bits(self->bits, WORDS));
	EXPECT_TRUE(has_bit(self->bits, 6));
	EXPECT_TRUE(only_page_is_dirty(self, 5));
	EXPECT_TRUE(log_works(self, &self->td));
}

/* More devices -------------------------------------------------------------------------- */

TEST_F(log, device_that_is_opened_later_is_logged)
{
	struct testdev td = {};
	struct vfio_dev dev;

	ASSERT_EQ(0, testdev_start(&td, logging));
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, vfio_dev_join(&dev, td.uuid, self->fd));
	EXPECT_TRUE(log_works(self, &td));
	EXPECT_TRUE(log_works(self, &self->td));
	ASSERT_EQ(0, dirty_page(&td, 9));
	ASSERT_EQ(0, dirty_page(&self->td, 10));
	EXPECT_EQ(2, log_pages(self));
	EXPECT_TRUE(has_bit(self->bits, 9) && has_bit(self->bits, 10));
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

/* Copying with the log ----------------------------------------------------------------------- */

struct writer {
	struct testdev *td;
	atomic_bool done;
	atomic_uint errors;
};

/* The device writes to random pages. */
static void *write_pages(void *arg)
{
	struct writer *w = arg;
	unsigned int i, first, nr;

	for (i = 0; i < 1000; i++) {
		first = rand() % NR_PAGES;
		nr = 1 + rand() % 20;
		if (nr > NR_PAGES - first)
			nr = NR_PAGES - first;
		if (testdev_cmd(w->td, "dma-fill 0x%lx %lu %u",
				IOVA + first * PAGE, nr * PAGE, i % 255))
			w->errors++;
	}
	w->done = true;
	return NULL;
}

/* Copies the pages of the log; the number of copied pages or -errno. */
static int copy_pages(FIXTURE_DATA(log) *self, char *copy)
{
	int nr = log_pages(self);
	unsigned int i;

	for (i = 0; i < NR_PAGES && nr > 0; i++)
		if (has_bit(self->bits, i))
			memcpy(copy + i * PAGE, self->mem + i * PAGE, PAGE);
	return nr;
}

/* A migration copies memory, then again the pages that were written meanwhile. */
TEST_F(log, copy_of_the_memory_is_complete_after_the_last_page_of_the_log)
{
	struct writer w = { .td = &self->td };
	char *copy = mem_anon(SIZE);
	unsigned long copied = 0;
	pthread_t thread;
	int nr;

	ASSERT_NE(NULL, copy);
	ASSERT_EQ(0, log_set(self->fd, LOG_START));
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_pages, &w));
	memcpy(copy, self->mem, SIZE);
	while (!w.done) {
		nr = copy_pages(self, copy);
		ASSERT_LE(0, nr);
		copied += nr;
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(0, w.errors);
	ASSERT_LE(0, copy_pages(self, copy));
	EXPECT_EQ(0, memcmp(copy, self->mem, SIZE));
	EXPECT_LT(0, copied);
	EXPECT_EQ(0, log_pages(self));
}

/* Threads --------------------------------------------------------------------------------- */

struct other {
	int container;
	char *mem;
	atomic_bool stop;
	atomic_uint errors;
	atomic_uint rounds;
};

/* Maps, and unmaps with a bitmap and without. */
static void *map_and_unmap(void *arg)
{
	const uint64_t far = IOVA + (1UL << 32);
	struct other *o = arg;
	uint64_t bits, unmapped;
	int ret;

	while (!o->stop) {
		if (dma_map(o->container, o->mem, far, 8 * PAGE, DMA_RW))
			o->errors++;
		/* Fails while the other thread has stopped the log. */
		ret = log_unmap(o->container, far, 8 * PAGE, &bits, 8,
				&unmapped);
		if (ret == -EINVAL)
			ret = dma_unmap(o->container, far, 8 * PAGE, 0,
					&unmapped);
		if (ret || unmapped != 8 * PAGE)
			o->errors++;
		o->rounds++;
	}
	return NULL;
}

TEST_F(log, log_and_mappings_of_other_threads_do_not_disturb_each_other)
{
	struct other o = { .container = self->fd, .mem = mem_anon(8 * PAGE) };
	uint64_t bits[1];
	pthread_t thread;
	unsigned int i;

	ASSERT_NE(NULL, o.mem);
	ASSERT_EQ(0, pthread_create(&thread, NULL, map_and_unmap, &o));
	for (i = 0; i < 50 || o.rounds < 50; i++) {
		EXPECT_EQ(0, log_set(self->fd, LOG_START));
		EXPECT_EQ(0, log_get(self->fd, IOVA + (1UL << 32), 8 * PAGE,
				     bits, 8));
		EXPECT_TRUE(log_works(self, &self->td));
		if (i % 2)
			EXPECT_EQ(0, log_set(self->fd, LOG_STOP));
	}
	o.stop = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(0, o.errors);
}

HELPER_MAIN
