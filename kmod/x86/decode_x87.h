/* SPDX-License-Identifier: GPL-2.0 */
/* The decoder: x87 instructions. */
#ifndef VUSER_DECODE_X87_H
#define VUSER_DECODE_X87_H

#include "x86/fetch.h"

int vuser_decode_x87(struct vuser_insn *insn, struct insn_decoder *d,
		     u8 opcode);

#endif /* VUSER_DECODE_X87_H */
