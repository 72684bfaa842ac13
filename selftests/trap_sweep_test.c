// SPDX-License-Identifier: GPL-2.0
/*
 * Each instruction runs twice, on a trapped page and on ordinary memory with the
 * same contents.  Registers, flags and memory must be equal afterwards.  The
 * unit tests of the decoder try all forms of an instruction; this test shows that
 * the kernel provides all registers and accesses.  C library functions are tested
 * with the sizes for which they choose different instructions.
 */
#include "lib/consumer.h"
#include "lib/fault.h"

CONSUMER_FIXTURE

/* The device's memory that the instructions use. */
#define MEM  TESTDEV_REG_MEMORY
#define SIZE 128

/* The registers before and after an instruction; offsets are used in RUN(). */
struct state {
	uint64_t ax, cx, dx, bx; /* 0 */
	uint64_t flags; /* 32 */
	uint64_t pad[3];
	uint64_t ymm[4][4]; /* 64: ymm0 to ymm3 */
};

/* The flags that an instruction leaves undefined are not compared. */
#define CF     0x001
#define PF     0x004
#define AF     0x010
#define ZF     0x040
#define SF     0x080
#define OF     0x800
#define STATUS (CF | PF | AF | ZF | SF | OF)

/* clang-format off */

#define LOAD_GPRS							\
	"movq (%[s]), %%rax; movq 8(%[s]), %%rcx;"			\
	"movq 16(%[s]), %%rdx; movq 24(%[s]), %%rbx;"

#define STORE_GPRS							\
	"movq %%rax, (%[s]); movq %%rcx, 8(%[s]);"			\
	"movq %%rdx, 16(%[s]); movq %%rbx, 24(%[s]);"

#define LOAD_YMMS							\
	"vmovdqu 64(%[s]), %%ymm0; vmovdqu 96(%[s]), %%ymm1;"		\
	"vmovdqu 128(%[s]), %%ymm2; vmovdqu 160(%[s]), %%ymm3;"

#define STORE_YMMS							\
	"vmovdqu %%ymm0, 64(%[s]); vmovdqu %%ymm1, 96(%[s]);"		\
	"vmovdqu %%ymm2, 128(%[s]); vmovdqu %%ymm3, 160(%[s]);"		\
	"vzeroupper;"

/*
 * Runs @code with the registers in @s.  %[p] is the memory under test, %[q] is
 * other memory.  The stack pointer moves, because the compiler may keep values
 * below it.
 */
