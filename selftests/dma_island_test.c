// SPDX-License-Identifier: GPL-2.0
/*
 * Islands: adjacent mappings with the same access.  A server that looks up each
 * buffer in one dma region can access buffers that cross from one mapping to the
 * next.  No map and no unmap takes away memory that stays mapped.  An unmap does not
 * fail, and afterwards the server cannot access the memory.
 */
#include <linux/pci_regs.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/consumer.h"
#include "lib/helper.h"
#include "lib/mem.h"
#include "lib/task.h"

#define PAGE   0x1000UL
#define MB     0x100000UL
#define BASE   (4096 * MB)
#define PIECES 16
#define MANY   10000
/* Bytes that a buffer has in each of two pieces. */
#define HALF 512

struct consumer {
	struct testdev td;
	struct vfio_dev dev;
	char *piece[PIECES];
	size_t size; /* of a piece */
	long locked;
};

/* Pieces of memory: how each test gets them. */

static int get_anon(struct consumer *c)
{
	char *mem;
	int i;

	c->size = 4 * PAGE;
	mem = mem_anon(PIECES * c->size);
	for (i = 0; i < PIECES; i++)
		c->piece[i] = mem + i * c->size;
	return mem ? 0 : -ENOMEM;
}

static int get_one_file(struct consumer *c)
{
	char *mem;
	int i;

	c->size = 4 * PAGE;
	mem = mem_memfd(PIECES * c->size, NULL);
	for (i = 0; i < PIECES; i++)
		c->piece[i] = mem + i * c->size;
	return mem ? 0 : -ENOMEM;
}

static int get_files(struct consumer *c)
{
	int i;

	c->size = 4 * PAGE;
	for (i = 0; i < PIECES; i++) {
		c->piece[i] = mem_memfd(c->size, NULL);
		if (!c->piece[i])
			return -ENOMEM;
	}
	return 0;
}

static int get_huge_files(struct consumer *c)
{
	int i;

	c->size = 2 * MB;
	for (i = 0; i < PIECES; i++) {
		c->piece[i] = mem_hugetlb(c->size, NULL);
		if (!c->piece[i])
			return -ENOMEM;
	}
	return 0;
}

static uint64_t iova_of(struct consumer *c, int i)
{
	return BASE + i * c->size;
}

static int map_piece(struct consumer *c, int i)
{
	return dma_map(c->dev.container, c->piece[i], iova_of(c, i), c->size,
		       DMA_RW);
}

static int unmap_piece(struct consumer *c, int i)
{
	return dma_unmap(c->dev.container, iova_of(c, i), c->size, 0, NULL);
}

static int map_pieces(struct consumer *c)
{
	int i, ret = 0;

	for (i = 0; i < PIECES && !ret; i++)
		ret = map_piece(c, i);
	return ret;
}

