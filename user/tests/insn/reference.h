/* SPDX-License-Identifier: GPL-2.0 */
/* The decoder's reference: Zydis decodes the same bytes. */
#ifndef INSN_REFERENCE_H
#define INSN_REFERENCE_H

#include <Zydis/Zydis.h>

#include "x86/insn.h"

/* An instruction that the decoder accepts, and its operation in our decoder. */
struct claim {
	ZydisMnemonic mnemonic;
	enum vuser_insn_op op;
};

#define NR_CLAIMS 96

extern const struct claim claims[NR_CLAIMS];

/* An instruction as Zydis decodes it. */
struct reference {
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	const ZydisDecodedOperand *mem; /* the destination if there are two */
	const ZydisDecodedOperand *mem_from; /* the source of movs */
	const ZydisDecodedOperand *reg; /* the explicit register */
	const ZydisDecodedOperand *imm;
	int claim; /* index, or -1 */
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
 * Return whether the decoder refuses this instruction on purpose, although it
 * is in claims[]: see x86/decode.c.  The answer uses what Zydis reports only.
 */
bool reference_on_purpose(const struct vuser_regs *regs,
			  const struct reference *ref);

#endif /* INSN_REFERENCE_H */
