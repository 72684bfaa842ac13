// SPDX-License-Identifier: GPL-2.0
/*
 * The state of the channel in a state file, when the program is killed.
 *
 * A program that is killed loses everything except shared memory: the state file and
 * the client's memory. So the tests do not kill it at each instruction. They let it
 * run instruction by instruction, take a copy of the shared memory after each one
 * that has changed it, and let another channel go on from each copy.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vuser/guard.h>

#include "../../devices/ioat/bar.h"
#include "../../devices/ioat/kept.h"
#include "../../devices/ioat/regs.h"
#include "fake-memory.h"
#include "expect.h"

#define RING  0x10000ull
#define SRC   0x20000ull
#define DST   0x30000ull
#define CMP   0x40000ull
#define HOLE  0x80000ull
#define DESCS 8
#define BYTES 512
#define NR    6 /* descriptors of the chain */

/* Steps that one run may take; with the address sanitizer, many. */
#define MAX_STEPS  2000000
#define MAX_COPIES 20000

/**
 * struct memory - the client's memory
 * @ring: descriptors
 * @src: sources
 * @dst: destinations
 * @cmp: the completion
 */
struct memory {
	uint8_t ring[DESCS * IOAT_DESC_ALIGN];
	uint8_t src[BYTES];
	uint8_t dst[BYTES];
	uint8_t cmp[IOAT_DESC_ALIGN];
};

/**
 * struct world - the memory that survives a kill, and notes of the test
 * @memory: the client's memory
 * @kept: contents of the state file
 * @op: number of register writes that have returned
 * @irqs: number of interrupts
 */
struct world {
	struct memory memory;
	struct ioat_kept kept;
	_Atomic uint32_t op;
	_Atomic uint32_t irqs;
};

/* Of the process that is stepped, or of the channel that goes on. */
static struct world *world;
static struct fake_memory fake;
static struct ioat_bar bar;
static struct world *copies[MAX_COPIES];
static unsigned int nr_copies;

static void raise_irq(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&world->irqs, 1);
}

static void add_region(uint64_t iova, uint8_t *ptr, size_t size)
{
	fake.regions[fake.nr++] = (struct fake_region) {
		.iova = iova,
		.size = size,
		.ptr = ptr,
		.direct = true,
	};
}

static void new_channel(struct world *w, bool restore)
{
	struct memory *m = &w->memory;

	world = w;
	fake_memory_init(&fake);
	add_region(RING, m->ring, sizeof(m->ring));
	add_region(SRC, m->src, sizeof(m->src));
	add_region(DST, m->dst, sizeof(m->dst));
	add_region(CMP, m->cmp, sizeof(m->cmp));
	if (vuser_guard_init() ||
	    ioat_channel_new(&bar.channel, fake_memory_dma(&fake),
			     (struct ioat_irq) { raise_irq, NULL }) ||
	    vuser_msix_init(&bar.msix, IOAT_MSIX_VECTORS))
		bail("cannot create a channel");
	ioat_bar_reset(&bar);
	ioat_channel_keep(bar.channel, &w->kept, restore);
}

static void free_channel(void)
{
	ioat_channel_free(bar.channel);
	vuser_msix_fini(&bar.msix);
	fake.nr = 0;
	fake_memory_fini(&fake);
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
	atomic_fetch_add(&world->op, 1);
}

static uint64_t completion(const struct world *w)
{
	uint64_t value;

	memcpy(&value, w->memory.cmp, sizeof(value));
	return value;
}

static struct world *new_world(void)
{
	struct world *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (w == MAP_FAILED)
		bail("mmap: %s", strerror(errno));
	for (i = 0; i < BYTES; i++) {
		w->memory.src[i] = i * 7 + 1;
		w->memory.dst[i] = i * 5 + 2;
	}
	return w;
}

static void put_desc(struct world *w, unsigned int i, uint32_t control,
		     uint64_t src, uint64_t dst, uint32_t size)
{
	const struct ioat_desc desc = {
		.size = size,
		.control = control | IOAT_DESC_COMPLETION,
		.src = src,
		.dst = dst,
		.next = RING + (i + 1) * IOAT_DESC_ALIGN,
	};

	memcpy(w->memory.ring + i * IOAT_DESC_ALIGN, &desc, sizeof(desc));
}

/*
 * A chain in which repetition shows: each descriptor has its own 64 bytes of SRC and
 * DST. The second one moves memory onto itself, up and down; the fourth one overwrites
 * itself with a descriptor that would write somewhere else.
 */
