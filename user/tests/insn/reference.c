// SPDX-License-Identifier: GPL-2.0
/* The decoder's reference: compare its results with those of Zydis. */
#include <string.h>

#include "reference.h"

static ZydisDecoder decoder;

void reference_init(void)
{
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
}

const struct supported_insn supported[NR_SUPPORTED] = {
	{ ZYDIS_MNEMONIC_ADD, VUSER_INSN_ADD },
	{ ZYDIS_MNEMONIC_OR, VUSER_INSN_OR },
	{ ZYDIS_MNEMONIC_ADC, VUSER_INSN_ADC },
	{ ZYDIS_MNEMONIC_SBB, VUSER_INSN_SBB },
	{ ZYDIS_MNEMONIC_AND, VUSER_INSN_AND },
	{ ZYDIS_MNEMONIC_SUB, VUSER_INSN_SUB },
	{ ZYDIS_MNEMONIC_XOR, VUSER_INSN_XOR },
	{ ZYDIS_MNEMONIC_CMP, VUSER_INSN_CMP },
	{ ZYDIS_MNEMONIC_TEST, VUSER_INSN_TEST },
	{ ZYDIS_MNEMONIC_MOV, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_MOVZX, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_MOVSX, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_MOVSXD, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_MOVNTI, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_MOVDIRI, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_MOVBE, VUSER_INSN_MOVBE },
	{ ZYDIS_MNEMONIC_INC, VUSER_INSN_INC },
	{ ZYDIS_MNEMONIC_DEC, VUSER_INSN_DEC },
	{ ZYDIS_MNEMONIC_NOT, VUSER_INSN_NOT },
	{ ZYDIS_MNEMONIC_NEG, VUSER_INSN_NEG },
	{ ZYDIS_MNEMONIC_BT, VUSER_INSN_BT },
	{ ZYDIS_MNEMONIC_BTS, VUSER_INSN_BTS },
	{ ZYDIS_MNEMONIC_BTR, VUSER_INSN_BTR },
	{ ZYDIS_MNEMONIC_BTC, VUSER_INSN_BTC },
	{ ZYDIS_MNEMONIC_POPCNT, VUSER_INSN_POPCNT },
	{ ZYDIS_MNEMONIC_XCHG, VUSER_INSN_XCHG },
	{ ZYDIS_MNEMONIC_XADD, VUSER_INSN_XADD },
	{ ZYDIS_MNEMONIC_CMPXCHG, VUSER_INSN_CMPXCHG },
	{ ZYDIS_MNEMONIC_SHL, VUSER_INSN_SHL },
	{ ZYDIS_MNEMONIC_SHR, VUSER_INSN_SHR },
	{ ZYDIS_MNEMONIC_SAR, VUSER_INSN_SAR },
	{ ZYDIS_MNEMONIC_IMUL, VUSER_INSN_IMUL },
	{ ZYDIS_MNEMONIC_BSF, VUSER_INSN_BSF },
	{ ZYDIS_MNEMONIC_BSR, VUSER_INSN_BSR },
	{ ZYDIS_MNEMONIC_SETO, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETNO, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETB, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETNB, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETZ, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETNZ, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETBE, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETNBE, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETS, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETNS, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETP, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETNP, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETL, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETNL, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETLE, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_SETNLE, VUSER_INSN_MOV },
	{ ZYDIS_MNEMONIC_MOVSB, VUSER_INSN_MOVS },
	{ ZYDIS_MNEMONIC_MOVSW, VUSER_INSN_MOVS },
	{ ZYDIS_MNEMONIC_MOVSD, VUSER_INSN_MOVS },
	{ ZYDIS_MNEMONIC_MOVSQ, VUSER_INSN_MOVS },
	{ ZYDIS_MNEMONIC_STOSB, VUSER_INSN_STOS },
	{ ZYDIS_MNEMONIC_STOSW, VUSER_INSN_STOS },
	{ ZYDIS_MNEMONIC_STOSD, VUSER_INSN_STOS },
	{ ZYDIS_MNEMONIC_STOSQ, VUSER_INSN_STOS },
	{ ZYDIS_MNEMONIC_MOVSD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVSS, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVUPS, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVUPD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVAPS, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVAPD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVDQA, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVDQU, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVLPS, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVLPD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVHPS, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVHPD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVNTPS, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVNTPD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVNTDQ, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVNTDQA, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_LDDQU, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_MOVQ, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVSD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVSS, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVUPS, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVUPD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVAPS, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVAPD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVDQA, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVDQU, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVLPS, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVLPD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVHPS, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVHPD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVNTPS, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVNTPD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVNTDQ, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVNTDQA, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VLDDQU, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVD, VUSER_INSN_VEC },
	{ ZYDIS_MNEMONIC_VMOVQ, VUSER_INSN_VEC },
};

