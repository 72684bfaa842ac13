// SPDX-License-Identifier: GPL-2.0
/*
 * Emulate a decoded instruction: compute the registers after the instruction
 * and the value to store, from the registers before it and the value that was
 * loaded.  The caller makes the accesses to memory.
 *
 * Flags are as in the Intel 64 and IA-32 Architectures Software Developer's
 * Manual, volume 2.
 */

#include "x86/emulate.h"

/* For PF: true if the low byte of @val has an even number of ones. */
static bool parity_even(u64 val)
{
	val ^= val >> 4;
	val ^= val >> 2;
	val ^= val >> 1;
	return !(val & 1);
}

static u64 count_ones(u64 val)
{
	u64 ones = 0;

	for (; val; val &= val - 1)
		ones++;
	return ones;
}

/* The flags that depend on the result only: ZF, SF and PF. */
static u64 result_flags(u64 result, u32 size)
{
	u64 flags = 0;

	if (!result)
		flags |= VUSER_FLAG_ZF;
	if (result >> (8 * size - 1) & 1)
		flags |= VUSER_FLAG_SF;
	if (parity_even(result & 0xff))
		flags |= VUSER_FLAG_PF;
	return flags;
}

/*
 * The flags CF, AF and OF.  A bit of @carries is set if there was a carry or a
 * borrow out of that bit.  A bit of @overflow is set if the result would have
 * the wrong sign if that bit were the sign bit.
 */
static u64 carry_flags(u64 carries, u64 overflow, u32 size)
{
	u32 top = 8 * size - 1;
	u64 flags = 0;

	if (carries >> top & 1)
		flags |= VUSER_FLAG_CF;
	if (carries & 8)
		flags |= VUSER_FLAG_AF;
	if (overflow >> top & 1)
		flags |= VUSER_FLAG_OF;
	return flags;
}

static void set_flags(struct vuser_regs *regs, u64 mask, u64 flags)
{
	regs->flags = (regs->flags & ~mask) | (flags & mask);
}

/* Adds; changes the flags in @mask. */
static u64 add(struct vuser_regs *regs, u64 a, u64 b, u64 carry, u32 size,
	       u64 mask)
{
	u64 sum = a + b + carry;
	u64 result = vuser_insn_zext(sum, size);
	u64 carries = (a & b) | ((a | b) & ~sum);
	u64 overflow = (a ^ sum) & (b ^ sum);

	set_flags(regs, mask,
		  result_flags(result, size) |
			  carry_flags(carries, overflow, size));
	return result;
}

/* Subtracts @b and @borrow from @a; changes the flags in @mask. */
static u64 subtract(struct vuser_regs *regs, u64 a, u64 b, u64 borrow, u32 size,
		    u64 mask)
{
	u64 difference = a - b - borrow;
	u64 result = vuser_insn_zext(difference, size);
	u64 borrows = (~a & b) | ((~a | b) & difference);
	u64 overflow = (a ^ b) & (a ^ difference);

	set_flags(regs, mask,
		  result_flags(result, size) |
			  carry_flags(borrows, overflow, size));
	return result;
}

/*
 * Sets the flags of a logical operation.  CF and OF are cleared, and so is AF,
 * which the manual leaves undefined.
 */
static u64 logic(struct vuser_regs *regs, u64 result, u32 size)
{
	set_flags(regs, VUSER_FLAGS_STATUS, result_flags(result, size));
	return result;
}

