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
 * CMPXCHG8B and CMPXCHG16B: as CMPXCHG, with DX:AX and CX:BX.  Only ZF changes.
 */
static bool compare_exchange_pair(const struct vuser_insn *insn,
				  struct vuser_regs *regs, u64 val[2])
{
	u32 half = insn->size / 2;
	u64 low = vuser_insn_zext(val[0], half);
	u64 high = half == 8 ? val[1] : val[0] >> 32;
	u64 *gpr = regs->gpr;

	if (low != vuser_insn_zext(gpr[VUSER_AX], half) ||
	    high != vuser_insn_zext(gpr[VUSER_DX], half)) {
		set_flags(regs, VUSER_FLAG_ZF, 0);
		gpr[VUSER_AX] = low;
		gpr[VUSER_DX] = high;
		return false;
	}
	set_flags(regs, VUSER_FLAG_ZF, VUSER_FLAG_ZF);
	if (half == 8) {
		val[0] = gpr[VUSER_BX];
		val[1] = gpr[VUSER_CX];
	} else {
		val[0] = (u32)gpr[VUSER_BX] | gpr[VUSER_CX] << 32;
	}
	return true;
}

/* True if the flags let a repeated instruction continue. */
static bool string_continues(const struct vuser_insn *insn,
			     const struct vuser_regs *regs)
{
	bool equal = regs->flags & VUSER_FLAG_ZF;

	if (insn->op != VUSER_INSN_CMPS && insn->op != VUSER_INSN_SCAS)
		return true;
	return equal != insn->until;
}

static void step_pointer(const struct vuser_insn *insn,
			 struct vuser_regs *regs, u32 reg)
{
	u64 step = regs->flags & VUSER_FLAG_DF ? -(u64)insn->size : insn->size;

	regs->gpr[reg] = vuser_insn_zext(regs->gpr[reg] + step, insn->addr_size);
}

/*
 * Advances the address registers by one element.  With a repeat prefix, also
 * counts CX down; the ip stays at the instruction until the last element is
 * done.
 */