static bool is_string_reg(const ZydisDecodedOperand *op)
{
	return op->reg.value == ZYDIS_REGISTER_AL ||
	       op->reg.value == ZYDIS_REGISTER_AX ||
	       op->reg.value == ZYDIS_REGISTER_EAX ||
	       op->reg.value == ZYDIS_REGISTER_RAX;
}

static void sort_operands(struct reference *ref)
{
	bool stos = ref->supported >= 0 &&
		    supported[ref->supported].op == VUSER_INSN_STOS;
	u32 i;

	for (i = 0; i < ref->insn.operand_count; i++) {
		const ZydisDecodedOperand *op = &ref->ops[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && !ref->mem)
			ref->mem = op;
		else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
			ref->mem_from = op;
		else if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			ref->imm = op;
		else if (op->type == ZYDIS_OPERAND_TYPE_REGISTER && !ref->reg &&
			 (op->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT ||
			  (stos && is_string_reg(op))))
			ref->reg = op;
	}
}

/* MOVSD is either a string move or a move of XMM registers. */
static int find_supported(const ZydisDecodedInstruction *insn)
{
	bool vec = insn->meta.category != ZYDIS_CATEGORY_STRINGOP;
	u32 i;

	for (i = 0; i < NR_SUPPORTED; i++) {
		if (supported[i].mnemonic != insn->mnemonic)
			continue;
		if (insn->mnemonic == ZYDIS_MNEMONIC_MOVSD &&
		    vec != (supported[i].op == VUSER_INSN_VEC))
			continue;
		return (int)i;
	}
	return -1;
}

bool reference_look_up(struct reference *ref, const u8 *bytes)
{
	memset(ref, 0, sizeof(*ref));
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, bytes, VUSER_INSN_MAX,
					       &ref->insn, ref->ops)))
		return false;
	ref->supported = find_supported(&ref->insn);
	sort_operands(ref);
	return true;
}

static u64 register_value(const struct vuser_regs *regs,
			  const struct reference *ref, ZydisRegister reg)
{
	ZydisRegister whole;
	u32 size;

	if (reg == ZYDIS_REGISTER_NONE)
		return 0;
	if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return regs->ip + ref->insn.length;
	whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64,
						 reg);
	size = ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, reg) / 8;
	return vuser_insn_zext(regs->gpr[whole - ZYDIS_REGISTER_RAX], size);
}

/*
 * For 67, REX.B and a SIB byte without a base, Zydis 4.0.0 reports R13D plus
 * nothing.  Processors use the displacement without a base, with REX.B and
 * without (SDM volume 2, table 2-3, note 1); test-insn-exec shows it.
 */
static bool zydis_has_wrong_base(const ZydisDecodedInstruction *insn)
{
	return insn->address_width == 32 && insn->raw.modrm.mod == 0 &&
	       insn->raw.modrm.rm == 4 && insn->raw.sib.base == 5;
}

static u64 effective_address(const struct vuser_regs *regs,
			     const struct reference *ref,
			     const ZydisDecodedOperand *op)
{
	u64 addr = register_value(regs, ref, op->mem.index) * op->mem.scale;

	if (zydis_has_wrong_base(&ref->insn))
		addr += (u64)ref->insn.raw.disp.value;
	else
		addr += register_value(regs, ref, op->mem.base) +
			(u64)op->mem.disp.value;
	return vuser_insn_zext(addr, ref->insn.address_width / 8);
}

/* Return the byte offset of a bit whose number is in a register. */
static u64 bit_distance(const struct vuser_insn *insn)
{
	s64 bit = (s64)vuser_insn_sext(insn->operand, insn->size);
	s64 width = 8 * insn->size;
	s64 words = bit >= 0 ? bit / width : (bit + 1) / width - 1;

	return (u64)(words * insn->size);
}