#define RUN(code, loads, stores, s, p, q)				\
	asm volatile("leaq -256(%%rsp), %%rsp;" loads LOAD_GPRS		\
		     "pushq 32(%[s]); popfq;"				\
		     code ";"						\
		     "pushfq; popq 32(%[s]);" STORE_GPRS stores		\
		     "leaq 256(%%rsp), %%rsp"				\
		     : : [s] "r"(s), [p] "r"(p), [q] "r"(q)		\
		     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi",	\
		       "xmm0", "xmm1", "xmm2", "xmm3", "memory", "cc")

/*
 * A string instruction.  Leaves in RBX and RDX how far it moved RDI and RSI: the
 * addresses differ between the two runs, the distances must not.
 */
#define STRING(code)							\
	"movq %[p], %%rdi; movq %[q], %%rsi;" code ";"			\
	"pushfq; subq %[p], %%rdi; movq %%rdi, %%rbx;"			\
	"subq %[q], %%rsi; movq %%rsi, %%rdx; popfq"

#define STRING_FROM(code)						\
	"movq %[q], %%rdi; movq %[p], %%rsi;" code ";"			\
	"pushfq; subq %[q], %%rdi; movq %%rdi, %%rbx;"			\
	"subq %[p], %%rsi; movq %%rsi, %%rdx; popfq"

/*
 * X(name, feature of the processor, undefined flags, code).  The features are
 * those of __builtin_cpu_supports().
 */
#define INTEGER_INSNS(X)						\
	X(adc, "cmov", 0, "adcl $1, (%[p])")				\
	X(adcx, "adx", 0, "adcx (%[p]), %%rax")				\
	X(adox, "adx", 0, "adox (%[p]), %%rax")				\
	X(andn, "bmi", AF | PF, "andn (%[p]), %%rcx, %%rax")		\
	X(bextr, "bmi", AF | SF | PF, "bextr %%rcx, (%[p]), %%rax")	\
	X(blsi, "bmi", AF | PF, "blsi (%[p]), %%rax")			\
	X(blsmsk, "bmi", AF | PF, "blsmsk (%[p]), %%rax")		\
	X(blsr, "bmi", AF | PF, "blsr (%[p]), %%rax")			\
	X(bts, "cmov", OF | SF | AF | PF, "btsl $3, (%[p])")		\
	X(bzhi, "bmi2", AF | PF, "bzhi %%rcx, (%[p]), %%rax")		\
	X(cmovz, "cmov", 0, "cmovzl (%[p]), %%eax")			\
	X(cmovnz, "cmov", 0, "cmovnzl (%[p]), %%eax")			\
	X(cmp, "cmov", 0, "cmpl $1, (%[p])")				\
	X(cmpxchg, "cmov", 0, "lock cmpxchgl %%ecx, (%[p])")		\
	X(cmpxchg8b, "cmov", 0, "lock cmpxchg8b (%[p])")		\
	X(cmpxchg16b, "cmov", 0, "lock cmpxchg16b (%[p])")		\
	X(cmpxchg16b_equal, "cmov", 0,					\
	  "movq (%[q]), %%rax; movq 8(%[q]), %%rdx;"			\
	  "lock cmpxchg16b (%[p])")					\
	X(crc32b, "sse4.2", 0, "crc32b (%[p]), %%eax")			\
	X(crc32l, "sse4.2", 0, "crc32l (%[p]), %%eax")			\
	X(crc32q, "sse4.2", 0, "crc32q (%[p]), %%rax")			\
	X(imul, "cmov", ZF | SF | AF | PF, "imull (%[p]), %%eax")	\
	X(imul_wide, "cmov", ZF | SF | AF | PF, "imulq (%[p])")		\
	X(mul_wide, "cmov", ZF | SF | AF | PF, "mulq (%[p])")		\
	X(lodsq, "cmov", 0, STRING_FROM("lodsq"))			\
	X(lzcnt, "lzcnt", OF | SF | AF | PF, "lzcnt (%[p]), %%rax")	\
	X(movbe, "movbe", 0, "movbe (%[p]), %%eax")			\
	X(movnti, "cmov", 0, "movntiq %%rcx, (%[p])")			\
	X(mulx, "bmi2", 0, "mulx (%[p]), %%rax, %%rcx")			\
	X(pdep, "bmi2", 0, "pdep (%[p]), %%rcx, %%rax")			\
	X(pext, "bmi2", 0, "pext (%[p]), %%rcx, %%rax")			\
	X(popcnt, "popcnt", 0, "popcnt (%[p]), %%rax")			\
	X(push, "cmov", 0, "pushq (%[p]); popq %%rax")			\
	X(pop, "cmov", 0, "pushq %%rcx; popq (%[p])")			\
	X(rol, "cmov", OF, "roll $3, (%[p])")				\
	X(rcr, "cmov", 0, "rcrl $1, (%[p])")				\
	X(rorx, "bmi2", 0, "rorx $5, (%[p]), %%rax")			\
	X(sarx, "bmi2", 0, "sarx %%rcx, (%[p]), %%rax")			\
	X(setz, "cmov", 0, "setz (%[p])")				\
	X(shl, "cmov", AF, "shll $1, (%[p])")				\
	X(shld, "cmov", AF | OF, "shldl $9, %%ecx, (%[p])")		\
	X(shlx, "bmi2", 0, "shlx %%rcx, (%[p]), %%rax")			\
	X(shrd, "cmov", AF | OF, "shrdq $9, %%rcx, (%[p])")		\
	X(shrx, "bmi2", 0, "shrx %%rcx, (%[p]), %%rax")			\
	X(tzcnt, "bmi", OF | SF | AF | PF, "tzcnt (%[p]), %%rax")	\
	X(xchg, "cmov", 0, "xchgl %%eax, (%[p])")			\
	X(scasb, "cmov", 0, STRING("scasb"))				\
	X(repne_scasb, "cmov", 0,					\
	  STRING("movl $20, %%ecx; movb 9(%[q]), %%al; repne scasb"))	\
	X(cmpsb, "cmov", 0, STRING("cmpsb"))				\
	X(repe_cmpsq, "cmov", 0, STRING("movl $9, %%ecx; repe cmpsq"))	\
	X(repe_cmpsb_from, "cmov", 0,					\
	  STRING_FROM("movl $9, %%ecx; repe cmpsb"))			\
	X(clflush, "cmov", 0, "clflush (%[p])")				\
	X(prefetcht0, "cmov", 0, "prefetcht0 (%[p])")

#define VECTOR_INSNS(X)							\
	X(movlps, "avx2", 0, "movlps (%[p]), %%xmm1")			\
	X(movhps, "avx2", 0, "movhps (%[p]), %%xmm1")			\
	X(pcmpeqb, "avx2", 0, "pcmpeqb (%[p]), %%xmm1")			\
	X(pminub, "avx2", 0, "pminub (%[p]), %%xmm1")			\
	X(pxor, "avx2", 0, "pxor (%[p]), %%xmm1")			\
	X(por, "avx2", 0, "por (%[p]), %%xmm1")				\
	X(pand, "avx2", 0, "pand (%[p]), %%xmm1")			\
	X(paddd, "avx2", 0, "paddd (%[p]), %%xmm1")			\
	X(psubb, "avx2", 0, "psubb (%[p]), %%xmm1")			\
	X(ptest, "avx2", 0, "ptest (%[p]), %%xmm1")			\
	X(pinsrd, "avx2", 0, "pinsrd $2, (%[p]), %%xmm1")		\
	X(pextrb, "avx2", 0, "pextrb $5, %%xmm1, (%[p])")		\
	X(vmovdqu_load, "avx2", 0, "vmovdqu (%[p]), %%ymm1")		\
	X(vmovdqu_store, "avx2", 0, "vmovdqu %%ymm1, (%[p])")		\
	X(vmovdqu_store_odd, "avx2", 0, "vmovdqu %%ymm1, 13(%[p])")	\
	X(vmovdqa_load, "avx2", 0, "vmovdqa 32(%[p]), %%ymm1")		\
	X(vmovntdq, "avx2", 0, "vmovntdq %%ymm2, 64(%[p])")		\
	X(vmovups_xmm, "avx2", 0, "vmovups (%[p]), %%xmm1")		\
	X(vmovss_load, "avx2", 0, "vmovss (%[p]), %%xmm1")		\
	X(vmovlps, "avx2", 0, "vmovlps (%[p]), %%xmm2, %%xmm1")		\
	X(vmovhpd, "avx2", 0, "vmovhpd (%[p]), %%xmm2, %%xmm1")		\
	X(vbroadcastss, "avx2", 0, "vbroadcastss (%[p]), %%ymm1")	\
	X(vpbroadcastb, "avx2", 0, "vpbroadcastb (%[p]), %%ymm1")	\
	X(vbroadcastf128, "avx2", 0, "vbroadcastf128 (%[p]), %%ymm1")	\
	X(vinserti128, "avx2", 0,					\
	  "vinserti128 $1, (%[p]), %%ymm2, %%ymm1")			\
	X(vextracti128, "avx2", 0, "vextracti128 $1, %%ymm1, (%[p])")	\
	X(vmaskmovps_load, "avx2", 0,					\
	  "vmaskmovps (%[p]), %%ymm3, %%ymm1")				\
	X(vpmaskmovq_store, "avx2", 0,					\
	  "vpmaskmovq %%ymm1, %%ymm3, (%[p])")				\
	X(vpcmpeqb, "avx2", 0, "vpcmpeqb (%[p]), %%ymm2, %%ymm1")	\
	X(vpminub, "avx2", 0, "vpminub 32(%[p]), %%ymm2, %%ymm1")	\
	X(vpor, "avx2", 0, "vpor (%[p]), %%ymm2, %%ymm1")		\
	X(vptest, "avx2", 0, "vptest (%[p]), %%ymm1")			\
	X(vmovdqu64_load, "avx512vl", 0,				\
	  "vmovdqu64 (%[p]), %%ymm17; vmovdqa64 %%ymm17, %%ymm1")	\
	X(vmovdqu64_zmm_store, "avx512vl", 0,				\
	  "vmovdqu64 %%zmm1, (%[p])")					\
	X(vmovdqu8_mask_store, "avx512bw", 0,				\
	  "kmovq %%rcx, %%k1; vmovdqu8 %%zmm1, (%[p])%{%%k1%}")		\
	X(vmovdqu32_mask_load, "avx512vl", 0,				\
	  "kmovw %%ecx, %%k1; vmovdqu32 (%[p]), %%ymm1%{%%k1%}%{z%}")	\
	X(vpaddd_broadcast, "avx512vl", 0,				\
	  "vpaddd (%[p])%{1to8%}, %%ymm2, %%ymm1")			\
	X(vpcmpub_mask, "avx512bw", 0,					\
	  "vpcmpub $1, (%[p]), %%zmm1, %%k2; kmovq %%k2, %%rax")

/* X(name, code); the initial state is that of FNINIT. */
#define X87_INSNS(X)							\
	X(flds, "flds (%[p])")						\
	X(fldl, "fldl (%[p])")						\
	X(fldt, "fldt (%[p])")						\
	X(fldt_odd, "fldt 3(%[p])")					\
	X(filds, "filds (%[p])")					\
	X(fildl, "fildl (%[p])")					\
	X(fildll, "fildll (%[p])")					\
	X(fld_twice, "fldl (%[p]); fildl 8(%[p])")			\
	X(fldcw, "fldcw 4(%[p])")					\
	X(fsts, "fldl 8(%[q]); fsts (%[p])")				\
	X(fstl, "fldt (%[q]); fstl (%[p])")				\
	X(fstps, "flds (%[q]); fstps 8(%[p])")				\
	X(fstpl, "fldl (%[q]); fstpl 8(%[p])")				\
	X(fstpt, "fldl (%[q]); fstpt 8(%[p])")				\
	X(fstpl_rounded, "fldpi; fstpl (%[p])")				\
	X(fists, "filds (%[q]); fists (%[p])")				\
	X(fistl, "fildl (%[q]); fistl (%[p])")				\
	X(fistps_invalid, "fildl (%[q]); fistps (%[p])")		\
	X(fistpl, "fildl (%[q]); fabs; fsqrt; fistpl (%[p])")		\
	X(fistpll, "fildll (%[q]); fistpll 16(%[p])")			\
	X(fisttps, "fldpi; fisttps (%[p])")				\
	X(fisttpl, "fildl (%[q]); fabs; fsqrt; fisttpl (%[p])")		\
	X(fisttpll, "fldpi; fisttpll (%[p])")				\
	X(fnstcw, "fnstcw (%[p])")					\
	X(fnstsw, "fld1; fnstsw (%[p])")

/* Ends with FNINIT, so that no exception is pending afterwards. */
#define X87_RUN(name, code)						\
	static void run_x87_##name(struct x87_state *s, void *p, void *q) \
	{								\
		asm volatile("fninit;" code ";"				\
			     "fxsave64 (%[s]); fninit"			\
			     : : [s] "r"(s), [p] "r"(p), [q] "r"(q)	\
			     : "memory", "st", "st(1)", "st(2)",	\
			       "st(3)", "st(4)", "st(5)", "st(6)",	\
			       "st(7)");				\
	}

/* clang-format on */

/* The start of the area of FXSAVE64. */
struct x87_state {
	uint16_t control;
	uint16_t status;
	uint16_t tags;
	uint16_t opcode;
	uint64_t pointers[2];
	uint32_t mxcsr[2];
	uint64_t st[8][2];
	uint64_t rest[44];
} __attribute__((aligned(16)));

/* The bits that are compared: not C1, which QEMU does not emulate. */
#define CONTROL_WORD 0x1f3f
#define STATUS_WORD  0xfdff

X87_INSNS(X87_RUN)

struct insn {
	const char *name;
	bool here; /* the processor has it */
	uint64_t undefined;
	void (*run)(struct state *s, void *p, void *q);
};

#define INTEGER_RUN(name, feature, undefined, code)               \
	static void run_##name(struct state *s, void *p, void *q) \
	{                                                         \
		RUN(code, "", "", s, p, q);                       \
	}
#define VECTOR_RUN(name, feature, undefined, code)                \
	static void run_##name(struct state *s, void *p, void *q) \
	{                                                         \
		RUN(code, LOAD_YMMS, STORE_YMMS, s, p, q);        \
	}
#define ROW(name, feature, undefined, code) \
	{ #name, __builtin_cpu_supports(feature), undefined, run_##name },

INTEGER_INSNS(INTEGER_RUN)
VECTOR_INSNS(VECTOR_RUN)

static uint8_t pattern(unsigned int at)
{
	return (uint8_t)(at * 37 + (at >> 3) * 11 + 0x81);
}

/* Writes the pattern to the device's memory, in words. */
static int fill_device(int device, size_t size)
{
	uint64_t word;
	size_t at;
	unsigned int i;

	for (at = 0; at < size; at += 8) {
		for (i = 0; i < 8; i++)
			((uint8_t *)&word)[i] = pattern(at + i);
		if (region_put(device, BAR(0), MEM + at, &word, 8))
			return -1;
	}
	return 0;
}

static int read_device(int device, uint8_t *to, size_t size)
{
	size_t at;

	for (at = 0; at < size; at += 8)
		if (region_get(device, BAR(0), MEM + at, to + at, 8))
			return -1;
	return 0;
}

static void fill_memory(uint8_t *to, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		to[i] = pattern(i);
}

static void first_state(struct state *s)
{
	unsigned int i;

	*s = (struct state) {
		.ax = 0x1122334455667788,
		.cx = 0x8070605040302113,
		.dx = 0xf0e0d0c0b0a09081,
		.bx = 0x0123456789abcdef,
		.flags = 0x202 | CF,
	};
	for (i = 0; i < sizeof(s->ymm); i++)
		((uint8_t *)s->ymm)[i] = (uint8_t)(i * 73 + 5);
	/* half of the elements of the mask are set, and some bytes are equal */
	for (i = 0; i < 4; i++)
		s->ymm[3][i] = i & 1 ? 0x8000000000000001 : 0x7fffffff80000000;
	((uint8_t *)s->ymm[2])[7] = pattern(7);
	((uint8_t *)s->ymm[1])[9] = pattern(9);
}

/* Runs an instruction on both pages; returns what differs, or NULL. */
static const char *run_twice(const struct insn *insn, int device, uint8_t *bar)
{
	static uint8_t plain[SIZE] __attribute__((aligned(64)));
	static uint8_t other[2][SIZE] __attribute__((aligned(64)));
	static uint8_t after[SIZE];
	struct state expected, got;

	fill_memory(plain, SIZE);
	fill_memory(other[0], SIZE);
	fill_memory(other[1], SIZE);
	/* string comparisons find a difference there */
	other[0][41] ^= 1;
	other[1][41] ^= 1;
	first_state(&expected);
	got = expected;
	if (fill_device(device, SIZE))
		return "cannot fill";

	insn->run(&expected, plain, other[0]);
	if (FAULT_OF(insn->run(&got, bar + MEM, other[1])))
		return "signal";
	if (read_device(device, after, SIZE))
		return "cannot read";
	if ((expected.flags ^ got.flags) & STATUS & ~insn->undefined)
		return "flags";
	got.flags = expected.flags;
	if (memcmp(&expected, &got, sizeof(got)))
		return "registers";
	if (memcmp(plain, after, SIZE))
		return "memory";
	return memcmp(other[0], other[1], SIZE) ? "other memory" : NULL;
}

/* Run each instruction that the processor has, and name the others in the log. */
static void run_all(struct __test_metadata *_metadata, const struct insn *insns,
		    unsigned int nr, int device, uint8_t *bar)
{
	const char *wrong;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!insns[i].here) {
			TH_LOG("%s: not run, this processor lacks it",
			       insns[i].name);
			continue;
		}
		wrong = run_twice(&insns[i], device, bar);
		EXPECT_EQ(NULL, wrong)
		TH_LOG("%s: %s", insns[i].name, wrong);
	}
}

