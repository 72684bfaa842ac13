// SPDX-License-Identifier: GPL-2.0
/*
 * DMA of one device to the regions of another device, which the consumer has mapped
 * and passes to MAP_DMA: untouched shared areas, and trapped registers, which are
 * accesses to the other device's server.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <linux/vfio_user.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/consumer.h"
#include "lib/helper.h"
#include "lib/iommufd.h"
#include "lib/mem.h"
#include "lib/task.h"

#define PAGE 0x1000UL
#define MB   0x100000UL
#define RW   (PROT_READ | PROT_WRITE)

/* IDs of messages from "raw": the reply to the second is seen by "raw-wait". */
#define RAW_SILENT 1
#define RAW_ASKED  0xff00
/* The number of commands that may wait, see kmod/server/serve_dma.c. */
#define MAX_COMMANDS 64

/*
 * The device "from" makes DMA to the regions of the device "to".  Each has a
 * container of its own.
 */
FIXTURE(foreign)
{
	struct testdev from_td, to_td;
	struct vfio_dev from, to;
	char *bar0, *bar2, *bar4;
	long locked;
};

static char *map_bar(int device, unsigned int index, size_t size)
{
	return region_mmap(device, BAR(index), 0, size, RW);
}

FIXTURE_SETUP(foreign)
{
	self->locked = res_locked();
	self->from = (struct vfio_dev)VFIO_DEV_INIT;
	self->to = (struct vfio_dev)VFIO_DEV_INIT;
	self->bar0 = self->bar2 = self->bar4 = MAP_FAILED;
	ASSERT_EQ(0, testdev_start(&self->from_td, NULL));
	ASSERT_EQ(0, testdev_start(&self->to_td, NULL));
	ASSERT_EQ(0, vfio_dev_open(&self->from, self->from_td.uuid,
				   VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, vfio_dev_open(&self->to, self->to_td.uuid,
				   VFIO_TYPE1v2_IOMMU));
	self->bar0 = map_bar(self->to.device, 0, TESTDEV_BAR0_SIZE);
	self->bar2 = map_bar(self->to.device, 2, TESTDEV_BAR2_SIZE);
	self->bar4 = map_bar(self->to.device, 4, TESTDEV_BAR4_SIZE);
	ASSERT_NE(MAP_FAILED, self->bar0);
	ASSERT_NE(MAP_FAILED, self->bar2);
	ASSERT_NE(MAP_FAILED, self->bar4);
	ASSERT_EQ(0, testdev_log_clear(&self->to_td));
}

static void close_to(FIXTURE_DATA(foreign) *self)
{
	munmap(self->bar0, TESTDEV_BAR0_SIZE);
	munmap(self->bar2, TESTDEV_BAR2_SIZE);
	munmap(self->bar4, TESTDEV_BAR4_SIZE);
	self->bar0 = self->bar2 = self->bar4 = MAP_FAILED;
	vfio_dev_close(&self->to);
}

FIXTURE_TEARDOWN(foreign)
{
	testdev_cmd(&self->to_td, "restore");
	close_to(self);
	vfio_dev_close(&self->from);
	EXPECT_EQ(self->locked, res_locked());
	testdev_stop(&self->from_td);
	testdev_stop(&self->to_td);
}

#define MAP(addr, iova, size) \
	ASSERT_EQ(0, dma_map(self->from.container, addr, iova, size, DMA_RW))
#define UNMAP(iova, size) \
	ASSERT_EQ(0, dma_unmap(self->from.container, iova, size, 0, NULL))
#define EXPECT_READ(hex, iova, len)                                           \
	do {                                                                  \
		EXPECT_EQ(0, testdev_cmd(&self->from_td, "dma-read 0x%lx %d", \
					 iova, len));                         \
		EXPECT_STREQ(hex, testdev_reply());                           \
	} while (0)
#define EXPECT_NO_READ(error, iova) \
	EXPECT_EQ(-(error),         \
		  testdev_cmd(&self->from_td, "dma-read 0x%lx 4", iova))

/* Sends a DMA_READ in the name of the server. */
static int raw_read(struct testdev *td, unsigned int id, uint64_t iova,
		    uint64_t count)
{
	struct {
		struct vfio_user_header hdr;
		struct vfio_user_dma_access access;
	} msg = {
		.hdr.msg_id = id,
		.hdr.command = VFIO_USER_DMA_READ,
		.hdr.msg_size = sizeof(msg),
		.hdr.flags = id == RAW_SILENT ? VFIO_USER_FLAGS_NO_REPLY : 0,
		.access.address = iova,
		.access.count = count,
	};
	char hex[2 * sizeof(msg) + 1];
	size_t i;

	for (i = 0; i < sizeof(msg); i++)
		sprintf(hex + 2 * i, "%02x", ((unsigned char *)&msg)[i]);
	return testdev_cmd(td, "raw %s", hex);
}

#define RAW_READ(id, iova, len) \
	ASSERT_EQ(0, raw_read(&self->from_td, id, iova, len))

/* The error of the reply to the DMA_READ. */
#define READ_RESULT() testdev_num(&self->from_td, "raw-wait")

/* A whole BAR that is a shared area, which the consumer has not accessed. */
TEST_F(foreign, untouched_shared_area_can_be_mapped_for_dma)
{
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "poke 4 0x3000 4 0x44332211"));
	MAP(self->bar4, MB, TESTDEV_BAR4_SIZE);
	/* The pages count as locked, like other memory. */
	EXPECT_EQ(self->locked + TESTDEV_BAR4_SIZE / 1024, res_locked());
	EXPECT_READ("11223344", MB + 0x3000, 4);
	EXPECT_EQ(0, testdev_cmd(&self->from_td, "dma-write 0x%lx 5566778899",
				 MB + 0x4fff));
	EXPECT_EQ(0x55, testdev_num(&self->to_td, "peek 4 0x4fff 1"));
	EXPECT_EQ(0x99887766, testdev_num(&self->to_td, "peek 4 0x5000 4"));
	EXPECT_EQ(0x66, (unsigned char)self->bar4[0x5000]);
	/* All of that was memory: no access reached the server. */
	EXPECT_EQ(0, testdev_log_count(&self->to_td));

	/* The pages are held: they stay usable without the device. */
	close_to(self);
	testdev_kill(&self->to_td);
	EXPECT_READ("11223344", MB + 0x3000, 4);
	UNMAP(MB, TESTDEV_BAR4_SIZE);
	EXPECT_EQ(self->locked, res_locked());
}

