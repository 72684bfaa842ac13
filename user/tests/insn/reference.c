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

static bool is_string_reg(const ZydisDecodedOperand *op)
{
	return op->reg.value == ZYDIS_REGISTER_AL ||
	       op->reg.value == ZYDIS_REGISTER_AX ||
	       op->reg.value == ZYDIS_REGISTER_EAX ||
	       op->reg.value == ZYDIS_REGISTER_RAX;
}

/* The mask of an EVEX instruction is an operand, too. */
static bool is_evex_mask(const struct reference *ref, u32 i)
{
	const ZydisDecodedOperand *op = &ref->ops[i];

	return i > 0 && op->encoding == ZYDIS_OPERAND_ENCODING_MASK;
}

static void sort_register(struct reference *ref, u32 i, bool any)
{
	const ZydisDecodedOperand *op = &ref->ops[i];

	if (is_evex_mask(ref, i))
		return;
	if (op->visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT &&
	    !(any && is_string_reg(op)))
		return;
	if (!ref->reg)
		ref->reg = op;
	else if (!ref->reg2)
		ref->reg2 = op;
}

static void sort_operands(struct reference *ref)
{
	enum vuser_insn_op listed = ref->supported >= 0 ?
					    supported[ref->supported].op :
					    VUSER_INSN_NOP;
	bool string = listed >= VUSER_INSN_STOS && listed <= VUSER_INSN_SCAS;
	u32 i;

	for (i = 0; i < ref->insn.operand_count; i++) {
		const ZydisDecodedOperand *op = &ref->ops[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && !ref->mem)
			ref->mem = op;
		else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
			ref->mem_from = op;
		else if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			ref->imm = op;
		else if (op->type == ZYDIS_OPERAND_TYPE_REGISTER)
			sort_register(ref, i, string);
	}
}

/* MOVSD and CMPSD are either string instructions or use XMM registers. */
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
		if (insn->mnemonic == ZYDIS_MNEMONIC_CMPSD && vec)
			continue;
		return (int)i;
	}
	return -1;
}

/*
 * Zydis also knows the instructions of Xeon Phi coprocessors (MVEX).  Processors that run
 * Linux do not have them: there, a bit of the EVEX prefix is invalid (SDM 2.7.1).
 */
bool reference_look_up(struct reference *ref, const u8 *bytes)
{
	memset(ref, 0, sizeof(*ref));
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, bytes, VUSER_INSN_MAX,
					       &ref->insn, ref->ops)) ||
	    ref->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_MVEX)
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

	/* Zydis does not say that xlat adds AL */
	if (ref->insn.mnemonic == ZYDIS_MNEMONIC_XLAT)
		addr = (u8)regs->gpr[VUSER_AX];
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
	return insn->op >= VUSER_INSN_ROL && insn->op <= VUSER_INSN_SHRD;
}

/* The distance is a constant or in CL. */
static bool same_distance(const struct vuser_insn *insn,
			  const struct vuser_regs *regs,
			  const struct reference *ref)
{
	u8 opcode = ref->insn.opcode;
	bool by_cl = opcode == 0xd2 || opcode == 0xd3 || opcode == 0xa5 ||
		     opcode == 0xad;
	u64 count = regs->gpr[VUSER_CX];

	if (!by_cl == !ref->imm)
		return false;
	if (!by_cl)
		count = ref->imm->imm.value.u;
	return insn->bit == (count & (insn->size == 8 ? 63 : 31));
}

static bool same_number(const ZydisDecodedOperand *op, u8 number)
{
	return ZydisRegisterGetId(op->reg.value) == number;
}

