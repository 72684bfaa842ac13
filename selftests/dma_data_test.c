// SPDX-License-Identifier: GPL-2.0
/*
 * The server's access to memory that is mapped for DMA: every kind of memory,
 * through a mapping and by message, and the effect of unmap, munmap and fork.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "lib/consumer.h"
#include "lib/mem.h"

CONSUMER_FIXTURE

#define PAGE  0x1000UL
#define MB    0x100000UL
#define READ  VFIO_DMA_MAP_FLAG_READ
#define WRITE VFIO_DMA_MAP_FLAG_WRITE

/*
 * The server reads all of the memory and writes some of it; both sides must
 * agree.
 */
static void check_both_ways(struct __test_metadata *_metadata, void *mem,
			    uint64_t iova, size_t size)
{
	unsigned char *p = mem;
	char hex[17];
	int i;

	mem_fill(mem, size, 3);
	EXPECT_EQ(mem_sum(mem, size),
		  testdev_num(&shared, "dma-sum 0x%llx %zu",
			      (unsigned long long)iova, size));
	for (i = 0; i < 8; i++)
		sprintf(hex + 2 * i, "%02x", 0xf0 + i);
	/* Write at the start, at the end, and across the end of a page. */
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-write 0x%llx %s",
				 (unsigned long long)iova, hex));
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-write 0x%llx %s",
				 (unsigned long long)iova + size - 8, hex));
	for (i = 0; i < 8; i++) {
		EXPECT_EQ(0xf0 + i, p[i]);
		EXPECT_EQ(0xf0 + i, p[size - 8 + i]);
	}
	if (size > PAGE) {
		ASSERT_EQ(0, testdev_cmd(&shared, "dma-write 0x%llx %s",
					 (unsigned long long)iova + PAGE - 4,
					 hex));
		for (i = 0; i < 8; i++) {
			EXPECT_EQ(0xf0 + i, p[PAGE - 4 + i]);
		}
	}
	EXPECT_EQ(mem_sum(mem, size),
		  testdev_num(&shared, "dma-sum 0x%llx %zu",
			      (unsigned long long)iova, size));
}

/*
 * Checks the protection of the server's dma region, and whether the server
 * could map it.
 */
static void check_region(struct __test_metadata *_metadata, uint64_t iova,
			 const char *prot, int mapped)
{
	unsigned long long start, size;
	char seen[8];
	int map;

	ASSERT_EQ(0, testdev_cmd(&shared, "dma-find 0x%llx",
				 (unsigned long long)iova));
	ASSERT_EQ(4, sscanf(testdev_reply(), "0x%llx 0x%llx %7s %d", &start,
			    &size, seen, &map));
	EXPECT_STREQ(prot, seen);
	EXPECT_EQ(mapped, map);
}

FIXTURE(backing)
{
	struct vfio_dev dev;
	long locked;
	char *mem;
};

FIXTURE_VARIANT(backing)
{
	void *(*get)(size_t size);
	int strip;
};

static void *get_memfd(size_t size)
{
	return mem_memfd(size, NULL);
}

FIXTURE_VARIANT_ADD(backing, anonymous) { .get = mem_anon };
FIXTURE_VARIANT_ADD(backing, shared) { .get = mem_shared };
FIXTURE_VARIANT_ADD(backing, memfd) { .get = get_memfd };
FIXTURE_VARIANT_ADD(backing, sealed_memfd) { .get = mem_sealed };
FIXTURE_VARIANT_ADD(backing, private_file) { .get = mem_private_file };
FIXTURE_VARIANT_ADD(backing, by_message) { .get = mem_anon, .strip = 1 };
FIXTURE_VARIANT_ADD(backing, memfd_by_message) {
	.get = get_memfd,
	.strip = 1,
};

FIXTURE_SETUP(backing)
{
	self->locked = res_locked();
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	ASSERT_EQ(0, testdev_cmd(&shared, "strip-fds %d", variant->strip));
	self->mem = variant->get(MB);
	ASSERT_NE(NULL, self->mem);
}