TEST_F(foreign, read_only_mapping_of_an_area_can_be_mapped_for_reading_only)
{
	void *area = region_mmap(self->to.device, BAR(4), 0, PAGE, PROT_READ);

	ASSERT_NE(MAP_FAILED, area);
	EXPECT_EQ(-EFAULT,
		  dma_map(self->from.container, area, MB, PAGE, DMA_RW));
	EXPECT_EQ(0, dma_map(self->from.container, area, MB, PAGE,
			     VFIO_DMA_MAP_FLAG_READ));
	EXPECT_READ("00000000", MB, 4);
	EXPECT_EQ(-EACCES,
		  testdev_cmd(&self->from_td, "dma-write 0x%lx 11", MB));
	munmap(area, PAGE);
}

/* DMA to registers is a sequence of accesses to the other device. */
TEST_F(foreign, dma_to_trapped_registers_reaches_their_server)
{
	static const struct testdev_access expected[] = {
		{ 'p', 0, TESTDEV_REG_MEMORY + 0x13, 1, 0xa1 },
		{ 'p', 0, TESTDEV_REG_MEMORY + 0x14, 4, 0xa5a4a3a2 },
		{ 'p', 0, TESTDEV_REG_MEMORY + 0x18, 8, 0xadacabaaa9a8a7a6 },
		{ 'p', 0, TESTDEV_REG_MEMORY + 0x20, 2, 0xafae },
		{ 'r', 0, TESTDEV_REG_ID, 4, 0 },
	};
	struct testdev_access acc;
	unsigned int i;

	MAP(self->bar0, MB, TESTDEV_BAR0_SIZE);
	/* No memory counts as locked, and the server gets no file. */
	EXPECT_EQ(self->locked, res_locked());
	EXPECT_GT(0, testdev_cmd(&self->from_td, "dma-ptr 0x%lx", MB));

	EXPECT_EQ(0,
		  testdev_cmd(&self->from_td,
			      "dma-write 0x%lx a1a2a3a4a5a6a7a8a9aaabacadaeaf",
			      MB + TESTDEV_REG_MEMORY + 0x13));
	EXPECT_READ("55564454", MB + TESTDEV_REG_ID, 4);
	ASSERT_EQ(5, testdev_log_count(&self->to_td));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, testdev_log_get(&self->to_td, i, &acc));
		EXPECT_EQ(expected[i].dir, acc.dir);
		EXPECT_EQ(expected[i].region, acc.region);
		EXPECT_EQ(expected[i].offset, acc.offset);
		EXPECT_EQ(expected[i].size, acc.size);
		EXPECT_EQ(expected[i].value, acc.value);
	}
	/* The consumer sees the same registers. */
	EXPECT_EQ(0xa6, (unsigned char)self->bar0[TESTDEV_REG_MEMORY + 0x18]);
	UNMAP(MB, TESTDEV_BAR0_SIZE);
	EXPECT_NO_READ(EFAULT, MB);
}