TEST_F(consumer, integer_instruction_does_the_same_on_a_trapped_page)
{
	const struct insn insns[] = { INTEGER_INSNS(ROW) };
	uint8_t *bar;

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	run_all(_metadata, insns, sizeof(insns) / sizeof(insns[0]),
		self->dev.device, bar);
}

TEST_F(consumer, vector_instruction_does_the_same_on_a_trapped_page)
{
	const struct insn insns[] = { VECTOR_INSNS(ROW) };
	uint8_t *bar;

	if (!__builtin_cpu_supports("avx2"))
		SKIP(return, "this processor has no AVX2");
	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	run_all(_metadata, insns, sizeof(insns) / sizeof(insns[0]),
		self->dev.device, bar);
}

static const struct x87_insn {
	const char *name;
	void (*run)(struct x87_state *s, void *p, void *q);
} x87_insns[] = {
#define X87_ROW(name, code) { #name, run_x87_##name },
	X87_INSNS(X87_ROW)
};

/* Runs an x87 instruction on both pages; returns what differs, or NULL. */
static const char *run_x87_twice(const struct x87_insn *insn, int device,
				 uint8_t *bar)
{
	static uint8_t plain[SIZE], other[SIZE], after[SIZE];
	/* some processors do not write the padding of the registers */
	struct x87_state expected = { 0 }, got = { 0 };

	fill_memory(plain, SIZE);
	fill_memory(other, SIZE);
	if (fill_device(device, SIZE))
		return "cannot fill";
	insn->run(&expected, plain, other);
	if (FAULT_OF(insn->run(&got, bar + MEM, other)))
		return "signal";
	if (read_device(device, after, SIZE))
		return "cannot read";
	if ((expected.control ^ got.control) & CONTROL_WORD)
		return "control word";
	if ((expected.status ^ got.status) & STATUS_WORD)
		return "status word";
	if (expected.tags != got.tags)
		return "tags";
	if (memcmp(expected.st, got.st, sizeof(got.st)))
		return "registers";
	return memcmp(plain, after, SIZE) ? "memory" : NULL;
}

