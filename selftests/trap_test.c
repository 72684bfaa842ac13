// SPDX-License-Identifier: GPL-2.0
/*
 * Loads and stores on mapped registers: each width at each alignment, the
 * instructions that compilers emit, and refused accesses.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "lib/consumer.h"
#include "lib/fault.h"

CONSUMER_FIXTURE

#define MEM TESTDEV_REG_MEMORY

#define LOAD(p, type)	  (*(volatile type *)(p))
#define STORE(p, type, v) (*(volatile type *)(p) = (v))

/* Checks that the server received exactly one access, of this kind. */
static void check_one(struct __test_metadata *_metadata, char dir, uint64_t off,
		      unsigned int size)
{
	struct testdev_access acc;

	EXPECT_EQ(1, testdev_log_count(&shared));
	ASSERT_EQ(0, testdev_log_get(&shared, 0, &acc));
	EXPECT_EQ(dir, acc.dir);
	EXPECT_EQ(off, acc.offset);
	EXPECT_EQ(size, acc.size);
}

#define LOAD_TEST(type)                                                        \
	TEST_F(consumer, load_of_##type##_gives_the_value)                     \
	{                                                                      \
		volatile unsigned char *bar;                                   \
		unsigned char pattern[32];                                     \
		unsigned int off;                                              \
		type want;                                                     \
                                                                               \
		for (off = 0; off < sizeof(pattern); off++)                    \
			pattern[off] = 0x81 + off * 7;                         \
		bar = map_bar0(self->dev.device);                              \
		ASSERT_NE(MAP_FAILED, bar);                                    \
		ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM,         \
					pattern, sizeof(pattern)));            \
		for (off = 0; off < 16; off += sizeof(type)) {                 \
			memcpy(&want, pattern + off, sizeof(want));            \
			ASSERT_EQ(0, region_get(self->dev.device, BAR(0), MEM, \
						pattern, 1));                  \
			ASSERT_EQ(0, testdev_log_clear(&shared));              \
			EXPECT_EQ(want, LOAD(bar + MEM + off, type));          \
			check_one(_metadata, 'r', MEM + off, sizeof(type));    \
		}                                                              \
	}

LOAD_TEST(uint8_t)
LOAD_TEST(uint16_t)
LOAD_TEST(uint32_t)
LOAD_TEST(uint64_t)
LOAD_TEST(int8_t)
LOAD_TEST(int16_t)
LOAD_TEST(int32_t)

