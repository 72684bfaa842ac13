// SPDX-License-Identifier: GPL-2.0
/*
 * Emulate a decoded x87 load or store: convert between the 80-bit format of the
 * registers and the formats in memory, and set the exceptions.
 *
 * An exception that is not masked is only recorded in the status word, with ES and
 * B: the processor raises it at the next x87 instruction.  None is pending before the
 * instruction: the processor raises it before a page fault.  See the Intel 64 and IA-32
 * Architectures Software Developer's Manual, volume 1, chapters 4 and 8.
 */

#include "x86/emulate_x87.h"

#define EXP_BIAS	16383
#define EXP_MAX		0x7fff
#define SIGN		0x8000
#define INTEGER_BIT	((u64)1 << 63)
#define QUIET_BIT	((u64)1 << 62)

/* The bits of the control word that exist, and one that is always 1. */
#define CONTROL_BITS	0x1f3f
#define CONTROL_ONE	0x0040

/* The default NaN, the response to masked invalid operations. */
static const struct vuser_x87_reg indefinite = {
	.mant = INTEGER_BIT | QUIET_BIT,
	.exp = SIGN | EXP_MAX,
};

/* Rounding, as in the control word. */
enum rounding {
	ROUND_NEAREST,	/* to even */
	ROUND_DOWN,
	ROUND_UP,
	ROUND_TO_ZERO,
};

/**
 * struct format - a floating-point format in memory
 * @frac_bits: bits of the fraction
 * @exp_max: exponent of infinity and NaN
 * @bias: bias of the exponent
 */
struct format {
	u32 frac_bits;
	s32 exp_max;
	s32 bias;
};

static const struct format single_format = { 23, 255, 127 };
static const struct format double_format = { 52, 2047, 1023 };

/* A value that was rounded: its significand, exceptions, and C1. */
struct rounded {
	u64 mant;
	bool inexact;
	bool up;	/* the magnitude became larger */
};

static enum rounding rounding_mode(const struct vuser_x87 *fpu)
{
	return (enum rounding)(fpu->control >> 10 & 3);
}

/* The number of a register ST(@i). */
static u32 stack_reg(const struct vuser_x87 *fpu, u32 i)
{
	return ((fpu->status >> 11) + i) & 7;
}

static void set_top(struct vuser_x87 *fpu, u32 top)
{
	fpu->status = (u16)((fpu->status & ~0x3800) | (top & 7) << 11);
}

/* Sets ES and B if an exception that is not masked is set, and clears them if not. */
static void update_summary(struct vuser_x87 *fpu)
{
	fpu->status &= 0xffff & ~(VUSER_X87_ES | VUSER_X87_B);
	if (fpu->status & ~fpu->control & VUSER_X87_EXCEPTIONS)
		fpu->status |= VUSER_X87_ES | VUSER_X87_B;
}

/* True if one of the exceptions is not masked and prevents the operation. */
static bool prevents(const struct vuser_x87 *fpu, u16 exceptions)
{
	return exceptions & ~fpu->control & VUSER_X87_EXCEPTIONS & ~VUSER_X87_PE;
}

static void set_exceptions(struct vuser_x87 *fpu, u16 exceptions, bool c1)
{
	fpu->status &= (u16)~VUSER_X87_C1;
	fpu->status |= exceptions | (c1 ? VUSER_X87_C1 : 0);
	update_summary(fpu);
}

/* Loads -------------------------------------------------------------------- */

static void push(struct vuser_x87 *fpu, struct vuser_x87_reg reg)
{
	u32 top = stack_reg(fpu, 7);

	set_top(fpu, top);
	fpu->reg[top] = reg;
	fpu->tags |= (u8)(1 << top);
}

/* A number with the value @mant * 2^(@exp - 63), not zero. */
static struct vuser_x87_reg normalize(u64 mant, s32 exp, u16 sign)
{
	u32 shift = (u32)__builtin_clzll(mant);

	return (struct vuser_x87_reg){
		.mant = mant << shift,
		.exp = (u16)(exp + EXP_BIAS - (s32)shift) | sign,
	};
}

/* Converts a number from memory, which is always exact; sets its exceptions. */
static struct vuser_x87_reg widen(const struct format *f, u64 val, u16 *exceptions)
{
	u64 fraction = val << (63 - f->frac_bits) & ~INTEGER_BIT;
	s32 exp = (s32)(val >> f->frac_bits) & f->exp_max;
	u16 sign = val >> f->frac_bits & (u64)(f->exp_max + 1) ? SIGN : 0;

