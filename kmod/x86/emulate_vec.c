// SPDX-License-Identifier: GPL-2.0
/*
 * Emulate a decoded instruction with a vector register.  The elements are
 * computed one after the other.  This is slow, but the access to the device takes
 * much longer.
 */

#include <linux/string.h>

#include "x86/emulate_vec.h"

static u64 get_elem(const u64 *vec, u32 nr, u32 size)
{
	u32 at = nr * size;

	return vuser_insn_zext(vec[at / 8] >> (at % 8 * 8), size);
}

static void put_elem(u64 *vec, u32 nr, u32 size, u64 elem)
{
	memcpy((u8 *)vec + nr * size, &elem, size);
}

/* The bits of @nr bytes or elements; @nr is at most 64. */
static u64 low_bits(u32 nr)
{
	return nr < 64 ? ((u64)1 << nr) - 1 : ~(u64)0;
}

/* One bit for each element that takes part. */
static u64 active_elems(const struct vuser_insn *insn,
			const struct vuser_vec *vec)
{
	u32 nr = (insn->store ? insn->size : insn->vec_len) / insn->elem;
	u64 signs = 0;
	u32 i;

	if (insn->vec_op != VUSER_VEC_MASKMOV)
		return vec->mask & low_bits(nr);
	for (i = 0; i < nr; i++)
		signs |= get_elem(vec->src, i, insn->elem) >>
			 (8 * insn->elem - 1) << i;
	return signs;
}

/* True if each element of memory stands for one element of the register. */
static bool is_elementwise(const struct vuser_insn *insn)
{
	return !insn->repeat && insn->vec_op != VUSER_VEC_BROADCAST &&
	       insn->vec_op != VUSER_VEC_INSERT;
}

/**
 * vuser_emulate_vec_bytes() - find the bytes of memory that are accessed
 * @insn: the instruction, from vuser_decode(); a VUSER_INSN_VEC
 * @vec: its registers
 *
 * Elements that are masked out are not accessed, and cannot fault.
 *
 * Context: any.
 * Return: one bit for each byte from @insn->addr on.
 */
u64 vuser_emulate_vec_bytes(const struct vuser_insn *insn,
			    const struct vuser_vec *vec)
{
	u64 elems, bytes = 0;
	u32 i;

	if (!insn->mask && insn->vec_op != VUSER_VEC_MASKMOV)
		return low_bits(insn->size);
	elems = active_elems(insn, vec);
	if (!is_elementwise(insn))
		return elems ? low_bits(insn->size) : 0;
	for (i = 0; i < insn->size / insn->elem; i++)
		if (elems >> i & 1)
			bytes |= low_bits(insn->elem) << (i * insn->elem);
	return bytes;
}

static u64 saturated_sum(u64 a, u64 b, u32 size)
{
	u64 sum = vuser_insn_zext(a + b, size);

	return sum < a ? vuser_insn_zext(~(u64)0, size) : sum;
}

static bool is_less(u64 a, u64 b, u32 size)
{
	return (s64)vuser_insn_sext(a, size) < (s64)vuser_insn_sext(b, size);
}

/* The predicate of the comparisons of AVX-512. */
static bool compares(u8 predicate, bool equal, bool less)
{
	bool is = false;

	switch (predicate & 3) {
	case 0:
		is = equal;
		break;
	case 1:
		is = less;
		break;
	case 2:
		is = less || equal;
		break;
	case 3:
		break;
	}
	return predicate & 4 ? !is : is;
}

/* Looks up each bit of the result in @table, by the bits of the operands. */
static u64 ternary_logic(u8 table, u64 a, u64 b, u64 c)
{
	u64 result = 0;
	u32 i;

	for (i = 0; i < 8; i++)
		if (table >> i & 1)
			result |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) &
				  (i & 1 ? c : ~c);
	return result;
}

/* The result for one element; a comparison gives all ones or 0. */
static u64 operate(const struct vuser_insn *insn, u64 old, u64 a, u64 b)
{
	u32 size = insn->elem;
	u64 ones = ~(u64)0;

	switch (insn->vec_op) {
	case VUSER_VEC_AND:
		return a & b;
	case VUSER_VEC_ANDN:
		return ~a & b;
	case VUSER_VEC_OR:
		return a | b;
	case VUSER_VEC_XOR:
		return a ^ b;
	case VUSER_VEC_ADD:
		return a + b;
	case VUSER_VEC_SUB:
		return a - b;
	case VUSER_VEC_ADDUS:
		return saturated_sum(a, b, size);
	case VUSER_VEC_SUBUS:
		return a > b ? a - b : 0;
	case VUSER_VEC_MINU:
		return a < b ? a : b;
	case VUSER_VEC_MAXU:
		return a > b ? a : b;
	case VUSER_VEC_MINS:
		return is_less(a, b, size) ? a : b;
	case VUSER_VEC_MAXS:
		return is_less(a, b, size) ? b : a;
	case VUSER_VEC_CMPEQ:
		return a == b ? ones : 0;
	case VUSER_VEC_CMPGT:
		return is_less(b, a, size) ? ones : 0;
	case VUSER_VEC_CMPU:
		return compares(insn->imm, a == b, a < b) ? ones : 0;
	case VUSER_VEC_CMPS:
		return compares(insn->imm, a == b, is_less(a, b, size)) ? ones : 0;
	case VUSER_VEC_TESTM:
		return a & b ? ones : 0;
	case VUSER_VEC_TESTNM:
		return a & b ? 0 : ones;
	case VUSER_VEC_TERNLOG:
		return ternary_logic(insn->imm, old, a, b);
	default:
		return b;
	}
}