FIXTURE_TEARDOWN(backing)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_EQ(0, testdev_num(&shared, "dma-count"));
	testdev_cmd(&shared, "strip-fds 0");
}

TEST_F(backing, one_page_is_readable_and_writable)
{
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, 0, PAGE, DMA_RW));
	check_region(_metadata, 0, "rw", !variant->strip);
	check_both_ways(_metadata, self->mem, 0, PAGE);
}

TEST_F(backing, many_pages_are_readable_and_writable)
{
	ASSERT_EQ(0,
		  dma_map(self->dev.container, self->mem, 16 * MB, MB, DMA_RW));
	check_both_ways(_metadata, self->mem, 16 * MB, MB);
}

TEST_F(backing, memory_touched_before_the_map_is_readable)
{
	mem_fill(self->mem, MB, 9);
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem + 5 * PAGE, 0,
			     7 * PAGE, DMA_RW));
	EXPECT_EQ(mem_sum(self->mem + 5 * PAGE, 7 * PAGE),
		  testdev_num(&shared, "dma-sum 0 %lu", 7 * PAGE));
}

/* Maps scattered pieces, each with its own contents, then unmaps some. */
TEST_F(backing, unmapping_some_pieces_keeps_the_others)
{
	unsigned int i;

	mem_fill(self->mem, MB, 1);
	for (i = 0; i < 16; i++) {
		ASSERT_EQ(0,
			  dma_map(self->dev.container, self->mem + i * 3 * PAGE,
				  i * 4 * PAGE, 2 * PAGE, DMA_RW));
	}
	for (i = 0; i < 16; i++) {
		EXPECT_EQ(mem_sum(self->mem + i * 3 * PAGE, 2 * PAGE),
			  testdev_num(&shared, "dma-sum %lu %lu", i * 4 * PAGE,
				      2 * PAGE));
	}
	for (i = 0; i < 16; i += 2) {
		ASSERT_EQ(0, dma_unmap(self->dev.container, i * 4 * PAGE,
				       2 * PAGE, 0, NULL));
	}
	for (i = 1; i < 16; i += 2) {
		EXPECT_EQ(mem_sum(self->mem + i * 3 * PAGE, 2 * PAGE),
			  testdev_num(&shared, "dma-sum %lu %lu", i * 4 * PAGE,
				      2 * PAGE));
	}
}

/* The maps are made one by one, adjacent both in IOVA and in memory. */
TEST_F(backing, adjacent_maps_are_independent)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		ASSERT_EQ(0, dma_map(self->dev.container, self->mem + i * PAGE,
				     i * PAGE, PAGE, DMA_RW));
	}
	mem_fill(self->mem, MB, 5);
	for (i = 0; i < 16; i++) {
		EXPECT_EQ(mem_sum(self->mem + i * PAGE, PAGE),
			  testdev_num(&shared, "dma-sum %lu %lu", i * PAGE,
				      PAGE));
	}
	/* Unmapping one map in the middle leaves the others intact. */
	ASSERT_EQ(0, dma_unmap(self->dev.container, 7 * PAGE, PAGE, 0, NULL));
	for (i = 0; i < 16; i++) {
		if (i == 7)
			continue;
		EXPECT_EQ(mem_sum(self->mem + i * PAGE, PAGE),
			  testdev_num(&shared, "dma-sum %lu %lu", i * PAGE,
				      PAGE));
	}
	/* Other memory may be mapped in its place. */
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem + 40 * PAGE,
			     7 * PAGE, PAGE, DMA_RW));
	EXPECT_EQ(mem_sum(self->mem + 40 * PAGE, PAGE),
		  testdev_num(&shared, "dma-sum %lu %lu", 7 * PAGE, PAGE));
}

