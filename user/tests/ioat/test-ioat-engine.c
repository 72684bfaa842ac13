// SPDX-License-Identifier: GPL-2.0
/* The copy engine, one descriptor at a time, without its thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vuser/guard.h>

#include "../../devices/ioat/engine.h"
#include "fake-memory.h"
#include "expect.h"

/* B follows A, and D follows C, in IOVA. Between B and C nothing is mapped. */
#define A      0x10000ull
#define B      0x30000ull
#define C      0x100000ull
#define D      0x110000ull
#define HOLE   0x800000ull
#define A_SIZE 0x20000
#define B_SIZE 0x20000
#define C_SIZE 0x10000
#define D_SIZE 0x20000

static struct fake_memory mem;
static struct ioat_engine engine;
static uint32_t chanerr;

static void setup(bool direct_a, bool direct_b)
{
	size_t i;

	if (vuser_guard_init())
		bail("cannot install the SIGBUS handler");
	fake_memory_init(&mem);
	fake_memory_add(&mem, A, A_SIZE, direct_a);
	fake_memory_add(&mem, B, B_SIZE, direct_b);
	fake_memory_add(&mem, C, C_SIZE, direct_b);
	fake_memory_add(&mem, D, D_SIZE, direct_a);
	for (i = 0; i < A_SIZE; i++)
		mem.regions[0].ptr[i] = i * 7 + (i >> 8);
	for (i = 0; i < B_SIZE; i++)
		mem.regions[1].ptr[i] = i * 11 + (i >> 8) + 1;
	memset(&engine, 0, sizeof(engine));
	engine.dma = fake_memory_dma(&mem);
}

static void teardown(void)
{
	fake_memory_fini(&mem);
}

static int run(uint32_t control, uint64_t src, uint64_t dst, uint32_t size)
{
	struct ioat_desc desc = {
		.size = size,
		.control = control,
		.src = src,
		.dst = dst,
	};

	chanerr = 0;
	return ioat_engine_run(&engine, &desc, &chanerr);
}

/* Compare byte by byte through IOVAs, also across regions. */
static bool same(uint64_t a, uint64_t b, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (*(uint8_t *)fake_memory_at(&mem, a + i) !=
		    *(uint8_t *)fake_memory_at(&mem, b + i))
			return false;
	return true;
}

/* The bytes before and after the destination must be unchanged. */
static bool copied(uint64_t src, uint64_t dst, size_t len)
{
	return same(src, dst, len) &&
	       *(uint8_t *)fake_memory_at(&mem, dst - 1) == 0xee &&
	       *(uint8_t *)fake_memory_at(&mem, dst + len) == 0xee;
}

static const char *kind(bool direct)
{
	return direct ? "mapped" : "messages";
}

static void try_copy(bool a, bool b)
{
	static const uint32_t sizes[] = { 1,  2,    7,	  8,	 63,
					  64, 4096, 4097, 65535, 65536 };
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		setup(a, b);
		expect(!run(0, A + 5, D + 3, sizes[i]) && !chanerr &&
			       copied(A + 5, D + 3, sizes[i]) && !mem.held,
		       "a copy of %u bytes, %s", sizes[i], kind(a));
		teardown();
	}
	setup(a, b);
	expect(!run(0, B - 1000, D - 3000, 65536) && !chanerr &&
		       copied(B - 1000, D - 3000, 65536) && !mem.held,
	       "a copy across regions on both sides, %s to %s", kind(a),
	       kind(b));
	expect((mem.reads == 0) == (a && b) && (mem.writes == 0) == (a && b),
	       "messages only for regions that need them, %s and %s", kind(a),
	       kind(b));
	teardown();

	setup(a, b);
	expect(!run(0, A, A + 100, 65536) && !chanerr,
	       "an overlapping copy ends, %s", kind(a));
	teardown();
}

