// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped instructions that use other registers or memory than trap_test:
 * vector registers, strings, locked forms; and single-stepping.  The unit tests
 * of the decoder check what each instruction does; these tests check that the
 * kernel gives the decoder the registers and the memory that it needs.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "lib/consumer.h"
#include "lib/fault.h"

CONSUMER_FIXTURE

#define MEM TESTDEV_REG_MEMORY

/* The device's value, after all stores in flight have arrived. */
static uint64_t device_value(int device, uint64_t off, size_t size)
{
	uint64_t value = 0;

	if (region_get(device, BAR(0), off, &value, size))
		return 0xbadbadbadbadbad;
	return value;
}

/* Sixteen registers of up to 32 bytes. */
struct vectors {
	uint64_t word[16][4];
};

static void fill(struct vectors *v)
{
	unsigned int i, j;

	for (i = 0; i < 16; i++)
		for (j = 0; j < 4; j++)
			v->word[i][j] = 0x0101010101010101 * (16 * j + i + 1);
}

/* clang-format off */

/* MOVE is movups or vmovups, R is xmm or ymm. */
#define VECTOR_LOADS(MOVE, R)						\
	MOVE " 0(%0), %%" R "0; " MOVE " 32(%0), %%" R "1;"		\
	MOVE " 64(%0), %%" R "2; " MOVE " 96(%0), %%" R "3;"		\
	MOVE " 128(%0), %%" R "4; " MOVE " 160(%0), %%" R "5;"		\
	MOVE " 192(%0), %%" R "6; " MOVE " 224(%0), %%" R "7;"		\
	MOVE " 256(%0), %%" R "8; " MOVE " 288(%0), %%" R "9;"		\
	MOVE " 320(%0), %%" R "10; " MOVE " 352(%0), %%" R "11;"	\
	MOVE " 384(%0), %%" R "12; " MOVE " 416(%0), %%" R "13;"	\
	MOVE " 448(%0), %%" R "14; " MOVE " 480(%0), %%" R "15;"

#define VECTOR_STORES(MOVE, R)						\
	MOVE " %%" R "0, 0(%0); " MOVE " %%" R "1, 32(%0);"		\
	MOVE " %%" R "2, 64(%0); " MOVE " %%" R "3, 96(%0);"		\
	MOVE " %%" R "4, 128(%0); " MOVE " %%" R "5, 160(%0);"		\
	MOVE " %%" R "6, 192(%0); " MOVE " %%" R "7, 224(%0);"		\
	MOVE " %%" R "8, 256(%0); " MOVE " %%" R "9, 288(%0);"		\
	MOVE " %%" R "10, 320(%0); " MOVE " %%" R "11, 352(%0);"	\
	MOVE " %%" R "12, 384(%0); " MOVE " %%" R "13, 416(%0);"	\
	MOVE " %%" R "14, 448(%0); " MOVE " %%" R "15, 480(%0);"

#define VECTOR_CLOBBERS							\
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",	\
	"xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",	\
	"xmm15", "memory"

/*
 * Loads all registers from @v, runs one trapped instruction at @p, stores them
 * to @v.
 */
#define WITH_XMM(v, p, insn)						\
	asm volatile(VECTOR_LOADS("movups", "xmm") insn			\
		     VECTOR_STORES("movups", "xmm")			\
		     : : "r"(v), "r"(p) : "rax", VECTOR_CLOBBERS)

#define WITH_YMM(v, p, insn)						\
	asm volatile(VECTOR_LOADS("vmovups", "ymm") insn		\
		     VECTOR_STORES("vmovups", "ymm") "vzeroupper"	\
		     : : "r"(v), "r"(p) : "rax", VECTOR_CLOBBERS)

/* clang-format on */

static const uint64_t source[2] = { 0x8877665544332211, 0xffeeddccbbaa9988 };

/* One load into xmm5; checks it and the other registers. */
#define XMM_LOAD(insn, low, high)                                           \
	do {                                                                \
		struct vectors got, want;                                   \
                                                                            \
		fill(&want);                                                \
		got = want;                                                 \
		WITH_XMM(&got, bar + MEM, insn " (%1), %%xmm5;");           \
		want.word[5][0] = (low);                                    \
		want.word[5][1] = (high);                                   \
		EXPECT_EQ(0, memcmp(&want, &got, sizeof(got)))              \
		TH_LOG(insn ": %llx %llx", got.word[5][0], got.word[5][1]); \
	} while (0)

