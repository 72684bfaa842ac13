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

u8 insn_next_byte(struct insn_decoder *d)
{
	if (d->at >= d->len) {
		d->overrun = true;
		return 0;
	}
	return d->code[d->at++];
}

u64 insn_next_bytes(struct insn_decoder *d, u32 count)
{
	u64 val = 0;
	u32 i;

	for (i = 0; i < count; i++)
		val |= (u64)insn_next_byte(d) << (8 * i);
	return val;
}

u64 insn_next_signed(struct insn_decoder *d, u32 count)
{
	return vuser_insn_sext(insn_next_bytes(d, count), count);
}

static void set_rex(struct insn_decoder *d, u8 rex)
{
	d->rex_present = rex != 0;
	d->rex_w = rex & 8;
	d->rex_r = rex & 4 ? 8 : 0;
	d->rex_x = rex & 2 ? 8 : 0;
	d->rex_b = rex & 1 ? 8 : 0;
}

/*
 * Legacy and REX prefixes (2.1.1, 2.2.1).  Returns the first byte of the
 * opcode; FS and GS overrides (64, 65) are returned as one, which no decoder
 * knows.  A REX prefix that is not the last one has no effect.  CS, DS, ES and
 * SS overrides mean nothing in 64-bit mode.
 */
static u8 decode_prefixes(struct insn_decoder *d)
{
	for (;;) {
		u8 byte = insn_next_byte(d);

		switch (byte) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
			set_rex(d, 0);
			break;
		case 0x40 ... 0x4f:
			set_rex(d, byte);
			break;
		case 0x66:
			d->prefix_66 = true;
			set_rex(d, 0);
			break;
		case 0x67:
			d->prefix_67 = true;
			set_rex(d, 0);
			break;
		case 0xf0:
			d->lock = true;
			set_rex(d, 0);
			break;
		case 0xf2:
			d->prefix_f2 = true;
			set_rex(d, 0);
			break;
		case 0xf3:
			d->prefix_f3 = true;
			set_rex(d, 0);
			break;
		default:
			return byte;
		}
	}
}

static void decode_sib(struct insn_decoder *d, u8 mod)
{
	u8 sib = insn_next_byte(d);
	u8 index = ((sib >> 3) & 7) | d->rex_x;
	u8 base = sib & 7;

	/* index 4 is none, and r12 an index like any other */
	if (index != VUSER_SP)
		d->ea = d->regs->gpr[index] << (sib >> 6);

	if (base == VUSER_BP && mod == 0)
		d->ea += insn_next_signed(d, 4);
	else
		d->ea += d->regs->gpr[base | d->rex_b];
}

/*
 * ModRM with all that follows it up to the displacement (2.1.5, 2.2.1.6).
 * Refuses the forms without a memory operand.
 */
int insn_modrm(struct insn_decoder *d)
{
	u8 modrm = insn_next_byte(d);
	u8 mod = modrm >> 6;
	u8 rm = modrm & 7;

	if (mod == 3)
		return -EINVAL;
	d->has_modrm = true;
	d->modrm_reg = (modrm >> 3) & 7;

	if (rm == VUSER_SP) {
		decode_sib(d, mod);
	} else if (rm == VUSER_BP && mod == 0) {
		d->ip_relative = true;
		d->ea = insn_next_signed(d, 4);
	} else {
		d->ea = d->regs->gpr[rm | d->rex_b];
	}

	if (mod == 1)
		d->ea += insn_next_signed(d, 1);
	else if (mod == 2)
		d->ea += insn_next_signed(d, 4);
	return 0;
}

/* The one of F2, F3 and 66 that selects among instructions of one opcode. */
enum insn_simd insn_simd_prefix(const struct insn_decoder *d)
{
	if (d->prefix_f2)
		return INSN_SIMD_F2;
	if (d->prefix_f3)
		return INSN_SIMD_F3;
	return d->prefix_66 ? INSN_SIMD_66 : INSN_SIMD_NONE;
}

static int decode_opcode(struct vuser_insn *insn, struct insn_decoder *d)
{
	u8 opcode = decode_prefixes(d);

	if (d->prefix_f2 && d->prefix_f3)
		return -EINVAL;
	switch (opcode) {
	case 0x0f:
		return insn_decode_two_byte(insn, d);
	case 0xc4:
	case 0xc5:
		return insn_decode_vex(insn, d, opcode);
	default:
		return insn_decode_one_byte(insn, d, opcode);
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
 * vuser_insn_decode() - decode one instruction that accesses memory
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
int vuser_insn_decode(struct vuser_insn *insn, const u8 *code, u32 len,
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