#define STORE_TEST(type)                                                 \
	TEST_F(consumer, store_of_##type##_is_posted)                    \
	{                                                                \
		unsigned long long v = 0xa1b2c3d4e5f60718;               \
		volatile unsigned char *bar;                             \
		struct testdev_access acc;                               \
		unsigned int off;                                        \
                                                                         \
		bar = map_bar0(self->dev.device);                        \
		ASSERT_NE(MAP_FAILED, bar);                              \
		for (off = 0; off < 16; off += sizeof(type)) {           \
			ASSERT_EQ(0, testdev_log_clear(&shared));        \
			STORE(bar + MEM + off, type, (type)v);           \
			/* The load comes after the store. */            \
			EXPECT_EQ((type)v, LOAD(bar + MEM + off, type)); \
			ASSERT_EQ(0, testdev_log_get(&shared, 0, &acc)); \
			EXPECT_EQ('p', acc.dir);                         \
			EXPECT_EQ(MEM + off, acc.offset);                \
			EXPECT_EQ(sizeof(type), acc.size);               \
			EXPECT_EQ((type)v, (type)acc.value);             \
			EXPECT_EQ(2, testdev_log_count(&shared));        \
			v = v * 3 + 1;                                   \
		}                                                        \
	}

STORE_TEST(uint8_t)
STORE_TEST(uint16_t)
STORE_TEST(uint32_t)
STORE_TEST(uint64_t)

/*
 * An unaligned access reaches the device in the largest aligned pieces.  Each
 * digit is the size of one piece; the index is the offset from an aligned
 * address.
 */
static const char *const pieces[][8] = {
	[2] = { "2", "11", "2", "11", "2", "11", "2", "11" },
	[4] = { "4", "121", "22", "121", "4", "121", "22", "121" },
	[8] = { "8", "1241", "242", "1421", "44", "1241", "242", "1421" },
};

/* Checks that the server received the pieces @want of @bytes at @off. */
static void check_pieces(struct __test_metadata *_metadata, char dir,
			 uint64_t off, const unsigned char *bytes,
			 const char *want)
{
	struct testdev_access acc;
	unsigned int nr, size;

	for (nr = 0; want[nr]; nr++) {
		size = want[nr] - '0';
		ASSERT_EQ(0, testdev_log_get(&shared, nr, &acc));
		EXPECT_EQ(dir, acc.dir);
		EXPECT_EQ(off, acc.offset);
		EXPECT_EQ(size, acc.size);
		/* The log has no values for reads; the consumer has them. */
		if (dir != 'r') {
			EXPECT_EQ(0, memcmp(&acc.value, bytes, size));
		}
		off += size;
		bytes += size;
	}
}

#define UNALIGNED_TEST(type)                                                   \
	TEST_F(consumer, unaligned_##type##_is_split)                          \
	{                                                                      \
		const char *const *want = pieces[sizeof(type)];                \
		unsigned char pattern[32], seen[32];                           \
		volatile unsigned char *bar;                                   \
		unsigned int off, i;                                           \
		type value;                                                    \
                                                                               \
		bar = map_bar0(self->dev.device);                              \
		ASSERT_NE(MAP_FAILED, bar);                                    \
		for (off = 1; off < 8; off++) {                                \
			for (i = 0; i < sizeof(pattern); i++)                  \
				pattern[i] = 0x81 + off * 5 + i * 7;           \
			ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, \
						pattern, sizeof(pattern)));    \
			ASSERT_EQ(0, region_get(self->dev.device, BAR(0), MEM, \
						seen, 1));                     \
			ASSERT_EQ(0, testdev_log_clear(&shared));              \
			value = LOAD(bar + MEM + off, type);                   \
			EXPECT_EQ(0, memcmp(&value, pattern + off,             \
					    sizeof(value)));                   \
			EXPECT_EQ(strlen(want[off]),                           \
				  testdev_log_count(&shared));                 \
			check_pieces(_metadata, 'r', MEM + off, pattern + off, \
				     want[off]);                               \
                                                                               \
			for (i = 0; i < sizeof(value); i++)                    \
				pattern[off + i] = 0x13 + off * 3 + i * 11;    \
			memcpy(&value, pattern + off, sizeof(value));          \
			ASSERT_EQ(0, testdev_log_clear(&shared));              \
			STORE(bar + MEM + off, type, value);                   \
			/* A later load is not part of the store. */           \
			ASSERT_EQ(TESTDEV_ID,                                  \
				  LOAD(bar + TESTDEV_REG_ID, uint32_t));       \
			EXPECT_EQ(strlen(want[off]) + 1,                       \
				  testdev_log_count(&shared));                 \
			check_pieces(_metadata, 'p', MEM + off, pattern + off, \
				     want[off]);                               \
			ASSERT_EQ(0, region_get(self->dev.device, BAR(0), MEM, \
						seen, sizeof(seen)));          \
			EXPECT_EQ(0, memcmp(seen, pattern, sizeof(seen)));     \
		}                                                              \
	}

UNALIGNED_TEST(uint16_t)
UNALIGNED_TEST(uint32_t)
UNALIGNED_TEST(uint64_t)

TEST_F(consumer, each_load_reaches_the_server)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	uint32_t first, i;

	ASSERT_NE(MAP_FAILED, bar);
	first = LOAD(bar + TESTDEV_REG_READS, uint32_t);
	for (i = 1; i <= 200; i++) {
		ASSERT_EQ(first + i, LOAD(bar + TESTDEV_REG_READS, uint32_t));
	}
}

/*
 * The forms that compilers and drivers use, each with registers that need a
 * prefix and with scaled addresses.
 */
