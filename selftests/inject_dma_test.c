// SPDX-License-Identifier: GPL-2.0
/*
 * Failures in DMA maps: mapping, joined maps, maps passed to a server at open, page
 * faults of the server, DMA by message.  See inject_test.c.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/consumer.h"
#include "lib/dirty.h"
#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/sweep.h"

#define MB 0x100000UL

/* A consumer that must have no locked memory and no dma region at the end. */
FIXTURE(dma)
{
	struct vfio_dev dev;
	long locked;
	char *anon;
	char *memfd;
};

FIXTURE_SETUP(dma)
{
	self->locked = res_locked();
	self->anon = mem_anon(MB);
	self->memfd = mem_memfd(MB, NULL);
	ASSERT_NE(NULL, self->anon);
	ASSERT_NE(NULL, self->memfd);
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	inject_server = shared.pid;
}

FIXTURE_TEARDOWN(dma)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	/* The device must still be usable. */
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	vfio_dev_close(&self->dev);
}

/* Maps --------------------------------------------------------------------- */

static int map_all(void *data)
{
	FIXTURE_DATA(dma) *self = data;
	int container = self->dev.container;
	int ret;

	ret = dma_map(container, self->anon, 0, MB, DMA_RW);
	if (!ret)
		ret = dma_map(container, self->memfd, MB, MB, DMA_RW);
	if (!ret)
		ret = dma_map(container, self->anon, 2 * MB, PAGE,
			      VFIO_DMA_MAP_FLAG_READ);
	if (!ret)
		ret = dma_unmap(container, 0, MB, 0, NULL);
	if (!ret)
		ret = dma_unmap(container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
	return ret;
}

static void unmap_all(void *data)
{
	FIXTURE_DATA(dma) *self = data;

	dma_unmap(self->dev.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
}

TEST_F_TIMEOUT(dma, maps_survive_each_failure, SWEEP_LIMIT)
{
	EXPECT_SWEEP(map_all, unmap_all, self, INJECT_SELF);
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
}

TEST_F_TIMEOUT(dma, maps_survive_each_failure_in_the_helper, SWEEP_LIMIT)
{
	EXPECT_SWEEP(map_all, unmap_all, self, INJECT_HELPER);
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
}

#define NR_SCATTERED 64

/* Pages of a file in mixed order: no two of them are adjacent. */
static char *mem_scattered(void)
{
	size_t size = NR_SCATTERED * PAGE;
	char *mem;
	int fd, i;

	mem = mem_memfd(size, &fd);
	for (i = 0; mem && i < NR_SCATTERED; i++) {
		mem[i * PAGE] = i;
		if (mmap(mem + i * PAGE, PAGE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd,
			 (i * 37 % NR_SCATTERED) * PAGE) == MAP_FAILED)
			return NULL;
	}
	return mem;
}

struct scattered {
	int container;
	void *mem;
};

static int map_scattered(void *data)
{
	struct scattered *s = data;
	int ret = dma_map(s->container, s->mem, 0, NR_SCATTERED * PAGE, DMA_RW);

	return ret ? ret :
		     dma_unmap(s->container, 0, NR_SCATTERED * PAGE, 0, NULL);
}

static void unmap_scattered(void *data)
{
	struct scattered *s = data;

	dma_unmap(s->container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
}

TEST_F_TIMEOUT(dma, maps_of_scattered_pages_survive_each_failure, SWEEP_LIMIT)
{
	struct scattered s = { self->dev.container, mem_scattered() };

	ASSERT_NE(NULL, s.mem);
	EXPECT_SWEEP(map_scattered, unmap_scattered, &s, INJECT_SELF);
}

/* The log of writes -------------------------------------------------------- */

static int log_all(void *data)
{
	FIXTURE_DATA(dma) *self = data;
	int container = self->dev.container;
	uint64_t bits[MB / PAGE / 64], unmapped;
	int ret;

	ret = dma_map(container, self->anon, 0, MB, DMA_RW);
	if (!ret)
		ret = log_set(container, LOG_START);
	if (!ret)
		ret = dma_map(container, self->memfd, MB, MB, DMA_RW);
	if (!ret)
		ret = log_get(container, 0, MB, bits, sizeof(bits));
	if (!ret)
		ret = log_unmap(container, MB, MB, bits, sizeof(bits),
				&unmapped);
	if (!ret)
		ret = log_set(container, LOG_STOP);
	return ret;
}

static void unlog_all(void *data)
{
	FIXTURE_DATA(dma) *self = data;

	log_set(self->dev.container, LOG_STOP);
	unmap_all(data);
}

TEST_F_TIMEOUT(dma, log_of_writes_survives_each_failure, SWEEP_LIMIT)
{
	EXPECT_SWEEP(log_all, unlog_all, self, INJECT_SELF);
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
}

/* Maps passed to the server at open ---------------------------------------- */

static int open_device(void *data)
{
	FIXTURE_DATA(dma) *self = data;

	self->dev.device = group_device(self->dev.group, shared.uuid);
	return self->dev.device < 0 ? self->dev.device : 0;
}

static void close_device(void *data)
{
	FIXTURE_DATA(dma) *self = data;

	if (self->dev.device >= 0)
		close(self->dev.device);
	self->dev.device = -1;
	/* If the unmap message of the close fails, the server is lost. */
	mdev_wait(shared.uuid, "state", "attached", AGAIN_MS);
}

static void open_sweep(struct __test_metadata *_metadata,
		       FIXTURE_DATA(dma) *self, enum inject_target target)
{
	int container = self->dev.container;
	long long count;

	close_device(self);
	ASSERT_EQ(0, dma_map(container, self->anon, 0, MB, DMA_RW));
	ASSERT_EQ(0, dma_map(container, self->memfd, MB, MB, DMA_RW));
	ASSERT_EQ(0, dma_map(container, self->anon, 2 * MB, PAGE,
			     VFIO_DMA_MAP_FLAG_READ));
	ASSERT_EQ(0, open_device(self));
	/* At open, the two mappings with the same access are one dma region. */
	count = testdev_num(&shared, "dma-count");
	EXPECT_EQ(2, count);
	close_device(self);
	EXPECT_SWEEP(open_device, close_device, self, target, .step = 13);
	ASSERT_EQ(0, open_device(self));
	EXPECT_EQ(count, testdev_num(&shared, "dma-count"));
}

TEST_F_TIMEOUT(dma, open_with_maps_survives_each_failure, SWEEP_LIMIT)
{
	open_sweep(_metadata, self, INJECT_SELF);
}

TEST_F_TIMEOUT(dma, open_with_maps_survives_each_failure_in_the_helper,
	       SWEEP_LIMIT)
{
	open_sweep(_metadata, self, INJECT_HELPER);
}

/* The server's own threads ------------------------------------------------- */

static int use_memory(void *data)
{
	int ret;

	(void)data;
	ret = testdev_cmd(&shared, "kept-map 1");
	if (!ret)
		ret = testdev_cmd(&shared, "kept-peek 0");
	if (!ret)
		ret = testdev_cmd(&shared, "kept-pread 0");
	if (!ret)
		ret = testdev_cmd(&shared, "kept-pwrite 0 1");
	return ret;
}

TEST_F_TIMEOUT(dma, page_faults_of_the_server_survive_each_failure, SWEEP_LIMIT)
{
	ASSERT_EQ(0, testdev_cmd(&shared, "keep 1"));
	ASSERT_EQ(0, dma_map(self->dev.container, self->anon, 0, MB, DMA_RW));
	EXPECT_SWEEP(use_memory, NULL, NULL, INJECT_SERVER);
	EXPECT_EQ(1, self->anon[0]);
	ASSERT_EQ(0, testdev_cmd(&shared, "keep 0"));
}

/* By message --------------------------------------------------------------- */

/* A server that gets no files, and a consumer with 1 MiB of memory. */
struct asking {
	struct testdev *td;
	struct vfio_dev *dev;
	void *mem;
};

static int start_asking(struct asking *a)
{
	int ret = testdev_cmd(a->td, "strip-fds 1");

	if (!ret)
		ret = vfio_dev_open(a->dev, a->td->uuid, VFIO_TYPE1v2_IOMMU);
	if (!ret)
		ret = dma_map(a->dev->container, a->mem, 0, MB, DMA_RW);
	return ret;
}

/* Also frees the long receive buffer, which the next long message allocates. */
static void ask_from_the_start(void *data)
{
	struct asking *a = data;

	vfio_dev_close(a->dev);
	mdev_wait(a->td->uuid, "state", "attached", AGAIN_MS);
	start_asking(a);
}

/*
 * If the kernel cannot send a reply, the server is lost.  Then waits until it
 * is attached again, and maps the memory again.
 */
static void ask_again(void *data)
{
	struct asking *a = data;
	uint32_t val;

	if (!region_get(a->dev->device, VFIO_PCI_CONFIG_REGION_INDEX, 0, &val,
			sizeof(val)))
		return;
	ask_from_the_start(a);
}

static int by_message(void *data)
{
	struct asking *a = data;
	int ret;

	ret = testdev_cmd(a->td, "dma-fill 0 8192 7");
	if (!ret)
		ret = testdev_cmd(a->td, "dma-sum 4096 8192");
	return ret;
}

/*
 * A work item serves the server's DMA commands while no thread of a consumer
 * waits.
 */
TEST_F_TIMEOUT(dma, dma_by_message_survives_each_failure, SWEEP_LIMIT)
{
	struct asking a = { &shared, &self->dev, self->anon };

	vfio_dev_close(&self->dev);
	ASSERT_EQ(0, start_asking(&a));
	EXPECT_SWEEP(by_message, ask_from_the_start, &a, INJECT_WORKERS,
		     .lossy = true);
	ASSERT_EQ(0, testdev_cmd(&shared, "strip-fds 0"));
}

static int read_with_dma(void *data)
{
	struct asking *a = data;
	uint64_t val;
	int ret;

	ret = testdev_cmd(a->td, "onread 0x10");
	return ret ? ret :
		     region_get(a->dev->device, BAR(0), TESTDEV_REG_ONREAD,
				&val, 8);
}

/*
 * Without a twin socket, the waiting thread serves the server's DMA commands.
 */
FIXTURE(no_twin)
{
	struct testdev td;
	struct vfio_dev dev;
	void *mem;
};

FIXTURE_SETUP(no_twin)
{
	static const char *const args[] = { "--no-twin", NULL };

	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	self->mem = mem_anon(MB);
	ASSERT_NE(NULL, self->mem);
	ASSERT_EQ(0, testdev_start(&self->td, args));
}

FIXTURE_TEARDOWN(no_twin)
{
	vfio_dev_close(&self->dev);
	testdev_stop(&self->td);
}

TEST_F_TIMEOUT(no_twin, dma_by_message_within_a_read_survives_each_failure,
	       SWEEP_LIMIT)
{
	struct asking a = { &self->td, &self->dev, self->mem };

	ASSERT_EQ(0, start_asking(&a));
	EXPECT_SWEEP(read_with_dma, ask_again, &a, INJECT_SELF, .lossy = true);
}

/* Registers of another device ---------------------------------------------- */

/* The shared device makes DMA to registers and areas of another device. */
FIXTURE(registers)
{
	struct testdev td;
	struct vfio_dev from, to;
	void *bar;
};

static int map_bar(void *data)
{
	FIXTURE_DATA(registers) *self = data;

	return dma_map(self->from.container, self->bar, 0, TESTDEV_BAR2_SIZE,
		       DMA_RW);
}

static void unmap_bar(void *data)
{
	FIXTURE_DATA(registers) *self = data;

	dma_unmap(self->from.container, 0, TESTDEV_BAR2_SIZE, 0, NULL);
}

static int open_from(FIXTURE_DATA(registers) *self)
{
	return vfio_dev_open(&self->from, shared.uuid, VFIO_TYPE1v2_IOMMU);
}

FIXTURE_SETUP(registers)
{
	self->from = (struct vfio_dev)VFIO_DEV_INIT;
	self->to = (struct vfio_dev)VFIO_DEV_INIT;
	ASSERT_EQ(0, testdev_start(&self->td, NULL));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->to, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	self->bar = region_mmap(self->to.device, BAR(2), 0, TESTDEV_BAR2_SIZE,
				PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->bar);
	ASSERT_EQ(0, open_from(self));
}

FIXTURE_TEARDOWN(registers)
{
	munmap(self->bar, TESTDEV_BAR2_SIZE);
	vfio_dev_close(&self->from);
	vfio_dev_close(&self->to);
	testdev_stop(&self->td);
}

TEST_F_TIMEOUT(registers, maps_survive_each_failure, SWEEP_LIMIT)
{
	EXPECT_SWEEP(map_bar, unmap_bar, self, INJECT_SELF);
}

static int access_registers(void *data)
{
	int ret = testdev_cmd(&shared, "dma-write 0 01020304");

	return ret ? ret : testdev_cmd(&shared, "dma-read 0 4");
}

/* If the kernel cannot send a reply, the server is lost; see ask_again(). */
static void map_bar_again(void *data)
{
	FIXTURE_DATA(registers) *self = data;
	uint32_t val;

	if (!region_get(self->from.device, VFIO_PCI_CONFIG_REGION_INDEX, 0,
			&val, sizeof(val)))
		return;
	vfio_dev_close(&self->from);
	mdev_wait(shared.uuid, "state", "attached", AGAIN_MS);
	open_from(self);
	map_bar(self);
}

/* Work items read the command, access the registers, and send the reply. */
TEST_F_TIMEOUT(registers, dma_to_them_survives_each_failure, SWEEP_LIMIT)
{
	ASSERT_EQ(0, map_bar(self));
	EXPECT_SWEEP(access_registers, map_bar_again, self, INJECT_WORKERS,
		     .lossy = true);
}

/* Joined maps -------------------------------------------------------------- */

#define NR_APART 12

/* A server with few dma regions, and more maps than that. */
FIXTURE(joined)
{
	struct testdev td;
	struct vfio_dev dev;
	char *mem;
};

static int map_one(FIXTURE_DATA(joined) *self, unsigned int i)
{
	return dma_map(self->dev.container, self->mem + (NR_APART - i) * PAGE,
		       i * 2 * PAGE, PAGE, DMA_RW);
}

static int map_all_apart(FIXTURE_DATA(joined) *self)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < NR_APART && !ret; i++)
		ret = map_one(self, i);
	return ret;
}

FIXTURE_SETUP(joined)
{
	static const char *const args[] = { "--max-dma-maps=8", NULL };

	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	ASSERT_EQ(0, testdev_start(&self->td, args));
	inject_server = self->td.pid;
	self->mem = mem_anon(2 * NR_APART * PAGE);
	ASSERT_NE(NULL, self->mem);
	memset(self->mem, 0xee, 2 * NR_APART * PAGE);
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, map_all_apart(self));
}

