// SPDX-License-Identifier: GPL-2.0
/*
 * The decoder: integer instructions.
 *
 * The functions of this file add the operation, the access and the operands of
 * an instruction to struct vuser_insn.  They return 0, or -EINVAL for an
 * instruction that is refused.  Numbers in comments are opcodes, in
 * hexadecimal.
 *
 * References are to the Intel 64 and IA-32 Architectures Software Developer's
 * Manual, volume 2 unless another volume is named.
 */

#include "x86/decode_int.h"
#include "x86/decode_vec.h"
#include "x86/fetch.h"

/* Operand size in bytes; @wide is false for the byte form of an instruction. */
static u8 operand_size(const struct insn_decoder *d, bool wide)
{
	if (!wide)
		return 1;
	if (d->rex_w)
		return 8;
	return d->prefix_66 ? 2 : 4;
}

/*
 * Sets the register operand of @size bytes from ModRM.  Without a REX prefix,
 * byte registers 4 to 7 are AH, CH, DH and BH.
 */
static void set_reg(struct vuser_insn *insn, const struct insn_decoder *d,
		    u8 size)
{
	insn->reg = d->modrm_reg | d->rex_r;
	insn->reg_size = size;
	insn->reg_high = size == 1 && !d->rex_present && insn->reg >= 4;
	if (insn->reg_high)
		insn->reg -= 4;
	insn->operand =
		vuser_insn_get_reg(d->regs, insn->reg, size, insn->reg_high);
}

/* Sets an immediate: at most four bytes, sign-extended to insn->size. */
static void set_imm(struct vuser_insn *insn, struct insn_decoder *d, u8 size)
{
	u8 bytes = size < 4 ? size : 4;

	insn->operand = vuser_insn_zext(vuser_fetch_signed(d, bytes), insn->size);
}

/* 00 to 3F: add, or, adc, sbb, and, sub, xor, cmp; memory and a register. */
static int decode_alu(struct vuser_insn *insn, struct insn_decoder *d,
		      u8 opcode)
{
	enum vuser_insn_op op = (enum vuser_insn_op)(opcode >> 3);
	u8 size = operand_size(d, opcode & 1);
	bool to_reg = opcode & 2;

	if ((opcode & 7) > 3 || vuser_fetch_modrm(d))
		return -EINVAL;
	vuser_fetch_set_access(insn, op, size, true, !to_reg && op != VUSER_INSN_CMP);
	set_reg(insn, d, size);
	insn->to_reg = to_reg;
	return 0;
}

/* 80, 81, 83: the operations of decode_alu(); memory and an immediate. */
static int decode_alu_imm(struct vuser_insn *insn, struct insn_decoder *d,
			  u8 opcode)
{
	u8 size = operand_size(d, opcode != 0x80);

	if (vuser_fetch_modrm(d))
		return -EINVAL;
	vuser_fetch_set_access(insn, (enum vuser_insn_op)d->modrm_reg, size, true,
			       d->modrm_reg != VUSER_INSN_CMP);
	set_imm(insn, d, opcode == 0x83 ? 1 : size);
	return 0;
}

/* F6, F7: test with an immediate, not, neg, mul, imul. */
static int decode_group3(struct vuser_insn *insn, struct insn_decoder *d,
			 u8 opcode)
{
	u8 size = operand_size(d, opcode & 1);

	if (vuser_fetch_modrm(d))
		return -EINVAL;
	switch (d->modrm_reg) {
	case 0:
	case 1:
		vuser_fetch_set_access(insn, VUSER_INSN_TEST, size, true, false);
		set_imm(insn, d, size);
		return 0;
	case 2:
		vuser_fetch_set_access(insn, VUSER_INSN_NOT, size, true, true);
		return 0;
	case 3:
		vuser_fetch_set_access(insn, VUSER_INSN_NEG, size, true, true);
		return 0;
	case 4:
	case 5:
		vuser_fetch_set_access(insn, VUSER_INSN_MUL_WIDE, size, true,
				       false);
		insn->sign = d->modrm_reg == 5;
		insn->operand = vuser_insn_zext(d->regs->gpr[VUSER_AX], size);
		return 0;
	default:
		return -EINVAL;
	}
}