	if (exp == f->exp_max) {
		if (fraction && !(fraction & QUIET_BIT)) {
			*exceptions |= VUSER_X87_IE;
			fraction |= QUIET_BIT;
		}
		return (struct vuser_x87_reg){
			.mant = INTEGER_BIT | fraction,
			.exp = sign | EXP_MAX,
		};
	}
	if (exp)
		return normalize(INTEGER_BIT | fraction, exp - f->bias, sign);
	if (!fraction)
		return (struct vuser_x87_reg){ .exp = sign };
	*exceptions |= VUSER_X87_DE;
	return normalize(fraction, 1 - f->bias, sign);
}

static struct vuser_x87_reg from_int(u64 val, u32 size)
{
	u64 number = vuser_insn_sext(val, size);

	if (!number)
		return (struct vuser_x87_reg){ 0 };
	if ((s64)number < 0)
		return normalize(-number, 63, SIGN);
	return normalize(number, 63, 0);
}

/* The value to push, from memory; sets its exceptions. */
static struct vuser_x87_reg loaded(const struct vuser_insn *insn, const u64 val[2],
				   u16 *exceptions)
{
	if (insn->x87_op == VUSER_X87_LOAD_INT)
		return from_int(val[0], insn->size);
	if (insn->size == 10)
		return (struct vuser_x87_reg){
			.mant = val[0],
			.exp = (u16)val[1],
		};
	return widen(insn->size == 4 ? &single_format : &double_format, val[0],
		     exceptions);
}

static void load(const struct vuser_insn *insn, struct vuser_x87 *fpu,
		 const u64 val[2])
{
	bool full = fpu->tags & 1 << stack_reg(fpu, 7);
	struct vuser_x87_reg reg;
	u16 exceptions = 0;

	if (full) {
		reg = indefinite;
		exceptions = VUSER_X87_IE | VUSER_X87_SF;
	} else {
		reg = loaded(insn, val, &exceptions);
	}
	set_exceptions(fpu, exceptions, full);
	if (!prevents(fpu, exceptions))
		push(fpu, reg);
}

/* Stores ------------------------------------------------------------------- */

static bool is_nan(struct vuser_x87_reg reg)
{
	return (reg.exp & EXP_MAX) == EXP_MAX && reg.mant << 1;
}

/* Encodings that processors since the 387 do not accept (volume 1, 8.2.2). */
static bool is_unsupported(struct vuser_x87_reg reg)
{
	return reg.exp & EXP_MAX && !(reg.mant & INTEGER_BIT);
}

/* Shifts a significand right by @shift bits, and rounds. */
static struct rounded shift_and_round(u64 mant, u32 shift, bool negative,
				      enum rounding mode)
{
	struct rounded r = { .mant = shift < 64 ? mant >> shift : 0 };
	/* the bits that are lost, and half of the last place */
	u64 lost = shift < 64 ? mant & (((u64)1 << shift) - 1) : mant;
	u64 half = shift && shift <= 64 ? (u64)1 << (shift - 1) : 0;

	if (shift > 64 && lost) {
		lost = 1;
		half = 2;
	}
	r.inexact = lost;
	switch (mode) {
	case ROUND_NEAREST:
		r.up = lost > half || (lost && lost == half && r.mant & 1);
		break;
	case ROUND_DOWN:
		r.up = lost && negative;
		break;
	case ROUND_UP:
		r.up = lost && !negative;
		break;
	case ROUND_TO_ZERO:
		break;
	}
	r.mant += r.up;
	return r;
}

/* The bits to store, the exceptions, and C1. */
struct stored {
	u64 bits;
	u16 exceptions;
	bool c1;
};

static u64 pack(const struct format *f, bool negative, s32 exp, u64 fraction)
{
	u64 sign_exp = (u64)exp | (negative ? (u64)f->exp_max + 1 : 0);

	return sign_exp << f->frac_bits | fraction;
}

/* Infinity, or the largest finite number, as the rounding mode says. */
static struct stored overflow(const struct format *f, bool negative,
			      enum rounding mode)
{
	bool infinite = mode == ROUND_NEAREST ||
			mode == (negative ? ROUND_DOWN : ROUND_UP);
	u64 ones = ((u64)1 << f->frac_bits) - 1;

