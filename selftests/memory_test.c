// SPDX-License-Identifier: GPL-2.0
/*
 * A server can access memory through the file of a DMA map, but not after the
 * unmap.  The server of these tests is hostile and keeps the file and its
 * mapping.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "lib/consumer.h"
#include "lib/mem.h"

#define PAGE 0x1000UL
#define MB   0x100000UL
#define READ VFIO_DMA_MAP_FLAG_READ

#define SECRET 0x5ec5e75ec5e75ec5

FIXTURE(kept)
{
	struct vfio_dev dev;
	long locked;
	uint64_t *mem;
};

FIXTURE_SETUP(kept)
{
	self->locked = res_locked();
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	ASSERT_EQ(0, testdev_cmd(&shared, "keep 1"));
	self->mem = mem_anon(16 * PAGE);
	ASSERT_NE(NULL, self->mem);
	self->mem[0] = SECRET;
}

FIXTURE_TEARDOWN(kept)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(self->locked, res_locked());
	testdev_cmd(&shared, "restore");
}

struct kept_stat {
	unsigned long long offset, size, st_size, st_ino;
	unsigned long st_blksize;
};

static int get_stat(struct kept_stat *st)
{
	if (testdev_cmd(&shared, "kept-stat") ||
	    sscanf(testdev_reply(), "%llu %llu %llu %lu %llu", &st->offset,
		   &st->size, &st->st_size, &st->st_blksize, &st->st_ino) != 5)
		return -1;
	return 0;
}

/* Whether the server reads @value at @off; the read may also fail. */
static int reads(const char *how, uint64_t off, uint64_t value)
{
	if (testdev_cmd(&shared, "kept-%s %llu", how, (unsigned long long)off))
		return 0;
	return strtoull(testdev_reply(), NULL, 0) == value;
}

/* The properties of the file that servers rely on. */
TEST_F(kept, file_has_the_properties_servers_expect)
{
	struct kept_stat st;

	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, MB, 16 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, get_stat(&st));
	EXPECT_EQ(0, st.offset);
	EXPECT_EQ(16 * PAGE, st.size);
	EXPECT_EQ(16 * PAGE, st.st_size);
	EXPECT_EQ(PAGE, st.st_blksize);
}

TEST_F(kept, mapping_and_file_show_the_same_memory)
{
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, 0, 16 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-map 1"));
	EXPECT_TRUE(reads("peek", 0, SECRET));
	EXPECT_TRUE(reads("pread", 0, SECRET));
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-poke %lu 77", 3 * PAGE));
	EXPECT_EQ(77, self->mem[3 * PAGE / 8]);
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-pwrite %lu 78", 4 * PAGE));
	EXPECT_EQ(78, self->mem[4 * PAGE / 8]);
	/* Access across the end of a page, and past the end of the file. */
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-pwrite %lu 0x1122334455667788",
				 5 * PAGE - 4));
	EXPECT_EQ(0x55667788, self->mem[5 * PAGE / 8 - 1] >> 32);
	EXPECT_EQ(0x11223344, self->mem[5 * PAGE / 8]);
	EXPECT_GT(0, testdev_cmd(&shared, "kept-pwrite %lu 1", 16 * PAGE));
	EXPECT_GT(0, testdev_cmd(&shared, "kept-pread %lu", 16 * PAGE));
}

/*
 * Checks that the kept file and its mapping show none of the unmapped memory.
 */
static void check_gone(struct __test_metadata *_metadata, uint64_t *mem)
{
	EXPECT_FALSE(reads("peek", 0, SECRET));
	EXPECT_FALSE(reads("pread", 0, SECRET));
	testdev_cmd(&shared, "kept-poke 0 0x666");
	testdev_cmd(&shared, "kept-pwrite 0 0x667");
	testdev_cmd(&shared, "kept-poke %lu 0x668", PAGE);
	if (mem) {
		EXPECT_EQ(SECRET, mem[0]);
		EXPECT_EQ(0, mem[PAGE / 8]);
	}
	/* A new mapping shows no memory either. */
	if (!testdev_cmd(&shared, "kept-map 1")) {
		EXPECT_FALSE(reads("peek", 0, SECRET));
	}
}