/* The operand size of push and pop: 8, or 2 with the prefix 66. */
static u8 stack_size(const struct insn_decoder *d)
{
	return d->prefix_66 && !d->rex_w ? 2 : 8;
}

/* FF /6: push of memory. */
static int decode_push(struct vuser_insn *insn, struct insn_decoder *d)
{
	u8 size = stack_size(d);

	vuser_fetch_set_access(insn, VUSER_INSN_PUSH, size, true, true);
	insn->addr = d->regs->gpr[VUSER_SP] - size;
	return 0;
}

/* 8F: pop to memory.  The address uses the stack pointer after the pop. */
static int decode_pop(struct vuser_insn *insn, struct insn_decoder *d)
{
	const struct vuser_regs *before = d->regs;
	struct vuser_regs after = *before;
	u8 size = stack_size(d);
	int err;

	after.gpr[VUSER_SP] += size;
	d->regs = &after;
	err = vuser_fetch_modrm(d);
	d->regs = before;
	if (err || d->modrm_reg)
		return -EINVAL;
	vuser_fetch_set_access(insn, VUSER_INSN_POP, size, true, true);
	insn->from = before->gpr[VUSER_SP];
	return 0;
}

/* FE, FF: inc, dec, push. */
static int decode_group4(struct vuser_insn *insn, struct insn_decoder *d,
			 u8 opcode)
{
	u8 size = operand_size(d, opcode & 1);

	if (vuser_fetch_modrm(d))
		return -EINVAL;
	if (opcode == 0xff && d->modrm_reg == 6)
		return decode_push(insn, d);
	if (d->modrm_reg > 1)
		return -EINVAL;
	vuser_fetch_set_access(insn, d->modrm_reg ? VUSER_INSN_DEC : VUSER_INSN_INC,
			       size, true, true);
	return 0;
}

/* C6, C7: mov of an immediate. */
static int decode_mov_imm(struct vuser_insn *insn, struct insn_decoder *d,
			  u8 opcode)
{
	u8 size = operand_size(d, opcode & 1);

	if (vuser_fetch_modrm(d) || d->modrm_reg)
		return -EINVAL;
	vuser_fetch_set_access(insn, VUSER_INSN_MOV, size, false, true);
	set_imm(insn, d, size);
	return 0;
}

/* A0 to A3: mov between AX and an absolute address. */
static int decode_moffs(struct vuser_insn *insn, struct insn_decoder *d,
			u8 opcode)
{
	u8 size = operand_size(d, opcode & 1);
	bool load = !(opcode & 2);

	d->ea = vuser_fetch_bytes(d, d->prefix_67 ? 4 : 8);
	vuser_fetch_set_access(insn, VUSER_INSN_MOV, size, load, !load);
	insn->to_reg = load;
	insn->reg = VUSER_AX;
	insn->reg_size = size;
	insn->operand = vuser_insn_get_reg(d->regs, VUSER_AX, size, false);
	return 0;
}

/* The operation of a string instruction, from bits 1 to 3 of its opcode. */
static enum vuser_insn_op string_op(u8 opcode)
{
	static const enum vuser_insn_op ops[] = {
		[2] = VUSER_INSN_MOVS, [3] = VUSER_INSN_CMPS,
		[5] = VUSER_INSN_STOS, [6] = VUSER_INSN_LODS,
		[7] = VUSER_INSN_SCAS,
	};

	return ops[opcode >> 1 & 7];
}

/*
 * A4 to A7, AA to AF: movs, cmps, stos, lods, scas.  An instruction with a
 * repeat count of 0 makes no access and cannot fault, so it is refused.
 */
