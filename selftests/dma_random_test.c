// SPDX-License-Identifier: GPL-2.0
/*
 * Random maps and unmaps, compared with a model, for servers that accept many
 * and few dma regions.  With each layout of the server map, the server can
 * access the mapped pages with the right protection, and no other memory.
 *
 * The test prints its seed; set VUSER_SEED to repeat a run.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <kselftest_harness.h>

#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/res.h"
#include "lib/testdev.h"
#include "lib/vfio.h"

#define PAGE	  0x1000UL
#define NR_SLOTS  256
#define NR_STEPS  250
#define MAX_PAGES 6

enum kind {
	ANON,
	ANON_RO,
	MEMFD,
	NR_KINDS
};

/* A map that starts at this slot, and the place of its memory in the pool. */
struct model {
	unsigned int pages; /* 0: no map starts here */
	enum kind kind;
	unsigned int place;
};

FIXTURE(random)
{
	struct testdev td;
	struct vfio_dev dev;
	struct model map[NR_SLOTS];
	char *pool[NR_KINDS];
	unsigned int mapped;
	long locked;
};

FIXTURE_VARIANT(random)
{
	const char *arg;
	unsigned int limit;
	/* The distance between slots; maps of several pages require PAGE. */
	uint64_t step;
};

FIXTURE_VARIANT_ADD(random, many_dense) { "--dma-limit=64", 64, PAGE };
FIXTURE_VARIANT_ADD(random, eight_dense) { "--dma-limit=8", 8, PAGE };
FIXTURE_VARIANT_ADD(random, eight_sparse) { "--dma-limit=8", 8, 0x5003000 };
FIXTURE_VARIANT_ADD(random, three_dense) { "--dma-limit=3", 3, PAGE };
FIXTURE_VARIANT_ADD(random, two_sparse) { "--dma-limit=2", 2, 0x40001000 };
FIXTURE_VARIANT_ADD(random, one_dense) { "--dma-limit=1", 1, PAGE };

static unsigned int pick(unsigned int n)
{
	return random() % n;
}

static void seed(void)
{
	const char *given = getenv("VUSER_SEED");
	unsigned int value = given ? strtoul(given, NULL, 0) : time(NULL);

	ksft_print_msg("VUSER_SEED=%u\n", value);
	srandom(value);
}

FIXTURE_SETUP(random)
{
	const char *args[] = { variant->arg, NULL };
	unsigned int i;

	seed();
	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	memset(self->map, 0, sizeof(self->map));
	self->mapped = 0;
	ASSERT_EQ(0, testdev_start(&self->td, args));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	self->pool[ANON] = mem_anon(NR_SLOTS * PAGE);
	self->pool[ANON_RO] = mem_anon(NR_SLOTS * PAGE);
	self->pool[MEMFD] = mem_memfd(NR_SLOTS * PAGE, NULL);
	for (i = 0; i < NR_KINDS; i++) {
		ASSERT_NE(NULL, self->pool[i]);
		mem_fill(self->pool[i], NR_SLOTS * PAGE, 11 + i);
	}
	self->locked = res_locked();
}

FIXTURE_TEARDOWN(random)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, testdev_num(&self->td, "dma-count"));
	testdev_stop(&self->td);
}

static char *memory(FIXTURE_DATA(random) *self, const struct model *m)
{
	return self->pool[m->kind] + m->place * PAGE;
}

/* Finds the map that covers a slot, and its first slot; NULL for a hole. */
static struct model *find(FIXTURE_DATA(random) *self, unsigned int slot,
			  unsigned int *start)
{
	unsigned int i;

	for (i = slot + 1; i-- > 0 && slot - i < MAX_PAGES;) {
		if (!self->map[i].pages)
			continue;
		*start = i;
		return i + self->map[i].pages > slot ? &self->map[i] : NULL;
	}
	return NULL;
}

static bool is_free(FIXTURE_DATA(random) *self, unsigned int slot,
		    unsigned int pages)
{
	unsigned int i, start;

	for (i = slot; i < slot + pages; i++)
		if (find(self, i, &start))
			return false;
	return true;
}

