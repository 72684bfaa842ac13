// SPDX-License-Identifier: GPL-2.0
/*
 * The container's ioctls, as type1 answers them: GET_INFO, MAP_DMA and
 * UNMAP_DMA with valid and invalid arguments, limits and accounting.
 */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "lib/consumer.h"
#include "lib/mem.h"

#define PAGE 0x1000UL
#define MB   0x100000UL

FIXTURE(container)
{
	struct vfio_dev dev;
	long locked;
	char *mem;
	int fd;
};

FIXTURE_VARIANT(container)
{
	int type;
};

FIXTURE_VARIANT_ADD(container, v1) {
	.type = VFIO_TYPE1_IOMMU,
};

FIXTURE_VARIANT_ADD(container, v2) {
	.type = VFIO_TYPE1v2_IOMMU,
};

FIXTURE_SETUP(container)
{
	self->locked = res_locked();
	ASSERT_EQ(0, vfio_dev_open(&self->dev, shared.uuid, variant->type));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	self->fd = self->dev.container;
	self->mem = mem_anon(MB);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN(container)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
}

TEST_F(container, extensions_are_those_of_type1)
{
	int fd = self->fd;

	EXPECT_EQ(VFIO_API_VERSION, ioctl(fd, VFIO_GET_API_VERSION));
	EXPECT_EQ(1, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(1, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(1, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_UNMAP_ALL));
	EXPECT_EQ(1, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU));
	EXPECT_EQ(0, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR));
	EXPECT_EQ(0, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_SPAPR_TCE_IOMMU));
	EXPECT_EQ(0, ioctl(fd, VFIO_CHECK_EXTENSION, 12345));
}

TEST(container_without_group_reports_extensions)
{
	int fd = container_open();

	ASSERT_LE(0, fd);
	EXPECT_EQ(1, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU));
	EXPECT_EQ(1, ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(-1, ioctl(fd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	close(fd);
}

TEST_F(container, info_reports_page_sizes_and_iova_range)
{
	const struct vfio_iommu_type1_info_cap_iova_range *ranges;
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	ASSERT_EQ(0, ioctl(self->fd, VFIO_IOMMU_GET_INFO, &info));
	EXPECT_EQ(VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
		  info.flags &
			  (VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS));
	EXPECT_NE(0, info.iova_pgsizes & PAGE);
	/* The chain does not fit: argsz reports how much room it needs. */
	EXPECT_LT(sizeof(info), info.argsz);
	EXPECT_EQ(0, info.cap_offset);

	ranges = (void *)iommu_cap(self->fd,
				   VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	ASSERT_NE(NULL, ranges);
	ASSERT_EQ(1, ranges->nr_iovas);
	EXPECT_EQ(0, ranges->iova_ranges[0].start);
	EXPECT_EQ((1ULL << 57) - 1, ranges->iova_ranges[0].end);
	EXPECT_LT(0, dma_available(self->fd));
}

TEST_F(container, info_with_small_argsz_is_refused)
{
	struct vfio_iommu_type1_info info = {};

	info.argsz = offsetof(struct vfio_iommu_type1_info, iova_pgsizes) + 8;
	EXPECT_EQ(0, ioctl(self->fd, VFIO_IOMMU_GET_INFO, &info));
	info.argsz = 8;
	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_GET_INFO, &info));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_GET_INFO, NULL));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(container, available_entries_count_down)
{
	long before = dma_available(self->fd);

	ASSERT_EQ(0, dma_map(self->fd, self->mem, 0, PAGE, DMA_RW));
	EXPECT_EQ(before - 1, dma_available(self->fd));
	ASSERT_EQ(0,
		  dma_map(self->fd, self->mem + PAGE, 2 * PAGE, PAGE, DMA_RW));
	EXPECT_EQ(before - 2, dma_available(self->fd));
	ASSERT_EQ(0, dma_unmap(self->fd, 0, PAGE, 0, NULL));
	EXPECT_EQ(before - 1, dma_available(self->fd));
}

