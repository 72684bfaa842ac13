// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping regions: shared areas, trapped pages and both in one mapping, refused
 * mappings, and operations on mappings.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "lib/consumer.h"
#include "lib/fault.h"

CONSUMER_FIXTURE

#define RW (PROT_READ | PROT_WRITE)

static volatile uint32_t *at(volatile void *base, size_t off)
{
	return (volatile uint32_t *)((volatile char *)base + off);
}

TEST_F(consumer, mapped_area_is_shared_with_the_server)
{
	volatile void *p;

	p = region_mmap(self->dev.device, BAR(2), TESTDEV_AREA1_OFFSET,
			TESTDEV_AREA1_SIZE, RW);
	ASSERT_NE(MAP_FAILED, p);
	*at(p, 0x10) = 0xc0ffee;
	EXPECT_EQ(0xc0ffee, testdev_num(&shared, "peek 2 0x%x 4",
					TESTDEV_AREA1_OFFSET + 0x10));
	ASSERT_EQ(0, testdev_cmd(&shared, "poke 2 0x%x 4 0xbeef",
				 TESTDEV_AREA1_OFFSET + 0x3ffc));
	EXPECT_EQ(0xbeef, *at(p, 0x3ffc));
	EXPECT_EQ(0, testdev_log_count(&shared));
}

/* DPDK and QEMU map whole BARs: shared and trapped pages in one mapping. */
TEST_F(consumer, whole_bar_mixes_shared_and_trapped_pages)
{
	volatile void *p;

	p = region_mmap(self->dev.device, BAR(2), 0, TESTDEV_BAR2_SIZE, RW);
	ASSERT_NE(MAP_FAILED, p);
	*at(p, TESTDEV_AREA0_OFFSET) = 0x11;
	*at(p, TESTDEV_AREA0_OFFSET + TESTDEV_AREA0_SIZE - 4) = 0x22;
	EXPECT_EQ(0, testdev_log_count(&shared));
	*at(p, TESTDEV_AREA0_OFFSET - 4) = 0x33;
	*at(p, TESTDEV_AREA0_OFFSET + TESTDEV_AREA0_SIZE) = 0x44;
	EXPECT_EQ(0x33, *at(p, TESTDEV_AREA0_OFFSET - 4));
	EXPECT_EQ(3, testdev_log_count(&shared));
	EXPECT_EQ(0x11,
		  testdev_num(&shared, "peek 2 0x%x 4", TESTDEV_AREA0_OFFSET));
	EXPECT_EQ(0x22,
		  testdev_num(&shared, "peek 2 0x%x 4",
			      TESTDEV_AREA0_OFFSET + TESTDEV_AREA0_SIZE - 4));
	EXPECT_EQ(0x44, testdev_num(&shared, "peek 2 0x%x 4",
				    TESTDEV_AREA0_OFFSET + TESTDEV_AREA0_SIZE));
}

TEST_F(consumer, wholly_shared_region_is_never_trapped)
{
	volatile void *p;
	uint32_t off;

	p = region_mmap(self->dev.device, BAR(4), 0, TESTDEV_BAR4_SIZE, RW);
	ASSERT_NE(MAP_FAILED, p);
	for (off = 0; off < TESTDEV_BAR4_SIZE; off += 0x1000)
		*at(p, off + 8) = off + 1;
	for (off = 0; off < TESTDEV_BAR4_SIZE; off += 0x1000) {
		EXPECT_EQ(off + 1,
			  testdev_num(&shared, "peek 4 0x%x 4", off + 8));
	}
	EXPECT_EQ(0, testdev_log_count(&shared));
}

/*
 * An access may cross from one shared page to another, but not between a shared
 * and a trapped page.
 */
TEST_F(consumer, access_across_shared_and_trapped_pages_is_refused)
{
	volatile char *p;

	p = region_mmap(self->dev.device, BAR(2), 0, TESTDEV_BAR2_SIZE, RW);
	ASSERT_NE(MAP_FAILED, p);
	*(volatile uint32_t *)(p + TESTDEV_AREA0_OFFSET + 0xffe) = 0x12345678;
	EXPECT_EQ(0x12345678,
		  *(volatile uint32_t *)(p + TESTDEV_AREA0_OFFSET + 0xffe));
	EXPECT_EQ(SIGBUS,
		  FAULT_OF(*(volatile uint32_t *)(p + TESTDEV_AREA0_OFFSET -
						  2) = 1));
	EXPECT_EQ(
		SIGBUS,
		FAULT_OF((void)*(volatile uint32_t *)(p + TESTDEV_AREA0_OFFSET +
						      TESTDEV_AREA0_SIZE - 2)));
}

