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
 * See 2.1.5, 2.2.1.6, and for @d->disp8_scale 2.7.5.
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
		d->ea += vuser_fetch_signed(d, 1) *
			 (d->disp8_scale ? d->disp8_scale : 1);
	else if (mod == 2)
		d->ea += vuser_fetch_signed(d, 4);
	return 0;
}

/* Takes over the prefix that is part of VEX and EVEX. */
static void set_simd_prefix(struct insn_decoder *d, u8 pp)
{
	d->prefix_66 = (pp & 3) == INSN_SIMD_66;
	d->prefix_f3 = (pp & 3) == INSN_SIMD_F3;
	d->prefix_f2 = (pp & 3) == INSN_SIMD_F2;
}

/* VEX and EVEX refuse these prefixes (2.3.2). */
static bool has_legacy_prefix(const struct insn_decoder *d)
{
	return d->lock || d->prefix_66 || d->prefix_f2 || d->prefix_f3 ||
	       d->rex_present;
}

/**
 * vuser_fetch_vex() - read a VEX prefix
 * @d: the instruction, read up to the first byte of the prefix
 * @first: the first byte of the prefix, C4 or C5
 *
 * See 2.3.5.
 *
 * Context: any.
 * Return: 0, or -EINVAL for a prefix that no processor accepts.
 */
int vuser_fetch_vex(struct insn_decoder *d, u8 first)
{
	u8 rxb, last;

	if (has_legacy_prefix(d))
		return -EINVAL;
	rxb = vuser_fetch_byte(d);
	last = rxb;
	d->map = 1;
	if (first == 0xc4) {
		d->map = rxb & 0x1f;
		last = vuser_fetch_byte(d);
		d->rex_w = last & 0x80;
		d->rex_x = rxb & 0x40 ? 0 : 8;
		d->rex_b = rxb & 0x20 ? 0 : 8;
	}
	d->rex_r = rxb & 0x80 ? 0 : 8;
	d->vvvv = ~(last >> 3) & 15;
	d->vec_len = last & 4 ? 32 : 16;
	d->vex = true;
	set_simd_prefix(d, last);
	return 0;
}

/**
 * vuser_fetch_evex() - read an EVEX prefix
 * @d: the instruction, read up to the first byte of the prefix
 *
 * See 2.7.1.  Bits that APX gave a meaning must have their old value.
 *
 * Context: any.
 * Return: 0, or -EINVAL for a prefix that is refused.
 */
int vuser_fetch_evex(struct insn_decoder *d)
{
	static const u8 vec_len[] = { 16, 32, 64, 0 };
	u8 p0, p1, p2;

	if (has_legacy_prefix(d))
		return -EINVAL;
	p0 = vuser_fetch_byte(d);
	p1 = vuser_fetch_byte(d);
	p2 = vuser_fetch_byte(d);
	if (p0 & 8 || !(p1 & 4))
		return -EINVAL;
	d->map = p0 & 7;
	d->rex_r = (p0 & 0x80 ? 0 : 8) | (p0 & 0x10 ? 0 : 16);
	d->rex_x = p0 & 0x40 ? 0 : 8;
	d->rex_b = p0 & 0x20 ? 0 : 8;
	d->rex_w = p1 & 0x80;
	d->vvvv = (~(p1 >> 3) & 15) | (p2 & 8 ? 0 : 16);
	d->vec_len = vec_len[p2 >> 5 & 3];
	d->zeroing = p2 & 0x80;
	d->broadcast = p2 & 0x10;
	d->mask = p2 & 7;
	d->vex = true;
	d->evex = true;
	set_simd_prefix(d, p1);
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