static void step_map(struct __test_metadata *_metadata,
		     FIXTURE_DATA(random) *self,
		     const FIXTURE_VARIANT(random) * variant)
{
	struct model m = { .kind = pick(NR_KINDS) };
	unsigned int slot;
	bool is_ro;
	int ret;

	m.pages = variant->step == PAGE ? 1 + pick(MAX_PAGES) : 1;
	slot = pick(NR_SLOTS - m.pages);
	/*
	 * In half of the cases, adjacent slots are adjacent in the pool, too.
	 */
	m.place = pick(2) ? slot : pick(NR_SLOTS - m.pages);
	is_ro = m.kind == ANON_RO;
	ret = dma_map(self->dev.container, memory(self, &m),
		      slot * variant->step, m.pages * PAGE,
		      is_ro ? VFIO_DMA_MAP_FLAG_READ : DMA_RW);
	if (!is_free(self, slot, m.pages)) {
		ASSERT_EQ(-EEXIST, ret);
		return;
	}
	/*
	 * Writable and read-only memory never share a dma region, so a server
	 * with few regions cannot take every mix of them.
	 */
	if (ret == -ENOSPC) {
		ASSERT_LT(variant->limit, self->mapped + 1);
		return;
	}
	ASSERT_EQ(0, ret) TH_LOG("slot %u", slot);
	self->map[slot] = m;
	self->mapped++;
}

/* Unmaps a range that cuts no map. */
static void step_unmap(struct __test_metadata *_metadata,
		       FIXTURE_DATA(random) *self,
		       const FIXTURE_VARIANT(random) * variant)
{
	unsigned int first = pick(NR_SLOTS), last, start, i;
	uint64_t size = 0, got = 0;
	struct model *m;

	m = find(self, first, &start);
	if (m)
		first = start;
	last = first + pick(24);
	if (last >= NR_SLOTS)
		last = NR_SLOTS - 1;
	m = find(self, last, &start);
	if (m)
		last = start + m->pages - 1;
	for (i = first; i <= last; i++) {
		size += self->map[i].pages * PAGE;
		self->mapped -= !!self->map[i].pages;
		self->map[i].pages = 0;
	}
	ASSERT_EQ(0, dma_unmap(self->dev.container, first * variant->step,
			       (last - first) * variant->step + PAGE, 0, &got));
	ASSERT_EQ(size, got);
}

/* The server must read the memory of the map, and write it if permitted. */
static void check_mapped(struct __test_metadata *_metadata,
			 FIXTURE_DATA(random) *self, const struct model *m,
			 uint64_t iova)
{
	char *mem = memory(self, m);
	int ret;

	ASSERT_EQ(mem_sum(mem, m->pages * PAGE),
		  testdev_num(&self->td, "dma-sum 0x%lx %lu", iova,
			      m->pages * PAGE));
	mem += m->pages * PAGE - 1;
	iova += m->pages * PAGE - 1;
	*mem = 1;
	ret = testdev_cmd(&self->td, "dma-fill 0x%lx 1 0x5a", iova);
	if (m->kind == ANON_RO) {
		ASSERT_GT(0, ret);
		ASSERT_EQ(1, *mem);
	} else {
		ASSERT_EQ(0, ret);
		ASSERT_EQ(0x5a, *mem);
	}
}

/* A write to a hole must not reach any memory of the consumer. */
static void check_hole(struct __test_metadata *_metadata,
		       FIXTURE_DATA(random) *self, uint64_t iova)
{
	uint64_t before[NR_KINDS];
	unsigned int i;

	for (i = 0; i < NR_KINDS; i++)
		before[i] = mem_sum(self->pool[i], NR_SLOTS * PAGE);
	testdev_cmd(&self->td, "dma-fill 0x%lx %lu 0xa5", iova, PAGE);
	for (i = 0; i < NR_KINDS; i++) {
		ASSERT_EQ(before[i], mem_sum(self->pool[i], NR_SLOTS * PAGE));
	}
}

static void step_check(struct __test_metadata *_metadata,
		       FIXTURE_DATA(random) *self,
		       const FIXTURE_VARIANT(random) * variant)
{
	unsigned int slot = pick(NR_SLOTS), start;
	struct model *m = find(self, slot, &start);

	if (m)
		check_mapped(_metadata, self, m, start * variant->step);
	else
		check_hole(_metadata, self, slot * variant->step);
	ASSERT_GE(variant->limit, testdev_num(&self->td, "dma-count"));
}

TEST_F_TIMEOUT(random, server_map_matches_the_model, 180)
{
	unsigned int i, start;
	struct model *m;

	for (i = 0; i < NR_STEPS; i++) {
		switch (pick(8)) {
		case 0 ... 3:
			step_map(_metadata, self, variant);
			break;
		case 4:
			step_unmap(_metadata, self, variant);
			break;
		default:
			step_check(_metadata, self, variant);
			break;
		}
	}
	for (i = 0; i < NR_SLOTS; i++) {
		m = find(self, i, &start);
		if (m && start == i)
			check_mapped(_metadata, self, m, i * variant->step);
	}
}

