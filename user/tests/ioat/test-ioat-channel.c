// SPDX-License-Identifier: GPL-2.0
/* The registers and the state machine behind them, through BAR 0. */
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
#define FAR  0x300000ull /* by messages */
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
		bail("cannot catch SIGBUS");
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
		bail("cannot make a channel");
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

/* Polls as a driver does, for ten seconds at most. */
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

/* Registers that just hold a value, or never change. */

TEST(identity)
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
	       "the channel's registers are 0 at first");
	expect(rd(IOAT_CHANSTS, 8) == IOAT_HALTED, "and it is halted");

	wr(IOAT_CHANCNT, 8, ~0ull);
	expect(rd(IOAT_CHANCNT, 1) == 1 && rd(IOAT_XFERCAP, 1) == 16 &&
		       rd(IOAT_GENCTRL, 1) == 1 && rd(IOAT_INTRCTRL, 1) == 9 &&
		       rd(IOAT_ATTNSTATUS, 4) == 0,
	       "8 bytes of ones at 0 set GENCTRL and INTRCTRL only");
	wr(IOAT_INTRDELAY, 2, 0xffff);
	expect(rd(IOAT_INTRDELAY, 2) == 0x3fff, "INTRDELAY has 14 bits");
	wr(IOAT_CBVER, 1, 0);
	wr(IOAT_DMACAP, 4, 0);
	expect(rd(IOAT_CBVER, 1) == 0x33 && rd(IOAT_DMACAP, 4) == 0x40,
	       "read-only registers stay");
	wr(IOAT_CHANERRMASK, 4, 0xdeadbeef);
	expect(rd(IOAT_CHANERRMASK, 4) == 0xdeadbeef, "CHANERRMASK");
	wr(IOAT_CHANCTRL, 2, 0xffff);
	expect(rd(IOAT_CHANCTRL, 2) == 0xfeff, "CHANCTRL: bit 8 reads 0");
	wr(IOAT_CHANCTRL, 2, 0);
	expect(rd(IOAT_CHANCTRL, 2) == IOAT_CHANCTRL_REARM,
	       "CHANCTRL: bit 0 stays until the interrupt");
	expect(rd(0x200, 8) == 0 && rd(IOAT_BAR_SIZE - 8, 8) == 0,
	       "reserved space reads 0");
	wr(0x200, 8, ~0ull);
	expect(rd(0x200, 8) == 0, "and cannot be written");
	teardown();
}

TEST(widths)
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
		       "all registers read in pieces of %u", size);
	}
	for (ok = true, i = 1; i < sizeof(bytes) - 8; i++) {
		uint64_t value = rd(i, 8);

		ok = ok && !memcmp(&value, whole + i, 8);
	}
	expect(ok, "and unaligned");

	wr(IOAT_CHANCMP, 4, 0x00abcd00);
	expect(rd(IOAT_CHANCMP, 8) == 0x1122334400abcd00, "low half written");
	wr(IOAT_CHANCMP + 4, 4, 0x99);
	expect(rd(IOAT_CHANCMP, 8) == 0x9900abcd00, "high half written");
	wr(IOAT_CHANCMP + 1, 1, 0x77);
	expect(rd(IOAT_CHANCMP, 8) == 0x9900ab7700, "one byte written");
	wr(IOAT_CHANCMP, 8, 0x107);
	expect(rd(IOAT_CHANCMP, 8) == 0x100, "CHANCMP drops its low bits");

	wr(IOAT_CHAINADDR, 4, 0x40);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_ARMED, "low half of CHAINADDR arms");
	wr(IOAT_CHAINADDR + 4, 4, 0x12);
	expect(rd(IOAT_CHAINADDR, 8) == 0x1200000040 &&
		       rd(IOAT_CHANSTS, 8) == IOAT_ARMED,
	       "the high half too");
	teardown();
}