TEST_F(consumer, parts_of_mappings_can_be_unmapped)
{
	volatile void *a, *b;

	a = region_mmap(self->dev.device, BAR(2), 0x2000, 0x1000, RW);
	b = region_mmap(self->dev.device, BAR(2), 0x2000, 0x2000, RW);
	ASSERT_NE(MAP_FAILED, a);
	ASSERT_NE(MAP_FAILED, b);
	*at(a, 0) = 0x77;
	EXPECT_EQ(0x77, *at(b, 0));
	munmap((void *)a, 0x1000);
	EXPECT_EQ(0x77, *at(b, 0));
	/* Unmap the first page; the second stays. */
	munmap((void *)b, 0x1000);
	*at(b, 0x1000) = 0x78;
	EXPECT_EQ(0x78, testdev_num(&shared, "peek 2 0x3000 4"));
}

struct refused {
	const char *what;
	unsigned int region;
	uint64_t off;
	size_t size;
	int prot;
	int flags;
	int err;
};

static const struct refused refused[] = {
	{ "private", BAR(0), 0, 0x1000, RW, MAP_PRIVATE, EINVAL },
	{ "private and read-only", BAR(4), 0, 0x1000, PROT_READ, MAP_PRIVATE,
	  EINVAL },
	{ "executable", BAR(0), 0, 0x1000, PROT_READ | PROT_EXEC, MAP_SHARED,
	  0 },
	{ "executable memory", BAR(4), 0, 0x1000, PROT_READ | PROT_EXEC,
	  MAP_SHARED, 0 },
	{ "past the end", BAR(0), TESTDEV_BAR0_SIZE, 0x1000, RW, MAP_SHARED,
	  EINVAL },
	{ "across the end", BAR(0), TESTDEV_BAR0_SIZE - 0x1000, 0x2000, RW,
	  MAP_SHARED, EINVAL },
	{ "configuration space", VFIO_PCI_CONFIG_REGION_INDEX, 0, 0x1000, RW,
	  MAP_SHARED, EINVAL },
	{ "ROM", VFIO_PCI_ROM_REGION_INDEX, 0, 0x1000, PROT_READ, MAP_SHARED,
	  EINVAL },
	{ "no region", VFIO_PCI_VGA_REGION_INDEX, 0, 0x1000, RW, MAP_SHARED,
	  EINVAL },
};