/* Starts the server and sets up the container, without opening the device. */
static int consumer_start(struct consumer *c, int (*get)(struct consumer *c),
			  const char *arg)
{
	const char *args[] = { arg, NULL };
	int ret;

	c->dev = (struct vfio_dev)VFIO_DEV_INIT;
	c->locked = res_locked();
	ret = testdev_start(&c->td, args);
	if (!ret)
		ret = get(c);
	if (ret)
		return ret;
	c->dev.container = container_open();
	c->dev.group = group_open(c->td.uuid);
	ret = group_attach(c->dev.group, c->dev.container);
	if (!ret && ioctl(c->dev.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		ret = -errno;
	return ret;
}

static int consumer_open(struct consumer *c)
{
	c->dev.device = group_device(c->dev.group, c->td.uuid);
	return c->dev.device < 0 ? c->dev.device : 0;
}

static void consumer_stop(struct __test_metadata *_metadata, struct consumer *c)
{
	vfio_dev_close(&c->dev);
	EXPECT_EQ(c->locked, res_locked());
	EXPECT_EQ(0, testdev_num(&c->td, "dma-count"));
	testdev_stop(&c->td);
}

/*
 * The server copies a buffer that crosses from piece @i to the next one, each buffer
 * within one dma region.
 */
static int cross(struct consumer *c, int i, int to)
{
	char *a = c->piece[i] + c->size - HALF, *b = c->piece[i + 1];
	int ret;

	memset(a, 0x40 + i, HALF);
	memset(b, 0x80 + i, HALF);
	ret = testdev_cmd(&c->td, "dma-move 0x%lx 0x%lx %d",
			  iova_of(c, to + 1) - HALF, iova_of(c, i + 1) - HALF,
			  2 * HALF);
	if (ret)
		return ret;
	return memcmp(a, c->piece[to] + c->size - HALF, HALF) ||
	       memcmp(b, c->piece[to + 1], HALF);
}

FIXTURE(island)
{
	struct consumer c;
};

FIXTURE_VARIANT(island)
{
	int (*get)(struct consumer *c);
	const char *arg; /* of the server */
	bool huge;
};

#define ISLAND_VARIANT(kind, nr)                              \
	FIXTURE_VARIANT_ADD(island, kind##_with_limit_##nr)   \
	{                                                     \
		.get = get_##kind, .arg = "--dma-limit=" #nr, \
		.huge = get_##kind == get_huge_files,         \
	}

ISLAND_VARIANT(anon, 8);
ISLAND_VARIANT(anon, 64);
ISLAND_VARIANT(one_file, 8);
ISLAND_VARIANT(one_file, 64);
ISLAND_VARIANT(files, 8);
ISLAND_VARIANT(files, 64);
ISLAND_VARIANT(huge_files, 8);
ISLAND_VARIANT(huge_files, 64);

FIXTURE_SETUP(island)
{
	if (variant->huge && res_meminfo("HugePages_Free") < PIECES)
		SKIP(return, "fewer than %d free huge pages of 2 MiB", PIECES);
	ASSERT_EQ(0, consumer_start(&self->c, variant->get, variant->arg));
}

FIXTURE_TEARDOWN(island)
{
	consumer_stop(_metadata, &self->c);
}

TEST_F(island, mappings_made_before_open_are_one_dma_region)
{
	struct consumer *c = &self->c;
	int i;

	ASSERT_EQ(0, map_pieces(c));
	ASSERT_EQ(0, consumer_open(c));
	EXPECT_EQ(1, testdev_num(&c->td, "count dma-map"));
	EXPECT_EQ(1, testdev_num(&c->td, "dma-count"));
	for (i = 0; i + 3 < PIECES; i++) {
		EXPECT_EQ(0, cross(c, i, i + 2)) TH_LOG("piece %d", i);
	}
}

/*
 * The dma regions that later mappings get are joined when the device is idle, after
 * a reset.
 */
TEST_F(island, mappings_made_after_open_are_one_dma_region_after_a_reset)
{
	struct consumer *c = &self->c;
	int i;

	ASSERT_EQ(0, consumer_open(c));
	ASSERT_EQ(0, map_pieces(c));
	EXPECT_GE(2, testdev_num(&c->td, "count dma-map"));
	/* The second mapping and all later ones are in one dma region. */
	for (i = 1; i + 3 < PIECES; i++) {
		EXPECT_EQ(0, cross(c, i, i + 2)) TH_LOG("piece %d", i);
	}
	ASSERT_EQ(0, ioctl(c->dev.device, VFIO_DEVICE_RESET));
	EXPECT_EQ(1, testdev_num(&c->td, "dma-count"));
	EXPECT_EQ(0, cross(c, 0, 2));
}

/* A device that is not a bus master does no DMA. */
TEST_F(island,
       mappings_made_after_open_are_one_dma_region_when_the_device_is_bus_master)
{
	struct consumer *c = &self->c;
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	ASSERT_EQ(0, consumer_open(c));
	ASSERT_EQ(0, map_pieces(c));
	ASSERT_EQ(0, region_put(c->dev.device, VFIO_PCI_CONFIG_REGION_INDEX,
				PCI_COMMAND, &command, sizeof(command)));
	EXPECT_EQ(1, testdev_num(&c->td, "dma-count"));
	EXPECT_EQ(0, cross(c, 0, 2));
}

/* A consumer that continues its island while the device is in use. */
TEST_F(island, mapping_after_an_open_island_continues_it)
{
	struct consumer *c = &self->c;
	int i;

	for (i = 0; i < PIECES / 2; i++)
		ASSERT_EQ(0, map_piece(c, i));
	ASSERT_EQ(0, consumer_open(c));
	for (; i < PIECES; i++)
		ASSERT_EQ(0, map_piece(c, i));
	EXPECT_EQ(1, testdev_num(&c->td, "count dma-map"));
	for (i = 0; i + 3 < PIECES; i++) {
		EXPECT_EQ(0, cross(c, i, i + 2)) TH_LOG("piece %d", i);
	}
}

TEST_F(island, map_and_unmap_in_an_island_send_no_message)
{
	struct consumer *c = &self->c;
	int i;

	ASSERT_EQ(0, map_pieces(c));
	ASSERT_EQ(0, consumer_open(c));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, unmap_piece(c, i));
		EXPECT_EQ(0, cross(c, 8, 10));
		ASSERT_EQ(0, map_piece(c, i));
		EXPECT_EQ(0, cross(c, i, 12));
	}
	EXPECT_EQ(1, testdev_num(&c->td, "count dma-map"));
	EXPECT_EQ(0, testdev_num(&c->td, "count dma-unmap"));
	for (i = 0; i < PIECES; i++)
		ASSERT_EQ(0, unmap_piece(c, i));
	EXPECT_EQ(1, testdev_num(&c->td, "count dma-unmap"));
	EXPECT_EQ(0, testdev_num(&c->td, "dma-count"));
}

/* A child copies between all pieces but the last one, until @stop is readable. */
static int copy_until(struct consumer *c, int stop)
{
	struct pollfd pfd = { .fd = stop, .events = POLLIN };
	int i, ret;

	for (i = 0; poll(&pfd, 1, 0) == 0; i = (i + 1) % (PIECES - 4)) {
		ret = testdev_cmd(&c->td, "dma-move 0x%lx 0x%lx %d",
				  iova_of(c, i + 3) - HALF,
				  iova_of(c, i + 1) - HALF, 2 * HALF);
		if (ret) {
			fprintf(stderr, "copy from piece %d: %d\n", i, ret);
			return 1;
		}
	}
	return 0;
}

TEST_F_TIMEOUT(island, remapping_one_piece_disturbs_no_copy, 240)
{
	struct consumer *c = &self->c;
	int stop[2], status, i;
	pid_t pid;

	ASSERT_EQ(0, map_pieces(c));
	ASSERT_EQ(0, consumer_open(c));
	ASSERT_EQ(0, pipe(stop));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(copy_until(c, stop[0]));
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, unmap_piece(c, PIECES - 1)) TH_LOG("round %d", i);
		ASSERT_EQ(0, map_piece(c, PIECES - 1)) TH_LOG("round %d", i);
	}
	ASSERT_EQ(1, write(stop[1], "", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(stop[0]);
	close(stop[1]);
}

/* DPDK maps each huge page by itself, also while the device is in use. */
FIXTURE(huge)
{
	struct consumer c;
};

FIXTURE_VARIANT(huge)
{
	const char *arg; /* of the server */
};

FIXTURE_VARIANT_ADD(huge, with_limit_8) { .arg = "--dma-limit=8" };
FIXTURE_VARIANT_ADD(huge, with_limit_64) { .arg = "--dma-limit=64" };

FIXTURE_SETUP(huge)
{
	if (res_meminfo("HugePages_Free") < PIECES)
		SKIP(return, "fewer than %d free huge pages of 2 MiB", PIECES);
	ASSERT_EQ(0, consumer_start(&self->c, get_huge_files, variant->arg));
}

FIXTURE_TEARDOWN(huge)
{
	consumer_stop(_metadata, &self->c);
}

TEST_F(huge, huge_pages_mapped_after_open_are_one_dma_region)
{
	struct consumer *c = &self->c;
	int i;

	ASSERT_EQ(0, consumer_open(c));
	ASSERT_EQ(0, map_pieces(c));
	EXPECT_EQ(1, testdev_num(&c->td, "count dma-map"));
	for (i = 0; i + 3 < PIECES; i++) {
		EXPECT_EQ(0, cross(c, i, i + 2)) TH_LOG("piece %d", i);
	}
}

/* Settings ------------------------------------------------------------------- */

FIXTURE(setting)
{
	struct consumer c;
};

FIXTURE_SETUP(setting)
{
	ASSERT_EQ(0, consumer_start(&self->c, get_files, "--dma-limit=64"));
}

FIXTURE_TEARDOWN(setting)
{
	consumer_stop(_metadata, &self->c);
}

/* The server gets the consumer's own files; then a buffer cannot cross them. */
TEST_F(setting, dma_backing_file_passes_every_file)
{
	struct consumer *c = &self->c;

	ASSERT_EQ(0, mdev_set(c->td.uuid, "dma_backing", "file"));
	ASSERT_EQ(0, map_pieces(c));
	ASSERT_EQ(0, consumer_open(c));
	EXPECT_EQ(PIECES, testdev_num(&c->td, "dma-count"));
	EXPECT_EQ(-EFAULT, cross(c, 0, 2));
	EXPECT_EQ(0, testdev_cmd(&c->td, "dma-move 0x%lx 0x%lx %d",
				 iova_of(c, 3), iova_of(c, 0), HALF));
}

/* The consumer has unmapped a piece of an island. */
TEST_F(setting, hole_shows_a_scratch_page)
{
	struct consumer *c = &self->c;

	ASSERT_EQ(0, map_pieces(c));
	ASSERT_EQ(0, consumer_open(c));
	memset(c->piece[5], 0x55, c->size);
	ASSERT_EQ(0, unmap_piece(c, 5));
	EXPECT_EQ(0, testdev_cmd(&c->td, "dma-move 0x%lx 0x%lx %d",
				 iova_of(c, 7), iova_of(c, 5), HALF));
	EXPECT_EQ(0, c->piece[7][0]);
	EXPECT_EQ(0,
		  testdev_cmd(&c->td, "dma-fill 0x%lx 8 0x66", iova_of(c, 5)));
	EXPECT_EQ(0x55, c->piece[5][0]);
}

TEST_F(setting, hole_is_a_fault_if_the_setting_says_so)
{
	struct consumer *c = &self->c;

	ASSERT_EQ(0, mdev_set(c->td.uuid, "dma_holes", "fault"));
	ASSERT_EQ(0, testdev_cmd(&c->td, "keep 1"));
	ASSERT_EQ(0, map_pieces(c));
	ASSERT_EQ(0, consumer_open(c));
	ASSERT_EQ(0, unmap_piece(c, 5));
	EXPECT_EQ(-EFAULT, testdev_cmd(&c->td, "dma-move 0x%lx 0x%lx %d",
				       iova_of(c, 7), iova_of(c, 5), HALF));
	ASSERT_EQ(0, testdev_cmd(&c->td, "kept-map 1"));
	EXPECT_EQ(-EFAULT, testdev_cmd(&c->td, "kept-peek %lu", 5 * c->size));
	EXPECT_EQ(-EFAULT, testdev_cmd(&c->td, "kept-pread %lu", 5 * c->size));
	EXPECT_EQ(-EFAULT,
		  testdev_cmd(&c->td, "kept-pwrite %lu 1", 5 * c->size));
	EXPECT_EQ(0, testdev_cmd(&c->td, "kept-pread %lu", 6 * c->size));
	/* The consumer's other memory is accessible, and the piece again later. */
	EXPECT_EQ(0, cross(c, 0, 2));
	ASSERT_EQ(0, map_piece(c, 5));
	EXPECT_EQ(0, cross(c, 5, 7));
}

/* Read-only memory in the room of a writable dma region. */
TEST_F(setting, mapping_with_another_access_splits_an_island)
{
	struct consumer *c = &self->c;

	ASSERT_EQ(0, map_pieces(c));
	ASSERT_EQ(0, consumer_open(c));
	ASSERT_EQ(0, unmap_piece(c, 5));
	ASSERT_EQ(0, dma_map(c->dev.container, c->piece[5], iova_of(c, 5),
			     c->size, VFIO_DMA_MAP_FLAG_READ));
	EXPECT_EQ(3, testdev_num(&c->td, "dma-count"));
	EXPECT_EQ(0, cross(c, 0, 2));
	EXPECT_EQ(0, cross(c, 8, 10));
	c->piece[5][0] = 1;
	EXPECT_EQ(-EACCES,
		  testdev_cmd(&c->td, "dma-fill 0x%lx 1 7", iova_of(c, 5)));
	EXPECT_EQ(1, c->piece[5][0]);
}

/*
 * While an island is split, the server refuses its parts.  A reset maps them, although the
 * server then has more dma regions than before.
 */
TEST_F(setting, reset_maps_what_the_server_refused_before)
{
	struct consumer *c = &self->c;

	ASSERT_EQ(0, map_pieces(c));
	ASSERT_EQ(0, consumer_open(c));
	ASSERT_EQ(0, unmap_piece(c, 5));
	ASSERT_EQ(0, testdev_cmd(&c->td, "fail dma-map %d 2", EINVAL));
	EXPECT_EQ(-EINVAL, dma_map(c->dev.container, c->piece[5], iova_of(c, 5),
				   c->size, VFIO_DMA_MAP_FLAG_READ));
	EXPECT_EQ(0, testdev_num(&c->td, "dma-count"));
	ASSERT_EQ(0, ioctl(c->dev.device, VFIO_DEVICE_RESET));
	EXPECT_EQ(2, testdev_num(&c->td, "dma-count"));
	EXPECT_EQ(0, cross(c, 0, 2));
	EXPECT_EQ(0, cross(c, 8, 10));
}

/* A mapping that crosses the end of the room of a dma region. */
TEST_F(setting, mapping_across_the_end_of_a_room_disturbs_nothing)
{
	struct consumer *c = &self->c;
	uint64_t end = BASE + 1024 * MB;
	char *mem = mem_anon(4 * PAGE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, map_pieces(c));
	ASSERT_EQ(0, consumer_open(c));
	ASSERT_EQ(0, dma_map(c->dev.container, mem, end - 2 * PAGE, 4 * PAGE,
			     DMA_RW));
	EXPECT_EQ(0, testdev_num(&c->td, "count dma-unmap"));
	EXPECT_EQ(2, testdev_num(&c->td, "dma-count"));
	mem_fill(mem, 4 * PAGE, 77);
	EXPECT_EQ(mem_sum(mem, 4 * PAGE),
		  testdev_num(&c->td, "dma-sum 0x%lx %lu", end - 2 * PAGE,
			      4 * PAGE));
	EXPECT_EQ(0, cross(c, 0, 2));
	ASSERT_EQ(0, dma_unmap(c->dev.container, end - 2 * PAGE, 4 * PAGE, 0,
			       NULL));
	EXPECT_EQ(1, testdev_num(&c->td, "dma-count"));
	memset(mem, 1, 4 * PAGE);
	testdev_cmd(&c->td, "dma-fill 0x%lx 8 0x66", end - 2 * PAGE);
	EXPECT_EQ(1, mem[0]);
}

/*
 * A mapping that crosses the end of a room is in two dma regions.  A server that accepts
 * no third one gets them as one when another mapping needs a dma region.
 */
TEST(parts_of_a_mapping_are_joined_at_the_limit)
{
	uint64_t end = BASE + 1024 * MB;
	char *mem = mem_anon(5 * PAGE);
	struct consumer c;

	ASSERT_NE(NULL, mem);
	/* Before it is mapped read-only: Linux 6.1 would map the page of zeroes. */
	mem_fill(mem, 5 * PAGE, 78);
	ASSERT_EQ(0, consumer_start(&c, get_files, "--dma-limit=2"));
	ASSERT_EQ(0, map_pieces(&c));
	ASSERT_EQ(0, consumer_open(&c));
	ASSERT_EQ(0, dma_map(c.dev.container, mem, end - 2 * PAGE, 4 * PAGE,
			     DMA_RW));
	ASSERT_EQ(2, testdev_num(&c.td, "dma-count"));
	EXPECT_EQ(0, dma_map(c.dev.container, mem + 4 * PAGE, 64 * BASE, PAGE,
			     VFIO_DMA_MAP_FLAG_READ));
	EXPECT_EQ(2, testdev_num(&c.td, "dma-count"));
	EXPECT_EQ(0, testdev_cmd(&c.td, "dma-move 0x%lx 0x%lx %lu",
				 iova_of(&c, 0), end - 2 * PAGE, 4 * PAGE));
	EXPECT_EQ(0, memcmp(mem, c.piece[0], 4 * PAGE));
	EXPECT_EQ(mem_sum(mem + 4 * PAGE, PAGE),
		  testdev_num(&c.td, "dma-sum 0x%lx %lu", 64 * BASE, PAGE));
	consumer_stop(_metadata, &c);
}

/* UNMAP_DMA does not fail ------------------------------------------------------ */

/*
 * A process is killed in UNMAP_DMA while another one waits for the server.  The
 * mapping ends nevertheless, and its addresses can be mapped again.
 */
TEST_F(setting, unmap_of_a_killed_process_ends)
{
	struct consumer *c = &self->c;
	pid_t mapper, unmapper;
	uint64_t size = 1;
	int status;

	ASSERT_EQ(0, consumer_open(c));
	ASSERT_EQ(0, map_piece(c, 0));
	ASSERT_EQ(0, testdev_cmd(&c->td, "hold dma-map"));
	mapper = fork();
	ASSERT_LE(0, mapper);
	if (!mapper)
		_exit(dma_map(c->dev.container, c->piece[8], 64 * BASE, c->size,
			      DMA_RW) != 0);
	ASSERT_EQ(0, testdev_cmd(&c->td, "held 1"));
	unmapper = fork();
	ASSERT_LE(0, unmapper);
	if (!unmapper)
		_exit(unmap_piece(c, 0) != 0);
	/* Wait until the process waits for the lock, then kill it. */
	ASSERT_EQ(0, task_wait_in(unmapper, "vuser_server_map_unmap", SOON_MS));
	ASSERT_EQ(0, kill(unmapper, SIGKILL));
	ASSERT_EQ(unmapper, waitpid(unmapper, &status, 0));
	ASSERT_EQ(0, testdev_cmd(&c->td, "release"));
	ASSERT_EQ(mapper, waitpid(mapper, &status, 0));
	EXPECT_EQ(0, status);
	/* This waits for the unmap of the killed process. */
	ASSERT_EQ(0, dma_unmap(c->dev.container, iova_of(c, 0), c->size, 0,
			       &size));
	EXPECT_EQ(0, size);
	EXPECT_EQ(0, map_piece(c, 0));
	EXPECT_EQ(2, testdev_num(&c->td, "dma-count"));
}

HELPER_MAIN