TEST(msix)
{
	setup();
	expect(rd(IOAT_MSIX_TABLE + 12, 4) == 1, "the vector starts masked");
	wr(IOAT_MSIX_TABLE, 8, 0x00000000fee00000);
	wr(IOAT_MSIX_TABLE + 8, 8, 0x41);
	expect(rd(IOAT_MSIX_TABLE, 4) == 0xfee00000 &&
		       rd(IOAT_MSIX_TABLE + 8, 4) == 0x41 &&
		       rd(IOAT_MSIX_TABLE + 12, 4) == 0,
	       "the table is memory");
	wr(IOAT_MSIX_PBA, 8, ~0ull);
	expect(rd(IOAT_MSIX_PBA, 8) == 0, "the pending bits are not");
	wr(IOAT_MSIX_TABLE + 16, 8, ~0ull);
	expect(rd(IOAT_MSIX_TABLE + 16, 8) == 0, "one vector only");
	ioat_bar_reset(&bar);
	expect(rd(IOAT_MSIX_TABLE + 8, 4) == 0 &&
		       rd(IOAT_MSIX_TABLE + 12, 4) == 1,
	       "a reset masks it");
	teardown();
}

/* Work. */

TEST(chain)
{
	unsigned int i;

	setup();
	for (i = 0; i < 8; i++)
		put_desc(i, IOAT_DESC_COMPLETION, SRC + i * 4096,
			 DST + i * 4096, 4096);
	desc(7)->next = RING;
	wr(IOAT_CHANCMP, 8, CMP);
	start(3);
	expect(until(state_is, IOAT_IDLE), "count reached: idle");
	expect(rd(IOAT_CHANSTS, 8) == (RING + 128 + IOAT_IDLE) &&
		       rd(IOAT_CDAR, 8) == RING + 128,
	       "CHANSTS and CDAR name the third descriptor");
	expect(completion() == (RING + 128 + IOAT_IDLE),
	       "and so does the completion");
	expect(!memcmp(fake_memory_at(&mem, SRC), fake_memory_at(&mem, DST),
		       3 * 4096) &&
		       *(uint8_t *)fake_memory_at(&mem, DST + 3 * 4096) == 0xee,
	       "three blocks were copied");
	wr(IOAT_DMACOUNT, 2, 3);
	expect(state() == IOAT_IDLE, "the same count again: nothing to do");
	wr(IOAT_DMACOUNT, 2, 9);
	expect(until(state_is, IOAT_IDLE) &&
		       rd(IOAT_CHANSTS, 8) == RING + IOAT_IDLE,
	       "goes on where it was, round the ring");
	expect(rd(IOAT_DMACOUNT, 2) == 9, "DMACOUNT reads back");
	wr(IOAT_CHAINADDR, 8, RING + 64);
	expect(rd(IOAT_CHANSTS, 8) == 4 && rd(IOAT_DMACOUNT, 2) == 0,
	       "CHAINADDR: armed, counts 0");
	expect(atomic_load(&irqs) == 0, "no interrupt was asked for");
	teardown();
}

TEST(count_wraps)
{
	bool ok;

	setup();
	put_desc(0, IOAT_DESC_NULL, 0, 0, 0);
	desc(0)->next = RING;
	start(65535);
	ok = until(state_is, IOAT_IDLE);
	expect(ok, "65535 times the same descriptor");
	wr(IOAT_DMACOUNT, 2, 5);
	expect(until(state_is, IOAT_IDLE) && rd(IOAT_DMACOUNT, 2) == 5,
	       "DMACOUNT counts on past 65535");
	teardown();
}

/* The second descriptor writes the third, which was read with it. */
TEST(fence)
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
	       "a fence: what comes next is read after what was written");
	teardown();
}

TEST(completions)
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
	       "a completion with it");
	teardown();

	setup();
	fake_memory_add(&mem, 0, 4096, true);
	put_desc(0, IOAT_DESC_COMPLETION, SRC, DST, 64);
	start(1);
	expect(until(state_is, IOAT_IDLE) &&
		       *(uint64_t *)fake_memory_at(&mem, 0) ==
			       0xeeeeeeeeeeeeeeeeull,
	       "CHANCMP never written: memory at 0 stays");
	wr(IOAT_CHANCMP, 8, 0);
	start(1);
	expect(until(state_is, IOAT_IDLE) &&
		       *(uint64_t *)fake_memory_at(&mem, 0) == RING + IOAT_IDLE,
	       "CHANCMP written as 0: completions go there");
	teardown();

	setup();
	put_desc(0, IOAT_DESC_COMPLETION, SRC, DST, 64);
	wr(IOAT_CHANCMP, 8, FAR);
	start(1);
	expect(until(state_is, IOAT_IDLE) && mem.writes == 1 &&
		       *(uint64_t *)fake_memory_at(&mem, FAR) ==
			       RING + IOAT_IDLE,
	       "a completion by message");
	wr(IOAT_CHANCMP, 8, HOLE);
	start(1);
	expect(until(state_is, IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_COMPLETION,
	       "CHANCMP unmapped: halted");
	teardown();
}

