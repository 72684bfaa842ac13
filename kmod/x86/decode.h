/* SPDX-License-Identifier: GPL-2.0 */
/* The instruction decoder: its entry point. */
#ifndef VUSER_DECODE_H
#define VUSER_DECODE_H

#include "x86/insn.h"

int vuser_decode(struct vuser_insn *insn, const u8 *code, u32 len,
		 const struct vuser_regs *regs);

#endif /* VUSER_DECODE_H */