TEST_F(consumer, each_form_of_mov_is_emulated)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	uint64_t init = 0x8899aabbccddeeff, r;
	volatile unsigned char *p;

	ASSERT_NE(MAP_FAILED, bar);
	p = bar + MEM;
	ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, &init, 8));

	/*
	 * A 32-bit load clears the upper half, an 8- or 16-bit load keeps it.
	 */
	asm volatile("mov $-1, %%r13; mov (%1), %%r13d; mov %%r13, %0"
		     : "=r"(r)
		     : "r"(p)
		     : "r13", "memory");
	EXPECT_EQ(0xccddeeff, r);
	asm volatile("mov $-1, %%r9; mov (%1), %%r9w; mov %%r9, %0"
		     : "=r"(r)
		     : "r"(p)
		     : "r9", "memory");
	EXPECT_EQ(0xffffffffffffeeff, r);
	asm volatile("mov $-1, %%rax; mov (%1), %%al; mov %%rax, %0"
		     : "=r"(r)
		     : "r"(p)
		     : "rax", "memory");
	EXPECT_EQ(0xffffffffffffffff, r);
	asm volatile("mov $0, %%eax; mov 1(%1), %%ah; mov %%rax, %0"
		     : "=&r"(r)
		     : "D"(p)
		     : "rax", "memory");
	EXPECT_EQ(0xee00, r);
	asm volatile("mov $0, %%esi; mov 1(%1), %%sil; mov %%rsi, %0"
		     : "=&r"(r)
		     : "D"(p)
		     : "rsi", "memory");
	EXPECT_EQ(0xee, r);
	asm volatile("mov (%1, %2, 4), %0"
		     : "=r"(r)
		     : "r"(p - 16), "r"(4UL)
		     : "memory");
	EXPECT_EQ(init, r);
	asm volatile("lea 8(%1), %%r12; mov -8(%%r12), %0"
		     : "=r"(r)
		     : "r"(p)
		     : "r12", "memory");
	EXPECT_EQ(init, r);

	asm volatile("movzbl (%1), %k0" : "=r"(r) : "r"(p) : "memory");
	EXPECT_EQ(0xff, r);
	asm volatile("movzwl (%1), %k0" : "=r"(r) : "r"(p) : "memory");
	EXPECT_EQ(0xeeff, r);
	asm volatile("movzbq 1(%1), %0" : "=r"(r) : "r"(p) : "memory");
	EXPECT_EQ(0xee, r);
	asm volatile("movsbq (%1), %0" : "=r"(r) : "r"(p) : "memory");
	EXPECT_EQ(-1UL, r);
	asm volatile("movsbl 1(%1), %k0" : "=r"(r) : "r"(p) : "memory");
	EXPECT_EQ(0xffffffee, r);
	asm volatile("movswq (%1), %0" : "=r"(r) : "r"(p) : "memory");
	EXPECT_EQ(0xffffffffffffeeff, r);
	asm volatile("movslq (%1), %0" : "=r"(r) : "r"(p) : "memory");
	EXPECT_EQ(0xffffffffccddeeff, r);

	asm volatile("movq $-5, (%0)" : : "r"(p) : "memory");
	EXPECT_EQ(-5UL, LOAD(p, uint64_t));
	asm volatile("movl $0x12345678, (%0)" : : "r"(p) : "memory");
	EXPECT_EQ(0xffffffff12345678, LOAD(p, uint64_t));
	asm volatile("movw $0x9abc, 2(%0)" : : "r"(p) : "memory");
	EXPECT_EQ(0xffffffff9abc5678, LOAD(p, uint64_t));
	asm volatile("movb $0x77, 7(%0)" : : "r"(p) : "memory");
	EXPECT_EQ(0x77ffffff9abc5678, LOAD(p, uint64_t));
	asm volatile("mov $0x4142, %%eax; mov %%ah, 1(%0)"
		     :
		     : "D"(p)
		     : "rax", "memory");
	EXPECT_EQ(0x77ffffff9abc4178, LOAD(p, uint64_t));
	asm volatile("mov $0x61, %%r15d; mov %%r15b, (%0)"
		     :
		     : "D"(p)
		     : "r15", "memory");
	EXPECT_EQ(0x77ffffff9abc4161, LOAD(p, uint64_t));
}

TEST_F(consumer, movbe_is_emulated)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	uint64_t init = 0x1122334455667788, r;
	volatile unsigned char *p;

	if (!__builtin_cpu_supports("movbe"))
		SKIP(return, "this processor has no movbe");
	ASSERT_NE(MAP_FAILED, bar);
	p = bar + MEM;
	ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, &init, 8));
	asm volatile("movbe (%1), %0" : "=r"(r) : "r"(p) : "memory");
	EXPECT_EQ(0x8877665544332211, r);
	asm volatile("movbe %k1, (%0)"
		     :
		     : "r"(p), "r"(0x01020304UL)
		     : "memory");
	EXPECT_EQ(0x04030201, LOAD(p, uint32_t));
}

/*
 * Read-modify-write: one read and one write, with the right flags afterwards.
 */