/* A map that is read-only for the device cannot be written in any way. */
TEST_F(backing, read_only_map_cannot_be_written)
{
	mem_fill(self->mem, MB, 7);
	ASSERT_EQ(0,
		  dma_map(self->dev.container, self->mem, 0, 4 * PAGE, READ));
	check_region(_metadata, 0, "r-", !variant->strip);
	EXPECT_EQ(mem_sum(self->mem, 4 * PAGE),
		  testdev_num(&shared, "dma-sum 0 %lu", 4 * PAGE));
	EXPECT_EQ(-EACCES, testdev_cmd(&shared, "dma-write 0 aa"));
	EXPECT_EQ(7, self->mem[0]);
}

TEST_F(backing, read_only_memory_can_only_be_mapped_read_only)
{
	mem_fill(self->mem, MB, 8);
	ASSERT_EQ(0, mprotect(self->mem, 4 * PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT,
		  dma_map(self->dev.container, self->mem, 0, 4 * PAGE, DMA_RW));
	ASSERT_EQ(0,
		  dma_map(self->dev.container, self->mem, 0, 4 * PAGE, READ));
	EXPECT_EQ(mem_sum(self->mem, 4 * PAGE),
		  testdev_num(&shared, "dma-sum 0 %lu", 4 * PAGE));
}

/* After the consumer's munmap, the device can still access the memory. */
TEST_F(backing, mapped_memory_survives_munmap)
{
	uint64_t sum;

	mem_fill(self->mem, MB, 2);
	sum = mem_sum(self->mem, 4 * PAGE);
	ASSERT_EQ(0,
		  dma_map(self->dev.container, self->mem, 0, 4 * PAGE, DMA_RW));
	munmap(self->mem, MB);
	EXPECT_EQ(sum, testdev_num(&shared, "dma-sum 0 %lu", 4 * PAGE));
	EXPECT_EQ(0, testdev_cmd(&shared, "dma-write 0 00"));
	EXPECT_EQ(0, dma_unmap(self->dev.container, 0, 4 * PAGE, 0, NULL));
}

TEST_F(backing, unmapped_memory_is_inaccessible)
{
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, 0, PAGE, DMA_RW));
	check_both_ways(_metadata, self->mem, 0, PAGE);
	ASSERT_EQ(0, dma_unmap(self->dev.container, 0, PAGE, 0, NULL));
	EXPECT_EQ(-EFAULT, testdev_cmd(&shared, "dma-read 0 1"));
	/* Map other memory at the same range. */
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem + 8 * PAGE, 0, PAGE,
			     DMA_RW));
	check_both_ways(_metadata, self->mem + 8 * PAGE, 0, PAGE);
}