/* Compare the registers, the mask and the immediate of a vector instruction. */
static const char *vec_difference(const struct vuser_insn *insn,
				  const struct reference *ref)
{
	bool swapped = insn->vec_op == VUSER_VEC_MASKMOV && insn->store;
	const ZydisDecodedOperand *first = swapped ? ref->reg2 : ref->reg;
	const ZydisDecodedOperand *second = swapped ? ref->reg : ref->reg2;
	bool broadcast = insn->repeat;

	if (!first || !same_number(first, insn->reg))
		return "vector register";
	if (second && !same_number(second, insn->reg2))
		return "second vector register";
	if (!second && insn->vex && insn->reg2)
		return "no second vector register";
	if (ref->imm && ref->imm->imm.value.u != insn->imm)
		return "immediate";
	if (insn->to_mask !=
	    (ZydisRegisterGetClass(first->reg.value) == ZYDIS_REGCLASS_MASK))
		return "result in a mask register";
	if (ref->insn.encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX)
		return insn->mask || insn->zeroing || broadcast ? "mask" : NULL;
	if (ref->insn.avx.mask.reg !=
	    (ZydisRegister)(ZYDIS_REGISTER_K0 + insn->mask))
		return "mask register";
	if (insn->mask && 8 * insn->elem != ref->mem->element_size)
		return "size of an element";
	if (!insn->to_mask && insn->zeroing != (ref->insn.avx.mask.mode ==
						ZYDIS_MASK_MODE_ZEROING))
		return "zeroing";
	if (insn->vec_op != VUSER_VEC_BROADCAST &&
	    broadcast != (ref->insn.avx.broadcast.mode !=
			  ZYDIS_BROADCAST_MODE_INVALID))
		return "broadcast";
	return NULL;
}

/* Compare the operands; string moves have no register operand. */
static const char *operand_difference(const struct vuser_insn *insn,
				      const struct vuser_regs *regs,
				      const struct reference *ref)
{
	if (insn->op == VUSER_INSN_VEC)
		return vec_difference(insn, ref);
	if (is_shift(insn) && !same_distance(insn, regs, ref))
		return "distance";
	if (insn->op == VUSER_INSN_RORX &&
	    insn->bit != (ref->imm->imm.value.u & (8 * insn->size - 1)))
		return "distance";
	/* shifts by CL have a register that is not set */
	if (ref->reg && !(is_shift(insn) && !insn->reg_size) &&
	    !same_register(insn, ref->reg))
		return "register";
	if (insn->op >= VUSER_INSN_ANDN && insn->op <= VUSER_INSN_SHRX &&
	    ref->reg2 && !same_number(ref->reg2, insn->reg2))
		return "second register";
	if (is_shift(insn) || insn->op == VUSER_INSN_RORX)
		return NULL;
	if (ref->imm && !same_immediate(insn, ref->imm))
		return "immediate";
	return NULL;
}

/* True if the addresses and directions of two accesses are the same. */
static bool same_pair(const struct vuser_insn *insn,
		      const struct vuser_regs *regs,
		      const struct reference *ref)
{
	const ZydisDecodedOperand *to = ref->mem, *from = ref->mem_from;
	struct vuser_regs popped = *regs;

	/* these have their destination in a register */
	if (insn->op == VUSER_INSN_MOVDIR64B || insn->op == VUSER_INSN_ENQCMD)
		return to && effective_address(regs, ref, to) == insn->from &&
		       register_value(regs, ref, ref->reg->reg.value) ==
			       insn->addr;
	if (!to || !from)
		return false;
	/* these name the source first */
	if (insn->op == VUSER_INSN_CMPS || insn->op == VUSER_INSN_PUSH) {
		to = ref->mem_from;
		from = ref->mem;
	}
	if (insn->op == VUSER_INSN_POP)
		popped.gpr[VUSER_SP] += insn->size;
	if (insn->op == VUSER_INSN_PUSH)
		return effective_address(regs, ref, from) == insn->from &&
		       insn->addr == regs->gpr[VUSER_SP] - insn->size;
	if (insn->op == VUSER_INSN_POP)
		return effective_address(&popped, ref, to) == insn->addr &&
		       insn->from == regs->gpr[VUSER_SP];
	return effective_address(regs, ref, to) == insn->addr &&
	       effective_address(regs, ref, from) == insn->from;
}

