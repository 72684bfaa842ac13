/* SPDX-License-Identifier: GPL-2.0 */
/* The decoder: instructions with a vector register. */
#ifndef VUSER_DECODE_VEC_H
#define VUSER_DECODE_VEC_H

#include "x86/fetch.h"

int vuser_decode_vec(struct vuser_insn *insn, struct insn_decoder *d,
		     u8 opcode);

#endif /* VUSER_DECODE_VEC_H */