/* After fork, the device still reads what the parent writes. */
TEST_F(backing, parent_still_shares_memory_with_the_device_after_fork)
{
	int status, go[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(go));
	mem_fill(self->mem, MB, 1);
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, 0, 16 * PAGE,
			     DMA_RW));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &c, 1) != 0);
	}
	mem_fill(self->mem, 16 * PAGE, 0x42);
	EXPECT_EQ(mem_sum(self->mem, 16 * PAGE),
		  testdev_num(&shared, "dma-sum 0 %lu", 16 * PAGE));
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-write 0x2000 77"));
	EXPECT_EQ(0x77, self->mem[0x2000]);
	close(go[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(consumer, hugetlb_memory_is_readable_and_writable)
{
	long free_before = res_meminfo("HugePages_Free");
	void *mem;

	if (free_before < 2)
		SKIP(return, "no huge pages of 2 MiB are reserved");
	mem = mem_hugetlb(4 * MB, NULL);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0,
		  dma_map(self->dev.container, mem, 1024 * MB, 4 * MB, DMA_RW));
	check_region(_metadata, 1024 * MB, "rw", 1);
	check_both_ways(_metadata, mem, 1024 * MB, 4 * MB);
	ASSERT_EQ(0,
		  dma_unmap(self->dev.container, 1024 * MB, 4 * MB, 0, NULL));
	/* Parts of a huge page may be mapped as well. */
	ASSERT_EQ(0, dma_map(self->dev.container, (char *)mem + PAGE, 0,
			     5 * PAGE, DMA_RW));
	check_both_ways(_metadata, (char *)mem + PAGE, 0, 5 * PAGE);
	ASSERT_EQ(0, dma_unmap(self->dev.container, 0, 5 * PAGE, 0, NULL));
	munmap(mem, 4 * MB);
	EXPECT_EQ(free_before, res_meminfo("HugePages_Free"));
}

/* One map covers memory of several kinds. */
TEST_F(consumer, map_of_mixed_memory_is_readable_and_writable)
{
	char *mem = mem_anon(MB);
	int fd;

	ASSERT_NE(NULL, mem);
	ASSERT_NE(NULL, mem_memfd(MB, &fd));
	ASSERT_NE(MAP_FAILED,
		  mmap(mem + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, fd, PAGE));
	ASSERT_EQ(0, dma_map(self->dev.container, mem, 0, 16 * PAGE, DMA_RW));
	check_both_ways(_metadata, mem, 0, 16 * PAGE);
}

/* Maps two places of one file, and one place twice. */
TEST_F(consumer, one_file_can_be_mapped_at_several_iovas)
{
	char *mem = mem_memfd(MB, NULL);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, dma_map(self->dev.container, mem + 8 * PAGE, 0, PAGE,
			     DMA_RW));
	ASSERT_EQ(0, dma_map(self->dev.container, mem, PAGE, PAGE, DMA_RW));
	ASSERT_EQ(0,
		  dma_map(self->dev.container, mem, 64 * PAGE, PAGE, DMA_RW));
	mem_fill(mem, MB, 11);
	EXPECT_EQ(mem_sum(mem + 8 * PAGE, PAGE),
		  testdev_num(&shared, "dma-sum 0 %lu", PAGE));
	EXPECT_EQ(mem_sum(mem, PAGE),
		  testdev_num(&shared, "dma-sum %lu %lu", PAGE, PAGE));
	EXPECT_EQ(mem_sum(mem, PAGE),
		  testdev_num(&shared, "dma-sum %lu %lu", 64 * PAGE, PAGE));
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-write %lu aa", 64 * PAGE));
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-read %lu 1", PAGE));
	EXPECT_STREQ("aa", testdev_reply());
}

/*
 * The memfd is sealed while the server has mapped it.  After the seal, the
 * kernel gives the server the pages, not the file.
 */
TEST(memfd_sealed_while_mapped_stays_usable)
{
	struct vfio_dev dev;
	char *mem;
	int fd;

	mem = mem_memfd(MB, &fd);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	ASSERT_EQ(0, dma_map(dev.container, mem, 0, MB, DMA_RW));
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	close(fd);
	check_both_ways(_metadata, mem, 0, MB);
	/* The server gets the map again when the device is opened again. */
	close(dev.device);
	dev.device = group_device(dev.group, shared.uuid);
	ASSERT_LE(0, dev.device);
	check_region(_metadata, 0, "rw", 1);
	check_both_ways(_metadata, mem, 0, MB);
	vfio_dev_close(&dev);
}

/* The policy "memory" does not pass the consumer's own files to the server. */
TEST(dma_backing_memory_works_without_the_file)
{
	struct vfio_dev dev;
	char *mem = mem_memfd(MB, NULL);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, mdev_set(shared.uuid, "dma_backing", "memory"));
	ASSERT_EQ(0, vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	EXPECT_EQ(0, dma_map(dev.container, mem + PAGE, 0, 4 * PAGE, DMA_RW));
	check_region(_metadata, 0, "rw", 1);
	check_both_ways(_metadata, mem + PAGE, 0, 4 * PAGE);
	vfio_dev_close(&dev);
	EXPECT_EQ(0, mdev_set(shared.uuid, "dma_backing", "auto"));
}

/*
 * Memory of a device, as in peer-to-peer DMA: the server gets no file and uses
 * messages.
 */