TEST(interrupt)
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
	       "ten descriptors, one rearm: one interrupt");
	expect(rd(IOAT_ATTNSTATUS, 4) == 1 && rd(IOAT_CHANCTRL, 2) == 0 &&
		       rd(IOAT_INTRCTRL, 1) == IOAT_INTRCTRL_STATUS,
	       "ATTNSTATUS and INTRCTRL show it");
	wr(IOAT_INTRCTRL, 1, IOAT_INTRCTRL_MASTER);
	expect(rd(IOAT_INTRCTRL, 1) == 7, "INTRCTRL with the master enable");
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM);
	expect(rd(IOAT_ATTNSTATUS, 4) == 0 && rd(IOAT_INTRCTRL, 1) == 1,
	       "a rearm clears them");
	wr(IOAT_DMACOUNT, 2, 13);
	expect(until(irqs_are, 2), "and the next interrupt comes");
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
	       "%s: halted with CHANERR %#x", name, bits);
	expect(rd(IOAT_CHANSTS, 8) == RING + IOAT_HALTED && completion() == 0,
	       "%s: completed stays, nothing written", name);
	wr(IOAT_DMACOUNT, 2, 9);
	expect(state() == IOAT_HALTED, "%s: the doorbell is not heard", name);
	wr(IOAT_CHANERR, 4, bits);
	expect(rd(IOAT_CHANERR, 4) == 0, "%s: cleared by writing 1", name);
	teardown();
}

TEST(errors)
{
	try_error("source unmapped", IOAT_ERR_SOURCE, IOAT_DESC_COMPLETION,
		  HOLE, DST, 64);
	try_error("target unmapped", IOAT_ERR_DESTINATION,
		  IOAT_DESC_COMPLETION | IOAT_DESC_INT, SRC, HOLE, 64);
	try_error("length", IOAT_ERR_LENGTH, 0, SRC, DST, 65537);
	try_error("operation", IOAT_ERR_CONTROL, 0x55000000, SRC, DST, 64);

	setup();
	wr(IOAT_CHAINADDR, 8, RING + 8);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_HALTED &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_CHAIN,
	       "CHAINADDR unaligned: halted");
	wr(IOAT_CHAINADDR, 8, HOLE);
	expect(state() == IOAT_ARMED, "CHAINADDR unmapped: armed");
	wr(IOAT_CHANERR, 4, ~0u);
	wr(IOAT_DMACOUNT, 2, 1);
	expect(until(state_is, IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_CHAIN,
	       "and halted when it is used");
	wr(IOAT_CHANERR, 4, ~0u);
	put_desc(0, 0, SRC, DST, 64);
	desc(0)->next = HOLE;
	start(2);
	expect(until(state_is, IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_NEXT,
	       "next unmapped");
	wr(IOAT_CHANERR, 4, ~0u);
	desc(0)->next = RING + 1;
	start(2);
	expect(until(state_is, IOAT_HALTED) &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_NEXT_ALIGN,
	       "next unaligned");
	start(1);
	expect(until(state_is, IOAT_IDLE), "next is not looked at too early");
	wr(IOAT_CHANERR, 4, ~0u & ~IOAT_ERR_NEXT_ALIGN);
	expect(rd(IOAT_CHANERR, 4) == IOAT_ERR_NEXT_ALIGN,
	       "a bit that is not written stays");
	teardown();
}

TEST(error_reports)
{
	setup();
	put_desc(0, IOAT_DESC_COMPLETION, SRC, DST, 64);
	put_desc(1, IOAT_DESC_COMPLETION, HOLE, DST, 64);
	wr(IOAT_CHANCMP, 8, CMP);
	wr(IOAT_CHANCTRL, 2,
	   IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_ERR_CMP | IOAT_CHANCTRL_ERR_INT);
	start(2);
	expect(until(state_is, IOAT_HALTED) && until(irqs_are, 1),
	       "CHANCTRL bit 4: an interrupt on an error");
	expect(completion() == RING + IOAT_HALTED,
	       "CHANCTRL bit 2: a completion on an error");

	/* As DPDK recovers. */
	wr(IOAT_CHANERR, 4, rd(IOAT_CHANERR, 4));
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	wr(IOAT_CHAINADDR, 8, RING);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_ARMED, "reset and armed again");
	wr(IOAT_DMACOUNT, 2, 1);
	expect(until(state_is, IOAT_IDLE) && completion() == RING + IOAT_IDLE,
	       "and at work");

	wr(IOAT_CHANERRMASK, 4, IOAT_ERR_SOURCE);
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_ERR_INT);
	wr(IOAT_DMACOUNT, 2, 2);
	expect(until(state_is, IOAT_HALTED) && atomic_load(&irqs) == 1 &&
		       rd(IOAT_CHANERR, 4) == IOAT_ERR_SOURCE,
	       "CHANERRMASK: no interrupt, halted all the same");

	ioat_channel_clear_error_int(bar.channel, ~0u);
	ioat_channel_set_error_int_mask(bar.channel, IOAT_ERR_SOURCE);
	start(2);
	expect(until(state_is, IOAT_HALTED) &&
		       ioat_channel_error_int(bar.channel) == 0,
	       "CHANERRMASK_INT keeps CHANERR_INT clear");
	teardown();
}