TEST_F(consumer, read_modify_write_sets_the_flags)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	volatile uint32_t *p;
	unsigned char zero;
	uint32_t init = 0xf0;

	ASSERT_NE(MAP_FAILED, bar);
	p = (volatile uint32_t *)(bar + MEM);
	ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, &init, 4));
	asm volatile("orl $0x0f, (%0)" : : "r"(p) : "memory", "cc");
	EXPECT_EQ(0xff, *p);
	asm volatile("andl %1, (%0)" : : "r"(p), "r"(0x3c) : "memory", "cc");
	EXPECT_EQ(0x3c, *p);
	asm volatile("addl $4, (%0)" : : "r"(p) : "memory", "cc");
	EXPECT_EQ(0x40, *p);
	asm volatile("andl $0x0f, (%1); setz %0"
		     : "=r"(zero)
		     : "r"(p)
		     : "memory", "cc");
	EXPECT_EQ(1, zero);
	EXPECT_EQ(0, *p);
	asm volatile("orl $0x80, (%1); setz %0"
		     : "=r"(zero)
		     : "r"(p)
		     : "memory", "cc");
	EXPECT_EQ(0, zero);
	EXPECT_EQ(0x80, *p);
}

/* Clang compiles "if (*reg & bit)" to these instructions. */
TEST_F(consumer, test_and_cmp_set_the_flags)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	volatile unsigned char *p;
	uint32_t init = 0x80000001;
	unsigned char flag;

	ASSERT_NE(MAP_FAILED, bar);
	p = bar + MEM;
	ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, &init, 4));
	asm volatile("testb $1, (%1); setnz %0"
		     : "=r"(flag)
		     : "r"(p)
		     : "memory", "cc");
	EXPECT_EQ(1, flag);
	asm volatile("testl $2, (%1); setnz %0"
		     : "=r"(flag)
		     : "r"(p)
		     : "memory", "cc");
	EXPECT_EQ(0, flag);
	asm volatile("cmpl %2, (%1); sete %0"
		     : "=r"(flag)
		     : "r"(p), "r"(0x80000001)
		     : "memory", "cc");
	EXPECT_EQ(1, flag);
	asm volatile("cmpb $0x7f, (%1); setb %0"
		     : "=r"(flag)
		     : "r"(p)
		     : "memory", "cc");
	EXPECT_EQ(1, flag);
}

TEST_F(consumer, trapped_load_keeps_other_registers)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	uint64_t rbx, r14, flags_before, flags_after;

	ASSERT_NE(MAP_FAILED, bar);
	asm volatile("mov $0x1111, %%ebx; mov $0x2222, %%r14d;"
		     "cmp %%ebx, %%r14d; pushfq; pop %2;"
		     "movl (%4), %%eax;"
		     "pushfq; pop %3; mov %%rbx, %0; mov %%r14, %1"
		     : "=&r"(rbx), "=&r"(r14), "=&r"(flags_before),
		       "=&r"(flags_after)
		     : "r"(bar + TESTDEV_REG_ID)
		     : "rax", "rbx", "r14", "memory", "cc");
	EXPECT_EQ(0x1111, rbx);
	EXPECT_EQ(0x2222, r14);
	/* All flags except RF, which the return from the fault may set. */
	EXPECT_EQ(flags_before & ~0x10000UL, flags_after & ~0x10000UL);
}

TEST_F(consumer, load_refused_by_the_server_reads_ones)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);

	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_cmd(&shared, "fail read %d 3", EIO));
	EXPECT_EQ(0xff, LOAD(bar + MEM, uint8_t));
	EXPECT_EQ(0xffffffff, LOAD(bar + MEM, uint32_t));
	EXPECT_EQ(0xffffffffffffffff, LOAD(bar + MEM, uint64_t));
	EXPECT_EQ(TESTDEV_ID, LOAD(bar + TESTDEV_REG_ID, uint32_t));
	/*
	 * The server's EINTR is an error like others: the load is not repeated.
	 */
	ASSERT_EQ(0, testdev_cmd(&shared, "fail read %d 1", EINTR));
	EXPECT_EQ(0xffffffff, LOAD(bar + TESTDEV_REG_ID, uint32_t));
}

