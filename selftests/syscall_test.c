// SPDX-License-Identifier: GPL-2.0
/*
 * System calls that reach for mapped regions of the caller: those that read and write
 * memory on its behalf, and those that manage its mappings.
 */
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "lib/consumer.h"
#include "lib/fault.h"

#define MEM  TESTDEV_REG_MEMORY
#define PAGE 0x1000UL

/* The device, a mapping of registers that trap, and one of a shared area. */
FIXTURE(mapped)
{
	struct vfio_dev dev;
	volatile uint32_t *trapped;
	volatile uint32_t *area;
};

FIXTURE_SETUP(mapped)
{
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	ASSERT_EQ(0, testdev_cmd(&shared, "restore"));
	self->trapped = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, self->trapped);
	self->trapped += MEM / 4;
	self->area = region_mmap(self->dev.device, BAR(4), 0, TESTDEV_BAR4_SIZE,
				 PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->area);
	*self->area = 0x1234;
	*self->trapped = 0x5678;
	ASSERT_EQ(0x5678, *self->trapped);
	ASSERT_EQ(0, testdev_log_clear(&shared));
}

/* No system call has reached the registers, and both mappings still work. */
FIXTURE_TEARDOWN(mapped)
{
	EXPECT_EQ(0, testdev_log_count(&shared));
	EXPECT_EQ(0x5678, *self->trapped);
	EXPECT_EQ(0x1234, *self->area);
	munmap((char *)self->trapped - MEM, TESTDEV_BAR0_SIZE);
	munmap((void *)self->area, TESTDEV_BAR4_SIZE);
	vfio_dev_close(&self->dev);
}

/* futex ---------------------------------------------------------------------- */

static int futex(volatile uint32_t *addr, int op, uint32_t val)
{
	struct timespec timeout = {};

	return syscall(SYS_futex, addr, op, val, &timeout, addr, 0) < 0 ?
		       -errno :
		       0;
}

/*
 * The kernel reads the word, which it cannot do while the accesses trap.  A futex that
 * processes share is named by its page, which a mapped region does not have.
 */
TEST_F(mapped, futex_works_only_within_a_process_and_on_shared_pages)
{
	static const int ops[] = { FUTEX_WAIT, FUTEX_LOCK_PI,
				   FUTEX_TRYLOCK_PI };
	unsigned int i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		EXPECT_EQ(-EFAULT, futex(self->trapped, ops[i], 0))
		TH_LOG("%u", i);
		EXPECT_EQ(-EFAULT,
			  futex(self->trapped, ops[i] | FUTEX_PRIVATE_FLAG, 0))
		TH_LOG("%u", i);
		EXPECT_EQ(-EFAULT, futex(self->area, ops[i], 0))
		TH_LOG("%u", i);
	}
	/* The kernel reads another value than 0. */
	EXPECT_EQ(-EAGAIN,
		  futex(self->area, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0));
	EXPECT_EQ(0, futex(self->area, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1));
}

/* A thread that ends stores to addresses that it has registered with the kernel. */
TEST_F(mapped, exiting_thread_does_not_store_to_registered_trapped_addresses)
{
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		syscall(SYS_set_tid_address, self->trapped);
		syscall(SYS_set_robust_list, self->trapped, 24);
		syscall(SYS_exit, 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Copies by the kernel ------------------------------------------------------- */

TEST_F(mapped, read_and_write_reach_shared_pages_only)
{
	int pipes[2];

	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	EXPECT_EQ(-1, write(pipes[1], (void *)self->trapped, 4));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_EQ(4, write(pipes[1], (void *)self->area, 4));
	EXPECT_EQ(-1, read(pipes[0], (void *)self->trapped, 4));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(4, read(pipes[0], (void *)self->area, 4));
	close(pipes[0]);
	close(pipes[1]);
}

/* What takes references to pages finds none in a mapped region. */
TEST_F(mapped, pages_cannot_be_referenced)
{
	void *addrs[2] = { (void *)self->trapped, (void *)self->area };
	int i, status, pipes[2], node = 0;
	long locked = res_locked();
	unsigned char vec;
	struct iovec iov;

	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	for (i = 0; i < 2; i++) {
		iov = (struct iovec) { addrs[i], PAGE };
		EXPECT_EQ(-1, vmsplice(pipes[1], &iov, 1, 0)) TH_LOG("%d", i);
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(-1, process_vm_readv(getpid(), &iov, 1, &iov, 1, 0));
		EXPECT_EQ(EFAULT, errno);
		status = 0;
		if (!syscall(SYS_move_pages, 0, 1, &addrs[i], &node, &status,
			     0)) {
			EXPECT_GT(0, status) TH_LOG("%d", i);
		}
		mlock(addrs[i], PAGE);
		EXPECT_EQ(locked, res_locked());
		EXPECT_EQ(0, mincore((void *)((uintptr_t)addrs[i] & -PAGE),
				     PAGE, &vec));
	}
	close(pipes[0]);
	close(pipes[1]);
}

/* io_uring ------------------------------------------------------------------- */

struct ring {
	int fd;
	struct io_uring_params p;
	char *rings;
	struct io_uring_sqe *sqes;
};

static int ring_open(struct ring *ring)
{
	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(SYS_io_uring_setup, 4, &ring->p);
	if (ring->fd < 0)
		return -errno;
	ring->rings = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			   ring->fd, IORING_OFF_SQ_RING);
	ring->sqes = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  ring->fd, IORING_OFF_SQES);
	return ring->rings == MAP_FAILED || ring->sqes == MAP_FAILED ? -ENOMEM :
								       0;
}

