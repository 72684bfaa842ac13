// SPDX-License-Identifier: GPL-2.0
/*
 * Decode the x86-64 instructions that compilers emit for accesses to device
 * registers, in 64-bit mode only.  Unknown instructions are refused, and the
 * program gets a signal: that is better than a wrong emulation.
 *
 * References are to the Intel 64 and IA-32 Architectures Software Developer's
 * Manual, volume 2.
 */

#include "x86/decode.h"
#include "x86/decode_bmi.h"
#include "x86/decode_int.h"
#include "x86/decode_vec.h"
#include "x86/decode_x87.h"
#include "x86/fetch.h"

static int decode_vex(struct vuser_insn *insn, struct insn_decoder *d)
{
	u8 opcode = vuser_fetch_byte(d);

	if (d->map == 2 && opcode >= 0xf2 && opcode <= 0xf7)
		return vuser_decode_bmi(insn, d, opcode);
	if (d->map == 3 && opcode == 0xf0)
		return vuser_decode_bmi_rorx(insn, d);
	return vuser_decode_vec(insn, d, opcode);
}

static int decode_opcode(struct vuser_insn *insn, struct insn_decoder *d)
{
	u8 opcode = vuser_fetch_opcode(d);

	if (d->prefix_f2 && d->prefix_f3)
		return -EINVAL;
	switch (opcode) {
	case 0x0f:
		return vuser_decode_int_two_byte(insn, d);
	case 0x62:
		if (vuser_fetch_evex(d))
			return -EINVAL;
		return vuser_decode_vec(insn, d, vuser_fetch_byte(d));
	case 0xc4:
	case 0xc5:
		return vuser_fetch_vex(d, opcode) ? -EINVAL : decode_vex(insn, d);
	case 0xd9:
	case 0xdb:
	case 0xdd:
	case 0xdf:
		return vuser_decode_x87(insn, d, opcode);
	default:
		return vuser_decode_int_one_byte(insn, d, opcode);
	}
}

/* LOCK is allowed for most read-modify-write instructions (LOCK prefix). */
static bool allows_lock(const struct vuser_insn *insn)
{
	switch (insn->op) {
	case VUSER_INSN_ROL ... VUSER_INSN_SHRD:
		return false;
	default:
		return insn->load && insn->store && !vuser_insn_copies(insn);
	}
}

/*
 * Sets the address of the operand that ModRM names.  If that operand is the
 * source of a copy, the decoder has set the destination already.
 */
static void set_addr(struct vuser_insn *insn, const struct insn_decoder *d)
{
	u64 ea = vuser_insn_zext(d->ea, insn->addr_size);

	if (insn->op >= VUSER_INSN_PUSH && insn->op <= VUSER_INSN_ENQCMD)
		insn->from = ea;
	else
		insn->addr = ea;
}

/**
 * vuser_decode() - decode one instruction that accesses memory
 * @insn: filled in
 * @code: the bytes of the instruction; more bytes may follow
 * @len: number of bytes in @code; at most VUSER_INSN_MAX of them are read
 * @regs: the registers before the instruction; @regs->ip is its address
 *
 * Refuses instructions with an FS or GS override, instructions without a memory
 * operand, instructions whose LOCK prefix the processor would refuse, aligned
 * moves with an address that is not aligned, and all instructions that are not
 * in enum vuser_insn_op.
 *
 * Context: any.
 * Return: 0, or -EINVAL for an instruction that is refused.  @insn is then
 * undefined.
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
	if (d.lock && !allows_lock(insn))
		return -EINVAL;
	if (insn->op == VUSER_INSN_XCHG)
		insn->lock = true;

	insn->len = d.at;
	insn->addr_size = d.prefix_67 ? 4 : 8;
	if (d.ip_relative)
		d.ea += regs->ip + insn->len;
	set_addr(insn, &d);
	if (insn->aligned && insn->addr % insn->size)
		return -EINVAL;
	return 0;
}
