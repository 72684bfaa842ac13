/* SPDX-License-Identifier: GPL-2.0 */
/* The decoder's reference: what Zydis makes of the same bytes. */
#ifndef INSN_REFERENCE_H
#define INSN_REFERENCE_H

#include <Zydis/Zydis.h>

#include "x86/insn.h"

/* An instruction that the decoder claims, and which of ours it is. */
struct claim {
	ZydisMnemonic mnemonic;
	enum vuser_insn_op op;
};

#define NR_CLAIMS 96

extern const struct claim claims[NR_CLAIMS];

/* What Zydis makes of the bytes. */
struct reference {
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	const ZydisDecodedOperand *mem; /* the destination, of two */
	const ZydisDecodedOperand *mem_from; /* the source of movs */
	const ZydisDecodedOperand *reg; /* the explicit one */
	const ZydisDecodedOperand *imm;
	int claim; /* index, or -1 */
};

/* Once, before all else. */
void reference_init(void);

/* Of VUSER_INSN_MAX bytes; false: they are no instruction. */
bool reference_look_up(struct reference *ref, const u8 *bytes);

/* The first thing that differs from what the decoder found, or NULL. */
const char *reference_difference(const struct vuser_insn *insn,
				 const struct vuser_regs *regs,
				 const struct reference *ref);

/*
 * Claimed instructions that are refused on purpose: see x86/decode.c.  Returns true
 * for those, with all that Zydis knows and nothing that the decoder does.
 */
bool reference_on_purpose(const struct vuser_regs *regs,
			  const struct reference *ref);

#endif /* INSN_REFERENCE_H */