	return (struct stored){
		.bits = infinite ? pack(f, negative, f->exp_max, 0) :
				   pack(f, negative, f->exp_max - 1, ones),
		.exceptions = VUSER_X87_OE | VUSER_X87_PE,
		.c1 = infinite,
	};
}

/*
 * A number below the smallest normal one: @mant * 2^(@exp - 63).  Underflow is an
 * exception if it is masked and the result is not exact, and always if it is not
 * masked.  A carry into the exponent gives the smallest normal number.
 */
static struct stored tiny(const struct format *f, const struct vuser_x87 *fpu,
			  bool negative, u64 mant, s32 exp)
{
	u32 shift = 63 - f->frac_bits + (u32)(1 - f->bias - exp);
	struct rounded r = shift_and_round(mant, shift, negative,
					   rounding_mode(fpu));
	struct stored s = {
		.bits = pack(f, negative, 0, 0) + r.mant,
		.c1 = r.up,
	};

	if (r.inexact)
		s.exceptions = VUSER_X87_UE | VUSER_X87_PE;
	else if (!(fpu->control & VUSER_X87_UE))
		s.exceptions = VUSER_X87_UE;
	return s;
}

/* Converts a finite number that is not zero: @mant * 2^(@exp - 63). */
static struct stored narrow_finite(const struct format *f,
				   const struct vuser_x87 *fpu, bool negative,
				   u64 mant, s32 exp)
{
	u32 zeroes = (u32)__builtin_clzll(mant);
	struct rounded r;
	s32 biased;

	mant <<= zeroes;
	exp -= (s32)zeroes;
	r = shift_and_round(mant, 63 - f->frac_bits, negative,
			    rounding_mode(fpu));
	biased = exp + f->bias;
	if (r.mant >> (f->frac_bits + 1)) {
		r.mant >>= 1;
		biased++;
	}
	if (biased >= f->exp_max)
		return overflow(f, negative, rounding_mode(fpu));
	if (biased <= 0)
		return tiny(f, fpu, negative, mant, exp);
	return (struct stored){
		.bits = pack(f, negative, biased,
			     r.mant & (((u64)1 << f->frac_bits) - 1)),
		.exceptions = r.inexact ? VUSER_X87_PE : 0,
		.c1 = r.up,
	};
}

static struct stored narrow(const struct format *f, const struct vuser_x87 *fpu,
			    struct vuser_x87_reg reg)
{
	u64 ones = ((u64)1 << f->frac_bits) - 1;
	bool negative = reg.exp & SIGN;
	s32 exp = reg.exp & EXP_MAX;

	if (is_unsupported(reg))
		return (struct stored){
			.bits = pack(f, true, f->exp_max, ones / 2 + 1),
			.exceptions = VUSER_X87_IE,
		};
	if (is_nan(reg))
		return (struct stored){
			.bits = pack(f, negative, f->exp_max,
				     (reg.mant | QUIET_BIT) >>
						     (63 - f->frac_bits) & ones),
			.exceptions = reg.mant & QUIET_BIT ? 0 : VUSER_X87_IE,
		};
	if (exp == EXP_MAX)
		return (struct stored){ .bits = pack(f, negative, f->exp_max, 0) };
	if (!reg.mant)
		return (struct stored){ .bits = pack(f, negative, 0, 0) };
	/* the exponent 0 of denormal numbers means the same as 1 */
	return narrow_finite(f, fpu, negative, reg.mant,
			     (exp ? exp : 1) - EXP_BIAS);
}

/* The integer for all values that do not fit. */
static struct stored invalid_int(u32 size)
{
	return (struct stored){
		.bits = (u64)1 << (8 * size - 1),
		.exceptions = VUSER_X87_IE,
	};
}

static struct stored to_int(struct vuser_x87_reg reg, u32 size,
			    enum rounding mode)
{
	u64 limit = (u64)1 << (8 * size - 1);
	bool negative = reg.exp & SIGN;
	s32 exp = (reg.exp & EXP_MAX) - EXP_BIAS;
	struct rounded r;