/* A module parameter limits the maps of a container, as in type1. */
TEST(maps_above_the_entry_limit_are_refused)
{
	static const char param[] =
		"/sys/module/vuser/parameters/dma_entry_limit";
	char *mem = mem_anon(8 * PAGE), before[32];
	struct vfio_dev dev;
	unsigned int i;

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, file_read(param, before, sizeof(before)));
	ASSERT_EQ(0, file_write(param, "4"));
	EXPECT_EQ(0, vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(4, dma_available(dev.container));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, dma_map(dev.container, mem + i * PAGE,
				     2 * i * PAGE, PAGE, DMA_RW));
	}
	EXPECT_EQ(0, dma_available(dev.container));
	EXPECT_EQ(-ENOSPC, dma_map(dev.container, mem, MB, PAGE, DMA_RW));
	EXPECT_EQ(0, dma_unmap(dev.container, 0, PAGE, 0, NULL));
	EXPECT_EQ(0, dma_map(dev.container, mem, MB, PAGE, DMA_RW));
	vfio_dev_close(&dev);
	EXPECT_EQ(0, file_write(param, before));
}

struct bad_map {
	const char *what;
	uint64_t vaddr; /* added to the address of the memory */
	uint64_t iova;
	uint64_t size;
	uint32_t flags;
	int ret;
};

static const struct bad_map bad_maps[] = {
	{ "no size", 0, 0, 0, DMA_RW, -EINVAL },
	{ "odd size", 0, 0, PAGE + 1, DMA_RW, -EINVAL },
	{ "odd iova", 0, 0x800, PAGE, DMA_RW, -EINVAL },
	{ "odd vaddr", 0x800, 0, PAGE, DMA_RW, -EINVAL },
	{ "no direction", 0, 0, PAGE, 0, -EINVAL },
	{ "unknown flag", 0, 0, PAGE, DMA_RW | 0x80, -EINVAL },
	{ "iova wraps", 0, -PAGE, 2 * PAGE, DMA_RW, -EOVERFLOW },
	{ "past the range", 0, 1ULL << 57, PAGE, DMA_RW, -EINVAL },
	{ "across the end of the range", 0, (1ULL << 57) - PAGE, 2 * PAGE,
	  DMA_RW, -EINVAL },
	{ "vaddr wraps", ~0xfffULL, 0, -PAGE, DMA_RW, 0 },
};

TEST_F(container, invalid_maps_are_refused)
{
	const struct bad_map *c;
	long long before;
	unsigned int i;
	int ret;

	before = testdev_num(&shared, "count dma-map");
	for (i = 0; i < sizeof(bad_maps) / sizeof(bad_maps[0]); i++) {
		c = &bad_maps[i];
		ret = dma_map(self->fd, self->mem + c->vaddr, c->iova, c->size,
			      c->flags);
		EXPECT_GT(0, ret)
		TH_LOG("%s", c->what);
		if (c->ret) {
			EXPECT_EQ(c->ret, ret)
			TH_LOG("%s", c->what);
		}
	}
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(before, testdev_num(&shared, "count dma-map"));
}

TEST_F(container, maps_of_inaccessible_memory_are_refused)
{
	char *mem = self->mem;
	char *ro = mem_anon(PAGE);

	munmap(mem, PAGE);
	EXPECT_EQ(-EFAULT, dma_map(self->fd, mem, 0, PAGE, DMA_RW));
	/* A hole at the start, then one at the end. */
	EXPECT_EQ(-EFAULT, dma_map(self->fd, mem, 0, 2 * PAGE, DMA_RW));
	munmap(mem + 4 * PAGE, PAGE);
	EXPECT_EQ(-EFAULT, dma_map(self->fd, mem + PAGE, 0, 4 * PAGE, DMA_RW));
	EXPECT_EQ(-EFAULT, dma_map(self->fd, NULL, 0, PAGE, DMA_RW));
	ASSERT_EQ(0, mprotect(mem + PAGE, PAGE, PROT_NONE));
	EXPECT_EQ(-EFAULT, dma_map(self->fd, mem + PAGE, 0, PAGE, DMA_RW));
	/* Memory that is not writable can only be mapped read-only. */
	ASSERT_NE(NULL, ro);
	ASSERT_EQ(0, mprotect(ro, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, dma_map(self->fd, ro, 0, PAGE, DMA_RW));
	EXPECT_EQ(0, dma_map(self->fd, ro, 0, PAGE, VFIO_DMA_MAP_FLAG_READ));
	EXPECT_EQ(0, dma_unmap(self->fd, 0, PAGE, 0, NULL));
	EXPECT_EQ(self->locked, res_locked());
}

TEST_F(container, invalid_structures_are_refused)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map) - 1,
		.flags = DMA_RW,
		.vaddr = (uintptr_t)self->mem,
		.size = PAGE,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap) - 1,
		.size = PAGE,
	};

	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_MAP_DMA, &map));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_MAP_DMA, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, &unmap));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->fd, VFIO_IOMMU_UNMAP_DMA, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(self->fd, _IO(VFIO_TYPE, 0xff), NULL));
	EXPECT_EQ(ENOTTY, errno);
}