TEST_F(kept, kept_file_is_empty_after_unmap)
{
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, 0, 16 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-map 1"));
	EXPECT_TRUE(reads("peek", 0, SECRET));
	ASSERT_EQ(0, dma_unmap(self->dev.container, 0, 16 * PAGE, 0, NULL));
	EXPECT_EQ(self->locked, res_locked());
	check_gone(_metadata, self->mem);
}

/* The server never touched the file before the unmap. */
TEST_F(kept, untouched_file_is_empty_after_unmap)
{
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, 0, 16 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-map 1"));
	ASSERT_EQ(0, dma_unmap(self->dev.container, 0, 16 * PAGE, 0, NULL));
	check_gone(_metadata, self->mem);
}

TEST_F(kept, kept_file_is_empty_after_close)
{
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, 0, 16 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-map 1"));
	EXPECT_TRUE(reads("peek", 0, SECRET));
	vfio_dev_close(&self->dev);
	check_gone(_metadata, self->mem);
}

TEST_F(kept, kept_file_is_empty_after_kill)
{
	int status, to[2];
	pid_t pid;
	char c;

	vfio_dev_close(&self->dev);
	ASSERT_EQ(0, pipe(to));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct vfio_dev dev;

		if (vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU) ||
		    dma_map(dev.container, self->mem, 0, 16 * PAGE, DMA_RW) ||
		    write(to[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	ASSERT_EQ(1, read(to[0], &c, 1));
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-map 1"));
	EXPECT_TRUE(reads("peek", 0, SECRET));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	check_gone(_metadata, NULL);
}

/* The kept file does not show other memory that is mapped in the same range. */
TEST_F(kept, kept_file_does_not_show_a_new_map)
{
	uint64_t *other = mem_anon(16 * PAGE);

	ASSERT_NE(NULL, other);
	ASSERT_EQ(0, dma_map(self->dev.container, self->mem, 0, 16 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-map 1"));
	ASSERT_EQ(0, testdev_cmd(&shared, "keep 0"));
	ASSERT_EQ(0, dma_unmap(self->dev.container, 0, 16 * PAGE, 0, NULL));
	other[0] = SECRET;
	ASSERT_EQ(0, dma_map(self->dev.container, other, 0, 16 * PAGE, DMA_RW));
	check_gone(_metadata, other);
}

TEST_F(kept, read_only_map_gives_a_read_only_file)
{
	ASSERT_EQ(0,
		  dma_map(self->dev.container, self->mem, 0, 16 * PAGE, READ));
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-map 0"));
	EXPECT_TRUE(reads("peek", 0, SECRET));
	EXPECT_TRUE(reads("pread", 0, SECRET));
	EXPECT_EQ(-EFAULT, testdev_cmd(&shared, "kept-poke 0 1"));
	EXPECT_GT(0, testdev_cmd(&shared, "kept-pwrite 0 2"));
	EXPECT_GT(0, testdev_cmd(&shared, "kept-reopen"));
	EXPECT_GT(0, testdev_cmd(&shared, "kept-map 1"));
	EXPECT_EQ(SECRET, self->mem[0]);
}

/*
 * A file of the consumer that is mapped read-only is not passed to the server.
 */
TEST_F(kept, read_only_map_hides_the_consumers_file)
{
	struct kept_stat st;
	uint64_t *mem;
	struct stat own;
	int fd;

	mem = mem_memfd(16 * PAGE, &fd);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, fstat(fd, &own));
	mem[0] = SECRET;
	ASSERT_EQ(0, dma_map(self->dev.container, mem, 0, 4 * PAGE, READ));
	ASSERT_EQ(0, get_stat(&st));
	EXPECT_NE(own.st_size, st.st_size);
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-map 0"));
	EXPECT_TRUE(reads("peek", 0, SECRET));
	EXPECT_GT(0, testdev_cmd(&shared, "kept-reopen"));
	EXPECT_GT(0, testdev_cmd(&shared, "kept-map 1"));
	EXPECT_GT(0, testdev_cmd(&shared, "kept-pwrite 0 1"));
	EXPECT_EQ(SECRET, mem[0]);
}

/*
 * A file that may be written is passed to the server, unless the policy forbids
 * it.
 */
TEST_F(kept, writable_file_is_passed_unless_forbidden)
{
	struct kept_stat st;
	struct stat own;
	char *mem;
	int fd;

	mem = mem_memfd(16 * PAGE, &fd);
	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, fstat(fd, &own));
	ASSERT_EQ(0, dma_map(self->dev.container, mem + 2 * PAGE, 0, 4 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, get_stat(&st));
	EXPECT_EQ(own.st_ino, st.st_ino);
	EXPECT_EQ(own.st_size, st.st_size);
	EXPECT_EQ(2 * PAGE, st.offset);
	vfio_dev_close(&self->dev);

	ASSERT_EQ(0, mdev_set(shared.uuid, "dma_backing", "memory"));
	EXPECT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, dma_map(self->dev.container, mem + 2 * PAGE, 0, 4 * PAGE,
			     DMA_RW));
	ASSERT_EQ(0, get_stat(&st));
	EXPECT_EQ(0, st.offset);
	EXPECT_EQ(4 * PAGE, st.st_size);
	EXPECT_EQ(0, mdev_set(shared.uuid, "dma_backing", "auto"));
}

/* Whether the kernel has this version or a later one. */
static bool kernel_is(unsigned int major, unsigned int minor)
{
	unsigned int a = 0, b = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%u.%u", &a, &b);
	return a > major || (a == major && b >= minor);
}

/*
 * The node of a disk is in /dev, which is a tmpfs, and its file is the whole
 * disk: it must not be passed to the server, whichever part was mapped.
 */
TEST_F(kept, file_of_a_disk_is_not_passed)
{
	struct kept_stat st;
	struct stat own;
	uint64_t *mem;
	int fd, ret;

	fd = open("/dev/vdb", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &own));
	mem = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   16 * PAGE);
	ASSERT_NE(MAP_FAILED, mem);
	mem[0] = SECRET;
	ret = dma_map(self->dev.container, mem, 0, 4 * PAGE, DMA_RW);
	if (kernel_is(6, 5)) {
		/*
		 * The kernel does not pin pages of a file with writeback for
		 * long.
		 */
		EXPECT_EQ(-EFAULT, ret);
	} else {
		ASSERT_EQ(0, ret);
		ASSERT_EQ(0, get_stat(&st));
		EXPECT_NE(own.st_ino, st.st_ino);
		EXPECT_EQ(4 * PAGE, st.st_size);
		EXPECT_EQ(0, st.offset);
		ASSERT_EQ(0, testdev_cmd(&shared, "kept-map 1"));
		EXPECT_TRUE(reads("peek", 0, SECRET));
	}
	munmap(mem, 4 * PAGE);
	close(fd);
}

