/* SPDX-License-Identifier: GPL-2.0 */
/* Emulating a decoded instruction with a vector register. */
#ifndef VUSER_EMULATE_VEC_H
#define VUSER_EMULATE_VEC_H

#include "x86/insn.h"

/* Words of a vector register. */
#define VUSER_VEC_WORDS	8

/**
 * struct vuser_vec - the registers of an instruction with a vector register
 * @reg: the register @insn->reg
 * @src: the register @insn->reg2
 * @mask: the mask register @insn->mask, or all ones without one
 */
struct vuser_vec {
	u64 reg[VUSER_VEC_WORDS];
	u64 src[VUSER_VEC_WORDS];
	u64 mask;
};

u64 vuser_emulate_vec_bytes(const struct vuser_insn *insn,
			    const struct vuser_vec *vec);
void vuser_emulate_vec_load(const struct vuser_insn *insn,
			    struct vuser_regs *regs, struct vuser_vec *vec,
			    const u64 val[VUSER_VEC_WORDS]);
void vuser_emulate_vec_store(const struct vuser_insn *insn,
			     struct vuser_regs *regs,
			     const struct vuser_vec *vec,
			     u64 val[VUSER_VEC_WORDS]);

#endif /* VUSER_EMULATE_VEC_H */