/* A BAR of areas and registers, in one DMA across the border. */
TEST_F(foreign, dma_may_cover_areas_and_registers)
{
	const unsigned long border = TESTDEV_AREA0_OFFSET + TESTDEV_AREA0_SIZE;

	MAP(self->bar2, MB, TESTDEV_BAR2_SIZE);
	EXPECT_EQ(self->locked +
			  (TESTDEV_AREA0_SIZE + TESTDEV_AREA1_SIZE) / 1024,
		  res_locked());
	EXPECT_EQ(0, testdev_cmd(&self->from_td,
				 "dma-write 0x%lx 0102030405060708",
				 MB + border - 4));
	EXPECT_EQ(0x04030201,
		  testdev_num(&self->to_td, "peek 2 0x%lx 4", border - 4));
	EXPECT_EQ(0x08070605,
		  testdev_num(&self->to_td, "peek 2 0x%lx 4", border));
	EXPECT_READ("0102030405060708", MB + border - 4, 8);
	/* One store and one load; the area is memory. */
	EXPECT_EQ(2, testdev_log_count(&self->to_td));
}

/* One DMA covers memory, then the registers that are mapped next to it. */
TEST_F(foreign, dma_may_cover_memory_and_registers)
{
	uint32_t *mem = mem_anon(PAGE);

	ASSERT_NE(NULL, mem);
	ASSERT_EQ(0, testdev_cmd(&self->from_td, "strip-fds 1"));
	MAP(mem, MB - PAGE, PAGE);
	MAP(self->bar0, MB, PAGE);
	mem[PAGE / 4 - 1] = 0x04030201;
	RAW_READ(RAW_ASKED, MB - 4, 8);
	EXPECT_EQ(0, READ_RESULT());
	EXPECT_EQ(1, testdev_log_count(&self->to_td));
	UNMAP(MB - PAGE, PAGE);
	RAW_READ(RAW_ASKED, MB - 4, 8);
	EXPECT_EQ(EFAULT, READ_RESULT());
	EXPECT_EQ(1, testdev_log_count(&self->to_td));
	munmap(mem, PAGE);
}

TEST_F(foreign, dma_to_a_doorbell_signals_its_ioeventfd)
{
	char *bar3 = map_bar(self->to.device, 3, TESTDEV_BAR3_SIZE);

	ASSERT_NE(MAP_FAILED, bar3);
	MAP(bar3, MB, TESTDEV_BAR3_SIZE);
	testdev_num(&self->to_td, "doorbell 0 0");
	testdev_num(&self->to_td, "doorbell 1 0");
	EXPECT_EQ(0, testdev_cmd(&self->from_td, "dma-write 0x%lx 01000000",
				 MB + TESTDEV_DB_ANY));
	EXPECT_EQ(1, testdev_num(&self->to_td, "doorbell 0 %d", SOON_MS / 2));
	/* This doorbell wants the value TESTDEV_DB_MATCH1. */
	EXPECT_EQ(0, testdev_cmd(&self->from_td, "dma-write 0x%lx 3412",
				 MB + TESTDEV_DB_MATCH));
	EXPECT_EQ(1, testdev_num(&self->to_td, "doorbell 1 %d", SOON_MS / 2));
	EXPECT_EQ(0, testdev_log_count(&self->to_td));
	munmap(bar3, TESTDEV_BAR3_SIZE);
}