TEST_F(consumer, x87_instruction_does_the_same_on_a_trapped_page)
{
	const char *wrong;
	unsigned int i;
	uint8_t *bar;

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	for (i = 0; i < sizeof(x87_insns) / sizeof(x87_insns[0]); i++) {
		wrong = run_x87_twice(&x87_insns[i], self->dev.device, bar);
		EXPECT_EQ(NULL, wrong)
		TH_LOG("%s: %s", x87_insns[i].name, wrong);
	}
}

/* Stores a number that no integer of 32 bits can hold. */
static void store_too_large(uint8_t *p)
{
	/* invalid operations are not masked */
	static const uint16_t control = 0x37e;
	static const double large = 1e30;

	asm volatile("fninit; fldcw %[control]; fldl %[large]; fistl (%[p])"
		     :
		     : [control] "m"(control), [large] "m"(large), [p] "r"(p)
		     : "memory", "st");
}

/* An exception that is not masked is raised by the next x87 instruction. */
TEST_F(consumer, x87_exception_of_a_trapped_store_is_raised_later)
{
	uint32_t value = 0x12345678;
	uint8_t *bar;

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, region_put(self->dev.device, BAR(0), MEM, &value, 4));
	EXPECT_EQ(0, FAULT_OF(store_too_large(bar + MEM)));
	EXPECT_EQ(SIGFPE, FAULT_OF(asm volatile("fwait")));
	asm volatile("fninit");
	value = 0;
	ASSERT_EQ(0, region_get(self->dev.device, BAR(0), MEM, &value, 4));
	EXPECT_EQ(0x12345678, value);
}

