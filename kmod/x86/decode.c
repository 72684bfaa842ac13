// SPDX-License-Identifier: GPL-2.0
/*
 * Decode the x86-64 instructions that compilers emit for accesses to device
 * registers.  64-bit mode only.  What is not known here is refused: it is
 * better to stop a program than to do something else than it asked for.
 *
 * References are to the Intel 64 and IA-32 Architectures Software Developer's
 * Manual, volume 2.
 */

#include "x86/decode.h"
#include "x86/decode_int.h"
#include "x86/decode_vec.h"
#include "x86/fetch.h"

static int decode_opcode(struct vuser_insn *insn, struct insn_decoder *d)
{
	u8 opcode = vuser_fetch_opcode(d);

	if (d->prefix_f2 && d->prefix_f3)
		return -EINVAL;
	switch (opcode) {
	case 0x0f:
		return vuser_decode_int_two_byte(insn, d);
	case 0xc4:
	case 0xc5:
		return vuser_decode_vec_vex(insn, d, opcode);
	default:
		return vuser_decode_int_one_byte(insn, d, opcode);
	}
}

/* LOCK is for most of what reads memory and writes it back (LOCK prefix). */
static bool takes_lock(const struct vuser_insn *insn)
{
	switch (insn->op) {
	case VUSER_INSN_MOVS:
	case VUSER_INSN_SHL:
	case VUSER_INSN_SHR:
	case VUSER_INSN_SAR:
		return false;
	default:
		return insn->load && insn->store;
	}
}

/**
 * vuser_decode() - decode one instruction that accesses memory
 * @insn: filled in
 * @code: its bytes
 * @len: how many there are in @code, at most VUSER_INSN_MAX are looked at;
 *	may be more than the instruction has
 * @regs: the registers as they are before it, with @regs->ip its address
 *
 * Instructions with FS or GS, those without a memory operand, those that the
 * processor would refuse for their LOCK prefix, and all that are not in enum
 * vuser_insn_op are refused.
 *
 * Context: any.
 * Return: 0, or -EINVAL for an instruction that is refused.
 */
int vuser_decode(struct vuser_insn *insn, const u8 *code, u32 len,
		 const struct vuser_regs *regs)
{
	struct insn_decoder d = {
		.regs = regs,
		.code = code,
		.len = len < VUSER_INSN_MAX ? len : VUSER_INSN_MAX,
	};
	int err;

	*insn = (struct vuser_insn) { 0 };
	err = decode_opcode(insn, &d);
	if (err)
		return err;
	if (d.overrun)
		return -EINVAL;

	insn->lock = d.lock;
	if (d.lock && !takes_lock(insn))
		return -EINVAL;
	if (insn->op == VUSER_INSN_XCHG)
		insn->lock = true;

	insn->len = d.at;
	insn->addr_size = d.prefix_67 ? 4 : 8;
	if (d.ip_relative)
		d.ea += regs->ip + insn->len;
	insn->addr = vuser_insn_zext(d.ea, insn->addr_size);
	if (insn->aligned && insn->addr % insn->size)
		return -EINVAL;
	return 0;
}