TEST_F(consumer, vector_load_sets_only_its_register)
{
	volatile unsigned char *bar;
	struct vectors old;

	fill(&old);
	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, &source[0], 8));
	ASSERT_EQ(0,
		  region_put(self->dev.device, BAR(0), MEM + 8, &source[1], 8));

	XMM_LOAD("movups", source[0], source[1]);
	XMM_LOAD("movaps", source[0], source[1]);
	XMM_LOAD("movdqu", source[0], source[1]);
	XMM_LOAD("lddqu", source[0], source[1]);
	XMM_LOAD("movss", (uint32_t)source[0], 0);
	XMM_LOAD("movsd", source[0], 0);
	XMM_LOAD("movd", (uint32_t)source[0], 0);
	XMM_LOAD("movq", source[0], 0);
	XMM_LOAD("movlps", source[0], old.word[5][1]);
	XMM_LOAD("movhps", old.word[5][0], source[0]);
}

#define XMM_STORE(insn, low, high)                                           \
	do {                                                                 \
		struct vectors v;                                            \
                                                                             \
		fill(&v);                                                    \
		ASSERT_EQ(0, testdev_cmd(&shared, "poke 0 0x%x 8 0", MEM));  \
		ASSERT_EQ(0,                                                 \
			  testdev_cmd(&shared, "poke 0 0x%x 8 0", MEM + 8)); \
		WITH_XMM(&v, bar + MEM, insn " %%xmm14, (%1);");             \
		EXPECT_EQ((uint64_t)(low),                                   \
			  device_value(self->dev.device, MEM, 8))            \
		TH_LOG(insn);                                                \
		EXPECT_EQ((uint64_t)(high),                                  \
			  device_value(self->dev.device, MEM + 8, 8))        \
		TH_LOG(insn);                                                \
	} while (0)

TEST_F(consumer, vector_store_writes_its_register)
{
	volatile unsigned char *bar;
	struct vectors old;
	uint64_t *word = old.word[14];

	fill(&old);
	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	XMM_STORE("movups", word[0], word[1]);
	XMM_STORE("movntdq", word[0], word[1]);
	XMM_STORE("movss", (uint32_t)word[0], 0);
	XMM_STORE("movsd", word[0], 0);
	XMM_STORE("movd", (uint32_t)word[0], 0);
	XMM_STORE("movq", word[0], 0);
	XMM_STORE("movhps", word[1], 0);
}

/* A move of 16 bytes is two accesses, the lower one first. */
TEST_F(consumer, move_of_16_bytes_is_two_accesses)
{
	volatile unsigned char *bar;
	struct testdev_access acc;
	struct vectors v;

	fill(&v);
	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_log_clear(&shared));
	WITH_XMM(&v, bar + MEM, "movups (%1), %%xmm0;");
	EXPECT_EQ(2, testdev_log_count(&shared));
	ASSERT_EQ(0, testdev_log_get(&shared, 0, &acc));
	EXPECT_EQ(MEM, acc.offset);
	EXPECT_EQ(8, acc.size);
	ASSERT_EQ(0, testdev_log_get(&shared, 1, &acc));
	EXPECT_EQ(MEM + 8, acc.offset);
	EXPECT_EQ(8, acc.size);
}

/* If all vector registers are 0, the save area may not contain them. */
TEST_F(consumer, vector_load_works_in_the_initial_state)
{
	volatile unsigned char *bar;
	struct vectors got = {}, want = {};

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, source, 8));
	WITH_XMM(&got, bar + MEM, "movq (%1), %%xmm9;");
	want.word[9][0] = source[0];
	EXPECT_EQ(0, memcmp(&want, &got, sizeof(got)));

	memset(&got, 0, sizeof(got));
	WITH_XMM(&got, bar + MEM, "movups %%xmm3, (%1);");
	EXPECT_EQ(0, device_value(self->dev.device, MEM, 8));
}

/* Neither an integer load nor a vector load changes the control register. */
TEST_F(consumer, trapped_load_keeps_mxcsr)
{
	uint32_t round_up = 0x5f80, normal = 0x1f80, got = 0;
	volatile unsigned char *bar;
	struct vectors v = {};

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	asm volatile("ldmxcsr %0" : : "m"(round_up));
	WITH_XMM(&v, bar + MEM, "movups (%1), %%xmm0; movl (%1), %%eax;");
	asm volatile("stmxcsr %0; ldmxcsr %1" : "=m"(got) : "m"(normal));
	EXPECT_EQ(round_up, got);
}

/* A load with VEX encoding clears the upper half; other loads keep it. */
TEST_F(consumer, vex_load_clears_the_upper_half)
{
	volatile unsigned char *bar;
	struct vectors got, want;

	if (!__builtin_cpu_supports("avx"))
		SKIP(return, "this processor has no AVX");
	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, source, 8));

	fill(&want);
	got = want;
	WITH_YMM(&got, bar + MEM, "movq (%1), %%xmm7;");
	want.word[7][0] = source[0];
	want.word[7][1] = 0;
	EXPECT_EQ(0, memcmp(&want, &got, sizeof(got)));

	fill(&want);
	got = want;
	WITH_YMM(&got, bar + MEM, "vmovq (%1), %%xmm12;");
	want.word[12][0] = source[0];
	memset(&want.word[12][1], 0, 24);
	EXPECT_EQ(0, memcmp(&want, &got, sizeof(got)));

	fill(&got);
	WITH_YMM(&got, bar + MEM, "vmovups %%xmm8, (%1);");
	EXPECT_EQ(got.word[8][0], device_value(self->dev.device, MEM, 8));
}