/* Compare the accesses to memory. */
static const char *access_difference(const struct vuser_insn *insn,
				     const struct vuser_regs *regs,
				     const struct reference *ref)
{
	const ZydisDecodedOperand *mem = ref->mem;
	u64 addr;

	if (mem->mem.segment == ZYDIS_REGISTER_FS ||
	    mem->mem.segment == ZYDIS_REGISTER_GS)
		return "segment";
	if (vuser_insn_copies(insn) || insn->op == VUSER_INSN_CMPS) {
		if (!same_pair(insn, regs, ref))
			return "address of two";
		return insn->load && insn->store !=
					       (insn->op == VUSER_INSN_CMPS) ?
			       NULL :
			       "direction";
	}

	addr = effective_address(regs, ref, mem);
	if (insn->op >= VUSER_INSN_BT && insn->op <= VUSER_INSN_BTC &&
	    !ref->imm)
		addr = vuser_insn_zext(addr + bit_distance(insn),
				       insn->addr_size);
	if (addr != insn->addr)
		return "address";
	if (insn->op == VUSER_INSN_NOP)
		return NULL;
	if (mem->size != 8 * insn->size)
		return "size";
	if (!insn->load != !(mem->actions & ZYDIS_OPERAND_ACTION_MASK_READ) ||
	    !insn->store != !(mem->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
		return "direction";
	return NULL;
}

static const char *repetition_difference(const struct vuser_insn *insn,
					 const struct reference *ref)
{
	const ZydisInstructionAttributes attrs = ref->insn.attributes;
	bool until = attrs & ZYDIS_ATTRIB_HAS_REPNE;

	if (insn->rep !=
	    !!(attrs & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE |
			ZYDIS_ATTRIB_HAS_REPNE)))
		return "repetition";
	return insn->until == until ? NULL : "condition of the repetition";
}

/* IMUL with one operand has another operation. */
static enum vuser_insn_op supported_op(const struct reference *ref)
{
	enum vuser_insn_op op = supported[ref->supported].op;

	if (op == VUSER_INSN_IMUL && ref->insn.operand_count_visible == 1)
		return VUSER_INSN_MUL_WIDE;
	return op;
}

/* The stores of MOVLPS and its like are moves. */
static enum vuser_vec_op supported_vec_op(const struct reference *ref)
{
	enum vuser_vec_op op = supported[ref->supported].vec_op;

	if (op == VUSER_VEC_INSERT &&
	    ref->ops[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
		return VUSER_VEC_MOVE;
	return op;
}

/* Return the name of the first difference, or NULL. */
const char *reference_difference(const struct vuser_insn *insn,
				 const struct vuser_regs *regs,
				 const struct reference *ref)
{
	const ZydisInstructionAttributes attrs = ref->insn.attributes;
	const char *wrong;

	if (ref->supported < 0 || supported_op(ref) != insn->op)
		return "operation";
	if (insn->op == VUSER_INSN_VEC && supported_vec_op(ref) != insn->vec_op)
		return "vector operation";
	if (insn->len != ref->insn.length)
		return "length";
	if (!ref->mem)
		return "memory";
	wrong = access_difference(insn, regs, ref);
	if (wrong)
		return wrong;
	wrong = operand_difference(insn, regs, ref);
	if (wrong)
		return wrong;
	if ((insn->op == VUSER_INSN_CMP || insn->op == VUSER_INSN_MOV ||
	     insn->op <= VUSER_INSN_XOR) &&
	    ref->insn.mnemonic != ZYDIS_MNEMONIC_XLAT &&
	    insn->to_reg != (ref->ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER))
		return "order";
	if (insn->op != VUSER_INSN_MUL_WIDE &&
	    insn->sign != (ref->insn.mnemonic == ZYDIS_MNEMONIC_MOVSX ||
			   ref->insn.mnemonic == ZYDIS_MNEMONIC_MOVSXD))
		return "extension";
	if (insn->op != VUSER_INSN_XCHG &&
	    insn->lock != !!(attrs & ZYDIS_ATTRIB_HAS_LOCK))
		return "lock";
	return repetition_difference(insn, ref);
}

static bool has_prefix(const struct reference *ref, u8 prefix)
{
	u32 i;

	for (i = 0; i < ref->insn.raw.prefix_count; i++)
		if (ref->insn.raw.prefixes[i].value == prefix)
			return true;
	return false;
}

/* The alignment that the processor requires, or 1. */
static u32 alignment(const struct reference *ref)
{
	bool sse = ref->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;

	switch (ref->insn.mnemonic) {
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
	case ZYDIS_MNEMONIC_VMOVDQA32:
	case ZYDIS_MNEMONIC_VMOVDQA64:
	case ZYDIS_MNEMONIC_VMOVNTPS:
	case ZYDIS_MNEMONIC_VMOVNTPD:
	case ZYDIS_MNEMONIC_VMOVNTDQ:
	case ZYDIS_MNEMONIC_VMOVNTDQA:
	case ZYDIS_MNEMONIC_CMPXCHG16B:
	case ZYDIS_MNEMONIC_MOVDIR64B:
	case ZYDIS_MNEMONIC_ENQCMD:
		return ref->mem->size / 8;
	default:
		break;
	}
	if (sse && supported[ref->supported].op == VUSER_INSN_VEC &&
	    supported[ref->supported].vec_op >= VUSER_VEC_TEST)
		return ref->mem->size / 8;
	return 1;
}

/* The address that must be aligned. */
static u64 aligned_address(const struct vuser_regs *regs,
			   const struct reference *ref)
{
	if (ref->insn.mnemonic == ZYDIS_MNEMONIC_MOVDIR64B ||
	    ref->insn.mnemonic == ZYDIS_MNEMONIC_ENQCMD)
		return register_value(regs, ref, ref->reg->reg.value);
	return effective_address(regs, ref, ref->mem);
}

static bool is_gpr(const ZydisDecodedOperand *op)
{
	ZydisRegisterClass class = ZydisRegisterGetClass(op->reg.value);

	return class >= ZYDIS_REGCLASS_GPR8 && class <= ZYDIS_REGCLASS_GPR64;
}

/*
 * True if F2 or F3 repeats or selects the instruction.  Both repeat string
 * instructions that compare.  Only F3 repeats the others.
 */
static bool uses_repeat_prefix(enum vuser_insn_op op, bool f2)
{
	switch (op) {
	case VUSER_INSN_CMPS:
	case VUSER_INSN_SCAS:
		return true;
	case VUSER_INSN_CRC32:
	case VUSER_INSN_ENQCMD:
		return f2;
	case VUSER_INSN_MOVS:
	case VUSER_INSN_STOS:
	case VUSER_INSN_LODS:
	case VUSER_INSN_POPCNT:
	case VUSER_INSN_TZCNT:
	case VUSER_INSN_LZCNT:
	case VUSER_INSN_ADOX:
		return !f2;
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
	bool f2 = has_prefix(ref, 0xf2), f3 = has_prefix(ref, 0xf3);

	if (!mem || mem->type != ZYDIS_OPERAND_TYPE_MEMORY)
		return true;
	/* push and pop of a register, and registers as the visible operand */
	if (mem->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
	    (op == VUSER_INSN_PUSH || op == VUSER_INSN_POP))
		return true;
	if (mem->mem.segment == ZYDIS_REGISTER_FS ||
	    mem->mem.segment == ZYDIS_REGISTER_GS || has_prefix(ref, 0x64) ||
	    has_prefix(ref, 0x65))
		return true;
	/* segment registers, control registers */
	if (ref->reg && !vec && !is_gpr(ref->reg))
		return true;
	/* MMX */
	if (vec && (!ref->reg || ZydisRegisterGetClass(ref->reg->reg.value) ==
					 ZYDIS_REGCLASS_MMX))
		return true;
	if (aligned_address(regs, ref) % alignment(ref))
		return true;
	/* a repetition count of 0 */
	if (ref->insn.attributes &
		    (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE |
		     ZYDIS_ATTRIB_HAS_REPNE) &&
	    !vuser_insn_zext(regs->gpr[VUSER_CX], ref->insn.address_width / 8))
		return true;
	/* elsewhere F2 and F3 are hints or have no effect */
	if (!vec && ((f2 && !uses_repeat_prefix(op, true)) ||
		     (f3 && !uses_repeat_prefix(op, false))))
		return true;
	if (f2 && f3)
		return true;
	return ref->insn.mnemonic == ZYDIS_MNEMONIC_MOVSXD &&
	       ref->reg->size != 64;
}