/* A server that waits for its DMA may not answer an access meanwhile. */
TEST_F(foreign, dma_of_a_device_to_its_own_registers_is_refused)
{
	char *own = map_bar(self->from.device, 0, PAGE);

	ASSERT_NE(MAP_FAILED, own);
	MAP(own, MB, PAGE);
	EXPECT_NO_READ(EDEADLK, MB);
	EXPECT_EQ(0, mdev_wait(self->from_td.uuid, "state", "open", 0));
	munmap(own, PAGE);
}

/* Only what the consumer has mapped is accessible. */
TEST_F(foreign, unmapped_registers_cannot_be_accessed)
{
	MAP(self->bar0, MB, TESTDEV_BAR0_SIZE);
	EXPECT_READ("55564454", MB, 4);
	munmap(self->bar0 + PAGE, PAGE);
	EXPECT_READ("55564454", MB, 4);
	EXPECT_NO_READ(EFAULT, MB + PAGE);
	EXPECT_READ("00000000", MB + 2 * PAGE, 4);
	/* A new mapping at the same address changes nothing. */
	ASSERT_EQ(self->bar0 + PAGE,
		  mmap(self->bar0 + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED,
		       self->to.device,
		       region_offset(self->to.device, BAR(0)) + PAGE));
	EXPECT_NO_READ(EFAULT, MB + PAGE);
	UNMAP(MB, TESTDEV_BAR0_SIZE);
	MAP(self->bar0, MB, TESTDEV_BAR0_SIZE);
	EXPECT_READ("00000000", MB + PAGE, 4);
}

/* Not in physical_test.c: 6.1 itself warns when registers of vfio-pci are moved. */
TEST_F(foreign, moved_registers_cannot_be_accessed)
{
	void *to = mmap(NULL, TESTDEV_BAR0_SIZE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, to);
	MAP(self->bar0, MB, TESTDEV_BAR0_SIZE);
	ASSERT_EQ(to, mremap(self->bar0, TESTDEV_BAR0_SIZE, TESTDEV_BAR0_SIZE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	self->bar0 = to;
	EXPECT_NO_READ(EFAULT, MB);
	EXPECT_EQ(TESTDEV_ID, *(volatile uint32_t *)self->bar0);
}

TEST_F(foreign, registers_of_a_closed_device_cannot_be_accessed)
{
	MAP(self->bar0, MB, TESTDEV_BAR0_SIZE);
	close_to(self);
	EXPECT_NO_READ(EFAULT, MB);
	/* Another consumer opens the device; it is not reached either. */
	ASSERT_EQ(0, vfio_dev_open(&self->to, self->to_td.uuid,
				   VFIO_TYPE1v2_IOMMU));
	EXPECT_NO_READ(EFAULT, MB);
	UNMAP(MB, TESTDEV_BAR0_SIZE);
}

TEST_F(foreign, dma_to_a_lost_device_fails)
{
	MAP(self->bar0, MB, TESTDEV_BAR0_SIZE);
	testdev_kill(&self->to_td);
	ASSERT_EQ(0, mdev_wait(self->to_td.uuid, "state", "lost", SOON_MS));
	EXPECT_NO_READ(EIO, MB);
	EXPECT_EQ(0, mdev_wait(self->from_td.uuid, "state", "open", 0));
}

TEST_F(foreign, access_that_the_other_server_refuses_fails)
{
	MAP(self->bar0, MB, TESTDEV_BAR0_SIZE);
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "fail read %d 1", EPERM));
	EXPECT_NO_READ(EIO, MB);
	EXPECT_READ("55564454", MB, 4);
}

/* Starts a DMA_READ of @len bytes of registers whose server does not answer. */
#define START_READ_OF(len)                                            \
	do {                                                          \
		MAP(self->bar0, MB, PAGE);                            \
		ASSERT_EQ(0, testdev_cmd(&self->to_td, "hold read")); \
		RAW_READ(RAW_ASKED, MB, len);                         \
		ASSERT_EQ(0, testdev_cmd(&self->to_td, "held 1"));    \
	} while (0)
#define START_READ() START_READ_OF(4)

