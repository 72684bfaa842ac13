// SPDX-License-Identifier: GPL-2.0
/* The bitmap of the log of writes. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../devices/vhost/log.h"
#include "../harness.h"

#define PAGE UINT64_C(4096)
/* The address range that one page of the log covers. */
#define SPAN (PAGE * 8 * PAGE)

static struct vhost_log log_;

static void start(uint64_t end, uint64_t size)
{
	check_eq(vhost_log_start(&log_, end), 0);
	require(vhost_log_on(&log_));
	check_eq(log_.size, size);
}

/* Take the bits of 64 pages from @iova on. */
static uint64_t take(uint64_t iova)
{
	uint64_t bitmap = 0;

	vhost_log_take(&log_, iova, 64 * PAGE, PAGE, &bitmap);
	return bitmap;
}

TEST(log_size_covers_the_given_end)
{
	struct vhost_log none = { 0 };

	start(0, PAGE);
	vhost_log_stop(&log_);
	check(!vhost_log_on(&log_));
	vhost_log_stop(&log_);
	start(1, PAGE);
	vhost_log_stop(&log_);
	start(SPAN, PAGE);
	vhost_log_stop(&log_);
	start(SPAN + 1, 2 * PAGE);
	vhost_log_stop(&log_);
	start(VHOST_LOG_END, VHOST_LOG_MAX);
	vhost_log_stop(&log_);
	check_eq(vhost_log_start(&none, VHOST_LOG_END + 1), -E2BIG);
	check_eq(vhost_log_start(&none, UINT64_MAX), -E2BIG);
	check(!vhost_log_on(&none));
	/* Without a log, marking has no effect. */
	vhost_log_mark(&none, 0, PAGE);
}

TEST(marked_pages_are_taken_once)
{
	start(SPAN, PAGE);
	vhost_log_mark(&log_, 0, 0);
	check_eq(take(0), 0);
	vhost_log_mark(&log_, 0, 1);
	vhost_log_mark(&log_, 3 * PAGE + 4095, 2);
	vhost_log_mark(&log_, 63 * PAGE, PAGE);
	check_eq(log_.map[0], UINT64_C(0x8000000000000019));
	check_eq(take(0), UINT64_C(0x8000000000000019));
	check_eq(take(0), 0);
	/* Across words; only the requested bits are taken. */
	vhost_log_mark(&log_, 60 * PAGE, 80 * PAGE);
	check_eq(take(32 * PAGE), UINT64_C(0xfffffffff0000000));
	check_eq(log_.map[1], UINT64_C(0xffffffff00000000));
	check_eq(take(96 * PAGE), UINT64_C(0x00000fffffffffff));
	check_eq(take(64 * PAGE), 0);
	check_eq(log_.map[0] | log_.map[1] | log_.map[2], 0);
	vhost_log_stop(&log_);
}

TEST(larger_page_size_combines_bits)
{
	uint64_t bitmap[2] = { 0 };

	start(SPAN, PAGE);
	vhost_log_mark(&log_, 5 * PAGE, 1);
	vhost_log_mark(&log_, 6 * PAGE, 1);
	vhost_log_mark(&log_, (5 + 4 * 64) * PAGE, 1);
	/* Units of four pages from page 5 on: 5 to 8, and so on. */
	vhost_log_take(&log_, 5 * PAGE, 4 * 65 * PAGE, 4 * PAGE, bitmap);
	check_eq(bitmap[0], 1);
	check_eq(bitmap[1], 1);
	vhost_log_stop(&log_);
}

TEST(marks_outside_of_the_log_are_ignored)
{
	uint64_t bitmap = 0;

	start(SPAN, PAGE);
	vhost_log_mark(&log_, SPAN, PAGE);
	vhost_log_mark(&log_, UINT64_MAX - 4095, PAGE);
	vhost_log_mark(&log_, SPAN - PAGE, UINT64_MAX - SPAN);
	check_eq(take(SPAN - PAGE), 1);
	check_eq(take(SPAN), 0);
	/* A range that wraps ends at the end of the log. */
	vhost_log_mark(&log_, SPAN - PAGE, UINT64_MAX);
	check_eq(take(SPAN - PAGE), 1);
	vhost_log_take(&log_, UINT64_MAX - 4095, PAGE, PAGE, &bitmap);
	check_eq(bitmap, 0);
	vhost_log_stop(&log_);
}

TEST(grown_log_keeps_its_bits)
{
	uint64_t *other;

	start(SPAN, PAGE);
	vhost_log_mark(&log_, PAGE, 1);
	check_eq(vhost_log_grow(&log_, SPAN), 0);
	check_eq(log_.size, PAGE);
	check_eq(vhost_log_grow(&log_, 100 * SPAN), 0);
	check_eq(log_.size, 100 * PAGE);
	vhost_log_mark(&log_, 99 * SPAN, 1);
	check_eq(take(0), 2);
	check_eq(take(99 * SPAN), 1);
	check_eq(vhost_log_grow(&log_, VHOST_LOG_END + 1), -E2BIG);
	check_eq(log_.size, 100 * PAGE);
	/* A process with the file can write it, but not truncate it. */
	check_eq(ftruncate(log_.fd, PAGE), -1);
	other = mmap(NULL, log_.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		     log_.fd, 0);
	require(other != MAP_FAILED);
	other[0] = 4;
	check_eq(take(0), 4);
	check_eq(other[0], 0);
	munmap(other, log_.size);
	vhost_log_stop(&log_);
}

#define ROUNDS 500

static bool done;

static void *set_bits(void *arg)
{
	unsigned char *bytes = arg;
	unsigned int i;

	/* Set each bit once, by bytes as back ends do. */
	for (i = 0; i < 8 * PAGE; i++)
		__atomic_fetch_or(&bytes[i / 8], 1 << i % 8, __ATOMIC_ACQ_REL);
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Bits set while others are taken must not be lost. */
TEST(concurrent_marks_are_not_lost)
{
	static uint64_t seen[PAGE / 8];
	unsigned int round, i, lost = 0;
	pthread_t thread;

	start(SPAN, PAGE);
	for (round = 0; round < ROUNDS; round++) {
		memset(seen, 0, sizeof(seen));
		done = false;
		require(!pthread_create(&thread, NULL, set_bits, log_.map));
		while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
			vhost_log_take(&log_, 0, SPAN, PAGE, seen);
		pthread_join(thread, NULL);
		vhost_log_take(&log_, 0, SPAN, PAGE, seen);
		for (i = 0; i < PAGE / 8; i++)
			lost += seen[i] != UINT64_MAX;
	}
	check_eq(lost, 0);
	vhost_log_stop(&log_);
}
