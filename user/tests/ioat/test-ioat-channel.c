// SPDX-License-Identifier: GPL-2.0
/* The registers of BAR 0 and the state machine behind them. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vuser/guard.h>

#include "../../devices/ioat/bar.h"
#include "../../devices/ioat/regs.h"
#include "fake-memory.h"
#include "expect.h"

#define RING 0x10000ull /* descriptors, mapped */
#define SRC  0x100000ull /* mapped */
#define DST  0x200000ull /* mapped */
#define FAR  0x300000ull /* accessed by messages */
#define CMP  0x400000ull /* completions, mapped */
#define HOLE 0x800000ull
#define SIZE 0x20000

static struct fake_memory mem;
static struct ioat_bar bar;
static atomic_uint irqs;

static void raise_irq(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&irqs, 1);
}

static void setup(void)
{
	if (vuser_guard_init())
		bail("cannot install the SIGBUS handler");
	fake_memory_init(&mem);
	fake_memory_add(&mem, RING, SIZE, true);
	fake_memory_add(&mem, SRC, SIZE, true);
	fake_memory_add(&mem, DST, SIZE, true);
	fake_memory_add(&mem, FAR, SIZE, false);
	fake_memory_add(&mem, CMP, 4096, true);
	memset(fake_memory_at(&mem, SRC), 0x5a, SIZE);
	memset(fake_memory_at(&mem, CMP), 0, 4096);
	atomic_store(&irqs, 0);
	if (ioat_channel_new(&bar.channel, fake_memory_dma(&mem),
			     (struct ioat_irq) { raise_irq, NULL }) ||
	    vuser_msix_init(&bar.msix, IOAT_MSIX_VECTORS))
		bail("cannot create a channel");
	ioat_bar_reset(&bar);
}

static void teardown(void)
{
	ioat_channel_free(bar.channel);
	vuser_msix_fini(&bar.msix);
	fake_memory_fini(&mem);
}

static uint64_t rd(uint64_t offset, uint32_t size)
{
	uint64_t value = 0;

	ioat_bar_read(&bar, offset, &value, size);
	return value;
}

static void wr(uint64_t offset, uint32_t size, uint64_t value)
{
	ioat_bar_write(&bar, offset, &value, size);
}

static unsigned int state(void)
{
	return rd(IOAT_CHANSTS, 8) & IOAT_CHANSTS_STATE;
}