static bool filled(uint64_t dst, size_t len, const uint8_t pattern[8])
{
	size_t i;

	for (i = 0; i < len; i++)
		if (*(uint8_t *)fake_memory_at(&mem, dst + i) != pattern[i % 8])
			return false;
	return *(uint8_t *)fake_memory_at(&mem, dst - 1) == 0xee &&
	       *(uint8_t *)fake_memory_at(&mem, dst + len) == 0xee;
}

static void try_fill(bool a, bool b)
{
	static const uint32_t sizes[] = { 1,	7,    8,     9,	   4095,
					  4096, 4097, 65535, 65536 };
	uint64_t pattern = 0x8877665544332211ull;
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		setup(a, b);
		expect(!run(IOAT_OP_FILL << 24, pattern, D + 3, sizes[i]) &&
			       !chanerr &&
			       filled(D + 3, sizes[i], (uint8_t *)&pattern),
		       "a fill of %u bytes, %s", sizes[i], kind(a));
		teardown();
	}
	setup(a, b);
	expect(!run(IOAT_OP_FILL << 24, pattern, D - 1001, 65536) && !chanerr &&
		       filled(D - 1001, 65536, (uint8_t *)&pattern),
	       "a fill across regions keeps the pattern, %s", kind(a));
	teardown();
}

static void expect_error(int ret, uint32_t bits, const char *name)
{
	expect(ret == -EIO && chanerr == bits && !mem.held,
	       "%s (%d, CHANERR %#x)", name, ret, chanerr);
}

TEST(invalid_descriptor_sets_its_error_bit)
{
	setup(true, true);
	expect_error(run(0, A, D, 0), IOAT_ERR_LENGTH, "size 0");
	expect_error(run(0, A, D, 65537), IOAT_ERR_LENGTH,
		     "size above XFERCAP");
	expect_error(run(0, A, D, ~0u), IOAT_ERR_LENGTH, "largest size");
	expect_error(run(IOAT_OP_FILL << 24, 0, D, 0), IOAT_ERR_LENGTH,
		     "fill 0");
	expect_error(run(2u << 24, A, D, 8), IOAT_ERR_CONTROL,
		     "unknown operation");
	expect_error(run(0x87u << 24, A, D, 8), IOAT_ERR_CONTROL, "xor");
	expect_error(run(0xffu << 24 | IOAT_DESC_NULL, A, D, 8),
		     IOAT_ERR_CONTROL, "unknown operation with the null bit");
	expect_error(run(0, HOLE, D, 8), IOAT_ERR_SOURCE, "source not mapped");
	expect_error(run(0, A, HOLE, 8), IOAT_ERR_DESTINATION,
		     "destination not mapped");
	expect_error(run(IOAT_OP_FILL << 24, 0, HOLE, 8), IOAT_ERR_DESTINATION,
		     "fill not mapped");
	expect_error(run(0, B + B_SIZE - 8, D, 9), IOAT_ERR_SOURCE,
		     "source ends in a hole");
	expect_error(run(0, A, D + D_SIZE - 8, 9), IOAT_ERR_DESTINATION,
		     "destination ends in a hole");
	expect_error(run(0, ~0ull - 6, D, 8), IOAT_ERR_SOURCE, "source wraps");
	expect_error(run(0, A, ~0ull - 6, 8), IOAT_ERR_DESTINATION,
		     "destination wraps");
	mem.regions[3].readonly = true;
	expect_error(run(0, A, D, 8), IOAT_ERR_DESTINATION,
		     "destination read-only");
	expect(!run(0, D, A, 8), "a read-only source is allowed");
	expect(!run(IOAT_DESC_NULL, HOLE, HOLE, 0),
	       "a null descriptor accesses no memory");
	teardown();

	/* A range that wraps must not reach memory at 0. */
	setup(true, true);
	fake_memory_add(&mem, 0, 4096, true);
	fake_memory_add(&mem, -4096ull, 4096, true);
	expect_error(run(0, A, -4ull, 8), IOAT_ERR_DESTINATION,
		     "destination wraps to 0");
	expect_error(run(0, -4ull, A, 8), IOAT_ERR_SOURCE, "source wraps to 0");
	expect(!run(0, -8ull, 0, 8),
	       "a copy from IOVA 0 to the last byte succeeds");
	teardown();

	setup(false, false);
	mem.message_error = -EIO;
	expect_error(run(0, A, D, 8), IOAT_ERR_READ, "DMA_READ refused");
	expect_error(run(IOAT_OP_FILL << 24, 0, D, 8), IOAT_ERR_WRITE,
		     "DMA_WRITE refused");
	teardown();
}