static void put_chain(struct world *w)
{
	struct ioat_desc other = {
		.size = 64,
		.control = IOAT_OP_FILL << 24,
		.dst = DST,
		.next = HOLE,
	};

	put_desc(w, 0, 0, SRC, DST, 64);
	put_desc(w, 1, IOAT_DESC_FENCE, DST + 64, DST + 72, 48);
	put_desc(w, 2, IOAT_OP_FILL << 24, 0x1122334455667788, DST + 128, 60);
	put_desc(w, 3, IOAT_DESC_FENCE, SRC + 192, RING + 192, 32);
	memcpy(w->memory.src + 192, &other, sizeof(other));
	put_desc(w, 4, IOAT_DESC_FENCE, DST + 272, DST + 256, 40);
	put_desc(w, 5, IOAT_DESC_INT, SRC + 320, DST + 320, 33);
}

static void apply(struct memory *m, unsigned int i)
{
	static const uint64_t pattern = 0x1122334455667788;
	unsigned int k;

	switch (i) {
	case 0:
		memcpy(m->dst, m->src, 64);
		break;
	case 1:
		memmove(m->dst + 72, m->dst + 64, 48);
		break;
	case 2:
		for (k = 0; k < 60; k++)
			m->dst[128 + k] = pattern >> 8 * (k % 8);
		break;
	case 3:
		memcpy(m->ring + 192, m->src + 192, 32);
		break;
	case 4:
		memmove(m->dst + 256, m->dst + 272, 40);
		break;
	case 5:
		memcpy(m->dst + 320, m->src + 320, 33);
		break;
	}
}

/* Stepping. */

static void take_copy(const struct world *w)
{
	if (nr_copies && !memcmp(copies[nr_copies - 1], w, sizeof(*w)))
		return;
	if (nr_copies == MAX_COPIES)
		bail("the shared memory changes too often");
	copies[nr_copies] = malloc(sizeof(*w));
	if (!copies[nr_copies])
		bail("out of memory");
	memcpy(copies[nr_copies++], w, sizeof(*w));
}

static void drop_copies(void)
{
	while (nr_copies)
		free(copies[--nr_copies]);
}

/* Execute one instruction of a stopped thread. Return false if it has ended. */
static bool one_step(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SINGLESTEP, tid, NULL, NULL))
		return false;
	return waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status);
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	/* The copy thread is waited for, too, if it was traced. */
	while (waitpid(-1, NULL, __WALL) >= 0)
		;
}

/* Let a child write registers, and copy the world after each change. */
static void step_writes(struct world *w, void (*write)(void), uint32_t ops)
{
	pid_t pid = fork();
	int steps, status;

	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (!pid) {
		new_channel(w, true);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		write();
		for (;;)
			pause();
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		bail("the child did not stop");
	atomic_store(&w->op, 0);
	take_copy(w);
	for (steps = 0; atomic_load(&w->op) < ops; steps++) {
		if (steps == MAX_STEPS || !one_step(pid))
			bail("the child did not write its registers");
		take_copy(w);
	}
	end_child(pid);
}

/* The id of the only other thread of a process. */
static pid_t other_thread(pid_t pid)
{
	char path[64];
	pid_t tid;

	for (tid = pid + 1; tid < pid + 1000; tid++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
		if (!access(path, F_OK))
			return tid;
	}
	bail("the child has no copy thread");
}

/*
 * Let the copy thread of a child carry out the chain until it raises the interrupt,
 * and copy the world after each change.
 */
static void step_chain(struct world *w)
{
	pid_t pid = fork(), tid;
	int steps, status;

	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (!pid) {
		new_channel(w, true);
		raise(SIGSTOP);
		ioat_channel_go(bar.channel);
		for (;;)
			pause();
	}
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		bail("the child did not stop");
	tid = other_thread(pid);
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) ||
	    waitpid(tid, &status, __WALL) != tid)
		bail("cannot trace the copy thread: %s", strerror(errno));
	kill(pid, SIGCONT);
	take_copy(w);
	for (steps = 0; !atomic_load(&w->irqs); steps++) {
		if (steps == MAX_STEPS || !one_step(tid))
			bail("the copy thread did not raise its interrupt");
		take_copy(w);
	}
	end_child(pid);
}