static void step_string(const struct vuser_insn *insn, struct vuser_regs *regs)
{
	u64 *cx = &regs->gpr[VUSER_CX];

	if (insn->op != VUSER_INSN_LODS)
		step_pointer(insn, regs, VUSER_DI);
	if (insn->op != VUSER_INSN_STOS && insn->op != VUSER_INSN_SCAS)
		step_pointer(insn, regs, VUSER_SI);
	if (insn->rep) {
		*cx = vuser_insn_zext(*cx - 1, insn->addr_size);
		if (*cx && string_continues(insn, regs))
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
 * Rotates by insn->bit, one bit at a time.  A distance of 0 changes no flags.
 * CF gets the last bit that moved around; OF is defined for a distance of 1 only.
 */
static u64 rotate(const struct vuser_insn *insn, struct vuser_regs *regs, u64 a)
{
	bool left = insn->op == VUSER_INSN_ROL || insn->op == VUSER_INSN_RCL;
	bool through_cf = insn->op == VUSER_INSN_RCL ||
			  insn->op == VUSER_INSN_RCR;
	u64 carry = regs->flags & VUSER_FLAG_CF ? 1 : 0;
	u32 top = 8 * insn->size - 1;
	u64 overflow;
	u32 i;

	if (!insn->bit)
		return a;
	for (i = 0; i < insn->bit; i++) {
		u64 out = left ? a >> top : a & 1;
		u64 in = through_cf ? carry : out;

		a = left ? vuser_insn_zext(a << 1, insn->size) | in :
			   a >> 1 | in << top;
		carry = out;
	}
	overflow = a >> top ^ (left ? carry : a >> (top - 1));
	set_flags(regs, VUSER_FLAG_CF | VUSER_FLAG_OF,
		  (carry ? VUSER_FLAG_CF : 0) |
			  (overflow & 1 ? VUSER_FLAG_OF : 0));
	return a;
}

/*
 * SHLD and SHRD: bits of the register move into memory.  A distance beyond the
 * size, which only operands of 16 bits can have, gives an undefined result.
 */
static u64 double_shift(const struct vuser_insn *insn, struct vuser_regs *regs,
			u64 a)
{
	bool left = insn->op == VUSER_INSN_SHLD;
	u64 from = insn->operand, old = a;
	u32 width = 8 * insn->size;
	u64 result, last, changed;
	u32 count = insn->bit;

	if (!count)
		return a;
	if (count > width) {
		from = a;
		a = insn->operand;
		count -= width;
	}
	if (left) {
		last = a >> (width - count);
		result = count < width ? a << count | from >> (width - count) :
					 from;
	} else {
		last = a >> (count - 1);
		result = count < width ? a >> count | from << (width - count) :
					 from;
	}
	result = vuser_insn_zext(result, insn->size);
	changed = (old ^ result) >> (width - 1);
	set_flags(regs, VUSER_FLAGS_STATUS,
		  result_flags(result, insn->size) |
			  (last & 1 ? VUSER_FLAG_CF : 0) |
			  (changed & 1 ? VUSER_FLAG_OF : 0));
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

/* The upper half of the product of two numbers of 64 bits. */
static u64 multiply_high(u64 a, u64 b)
{
	u64 a_low = (u32)a, a_high = a >> 32;
	u64 b_low = (u32)b, b_high = b >> 32;
	u64 middle = a_high * b_low + (a_low * b_low >> 32);
	u64 carry = a_low * b_high + (u32)middle;

	return a_high * b_high + (middle >> 32) + (carry >> 32);
}

/* The upper half of the product of two numbers of @size bytes. */
static u64 product_high(u64 a, u64 b, u32 size, bool sign)
{
	u64 high;

	if (size < 8)
		return vuser_insn_zext(a * b >> (8 * size), size);
	high = multiply_high(a, b);
	if (sign)
		high -= ((s64)a < 0 ? b : 0) + ((s64)b < 0 ? a : 0);
	return high;
}

/* MUL and IMUL with one operand; AX, or DX and AX, get the product. */
static void multiply_wide(const struct vuser_insn *insn,
			  struct vuser_regs *regs, u64 val)
{
	u64 flags = VUSER_FLAG_CF | VUSER_FLAG_OF;
	u64 factor = insn->operand, fill = 0;
	u32 size = insn->size;
	u64 low, high;

	if (insn->sign) {
		val = vuser_insn_sext(val, size);
		factor = vuser_insn_sext(factor, size);
	}
	low = vuser_insn_zext(val * factor, size);
	high = product_high(val, factor, size, insn->sign);
	if (insn->sign && low >> (8 * size - 1))
		fill = vuser_insn_zext(~(u64)0, size);
	set_flags(regs, flags, high == fill ? 0 : flags);
	if (size == 1) {
		put_reg(regs, VUSER_AX, low | high << 8, 2, false);
		return;
	}
	put_reg(regs, VUSER_AX, low, size, false);
	put_reg(regs, VUSER_DX, high, size, false);
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

/* TZCNT and LZCNT: as BSF and BSR; if no bit is set, the size in bits. */
static void count_zeroes(const struct vuser_insn *insn, struct vuser_regs *regs,
			 u64 val)
{
	u32 width = 8 * insn->size;
	u64 count = width;

	if (val && insn->op == VUSER_INSN_TZCNT)
		count = (u64)__builtin_ctzll(val);
	else if (val)
		count = (u64)__builtin_clzll(val) - (64 - width);
	set_flags(regs, VUSER_FLAG_CF | VUSER_FLAG_ZF,
		  (val ? 0 : VUSER_FLAG_CF) | (count ? 0 : VUSER_FLAG_ZF));
	put_reg_operand(insn, regs, count);
}

/* CRC32: the polynomial 0x11EDC6F41, bits in reverse order. */
static void checksum(const struct vuser_insn *insn, struct vuser_regs *regs,
		     u64 val)
{
	u32 crc = (u32)insn->operand;
	u32 i;

	for (i = 0; i < 8u * insn->size; i++) {
		u32 bit = (crc ^ (u32)(val >> i)) & 1;

		crc = crc >> 1 ^ (bit ? 0x82f63b78 : 0);
	}
	put_reg_operand(insn, regs, crc);
}

/* ADCX and ADOX: an addition with CF or OF as the carry, the only flag used. */
static void add_carry(const struct vuser_insn *insn, struct vuser_regs *regs,
		      u64 val)
{
	u64 flag = insn->op == VUSER_INSN_ADCX ? VUSER_FLAG_CF : VUSER_FLAG_OF;
	u64 a = insn->operand;
	u64 sum = a + val + (regs->flags & flag ? 1 : 0);
	u64 carries = (a & val) | ((a | val) & ~sum);

	set_flags(regs, flag, carries >> (8 * insn->size - 1) & 1 ? flag : 0);
	put_reg_operand(insn, regs, sum);
}

static u64 extract_field(u64 val, u64 control, u32 size)
{
	u32 start = control & 0xff, len = control >> 8 & 0xff;

	val = start < 8 * size ? val >> start : 0;
	return len < 64 ? val & (((u64)1 << len) - 1) : val;
}

/* PDEP: moves the low bits of @val to the places that are set in @mask. */
static u64 deposit(u64 val, u64 mask)
{
	u64 result = 0;

	for (; mask; mask &= mask - 1, val >>= 1)
		if (val & 1)
			result |= mask & -mask;
	return result;
}

/* PEXT: collects the bits of @val at the places that are set in @mask. */
static u64 collect(u64 val, u64 mask)
{
	u64 result = 0;
	u32 to;

	for (to = 0; mask; mask &= mask - 1, to++)
		if (val & mask & -mask)
			result |= (u64)1 << to;
	return result;
}

/*
 * The instructions of BMI1 with flags.  SF, ZF and OF are as after a logical
 * operation; AF and PF are undefined.
 */
static void bit_field(const struct vuser_insn *insn, struct vuser_regs *regs,
		      u64 val)
{
	u64 other = insn->operand2;
	u32 width = 8 * insn->size;
	bool carry = false;
	u64 result;

	switch (insn->op) {
	case VUSER_INSN_ANDN:
		result = ~other & val;
		break;
	case VUSER_INSN_BEXTR:
		result = extract_field(val, other, insn->size);
		break;
	case VUSER_INSN_BLSR:
		result = val & (val - 1);
		carry = !val;
		break;
	case VUSER_INSN_BLSMSK:
		result = val ^ (val - 1);
		carry = !val;
		break;
	case VUSER_INSN_BLSI:
		result = val & -val;
		carry = val;
		break;
	default: /* bzhi */
		other &= 0xff;
		carry = other >= width;
		result = carry ? val : val & (((u64)1 << other) - 1);
		break;
	}
	result = vuser_insn_zext(result, insn->size);
	set_flags(regs, VUSER_FLAGS_STATUS,
		  result_flags(result, insn->size) |
			  (carry ? VUSER_FLAG_CF : 0));
	put_reg_operand(insn, regs, result);
}

/* MULX: DX times memory; two registers get the product, no flags change. */
static void multiply_flagless(const struct vuser_insn *insn,
			      struct vuser_regs *regs, u64 val)
{
	u64 dx = vuser_insn_zext(regs->gpr[VUSER_DX], insn->size);
	u64 high = product_high(val, dx, insn->size, false);

	/* if both are the same register, it gets the upper half */
	put_reg(regs, insn->reg2, val * dx, insn->size, false);
	put_reg_operand(insn, regs, high);
}

/* The instructions of BMI2 that change no flags. */
static void shift_flagless(const struct vuser_insn *insn,
			   struct vuser_regs *regs, u64 val)
{
	u32 width = 8 * insn->size;
	u32 count = insn->operand2 & (width - 1);
	u64 result;

	switch (insn->op) {
	case VUSER_INSN_PDEP:
		result = deposit(insn->operand2, val);
		break;
	case VUSER_INSN_PEXT:
		result = collect(insn->operand2, val);
		break;
	case VUSER_INSN_RORX:
		result = insn->bit ? val >> insn->bit |
					     val << (width - insn->bit) :
				     val;
		break;
	case VUSER_INSN_SARX:
		result = (u64)((s64)vuser_insn_sext(val, insn->size) >> count);
		break;
	case VUSER_INSN_SHLX:
		result = val << count;
		break;
	default: /* shrx */
		result = val >> count;
		break;
	}
	put_reg_operand(insn, regs, result);
}

/* Instructions whose only result is in registers; nothing is stored. */
static void emulate_to_reg(const struct vuser_insn *insn,
			   struct vuser_regs *regs, u64 val)
{
	switch (insn->op) {
	case VUSER_INSN_POPCNT:
		population_count(insn, regs, val);
		break;
	case VUSER_INSN_IMUL:
		multiply(insn, regs, val);
		break;
	case VUSER_INSN_MUL_WIDE:
		multiply_wide(insn, regs, val);
		break;
	case VUSER_INSN_BSF:
	case VUSER_INSN_BSR:
		bit_scan(insn, regs, val);
		break;
	case VUSER_INSN_TZCNT:
	case VUSER_INSN_LZCNT:
		count_zeroes(insn, regs, val);
		break;
	case VUSER_INSN_CMOV:
		put_reg_operand(insn, regs, insn->bit ? val : insn->operand);
		break;
	case VUSER_INSN_CRC32:
		checksum(insn, regs, val);
		break;
	case VUSER_INSN_ADCX:
	case VUSER_INSN_ADOX:
		add_carry(insn, regs, val);
		break;
	case VUSER_INSN_ANDN ... VUSER_INSN_BZHI:
		bit_field(insn, regs, val);
		break;
	case VUSER_INSN_MULX:
		multiply_flagless(insn, regs, val);
		break;
	default:
		shift_flagless(insn, regs, val);
		break;
	}
}

/* String instructions: one element. */
static void emulate_string(const struct vuser_insn *insn,
			   struct vuser_regs *regs, u64 val[2])
{
	if (insn->op == VUSER_INSN_LODS)
		put_reg_operand(insn, regs, val[0]);
	else if (insn->op == VUSER_INSN_SCAS)
		subtract(regs, insn->operand, val[0], 0, insn->size,
			 VUSER_FLAGS_STATUS);
	else if (insn->op == VUSER_INSN_CMPS)
		subtract(regs, val[0], val[1], 0, insn->size,
			 VUSER_FLAGS_STATUS);
	else if (insn->op == VUSER_INSN_STOS)
		val[0] = insn->operand;
	step_string(insn, regs);
}

/**
 * vuser_emulate() - emulate an instruction, except for its access to memory
 * @insn: the instruction, from vuser_decode(); not VUSER_INSN_VEC or _X87
 * @regs: the registers with which @insn was decoded; updated, including the ip
 * @val: the loaded value if @insn->load; set to the value to store.  CMPS has
 *	two loaded values, CMPXCHG_PAIR has values of two words; all others have
 *	one word
 *
 * For an instruction that loads and stores, the caller makes two accesses, one
 * after the other, even if the instruction is locked.  For one that copies, the
 * caller stores what it loaded; @val is not used.
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
	case VUSER_INSN_IMUL ... VUSER_INSN_SHRX:
		emulate_to_reg(insn, regs, old);
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
	case VUSER_INSN_ROL ... VUSER_INSN_RCR:
		*val = rotate(insn, regs, old);
		break;
	case VUSER_INSN_SHL ... VUSER_INSN_SAR:
		*val = shift(insn, regs, old);
		break;
	case VUSER_INSN_SHLD:
	case VUSER_INSN_SHRD:
		*val = double_shift(insn, regs, old);
		break;
	case VUSER_INSN_CMPXCHG_PAIR:
		return compare_exchange_pair(insn, regs, val);
	case VUSER_INSN_STOS ... VUSER_INSN_SCAS:
	case VUSER_INSN_CMPS:
	case VUSER_INSN_MOVS:
		emulate_string(insn, regs, val);
		break;
	case VUSER_INSN_PUSH:
		regs->gpr[VUSER_SP] -= insn->size;
		break;
	case VUSER_INSN_POP:
		regs->gpr[VUSER_SP] += insn->size;
		break;
	case VUSER_INSN_ENQCMD:
		/* ZF would say that the device is busy */
		set_flags(regs, VUSER_FLAGS_STATUS, 0);
		break;
	case VUSER_INSN_MOVDIR64B:
	case VUSER_INSN_NOP:
	case VUSER_INSN_X87:
	case VUSER_INSN_VEC:
		break;
	}
	return insn->store;
}