/* A move of 32 bytes is four accesses, in ascending order. */
TEST_F(consumer, move_of_32_bytes_is_four_accesses)
{
	volatile unsigned char *bar;
	struct testdev_access acc;
	unsigned int i;

	if (!__builtin_cpu_supports("avx"))
		SKIP(return, "this processor has no AVX");
	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_log_clear(&shared));
	ASSERT_EQ(0, FAULT_OF(asm volatile(
			     "vmovups (%0), %%ymm0; vzeroupper" : : "r"(
				     bar + MEM) : "xmm0")));
	EXPECT_EQ(4, testdev_log_count(&shared));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, testdev_log_get(&shared, i, &acc));
		EXPECT_EQ(MEM + 8 * i, acc.offset);
		EXPECT_EQ(8, acc.size);
	}
}

/* An instruction that is not emulated does not access the device. */
TEST_F(consumer, unknown_instruction_is_refused)
{
	volatile unsigned char *bar;

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_log_clear(&shared));
	EXPECT_EQ(SIGBUS, FAULT_OF(asm volatile("addps (%0), %%xmm0" : : "r"(
				  bar + MEM) : "xmm0")));
	EXPECT_EQ(0, testdev_log_count(&shared));
}

/*
 * Each element is one access; the count and the addresses have the right final
 * values.
 */
TEST_F(consumer, rep_movs_makes_one_access_per_element)
{
	unsigned char in[24], out[24] = {};
	volatile unsigned char *bar;
	const void *from;
	unsigned long n;
	unsigned int i;
	void *to;

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	for (i = 0; i < sizeof(in); i++)
		in[i] = 3 * i + 1;

	ASSERT_EQ(0, testdev_log_clear(&shared));
	from = in;
	to = (void *)(bar + MEM);
	n = 3;
	asm volatile("rep movsq" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
	EXPECT_EQ(0, n);
	EXPECT_EQ(in + 24, from);
	EXPECT_EQ(bar + MEM + 24, to);

	from = (void *)(bar + MEM);
	to = out;
	n = 24;
	asm volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n) : : "memory");
	EXPECT_EQ(0, n);
	EXPECT_EQ(out + 24, to);
	EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
	EXPECT_EQ(3 + 24, testdev_log_count(&shared));
}

TEST_F(consumer, rep_stos_works_backwards)
{
	volatile unsigned char *bar;
	unsigned long n = 4;
	void *to;

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	to = (void *)(bar + MEM + 12);
	asm volatile("std; rep stosl; cld"
		     : "+D"(to), "+c"(n)
		     : "a"(0x5a5a1234)
		     : "memory");
	EXPECT_EQ(0, n);
	EXPECT_EQ(bar + MEM - 4, to);
	EXPECT_EQ(0x5a5a1234, device_value(self->dev.device, MEM, 4));
	EXPECT_EQ(0x5a5a1234, device_value(self->dev.device, MEM + 12, 4));
}

static int movs(const volatile void *from, volatile void *to)
{
	return FAULT_OF(
		asm volatile("movsl" : "+S"(from), "+D"(to) : : "memory"));
}

/* An instruction that cannot be completed must not access the device. */
TEST_F(consumer, movs_that_fails_does_not_touch_the_device)
{
	volatile unsigned char *bar;
	void *constant;

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	constant = mmap(NULL, 0x1000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	ASSERT_NE(MAP_FAILED, constant);
	ASSERT_EQ(0, testdev_log_clear(&shared));
	EXPECT_EQ(SIGBUS, movs(bar + MEM, bar + MEM + 8));
	EXPECT_NE(0, movs(bar + MEM, constant));
	EXPECT_EQ(0, testdev_log_count(&shared));
	ASSERT_EQ(0, testdev_cmd(&shared, "poke 0 0x%x 4 1", MEM));
	EXPECT_EQ(0, movs(constant, bar + MEM));
	EXPECT_EQ(0, device_value(self->dev.device, MEM, 4));
}

struct toggle {
	char *page;
	atomic_bool stop;
};

/* Takes the right to write away from a page, and gives it back, as fast as it can. */
static void *toggle_page(void *data)
{
	struct toggle *toggle = data;

	while (!atomic_load(&toggle->stop)) {
		mprotect(toggle->page, 0x1000, PROT_READ);
		mprotect(toggle->page, 0x1000, PROT_READ | PROT_WRITE);
	}
	return NULL;
}

/*
 * A load may have side effects.  So an instruction whose destination becomes read-only
 * between the check and the store loads once, and not a second time when the fault is
 * repeated.
 */
TEST_F(consumer, movs_loads_at_most_once_if_its_destination_vanishes)
{
	struct toggle toggle = {};
	volatile unsigned char *bar;
	pthread_t thread;
	unsigned int i, failed = 0;

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	toggle.page = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, toggle.page);
	toggle.page[0] = 1;
	ASSERT_EQ(0, pthread_create(&thread, NULL, toggle_page, &toggle));
	for (i = 0; i < 400; i++) {
		ASSERT_EQ(0, testdev_log_clear(&shared));
		failed += movs(bar + MEM, toggle.page) != 0;
		ASSERT_GE(1, testdev_log_count(&shared));
	}
	atomic_store(&toggle.stop, true);
	pthread_join(thread, NULL);
	EXPECT_LT(0, failed);
}