/* Poll as a driver does, for at most ten seconds. */
static bool until(bool (*test)(unsigned int arg), unsigned int arg)
{
	const struct timespec pause = { .tv_nsec = 100000 };
	int i;

	for (i = 0; i < 100000; i++) {
		if (test(arg))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static bool state_is(unsigned int arg)
{
	return state() == arg;
}

static bool reset_is_over(unsigned int arg)
{
	(void)arg;
	return !(rd(IOAT_CHANCMD, 1) & IOAT_CHANCMD_RESET);
}

static bool irqs_are(unsigned int arg)
{
	return atomic_load(&irqs) == arg;
}

static struct ioat_desc *desc(unsigned int i)
{
	return fake_memory_at(&mem, RING + i * 64);
}

static void put_desc(unsigned int i, uint32_t control, uint64_t src,
		     uint64_t dst, uint32_t size)
{
	*desc(i) = (struct ioat_desc) {
		.size = size,
		.control = control,
		.src = src,
		.dst = dst,
		.next = RING + (i + 1) * 64,
	};
}

static uint64_t completion(void)
{
	return *(volatile uint64_t *)fake_memory_at(&mem, CMP);
}

static void start(uint16_t count)
{
	wr(IOAT_CHAINADDR, 8, RING);
	wr(IOAT_DMACOUNT, 2, count);
}

/* Registers that only hold a value or are constant. */

TEST(registers_have_their_reset_values_and_masks)
{
	setup();
	expect(rd(IOAT_CHANCNT, 1) == 1, "CHANCNT");
	expect(rd(IOAT_XFERCAP, 1) == 16, "XFERCAP");
	expect(rd(IOAT_CBVER, 1) == 0x33, "CBVER");
	expect(rd(IOAT_DMACAP, 4) == 0x40, "DMACAP");
	expect(rd(IOAT_CS_STATUS, 2) == 0, "CS_STATUS");
	expect(rd(IOAT_CHANCTRL, 2) == 0 && rd(IOAT_CHANCMD, 1) == 0 &&
		       rd(IOAT_DMACOUNT, 2) == 0 &&
		       rd(IOAT_CHAINADDR, 8) == 0 && rd(IOAT_CHANCMP, 8) == 0 &&
		       rd(IOAT_CHANERR, 4) == 0 && rd(IOAT_CHANERRMASK, 4) == 0,
	       "the channel's registers are 0 after a reset");
	expect(rd(IOAT_CHANSTS, 8) == IOAT_HALTED,
	       "the channel is halted after a reset");

	wr(IOAT_CHANCNT, 8, ~0ull);
	expect(rd(IOAT_CHANCNT, 1) == 1 && rd(IOAT_XFERCAP, 1) == 16 &&
		       rd(IOAT_GENCTRL, 1) == 1 && rd(IOAT_INTRCTRL, 1) == 9 &&
		       rd(IOAT_ATTNSTATUS, 4) == 0,
	       "8 bytes of ones at 0 set only GENCTRL and INTRCTRL");
	wr(IOAT_INTRDELAY, 2, 0xffff);
	expect(rd(IOAT_INTRDELAY, 2) == 0x3fff, "INTRDELAY has 14 bits");
	wr(IOAT_CBVER, 1, 0);
	wr(IOAT_DMACAP, 4, 0);
	expect(rd(IOAT_CBVER, 1) == 0x33 && rd(IOAT_DMACAP, 4) == 0x40,
	       "read-only registers keep their values");
	wr(IOAT_CHANERRMASK, 4, 0xdeadbeef);
	expect(rd(IOAT_CHANERRMASK, 4) == 0xdeadbeef, "CHANERRMASK");
	wr(IOAT_CHANCTRL, 2, 0xffff);
	expect(rd(IOAT_CHANCTRL, 2) == 0xfeff, "CHANCTRL bit 8 reads as 0");
	wr(IOAT_CHANCTRL, 2, 0);
	expect(rd(IOAT_CHANCTRL, 2) == IOAT_CHANCTRL_REARM,
	       "CHANCTRL bit 0 stays set until the interrupt");
	expect(rd(0x200, 8) == 0 && rd(IOAT_BAR_SIZE - 8, 8) == 0,
	       "reserved space reads as 0");
	wr(0x200, 8, ~0ull);
	expect(rd(0x200, 8) == 0, "reserved space cannot be written");
	teardown();
}

TEST(registers_are_read_and_written_in_any_width)
{
	unsigned int i;
	uint8_t whole[IOAT_REGS_END], bytes[IOAT_REGS_END];
	uint32_t size;
	bool ok;

	setup();
	wr(IOAT_CHANCMP, 8, 0x1122334455667788);
	wr(IOAT_CHANERRMASK, 4, 0xa1b2c3d4);
	ioat_bar_read(&bar, 0, whole, sizeof(whole));
	for (size = 1; size <= 8; size *= 2) {
		for (i = 0; i + size <= sizeof(bytes); i += size)
			ioat_bar_read(&bar, i, bytes + i, size);
		expect(!memcmp(whole, bytes, sizeof(bytes)),
		       "all registers are the same read in units of %u bytes",
		       size);
	}
	for (ok = true, i = 1; i < sizeof(bytes) - 8; i++) {
		uint64_t value = rd(i, 8);

		ok = ok && !memcmp(&value, whole + i, 8);
	}
	expect(ok, "unaligned reads return the same bytes");

	wr(IOAT_CHANCMP, 4, 0x00abcd00);
	expect(rd(IOAT_CHANCMP, 8) == 0x1122334400abcd00,
	       "the low half of CHANCMP is written");
	wr(IOAT_CHANCMP + 4, 4, 0x99);
	expect(rd(IOAT_CHANCMP, 8) == 0x9900abcd00,
	       "the high half of CHANCMP is written");
	wr(IOAT_CHANCMP + 1, 1, 0x77);
	expect(rd(IOAT_CHANCMP, 8) == 0x9900ab7700,
	       "one byte of CHANCMP is written");
	wr(IOAT_CHANCMP, 8, 0x107);
	expect(rd(IOAT_CHANCMP, 8) == 0x100, "CHANCMP drops its low bits");

	wr(IOAT_CHAINADDR, 4, 0x40);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_ARMED,
	       "a write to the low half of CHAINADDR arms the channel");
	wr(IOAT_CHAINADDR + 4, 4, 0x12);
	expect(rd(IOAT_CHAINADDR, 8) == 0x1200000040 &&
		       rd(IOAT_CHANSTS, 8) == IOAT_ARMED,
	       "a write to the high half of CHAINADDR keeps it armed");
	teardown();
}

TEST(msix_table_is_writable_and_pba_is_not)
{
	setup();
	expect(rd(IOAT_MSIX_TABLE + 12, 4) == 1,
	       "the vector is masked after a reset");
	wr(IOAT_MSIX_TABLE, 8, 0x00000000fee00000);
	wr(IOAT_MSIX_TABLE + 8, 8, 0x41);
	expect(rd(IOAT_MSIX_TABLE, 4) == 0xfee00000 &&
		       rd(IOAT_MSIX_TABLE + 8, 4) == 0x41 &&
		       rd(IOAT_MSIX_TABLE + 12, 4) == 0,
	       "the table is writable");
	wr(IOAT_MSIX_PBA, 8, ~0ull);
	expect(rd(IOAT_MSIX_PBA, 8) == 0, "the pending bits are read-only");
	wr(IOAT_MSIX_TABLE + 16, 8, ~0ull);
	expect(rd(IOAT_MSIX_TABLE + 16, 8) == 0, "there is only one vector");
	ioat_bar_reset(&bar);
	expect(rd(IOAT_MSIX_TABLE + 8, 4) == 0 &&
		       rd(IOAT_MSIX_TABLE + 12, 4) == 1,
	       "a reset masks the vector");
	teardown();
}

/* Descriptors. */

TEST(chain_is_executed_up_to_dmacount)
{
	unsigned int i;

	setup();
	for (i = 0; i < 8; i++)
		put_desc(i, IOAT_DESC_COMPLETION, SRC + i * 4096,
			 DST + i * 4096, 4096);
	desc(7)->next = RING;
	wr(IOAT_CHANCMP, 8, CMP);
	start(3);
	expect(until(state_is, IOAT_IDLE),
	       "the channel is idle when it reaches the count");
	expect(rd(IOAT_CHANSTS, 8) == (RING + 128 + IOAT_IDLE) &&
		       rd(IOAT_CDAR, 8) == RING + 128,
	       "CHANSTS and CDAR hold the third descriptor's address");
	expect(completion() == (RING + 128 + IOAT_IDLE),
	       "the completion holds the third descriptor's address");
	expect(!memcmp(fake_memory_at(&mem, SRC), fake_memory_at(&mem, DST),
		       3 * 4096) &&
		       *(uint8_t *)fake_memory_at(&mem, DST + 3 * 4096) == 0xee,
	       "three blocks were copied");
	wr(IOAT_DMACOUNT, 2, 3);
	expect(state() == IOAT_IDLE,
	       "writing the same count again starts nothing");
	wr(IOAT_DMACOUNT, 2, 9);
	expect(until(state_is, IOAT_IDLE) &&
		       rd(IOAT_CHANSTS, 8) == RING + IOAT_IDLE,
	       "the channel continues at the next descriptor, around the ring");
	expect(rd(IOAT_DMACOUNT, 2) == 9, "DMACOUNT reads as written");
	wr(IOAT_CHAINADDR, 8, RING + 64);
	expect(rd(IOAT_CHANSTS, 8) == 4 && rd(IOAT_DMACOUNT, 2) == 0,
	       "CHAINADDR arms the channel and sets the counts to 0");
	expect(atomic_load(&irqs) == 0,
	       "no interrupt without a request for one");
	teardown();
}

TEST(dmacount_wraps_after_65535)
{
	bool ok;

	setup();
	put_desc(0, IOAT_DESC_NULL, 0, 0, 0);
	desc(0)->next = RING;
	start(65535);
	ok = until(state_is, IOAT_IDLE);
	expect(ok, "the same descriptor runs 65535 times");
	wr(IOAT_DMACOUNT, 2, 5);
	expect(until(state_is, IOAT_IDLE) && rd(IOAT_DMACOUNT, 2) == 5,
	       "DMACOUNT continues after 65535");
	teardown();
}

/*
 * The second descriptor writes the third, which was fetched together with it.
 */
TEST(descriptor_after_a_fence_is_fetched_again)
{
	setup();
	put_desc(0, 0, SRC, DST, 64);
	put_desc(1, IOAT_DESC_FENCE, SRC + 4096, RING + 128,
		 sizeof(struct ioat_desc));
	put_desc(2, 0, SRC, DST + 4096, 64);
	*(struct ioat_desc *)fake_memory_at(&mem, SRC + 4096) =
		(struct ioat_desc) {
			.size = 64,
			.src = SRC,
			.dst = DST + 8192,
			.next = RING,
		};
	start(3);
	expect(until(state_is, IOAT_IDLE) &&
		       *(uint8_t *)fake_memory_at(&mem, DST + 8192) == 0x5a &&
		       *(uint8_t *)fake_memory_at(&mem, DST + 4096) == 0xee,
	       "the descriptor after a fence is read after the fenced copy");
	teardown();
}

TEST(completion_is_written_where_chancmp_points)
{
	setup();
	put_desc(0, 0, SRC, DST, 64);
	put_desc(1, IOAT_DESC_COMPLETION, SRC, DST, 64);
	wr(IOAT_CHANCMP, 8, CMP);
	start(1);
	expect(until(state_is, IOAT_IDLE) && completion() == 0,
	       "no completion without bit 3");
	wr(IOAT_DMACOUNT, 2, 2);
	expect(until(state_is, IOAT_IDLE) &&
		       completion() == (RING + 64 + IOAT_IDLE),
	       "a completion with bit 3");
	teardown();

	setup();
	fake_memory_add(&mem, 0, 4096, true);
	put_desc(0, IOAT_DESC_COMPLETION, SRC, DST, 64);
	start(1);
	expect(until(state_is, IOAT_IDLE) &&
		       *(uint64_t *)fake_memory_at(&mem, 0) ==
			       0xeeeeeeeeeeeeeeeeull,
	       "memory at 0 is not written if CHANCMP was never written");
	wr(IOAT_CHANCMP, 8, 0);
	start(1);
	expect(until(state_is, IOAT_IDLE) &&
		       *(uint64_t *)fake_memory_at(&mem, 0) == RING + IOAT_IDLE,
	       "completions go to 0 if CHANCMP was written as 0");
	teardown();

	setup();
	put_desc(0, IOAT_DESC_COMPLETION, SRC, DST, 64);
	wr(IOAT_CHANCMP, 8, FAR);
	start(1);
	expect(until(state_is, IOAT_IDLE) && mem.writes == 1 &&
		       *(uint64_t *)fake_memory_at(&mem, FAR) ==
			       RING + IOAT_IDLE,
	       "a completion is written by message");
	wr(IOAT_CHANCMP, 8, HOLE);
	start(1);
	expect(until(state_is, IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_COMPLETION,
	       "the channel halts if CHANCMP is not mapped");
	teardown();
}

TEST(interrupt_is_raised_once_per_rearm)
{
	setup();
	put_desc(0, IOAT_DESC_INT, SRC, DST, 64);
	desc(0)->next = RING;
	start(2);
	until(state_is, IOAT_IDLE);
	expect(atomic_load(&irqs) == 0 && rd(IOAT_ATTNSTATUS, 4) == 0,
	       "no interrupt before the first rearm");
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM);
	wr(IOAT_DMACOUNT, 2, 12);
	expect(until(irqs_are, 1) && until(state_is, IOAT_IDLE) &&
		       atomic_load(&irqs) == 1,
	       "ten descriptors and one rearm raise one interrupt");
	expect(rd(IOAT_ATTNSTATUS, 4) == 1 && rd(IOAT_CHANCTRL, 2) == 0 &&
		       rd(IOAT_INTRCTRL, 1) == IOAT_INTRCTRL_STATUS,
	       "ATTNSTATUS and INTRCTRL show the interrupt");
	wr(IOAT_INTRCTRL, 1, IOAT_INTRCTRL_MASTER);
	expect(rd(IOAT_INTRCTRL, 1) == 7,
	       "INTRCTRL shows the master enable bit");
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM);
	expect(rd(IOAT_ATTNSTATUS, 4) == 0 && rd(IOAT_INTRCTRL, 1) == 1,
	       "a rearm clears both");
	wr(IOAT_DMACOUNT, 2, 13);
	expect(until(irqs_are, 2), "the next interrupt arrives");
	teardown();
}

