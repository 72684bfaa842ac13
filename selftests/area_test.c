// SPDX-License-Identifier: GPL-2.0
/*
 * Shared areas with each kind of file: the kernel maps only some kinds into the
 * consumer, and a server may misuse its file.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <kselftest_harness.h>

#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/helper.h"
#include "lib/res.h"
#include "lib/testdev.h"
#include "lib/vfio.h"

#define BAR2 VFIO_PCI_BAR2_REGION_INDEX
#define BAR4 VFIO_PCI_BAR4_REGION_INDEX
#define RW   (PROT_READ | PROT_WRITE)
#define PAGE 0x1000

static volatile uint32_t *at(volatile void *base, size_t off)
{
	return (volatile uint32_t *)((volatile char *)base + off);
}

/*
 * A device for one test, whose areas are files of one kind, and a mapping
 * of one area.
 */
struct area {
	struct testdev td;
	struct vfio_dev dev;
	volatile void *p;
	long locked;
};

static int area_open(struct area *area, const char *arg)
{
	const char *const args[] = { arg, NULL };
	int ret;

	area->locked = res_locked();
	area->dev = (struct vfio_dev)VFIO_DEV_INIT;
	area->p = MAP_FAILED;
	ret = testdev_start(&area->td, args);
	if (!ret)
		ret = vfio_dev_open(&area->dev, area->td.uuid,
				    VFIO_TYPE1v2_IOMMU);
	if (ret)
		return ret;
	area->p = region_mmap(area->dev.device, BAR4, 0, TESTDEV_BAR4_SIZE, RW);
	return area->p == MAP_FAILED ? -errno : 0;
}

static void area_close_consumer(struct area *area)
{
	if (area->p != MAP_FAILED)
		munmap((void *)area->p, TESTDEV_BAR4_SIZE);
	area->p = MAP_FAILED;
	vfio_dev_close(&area->dev);
}

/* Returns true if all locked memory was released. */
static bool area_close(struct area *area)
{
	area_close_consumer(area);
	testdev_stop(&area->td);
	return res_locked() == area->locked;
}

FIXTURE(area)
{
	struct area area;
};

FIXTURE_VARIANT(area)
{
	const char *arg;
	bool shown; /* the kernel maps files of this kind into the consumer */
};

FIXTURE_VARIANT_ADD(area, memfd) {
	.arg = "--areas=memfd",
	.shown = true,
};

FIXTURE_VARIANT_ADD(area, hugetlb) {
	.arg = "--areas=hugetlb",
	.shown = true,
};

FIXTURE_VARIANT_ADD(area, read_only) {
	.arg = "--areas=read-only",
};

FIXTURE_VARIANT_ADD(area, sealed) {
	.arg = "--areas=sealed",
};

FIXTURE_VARIANT_ADD(area, file) {
	.arg = "--areas=file",
};

FIXTURE_SETUP(area)
{
	ASSERT_EQ(0, area_open(&self->area, variant->arg));
}

FIXTURE_TEARDOWN(area)
{
	EXPECT_TRUE(area_close(&self->area));
}

/*
 * The values are right for each kind of file; the server is asked only about
 * files that are not mapped.
 */
TEST_F(area, loads_and_stores_in_an_area_give_right_values)
{
	uint32_t off;

	ASSERT_EQ(0, testdev_cmd(&self->area.td, "poke 4 0x3010 4 0x77"));
	ASSERT_EQ(0, testdev_log_clear(&self->area.td));
	EXPECT_EQ(0x77, *at(self->area.p, 0x3010));
	for (off = 0; off < TESTDEV_BAR4_SIZE; off += PAGE)
		*at(self->area.p, off + 8) = off + 1;
	for (off = 0; off < TESTDEV_BAR4_SIZE; off += PAGE) {
		EXPECT_EQ(off + 1, *at(self->area.p, off + 8));
	}
	for (off = 0; off < TESTDEV_BAR4_SIZE; off += PAGE) {
		EXPECT_EQ(off + 1, testdev_num(&self->area.td, "peek 4 0x%x 4",
					       off + 8));
	}
	EXPECT_EQ(variant->shown, !testdev_log_count(&self->area.td));
}

/* A system call can use memory of a mapped area, and no other. */
TEST_F(area, system_calls_reach_only_mapped_areas)
{
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	*at(self->area.p, PAGE) = 0x64636261;
	EXPECT_EQ(variant->shown ? 4 : -1,
		  write(fds[1], (void *)at(self->area.p, PAGE), 4));
	EXPECT_EQ(variant->shown ? 4 : -1,
		  write(fds[1], (void *)at(self->area.p, 2 * PAGE), 4));
	ASSERT_EQ(4, write(fds[1], "efgh", 4));
	EXPECT_EQ(variant->shown ? 4 : -1,
		  read(fds[0], (void *)at(self->area.p, 3 * PAGE), 4));
	close(fds[0]);
	close(fds[1]);
}