/* Zeroes the upper halves only, so that their component is not saved. */
TEST_F(consumer,
       ymm_load_works_when_the_upper_halves_are_in_their_initial_state)
{
	uint8_t want[32], got[2][32];
	uint8_t *bar;

	if (!__builtin_cpu_supports("avx2"))
		SKIP(return, "this processor has no AVX2");
	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, fill_device(self->dev.device, SIZE));
	fill_memory(want, sizeof(want));
	asm volatile("vzeroall; vmovdqu (%0), %%ymm9;"
		     "vmovdqu %%ymm9, (%1); vmovdqu %%ymm8, 32(%1); vzeroupper"
		     :
		     : "r"(bar + MEM), "r"(got)
		     : "xmm8", "xmm9", "memory");
	EXPECT_EQ(0, memcmp(want, got[0], sizeof(want)));
	memset(want, 0, sizeof(want));
	EXPECT_EQ(0, memcmp(want, got[1], sizeof(want)));
}

/* A flush and a prefetch are not an access of the device. */
TEST_F(consumer, flush_makes_no_access)
{
	uint8_t *bar;

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_log_clear(&shared));
	EXPECT_EQ(0,
		  FAULT_OF(asm volatile("clflush (%0); prefetcht0 (%0)" : : "r"(
			  bar + MEM) : "memory")));
	EXPECT_EQ(0, testdev_log_count(&shared));
}