/* Errors. */

static void try_error(const char *name, uint32_t bits, uint32_t control,
		      uint64_t src, uint64_t dst, uint32_t size)
{
	setup();
	put_desc(0, 0, SRC, DST, 64);
	put_desc(1, control, src, dst, size);
	wr(IOAT_CHANCMP, 8, CMP);
	start(3);
	expect(until(state_is, IOAT_HALTED) && rd(IOAT_CHANERR, 4) == bits &&
		       ioat_channel_error_int(bar.channel) == bits,
	       "%s: the channel is halted with CHANERR %#x", name, bits);
	expect(rd(IOAT_CHANSTS, 8) == RING + IOAT_HALTED && completion() == 0,
	       "%s: the completed address is unchanged, no completion is written",
	       name);
	wr(IOAT_DMACOUNT, 2, 9);
	expect(state() == IOAT_HALTED, "%s: a write to DMACOUNT is ignored",
	       name);
	wr(IOAT_CHANERR, 4, bits);
	expect(rd(IOAT_CHANERR, 4) == 0, "%s: writing 1 clears the error",
	       name);
	teardown();
}

TEST(error_halts_the_channel_and_sets_chanerr)
{
	try_error("source not mapped", IOAT_ERR_SOURCE, IOAT_DESC_COMPLETION,
		  HOLE, DST, 64);
	try_error("destination not mapped", IOAT_ERR_DESTINATION,
		  IOAT_DESC_COMPLETION | IOAT_DESC_INT, SRC, HOLE, 64);
	try_error("length", IOAT_ERR_LENGTH, 0, SRC, DST, 65537);
	try_error("operation", IOAT_ERR_CONTROL, 0x55000000, SRC, DST, 64);

	setup();
	wr(IOAT_CHAINADDR, 8, RING + 8);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_HALTED &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_CHAIN,
	       "an unaligned CHAINADDR halts the channel");
	wr(IOAT_CHAINADDR, 8, HOLE);
	expect(state() == IOAT_ARMED,
	       "a CHAINADDR that is not mapped arms the channel");
	wr(IOAT_CHANERR, 4, ~0u);
	wr(IOAT_DMACOUNT, 2, 1);
	expect(until(state_is, IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_CHAIN,
	       "and halts it when the descriptor is fetched");
	wr(IOAT_CHANERR, 4, ~0u);
	put_desc(0, 0, SRC, DST, 64);
	desc(0)->next = HOLE;
	start(2);
	expect(until(state_is, IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_NEXT,
	       "a next descriptor that is not mapped halts the channel");
	wr(IOAT_CHANERR, 4, ~0u);
	desc(0)->next = RING + 1;
	start(2);
	expect(until(state_is, IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_NEXT_ALIGN,
	       "an unaligned next descriptor halts the channel");
	start(1);
	expect(until(state_is, IOAT_IDLE),
	       "the next address is not checked before it is due");
	wr(IOAT_CHANERR, 4, ~0u & ~IOAT_ERR_NEXT_ALIGN);
	expect(rd(IOAT_CHANERR, 4) == IOAT_ERR_NEXT_ALIGN,
	       "a bit that is not written as 1 stays set");
	teardown();
}

TEST(error_is_reported_as_chanctrl_and_masks_say)
{
	setup();
	put_desc(0, IOAT_DESC_COMPLETION, SRC, DST, 64);
	put_desc(1, IOAT_DESC_COMPLETION, HOLE, DST, 64);
	wr(IOAT_CHANCMP, 8, CMP);
	wr(IOAT_CHANCTRL, 2,
	   IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_ERR_CMP | IOAT_CHANCTRL_ERR_INT);
	start(2);
	expect(until(state_is, IOAT_HALTED) && until(irqs_are, 1),
	       "CHANCTRL bit 4 raises an interrupt on an error");
	expect(completion() == RING + IOAT_HALTED,
	       "CHANCTRL bit 2 writes a completion on an error");

	/* Recover as DPDK does. */
	wr(IOAT_CHANERR, 4, rd(IOAT_CHANERR, 4));
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	wr(IOAT_CHAINADDR, 8, RING);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_ARMED,
	       "the channel is reset and armed again");
	wr(IOAT_DMACOUNT, 2, 1);
	expect(until(state_is, IOAT_IDLE) && completion() == RING + IOAT_IDLE,
	       "the channel works again");

	wr(IOAT_CHANERRMASK, 4, IOAT_ERR_SOURCE);
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_ERR_INT);
	wr(IOAT_DMACOUNT, 2, 2);
	expect(until(state_is, IOAT_HALTED) && atomic_load(&irqs) == 1 &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_SOURCE,
	       "CHANERRMASK suppresses the interrupt, not the halt");

	ioat_channel_clear_error_int(bar.channel, ~0u);
	ioat_channel_set_error_int_mask(bar.channel, IOAT_ERR_SOURCE);
	start(2);
	expect(until(state_is, IOAT_HALTED) &&
		       ioat_channel_error_int(bar.channel) == 0,
	       "CHANERRMASK_INT keeps CHANERR_INT clear");
	teardown();
}