static int decode_string(struct vuser_insn *insn, struct insn_decoder *d,
			 u8 opcode)
{
	u8 addr_size = d->prefix_67 ? 4 : 8;
	u8 size = operand_size(d, opcode & 1);
	enum vuser_insn_op op = string_op(opcode);
	bool compares = op == VUSER_INSN_CMPS || op == VUSER_INSN_SCAS;
	const u64 *gpr = d->regs->gpr;

	/* F2 means to repeat until elements are equal */
	if (d->prefix_f2 && !compares)
		return -EINVAL;
	insn->rep = d->prefix_f3 || d->prefix_f2;
	insn->until = d->prefix_f2;
	if (insn->rep && !vuser_insn_zext(gpr[VUSER_CX], addr_size))
		return -EINVAL;
	vuser_fetch_set_access(insn, op, size, op != VUSER_INSN_STOS,
			       op == VUSER_INSN_MOVS || op == VUSER_INSN_STOS);
	insn->to_reg = op == VUSER_INSN_LODS || op == VUSER_INSN_SCAS;
	insn->reg = VUSER_AX;
	insn->reg_size = size;
	insn->operand = vuser_insn_zext(gpr[VUSER_AX], size);
	d->ea = gpr[op == VUSER_INSN_LODS ? VUSER_SI : VUSER_DI];
	if (op == VUSER_INSN_MOVS || op == VUSER_INSN_CMPS)
		insn->from = vuser_insn_zext(gpr[VUSER_SI], addr_size);
	return 0;
}

/* D7: xlat loads a byte of the table at BX, which AL selects. */
static int decode_xlat(struct vuser_insn *insn, struct insn_decoder *d)
{
	d->ea = d->regs->gpr[VUSER_BX] + (u8)d->regs->gpr[VUSER_AX];
	vuser_fetch_set_access(insn, VUSER_INSN_MOV, 1, true, false);
	insn->to_reg = true;
	insn->reg = VUSER_AX;
	insn->reg_size = 1;
	insn->operand = (u8)d->regs->gpr[VUSER_AX];
	return 0;
}

/* Instructions that only move a value between memory and a register. */
static int decode_mov(struct vuser_insn *insn, struct insn_decoder *d,
		      enum vuser_insn_op op, u8 size, bool load)
{
	if (vuser_fetch_modrm(d))
		return -EINVAL;
	vuser_fetch_set_access(insn, op, size, load, !load);
	set_reg(insn, d, size);
	insn->to_reg = load;
	return 0;
}

/* movzx, movsx, movsxd: load @size bytes, extend them to the operand size. */
static int decode_extend(struct vuser_insn *insn, struct insn_decoder *d,
			 u8 size, bool sign)
{
	if (vuser_fetch_modrm(d))
		return -EINVAL;
	vuser_fetch_set_access(insn, VUSER_INSN_MOV, size, true, false);
	set_reg(insn, d, operand_size(d, true));
	insn->to_reg = true;
	insn->sign = sign;
	return 0;
}

/* test, xchg, xadd and cmpxchg: memory and a register. */
static int decode_exchange(struct vuser_insn *insn, struct insn_decoder *d,
			   enum vuser_insn_op op, u8 opcode)
{
	u8 size = operand_size(d, opcode & 1);

	if (vuser_fetch_modrm(d))
		return -EINVAL;
	vuser_fetch_set_access(insn, op, size, true, op != VUSER_INSN_TEST);
	set_reg(insn, d, size);
	return 0;
}

/*
 * bt, bts, btr and btc.  The low two bits of @op select the instruction.  These
 * bits come from ModRM, or from bits 3 and 4 of the opcode.
 */
static int decode_bit(struct vuser_insn *insn, struct insn_decoder *d, u8 op,
		      bool imm)
{
	u8 size = operand_size(d, true);
	u64 offset;

	vuser_fetch_set_access(insn, (enum vuser_insn_op)(VUSER_INSN_BT + (op & 3)),
			       size, true, op & 3);
	if (imm) {
		insn->bit = vuser_fetch_byte(d) & (8 * size - 1);
		return 0;
	}

	/* a bit number in a register is signed: it moves the address up or down */
	set_reg(insn, d, size);
	offset = vuser_insn_sext(insn->operand, size);
	insn->bit = offset & (8 * size - 1);
	d->ea += (u64)((s64)(offset - insn->bit) >> 3);
	return 0;
}