/* Arithmetic with two operands.  CMP and TEST set only flags, and return @a. */
static u64 arithmetic(enum vuser_insn_op op, struct vuser_regs *regs, u64 a,
		      u64 b, u32 size)
{
	u64 carry = regs->flags & VUSER_FLAG_CF ? 1 : 0;

	switch (op) {
	case VUSER_INSN_ADD:
		return add(regs, a, b, 0, size, VUSER_FLAGS_STATUS);
	case VUSER_INSN_ADC:
		return add(regs, a, b, carry, size, VUSER_FLAGS_STATUS);
	case VUSER_INSN_SUB:
		return subtract(regs, a, b, 0, size, VUSER_FLAGS_STATUS);
	case VUSER_INSN_SBB:
		return subtract(regs, a, b, carry, size, VUSER_FLAGS_STATUS);
	case VUSER_INSN_OR:
		return logic(regs, a | b, size);
	case VUSER_INSN_AND:
		return logic(regs, a & b, size);
	case VUSER_INSN_XOR:
		return logic(regs, a ^ b, size);
	case VUSER_INSN_CMP:
		subtract(regs, a, b, 0, size, VUSER_FLAGS_STATUS);
		return a;
	default:
		logic(regs, a & b, size);
		return a;
	}
}

/* Arithmetic with one operand.  INC and DEC keep CF; NOT keeps all flags. */
static u64 unary(enum vuser_insn_op op, struct vuser_regs *regs, u64 a,
		 u32 size)
{
	u64 no_carry = VUSER_FLAGS_STATUS & ~(u64)VUSER_FLAG_CF;

	switch (op) {
	case VUSER_INSN_INC:
		return add(regs, a, 1, 0, size, no_carry);
	case VUSER_INSN_DEC:
		return subtract(regs, a, 1, 0, size, no_carry);
	case VUSER_INSN_NEG:
		return subtract(regs, 0, a, 0, size, VUSER_FLAGS_STATUS);
	default:
		return vuser_insn_zext(~a, size);
	}
}

/* Sets CF to the tested bit.  Flags that are undefined do not change. */
static u64 bit_test(const struct vuser_insn *insn, struct vuser_regs *regs,
		    u64 a)
{
	u64 bit = (u64)1 << insn->bit;

	set_flags(regs, VUSER_FLAG_CF, a & bit ? VUSER_FLAG_CF : 0);
	switch (insn->op) {
	case VUSER_INSN_BTS:
		return a | bit;
	case VUSER_INSN_BTR:
		return a & ~bit;
	case VUSER_INSN_BTC:
		return a ^ bit;
	default:
		return a;
	}
}

static u64 byte_swap(u64 val, u32 size)
{
	return __builtin_bswap64(val) >> (64 - 8 * size);
}

/*
 * Writes @size bytes of a register; @high selects AH, CH, DH or BH.  A write of
 * four bytes clears the upper half; a write of one or two bytes keeps the rest.
 */
static void put_reg(struct vuser_regs *regs, u32 reg, u64 val, u32 size,
		    bool high)
{
	u32 shift = high ? 8 : 0;
	u64 mask = vuser_insn_zext(~(u64)0, size) << shift;

	if (size >= 4)
		regs->gpr[reg] = vuser_insn_zext(val, size);
	else
		regs->gpr[reg] = (regs->gpr[reg] & ~mask) |
				 ((val << shift) & mask);
}

static void put_reg_operand(const struct vuser_insn *insn,
			    struct vuser_regs *regs, u64 val)
{
	put_reg(regs, insn->reg, val, insn->reg_size, insn->reg_high);
}

/*
 * CMPXCHG: compares AX with memory.  If they are equal, the register operand
 * must be stored.  Otherwise AX gets the value of memory.  Returns true if
 * *@val must be stored.
 */
static bool compare_exchange(const struct vuser_insn *insn,
			     struct vuser_regs *regs, u64 *val)
{
	u64 ax = vuser_insn_zext(regs->gpr[VUSER_AX], insn->size);

	subtract(regs, ax, *val, 0, insn->size, VUSER_FLAGS_STATUS);
	if (ax == *val) {
		*val = insn->operand;
		return true;
	}
	put_reg(regs, VUSER_AX, *val, insn->size, false);
	return false;
}

/*
 * Advances the address registers by one element.  With a repeat prefix, also
 * counts CX down; the ip stays at the instruction until the last element is
 * done.
 */