/* Opens the server's file of its BAR 4; a descriptor or -1. */
static int server_file(struct testdev *td)
{
	char dir[64], path[512], target[64];
	int fd = -1, last = -1;
	struct dirent *entry;
	ssize_t len;
	DIR *fds;

	snprintf(dir, sizeof(dir), "/proc/%d/fd", td->pid);
	fds = opendir(dir);
	if (!fds)
		return -1;
	while ((entry = readdir(fds))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		/*
		 * BARs are created in order, so the highest descriptor is the
		 * last BAR.
		 */
		if (strstr(target, "testdev-bar") && atoi(entry->d_name) > last)
			last = atoi(entry->d_name);
	}
	closedir(fds);
	if (last >= 0) {
		snprintf(path, sizeof(path), "%s/%d", dir, last);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	return fd;
}

/*
 * The server truncates its file while the consumer uses it.  Pages that were
 * mapped stay mapped.  Other pages are read by message, or read as all ones if
 * the truncation killed the server.
 */
TEST_F(area, truncating_the_file_does_not_fault_the_consumer)
{
	int fd;

	*at(self->area.p, 0) = 0x1234;
	fd = server_file(&self->area.td);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 0));
	close(fd);
	if (variant->shown) {
		EXPECT_EQ(0x1234, *at(self->area.p, 0));
	}
	EXPECT_EQ(0, FAULT_OF((void)*at(self->area.p, 5 * PAGE)));
	EXPECT_EQ(0, FAULT_OF(*at(self->area.p, 6 * PAGE) = 1));
}

/*
 * With the policy "sparse", mmap accepts exactly the areas that GET_REGION_INFO
 * offers: a program that maps an offered area may fail if mmap refuses it.
 */
FIXTURE(sparse)
{
	struct testdev td;
	struct vfio_dev dev;
};

FIXTURE_VARIANT(sparse)
{
	const char *arg;
	bool shown; /* the kernel maps files of this kind into the consumer */
};

FIXTURE_VARIANT_ADD(sparse, memfd) {
	.arg = "--areas=memfd",
	.shown = true,
};

FIXTURE_VARIANT_ADD(sparse, hugetlb) {
	.arg = "--areas=hugetlb",
	.shown = true,
};

FIXTURE_VARIANT_ADD(sparse, read_only) {
	.arg = "--areas=read-only",
};

FIXTURE_VARIANT_ADD(sparse, sealed) {
	.arg = "--areas=sealed",
};

FIXTURE_VARIANT_ADD(sparse, file) {
	.arg = "--areas=file",
};

FIXTURE_SETUP(sparse)
{
	const char *const args[] = { variant->arg, NULL };

	self->dev = (struct vfio_dev)VFIO_DEV_INIT;
	ASSERT_EQ(0, testdev_start(&self->td, args));
	ASSERT_EQ(0, mdev_set(self->td.uuid, "mmap", "sparse"));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, self->td.uuid, VFIO_TYPE1v2_IOMMU));
}

FIXTURE_TEARDOWN(sparse)
{
	vfio_dev_close(&self->dev);
	testdev_stop(&self->td);
}

/* Whether @size bytes of a region at @off can be mapped. */
static bool can_map(int device, uint32_t index, uint64_t off, size_t size)
{
	void *p = region_mmap(device, index, off, size, RW);

	return p != MAP_FAILED && !munmap(p, size);
}

/* If one area covers the whole region, no list of areas is needed. */
TEST_F(sparse, region_of_one_area_is_mappable_without_a_list)
{
	struct vfio_region_info info;

	ASSERT_EQ(0, region_info(self->dev.device, BAR4, &info));
	EXPECT_EQ(TESTDEV_BAR4_SIZE, info.size);
	EXPECT_EQ(variant->shown ? VFIO_REGION_INFO_FLAG_MMAP : 0,
		  info.flags & (VFIO_REGION_INFO_FLAG_MMAP |
				VFIO_REGION_INFO_FLAG_CAPS));
	EXPECT_EQ(variant->shown,
		  can_map(self->dev.device, BAR4, 0, TESTDEV_BAR4_SIZE));
}

