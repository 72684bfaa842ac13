/* SPDX-License-Identifier: GPL-2.0 */
/* The decoder: integer instructions. */
#ifndef VUSER_DECODE_INT_H
#define VUSER_DECODE_INT_H

#include "x86/fetch.h"

int vuser_decode_int_one_byte(struct vuser_insn *insn, struct insn_decoder *d,
			      u8 opcode);
int vuser_decode_int_two_byte(struct vuser_insn *insn, struct insn_decoder *d);

#endif /* VUSER_DECODE_INT_H */