TEST_F(consumer, invalid_mappings_are_refused)
{
	const struct refused *c;
	unsigned int i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		c = &refused[i];
		EXPECT_EQ(MAP_FAILED,
			  mmap(NULL, c->size, c->prot, c->flags,
			       self->dev.device,
			       region_offset(self->dev.device, c->region) +
				       c->off))
		TH_LOG("%s", c->what);
		if (c->err) {
			EXPECT_EQ(c->err, errno)
			TH_LOG("%s", c->what);
		}
	}
	/* Past every region. */
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 0x1000, RW, MAP_SHARED,
				   self->dev.device, 0x7fULL << 40));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(consumer, mapping_cannot_grow)
{
	void *p;

	p = region_mmap(self->dev.device, BAR(0), 0, 0x1000, RW);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(MAP_FAILED, mremap(p, 0x1000, 0x2000, MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
}

#define MIB2 0x200000ul

/*
 * Returns two adjacent ranges of 2 MiB that share one PMD page.  The upper
 * range has a page table already.
 */
static char *two_tables(void)
{
	char *room = mmap(NULL, 4 * MIB2, RW,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room == MAP_FAILED)
		return NULL;
	room += -(uintptr_t)room % (2 * MIB2);
	room[MIB2] = 1;
	return room;
}

/*
 * The kernel must set an entry for a trapped page.  Otherwise the page table
 * would be missing, and the kernel would allocate and free one for each access.
 */
TEST_F(consumer, trapped_pages_share_one_page_table)
{
	char *room = two_tables();
	volatile void *p;
	long before;

	ASSERT_NE(NULL, room);
	p = mmap(room, TESTDEV_BAR0_SIZE, RW, MAP_SHARED | MAP_FIXED,
		 self->dev.device, region_offset(self->dev.device, BAR(0)));
	ASSERT_NE(MAP_FAILED, p);
	res_status(0, "VmPTE");
	before = res_status(0, "VmPTE");
	EXPECT_EQ(TESTDEV_ID, *at(p, TESTDEV_REG_ID));
	EXPECT_EQ(before + 4, res_status(0, "VmPTE"));
	*at(p, 0x1000) = 1;
	EXPECT_EQ(before + 4, res_status(0, "VmPTE"));
	munmap((void *)p, TESTDEV_BAR0_SIZE);
	munmap(room, MIB2);
	EXPECT_EQ(before, res_status(0, "VmPTE"));
}

/* A mapping that is moved still shows the registers. */
TEST_F(consumer, mapping_can_be_moved)
{
	void *p, *q;

	p = region_mmap(self->dev.device, BAR(0), 0, 0x1000, RW);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(TESTDEV_ID, *at(p, TESTDEV_REG_ID));
	q = mmap(NULL, 0x1000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, q);
	q = mremap(p, 0x1000, 0x1000, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(TESTDEV_ID, *at(q, TESTDEV_REG_ID));
}

TEST_F(consumer, read_only_mapping_becomes_writable_by_mprotect)
{
	volatile void *p, *q;

	p = region_mmap(self->dev.device, BAR(0), 0, 0x2000, PROT_READ);
	q = region_mmap(self->dev.device, BAR(4), 0, 0x1000, PROT_READ);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_NE(MAP_FAILED, q);
	EXPECT_EQ(TESTDEV_ID, *at(p, TESTDEV_REG_ID));
	EXPECT_EQ(SIGSEGV, FAULT_OF(*at(p, 0x1000) = 1));
	EXPECT_EQ(0, FAULT_OF((void)*at(q, 0)));
	EXPECT_EQ(SIGSEGV, FAULT_OF(*at(q, 0) = 1));
	ASSERT_EQ(0, mprotect((void *)p, 0x2000, RW));
	ASSERT_EQ(0, mprotect((void *)q, 0x1000, RW));
	EXPECT_EQ(0, FAULT_OF(*at(p, 0x1000) = 5));
	EXPECT_EQ(5, *at(p, 0x1000));
	EXPECT_EQ(0, FAULT_OF(*at(q, 0) = 6));
	EXPECT_EQ(6, testdev_num(&shared, "peek 4 0 4"));
}

/* Pages that were zapped are mapped again at the next access. */
TEST_F(consumer, zapped_pages_are_mapped_again)
{
	volatile void *p;

	p = region_mmap(self->dev.device, BAR(4), 0, TESTDEV_BAR4_SIZE, RW);
	ASSERT_NE(MAP_FAILED, p);
	*at(p, 0x1000) = 0xabc;
	/* madvise may refuse or succeed; either way, the value must stay. */
	madvise((void *)p, TESTDEV_BAR4_SIZE, MADV_DONTNEED);
	EXPECT_EQ(0xabc, *at(p, 0x1000));
	ASSERT_EQ(0, mprotect((void *)p, TESTDEV_BAR4_SIZE, PROT_NONE));
	EXPECT_EQ(SIGSEGV, FAULT_OF((void)*at(p, 0x1000)));
	ASSERT_EQ(0, mprotect((void *)p, TESTDEV_BAR4_SIZE, RW));
	EXPECT_EQ(0xabc, *at(p, 0x1000));
}

TEST_F(consumer, populate_does_not_access_the_device)
{
	void *p;

	p = mmap(NULL, TESTDEV_BAR2_SIZE, RW, MAP_SHARED | MAP_POPULATE,
		 self->dev.device, region_offset(self->dev.device, BAR(2)));
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(0, testdev_log_count(&shared));
	*at(p, TESTDEV_AREA0_OFFSET) = 9;
	EXPECT_EQ(9, *at(p, TESTDEV_AREA0_OFFSET));
}

TEST_F(consumer, mapping_works_after_fork)
{
	volatile void *p, *q;
	int status;
	pid_t pid;

	p = region_mmap(self->dev.device, BAR(0), 0, 0x1000, RW);
	q = region_mmap(self->dev.device, BAR(4), 0, 0x1000, RW);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_NE(MAP_FAILED, q);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		*at(q, 0x20) = *at(p, TESTDEV_REG_ID);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(TESTDEV_ID, *at(q, 0x20));
}

/* A mapping keeps the device open after the file is closed. */
TEST_F(consumer, mapping_keeps_the_device_open)
{
	volatile void *p, *q;
	char state[32];

	p = region_mmap(self->dev.device, BAR(0), 0, 0x1000, RW);
	q = region_mmap(self->dev.device, BAR(4), 0, 0x1000, RW);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_NE(MAP_FAILED, q);
	vfio_dev_close(&self->dev);
	EXPECT_EQ(TESTDEV_ID, *at(p, TESTDEV_REG_ID));
	*at(q, 0x30) = 0x30;
	EXPECT_EQ(0x30, testdev_num(&shared, "peek 4 0x30 4"));
	ASSERT_EQ(0, mdev_get(shared.uuid, "state", state, sizeof(state)));
	EXPECT_STREQ("open", state);
	munmap((void *)p, 0x1000);
	munmap((void *)q, 0x1000);
	ASSERT_EQ(0, mdev_get(shared.uuid, "state", state, sizeof(state)));
	EXPECT_STREQ("attached", state);
}

/* Other processes cannot read through the mapping, nor access the device so. */
TEST_F(consumer, mapping_is_unreadable_through_proc_mem)
{
	struct iovec local, remote;
	char buf[16];
	void *p;
	int fd;

	p = region_mmap(self->dev.device, BAR(0), 0, 0x1000, RW);
	ASSERT_NE(MAP_FAILED, p);
	local = (struct iovec) { buf, sizeof(buf) };
	remote = (struct iovec) { p, sizeof(buf) };
	EXPECT_EQ(-1, process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, pread(fd, buf, sizeof(buf), (off_t)(uintptr_t)p));
	close(fd);
	EXPECT_EQ(0, testdev_log_count(&shared));
}

/* The policy "sparse" allows mapping shared areas, and nothing else. */
TEST(sparse_policy_maps_only_shared_areas)
{
	struct vfio_dev dev;
	volatile void *p;

	ASSERT_EQ(0, mdev_set(shared.uuid, "mmap", "sparse"));
	ASSERT_EQ(0, vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	p = region_mmap(dev.device, BAR(2), TESTDEV_AREA0_OFFSET,
			TESTDEV_AREA0_SIZE, RW);
	EXPECT_NE(MAP_FAILED, p);
	if (p != MAP_FAILED) {
		*at(p, 4) = 0x99;
		EXPECT_EQ(0x99, testdev_num(&shared, "peek 2 0x%x 4",
					    TESTDEV_AREA0_OFFSET + 4));
		munmap((void *)p, TESTDEV_AREA0_SIZE);
	}
	EXPECT_EQ(MAP_FAILED,
		  region_mmap(dev.device, BAR(2), 0, TESTDEV_BAR2_SIZE, RW));
	EXPECT_EQ(MAP_FAILED,
		  region_mmap(dev.device, BAR(2),
			      TESTDEV_AREA0_OFFSET + TESTDEV_AREA0_SIZE, 0x1000,
			      RW));
	EXPECT_EQ(MAP_FAILED, region_mmap(dev.device, BAR(0), 0, 0x1000, RW));
	EXPECT_EQ(0, testdev_log_count(&shared));
	vfio_dev_close(&dev);
	ASSERT_EQ(0, mdev_set(shared.uuid, "mmap", "auto"));
}

/* A BAR of one page with the MSI-X table and registers. */
TEST(page_with_msix_table_and_registers_is_mappable)
{
	static const char *const args[] = { "--small-msix", NULL };
	union {
		struct vfio_region_info info;
		char room[256];
	} buf = { .info.argsz = sizeof(buf), .info.index = BAR(1) };
	struct vfio_info_cap_header *cap;
	struct vfio_dev dev;
	struct testdev td;
	volatile void *p;

	ASSERT_EQ(0, testdev_start(&td, args));
	EXPECT_EQ(0, vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, ioctl(dev.device, VFIO_DEVICE_GET_REGION_INFO, &buf.info));
	EXPECT_EQ(TESTDEV_SMALL_BAR1_SIZE, buf.info.size);
	EXPECT_TRUE(buf.info.flags & VFIO_REGION_INFO_FLAG_MMAP);
	EXPECT_TRUE(buf.info.flags & VFIO_REGION_INFO_FLAG_CAPS);
	EXPECT_LE(sizeof(buf.info), buf.info.cap_offset);
	cap = (void *)(buf.room + buf.info.cap_offset);
	EXPECT_EQ(VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, cap->id);
	p = region_mmap(dev.device, BAR(1), 0, TESTDEV_SMALL_BAR1_SIZE, RW);
	EXPECT_NE(MAP_FAILED, p);
	if (p != MAP_FAILED) {
		*at(p, TESTDEV_SMALL_MEMORY) = 0x5eed;
		EXPECT_EQ(0x5eed, *at(p, TESTDEV_SMALL_MEMORY));
		/* Vector control of the last vector: masked after reset. */
		EXPECT_EQ(1, *at(p, TESTDEV_NR_MSIX * 16 - 4));
		*at(p, TESTDEV_NR_MSIX * 16 - 4) = 0;
		EXPECT_EQ(0, *at(p, TESTDEV_NR_MSIX * 16 - 4));
		/* A mapping would keep the device open. */
		munmap((void *)p, TESTDEV_SMALL_BAR1_SIZE);
	}
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

SHARED_MAIN(NULL)