static bool same_register(const struct vuser_insn *insn,
			  const ZydisDecodedOperand *op)
{
	ZydisRegister reg = op->reg.value;
	ZydisRegister whole;

	if (insn->op == VUSER_INSN_VEC)
		return reg == (ZydisRegister)(ZYDIS_REGISTER_XMM0 + insn->reg);
	whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64,
						 reg);
	if (whole != (ZydisRegister)(ZYDIS_REGISTER_RAX + insn->reg))
		return false;
	if (ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, reg) !=
	    8 * insn->reg_size)
		return false;
	return insn->reg_high ==
	       (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH);
}

static bool same_immediate(const struct vuser_insn *insn,
			   const ZydisDecodedOperand *op)
{
	u64 value = op->imm.value.u;

	if (insn->op >= VUSER_INSN_BT && insn->op <= VUSER_INSN_BTC)
		return insn->bit == (value & (8 * insn->size - 1));
	return insn->operand == vuser_insn_zext(value, insn->size);
}

static bool is_shift(const struct vuser_insn *insn)
{
	return insn->op >= VUSER_INSN_SHL && insn->op <= VUSER_INSN_SAR;
}

/* The distance is a constant or in CL. */
static bool same_distance(const struct vuser_insn *insn,
			  const struct vuser_regs *regs,
			  const struct reference *ref)
{
	bool by_cl = ref->insn.opcode == 0xd2 || ref->insn.opcode == 0xd3;
	u64 count = regs->gpr[VUSER_CX];

	if (!by_cl == !ref->imm)
		return false;
	if (!by_cl)
		count = ref->imm->imm.value.u;
	return insn->bit == (count & (insn->size == 8 ? 63 : 31));
}

/* Compare the operands; string moves have no register operand. */
static const char *operand_difference(const struct vuser_insn *insn,
				      const struct vuser_regs *regs,
				      const struct reference *ref)
{
	if (is_shift(insn))
		return same_distance(insn, regs, ref) ? NULL : "distance";
	if (ref->reg && insn->op != VUSER_INSN_MOVS &&
	    !same_register(insn, ref->reg))
		return "register";
	if (ref->imm && !same_immediate(insn, ref->imm))
		return "immediate";
	return NULL;
}

/* Return the name of the first difference, or NULL. */
const char *reference_difference(const struct vuser_insn *insn,
				 const struct vuser_regs *regs,
				 const struct reference *ref)
{
	const ZydisDecodedOperand *mem = ref->mem;
	const ZydisInstructionAttributes attrs = ref->insn.attributes;
	const char *wrong;
	u64 addr;

	if (ref->supported < 0 || supported[ref->supported].op != insn->op)
		return "operation";
	if (insn->len != ref->insn.length)
		return "length";
	if (!mem || mem->size != 8 * insn->size)
		return "size";
	if (mem->mem.segment == ZYDIS_REGISTER_FS ||
	    mem->mem.segment == ZYDIS_REGISTER_GS)
		return "segment";

	addr = effective_address(regs, ref, mem);
	if (insn->op >= VUSER_INSN_BT && insn->op <= VUSER_INSN_BTC &&
	    !ref->imm)
		addr = vuser_insn_zext(addr + bit_distance(insn),
				       insn->addr_size);
	if (addr != insn->addr)
		return "address";
	if (insn->op == VUSER_INSN_MOVS &&
	    (!ref->mem_from ||
	     effective_address(regs, ref, ref->mem_from) != insn->from))
		return "source address";

	if (insn->op == VUSER_INSN_MOVS) {
		if (!(mem->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) ||
		    !(ref->mem_from->actions & ZYDIS_OPERAND_ACTION_MASK_READ))
			return "direction";
	} else if (!insn->load !=
			   !(mem->actions & ZYDIS_OPERAND_ACTION_MASK_READ) ||
		   !insn->store !=
			   !(mem->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)) {
		return "direction";
	}
	wrong = operand_difference(insn, regs, ref);
	if (wrong)
		return wrong;
	if ((insn->op == VUSER_INSN_CMP || insn->op == VUSER_INSN_MOV ||
	     insn->op <= VUSER_INSN_XOR) &&
	    insn->to_reg != (ref->ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER))
		return "order";
	if (insn->sign != (ref->insn.mnemonic == ZYDIS_MNEMONIC_MOVSX ||
			   ref->insn.mnemonic == ZYDIS_MNEMONIC_MOVSXD))
		return "extension";
	if (insn->op != VUSER_INSN_XCHG &&
	    insn->lock != !!(attrs & ZYDIS_ATTRIB_HAS_LOCK))
		return "lock";
	if (insn->rep != !!(attrs & ZYDIS_ATTRIB_HAS_REP))
		return "repetition";
	return NULL;
}