/* A file that was opened read-only stays read-only. */
TEST_F(kept, file_opened_read_only_stays_read_only)
{
	char path[64];
	uint64_t *mem;
	void *ro;
	int fd, rofd;

	mem = mem_memfd(4 * PAGE, &fd);
	ASSERT_NE(NULL, mem);
	mem[0] = SECRET;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rofd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, rofd);
	ro = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, rofd, 0);
	ASSERT_NE(MAP_FAILED, ro);
	EXPECT_EQ(-EFAULT,
		  dma_map(self->dev.container, ro, 0, 4 * PAGE, DMA_RW));
	ASSERT_EQ(0, dma_map(self->dev.container, ro, 0, 4 * PAGE, READ));
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-map 0"));
	EXPECT_TRUE(reads("peek", 0, SECRET));
	EXPECT_GT(0, testdev_cmd(&shared, "kept-reopen"));
	EXPECT_GT(0, testdev_cmd(&shared, "kept-pwrite 0 1"));
	EXPECT_EQ(SECRET, mem[0]);
}

/* The number of minor page faults of a process, or -1. */
static long faults(pid_t pid)
{
	char path[64], text[512], *end;
	long count = -1;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read(path, text, sizeof(text)))
		return -1;
	/* The eighth word after the name, which may contain any character. */
	end = strrchr(text, ')');
	if (!end ||
	    sscanf(end + 2, "%*s %*s %*s %*s %*s %*s %*s %ld", &count) != 1)
		return -1;
	return count;
}

#define BIG (4 * MB)
/* More bytes than one page fault maps. */
#define STRIDE	(32 * PAGE)
#define TOUCHES (BIG / STRIDE)

/*
 * The number of faults of the server when it touches each part of the mapping.
 */