	/* this includes infinities and NaNs */
	if (is_unsupported(reg) || exp > 63)
		return invalid_int(size);
	r = shift_and_round(reg.mant, (u32)(63 - exp), negative, mode);
	/* a carry out of bit 63 */
	if (r.up && !r.mant)
		return invalid_int(size);
	if (r.mant > limit || (r.mant == limit && !negative))
		return invalid_int(size);
	return (struct stored){
		.bits = negative ? -r.mant : r.mant,
		.exceptions = r.inexact ? VUSER_X87_PE : 0,
		.c1 = r.up,
	};
}

static struct stored converted(const struct vuser_insn *insn,
			       const struct vuser_x87 *fpu,
			       struct vuser_x87_reg reg)
{
	if (insn->x87_op == VUSER_X87_STORE_INT)
		return to_int(reg, insn->size, rounding_mode(fpu));
	if (insn->x87_op == VUSER_X87_TRUNCATE)
		return to_int(reg, insn->size, ROUND_TO_ZERO);
	if (insn->size == 10)
		return (struct stored){ .bits = reg.mant };
	return narrow(insn->size == 4 ? &single_format : &double_format, fpu,
		      reg);
}

/* Stores ST(0).  Returns false if nothing is stored. */
static bool store(const struct vuser_insn *insn, struct vuser_x87 *fpu,
		  u64 val[2])
{
	u32 top = stack_reg(fpu, 0);
	struct vuser_x87_reg reg = fpu->reg[top];
	bool empty = !(fpu->tags & 1 << top);
	struct stored s;

	if (empty)
		reg = indefinite;
	s = converted(insn, fpu, reg);
	if (empty)
		s.exceptions = VUSER_X87_IE | VUSER_X87_SF;
	if (prevents(fpu, s.exceptions)) {
		set_exceptions(fpu, s.exceptions & (u16)~VUSER_X87_PE, false);
		return false;
	}
	set_exceptions(fpu, s.exceptions, s.c1);
	val[0] = s.bits;
	val[1] = reg.exp;
	if (insn->pop) {
		fpu->tags &= (u8)~(1 << top);
		set_top(fpu, top + 1);
	}
	return true;
}

/* The state ---------------------------------------------------------------- */

static bool is_control(const struct vuser_insn *insn)
{
	return insn->x87_op == VUSER_X87_LOAD_CONTROL ||
	       insn->x87_op >= VUSER_X87_STORE_CONTROL;
}

static void retire(const struct vuser_insn *insn, struct vuser_regs *regs,
		   struct vuser_x87 *fpu)
{
	if (!is_control(insn)) {
		fpu->ip = regs->ip;
		fpu->addr = insn->addr;
	}
	regs->ip += insn->len;
}

/**
 * vuser_emulate_x87_load() - emulate an x87 load, after its access to memory
 * @insn: the instruction, VUSER_INSN_X87 with @insn->load
 * @regs: the ip is updated
 * @fpu: the x87 state; updated
 * @val: the loaded value
 *
 * Context: any.
 */
void vuser_emulate_x87_load(const struct vuser_insn *insn,
			    struct vuser_regs *regs, struct vuser_x87 *fpu,
			    const u64 val[2])
{
	if (insn->x87_op == VUSER_X87_LOAD_CONTROL) {
		fpu->control = (u16)((val[0] & CONTROL_BITS) | CONTROL_ONE);
		update_summary(fpu);
	} else {
		load(insn, fpu, val);
	}
	retire(insn, regs, fpu);
}

/**
 * vuser_emulate_x87_store() - emulate an x87 store, before its access to memory
 * @insn: the instruction, VUSER_INSN_X87 with @insn->store
 * @regs: the ip is updated
 * @fpu: the x87 state; updated
 * @val: set to the value to store
 *
 * Context: any.
 * Return: true if the caller must store @val; false if an exception that is not
 * masked keeps the processor from storing.
 */
bool vuser_emulate_x87_store(const struct vuser_insn *insn,
			     struct vuser_regs *regs, struct vuser_x87 *fpu,
			     u64 val[2])
{
	bool stored = true;

	if (insn->x87_op == VUSER_X87_STORE_CONTROL)
		val[0] = fpu->control;
	else if (insn->x87_op == VUSER_X87_STORE_STATUS)
		val[0] = fpu->status;
	else
		stored = store(insn, fpu, val);
	retire(insn, regs, fpu);
	return stored;
}