/* The kernel does not wait for the other server where it reads the socket. */
TEST_F(foreign, device_works_while_its_dma_waits_for_another_server)
{
	uint32_t *mem = mem_anon(PAGE), id = 0;

	ASSERT_NE(NULL, mem);
	mem[0] = 0x64726f77;
	ASSERT_EQ(0, testdev_cmd(&self->from_td, "strip-fds 1"));
	MAP(mem, 2 * MB, PAGE);
	START_READ();
	EXPECT_EQ(0, region_get(self->from.device, BAR(0), TESTDEV_REG_ID, &id,
				4));
	EXPECT_EQ(TESTDEV_ID, id);
	/* DMA to memory is served meanwhile. */
	EXPECT_READ("776f7264", 2 * MB, 4);
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "release"));
	EXPECT_EQ(0, READ_RESULT());
	UNMAP(2 * MB, PAGE);
}

TEST_F(foreign, at_most_64_commands_wait)
{
	long long result;
	unsigned int i;

	MAP(self->bar0, MB, PAGE);
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "hold read"));
	for (i = 0; i < MAX_COMMANDS; i++)
		RAW_READ(RAW_SILENT, MB, 4);
	RAW_READ(RAW_ASKED, MB, 4);
	EXPECT_EQ(EBUSY, READ_RESULT());
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "held 1"));
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "release"));
	/* All of them are served, in order.  The first one frees a place in the list. */
	do {
		RAW_READ(RAW_ASKED, MB, 4);
		result = READ_RESULT();
	} while (result == EBUSY);
	EXPECT_EQ(0, result);
	EXPECT_EQ(MAX_COMMANDS + 1, testdev_log_count(&self->to_td));
}

struct unmap {
	int container;
	int result;
	atomic_int tid;
	atomic_bool done;
};

static void *unmap_thread(void *arg)
{
	struct unmap *u = arg;

	u->tid = syscall(SYS_gettid);
	u->result = dma_unmap(u->container, MB, PAGE, 0, NULL);
	u->done = true;
	return NULL;
}

/* After UNMAP_DMA, no DMA reaches what was mapped. */
TEST_F(foreign, unmap_waits_for_an_access_in_flight)
{
	struct unmap u = { .container = self->from.container };
	pthread_t thread;

	START_READ();
	ASSERT_EQ(0, pthread_create(&thread, NULL, unmap_thread, &u));
	/* The mapping is gone for new DMA, and the call still waits. */
	while (testdev_num(&self->from_td, "dma-count"))
		;
	poll(NULL, 0, QUIET_MS);
	EXPECT_FALSE(u.done);
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "release"));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, u.result);
	EXPECT_EQ(0, READ_RESULT());
}

/* Waits until the thread of UNMAP_DMA waits for an access in flight. */
static int unmap_wait(struct unmap *u)
{
	while (!u->tid)
		sched_yield();
	return task_wait_in(u->tid, "vuser_foreign_", SOON_MS);
}

/* Each UNMAP_DMA of a range has this guarantee, not only the first. */
TEST_F(foreign, second_unmap_waits_for_an_access_in_flight)
{
	struct unmap u[2] = { { .container = self->from.container },
			      { .container = self->from.container } };
	pthread_t thread[2];

	START_READ();
	ASSERT_EQ(0, pthread_create(&thread[0], NULL, unmap_thread, &u[0]));
	EXPECT_EQ(0, unmap_wait(&u[0]));
	ASSERT_EQ(0, pthread_create(&thread[1], NULL, unmap_thread, &u[1]));
	poll(NULL, 0, QUIET_MS);
	EXPECT_FALSE(u[1].done);
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "release"));
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	EXPECT_EQ(0, u[0].result);
	EXPECT_EQ(0, u[1].result);
}

/* A DMA of 16 bytes is two accesses: UNMAP_DMA does not wait for the second. */
TEST_F(foreign, unmap_ends_dma_after_one_access)
{
	struct unmap u = { .container = self->from.container };
	pthread_t thread;

	START_READ_OF(16);
	ASSERT_EQ(0, pthread_create(&thread, NULL, unmap_thread, &u));
	EXPECT_EQ(0, unmap_wait(&u));
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "release"));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, u.result);
	EXPECT_EQ(EFAULT, READ_RESULT());
	EXPECT_EQ(1, testdev_log_count(&self->to_td));
}

