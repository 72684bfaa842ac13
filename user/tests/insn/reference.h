/* SPDX-License-Identifier: GPL-2.0 */
/* The decoder's reference: Zydis decodes the same bytes. */
#ifndef INSN_REFERENCE_H
#define INSN_REFERENCE_H

#include <Zydis/Zydis.h>

#include "x86/insn.h"

/* An instruction that the decoder supports: its name in Zydis and its operation. */
struct supported_insn {
	ZydisMnemonic mnemonic;
	enum vuser_insn_op op;
	enum vuser_vec_op vec_op; /* if @op is VUSER_INSN_VEC */
};

#define NR_SUPPORTED 362

extern const struct supported_insn supported[NR_SUPPORTED];

/* An instruction as Zydis decodes it. */
struct reference {
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	const ZydisDecodedOperand *mem; /* the destination if there are two */
	const ZydisDecodedOperand *mem_from; /* the second of two */
	const ZydisDecodedOperand *reg; /* the first explicit register */
	const ZydisDecodedOperand *reg2;
	const ZydisDecodedOperand *imm;
	int supported; /* index in supported[], or -1 */
};

/* Initialize; call this first. */
void reference_init(void);

/* Decode VUSER_INSN_MAX bytes; return false if they are not an instruction. */
bool reference_look_up(struct reference *ref, const u8 *bytes);

/* Return the name of the first difference from the decoder, or NULL. */
const char *reference_difference(const struct vuser_insn *insn,
				 const struct vuser_regs *regs,
				 const struct reference *ref);

/*
 * Return whether the decoder may refuse this instruction, although the instruction
 * is in supported[]. Documentation/instructions.rst has the cases. The answer
 * depends only on the report of Zydis.
 */
bool reference_may_refuse(const struct vuser_regs *regs,
			  const struct reference *ref);

#endif /* INSN_REFERENCE_H */