/* Operations that load from memory and put the result in a register. */
static int decode_to_reg(struct vuser_insn *insn, struct insn_decoder *d,
			 enum vuser_insn_op op)
{
	u8 size = operand_size(d, true);

	if (vuser_fetch_modrm(d))
		return -EINVAL;
	vuser_fetch_set_access(insn, op, size, true, false);
	set_reg(insn, d, size);
	insn->to_reg = true;
	return 0;
}

/* 69, 6B: imul of memory and an immediate, to a register. */
static int decode_imul_imm(struct vuser_insn *insn, struct insn_decoder *d,
			   u8 opcode)
{
	if (decode_to_reg(insn, d, VUSER_INSN_IMUL))
		return -EINVAL;
	set_imm(insn, d, opcode == 0x6b ? 1 : insn->size);
	return 0;
}

/* C0, C1, D0 to D3: shifts and rotations by an immediate, by one or by CL. */
static int decode_shift(struct vuser_insn *insn, struct insn_decoder *d,
			u8 opcode)
{
	static const enum vuser_insn_op ops[] = {
		VUSER_INSN_ROL, VUSER_INSN_ROR, VUSER_INSN_RCL, VUSER_INSN_RCR,
		VUSER_INSN_SHL, VUSER_INSN_SHR, VUSER_INSN_SHL, VUSER_INSN_SAR,
	};
	u8 size = operand_size(d, opcode & 1);
	u64 count = 1;

	if (vuser_fetch_modrm(d))
		return -EINVAL;
	if (opcode < 0xd0)
		count = vuser_fetch_byte(d);
	else if (opcode >= 0xd2)
		count = d->regs->gpr[VUSER_CX];
	vuser_fetch_set_access(insn, ops[d->modrm_reg], size, true, true);
	insn->bit = count & (size == 8 ? 63 : 31);
	return 0;
}

/* 0F A4, A5, AC, AD: shld and shrd, by an immediate or by CL. */
static int decode_double_shift(struct vuser_insn *insn, struct insn_decoder *d,
			       u8 opcode)
{
	u8 size = operand_size(d, true);
	u64 count = d->regs->gpr[VUSER_CX];

	if (vuser_fetch_modrm(d))
		return -EINVAL;
	if (!(opcode & 1))
		count = vuser_fetch_byte(d);
	vuser_fetch_set_access(insn, opcode & 8 ? VUSER_INSN_SHRD : VUSER_INSN_SHLD,
			       size, true, true);
	set_reg(insn, d, size);
	insn->bit = count & (size == 8 ? 63 : 31);
	return 0;
}

/* 0F AE: clflush, clflushopt, clwb.  Memory of a device has no cache lines. */
static int decode_flush(struct vuser_insn *insn, struct insn_decoder *d)
{
	if (vuser_fetch_modrm(d))
		return -EINVAL;
	if (d->modrm_reg != 7 && !(d->modrm_reg == 6 && d->prefix_66))
		return -EINVAL;
	vuser_fetch_set_access(insn, VUSER_INSN_NOP, 1, true, false);
	return 0;
}

/* 0F C7 /1: cmpxchg8b and cmpxchg16b. */
static int decode_compare_pair(struct vuser_insn *insn, struct insn_decoder *d)
{
	if (vuser_fetch_modrm(d) || d->modrm_reg != 1)
		return -EINVAL;
	vuser_fetch_set_access(insn, VUSER_INSN_CMPXCHG_PAIR,
			       d->rex_w ? 16 : 8, true, true);
	insn->aligned = d->rex_w;
	return 0;
}