TEST_F(sparse, listed_areas_are_mappable)
{
	const uint32_t both = VFIO_REGION_INFO_FLAG_MMAP |
			      VFIO_REGION_INFO_FLAG_CAPS;
	struct vfio_region_info info;
	uint32_t value = 0;

	ASSERT_EQ(0, region_info(self->dev.device, BAR2, &info));
	EXPECT_EQ(variant->shown ? both : 0, info.flags & both);
	EXPECT_EQ(variant->shown,
		  can_map(self->dev.device, BAR2, TESTDEV_AREA0_OFFSET,
			  TESTDEV_AREA0_SIZE));
	EXPECT_EQ(variant->shown,
		  can_map(self->dev.device, BAR2, TESTDEV_AREA1_OFFSET,
			  TESTDEV_AREA1_SIZE));
	/* The area can be read in any case. */
	ASSERT_EQ(0, testdev_cmd(&self->td, "poke 2 0x%x 4 0x4711",
				 TESTDEV_AREA1_OFFSET));
	EXPECT_EQ(0, region_get(self->dev.device, BAR2, TESTDEV_AREA1_OFFSET,
				&value, 4));
	EXPECT_EQ(0x4711, value);
}

/*
 * A file that the consumer may write cannot be sealed against writing, even
 * after the end of the server, which had mapped the file too.
 */
static void check_seal_is_refused(struct __test_metadata *_metadata,
				  const char *arg)
{
	struct area area;
	int fd;

	ASSERT_EQ(0, area_open(&area, arg));
	*at(area.p, 0) = 1;
	fd = server_file(&area.td);
	ASSERT_LE(0, fd);
	testdev_kill(&area.td);
	EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	EXPECT_EQ(EBUSY, errno);
	*at(area.p, 0) = 2;
	EXPECT_EQ(2, *at(area.p, 0));
	area_close_consumer(&area);
	EXPECT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	close(fd);
	EXPECT_TRUE(area_close(&area));
}

TEST(memfd_in_use_cannot_be_sealed)
{
	check_seal_is_refused(_metadata, "--areas=memfd");
}

TEST(hugetlb_file_in_use_cannot_be_sealed)
{
	check_seal_is_refused(_metadata, "--areas=hugetlb");
}

/*
 * Waits until @want huge pages are free, and returns how many are.  The kernel
 * frees the last files after a delay.
 */
static long huge_free(long want)
{
	long long end = clock_ms() + SOON_MS;
	long pages;

	do {
		pages = res_meminfo("HugePages_Free");
	} while (pages != want && clock_ms() < end && !poll(NULL, 0, 10));
	return pages;
}

/*
 * The memory of the server that the kernel holds is freed when the device is
 * closed.
 */
TEST(closing_the_device_frees_the_area)
{
	struct area area;
	uint32_t off;
	long before;

	ASSERT_EQ(0, area_open(&area, "--areas=hugetlb"));
	/* Wait for the huge pages that a test before this one used. */
	before = huge_free(res_meminfo("HugePages_Total"));
	for (off = 0; off < TESTDEV_BAR4_SIZE; off += PAGE)
		*at(area.p, off) = 1;
	EXPECT_EQ(before - 1, res_meminfo("HugePages_Free"));
	testdev_kill(&area.td);
	EXPECT_EQ(1, *at(area.p, PAGE));
	EXPECT_EQ(before - 1, res_meminfo("HugePages_Free"));
	EXPECT_TRUE(area_close(&area));
	EXPECT_EQ(before, huge_free(before));
}

FIXTURE(big)
{
	struct area area;
};

FIXTURE_SETUP(big)
{
	ASSERT_EQ(0, area_open(&self->area, "--bar4-size=0x80000000"));
}

FIXTURE_TEARDOWN(big)
{
	EXPECT_TRUE(area_close(&self->area));
}

/*
 * The kernel holds at most 1 GiB of the server's memory.  Accesses to the rest
 * still work, by message.
 */
TEST_F_TIMEOUT(big, at_most_1_gib_of_an_area_is_held, 120)
{
	struct area *area = &self->area;
	const uint32_t limit = 1U << 30;
	uint32_t seen = 0, value = 0;
	volatile void *p;

	p = region_mmap(area->dev.device, BAR4, 0, limit + 2 * PAGE, RW);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, testdev_log_clear(&area->td));
	while (seen < limit && *at(p, seen) == 0)
		seen += PAGE;
	EXPECT_EQ(limit, seen);
	EXPECT_EQ(0, testdev_log_count(&area->td));
	*at(p, limit) = 5;
	EXPECT_EQ(5, *at(p, limit));
	EXPECT_EQ(0, *at(p, limit + PAGE));
	EXPECT_EQ(3, testdev_log_count(&area->td));
	EXPECT_EQ(5, testdev_num(&area->td, "peek 4 0x%x 4", limit));
	/* The pages that are held stay shared with the server. */
	ASSERT_EQ(0, testdev_cmd(&area->td, "poke 4 0 4 6"));
	EXPECT_EQ(6, *at(p, 0));
	EXPECT_EQ(0, region_get(area->dev.device, BAR4, 0, &value, 4));
	EXPECT_EQ(6, value);
	munmap((void *)p, limit + 2 * PAGE);
}

HELPER_MAIN