TEST_F(consumer, locked_instructions_return_the_old_value)
{
	volatile unsigned char *bar;
	volatile uint32_t *p;
	unsigned char done;
	uint32_t old = 5;

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	p = (volatile uint32_t *)(bar + MEM);
	*p = 0x10;
	EXPECT_EQ(0x10, __atomic_fetch_add(p, 4, __ATOMIC_SEQ_CST));
	EXPECT_EQ(0x14, __atomic_exchange_n(p, 7, __ATOMIC_SEQ_CST));
	done = __atomic_compare_exchange_n(p, &old, 9, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
	EXPECT_EQ(0, done);
	EXPECT_EQ(7, old);
	done = __atomic_compare_exchange_n(p, &old, 9, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
	EXPECT_EQ(1, done);
	asm volatile("lock orl $0x30, (%0)" : : "r"(p) : "memory", "cc");
	EXPECT_EQ(0x39, *p);
}

/* A register operand gives the bit's distance from the address. */
TEST_F(consumer, bit_tests_reach_far_bits)
{
	volatile unsigned char *bar;
	unsigned char set;

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_cmd(&shared, "poke 0 0x%x 4 0x80", MEM + 0x20));
	asm volatile("btl %2, (%1); setc %0"
		     : "=r"(set)
		     : "r"(bar + MEM), "r"(0x20 * 8 + 7)
		     : "memory", "cc");
	EXPECT_EQ(1, set);
	asm volatile("btsl %2, (%1); setc %0"
		     : "=r"(set)
		     : "r"(bar + MEM + 0x40), "r"(-0x20 * 8 + 1)
		     : "memory", "cc");
	EXPECT_EQ(0, set);
	EXPECT_EQ(0x82, device_value(self->dev.device, MEM + 0x20, 4));
}

/* Loads are permitted; instructions that also store are not. */
TEST_F(consumer, store_to_a_read_only_mapping_is_refused)
{
	volatile unsigned char *bar;

	bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			  PROT_READ);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_cmd(&shared, "poke 0 0x%x 4 0x80", MEM));
	EXPECT_EQ(SIGSEGV,
		  FAULT_OF(asm volatile(
			  "incl (%0)" : : "r"(bar + MEM) : "memory", "cc")));
	EXPECT_EQ(0x80, device_value(self->dev.device, MEM, 4));
	EXPECT_EQ(0, FAULT_OF(asm volatile(
			     "testl $1, (%0)" : : "r"(bar + MEM) : "memory",
			     "cc")));
}

extern const char step_first[], step_second[];

/* Stops before a trapped load, for its tracer. */
static void __attribute__((noinline)) step_here(volatile unsigned char *p)
{
	asm volatile("int3\n"
		     "step_first: movl (%0), %%eax\n"
		     "step_second: nop; nop"
		     :
		     : "r"(p)
		     : "rax", "memory");
}

/*
 * A debugger's single step stops after the trapped instruction, not after the
 * next one.
 */
TEST_F(consumer, single_step_stops_after_a_trapped_load)
{
	struct user_regs_struct regs;
	volatile unsigned char *bar;
	int status;
	pid_t pid;

	bar = region_mmap(self->dev.device, BAR(0), 0, TESTDEV_BAR0_SIZE,
			  PROT_READ);
	ASSERT_NE(MAP_FAILED, bar);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		step_here(bar + TESTDEV_REG_ID);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	ASSERT_EQ((unsigned long)step_first, regs.rip);
	ASSERT_EQ(0, ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(SIGTRAP, WSTOPSIG(status));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, NULL, &regs));
	EXPECT_EQ((unsigned long)step_second, regs.rip);
	EXPECT_EQ(TESTDEV_ID, regs.rax);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, NULL, NULL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

SHARED_MAIN(NULL)