static void step_string(const struct vuser_insn *insn, struct vuser_regs *regs)
{
	u64 step = regs->flags & VUSER_FLAG_DF ? -(u64)insn->size : insn->size;
	u32 size = insn->addr_size;
	u64 *gpr = regs->gpr;

	gpr[VUSER_DI] = vuser_insn_zext(gpr[VUSER_DI] + step, size);
	if (insn->op == VUSER_INSN_MOVS)
		gpr[VUSER_SI] = vuser_insn_zext(gpr[VUSER_SI] + step, size);
	if (insn->rep) {
		gpr[VUSER_CX] = vuser_insn_zext(gpr[VUSER_CX] - 1, size);
		if (gpr[VUSER_CX])
			regs->ip -= insn->len;
	}
}

static void load(const struct vuser_insn *insn, struct vuser_regs *regs,
		 u64 val)
{
	if (insn->op == VUSER_INSN_MOVBE)
		val = byte_swap(val, insn->size);
	if (insn->sign)
		val = vuser_insn_sext(val, insn->size);
	put_reg_operand(insn, regs, val);
}

static u64 store(const struct vuser_insn *insn)
{
	if (insn->op == VUSER_INSN_MOVBE)
		return byte_swap(insn->operand, insn->size);
	return insn->operand;
}

static void population_count(const struct vuser_insn *insn,
			     struct vuser_regs *regs, u64 val)
{
	set_flags(regs, VUSER_FLAGS_STATUS, val ? 0 : VUSER_FLAG_ZF);
	put_reg_operand(insn, regs, count_ones(val));
}

/*
 * Shifts by insn->bit bits.  A shift by 0 changes no flags.  OF is defined only
 * for a shift by 1.
 */
static u64 shift(const struct vuser_insn *insn, struct vuser_regs *regs, u64 a)
{
	u32 top = 8 * insn->size - 1;
	u64 result, last, overflow;

	if (!insn->bit)
		return a;
	if (insn->op == VUSER_INSN_SHL) {
		result = vuser_insn_zext(a << insn->bit, insn->size);
		last = a << (insn->bit - 1) >> top;
		overflow = (result >> top) ^ last;
	} else if (insn->op == VUSER_INSN_SHR) {
		result = a >> insn->bit;
		last = a >> (insn->bit - 1);
		overflow = a >> top;
	} else {
		a = vuser_insn_sext(a, insn->size);
		result =
			vuser_insn_zext((u64)((s64)a >> insn->bit), insn->size);
		last = (u64)((s64)a >> (insn->bit - 1));
		overflow = 0;
	}
	set_flags(regs, VUSER_FLAGS_STATUS,
		  result_flags(result, insn->size) |
			  (last & 1 ? VUSER_FLAG_CF : 0) |
			  (overflow & 1 ? VUSER_FLAG_OF : 0));
	return result;
}

/*
 * IMUL: sets CF and OF if the product does not fit.  The other flags, which are
 * undefined, do not change.
 */
static void multiply(const struct vuser_insn *insn, struct vuser_regs *regs,
		     u64 val)
{
	s64 a = (s64)vuser_insn_sext(val, insn->size);
	s64 b = (s64)vuser_insn_sext(insn->operand, insn->size);
	s64 product;
	bool over = __builtin_mul_overflow(a, b, &product);
	u64 flags = VUSER_FLAG_CF | VUSER_FLAG_OF;

	if (vuser_insn_sext((u64)product, insn->size) != (u64)product)
		over = true;
	set_flags(regs, flags, over ? flags : 0);
	put_reg_operand(insn, regs, (u64)product);
}

/*
 * BSF and BSR: the number of the first or last bit that is set.  If no bit is
 * set, ZF is set and the register does not change.
 */
static void bit_scan(const struct vuser_insn *insn, struct vuser_regs *regs,
		     u64 val)
{
	set_flags(regs, VUSER_FLAG_ZF, val ? 0 : VUSER_FLAG_ZF);
	if (!val)
		return;
	if (insn->op == VUSER_INSN_BSF)
		put_reg_operand(insn, regs, (u64)__builtin_ctzll(val));
	else
		put_reg_operand(insn, regs, (u64)(63 - __builtin_clzll(val)));
}