/* Evaluates the condition of setcc and cmovcc with a number (appendix B.1.4). */
static bool condition(u64 flags, u8 number)
{
	bool zero = flags & VUSER_FLAG_ZF;
	bool less = !(flags & VUSER_FLAG_SF) != !(flags & VUSER_FLAG_OF);
	bool is = false;

	switch (number >> 1) {
	case 0:
		is = flags & VUSER_FLAG_OF;
		break;
	case 1:
		is = flags & VUSER_FLAG_CF;
		break;
	case 2:
		is = zero;
		break;
	case 3:
		is = zero || flags & VUSER_FLAG_CF;
		break;
	case 4:
		is = flags & VUSER_FLAG_SF;
		break;
	case 5:
		is = flags & VUSER_FLAG_PF;
		break;
	case 6:
		is = less;
		break;
	case 7:
		is = zero || less;
		break;
	}
	return number & 1 ? !is : is;
}

/* 0F 90 to 0F 9F: setcc stores one byte, 0 or 1. */
static int decode_setcc(struct vuser_insn *insn, struct insn_decoder *d,
			u8 opcode)
{
	if (vuser_fetch_modrm(d))
		return -EINVAL;
	vuser_fetch_set_access(insn, VUSER_INSN_MOV, 1, false, true);
	insn->operand = condition(d->regs->flags, opcode & 15);
	return 0;
}

/* 0F 40 to 0F 4F: cmovcc loads always. */
static int decode_cmov(struct vuser_insn *insn, struct insn_decoder *d,
		       u8 opcode)
{
	if (decode_to_reg(insn, d, VUSER_INSN_CMOV))
		return -EINVAL;
	insn->bit = condition(d->regs->flags, opcode & 15);
	return 0;
}

/**
 * vuser_decode_int_one_byte() - decode an instruction with a one-byte opcode
 * @insn: the operation, the access and the operands are filled in
 * @d: the instruction, read up to its opcode
 * @opcode: the opcode
 *
 * Context: any.
 * Return: 0, or -EINVAL for an instruction that is refused.
 */
int vuser_decode_int_one_byte(struct vuser_insn *insn, struct insn_decoder *d,
			      u8 opcode)
{
	bool string = opcode >= 0xa4 && opcode <= 0xaf;

	/*
	 * Refuse F2 and F3 where they do not mean a repetition: they are hints
	 * for lock elision, or have no effect.
	 */
	if ((d->prefix_f2 || d->prefix_f3) && !string)
		return -EINVAL;

	switch (opcode) {
	case 0x00 ... 0x3f:
		return decode_alu(insn, d, opcode);
	case 0x63:
		/* without REX.W, movsxd is a mov; compilers do not emit it */
		return d->rex_w ? decode_extend(insn, d, 4, true) : -EINVAL;
	case 0x69:
	case 0x6b:
		return decode_imul_imm(insn, d, opcode);
	case 0x80:
	case 0x81:
	case 0x83:
		return decode_alu_imm(insn, d, opcode);
	case 0x84:
	case 0x85:
		return decode_exchange(insn, d, VUSER_INSN_TEST, opcode);
	case 0x86:
	case 0x87:
		return decode_exchange(insn, d, VUSER_INSN_XCHG, opcode);
	case 0x88 ... 0x8b:
		return decode_mov(insn, d, VUSER_INSN_MOV,
				  operand_size(d, opcode & 1), opcode & 2);
	case 0xa0 ... 0xa3:
		return decode_moffs(insn, d, opcode);
	case 0x8f:
		return decode_pop(insn, d);
	case 0xa4 ... 0xa7:
	case 0xaa ... 0xaf:
		return decode_string(insn, d, opcode);
	case 0xc0:
	case 0xc1:
	case 0xd0 ... 0xd3:
		return decode_shift(insn, d, opcode);
	case 0xc6:
	case 0xc7:
		return decode_mov_imm(insn, d, opcode);
	case 0xd7:
		return decode_xlat(insn, d);
	case 0xf6:
	case 0xf7:
		return decode_group3(insn, d, opcode);
	case 0xfe:
	case 0xff:
		return decode_group4(insn, d, opcode);
	default:
		return -EINVAL;
	}
}