/* Commands. */

TEST(commands)
{
	setup();
	put_desc(0, 0, SRC, DST, 64);
	desc(0)->next = RING;
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	expect(state() == IOAT_HALTED, "suspend is ignored when halted");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
	expect(state() == IOAT_HALTED, "and so is resume");
	wr(IOAT_CHAINADDR, 8, RING);
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	expect(state() == IOAT_SUSPENDED, "armed, then suspended");
	wr(IOAT_DMACOUNT, 2, 1);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_SUSPENDED &&
		       rd(IOAT_DMACOUNT, 2) == 1,
	       "the doorbell waits");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
	expect(until(state_is, IOAT_IDLE), "resume: it is heard");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	expect(rd(IOAT_CHANSTS, 8) == RING + IOAT_SUSPENDED,
	       "idle, then suspended");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
	expect(state() == IOAT_IDLE, "and idle again");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	wr(IOAT_CHAINADDR, 8, RING);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_ARMED, "CHAINADDR ends a suspend");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_ABORT);
	expect(state() == IOAT_HALTED && rd(IOAT_CHANERR, 4) == 0,
	       "abort: halted, no error");
	start(1);
	until(state_is, IOAT_IDLE);
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	expect(until(reset_is_over, 0) && rd(IOAT_CHANSTS, 8) == IOAT_HALTED &&
		       rd(IOAT_DMACOUNT, 2) == 0,
	       "reset: halted, counts 0");
	wr(IOAT_CHANCMD, 1, 0x03);
	expect(state() == IOAT_HALTED, "unknown commands do nothing");
	teardown();
}

/* The copy waits in a message; the registers answer meanwhile. */

static void begin_held(void)
{
	setup();
	fake_memory_hold(&mem, true);
	put_desc(0, IOAT_DESC_COMPLETION | IOAT_DESC_INT, FAR, DST, 64);
	desc(0)->next = RING;
	wr(IOAT_CHANCMP, 8, CMP);
	wr(IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM);
	start(65535);
	fake_memory_await_message(&mem);
}

TEST(held)
{
	begin_held();
	expect(rd(IOAT_CHANSTS, 8) == IOAT_ACTIVE, "active while it waits");
	wr(IOAT_CHAINADDR, 8, RING + 64);
	expect(rd(IOAT_CHAINADDR, 8) == RING && state() == IOAT_ACTIVE,
	       "CHAINADDR is ignored while active");
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND);
	expect(state() == IOAT_ACTIVE, "suspend waits for the descriptor");
	fake_memory_hold(&mem, false);
	expect(until(state_is, IOAT_SUSPENDED) &&
		       rd(IOAT_CHANSTS, 8) == RING + IOAT_SUSPENDED,
	       "and comes with its end");
	wr(IOAT_DMACOUNT, 2, 3);
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME);
	expect(until(state_is, IOAT_IDLE) && mem.reads == 3,
	       "resumed for the rest");
	teardown();

	begin_held();
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_HALTED &&
		       rd(IOAT_CHANCMD, 1) == IOAT_CHANCMD_RESET,
	       "reset is seen at once, and that it lasts");
	put_desc(1, 0, SRC, DST + 4096, 64);
	wr(IOAT_CHAINADDR, 8, RING + 64);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_ARMED, "armed meanwhile");
	wr(IOAT_DMACOUNT, 2, 1);
	expect(state() == IOAT_ACTIVE, "and given work");
	fake_memory_hold(&mem, false);
	expect(until(state_is, IOAT_IDLE) && until(reset_is_over, 0) &&
		       rd(IOAT_CHANSTS, 8) == RING + 64 + IOAT_IDLE &&
		       *(uint8_t *)fake_memory_at(&mem, DST + 4096) == 0x5a,
	       "which is done after the old copy has ended");
	expect(*(uint8_t *)fake_memory_at(&mem, DST) == 0xee &&
		       completion() == 0 && atomic_load(&irqs) == 0,
	       "of which nothing came any more");
	teardown();

	begin_held();
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_ABORT);
	fake_memory_hold(&mem, false);
	expect(until(reset_is_over, 0) && state() == IOAT_HALTED &&
		       rd(IOAT_DMACOUNT, 2) == 65535 && completion() == 0,
	       "abort cuts the copy");
	teardown();

	/* Freed while it works. */
	begin_held();
	fake_memory_hold(&mem, false);
	teardown();
}