/* Repeats @size bytes up to the vector length. */
static void broadcast(const struct vuser_insn *insn, u64 *to, const u64 *from)
{
	u32 at;

	for (at = 0; at < insn->vec_len; at += insn->size)
		memcpy((u8 *)to + at, from, insn->size);
}

/* Computes all elements, without the mask. */
static void compute(const struct vuser_insn *insn, const struct vuser_vec *vec,
		    const u64 *val, u64 *result)
{
	u32 size = insn->elem;
	u32 i;

	switch (insn->vec_op) {
	case VUSER_VEC_MOVE:
	case VUSER_VEC_MASKMOV:
		memcpy(result, val, insn->size);
		return;
	case VUSER_VEC_BROADCAST:
		broadcast(insn, result, val);
		return;
	case VUSER_VEC_INSERT:
		memcpy(result, vec->src, insn->vec_len);
		memcpy((u8 *)result + insn->vec_at, val, insn->size);
		return;
	default:
		break;
	}
	if (insn->repeat)
		broadcast(insn, result, val);
	else
		memcpy(result, val, insn->size);
	for (i = 0; i < insn->vec_len / size; i++)
		put_elem(result, i, size,
			 operate(insn, get_elem(vec->reg, i, size),
				 get_elem(vec->src, i, size),
				 get_elem(result, i, size)));
}

/* Takes elements that are masked out from the register, or clears them. */
static void apply_mask(const struct vuser_insn *insn,
		       const struct vuser_vec *vec, u64 *result)
{
	u64 elems = active_elems(insn, vec);
	u32 i;

	for (i = 0; i < insn->vec_len / insn->elem; i++)
		if (!(elems >> i & 1))
			put_elem(result, i, insn->elem,
				 insn->zeroing ?
					 0 :
					 get_elem(vec->reg, i, insn->elem));
}

/* One bit of the mask register for each element. */
static u64 result_mask(const struct vuser_insn *insn,
		       const struct vuser_vec *vec, const u64 *result)
{
	u64 mask = 0;
	u32 i;

	for (i = 0; i < insn->vec_len / insn->elem; i++)
		mask |= (get_elem(result, i, insn->elem) & 1) << i;
	return mask & active_elems(insn, vec);
}

/*
 * PTEST: sets ZF if memory is 0 in all bits that are 1 in the register, and CF if
 * memory is 0 in all bits that are 0 in the register.
 */
static void test(const struct vuser_insn *insn, struct vuser_regs *regs,
		 const struct vuser_vec *vec, const u64 *val)
{
	u64 ones = 0, zeroes = 0;
	u32 i;

	for (i = 0; i < insn->size / 8; i++) {
		ones |= val[i] & vec->reg[i];
		zeroes |= val[i] & ~vec->reg[i];
	}
	regs->flags &= ~(u64)VUSER_FLAGS_STATUS;
	if (!ones)
		regs->flags |= VUSER_FLAG_ZF;
	if (!zeroes)
		regs->flags |= VUSER_FLAG_CF;
}

/**
 * vuser_emulate_vec_load() - emulate an instruction that loads
 * @insn: the instruction, from vuser_decode(); a VUSER_INSN_VEC with a load
 * @regs: the ip is advanced; VUSER_VEC_TEST sets the flags
 * @vec: its registers; @vec->reg is updated.  With @insn->to_mask, its first word is
 *	set to the new value of the mask register
 * @val: the value; bytes that are not in vuser_emulate_vec_bytes() are 0
 *
 * With @insn->vex the caller writes all bytes of the register, otherwise the low
 * 16.  VUSER_VEC_TEST changes no vector register.
 *
 * Context: any.
 */
void vuser_emulate_vec_load(const struct vuser_insn *insn,
			    struct vuser_regs *regs, struct vuser_vec *vec,
			    const u64 val[VUSER_VEC_WORDS])
{
	u64 result[VUSER_VEC_WORDS] = { 0 };

	regs->ip += insn->len;
	if (insn->vec_op == VUSER_VEC_TEST) {
		test(insn, regs, vec, val);
		return;
	}
	compute(insn, vec, val, result);
	if (insn->to_mask)
		result[0] = result_mask(insn, vec, result);
	else if (insn->mask)
		apply_mask(insn, vec, result);
	memcpy(vec->reg, result, sizeof(result));
}

/**
 * vuser_emulate_vec_store() - emulate an instruction that stores
 * @insn: the instruction, from vuser_decode(); a VUSER_INSN_VEC with a store
 * @regs: the ip is advanced
 * @vec: its registers
 * @val: set to the value; the caller stores the bytes of it that
 *	vuser_emulate_vec_bytes() returns
 *
 * Context: any.
 */
void vuser_emulate_vec_store(const struct vuser_insn *insn,
			     struct vuser_regs *regs,
			     const struct vuser_vec *vec,
			     u64 val[VUSER_VEC_WORDS])
{
	regs->ip += insn->len;
	memcpy(val, (const u8 *)vec->reg + insn->vec_at, insn->size);
}
