/* SPDX-License-Identifier: GPL-2.0 */
/* The decoder: integer instructions with a VEX prefix. */
#ifndef VUSER_DECODE_BMI_H
#define VUSER_DECODE_BMI_H

#include "x86/fetch.h"

int vuser_decode_bmi(struct vuser_insn *insn, struct insn_decoder *d,
		     u8 opcode);
int vuser_decode_bmi_rorx(struct vuser_insn *insn, struct insn_decoder *d);

#endif /* VUSER_DECODE_BMI_H */