/* Commands. */

TEST(commands_change_the_state_of_the_channel)
{
	setup();
	put_desc(0, 0, SRC, DST, 64);
	desc(0)->next = RING;
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	expect(state() == IOAT_HALTED, "a halted channel ignores suspend");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
	expect(state() == IOAT_HALTED, "a halted channel ignores resume");
	wr(IOAT_CHAINADDR, 8, RING);
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	expect(state() == IOAT_SUSPENDED, "an armed channel is suspended");
	wr(IOAT_DMACOUNT, 2, 1);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_SUSPENDED &&
		       rd(IOAT_DMACOUNT, 2) == 1,
	       "a suspended channel keeps DMACOUNT for later");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
	expect(until(state_is, IOAT_IDLE),
	       "resume starts the descriptors up to DMACOUNT");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	expect(rd(IOAT_CHANSTS, 8) == RING + IOAT_SUSPENDED,
	       "an idle channel is suspended");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
	expect(state() == IOAT_IDLE, "resume makes it idle again");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	wr(IOAT_CHAINADDR, 8, RING);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_ARMED,
	       "CHAINADDR ends the suspended state");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_ABORT);
	expect(state() == IOAT_HALTED && rd(IOAT_CHANERR, 4) == 0,
	       "abort halts the channel without an error");
	start(1);
	until(state_is, IOAT_IDLE);
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	expect(until(reset_is_over, 0) && rd(IOAT_CHANSTS, 8) == IOAT_HALTED &&
		       rd(IOAT_DMACOUNT, 2) == 0,
	       "reset halts the channel and sets the counts to 0");
	wr(IOAT_CHANCMD, 1, 0x03);
	expect(state() == IOAT_HALTED, "unknown commands do nothing");
	teardown();
}

