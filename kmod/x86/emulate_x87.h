/* SPDX-License-Identifier: GPL-2.0 */
/* Emulating a decoded x87 instruction. */
#ifndef VUSER_EMULATE_X87_H
#define VUSER_EMULATE_X87_H

#include "x86/insn.h"

#define VUSER_X87_REGS	8

/* Bits of the status word: the exceptions, and others. */
#define VUSER_X87_IE	0x0001	/* invalid operation */
#define VUSER_X87_DE	0x0002	/* denormal operand */
#define VUSER_X87_OE	0x0008	/* overflow */
#define VUSER_X87_UE	0x0010	/* underflow */
#define VUSER_X87_PE	0x0020	/* the result is not exact */
#define VUSER_X87_EXCEPTIONS	0x003f
#define VUSER_X87_SF	0x0040	/* stack fault, with IE */
#define VUSER_X87_ES	0x0080	/* an exception that is not masked is pending */
#define VUSER_X87_C1	0x0200
#define VUSER_X87_B	0x8000	/* always equal to ES */

/**
 * struct vuser_x87_reg - a register
 * @mant: significand; bit 63 is the integer bit
 * @exp: exponent, and the sign in bit 15
 */
struct vuser_x87_reg {
	u64 mant;
	u16 exp;
};

/**
 * struct vuser_x87 - the x87 state
 * @control: control word
 * @status: status word
 * @tags: a bit for each register that is not empty
 * @ip: address of the last instruction that was not a control instruction
 * @addr: address of its operand in memory
 * @reg: the registers; the status word says which is ST(0)
 */
struct vuser_x87 {
	u16 control;
	u16 status;
	u8 tags;
	u64 ip;
	u64 addr;
	struct vuser_x87_reg reg[VUSER_X87_REGS];
};

void vuser_emulate_x87_load(const struct vuser_insn *insn,
			    struct vuser_regs *regs, struct vuser_x87 *fpu,
			    const u64 val[2]);
bool vuser_emulate_x87_store(const struct vuser_insn *insn,
			     struct vuser_regs *regs, struct vuser_x87 *fpu,
			     u64 val[2]);

#endif /* VUSER_EMULATE_X87_H */