/* 0F 38 F0, F1 with prefix F2: crc32 of 1 to 8 bytes. */
static int decode_crc32(struct vuser_insn *insn, struct insn_decoder *d,
			u8 opcode)
{
	u8 size = operand_size(d, opcode & 1);

	if (vuser_fetch_modrm(d))
		return -EINVAL;
	vuser_fetch_set_access(insn, VUSER_INSN_CRC32, size, true, false);
	set_reg(insn, d, d->rex_w ? 8 : 4);
	insn->to_reg = true;
	return 0;
}

/* 0F 38 F6: adcx with prefix 66, adox with F3. */
static int decode_add_carry(struct vuser_insn *insn, struct insn_decoder *d)
{
	enum insn_simd prefix = vuser_fetch_simd_prefix(d);
	bool adox = prefix == INSN_SIMD_F3;
	u8 size = d->rex_w ? 8 : 4;

	if ((prefix != INSN_SIMD_66 && !adox) || vuser_fetch_modrm(d))
		return -EINVAL;
	vuser_fetch_set_access(insn, adox ? VUSER_INSN_ADOX : VUSER_INSN_ADCX,
			       size, true, false);
	set_reg(insn, d, size);
	insn->to_reg = true;
	return 0;
}

/*
 * 0F 38 F8: movdir64b with prefix 66, enqcmd with F2.  The general register has
 * the address of the destination.  enqcmds, with F3, is a privileged
 * instruction.
 */
static int decode_direct_store(struct vuser_insn *insn, struct insn_decoder *d)
{
	enum insn_simd prefix = vuser_fetch_simd_prefix(d);
	u8 addr_size = d->prefix_67 ? 4 : 8;

	if ((prefix != INSN_SIMD_66 && prefix != INSN_SIMD_F2) ||
	    vuser_fetch_modrm(d))
		return -EINVAL;
	vuser_fetch_set_access(insn,
			       prefix == INSN_SIMD_66 ? VUSER_INSN_MOVDIR64B :
							VUSER_INSN_ENQCMD,
			       64, true, true);
	set_reg(insn, d, addr_size);
	insn->addr = insn->operand;
	insn->aligned = true;
	return 0;
}

/* 0F 38 xx: movbe, crc32, adcx, adox, movdiri, movdir64b, enqcmd. */
static int decode_three_byte(struct vuser_insn *insn, struct insn_decoder *d)
{
	enum insn_simd prefix = vuser_fetch_simd_prefix(d);
	u8 opcode = vuser_fetch_byte(d);

	switch (opcode) {
	case 0xf0:
	case 0xf1:
		if (d->prefix_f2)
			return decode_crc32(insn, d, opcode);
		if (d->prefix_f3)
			return -EINVAL;
		return decode_mov(insn, d, VUSER_INSN_MOVBE,
				  operand_size(d, true), opcode == 0xf0);
	case 0xf6:
		return decode_add_carry(insn, d);
	case 0xf8:
		return decode_direct_store(insn, d);
	case 0xf9:
		if (prefix != INSN_SIMD_NONE)
			return -EINVAL;
		return decode_mov(insn, d, VUSER_INSN_MOV,
				  operand_size(d, true), false);
	default:
		d->map = 2;
		return vuser_decode_vec(insn, d, opcode);
	}
}

/* 0F 0D, 0F 18: prefetches. */
static int decode_prefetch(struct vuser_insn *insn, struct insn_decoder *d,
			   u8 opcode)
{
	if (vuser_fetch_modrm(d) || (opcode == 0x18 && d->modrm_reg > 3))
		return -EINVAL;
	vuser_fetch_set_access(insn, VUSER_INSN_NOP, 1, true, false);
	return 0;
}

