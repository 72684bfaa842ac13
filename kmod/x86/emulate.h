/* SPDX-License-Identifier: GPL-2.0 */
/* Emulating a decoded instruction. */
#ifndef VUSER_EMULATE_H
#define VUSER_EMULATE_H

#include "x86/insn.h"

bool vuser_emulate(const struct vuser_insn *insn, struct vuser_regs *regs,
		   u64 *val);

#endif /* VUSER_EMULATE_H */