/* Start a copy that waits for a message; the registers must still work. */

static void begin_blocked(void)
{
	setup();
	fake_memory_block(&mem, true);
	put_desc(0, IOAT_DESC_COMPLETION | IOAT_DESC_INT, FAR, DST, 64);
	desc(0)->next = RING;
	wr(IOAT_CHANCMP, 8, CMP);
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM);
	start(65535);
	fake_memory_await_message(&mem);
}

TEST(commands_take_effect_while_a_copy_waits_for_a_message)
{
	begin_blocked();
	expect(rd(IOAT_CHANSTS, 8) == IOAT_ACTIVE,
	       "the channel is active while the copy waits");
	wr(IOAT_CHAINADDR, 8, RING + 64);
	expect(rd(IOAT_CHAINADDR, 8) == RING && state() == IOAT_ACTIVE,
	       "an active channel ignores CHAINADDR");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	expect(state() == IOAT_ACTIVE,
	       "suspend waits for the end of the descriptor");
	fake_memory_block(&mem, false);
	expect(until(state_is, IOAT_SUSPENDED) &&
		       rd(IOAT_CHANSTS, 8) == RING + IOAT_SUSPENDED,
	       "the channel is suspended when the descriptor ends");
	wr(IOAT_DMACOUNT, 2, 3);
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
	expect(until(state_is, IOAT_IDLE) && mem.reads == 3,
	       "resume executes the other descriptors");
	teardown();

	begin_blocked();
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_HALTED &&
		       rd(IOAT_CHANCMD, 1) == IOAT_CHANCMD_RESET,
	       "reset halts the channel at once, and CHANCMD shows that it is in progress");
	put_desc(1, 0, SRC, DST + 4096, 64);
	wr(IOAT_CHAINADDR, 8, RING + 64);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_ARMED,
	       "the channel can be armed while a reset is in progress");
	wr(IOAT_DMACOUNT, 2, 1);
	expect(state() == IOAT_ACTIVE, "and DMACOUNT makes it active");
	fake_memory_block(&mem, false);
	expect(until(state_is, IOAT_IDLE) && until(reset_is_over, 0) &&
		       rd(IOAT_CHANSTS, 8) == RING + 64 + IOAT_IDLE &&
		       *(uint8_t *)fake_memory_at(&mem, DST + 4096) == 0x5a,
	       "the new descriptor is executed after the old copy ends");
	expect(*(uint8_t *)fake_memory_at(&mem, DST) == 0xee &&
		       completion() == 0 && atomic_load(&irqs) == 0,
	       "the old copy writes nothing after the reset");
	teardown();

	begin_blocked();
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_ABORT);
	fake_memory_block(&mem, false);
	expect(until(reset_is_over, 0) && state() == IOAT_HALTED &&
		       rd(IOAT_DMACOUNT, 2) == 65535 && completion() == 0,
	       "abort cuts the copy short");
	teardown();

	/* Free the channel while it is active. */
	begin_blocked();
	fake_memory_block(&mem, false);
	teardown();
}