TEST_F(consumer, store_refused_by_the_server_is_dropped)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);

	ASSERT_NE(MAP_FAILED, bar);
	STORE(bar + MEM, uint32_t, 7);
	EXPECT_EQ(7, LOAD(bar + MEM, uint32_t));
	ASSERT_EQ(0, testdev_cmd(&shared, "fail write %d 1", EIO));
	STORE(bar + MEM, uint32_t, 8);
	EXPECT_EQ(7, LOAD(bar + MEM, uint32_t));
	STORE(bar + MEM, uint32_t, 9);
	EXPECT_EQ(9, LOAD(bar + MEM, uint32_t));
}

/* The buffer of the system call is a register. */
TEST_F(consumer, system_call_on_a_register_fails)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	int fds[2];

	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, pipe(fds));
	EXPECT_EQ(-1, write(fds[1], (void *)(bar + MEM), 4));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_EQ(4, write(fds[1], "abcd", 4));
	EXPECT_EQ(-1, read(fds[0], (void *)(bar + MEM), 4));
	EXPECT_EQ(EFAULT, errno);
	/* The device's own pread into its own mapping. */
	EXPECT_EQ(-1, pread(self->dev.device, (void *)(bar + MEM), 4,
			    region_offset(self->dev.device, BAR(0))));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(TESTDEV_ID, LOAD(bar + TESTDEV_REG_ID, uint32_t));
}

TEST_F(consumer, access_across_a_page_boundary_is_refused)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);

	ASSERT_NE(MAP_FAILED, bar);
	EXPECT_EQ(SIGBUS, FAULT_OF(LOAD(bar + MEM + 0xffe, uint32_t)));
	EXPECT_EQ(SIGBUS, FAULT_OF(STORE(bar + MEM + 0xffc, uint64_t, 1)));
	EXPECT_EQ(0, FAULT_OF(LOAD(bar + MEM + 0xffc, uint32_t)));
}

TEST_F(consumer, unknown_instruction_raises_sigbus)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	unsigned char save[512] __attribute__((aligned(16)));
	int klog = klog_open();

	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_LE(0, klog);
	asm volatile("fxsave %0" : "=m"(save));
	EXPECT_EQ(SIGBUS, FAULT_OF(asm volatile("fxrstor (%0)" : : "r"(
				  bar + MEM) : "memory")));
	EXPECT_EQ(1, klog_count(klog, "cannot emulate the instruction"))
	TH_LOG("expected one line with the bytes");
	EXPECT_EQ(TESTDEV_ID, LOAD(bar + TESTDEV_REG_ID, uint32_t));
	close(klog);
}

TEST_F(consumer, segment_override_is_refused)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);

	ASSERT_NE(MAP_FAILED, bar);
	/* The base of %gs is 0, so the address is still in the BAR. */
	EXPECT_EQ(SIGBUS, FAULT_OF(asm volatile("movl %%gs:(%0), %%eax" : : "r"(
							bar + MEM) : "rax",
						"memory")));
}

/* Code in a BAR: the mapping cannot be made executable. */
TEST_F(consumer, register_mapping_cannot_be_executable)
{
	uint64_t base = region_offset(self->dev.device, BAR(0));
	void (*code)(void);
	void *bar;

	EXPECT_EQ(MAP_FAILED, mmap(NULL, 0x1000, PROT_READ | PROT_EXEC,
				   MAP_SHARED, self->dev.device, base + MEM));
	bar = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED,
		   self->dev.device, base + MEM);
	ASSERT_NE(MAP_FAILED, bar);
	EXPECT_EQ(-1, mprotect(bar, 0x1000, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	code = (void (*)(void))bar;
	/* No page is present, so the fault handler must refuse the fetch. */
	EXPECT_EQ(SIGBUS, FAULT_OF(code()));
}

/*
 * Jumps to code in a 32-bit segment: a load of @where, then an undefined
 * instruction in case the load returns.  Returns only by a signal.
 */
static void load_in_32_bits(void *code, void *stack_end, uint32_t where)
{
	struct {
		uint32_t offset;
		uint16_t segment;
	} __attribute__((packed)) to = { (uintptr_t)code, 0x23 };
	unsigned char *p = code;

	p[0] = 0xa1; /* mov eax, [where] */
	memcpy(p + 1, &where, 4);
	p[5] = 0x0f; /* ud2 */
	p[6] = 0x0b;
	asm volatile("mov %0, %%ds; mov %1, %%rsp; ljmp *(%2)"
		     :
		     : "r"(0x2b), "r"(stack_end), "r"(&to)
		     : "memory");
	__builtin_unreachable();
}

TEST_F(consumer, trap_in_32_bit_code_is_refused)
{
	const int low = MAP_32BIT | MAP_PRIVATE | MAP_ANONYMOUS;
	void *bar, *code, *stack;

	bar = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_32BIT,
		   self->dev.device, region_offset(self->dev.device, BAR(0)));
	code = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC, low, -1,
		    0);
	stack = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, low, -1, 0);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_NE(MAP_FAILED, code);
	ASSERT_NE(MAP_FAILED, stack);
	/* First check the code itself: a load of ordinary memory works. */
	EXPECT_EQ(SIGILL,
		  FAULT_OF(load_in_32_bits(code, (char *)stack + 0x10000,
					   (uintptr_t)stack)));
	EXPECT_EQ(SIGBUS,
		  FAULT_OF(load_in_32_bits(code, (char *)stack + 0x10000,
					   (uintptr_t)bar)));
	EXPECT_EQ(0, testdev_log_count(&shared));
}