static void ring_close(struct ring *ring)
{
	munmap(ring->rings, PAGE);
	munmap(ring->sqes, PAGE);
	close(ring->fd);
}

/* Does one operation and returns its result. */
static int ring_do(struct ring *ring, int op, int flags, int fd,
		   volatile void *buf, unsigned int len, uint64_t off)
{
	uint32_t *tail = (void *)(ring->rings + ring->p.sq_off.tail);
	uint32_t *array = (void *)(ring->rings + ring->p.sq_off.array);
	uint32_t *head = (void *)(ring->rings + ring->p.cq_off.head);
	struct io_uring_cqe *cqes = (void *)(ring->rings + ring->p.cq_off.cqes);
	unsigned int slot = *tail & (ring->p.sq_entries - 1);
	int ret;

	ring->sqes[slot] = (struct io_uring_sqe) {
		.opcode = op,
		.flags = flags,
		.fd = fd,
		.off = off,
		.addr = (uintptr_t)buf,
		.len = len,
	};
	array[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		return -errno;
	ret = cqes[*head & (ring->p.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return ret;
}

/* In the calling thread, and in a worker of io_uring. */
static const int ring_flags[] = { 0, IOSQE_ASYNC };

TEST_F(mapped, io_uring_buffer_in_trapped_registers_fails)
{
	struct iovec iov[2] = { { (void *)self->trapped, PAGE },
				{ (void *)self->area, PAGE } };
	struct ring ring;
	int i, pipes[2];

	if (ring_open(&ring) == -ENOSYS)
		SKIP(return, "CONFIG_IO_URING is not set");
	ASSERT_LE(0, ring.fd);
	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-EFAULT,
			  ring_do(&ring, IORING_OP_WRITE, ring_flags[i],
				  pipes[1], self->trapped, 4, -1));
		ASSERT_EQ(4, ring_do(&ring, IORING_OP_WRITE, ring_flags[i],
				     pipes[1], self->area, 4, -1));
		EXPECT_EQ(-EFAULT, ring_do(&ring, IORING_OP_READ, ring_flags[i],
					   pipes[0], self->trapped, 4, -1));
		EXPECT_EQ(4, ring_do(&ring, IORING_OP_READ, ring_flags[i],
				     pipes[0], self->area, 4, -1));
		/* Registered buffers are pinned, which both mappings refuse. */
		EXPECT_EQ(-1, syscall(SYS_io_uring_register, ring.fd,
				      IORING_REGISTER_BUFFERS, &iov[i], 1));
		EXPECT_EQ(EFAULT, errno);
	}
	close(pipes[0]);
	close(pipes[1]);
	ring_close(&ring);
}

/* The device's file can be read and written by io_uring, too. */
TEST_F(mapped, io_uring_accesses_regions_through_the_device_file)
{
	uint64_t off = region_offset(self->dev.device, BAR(0));
	uint32_t val = 0;
	struct ring ring;
	unsigned int i;

	if (ring_open(&ring) == -ENOSYS)
		SKIP(return, "CONFIG_IO_URING is not set");
	ASSERT_LE(0, ring.fd);
	for (i = 0; i < 2; i++) {
		val = 0;
		EXPECT_EQ(4, ring_do(&ring, IORING_OP_READ, ring_flags[i],
				     self->dev.device, &val, 4,
				     off + TESTDEV_REG_ID));
		EXPECT_EQ(TESTDEV_ID, val);
		val = 0x1111 + i;
		EXPECT_EQ(4,
			  ring_do(&ring, IORING_OP_WRITE, ring_flags[i],
				  self->dev.device, &val, 4, off + MEM + 64));
		val = 0;
		EXPECT_EQ(4,
			  ring_do(&ring, IORING_OP_READ, ring_flags[i],
				  self->dev.device, &val, 4, off + MEM + 64));
		EXPECT_EQ(0x1111 + i, val);
		/* The buffer is a register of the same device. */
		EXPECT_EQ(-EFAULT, ring_do(&ring, IORING_OP_WRITE,
					   ring_flags[i], self->dev.device,
					   self->trapped, 4, off + MEM + 64));
	}
	ring_close(&ring);
	EXPECT_EQ(6, testdev_log_count(&shared));
	ASSERT_EQ(0, testdev_log_clear(&shared));
}

/* Mappings ------------------------------------------------------------------- */

TEST_F(mapped, userfaultfd_cannot_be_registered)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 && errno == ENOSYS)
		SKIP(return, "CONFIG_USERFAULTFD is not set");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ioctl(fd, UFFDIO_API, &api));
	reg.range.start = (uintptr_t)self->trapped;
	reg.range.len = PAGE;
	EXPECT_EQ(-1, ioctl(fd, UFFDIO_REGISTER, &reg));
	EXPECT_EQ(EINVAL, errno);
	reg.range.start = (uintptr_t)self->area;
	EXPECT_EQ(-1, ioctl(fd, UFFDIO_REGISTER, &reg));
	EXPECT_EQ(EINVAL, errno);
	close(fd);
}