TEST_F(foreign, munmap_ends_dma_after_one_access)
{
	START_READ_OF(16);
	ASSERT_EQ(0, munmap(self->bar0, PAGE));
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "release"));
	EXPECT_EQ(EFAULT, READ_RESULT());
	EXPECT_EQ(1, testdev_log_count(&self->to_td));
}

/* The time for one DMA is limited, however many accesses it needs. */
TEST_F(foreign, dma_ends_when_its_time_is_over)
{
	ASSERT_EQ(0, mdev_set(self->from_td.uuid, "request_timeout_ms", "100"));
	START_READ_OF(16);
	poll(NULL, 0, 200);
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "release"));
	EXPECT_EQ(EIO, READ_RESULT());
	EXPECT_EQ(1, testdev_log_count(&self->to_td));
	EXPECT_EQ(0, mdev_wait(self->from_td.uuid, "state", "open", 0));
	ASSERT_EQ(0,
		  mdev_set(self->from_td.uuid, "request_timeout_ms", "10000"));
}

/* A close or a reset in another thread, while the DMA of the device waits. */
struct end {
	struct vfio_dev *dev;
	int result;
	atomic_bool done;
};

static void *close_thread(void *arg)
{
	struct end *end = arg;

	vfio_dev_close(end->dev);
	end->done = true;
	return NULL;
}

static void *reset_thread(void *arg)
{
	struct end *end = arg;

	end->result = ioctl(end->dev->device, VFIO_DEVICE_RESET) ? -errno : 0;
	end->done = true;
	return NULL;
}

/* DMA of one consumer's time does not go on in that of the next consumer. */
TEST_F(foreign, close_waits_for_dma_and_drops_what_is_queued)
{
	struct end end = { .dev = &self->from };
	pthread_t thread;

	START_READ();
	RAW_READ(RAW_SILENT, MB, 4);
	ASSERT_EQ(0, pthread_create(&thread, NULL, close_thread, &end));
	while (testdev_num(&self->from_td, "dma-count"))
		;
	poll(NULL, 0, QUIET_MS);
	EXPECT_FALSE(end.done);
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "release"));
	pthread_join(thread, NULL);
	EXPECT_EQ(1, testdev_log_count(&self->to_td));
	EXPECT_EQ(0, mdev_wait(self->from_td.uuid, "state", "attached", 0));
}

TEST_F(foreign, close_with_dma_that_does_not_end_loses_the_server)
{
	long long start;

	ASSERT_EQ(0, mdev_set(self->from_td.uuid, "close_timeout_ms", "300"));
	START_READ_OF(16);
	RAW_READ(RAW_SILENT, MB, 4);
	start = clock_ms();
	vfio_dev_close(&self->from);
	EXPECT_GT(SOON_MS / 2, clock_ms() - start);
	/* vuserd attaches the server again; the old DMA stays without effect. */
	ASSERT_EQ(0, mdev_set(self->from_td.uuid, "close_timeout_ms", "10000"));
	ASSERT_EQ(0,
		  mdev_wait(self->from_td.uuid, "state", "attached", SOON_MS));
	ASSERT_EQ(0, vfio_dev_open(&self->from, self->from_td.uuid,
				   VFIO_TYPE1v2_IOMMU));
	MAP(self->bar0, MB, PAGE);
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "release"));
	EXPECT_READ("55564454", MB, 4);
	EXPECT_EQ(2, testdev_log_count(&self->to_td));
}

TEST_F(foreign, reset_waits_for_dma_and_drops_what_is_queued)
{
	struct end end = { .dev = &self->from };
	long long resets = testdev_num(&self->from_td, "count reset");
	pthread_t thread;

	START_READ();
	RAW_READ(RAW_SILENT, MB, 4);
	ASSERT_EQ(0, pthread_create(&thread, NULL, reset_thread, &end));
	ASSERT_EQ(0,
		  testdev_cmd(&self->from_td, "wait reset %lld", resets + 1));
	poll(NULL, 0, QUIET_MS);
	EXPECT_FALSE(end.done);
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "release"));
	pthread_join(thread, NULL);
	EXPECT_EQ(0, end.result);
	/* The device works, and so does its DMA. */
	EXPECT_READ("55564454", MB, 4);
	EXPECT_EQ(2, testdev_log_count(&self->to_td));
}