TEST_F(consumer, forked_children_can_use_the_registers)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	pid_t pid[4];
	int status;
	long i, k;

	ASSERT_NE(MAP_FAILED, bar);
	/* The children of a fork inherit shared mappings. */
	for (i = 0; i < 4; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (pid[i])
			continue;
		for (k = 0; k < 100; k++) {
			STORE(bar + MEM + i * 64, uint64_t, k * 4 + i);
			if (LOAD(bar + MEM + i * 64, uint64_t) != k * 4 + i)
				_exit(1);
		}
		_exit(0);
	}
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
}

/* A signal that arrives while a load waits is handled after the load. */
static volatile sig_atomic_t got_signal;

static void on_usr1(int sig)
{
	got_signal = 1;
}

TEST_F(consumer, signal_during_a_load_is_handled_afterwards)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	uint32_t value = 0;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, bar);
	signal(SIGUSR1, on_usr1);
	ASSERT_EQ(0, testdev_cmd(&shared, "hold read"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		testdev_cmd(&shared, "held 1");
		kill(getppid(), SIGUSR1);
		testdev_cmd(&shared, "release");
		_exit(0);
	}
	value = LOAD(bar + TESTDEV_REG_ID, uint32_t);
	EXPECT_EQ(TESTDEV_ID, value);
	EXPECT_EQ(1, got_signal);
	waitpid(pid, NULL, 0);
}

struct load {
	volatile unsigned char *at;
	uint32_t value;
};

static void *load_once(void *data)
{
	struct load *load = data;

	load->value = LOAD(load->at, uint32_t);
	return NULL;
}

/* A load that waits for the server holds no lock of the address space. */
TEST_F(consumer, mapping_can_be_unmapped_during_a_load)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	struct load load = { bar + TESTDEV_REG_ID, 0 };
	pthread_t thread;

	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_cmd(&shared, "hold read"));
	ASSERT_EQ(0, pthread_create(&thread, NULL, load_once, &load));
	ASSERT_EQ(0, testdev_cmd(&shared, "held 1"));
	EXPECT_EQ(0, munmap((void *)bar, TESTDEV_BAR0_SIZE));
	ASSERT_EQ(0, testdev_cmd(&shared, "release"));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(TESTDEV_ID, load.value);
}

/* The server may read the consumer's memory before it replies to a load. */
TEST_F(consumer, load_can_wait_for_dma_of_the_server)
{
	volatile unsigned char *bar = map_bar0(self->dev.device);
	uint64_t *mem;

	ASSERT_NE(MAP_FAILED, bar);
	mem = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	mem[3] = 0x1122334455667788;
	ASSERT_EQ(0, testdev_cmd(&shared, "strip-fds 1"));
	ASSERT_EQ(0,
		  dma_map(self->dev.container, mem, 0x100000, 0x1000, DMA_RW));
	ASSERT_EQ(0, testdev_cmd(&shared, "onread 0x100018"));
	EXPECT_EQ(mem[3], LOAD(bar + TESTDEV_REG_ONREAD, uint64_t));
	ASSERT_EQ(0, dma_unmap(self->dev.container, 0x100000, 0x1000, 0, NULL));
	EXPECT_EQ(0xffffffffffffffff, LOAD(bar + TESTDEV_REG_ONREAD, uint64_t));
}

SHARED_MAIN(NULL)
