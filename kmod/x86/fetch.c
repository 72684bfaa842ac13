// SPDX-License-Identifier: GPL-2.0
/*
 * Reading an instruction byte by byte: prefixes, ModRM, SIB and displacement.
 *
 * References are to the Intel 64 and IA-32 Architectures Software Developer's
 * Manual, volume 2.
 */

#include "x86/fetch.h"

/**
 * vuser_fetch_byte() - the next byte
 * @d: the instruction
 *
 * Return: the byte; behind the end 0, and @d->overrun is set.
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
 * vuser_fetch_bytes() - the next bytes as a number
 * @d: the instruction
 * @count: how many, at most 8
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
 * vuser_fetch_signed() - the next bytes as a signed number
 * @d: the instruction
 * @count: how many, at most 8
 *
 * Return: the number, extended to 64 bits.
 */
u64 vuser_fetch_signed(struct insn_decoder *d, u32 count)
{
	return vuser_insn_sext(vuser_fetch_bytes(d, count), count);
}

static void set_rex(struct insn_decoder *d, u8 rex)
{
	d->rex_present = rex != 0;
	d->rex_w = rex & 8;
	d->rex_r = rex & 4 ? 8 : 0;
	d->rex_x = rex & 2 ? 8 : 0;
	d->rex_b = rex & 1 ? 8 : 0;
}

/**
 * vuser_fetch_opcode() - the prefixes, and the first byte of the opcode
 * @d: the instruction; its prefixes are noted
 *
 * Legacy and REX prefixes (2.1.1, 2.2.1).  FS and GS overrides (64, 65) are returned
 * as an opcode, which no decoder knows.  A REX prefix that is not the last prefix has
 * no effect.  CS, DS, ES and SS overrides mean nothing in 64-bit mode.
 *
 * Return: the byte.
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

static void decode_sib(struct insn_decoder *d, u8 mod)
{
	u8 sib = vuser_fetch_byte(d);
	u8 index = ((sib >> 3) & 7) | d->rex_x;
	u8 base = sib & 7;

	/* index 4 is none, and r12 an index like any other */
	if (index != VUSER_SP)
		d->ea = d->regs->gpr[index] << (sib >> 6);

	if (base == VUSER_BP && mod == 0)
		d->ea += vuser_fetch_signed(d, 4);
	else
		d->ea += d->regs->gpr[base | d->rex_b];
}

/**
 * vuser_fetch_modrm() - ModRM and what follows it, up to the displacement
 * @d: the instruction; its register and address are noted
 *
 * See 2.1.5 and 2.2.1.6.
 *
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
		decode_sib(d, mod);
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
 * vuser_fetch_simd_prefix() - the prefix that selects among instructions
 * @d: the instruction
 *
 * Return: which of F2, F3 and 66 selects among the instructions of one opcode.
 */
enum insn_simd vuser_fetch_simd_prefix(const struct insn_decoder *d)
{
	if (d->prefix_f2)
		return INSN_SIMD_F2;
	if (d->prefix_f3)
		return INSN_SIMD_F3;
	return d->prefix_66 ? INSN_SIMD_66 : INSN_SIMD_NONE;
}