TEST_F(container, overlapping_maps_are_refused)
{
	int fd = self->fd;

	ASSERT_EQ(0, dma_map(fd, self->mem, 4 * PAGE, 4 * PAGE, DMA_RW));
	EXPECT_EQ(-EEXIST, dma_map(fd, self->mem, 4 * PAGE, 4 * PAGE, DMA_RW));
	EXPECT_EQ(-EEXIST, dma_map(fd, self->mem, 4 * PAGE, PAGE, DMA_RW));
	EXPECT_EQ(-EEXIST, dma_map(fd, self->mem, 7 * PAGE, PAGE, DMA_RW));
	EXPECT_EQ(-EEXIST, dma_map(fd, self->mem, 3 * PAGE, 2 * PAGE, DMA_RW));
	EXPECT_EQ(-EEXIST, dma_map(fd, self->mem, 7 * PAGE, 2 * PAGE, DMA_RW));
	EXPECT_EQ(-EEXIST, dma_map(fd, self->mem, 0, 16 * PAGE, DMA_RW));
	/* Adjacent maps do not overlap. */
	EXPECT_EQ(0, dma_map(fd, self->mem + 4 * PAGE, 8 * PAGE, PAGE, DMA_RW));
	EXPECT_EQ(0, dma_map(fd, self->mem + 5 * PAGE, 3 * PAGE, PAGE, DMA_RW));
}

TEST_F(container, both_ends_of_the_range_can_be_mapped)
{
	uint64_t last = (1ULL << 57) - PAGE;

	ASSERT_EQ(0, dma_map(self->fd, self->mem, 0, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(self->fd, self->mem + PAGE, last, PAGE, DMA_RW));
	self->mem[0] = 0x12;
	self->mem[PAGE] = 0x34;
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-read 0 1"));
	EXPECT_STREQ("12", testdev_reply());
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-read 0x%llx 1",
				 (unsigned long long)last));
	EXPECT_STREQ("34", testdev_reply());
}

TEST_F(container, invalid_unmaps_are_refused)
{
	int fd = self->fd;

	ASSERT_EQ(0, dma_map(fd, self->mem, 0, 4 * PAGE, DMA_RW));
	EXPECT_EQ(-EINVAL, dma_unmap(fd, 0, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, dma_unmap(fd, 0x800, PAGE, 0, NULL));
	EXPECT_EQ(-EINVAL, dma_unmap(fd, 0, 0x800, 0, NULL));
	EXPECT_EQ(-EINVAL, dma_unmap(fd, 0, PAGE, 0x80, NULL));
	EXPECT_GT(0, dma_unmap(fd, -PAGE, 2 * PAGE, 0, NULL));
	/* UNMAP_ALL takes no range. */
	EXPECT_EQ(-EINVAL,
		  dma_unmap(fd, 0, PAGE, VFIO_DMA_UNMAP_FLAG_ALL, NULL));
	EXPECT_EQ(-EINVAL,
		  dma_unmap(fd, PAGE, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL));
	/* Writes are not logged now, and updating of addresses is not supported. */
	EXPECT_GT(0, dma_unmap(fd, 0, 4 * PAGE,
			       VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, NULL));
	EXPECT_EQ(-EBUSY,
		  dma_unmap(fd, 0, 4 * PAGE, VFIO_DMA_UNMAP_FLAG_VADDR, NULL));
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-find 0"));
}

TEST_F(container, unmap_of_an_empty_range_returns_size_0)
{
	uint64_t size = 1;

	EXPECT_EQ(0, dma_unmap(self->fd, 0x100000, PAGE, 0, &size));
	EXPECT_EQ(0, size);
	size = 1;
	EXPECT_EQ(0, dma_unmap(self->fd, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &size));
	EXPECT_EQ(0, size);
}

TEST_F(container, one_unmap_removes_several_maps)
{
	uint64_t size = 0;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, dma_map(self->fd, self->mem + 2 * i * PAGE,
				     2 * i * PAGE, PAGE, DMA_RW));
	}
	/* The holes between the maps do not count. */
	ASSERT_EQ(0, dma_unmap(self->fd, 0, 64 * PAGE, 0, &size));
	EXPECT_EQ(4 * PAGE, size);
	EXPECT_EQ(self->locked, res_locked());
}