static void try_fetch(bool direct)
{
	struct ioat_desc desc, want = {
		.size = 1,
		.control = 2,
		.src = 3,
		.dst = 4,
		.next = 5,
	};

	setup(direct, direct);
	memcpy(fake_memory_at(&mem, A + 64), &want, sizeof(want));
	chanerr = 0;
	expect(!ioat_engine_fetch(&engine, A + 64, true, 1, &desc, &chanerr) &&
		       !chanerr && !memcmp(&desc, &want, sizeof(want)),
	       "fetch, %s", kind(direct));
	expect_error(ioat_engine_fetch(&engine, A + 8, true, 1, &desc,
				       &chanerr),
		     IOAT_ERR_CHAIN, "first descriptor unaligned");
	chanerr = 0;
	expect_error(ioat_engine_fetch(&engine, A + 8, false, 1, &desc,
				       &chanerr),
		     IOAT_ERR_NEXT_ALIGN, "next descriptor unaligned");
	chanerr = 0;
	expect_error(ioat_engine_fetch(&engine, HOLE, true, 1, &desc, &chanerr),
		     IOAT_ERR_CHAIN, "first descriptor not mapped");
	chanerr = 0;
	expect_error(ioat_engine_fetch(&engine, HOLE, false, 1, &desc,
				       &chanerr),
		     IOAT_ERR_NEXT, "next descriptor not mapped");
	teardown();
}

static void try_complete(bool direct)
{
	setup(direct, direct);
	chanerr = 0;
	expect(!ioat_engine_complete(&engine, D + 8, 0x1234567840, &chanerr) &&
		       *(uint64_t *)fake_memory_at(&mem, D + 8) == 0x1234567840,
	       "completion, %s", kind(direct));
	expect_error(ioat_engine_complete(&engine, HOLE, 0, &chanerr),
		     IOAT_ERR_COMPLETION, "completion not mapped");
	teardown();
}

static struct ioat_desc *at(uint64_t addr)
{
	return fake_memory_at(&mem, addr);
}

/*
 * Fetch descriptors from @addr on, each with its number as its size; return how
 * many are right.
 */
static unsigned int fetch_row(uint64_t addr, unsigned int nr, unsigned int due)
{
	unsigned int i, good = 0;
	struct ioat_desc desc;

	for (i = 0; i < nr; i++)
		at(addr + i * 64)->size = i;
	chanerr = 0;
	for (i = 0; i < nr; i++)
		good += !ioat_engine_fetch(&engine, addr + i * 64, !i, due - i,
					   &desc, &chanerr) &&
			desc.size == i;
	return chanerr ? 0 : good;
}