/* 0F xx with prefix F3: popcnt, tzcnt, lzcnt. */
static int decode_count(struct vuser_insn *insn, struct insn_decoder *d,
			u8 opcode)
{
	if (d->prefix_f2)
		return -EINVAL;
	switch (opcode) {
	case 0xb8:
		return decode_to_reg(insn, d, VUSER_INSN_POPCNT);
	case 0xbc:
		return decode_to_reg(insn, d, VUSER_INSN_TZCNT);
	case 0xbd:
		return decode_to_reg(insn, d, VUSER_INSN_LZCNT);
	default:
		return -EINVAL;
	}
}

/* 0F xx up to 7F, and from D0 on: mostly vector instructions. */
static int decode_two_byte_vec(struct vuser_insn *insn, struct insn_decoder *d,
			       u8 opcode)
{
	bool repeats = d->prefix_f2 || d->prefix_f3;

	if (opcode == 0x38)
		return decode_three_byte(insn, d);
	if ((opcode == 0x0d || opcode == 0x18) && !repeats)
		return decode_prefetch(insn, d, opcode);
	if (opcode >= 0x40 && opcode <= 0x4f && !repeats)
		return decode_cmov(insn, d, opcode);
	d->map = 1;
	if (opcode == 0x3a) {
		d->map = 3;
		opcode = vuser_fetch_byte(d);
	}
	return vuser_decode_vec(insn, d, opcode);
}

/**
 * vuser_decode_int_two_byte() - decode an instruction with an opcode 0F xx
 * @insn: the operation, the access and the operands are filled in
 * @d: the instruction, read up to 0F
 *
 * Also decodes the three-byte opcodes, and passes opcodes of vector instructions
 * to vuser_decode_vec().
 *
 * Context: any.
 * Return: 0, or -EINVAL for an instruction that is refused.
 */
int vuser_decode_int_two_byte(struct vuser_insn *insn, struct insn_decoder *d)
{
	u8 opcode = vuser_fetch_byte(d);

	if (opcode < 0x80 || opcode >= 0xd0 || opcode == 0xc4)
		return decode_two_byte_vec(insn, d, opcode);
	if (d->prefix_f2 || d->prefix_f3)
		return decode_count(insn, d, opcode);

	switch (opcode) {
	case 0x90 ... 0x9f:
		return decode_setcc(insn, d, opcode);
	case 0xa4:
	case 0xa5:
	case 0xac:
	case 0xad:
		return decode_double_shift(insn, d, opcode);
	case 0xae:
		return decode_flush(insn, d);
	case 0xaf:
		return decode_to_reg(insn, d, VUSER_INSN_IMUL);
	case 0xbc:
		return decode_to_reg(insn, d, VUSER_INSN_BSF);
	case 0xbd:
		return decode_to_reg(insn, d, VUSER_INSN_BSR);
	case 0xa3:
	case 0xab:
	case 0xb3:
	case 0xbb:
		if (vuser_fetch_modrm(d))
			return -EINVAL;
		return decode_bit(insn, d, opcode >> 3, false);
	case 0xba:
		if (vuser_fetch_modrm(d) || d->modrm_reg < 4)
			return -EINVAL;
		return decode_bit(insn, d, d->modrm_reg, true);
	case 0xb0:
	case 0xb1:
		return decode_exchange(insn, d, VUSER_INSN_CMPXCHG, opcode);
	case 0xb6:
	case 0xb7:
		return decode_extend(insn, d, opcode & 1 ? 2 : 1, false);
	case 0xbe:
	case 0xbf:
		return decode_extend(insn, d, opcode & 1 ? 2 : 1, true);
	case 0xc0:
	case 0xc1:
		return decode_exchange(insn, d, VUSER_INSN_XADD, opcode);
	case 0xc3: /* movnti */
		if (d->prefix_66)
			return -EINVAL;
		return decode_mov(insn, d, VUSER_INSN_MOV,
				  operand_size(d, true), false);
	case 0xc7:
		return decode_compare_pair(insn, d);
	default:
		return -EINVAL;
	}
}