static bool has_prefix(const struct reference *ref, u8 prefix)
{
	u32 i;

	for (i = 0; i < ref->insn.raw.prefix_count; i++)
		if (ref->insn.raw.prefixes[i].value == prefix)
			return true;
	return false;
}

static bool needs_alignment(ZydisMnemonic mnemonic)
{
	switch (mnemonic) {
	case ZYDIS_MNEMONIC_MOVAPS:
	case ZYDIS_MNEMONIC_MOVAPD:
	case ZYDIS_MNEMONIC_MOVDQA:
	case ZYDIS_MNEMONIC_MOVNTPS:
	case ZYDIS_MNEMONIC_MOVNTPD:
	case ZYDIS_MNEMONIC_MOVNTDQ:
	case ZYDIS_MNEMONIC_MOVNTDQA:
	case ZYDIS_MNEMONIC_VMOVAPS:
	case ZYDIS_MNEMONIC_VMOVAPD:
	case ZYDIS_MNEMONIC_VMOVDQA:
	case ZYDIS_MNEMONIC_VMOVNTPS:
	case ZYDIS_MNEMONIC_VMOVNTPD:
	case ZYDIS_MNEMONIC_VMOVNTDQ:
	case ZYDIS_MNEMONIC_VMOVNTDQA:
		return true;
	default:
		return false;
	}
}

bool reference_may_refuse(const struct vuser_regs *regs,
			  const struct reference *ref)
{
	enum vuser_insn_op op = supported[ref->supported].op;
	const ZydisDecodedOperand *mem = ref->mem;
	bool vec = op == VUSER_INSN_VEC;

	if (!mem || mem->type != ZYDIS_OPERAND_TYPE_MEMORY)
		return true;
	if (mem->mem.segment == ZYDIS_REGISTER_FS ||
	    mem->mem.segment == ZYDIS_REGISTER_GS || has_prefix(ref, 0x64) ||
	    has_prefix(ref, 0x65))
		return true;
	/* segment registers, control registers, MMX */
	if (ref->reg && !vec &&
	    ZydisRegisterGetClass(ref->reg->reg.value) != ZYDIS_REGCLASS_GPR8 &&
	    ZydisRegisterGetClass(ref->reg->reg.value) !=
		    ZYDIS_REGCLASS_GPR16 &&
	    ZydisRegisterGetClass(ref->reg->reg.value) !=
		    ZYDIS_REGCLASS_GPR32 &&
	    ZydisRegisterGetClass(ref->reg->reg.value) != ZYDIS_REGCLASS_GPR64)
		return true;
	if (vec && (!ref->reg || ZydisRegisterGetClass(ref->reg->reg.value) !=
					 ZYDIS_REGCLASS_XMM))
		return true;
	/* EVEX; VEX with another source or with L set */
	if (ref->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX)
		return true;
	if (ref->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX &&
	    (ref->insn.operand_count_visible > 2 || ref->insn.raw.vex.L))
		return true;
	if (needs_alignment(ref->insn.mnemonic) &&
	    effective_address(regs, ref, mem) % 16)
		return true;
	/* a product in two registers */
	if (op == VUSER_INSN_IMUL && ref->insn.operand_count_visible == 1)
		return true;
	/* a repetition count of 0 */
	if ((op == VUSER_INSN_MOVS || op == VUSER_INSN_STOS) &&
	    ref->insn.attributes & ZYDIS_ATTRIB_HAS_REP &&
	    !vuser_insn_zext(regs->gpr[VUSER_CX], ref->insn.address_width / 8))
		return true;
	/* F2 and F3 are hints or have no effect */
	if (!vec && (has_prefix(ref, 0xf2) ||
		     (has_prefix(ref, 0xf3) && op != VUSER_INSN_MOVS &&
		      op != VUSER_INSN_STOS && op != VUSER_INSN_POPCNT)))
		return true;
	if (has_prefix(ref, 0xf2) && has_prefix(ref, 0xf3))
		return true;
	return ref->insn.mnemonic == ZYDIS_MNEMONIC_MOVSXD &&
	       ref->reg->size != 64;
}
