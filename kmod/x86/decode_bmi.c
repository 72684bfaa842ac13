// SPDX-License-Identifier: GPL-2.0
/*
 * The decoder: integer instructions with a VEX prefix, which BMI1 and BMI2 have
 * brought.  Numbers in comments are opcodes, in hexadecimal.
 */

#include "x86/decode_bmi.h"
#include "x86/fetch.h"

#define NONE 0xff

/* The operations of the opcodes F2, F5, F6 and F7, by their prefix. */
static const u8 f2_ops[] = { VUSER_INSN_ANDN, NONE, NONE, NONE };
static const u8 f5_ops[] = { VUSER_INSN_BZHI, NONE, VUSER_INSN_PEXT,
			     VUSER_INSN_PDEP };
static const u8 f6_ops[] = { NONE, NONE, NONE, VUSER_INSN_MULX };
static const u8 f7_ops[] = { VUSER_INSN_BEXTR, VUSER_INSN_SHLX,
			     VUSER_INSN_SARX, VUSER_INSN_SHRX };

/* Sets the operation, a load of 4 or 8 bytes, and the two registers. */
static int set_bmi(struct vuser_insn *insn, struct insn_decoder *d, u8 op)
{
	u8 size = d->rex_w ? 8 : 4;

	if (op == NONE || d->vec_len != 16 || vuser_fetch_modrm(d))
		return -EINVAL;
	vuser_fetch_set_access(insn, (enum vuser_insn_op)op, size, true, false);
	insn->to_reg = true;
	insn->reg = d->modrm_reg | d->rex_r;
	insn->reg_size = size;
	insn->reg2 = d->vvvv;
	insn->operand2 = vuser_insn_get_reg(d->regs, d->vvvv, size, false);
	return 0;
}

/* F3: blsr, blsmsk, blsi; ModRM selects the operation. */
static int decode_bls(struct vuser_insn *insn, struct insn_decoder *d)
{
	if (vuser_fetch_simd_prefix(d) != INSN_SIMD_NONE ||
	    set_bmi(insn, d, VUSER_INSN_BLSR))
		return -EINVAL;
	if (d->modrm_reg < 1 || d->modrm_reg > 3)
		return -EINVAL;
	insn->op = (enum vuser_insn_op)(VUSER_INSN_BLSR + d->modrm_reg - 1);
	insn->reg = d->vvvv;
	return 0;
}

/**
 * vuser_decode_bmi() - decode an instruction with the opcode VEX 0F 38 F2 to F7
 * @insn: the operation, the access and the operands are filled in
 * @d: the instruction, read up to its opcode
 * @opcode: the last byte of the opcode
 *
 * Context: any.
 * Return: 0, or -EINVAL for an instruction that is refused.
 */
int vuser_decode_bmi(struct vuser_insn *insn, struct insn_decoder *d,
		     u8 opcode)
{
	enum insn_simd prefix = vuser_fetch_simd_prefix(d);

	switch (opcode) {
	case 0xf2:
		return set_bmi(insn, d, f2_ops[prefix]);
	case 0xf3:
		return decode_bls(insn, d);
	case 0xf5:
		return set_bmi(insn, d, f5_ops[prefix]);
	case 0xf6:
		return set_bmi(insn, d, f6_ops[prefix]);
	case 0xf7:
		return set_bmi(insn, d, f7_ops[prefix]);
	default:
		return -EINVAL;
	}
}

/**
 * vuser_decode_bmi_rorx() - decode rorx, VEX 0F 3A F0
 * @insn: the operation, the access and the operands are filled in
 * @d: the instruction, read up to its opcode
 *
 * Context: any.
 * Return: 0, or -EINVAL for an instruction that is refused.
 */
int vuser_decode_bmi_rorx(struct vuser_insn *insn, struct insn_decoder *d)
{
	if (vuser_fetch_simd_prefix(d) != INSN_SIMD_F2 || d->vvvv ||
	    set_bmi(insn, d, VUSER_INSN_RORX))
		return -EINVAL;
	insn->bit = vuser_fetch_byte(d) & (8 * insn->size - 1);
	return 0;
}