/* Elements that are masked out are not accessed. */
TEST_F(consumer, masked_store_accesses_only_its_elements)
{
	static const uint32_t mask[8] = { 0, ~0u, ~0u, 0, 0, ~0u, 0, 0 };
	struct testdev_access acc;
	uint8_t *bar;

	if (!__builtin_cpu_supports("avx2"))
		SKIP(return, "this processor has no AVX2");
	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_EQ(0, testdev_log_clear(&shared));
	asm volatile("vmovdqu (%1), %%ymm1; vmaskmovps %%ymm1, %%ymm1, (%0);"
		     "vzeroupper"
		     :
		     : "r"(bar + MEM), "r"(mask)
		     : "xmm1", "memory");
	/*
	 * Three stores: 4 bytes at 4, at 8 and at 20, each as large as its
	 * alignment.  The load returns after the stores have arrived.
	 */
	(void)*(volatile uint32_t *)(bar + MEM);
	EXPECT_EQ(4, testdev_log_count(&shared));
	ASSERT_EQ(0, testdev_log_get(&shared, 0, &acc));
	EXPECT_EQ(MEM + 4, acc.offset);
	EXPECT_EQ(4, acc.size);
	ASSERT_EQ(0, testdev_log_get(&shared, 2, &acc));
	EXPECT_EQ(MEM + 20, acc.offset);
	EXPECT_EQ(4, acc.size);
}