static bool settles(enum ioat_state state)
{
	const struct timespec pause = { .tv_nsec = 20000 };
	int i;

	for (i = 0; i < 100000; i++) {
		if ((rd(IOAT_CHANSTS, 8) & IOAT_CHANSTS_STATE) == state &&
		    atomic_load(&world->irqs))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* Arm the channel, with a chain of @nr descriptors, which it does not carry out yet. */
static void arm(struct world *w, unsigned int nr)
{
	new_channel(w, false);
	ioat_channel_hold(bar.channel);
	wr(IOAT_CHANCTRL, 2,
	   IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_ERR_CMP | IOAT_CHANCTRL_ERR_INT);
	wr(IOAT_CHANCMP, 8, CMP);
	wr(IOAT_CHAINADDR, 8, RING);
	wr(IOAT_DMACOUNT, 2, nr);
	free_channel();
}

/* The number of descriptors whose completion the driver can see. */
static unsigned int seen(const struct world *w)
{
	uint64_t value = completion(w) & ~(uint64_t)IOAT_CHANSTS_STATE;

	return value ? (value - RING) / IOAT_DESC_ALIGN + 1 : 0;
}

/*
 * The driver uses the memory of descriptors for other things as soon as it sees
 * their completion. A second try would overwrite that.
 */
static void reuse(struct memory *m, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		memset(m->dst + i * 64, 0xd0 + i, 64);
	for (i = 0; i < nr; i++)
		if (i != 3)
			memset(m->src + i * 64, 0xa0 + i, 64);
}

static bool goes_on(unsigned int number, struct memory want)
{
	struct world *w = copies[number];
	unsigned int i, nr = seen(w);
	bool ok;

	for (i = 0; i < nr; i++)
		apply(&want, i);
	reuse(&want, nr);
	reuse(&w->memory, nr);
	/* It also clears the completion, which does not come again. */
	if (nr == NR)
		memset(w->memory.cmp, 0, sizeof(uint64_t));
	for (; i < NR; i++)
		apply(&want, i);

	atomic_store(&w->irqs, 0);
	new_channel(w, true);
	ioat_channel_go(bar.channel);
	ok = settles(IOAT_IDLE);
	expect(ok, "copy %u of %u: the chain ends", number, nr_copies);
	expect(!memcmp(want.dst, w->memory.dst, BYTES),
	       "copy %u of %u, %u completions seen: destinations", number,
	       nr_copies, nr);
	expect(rd(IOAT_CHANSTS, 8) == ((RING + (NR - 1) * 64) | IOAT_IDLE),
	       "copy %u of %u: CHANSTS", number, nr_copies);
	expect(completion(w) == (nr == NR ? 0 : rd(IOAT_CHANSTS, 8)),
	       "copy %u of %u: completion", number, nr_copies);
	expect(rd(IOAT_CHANERR, 4) == 0, "copy %u of %u: no error", number,
	       nr_copies);
	expect(rd(IOAT_ATTNSTATUS, 4) == 1, "copy %u of %u: ATTNSTATUS", number,
	       nr_copies);
	free_channel();
	return ok;
}

TEST(chain_goes_on_when_the_program_is_killed_at_any_instruction)
{
	struct world *w = new_world();
	struct memory initial;
	unsigned int i;

	put_chain(w);
	initial = w->memory;
	arm(w, NR);
	step_chain(w);
	printf("# %u different states of the memory\n", nr_copies);
	require(nr_copies > 4 * NR);
	for (i = 0; i < nr_copies; i++)
		if (!goes_on(i, initial))
			break;
	drop_copies();
	munmap(w, sizeof(*w));
}

static bool fails_again(unsigned int number)
{
	struct world *w = copies[number];
	bool ok;

	atomic_store(&w->irqs, 0);
	new_channel(w, true);
	/* Once the driver knows of the error, the descriptor cannot succeed. */
	if (completion(w) == (RING | IOAT_HALTED))
		add_region(HOLE, w->memory.src, BYTES);
	ioat_channel_go(bar.channel);
	ok = settles(IOAT_HALTED);
	expect(ok, "copy %u of %u: the channel halts", number, nr_copies);
	expect(rd(IOAT_CHANERR, 4) == IOAT_ERR_SOURCE, "copy %u of %u: CHANERR",
	       number, nr_copies);
	expect(completion(w) == (RING | IOAT_HALTED),
	       "copy %u of %u: completion", number, nr_copies);
	expect(rd(IOAT_CHANSTS, 8) == completion(w), "copy %u of %u: CHANSTS",
	       number, nr_copies);
	free_channel();
	return ok;
}

TEST(error_is_reported_when_the_program_is_killed_at_any_instruction)
{
	struct world *w = new_world();
	unsigned int i;

	put_desc(w, 0, 0, SRC, DST, 16);
	put_desc(w, 1, 0, HOLE, DST, 16);
	arm(w, 2);
	step_chain(w);
	for (i = 0; i < nr_copies; i++)
		if (!fails_again(i))
			break;
	drop_copies();
	munmap(w, sizeof(*w));
}

/* Register writes of a driver; none of them lets the channel run. */
static const struct {
	uint64_t offset;
	uint32_t size;
	uint64_t value;
} writes[] = {
	{ IOAT_CHANCTRL, 2, IOAT_CHANCTRL_REARM | IOAT_CHANCTRL_ERR_CMP },
	{ IOAT_CHANERRMASK, 4, 0x12345678 },
	{ IOAT_CHANCMP, 8, CMP },
	{ IOAT_CHAINADDR, 8, RING },
	{ IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND },
	{ IOAT_DMACOUNT, 2, 3 },
	{ IOAT_CHANCMD, 1, IOAT_CHANCMD_RESUME },
	{ IOAT_CHANCMD, 1, IOAT_CHANCMD_SUSPEND },
	{ IOAT_CHANCMD, 1, IOAT_CHANCMD_RESET },
	{ IOAT_CHAINADDR, 8, RING + 1 },
	{ IOAT_CHANERR, 4, IOAT_ERR_CHAIN },
};

#define NR_WRITES (sizeof(writes) / sizeof(writes[0]))

/* As posted writes, whose message IDs are their numbers. */
static void make_writes(void)
{
	size_t i;

	for (i = 0; i < NR_WRITES; i++) {
		ioat_channel_begin_write(bar.channel, i);
		wr(writes[i].offset, writes[i].size, writes[i].value);
		ioat_channel_end_write(bar.channel, i);
	}
}

/*
 * Whether the registers are those after the posted write that is said to be the last one,
 * which is @op, or one before or after it.
 */
static bool is_consistent(uint8_t (*want)[IOAT_REGS_END], int op)
{
	int last = ioat_channel_last_write(bar.channel);
	uint8_t is[IOAT_REGS_END];

	ioat_bar_read(&bar, 0, is, sizeof(is));
	return (last == op - 2 || last == op - 1 || last == op) &&
	       !memcmp(is, want[last + 1], sizeof(is));
}

static void read_registers(void *image)
{
	ioat_bar_read(&bar, 0, image, IOAT_REGS_END);
}

TEST(each_register_write_is_kept_as_a_whole)
{
	static uint8_t want[NR_WRITES + 1][IOAT_REGS_END];
	struct world *w = new_world();
	unsigned int i, op;

	new_channel(w, false);
	ioat_channel_hold(bar.channel);
	for (i = 0; i < NR_WRITES; i++) {
		read_registers(want[i]);
		wr(writes[i].offset, writes[i].size, writes[i].value);
	}
	read_registers(want[i]);
	free_channel();

	memset(&w->kept, 0, sizeof(w->kept));
	new_channel(w, false);
	free_channel();
	step_writes(w, make_writes, NR_WRITES);
	require(nr_copies > 2 * NR_WRITES);
	for (i = 0; i < nr_copies; i++) {
		op = atomic_load(&copies[i]->op);
		new_channel(copies[i], true);
		expect(is_consistent(want, op), "copy %u of %u: in write %u", i,
		       nr_copies, op);
		free_channel();
	}
	drop_copies();
	munmap(w, sizeof(*w));
}

/* Without a kill: a client disconnects, and another one connects. */

TEST(message_that_fails_because_the_client_is_gone_is_sent_to_the_next_client)
{
	struct world *w = new_world();

	put_desc(w, 0, IOAT_DESC_INT, SRC, DST, 16);
	arm(w, 1);
	new_channel(w, true);
	fake_memory_region(&fake, DST)->direct = false;
	fake.message_error = -ENOTCONN;
	fake_memory_block(&fake, true);
	ioat_channel_go(bar.channel);
	fake_memory_await_message(&fake);
	fake_memory_block(&fake, false);
	ioat_channel_hold(bar.channel);
	check_eq(rd(IOAT_CHANERR, 4), 0);
	check_eq(rd(IOAT_CHANSTS, 8), IOAT_ACTIVE);
	fake.message_error = 0;
	ioat_channel_go(bar.channel);
	check(settles(IOAT_IDLE));
	check(!memcmp(w->memory.dst, w->memory.src, 16));
	free_channel();
	munmap(w, sizeof(*w));
}

TEST(channel_that_is_held_does_not_access_memory)
{
	struct world *w = new_world();

	put_desc(w, 0, IOAT_DESC_INT, SRC, DST, 16);
	arm(w, 1);
	new_channel(w, true);
	fake.nr = 0;
	wr(IOAT_DMACOUNT, 2, 1);
	check_eq(rd(IOAT_CHANSTS, 8), IOAT_ACTIVE);
	ioat_channel_hold(bar.channel);
	check_eq(rd(IOAT_CHANERR, 4), 0);
	fake.nr = 4;
	ioat_channel_go(bar.channel);
	check(settles(IOAT_IDLE));
	free_channel();
	munmap(w, sizeof(*w));
}