TEST(reset_stops_an_endless_chain)
{
	unsigned int i;
	bool ok = true;

	setup();
	put_desc(0, 0, SRC, DST, 65536);
	desc(0)->next = RING;
	for (i = 0; i < 200 && ok; i++) {
		start(65535);
		ok = state() == IOAT_ACTIVE;
		wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
		ok = ok && state() == IOAT_HALTED && until(reset_is_over, 0);
	}
	expect(ok, "a long chain is reset 200 times");
	start(65535);
	ioat_channel_reset(bar.channel);
	ioat_channel_quiesce(bar.channel);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_HALTED && rd(IOAT_CHANCMD, 1) == 0 &&
		       rd(IOAT_CHAINADDR, 8) == 0 && rd(IOAT_CHANCMP, 8) == 0 &&
		       rd(IOAT_CHANCTRL, 2) == 0,
	       "a device reset clears all registers and stops the channel");
	teardown();
}

/* Random values in registers and descriptors. */

static uint64_t random_state;

static uint64_t random_value(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint64_t random_address(void)
{
	static const uint64_t areas[] = { RING, SRC,  DST,	 CMP,
					  FAR,	HOLE, ~0ull - 64 };
	uint64_t offset = random_value() % 8 ? random_value() % 64 * 64 :
					       random_value() % SIZE;

	return areas[random_value() % 7] + offset;
}

static void write_random_descriptor(void)
{
	put_desc(random_value() % 64,
		 random_value() % 2 ? random_value() & 0x01ffffff :
				      random_value(),
		 random_address(), random_address(),
		 random_value() % 4 ? random_value() % 70000 : random_value());
	if (random_value() % 4)
		return;
	desc(random_value() % 64)->next =
		random_value() % 2 ? RING + random_value() % 64 * 64 :
				     random_address();
}

static void write_random_register(void)
{
	static const uint16_t offsets[] = {
		IOAT_CHANCTRL,	IOAT_CHANCMD, IOAT_DMACOUNT, IOAT_CHAINADDR,
		IOAT_CHAINADDR, IOAT_CHANCMP, IOAT_CHANERR,  IOAT_CHANERRMASK,
	};
	uint64_t offset = offsets[random_value() % 8];

	switch (random_value() % 8) {
	case 0:
		wr(random_value() % 0x100, 1 << random_value() % 4,
		   random_value());
		break;
	case 1:
		wr(offset, 1 << random_value() % 4, random_value());
		break;
	case 2:
		wr(offset, 8, random_address());
		break;
	case 3:
		ioat_channel_reset(bar.channel);
		ioat_channel_quiesce(bar.channel);
		break;
	default:
		wr(IOAT_CHAINADDR, 8, RING + random_value() % 64 * 64);
		wr(IOAT_DMACOUNT, 2, random_value() % 256);
		break;
	}
}

TEST(random_register_writes_leave_a_channel_that_can_be_reset)
{
	unsigned int i;

	setup();
	random_state = 0x9e3779b97f4a7c15;
	for (i = 0; i < 20000; i++) {
		write_random_descriptor();
		write_random_register();
		expect((state() <= IOAT_ARMED), "state %u", state());
	}
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	expect(until(reset_is_over, 0), "a reset completes");
	expect(rd(IOAT_CHANSTS, 8) == IOAT_HALTED, "a reset halts the channel");
	wr(IOAT_CHANERR, 4, ~0u);
	memset(fake_memory_at(&mem, SRC), 0x5a, SIZE);
	put_desc(0, 0, SRC, DST, 4096);
	start(1);
	expect(until(state_is, IOAT_IDLE) &&
		       !memcmp(fake_memory_at(&mem, SRC),
			       fake_memory_at(&mem, DST), 4096),
	       "the channel copies after a reset");
	teardown();
}
