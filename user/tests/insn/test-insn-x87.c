// SPDX-License-Identifier: GPL-2.0
/*
 * Run each x87 load and store on this processor and in the emulation, from the same
 * registers and memory, and compare the results: with random values, and with values
 * at which rounding, exceptions and the stack change, in all rounding modes, with
 * exceptions masked and not masked.
 */
#include <stdio.h>
#include <string.h>

#include "forms.h"
#include "x86/decode.h"
#include "x86/emulate_x87.h"
#include "../tap.h"

#define RUNS 300000

/* The area of FXSAVE64, SDM volume 1, table 10-2. */
struct area {
	u16 control;
	u16 status;
	u16 tags;
	u16 opcode;
	u64 ip;
	u64 addr;
	u32 mxcsr[2];
	struct {
		u64 mant;
		u16 exp;
		u16 pad[3];
	} st[8];
	u8 rest[512 - 32 - 128];
} __attribute__((aligned(16)));

/* clang-format off */

/* X(name, the instruction, the same in bytes, with a register that is RAX) */
#define INSNS(X)					\
	X(fld_m32, "flds", "\xd9\x00")			\
	X(fld_m64, "fldl", "\xdd\x00")			\
	X(fld_m80, "fldt", "\xdb\x28")			\
	X(fild_m16, "filds", "\xdf\x00")		\
	X(fild_m32, "fildl", "\xdb\x00")		\
	X(fild_m64, "fildll", "\xdf\x28")		\
	X(fldcw, "fldcw", "\xd9\x28")			\
	X(fst_m32, "fsts", "\xd9\x10")			\
	X(fst_m64, "fstl", "\xdd\x10")			\
	X(fstp_m32, "fstps", "\xd9\x18")		\
	X(fstp_m64, "fstpl", "\xdd\x18")		\
	X(fstp_m80, "fstpt", "\xdb\x38")		\
	X(fist_m16, "fists", "\xdf\x10")		\
	X(fist_m32, "fistl", "\xdb\x10")		\
	X(fistp_m16, "fistps", "\xdf\x18")		\
	X(fistp_m32, "fistpl", "\xdb\x18")		\
	X(fistp_m64, "fistpll", "\xdf\x38")		\
	X(fisttp_m16, "fisttps", "\xdf\x08")		\
	X(fisttp_m32, "fisttpl", "\xdb\x08")		\
	X(fisttp_m64, "fisttpll", "\xdd\x08")		\
	X(fnstcw, "fnstcw", "\xd9\x38")			\
	X(fnstsw, "fnstsw", "\xdd\x38")

/* Ends with FNINIT, so that no exception is pending afterwards. */
#define NATIVE(name, code, bytes)					\
	static void native_##name(struct area *area, void *p)		\
	{								\
		asm volatile("fxrstor64 (%[a]);" code " (%[p]);"	\
			     "fxsave64 (%[a]); fninit"			\
			     : : [a] "r"(area), [p] "r"(p)		\
			     : "memory", "xmm0", "xmm1", "xmm2",	\
			       "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",	\
			       "xmm8", "xmm9", "xmm10", "xmm11",	\
			       "xmm12", "xmm13", "xmm14", "xmm15",	\
			       "st", "st(1)", "st(2)", "st(3)",		\
			       "st(4)", "st(5)", "st(6)", "st(7)");	\
	}

/* clang-format on */

#define ROW(name, code, bytes) { #name, native_##name, bytes },

INSNS(NATIVE)

static const struct insn {
	const char *name;
	void (*run)(struct area *area, void *p);
	const char *bytes;
} insns[] = { INSNS(ROW) };

static u64 pick(const u64 *from, u32 nr)
{
	return from[form_random() % nr];
}

#define PICK(...)                           \
	pick((const u64[]) { __VA_ARGS__ }, \
	     sizeof((const u64[]) { __VA_ARGS__ }) / sizeof(u64))

/* Exponents at the limits of all formats, and random ones. */
static u16 random_exp(void)
{
	u64 near = PICK(0, 1, 16383, 16383 + 14, 16383 + 15, 16383 + 30,
			16383 + 31, 16383 + 62, 16383 + 63, 16383 + 64,
			16383 - 126, 16383 - 149, 16383 + 127, 16383 - 1022,
			16383 - 1074, 16383 + 1023, 32766, 32767);
	u64 random = form_random();

	if (random & 7)
		near += random >> 8 & 3;
	if (random & 24)
		near -= random >> 16 & 3;
	if (!(random & 0xe0))
		near = random >> 32;
	return (u16)(near & 0x7fff) | (random >> 63 ? 0x8000 : 0);
}

/* Significands that are halfway between two results, or next to that. */
static u64 random_mant(void)
{
	u64 mant = form_random();
	u64 shift = PICK(40, 11, 1, 2, 16, 32, 33, 48, 62, 63);
	u64 kind = form_random();

	switch (kind & 7) {
	case 0:
		return mant;
	case 1:
		return PICK(0, 1, 1ull << 63, 3ull << 62, ~0ull, 1ull << 62);
	case 2:
		return ~0ull << shift;
	case 3:
		return ~0ull << shift | 1ull << (shift - 1);
	case 4:
		return mant | 1ull << 63;
	default:
		mant = (mant | 1ull << 63) & ~0ull << shift;
		mant |= 1ull << (shift - 1);
		if (kind & 8)
			mant += PICK(0, 1, ~0ull);
		return mant;
	}
}