/* The consumer of the other device can always close it. */
TEST_F(foreign, close_ends_an_access_in_flight)
{
	long long start;

	ASSERT_EQ(0, mdev_set(self->to_td.uuid, "close_timeout_ms", "300"));
	START_READ();
	start = clock_ms();
	close_to(self);
	EXPECT_GT(SOON_MS / 2, clock_ms() - start);
	EXPECT_EQ(EIO, READ_RESULT());
	EXPECT_EQ(0, mdev_wait(self->from_td.uuid, "state", "open", 0));
	UNMAP(MB, PAGE);
}

/* The device that makes the access goes first. */
TEST_F(foreign, server_may_be_lost_while_its_dma_waits)
{
	START_READ();
	testdev_kill(&self->from_td);
	ASSERT_EQ(0, mdev_wait(self->from_td.uuid, "state", "lost", SOON_MS));
	ASSERT_EQ(0, testdev_cmd(&self->to_td, "release"));
	vfio_dev_close(&self->from);
	EXPECT_EQ(TESTDEV_ID, *(volatile uint32_t *)self->bar0);
}

/* Sizes ---------------------------------------------------------------------- */

/* Nothing is allocated for a range that the consumer has not mapped. */
TEST_F(foreign, range_beyond_the_mapping_is_refused)
{
	/* More pages than the kernel could watch. */
	EXPECT_EQ(-EFAULT, dma_map(self->from.container, self->bar0, 0,
				   1UL << 44, DMA_RW));
	EXPECT_EQ(-EFAULT, dma_map(self->from.container, self->bar0, 0,
				   TESTDEV_BAR0_SIZE + 16 * PAGE, DMA_RW));
}

/* The kernel needs a bit for each trapped page: pages of bits count as locked. */
TEST_F(foreign, large_trapped_mapping_counts_as_locked)
{
	static const char *const args[] = { "--areas=file",
					    "--bar4-size=0x10000000", NULL };
	const size_t size = 0x10000000;
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct testdev td;
	char *bar4;

	ASSERT_EQ(0, testdev_start(&td, args));
	ASSERT_EQ(0, vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU));
	bar4 = map_bar(dev.device, 4, size);
	ASSERT_NE(MAP_FAILED, bar4);
	MAP(bar4, 0, size);
	EXPECT_EQ(self->locked + 2 * PAGE / 1024, res_locked());
	UNMAP(0, size);
	EXPECT_EQ(self->locked, res_locked());
	munmap(bar4, size);
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

/* Signals -------------------------------------------------------------------- */

static void handle_signal(int signal)
{
}

/* A MAP_DMA that a child makes while a signal is pending. */
struct signalled {
	int container;
	void *first; /* mapped before, without a signal; or NULL */
	void *addr;
	size_t size;
};

static void signalled_child(const struct signalled *s)
{
	int ret = 0;

	signal(SIGUSR1, handle_signal);
	if (s->first)
		ret = dma_map(s->container, s->first, 0, PAGE, DMA_RW);
	if (ret || ptrace(PTRACE_TRACEME, 0, 0, 0) || raise(SIGSTOP))
		_exit(255);
	_exit(-dma_map(s->container, s->addr, MB, s->size, DMA_RW));
}

/* Lets the child run to its next ioctl(), and sends the signal in this call. */
static int signal_in_ioctl(pid_t pid)
{
	struct user_regs_struct regs;
	int status;

	for (;;) {
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
		    ptrace(PTRACE_GETREGS, pid, 0, &regs))
			return -1;
		if (regs.orig_rax == SYS_ioctl)
			return ptrace(PTRACE_DETACH, pid, 0, SIGUSR1);
		if (ptrace(PTRACE_SYSCALL, pid, 0, 0))
			return -1;
	}
}

/* Makes the MAP_DMA; its errno, or -ETIMEDOUT if it does not end. */
static int map_with_signal(const struct signalled *s)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		signalled_child(s);
	status = signal_in_ioctl(pid) ? -ECHILD : task_wait_end(pid, SOON_MS);
	if (status >= 0)
		return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return status;
}