static long touch_all(struct __test_metadata *_metadata)
{
	long before = faults(shared.pid);
	uint64_t off;

	for (off = 0; off < BIG; off += STRIDE) {
		EXPECT_TRUE(reads("peek", off, SECRET));
	}
	return faults(shared.pid) - before;
}

/*
 * The unmap of one object removes its pages.  The pages of another object stay
 * mapped in the server, so they cause no new faults. (pagemap and mincore do
 * not show such pages.)
 */
TEST_F(kept, unmap_keeps_the_pages_of_other_maps)
{
	uint64_t *a = mem_anon(BIG), *b = mem_anon(BIG), off;

	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	ASSERT_EQ(0, madvise(a, BIG, MADV_NOHUGEPAGE));
	ASSERT_EQ(0, madvise(b, BIG, MADV_NOHUGEPAGE));
	for (off = 0; off < BIG; off += STRIDE)
		a[off / 8] = SECRET;
	ASSERT_EQ(0, dma_map(self->dev.container, a, 0, BIG, DMA_RW));
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-map 1"));
	ASSERT_EQ(0, testdev_cmd(&shared, "keep 0"));
	ASSERT_EQ(0, dma_map(self->dev.container, b, 2 * BIG, BIG, DMA_RW));

	EXPECT_LE(TOUCHES, touch_all(_metadata));
	EXPECT_GT(TOUCHES / 2, touch_all(_metadata));
	ASSERT_EQ(0, dma_unmap(self->dev.container, 2 * BIG, BIG, 0, NULL));
	EXPECT_GT(TOUCHES / 2, touch_all(_metadata));
	ASSERT_EQ(0, dma_unmap(self->dev.container, 0, BIG, 0, NULL));
	EXPECT_FALSE(reads("peek", 0, SECRET));
	munmap(a, BIG);
	munmap(b, BIG);
}

/*
 * A huge page of the consumer is a huge page of the server, on kernels that can mark
 * such entries of a page table.
 */
TEST_F(kept, huge_page_is_mapped_with_one_fault)
{
	uint64_t *mem, off;
	long count;

	if (res_meminfo("HugePages_Free") < 2)
		SKIP(return, "fewer than 2 free huge pages of 2 MiB");
	mem = mem_hugetlb(BIG, NULL);
	ASSERT_NE(NULL, mem);
	for (off = 0; off < BIG; off += STRIDE)
		mem[off / 8] = SECRET;
	vfio_dev_close(&self->dev);
	ASSERT_EQ(0, mdev_set(shared.uuid, "dma_backing", "memory"));
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, dma_map(self->dev.container, mem, 0, BIG, DMA_RW));
	EXPECT_EQ(0, mdev_set(shared.uuid, "dma_backing", "auto"));
	ASSERT_EQ(0, testdev_cmd(&shared, "kept-map 1"));
	count = touch_all(_metadata);
	if (kernel_is(6, 12)) {
		/* The program itself may have some other faults. */
		EXPECT_GT(TOUCHES / 2, count);
	} else {
		EXPECT_LE(TOUCHES, count);
	}
	ASSERT_EQ(0, dma_unmap(self->dev.container, 0, BIG, 0, NULL));
	EXPECT_FALSE(reads("peek", 0, SECRET));
	EXPECT_FALSE(reads("peek", BIG / 2, SECRET));
	munmap(mem, BIG);
}

/* The consumer unmaps while the server maps and uses the memory. */
TEST_F(kept, unmap_can_race_with_faults)
{
	int status, i;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		for (i = 0; i < 300; i++) {
			if (testdev_cmd(&shared, "kept-map 1"))
				continue;
			testdev_cmd(&shared, "kept-peek 0");
			testdev_cmd(&shared, "kept-poke %lu 5", 15 * PAGE);
			testdev_cmd(&shared, "kept-pread %lu", 7 * PAGE);
		}
		_exit(0);
	}
	for (i = 0; !waitpid(pid, &status, WNOHANG); i++) {
		ASSERT_EQ(0, dma_map(self->dev.container, self->mem, 0,
				     16 * PAGE, DMA_RW));
		ASSERT_EQ(0, dma_unmap(self->dev.container, 0, 16 * PAGE, 0,
				       NULL));
	}
	EXPECT_EQ(0, status);
	EXPECT_LT(0, i);
	EXPECT_EQ(SECRET, self->mem[0]);
}

SHARED_MAIN(NULL)