/*
 * A second device that joins the container gets all maps at once, with the same
 * contents.
 */
TEST_F_TIMEOUT(random, joining_device_gets_the_same_maps, 180)
{
	struct testdev other;
	const char *args[] = { "--dma-limit=4", NULL };
	struct vfio_dev second;
	unsigned int i, start, refused = 0;
	struct model *m;
	int ret;

	for (i = 0; i < NR_STEPS / 4; i++)
		step_map(_metadata, self, variant);
	ASSERT_EQ(0, testdev_start(&other, args));
	ret = vfio_dev_join(&second, other.uuid, self->dev.container);
	/*
	 * Four dma regions are too few for so many changes between writable and
	 * read-only memory.
	 */
	if (ret == -ENOSPC)
		refused = 1;
	else {
		ASSERT_EQ(0, ret);
	}
	for (i = 0; i < NR_SLOTS && !refused; i++) {
		m = find(self, i, &start);
		if (!m || start != i)
			continue;
		ASSERT_EQ(mem_sum(memory(self, m), m->pages * PAGE),
			  testdev_num(&other, "dma-sum 0x%lx %lu",
				      i * variant->step, m->pages * PAGE));
	}
	/* The first device must not be affected. */
	step_check(_metadata, self, variant);
	if (!refused)
		vfio_dev_close(&second);
	EXPECT_EQ(0, testdev_num(&other, "dma-count"));
	testdev_stop(&other);
}

/* Several threads map and unmap, each in its own slots. */
#define NR_THREADS   3
#define THREAD_SLOTS 64
#define THREAD_STEPS 200

struct worker {
	pthread_t thread;
	int container;
	unsigned int first;
	uint64_t step;
	char *mem;
	bool mapped[THREAD_SLOTS];
	int error;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned int i, slot;
	uint64_t iova;

	for (i = 0; i < THREAD_STEPS && !w->error; i++) {
		slot = pick(THREAD_SLOTS);
		iova = (w->first + slot) * w->step;
		if (w->mapped[slot])
			w->error = dma_unmap(w->container, iova, PAGE, 0, NULL);
		else
			w->error = dma_map(w->container, w->mem + slot * PAGE,
					   iova, PAGE, DMA_RW);
		w->mapped[slot] = !w->mapped[slot];
	}
	return NULL;
}

static void check_worker(struct __test_metadata *_metadata, struct testdev *td,
			 struct worker *w)
{
	unsigned int i;

	for (i = 0; i < THREAD_SLOTS; i++) {
		if (!w->mapped[i])
			continue;
		ASSERT_EQ(mem_sum(w->mem + i * PAGE, PAGE),
			  testdev_num(td, "dma-sum 0x%lx %lu",
				      (w->first + i) * w->step, PAGE));
	}
}

/* Threads map while a second device is opened and closed in the container. */
TEST_F_TIMEOUT(random, concurrent_maps_reach_a_device_that_joins, 180)
{
	const char *args[] = { "--dma-limit=4", NULL };
	struct worker worker[NR_THREADS] = {};
	struct vfio_dev second;
	struct testdev other;
	unsigned int i;

	ASSERT_EQ(0, testdev_start(&other, args));
	for (i = 0; i < NR_THREADS; i++) {
		worker[i].container = self->dev.container;
		worker[i].first = i * THREAD_SLOTS;
		worker[i].step = variant->step;
		worker[i].mem = self->pool[i % 2 ? MEMFD : ANON] +
				i * THREAD_SLOTS * PAGE;
		ASSERT_EQ(0, pthread_create(&worker[i].thread, NULL, work,
					    &worker[i]));
	}
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, vfio_dev_join(&second, other.uuid,
					   self->dev.container));
		vfio_dev_close(&second);
	}
	ASSERT_EQ(0, vfio_dev_join(&second, other.uuid, self->dev.container));
	for (i = 0; i < NR_THREADS; i++) {
		pthread_join(worker[i].thread, NULL);
		EXPECT_EQ(0, worker[i].error);
	}
	for (i = 0; i < NR_THREADS; i++) {
		check_worker(_metadata, &self->td, &worker[i]);
		check_worker(_metadata, &other, &worker[i]);
	}
	vfio_dev_close(&second);
	EXPECT_EQ(0, testdev_num(&other, "dma-count"));
	testdev_stop(&other);
}

HELPER_MAIN