/* The C library chooses the instructions by size and processor. */
TEST_F(consumer, memset_and_memcpy_work_for_all_sizes)
{
	static const size_t sizes[] = { 1,   2,	  3,   4,   7,	  8,   15, 16,
					17,  31,  32,  33,  63,	  64,  65, 96,
					127, 128, 129, 256, 1024, 2048 };
	static uint8_t want[2056], got[2056];
	uint8_t *bar;
	unsigned int i;

	bar = map_bar0(self->dev.device);
	ASSERT_NE(MAP_FAILED, bar);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		volatile size_t size = sizes[i];
		size_t whole = (sizes[i] + 7) / 8 * 8 + 8;

		ASSERT_EQ(0, fill_device(self->dev.device, whole));
		fill_memory(want, whole);
		memset(want, 0xa5, sizes[i]);
		EXPECT_EQ(0, FAULT_OF(memset(bar + MEM, 0xa5, size)))
		TH_LOG("memset of %zu", sizes[i]);
		ASSERT_EQ(0, read_device(self->dev.device, got, whole));
		EXPECT_EQ(0, memcmp(want, got, whole))
		TH_LOG("memset of %zu", sizes[i]);

		fill_memory(want, whole);
		memset(got, 0, sizeof(got));
		EXPECT_EQ(0, FAULT_OF(memcpy(bar + MEM, want, size)))
		TH_LOG("memcpy of %zu to the device", sizes[i]);
		EXPECT_EQ(0, FAULT_OF(memcpy(got, bar + MEM, size)))
		TH_LOG("memcpy of %zu from the device", sizes[i]);
		EXPECT_EQ(0, memcmp(want, got, sizes[i]))
		TH_LOG("memcpy of %zu", sizes[i]);
	}
}

SHARED_MAIN(NULL)
