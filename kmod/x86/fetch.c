// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the bytes of an instruction: prefixes, ModRM, SIB, displacement and
 * immediates.
 *
 * References are to the Intel 64 and IA-32 Architectures Software Developer's
 * Manual, volume 2.
 */

#include "x86/fetch.h"

/**
 * vuser_fetch_byte() - read the next byte
 * @d: the instruction
 *
 * Context: any.
 * Return: the byte.  If no byte is left: 0, and @d->overrun is set.
 */
u8 vuser_fetch_byte(struct insn_decoder *d)
{
	if (d->at >= d->len) {
		d->overrun = true;
		return 0;
	}
	return d->code[d->at++];
}

/**
 * vuser_fetch_bytes() - read the next bytes as an unsigned number
 * @d: the instruction
 * @count: number of bytes, at most 8
 *
 * Context: any.
 * Return: the number; missing bytes are handled as in vuser_fetch_byte().
 */
u64 vuser_fetch_bytes(struct insn_decoder *d, u32 count)
{
	u64 val = 0;
	u32 i;

	for (i = 0; i < count; i++)
		val |= (u64)vuser_fetch_byte(d) << (8 * i);
	return val;
}

/**
 * vuser_fetch_signed() - read the next bytes as a signed number
 * @d: the instruction
 * @count: number of bytes, 1 to 8
 *
 * Context: any.
 * Return: the number, sign-extended to 64 bits; missing bytes are handled as in
 * vuser_fetch_byte().
 */
u64 vuser_fetch_signed(struct insn_decoder *d, u32 count)
{
	return vuser_insn_sext(vuser_fetch_bytes(d, count), count);
}

/* Sets the REX prefix; 0 for none. */
static void set_rex(struct insn_decoder *d, u8 rex)
{
	d->rex_present = rex != 0;
	d->rex_w = rex & 8;
	d->rex_r = rex & 4 ? 8 : 0;
	d->rex_x = rex & 2 ? 8 : 0;
	d->rex_b = rex & 1 ? 8 : 0;
}

/**
 * vuser_fetch_opcode() - read the prefixes and the first byte of the opcode
 * @d: the instruction; its prefixes are recorded
 *
 * Reads legacy and REX prefixes (2.1.1, 2.2.1).  A REX prefix that is not the
 * last prefix has no effect.  CS, DS, ES and SS overrides have no effect in
 * 64-bit mode.  FS and GS overrides (64, 65) are returned as if they were opcodes,
 * and the decoders refuse them.
 *
 * Context: any.
 * Return: the first byte of the opcode.
 */
u8 vuser_fetch_opcode(struct insn_decoder *d)
{
	for (;;) {
		u8 byte = vuser_fetch_byte(d);

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

/* Reads SIB, and a displacement that replaces the base. */
static void fetch_sib(struct insn_decoder *d, u8 mod)
{
	u8 sib = vuser_fetch_byte(d);
	u8 index = ((sib >> 3) & 7) | d->rex_x;
	u8 base = sib & 7;

	/* index 4 means no index; index 12, r12, is valid */
	if (index != VUSER_SP)
		d->ea = d->regs->gpr[index] << (sib >> 6);

	if (base == VUSER_BP && mod == 0)
		d->ea += vuser_fetch_signed(d, 4);
	else
		d->ea += d->regs->gpr[base | d->rex_b];
}

/**
 * vuser_fetch_modrm() - read ModRM, SIB and the displacement
 * @d: the instruction; its register number and effective address are set
 *
 * See 2.1.5 and 2.2.1.6.
 *
 * Context: any.
 * Return: 0, or -EINVAL for a form without a memory operand.
 */
int vuser_fetch_modrm(struct insn_decoder *d)
{
	u8 modrm = vuser_fetch_byte(d);
	u8 mod = modrm >> 6;
	u8 rm = modrm & 7;

	if (mod == 3)
		return -EINVAL;
	d->has_modrm = true;
	d->modrm_reg = (modrm >> 3) & 7;

	if (rm == VUSER_SP) {
		fetch_sib(d, mod);
	} else if (rm == VUSER_BP && mod == 0) {
		d->ip_relative = true;
		d->ea = vuser_fetch_signed(d, 4);
	} else {
		d->ea = d->regs->gpr[rm | d->rex_b];
	}

	if (mod == 1)
		d->ea += vuser_fetch_signed(d, 1);
	else if (mod == 2)
		d->ea += vuser_fetch_signed(d, 4);
	return 0;
}

/**
 * vuser_fetch_simd_prefix() - get the prefix that selects the instruction
 * @d: the instruction, read up to its opcode
 *
 * An opcode may stand for several instructions, one for each of F2, F3, 66 and
 * no prefix.  F2 and F3 take precedence over 66.
 *
 * Context: any.
 * Return: the prefix.
 */
enum insn_simd vuser_fetch_simd_prefix(const struct insn_decoder *d)
{
	if (d->prefix_f2)
		return INSN_SIMD_F2;
	if (d->prefix_f3)
		return INSN_SIMD_F3;
	return d->prefix_66 ? INSN_SIMD_66 : INSN_SIMD_NONE;
}