static void random_area(struct area *area, const struct area *valid)
{
	u64 random = form_random();
	u32 i;

	*area = *valid;
	area->control = (u16)(0x7f | (random & 0x1f00));
	if (!(random & 0x30000))
		area->control &= (u16)(random >> 32 | 0x40);
	if ((area->control & 0x300) == 0x100)
		area->control ^= 0x100;
	area->status = (u16)(random >> 48) & 0x7f7f;
	/* no exception is pending */
	area->status &= area->control | 0x7f40;
	area->tags = (u16)(random >> 20) & 0xff;
	if (random & 1)
		area->tags &= (u16)(0xff >> (random >> 1 & 7));
	for (i = 0; i < 8; i++) {
		area->st[i].exp = random_exp();
		area->st[i].mant = random_mant();
	}
}

/* Numbers of all formats: small and large exponents, NaNs, zeroes. */
static void random_memory(u8 memory[16])
{
	u64 random = form_random();
	u64 low = form_random();
	u64 high;

	form_fill(memory, 16);
	if (random & 1)
		low &= PICK(0, 0xffffffff, 0x80000000ull << 32, ~0ull << 51,
			    ~0ull << 22, 0xff800000);
	if (random & 2)
		low ^= PICK(0x7f800000, 0x7ff0ull << 48, 0x7fc00000,
			    0x7ff8ull << 48, 1, 1ull << 51, 1ull << 22);
	memcpy(memory, &low, 8);
	if (random & 4) {
		low = random_mant();
		high = random_exp();
		memcpy(memory, &low, 8);
		memcpy(memory + 8, &high, 8);
	}
}

static void to_emulation(const struct area *area, struct vuser_x87 *fpu)
{
	u32 i, top = area->status >> 11 & 7;

	*fpu = (struct vuser_x87) {
		.control = area->control,
		.status = area->status,
		.tags = (u8)area->tags,
	};
	for (i = 0; i < 8; i++) {
		fpu->reg[(top + i) & 7].mant = area->st[i].mant;
		fpu->reg[(top + i) & 7].exp = area->st[i].exp;
	}
}

static void from_emulation(const struct vuser_x87 *fpu, struct area *area)
{
	u32 i, top = fpu->status >> 11 & 7;

	area->control = fpu->control;
	area->status = fpu->status;
	area->tags = fpu->tags;
	for (i = 0; i < 8; i++) {
		area->st[i].mant = fpu->reg[(top + i) & 7].mant;
		area->st[i].exp = fpu->reg[(top + i) & 7].exp;
	}
}

static bool emulate(const char *bytes, struct area *area, u8 *memory)
{
	struct vuser_regs regs = { .ip = 0x1000 };
	struct vuser_insn insn;
	struct vuser_x87 fpu;
	u64 val[2] = { 0, 0 };

	regs.gpr[VUSER_AX] = (u64)memory;
	if (vuser_decode(&insn, (const u8 *)bytes, 2, &regs) ||
	    insn.op != VUSER_INSN_X87 || insn.addr != (u64)memory)
		return false;
	to_emulation(area, &fpu);
	if (insn.load) {
		memcpy(val, memory, insn.size);
		vuser_emulate_x87_load(&insn, &regs, &fpu, val);
	} else if (vuser_emulate_x87_store(&insn, &regs, &fpu, val)) {
		memcpy(memory, val, insn.size);
	}
	from_emulation(&fpu, area);
	return regs.ip == 0x1002;
}

static void show(const char *who, const struct area *area, const u8 *memory)
{
	u32 i;

	printf("# %s: control %04x status %04x tags %02x memory", who,
	       area->control, area->status, area->tags);
	for (i = 10; i--;)
		printf("%s%02x", i == 9 || i == 7 ? " " : "", memory[i]);
	printf("\n#");
	for (i = 0; i < 8; i++)
		printf(" %04x:%016llx", area->st[i].exp,
		       (unsigned long long)area->st[i].mant);
	printf("\n");
}

/* The opcode and the pointers are not emulated, or not by all processors. */
static bool same(const struct area *a, const struct area *b)
{
	return a->control == b->control && a->status == b->status &&
	       a->tags == b->tags && !memcmp(a->st, b->st, sizeof(a->st));
}

static void test(const struct insn *insn, const struct area *valid)
{
	unsigned long wrong = 0, pending = 0;
	struct area before, native, emulated;
	u8 memory[3][16];
	u32 i;

	for (i = 0; i < RUNS; i++) {
		random_area(&before, valid);
		random_memory(memory[0]);
		memcpy(memory[1], memory[0], 16);
		memcpy(memory[2], memory[0], 16);
		native = before;
		emulated = before;
		insn->run(&native, memory[1]);
		/*
		 * A denormal number that is loaded while this exception is not
		 * masked: some processors load it, others do not.
		 */
		if (native.status & ~before.status & ~native.control &
		    VUSER_X87_DE)
			continue;
		pending += !!(native.status & VUSER_X87_ES);
		if (emulate(insn->bytes, &emulated, memory[2]) &&
		    same(&native, &emulated) &&
		    !memcmp(memory[1], memory[2], 16))
			continue;
		if (wrong++)
			continue;
		show("before", &before, memory[0]);
		show("processor", &native, memory[1]);
		show("emulation", &emulated, memory[2]);
	}
	printf("# %s: %u runs, %lu with an exception that is not masked, %lu mismatches\n",
	       insn->name, RUNS, pending, wrong);
	tap_ok(!wrong, "emulated %s equals this processor's", insn->name);
}

int main(void)
{
	struct area valid;
	size_t i;

	form_seed(20261128);
	asm volatile("fninit; fxsave64 (%0)" : : "r"(&valid) : "memory");
	for (i = 0; i < sizeof(insns) / sizeof(insns[0]); i++)
		test(&insns[i], &valid);
	return tap_done();
}