TEST(descriptors_are_fetched_ahead_but_never_used_stale)
{
	struct ioat_desc desc;

	setup(false, false);
	expect(fetch_row(A, 31, 100) == 31 && mem.reads == 5,
	       "messages fetch 1, 2, 4, 8, 16 descriptors");
	expect(fetch_row(A, 3, 3) == 3 && mem.reads == 7,
	       "after a jump they fetch 1 again, and at most those that are due");
	at(A + 3 * 64)->size = 77;
	expect(!ioat_engine_fetch(&engine, A + 3 * 64, false, 9, &desc,
				  &chanerr) &&
		       desc.size == 77,
	       "a descriptor that was not due may still change");
	at(A + 4 * 64)->size = 78;
	ioat_engine_discard(&engine);
	expect(!ioat_engine_fetch(&engine, A + 4 * 64, false, 9, &desc,
				  &chanerr) &&
		       desc.size == 78,
	       "a descriptor is fetched again after the engine drops its cache");
	at(A)->size = 79;
	expect(!ioat_engine_fetch(&engine, A, false, 9, &desc, &chanerr) &&
		       desc.size == 79,
	       "a descriptor at the same address is read again");
	expect(fetch_row(D + D_SIZE - 5 * 64, 5, 100) == 5,
	       "the last descriptors before a hole are fetched");
	expect_error(ioat_engine_fetch(&engine, D + D_SIZE, false, 9, &desc,
				       &chanerr),
		     IOAT_ERR_NEXT, "a descriptor in the hole");
	teardown();
}

TEST(stopped_engine_accesses_no_memory)
{
	struct ioat_desc desc;
	bool all;

	setup(true, true);
	engine.stop = true;
	all = run(0, A, D, 8) == -ECANCELED && !chanerr &&
	      run(IOAT_OP_FILL << 24, 0, D, 8) == -ECANCELED && !chanerr &&
	      ioat_engine_fetch(&engine, A, true, 1, &desc, &chanerr) ==
		      -ECANCELED &&
	      ioat_engine_complete(&engine, D, 0, &chanerr) == -ECANCELED &&
	      !chanerr;
	expect(all && *(uint8_t *)fake_memory_at(&mem, D) == 0xee,
	       "every call of a stopped engine returns ECANCELED");
	teardown();
}

/* The owner truncates a file after it was mapped. */
TEST(access_beyond_a_truncated_file_fails)
{
	int fd = memfd_create("test-ioat", MFD_CLOEXEC);
	uint8_t *own, *gone;

	setup(true, true);
	if (fd < 0 || ftruncate(fd, D_SIZE))
		bail("memfd: %s", strerror(errno));
	gone = mmap(NULL, D_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (gone == MAP_FAILED || ftruncate(fd, 4096))
		bail("memfd: %s", strerror(errno));
	own = mem.regions[3].ptr;
	mem.regions[3].ptr = gone;

	expect_error(run(0, D, A, 8192), IOAT_ERR_READ, "source truncated");
	expect_error(run(0, A, D, 8192), IOAT_ERR_WRITE,
		     "destination truncated");
	expect_error(run(IOAT_OP_FILL << 24, 0, D, 8192), IOAT_ERR_WRITE,
		     "fill truncated");
	chanerr = 0;
	expect_error(ioat_engine_complete(&engine, D + 8192, 0, &chanerr),
		     IOAT_ERR_WRITE, "completion truncated");
	expect(!run(0, A, D, 4096) && !chanerr,
	       "the rest of the file is still accessible");

	mem.regions[3].ptr = own;
	munmap(gone, D_SIZE);
	close(fd);
	teardown();
}

TEST(copy_between_mapped_regions_moves_each_size)
{
	try_copy(true, true);
}

TEST(copy_by_messages_moves_each_size)
{
	try_copy(false, false);
}

TEST(copy_from_mapped_memory_to_messages_moves_each_size)
{
	try_copy(true, false);
}

TEST(copy_from_messages_to_mapped_memory_moves_each_size)
{
	try_copy(false, true);
}

TEST(fill_of_mapped_memory_repeats_the_pattern)
{
	try_fill(true, true);
}

TEST(fill_by_messages_repeats_the_pattern)
{
	try_fill(false, true);
}

TEST(fetch_from_mapped_memory_returns_the_descriptor)
{
	try_fetch(true);
}

TEST(fetch_by_message_returns_the_descriptor)
{
	try_fetch(false);
}

TEST(completion_in_mapped_memory_is_written)
{
	try_complete(true);
}

TEST(completion_by_message_is_written)
{
	try_complete(false);
}