/* The first watch in a process takes locks that a signal interrupts. */
TEST_F(foreign, map_of_registers_goes_on_after_a_signal)
{
	const struct signalled s = {
		.container = self->from.container,
		.addr = self->bar0,
		.size = TESTDEV_BAR0_SIZE,
	};

	EXPECT_EQ(0, map_with_signal(&s));
	UNMAP(MB, TESTDEV_BAR0_SIZE);
}

/* A signal interrupts the allocation of huge pages. */
TEST_F(foreign, map_of_huge_pages_goes_on_after_a_signal)
{
	static const char *const args[] = { "--areas=hugetlb", NULL };
	struct vfio_dev dev = VFIO_DEV_INIT;
	struct signalled s = {
		.container = self->from.container,
		.first = self->bar0,
		.size = TESTDEV_BAR4_SIZE,
	};
	struct testdev td;

	ASSERT_EQ(0, testdev_start(&td, args));
	ASSERT_EQ(0, vfio_dev_open(&dev, td.uuid, VFIO_TYPE1v2_IOMMU));
	s.addr = map_bar(dev.device, 4, TESTDEV_BAR4_SIZE);
	ASSERT_NE(MAP_FAILED, s.addr);
	EXPECT_EQ(0, map_with_signal(&s));
	dma_unmap(self->from.container, 0, 2 * MB, 0, NULL);
	munmap(s.addr, TESTDEV_BAR4_SIZE);
	vfio_dev_close(&dev);
	testdev_stop(&td);
}

/* iommufd -------------------------------------------------------------------- */

#ifdef HAVE_IOMMUFD

/* A page that is missing until the descriptor is closed, or -errno. */
static int missing_page(void *page)
{
	struct uffdio_register reg = { .range = { (uintptr_t)page, PAGE },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, UFFDIO_API, &api) && !ioctl(fd, UFFDIO_REGISTER, &reg))
		return fd;
	close(fd);
	return -EINVAL;
}

/*
 * The server that is accessed makes DMA to a missing page of its own consumer.  The
 * access must not serve that DMA: it would wait for the page.
 */
TEST_F(foreign, access_does_not_wait_for_missing_memory)
{
	struct pollfd fault = { .events = POLLIN };
	int iommufd, device, result;
	void *page = mem_anon(PAGE), *bar0;
	struct testdev td;
	uint32_t ioas;

	iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (iommufd < 0)
		SKIP(return, "no /dev/iommu: CONFIG_IOMMUFD is not set");
	ASSERT_NE(NULL, page);
	fault.fd = missing_page(page);
	if (fault.fd == -ENOSYS)
		SKIP(return, "this kernel has no userfaultfd");
	ASSERT_LE(0, fault.fd);
	ASSERT_EQ(0, testdev_start(&td, NULL));
	ASSERT_EQ(0, mdev_set(td.uuid, "request_timeout_ms", "2000"));
	device = cdev_open(td.uuid);
	ASSERT_LE(0, device);
	ASSERT_EQ(0, cdev_bind(device, iommufd));
	ASSERT_EQ(0, ioas_alloc(iommufd, &ioas));
	ASSERT_EQ(0, cdev_attach(device, ioas));
	ASSERT_EQ(0,
		  ioas_map(iommufd, ioas, page, 0, PAGE, ACCESS_R | ACCESS_W));
	bar0 = map_bar(device, 0, PAGE);
	ASSERT_NE(MAP_FAILED, bar0);
	MAP(bar0, MB, PAGE);

	ASSERT_EQ(0, testdev_cmd(&td, "hold read"));
	RAW_READ(RAW_ASKED, MB, 4);
	ASSERT_EQ(0, testdev_cmd(&td, "held 1"));
	ASSERT_EQ(0, raw_read(&td, RAW_SILENT, 0, 4));
	ASSERT_EQ(1, poll(&fault, 1, SOON_MS));
	/* The time for the answer is over. */
	result = READ_RESULT();
	EXPECT_EQ(EIO, result);
	/* If the access still ran, UNMAP_DMA would wait for the page, too. */
	if (result == EIO)
		EXPECT_EQ(0,
			  dma_unmap(self->from.container, MB, PAGE, 0, NULL));
	close(fault.fd);
	munmap(bar0, PAGE);
	close(device);
	close(iommufd);
	testdev_stop(&td);
	munmap(page, PAGE);
}

#endif

HELPER_MAIN
