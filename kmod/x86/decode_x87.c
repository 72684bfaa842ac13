// SPDX-License-Identifier: GPL-2.0
/*
 * The decoder: x87 loads and stores (SDM volume 2, appendix B.17).  x87 arithmetic
 * is refused.
 */

#include "x86/decode_x87.h"
#include "x86/fetch.h"

/**
 * struct x87_form - an instruction
 * @op: enum vuser_x87_op
 * @size: bytes of the access, 0 for an instruction that is refused
 * @pop: it pops the register stack
 */
struct x87_form {
	u8 op;
	u8 size;
	bool pop;
};

#define FORM(op, size, pop)	{ VUSER_X87_##op, size, pop }

/* By opcode (D9, DB, DD, DF) and the register field of ModRM. */
static const struct x87_form forms[4][8] = {
	{
		[0] = FORM(LOAD, 4, false),
		[2] = FORM(STORE, 4, false),
		[3] = FORM(STORE, 4, true),
		[5] = FORM(LOAD_CONTROL, 2, false),
		[7] = FORM(STORE_CONTROL, 2, false),
	},
	{
		[0] = FORM(LOAD_INT, 4, false),
		[1] = FORM(TRUNCATE, 4, true),
		[2] = FORM(STORE_INT, 4, false),
		[3] = FORM(STORE_INT, 4, true),
		[5] = FORM(LOAD, 10, false),
		[7] = FORM(STORE, 10, true),
	},
	{
		[0] = FORM(LOAD, 8, false),
		[1] = FORM(TRUNCATE, 8, true),
		[2] = FORM(STORE, 8, false),
		[3] = FORM(STORE, 8, true),
		[7] = FORM(STORE_STATUS, 2, false),
	},
	{
		[0] = FORM(LOAD_INT, 2, false),
		[1] = FORM(TRUNCATE, 2, true),
		[2] = FORM(STORE_INT, 2, false),
		[3] = FORM(STORE_INT, 2, true),
		[5] = FORM(LOAD_INT, 8, false),
		[7] = FORM(STORE_INT, 8, true),
	},
};

/**
 * vuser_decode_x87() - decode an instruction with the opcode D9, DB, DD or DF
 * @insn: the operation and the access are filled in
 * @d: the instruction, read up to its opcode
 * @opcode: the opcode
 *
 * Context: any.
 * Return: 0, or -EINVAL for an instruction that is refused.
 */
int vuser_decode_x87(struct vuser_insn *insn, struct insn_decoder *d,
		     u8 opcode)
{
	const struct x87_form *form;
	bool load;

	/* F2 and F3 have no effect; compilers do not emit them */
	if (d->prefix_f2 || d->prefix_f3 || vuser_fetch_modrm(d))
		return -EINVAL;
	form = &forms[(opcode - 0xd9) / 2][d->modrm_reg];
	if (!form->size)
		return -EINVAL;
	load = form->op <= VUSER_X87_LOAD_CONTROL;
	vuser_fetch_set_access(insn, VUSER_INSN_X87, form->size, load, !load);
	insn->x87_op = form->op;
	insn->pop = form->pop;
	return 0;
}