/* Older C libraries do not define these. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define MADV_GUARD_INSTALL_ 102
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

static const struct {
	int advice;
	const char *name;
	bool refused;
} advices[] = {
#define REFUSED(advice)	  { advice, #advice, true }
#define NO_EFFECT(advice) { advice, #advice, false }
	/* they drop, move, merge or write pages */
	REFUSED(MADV_DONTNEED),
	REFUSED(MADV_DONTNEED_LOCKED),
	REFUSED(MADV_FREE),
	REFUSED(MADV_REMOVE),
	REFUSED(MADV_COLD),
	REFUSED(MADV_PAGEOUT),
	REFUSED(MADV_COLLAPSE),
	REFUSED(MADV_WIPEONFORK),
	REFUSED(MADV_HWPOISON),
	REFUSED(MADV_SOFT_OFFLINE),
	REFUSED(MADV_GUARD_INSTALL_),
	/* they bring pages in */
	REFUSED(MADV_POPULATE_READ),
	REFUSED(MADV_POPULATE_WRITE),
	/* a core dump would read registers, a child would lose the mapping's marks */
	REFUSED(MADV_DODUMP),
	REFUSED(MADV_DOFORK),
	NO_EFFECT(MADV_NORMAL),
	NO_EFFECT(MADV_RANDOM),
	NO_EFFECT(MADV_SEQUENTIAL),
	NO_EFFECT(MADV_DONTDUMP),
	NO_EFFECT(MADV_MERGEABLE),
	NO_EFFECT(MADV_UNMERGEABLE),
	NO_EFFECT(MADV_HUGEPAGE),
	NO_EFFECT(MADV_NOHUGEPAGE),
	NO_EFFECT(MADV_WILLNEED),
	NO_EFFECT(MADV_DONTFORK),
};

/* Whether an advice succeeds that has no effect is the kernel's choice. */
TEST_F(mapped, advice_about_pages_is_refused_or_has_no_effect)
{
	unsigned int i;

	for (i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		int trapped =
			madvise((void *)self->trapped, PAGE, advices[i].advice);
		int area = madvise((void *)self->area, PAGE, advices[i].advice);

		if (advices[i].refused) {
			EXPECT_EQ(-1, trapped) TH_LOG("%s", advices[i].name);
			EXPECT_EQ(-1, area) TH_LOG("%s", advices[i].name);
		}
		EXPECT_EQ(0, testdev_log_count(&shared))
		TH_LOG("%s", advices[i].name);
	}
}

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

/* A sealed mapping keeps the device open until the process ends, and no longer. */
TEST_F(mapped, sealed_mapping_ends_with_its_process)
{
	struct vfio_dev dev;
	int status;
	pid_t pid;

	vfio_dev_close(&self->dev);
	munmap((char *)self->trapped - MEM, TESTDEV_BAR0_SIZE);
	munmap((void *)self->area, TESTDEV_BAR4_SIZE);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		volatile uint32_t *bar;
		void *start;

		if (vfio_dev_open(&dev, shared.uuid, VFIO_TYPE1v2_IOMMU))
			_exit(1);
		start = map_bar0(dev.device);
		bar = start;
		if (syscall(SYS_mseal, start, TESTDEV_BAR0_SIZE, 0))
			_exit(errno == ENOSYS ? 77 : 2);
		if (!munmap(start, TESTDEV_BAR0_SIZE) || errno != EPERM)
			_exit(3);
		vfio_dev_close(&dev);
		bar[MEM / 4] = 0x9abc;
		_exit(bar[MEM / 4] != 0x9abc);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	/* The fixture expects an open device. */
	ASSERT_EQ(0,
		  vfio_dev_open(&self->dev, shared.uuid, VFIO_TYPE1v2_IOMMU));
	self->trapped = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, self->trapped);
	self->trapped += MEM / 4;
	self->area = region_mmap(self->dev.device, BAR(4), 0, TESTDEV_BAR4_SIZE,
				 PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->area);
	*self->area = 0x1234;
	*self->trapped = 0x5678;
	EXPECT_EQ(0x5678, *self->trapped);
	ASSERT_EQ(0, testdev_log_clear(&shared));
	if (WEXITSTATUS(status) == 77)
		SKIP(return, "the kernel has no mseal(2)");
	EXPECT_EQ(0, WEXITSTATUS(status));
}

SHARED_MAIN(NULL)