TEST_F(container, unmap_all_removes_all_maps)
{
	uint64_t size = 0;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, dma_map(self->fd, self->mem + i * PAGE,
				     (1ULL << 40) * i, PAGE, DMA_RW));
	}
	ASSERT_EQ(0, dma_unmap(self->fd, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &size));
	EXPECT_EQ(4 * PAGE, size);
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	EXPECT_EQ(self->locked, res_locked());
}

/* Types v1 and v2 differ for a range that covers only a part of a map. */
TEST_F(container, unmap_that_cuts_a_map_depends_on_the_type)
{
	int v2 = variant->type == VFIO_TYPE1v2_IOMMU;
	uint64_t size = 77;

	ASSERT_EQ(0, dma_map(self->fd, self->mem, 4 * PAGE, 4 * PAGE, DMA_RW));
	/* The range starts in the middle of the map. */
	EXPECT_EQ(v2 ? -EINVAL : 0,
		  dma_unmap(self->fd, 5 * PAGE, PAGE, 0, &size));
	EXPECT_EQ(v2 ? 77 : 0, size);
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-find 0x%lx", 4 * PAGE));
	/* The range covers the start of the map only. */
	size = 77;
	EXPECT_EQ(v2 ? -EINVAL : 0,
		  dma_unmap(self->fd, 4 * PAGE, PAGE, 0, &size));
	EXPECT_EQ(v2 ? 77 : 4 * PAGE, size);
	EXPECT_EQ(v2 ? 0 : -ENOENT,
		  testdev_cmd(&shared, "dma-find 0x%lx", 4 * PAGE));
}

TEST_F(container, locked_memory_is_counted)
{
	ASSERT_EQ(0, dma_map(self->fd, self->mem, 0, 64 * PAGE, DMA_RW));
	EXPECT_EQ(self->locked + 256, res_locked());
	/* A second map of the same memory counts again, as in type1. */
	ASSERT_EQ(0, dma_map(self->fd, self->mem, MB, 64 * PAGE, DMA_RW));
	EXPECT_EQ(self->locked + 512, res_locked());
	ASSERT_EQ(0, dma_unmap(self->fd, 0, 64 * PAGE, 0, NULL));
	EXPECT_EQ(self->locked + 256, res_locked());
}

static void drop_privilege(struct __test_metadata *_metadata, rlim_t bytes)
{
	struct rlimit limit = { bytes, bytes };

	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	/* The limit applies to processes without CAP_IPC_LOCK. */
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
}

TEST_F(container, memlock_limit_is_enforced)
{
	drop_privilege(_metadata, 16 * PAGE);
	EXPECT_EQ(-ENOMEM, dma_map(self->fd, self->mem, 0, 17 * PAGE, DMA_RW));
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, dma_map(self->fd, self->mem, 0, 16 * PAGE, DMA_RW));
	EXPECT_EQ(-ENOMEM,
		  dma_map(self->fd, self->mem + 16 * PAGE, MB, PAGE, DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->fd, 0, 16 * PAGE, 0, NULL));
	EXPECT_EQ(0,
		  dma_map(self->fd, self->mem + 16 * PAGE, MB, PAGE, DMA_RW));
}

/*
 * Memory of a server that is mapped for DMA stays pinned, so it counts as
 * locked.
 */
TEST_F(container, shared_area_is_counted)
{
	char *area = region_mmap(self->dev.device, BAR(4), 0, 4 * PAGE,
				 PROT_READ | PROT_WRITE);

	ASSERT_NE(MAP_FAILED, area);
	mem_fill(area, 4 * PAGE, 1);
	ASSERT_EQ(0, dma_map(self->fd, area, 0, 4 * PAGE, DMA_RW));
	EXPECT_EQ(self->locked + 16, res_locked());
	ASSERT_EQ(0, dma_unmap(self->fd, 0, 4 * PAGE, 0, NULL));
	EXPECT_EQ(self->locked, res_locked());

	drop_privilege(_metadata, 3 * PAGE);
	EXPECT_EQ(-ENOMEM, dma_map(self->fd, area, 0, 4 * PAGE, DMA_RW));
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, dma_map(self->fd, area, 0, 3 * PAGE, DMA_RW));
	EXPECT_EQ(0, dma_unmap(self->fd, 0, 3 * PAGE, 0, NULL));
	munmap(area, 4 * PAGE);
}