/**
 * vuser_emulate() - emulate an instruction, except for its access to memory
 * @insn: the instruction, from vuser_decode(); not VUSER_INSN_VEC
 * @regs: the registers with which @insn was decoded; updated, including the ip
 * @val: the loaded value if @insn->load; set to the value to store
 *
 * For an instruction that loads and stores, the caller makes two accesses, one
 * after the other, even if the instruction is locked.
 *
 * Context: any.
 * Return: true if the caller must store *@val.
 */
bool vuser_emulate(const struct vuser_insn *insn, struct vuser_regs *regs,
		   u64 *val)
{
	u64 operand = insn->operand;
	u64 old = vuser_insn_zext(*val, insn->size);

	*val = old;
	regs->ip += insn->len;
	switch (insn->op) {
	case VUSER_INSN_ADD ... VUSER_INSN_TEST:
		if (insn->to_reg) {
			*val = arithmetic(insn->op, regs, operand, old,
					  insn->size);
			if (insn->op != VUSER_INSN_CMP)
				put_reg_operand(insn, regs, *val);
		} else {
			*val = arithmetic(insn->op, regs, old, operand,
					  insn->size);
		}
		break;
	case VUSER_INSN_MOV:
	case VUSER_INSN_MOVBE:
		if (insn->load)
			load(insn, regs, old);
		else
			*val = store(insn);
		break;
	case VUSER_INSN_INC ... VUSER_INSN_NEG:
		*val = unary(insn->op, regs, old, insn->size);
		break;
	case VUSER_INSN_BT ... VUSER_INSN_BTC:
		*val = bit_test(insn, regs, old);
		break;
	case VUSER_INSN_POPCNT:
		population_count(insn, regs, old);
		break;
	case VUSER_INSN_XCHG:
		put_reg_operand(insn, regs, old);
		*val = operand;
		break;
	case VUSER_INSN_XADD:
		*val = add(regs, old, operand, 0, insn->size,
			   VUSER_FLAGS_STATUS);
		put_reg_operand(insn, regs, old);
		break;
	case VUSER_INSN_CMPXCHG:
		return compare_exchange(insn, regs, val);
	case VUSER_INSN_SHL ... VUSER_INSN_SAR:
		*val = shift(insn, regs, old);
		break;
	case VUSER_INSN_IMUL:
		multiply(insn, regs, old);
		break;
	case VUSER_INSN_BSF:
	case VUSER_INSN_BSR:
		bit_scan(insn, regs, old);
		break;
	case VUSER_INSN_STOS:
		*val = operand;
		step_string(insn, regs);
		break;
	case VUSER_INSN_MOVS:
		step_string(insn, regs);
		break;
	case VUSER_INSN_VEC:
		break;
	}
	return insn->store;
}

/**
 * vuser_emulate_vec() - emulate a move between memory and an XMM register
 * @insn: the instruction, from vuser_decode(); a VUSER_INSN_VEC
 * @regs: the ip is advanced
 * @xmm: the low 16 bytes of the register; updated by a load
 * @val: the loaded value, or set to the value to store: @insn->size bytes,
 *	eight in each element
 *
 * For a load with @insn->vex, the caller also clears the bytes of the register
 * above these 16.
 *
 * Context: any.
 */
void vuser_emulate_vec(const struct vuser_insn *insn, struct vuser_regs *regs,
		       u64 xmm[2], u64 val[2])
{
	u32 at = insn->vec_at / 8;

	regs->ip += insn->len;
	if (insn->store) {
		val[0] = insn->size < 8 ? vuser_insn_zext(xmm[at], insn->size) :
					  xmm[at];
		val[1] = insn->size == 16 ? xmm[1] : 0;
		return;
	}
	if (insn->vec_merge) {
		xmm[at] = val[0];
		return;
	}
	xmm[0] = insn->size < 8 ? vuser_insn_zext(val[0], insn->size) : val[0];
	xmm[1] = insn->size == 16 ? val[1] : 0;
}