TEST_F(consumer, device_memory_is_accessible_by_message)
{
	volatile void *area;

	area = region_mmap(self->dev.device, BAR(4), 0, 4 * PAGE,
			   PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, area);
	mem_fill((void *)area, 4 * PAGE, 13);
	ASSERT_EQ(0, dma_map(self->dev.container, (void *)area, 0, 4 * PAGE,
			     DMA_RW));
	check_region(_metadata, 0, "rw", 0);
	check_both_ways(_metadata, (void *)area, 0, 4 * PAGE);
	/*
	 * Unmap before the end: a mapping keeps the device open, and the open
	 * device keeps the memory of the map locked.
	 */
	munmap((void *)area, 4 * PAGE);
}

/* DMA requests of the server outside the maps are refused. */
TEST_F(consumer, dma_outside_the_maps_is_refused)
{
	char *mem = mem_anon(MB);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, testdev_cmd(&shared, "strip-fds 1"));
	ASSERT_EQ(0, dma_map(self->dev.container, mem, 0, PAGE, DMA_RW));
	EXPECT_EQ(-EFAULT, testdev_cmd(&shared, "dma-read 0x%lx 1", MB));
	EXPECT_GT(0, testdev_cmd(&shared, "dma-read 0x%lx 2", PAGE - 1));
	EXPECT_GT(0, testdev_cmd(&shared, "dma-write 0x%lx 1122", PAGE - 1));
	/* The device still works. */
	EXPECT_EQ(0, testdev_cmd(&shared, "dma-read 0 1"));
}

/*
 * MAP_DMA resolves the faults of userfaultfd memory; DMA never waits for the
 * handler.
 */
struct uffd {
	int fd;
	void *page;
	int handled;
};

static void *resolve_one(void *arg)
{
	struct uffd *u = arg;
	struct pollfd pfd = { .fd = u->fd, .events = POLLIN };
	struct uffdio_copy copy = { .len = PAGE };
	struct uffd_msg msg;

	while (poll(&pfd, 1, SOON_MS) == 1 &&
	       read(u->fd, &msg, sizeof(msg)) == sizeof(msg)) {
		copy.dst = msg.arg.pagefault.address & ~(PAGE - 1);
		copy.src = (uintptr_t)u->page;
		copy.mode = 0;
		if (!ioctl(u->fd, UFFDIO_COPY, &copy))
			u->handled++;
		if (u->handled == 4)
			break;
	}
	return NULL;
}

TEST_F(consumer, map_resolves_userfaultfd_memory)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {};
	struct uffd u = {};
	pthread_t thread;
	char *mem;

	u.fd = syscall(__NR_userfaultfd, O_CLOEXEC);
	if (u.fd < 0)
		SKIP(return, "this kernel has no userfaultfd: %s",
			   strerror(errno));
	ASSERT_EQ(0, ioctl(u.fd, UFFDIO_API, &api));
	mem = mem_anon(4 * PAGE);
	u.page = mem_anon(PAGE);
	ASSERT_NE(NULL, mem);
	ASSERT_NE(NULL, u.page);
	memset(u.page, 0x6b, PAGE);
	reg.range.start = (uintptr_t)mem;
	reg.range.len = 4 * PAGE;
	reg.mode = UFFDIO_REGISTER_MODE_MISSING;
	ASSERT_EQ(0, ioctl(u.fd, UFFDIO_REGISTER, &reg));
	ASSERT_EQ(0, pthread_create(&thread, NULL, resolve_one, &u));
	ASSERT_EQ(0, testdev_cmd(&shared, "strip-fds 1"));
	ASSERT_EQ(0, dma_map(self->dev.container, mem, 0, 4 * PAGE, DMA_RW));
	pthread_join(thread, NULL);
	EXPECT_EQ(4, u.handled);
	/* The handler thread has ended, and no fault occurs. */
	ASSERT_EQ(0, testdev_cmd(&shared, "dma-read 0x3000 2"));
	EXPECT_STREQ("6b6b", testdev_reply());
	close(u.fd);
}

SHARED_MAIN(NULL)