/* If the server refuses the map, MAP_DMA fails and the map is undone. */
TEST_F(container, map_refused_by_the_server_is_undone)
{
	ASSERT_EQ(0, testdev_cmd(&shared, "fail dma-map %d 1", EPERM));
	EXPECT_GT(0, dma_map(self->fd, self->mem, 0, PAGE, DMA_RW));
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	EXPECT_EQ(0, dma_map(self->fd, self->mem, 0, PAGE, DMA_RW));
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-find 0"));
}

/* MAP_DMA and UNMAP_DMA return only after the server has replied. */
TEST_F(container, map_and_unmap_wait_for_the_server)
{
	int status, to[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(to));
	ASSERT_EQ(0, testdev_cmd(&shared, "hold dma-map"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		status = testdev_cmd(&shared, "held 1");
		/*
		 * During the wait, a second map of the range is refused.
		 */
		if (!status)
			status = dma_map(self->fd, self->mem, 0, PAGE, DMA_RW) +
				 EEXIST;
		if (write(to[1], status ? "n" : "y", 1) != 1)
			_exit(1);
		testdev_cmd(&shared, "release");
		_exit(0);
	}
	ASSERT_EQ(0, dma_map(self->fd, self->mem, 0, PAGE, DMA_RW));
	/* The child has written before, so the map has waited. */
	ASSERT_EQ(1, read(to[0], &c, 1));
	EXPECT_EQ('y', c);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));

	ASSERT_EQ(0, testdev_cmd(&shared, "hold dma-unmap"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		status = testdev_cmd(&shared, "held 1");
		if (write(to[1], status ? "n" : "y", 1) != 1)
			_exit(1);
		testdev_cmd(&shared, "release");
		_exit(0);
	}
	ASSERT_EQ(0, dma_unmap(self->fd, 0, PAGE, 0, NULL));
	ASSERT_EQ(1, read(to[0], &c, 1));
	EXPECT_EQ('y', c);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
}

/* The server may read through a map before it replies. */
TEST_F(container, server_can_use_a_map_before_it_replies)
{
	*(uint64_t *)self->mem = 0x1020304050607080;
	ASSERT_EQ(0, testdev_cmd(&shared, "strip-fds 1"));
	ASSERT_EQ(0, testdev_cmd(&shared, "onmap 1"));
	ASSERT_EQ(0, dma_map(self->fd, self->mem, 0, PAGE, DMA_RW));
	EXPECT_EQ(0x1020304050607080, testdev_num(&shared, "onmap-value"));
}

TEST_F(container, close_unmaps_everything)
{
	ASSERT_EQ(0, dma_map(self->fd, self->mem, 0, PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(self->fd, self->mem + PAGE, MB, PAGE, DMA_RW));
	vfio_dev_close(&self->dev);
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	EXPECT_EQ(self->locked, res_locked());
}

/* The server gets the existing maps when the device is opened. */
TEST(map_made_before_open_reaches_the_server)
{
	struct vfio_dev dev = VFIO_DEV_INIT;
	char *mem = mem_anon(PAGE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	dev.container = container_open();
	dev.group = group_open(shared.uuid);
	ASSERT_LE(0, dev.group);
	ASSERT_EQ(0, group_attach(dev.group, dev.container));
	ASSERT_EQ(0, ioctl(dev.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, dma_map(dev.container, mem, 0x10000, PAGE, DMA_RW));
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	dev.device = group_device(dev.group, shared.uuid);
	ASSERT_LE(0, dev.device);
	mem[5] = 0x5c;
	EXPECT_EQ(0, testdev_cmd(&shared, "dma-read 0x10005 1"));
	EXPECT_STREQ("5c", testdev_reply());
	/* The container keeps its maps when the device is closed. */
	close(dev.device);
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	dev.device = group_device(dev.group, shared.uuid);
	ASSERT_LE(0, dev.device);
	EXPECT_EQ(0, testdev_cmd(&shared, "dma-read 0x10005 1"));
	vfio_dev_close(&dev);
}

SHARED_MAIN(NULL)