FIXTURE_TEARDOWN(joined)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(0, testdev_num(&self->td, "dma-count"));
	testdev_stop(&self->td);
}

/* Maps in a dma region of several maps, and where a new one is needed. */
static int map_more(void *data)
{
	FIXTURE_DATA(joined) *self = data;
	int container = self->dev.container;
	int ret;

	ret = dma_map(container, self->mem, PAGE, PAGE, DMA_RW);
	if (!ret)
		ret = dma_map(container, self->mem, 16384 * MB, PAGE, DMA_RW);
	if (!ret)
		ret = dma_map(container, self->mem, 8192 * MB, PAGE, DMA_RW);
	if (!ret)
		ret = dma_unmap(container, 0, PAGE, 0, NULL);
	return ret;
}

static void map_as_before(void *data)
{
	FIXTURE_DATA(joined) *self = data;

	dma_unmap(self->dev.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
	map_all_apart(self);
}

TEST_F_TIMEOUT(joined, maps_survive_each_failure, SWEEP_LIMIT)
{
	EXPECT_SWEEP(map_more, map_as_before, self, INJECT_SELF);
}

/* Maps everything: the helper sends each dma region, and then the joined ones. */
static int do_map_all_apart(void *data)
{
	return map_all_apart(data);
}

static void unmap_all_apart(void *data)
{
	FIXTURE_DATA(joined) *self = data;

	dma_unmap(self->dev.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
}

TEST_F_TIMEOUT(joined, maps_survive_each_failure_in_the_helper, SWEEP_LIMIT)
{
	unmap_all_apart(self);
	EXPECT_SWEEP(do_map_all_apart, unmap_all_apart, self, INJECT_HELPER);
}

/* The server accepts only one dma region, so it has both pages. */
FIXTURE(one_region)
{
	struct testdev td;
	struct vfio_dev dev;
	char *mem;
	uint64_t apart;
};

static void unmap_two(void *data)
{
	FIXTURE_DATA(one_region) *self = data;

	dma_unmap(self->dev.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
}

static void map_two(void *data)
{
	FIXTURE_DATA(one_region) *self = data;
	int container = self->dev.container;

	unmap_two(self);
	dma_map(container, self->mem, 0, PAGE, DMA_RW);
	dma_map(container, self->mem + PAGE, 2 * PAGE, PAGE, DMA_RW);
}

/*
 * Each call maps two pages farther apart than the call before, so that the
 * kernel must find a new layout.
 */
static int map_apart(void *data)
{
	FIXTURE_DATA(one_region) *self = data;
	int container = self->dev.container;

	self->apart += 4096 * MB;
	return dma_map(container, self->mem, 0, PAGE, DMA_RW) ?:
		       dma_map(container, self->mem + PAGE, self->apart, PAGE,
			       DMA_RW);
}

FIXTURE_SETUP(one_region)
{
	static const char *const args[] = { "--max-dma-maps=1", NULL };

	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	ASSERT_EQ(0, testdev_start(&self->td, args));
	inject_server = self->td.pid;
	self->mem = mem_anon(2 * PAGE);
	self->apart = 0;
	ASSERT_NE(NULL, self->mem);
	memset(self->mem, 0xee, 2 * PAGE);
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&self->td, "keep 1"));
	map_two(self);
}

FIXTURE_TEARDOWN(one_region)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(0, testdev_num(&self->td, "dma-count"));
	testdev_stop(&self->td);
}

TEST_F_TIMEOUT(one_region, maps_survive_each_failure, SWEEP_LIMIT)
{
	unmap_two(self);
	EXPECT_SWEEP(map_apart, unmap_two, self, INJECT_SELF);
	ASSERT_EQ(0, map_apart(self));
	EXPECT_EQ(1, testdev_num(&self->td, "dma-count"));
}

/* A hole shows a page that is allocated at the first access. */
static int touch_hole(void *data)
{
	FIXTURE_DATA(one_region) *self = data;

	return testdev_cmd(&self->td, "kept-map 1") ?:
		       testdev_cmd(&self->td, "kept-peek %lu", PAGE);
}

TEST_F_TIMEOUT(one_region, hole_of_a_dma_region_survives_each_failure,
	       SWEEP_LIMIT)
{
	EXPECT_SWEEP(touch_hole, map_two, self, INJECT_SERVER);
	ASSERT_EQ(0, touch_hole(self));
	EXPECT_STREQ("0x0", testdev_reply());
}

SWEEP_MAIN