TEST(endless)
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
	expect(ok, "a long chain, reset 200 times");
	start(65535);
	ioat_channel_reset(bar.channel);
	ioat_channel_quiesce(bar.channel);
	expect(rd(IOAT_CHANSTS, 8) == IOAT_HALTED && rd(IOAT_CHANCMD, 1) == 0 &&
		       rd(IOAT_CHAINADDR, 8) == 0 && rd(IOAT_CHANCMP, 8) == 0 &&
		       rd(IOAT_CHANCTRL, 2) == 0,
	       "a device reset clears all, and nothing runs on");
	teardown();
}

/* Anything at all in registers and descriptors. */

static uint64_t random_state;

static uint64_t any(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint64_t any_address(void)
{
	static const uint64_t areas[] = { RING, SRC,  DST,	 CMP,
					  FAR,	HOLE, ~0ull - 64 };
	uint64_t offset = any() % 8 ? any() % 64 * 64 : any() % SIZE;

	return areas[any() % 7] + offset;
}

static void scramble(void)
{
	put_desc(any() % 64, any() % 2 ? any() & 0x01ffffff : any(),
		 any_address(), any_address(),
		 any() % 4 ? any() % 70000 : any());
	if (any() % 4)
		return;
	desc(any() % 64)->next = any() % 2 ? RING + any() % 64 * 64 :
					     any_address();
}

static void poke(void)
{
	static const uint16_t offsets[] = {
		IOAT_CHANCTRL,	IOAT_CHANCMD, IOAT_DMACOUNT, IOAT_CHAINADDR,
		IOAT_CHAINADDR, IOAT_CHANCMP, IOAT_CHANERR,  IOAT_CHANERRMASK,
	};
	uint64_t offset = offsets[any() % 8];

	switch (any() % 8) {
	case 0:
		wr(any() % 0x100, 1 << any() % 4, any());
		break;
	case 1:
		wr(offset, 1 << any() % 4, any());
		break;
	case 2:
		wr(offset, 8, any_address());
		break;
	case 3:
		ioat_channel_reset(bar.channel);
		ioat_channel_quiesce(bar.channel);
		break;
	default:
		wr(IOAT_CHAINADDR, 8, RING + any() % 64 * 64);
		wr(IOAT_DMACOUNT, 2, any() % 256);
		break;
	}
}

TEST(anything)
{
	unsigned int i;

	setup();
	random_state = 0x9e3779b97f4a7c15;
	for (i = 0; i < 20000; i++) {
		scramble();
		poke();
		expect((state() <= IOAT_ARMED), "state %u", state());
	}
	wr(IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET);
	expect(until(reset_is_over, 0), "it can be stopped");
	expect(rd(IOAT_CHANSTS, 8) == IOAT_HALTED, "and is halted");
	wr(IOAT_CHANERR, 4, ~0u);
	memset(fake_memory_at(&mem, SRC), 0x5a, SIZE);
	put_desc(0, 0, SRC, DST, 4096);
	start(1);
	expect(until(state_is, IOAT_IDLE) &&
		       !memcmp(fake_memory_at(&mem, SRC),
			       fake_memory_at(&mem, DST), 4096),
	       "and works as ever");
	teardown();
}
