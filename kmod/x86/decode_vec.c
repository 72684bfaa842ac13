// SPDX-License-Identifier: GPL-2.0
/*
 * The decoder: moves between memory and XMM registers.
 *
 * Numbers in comments are opcodes, in hexadecimal.  References are to the Intel
 * 64 and IA-32 Architectures Software Developer's Manual, volume 2.
 */

#include "x86/decode_vec.h"
#include "x86/fetch.h"

/* Sets the access of @size bytes, and the XMM register from ModRM. */
static int set_vec(struct vuser_insn *insn, struct insn_decoder *d, u8 size,
		   bool load)
{
	if (vuser_fetch_modrm(d))
		return -EINVAL;
	vuser_fetch_set_access(insn, VUSER_INSN_VEC, size, load, !load);
	insn->reg = d->modrm_reg | d->rex_r;
	insn->reg_size = 16;
	insn->to_reg = load;
	insn->vex = d->vex;
	return 0;
}

/* movups, movupd, movss, movsd: 0F 10 and 11. */
static int decode_movu(struct vuser_insn *insn, struct insn_decoder *d,
		       enum insn_simd prefix, bool load)
{
	static const u8 size[] = {
		[INSN_SIMD_NONE] = 16,
		[INSN_SIMD_66] = 16,
		[INSN_SIMD_F3] = 4,
		[INSN_SIMD_F2] = 8,
	};

	return set_vec(insn, d, size[prefix], load);
}

/* movlps, movlpd, movhps, movhpd: 0F 12, 13, 16, 17. */
static int decode_movhalf(struct vuser_insn *insn, struct insn_decoder *d,
			  enum insn_simd prefix, bool load, bool high)
{
	/* the VEX form of this load has a second source register */
	if (prefix == INSN_SIMD_F2 || prefix == INSN_SIMD_F3 ||
	    (d->vex && load))
		return -EINVAL;
	insn->vec_at = high ? 8 : 0;
	insn->vec_merge = true;
	return set_vec(insn, d, 8, load);
}

/* Aligned moves of 16 bytes: with prefix 66 or, if @plain, without a prefix. */
static int decode_mova(struct vuser_insn *insn, struct insn_decoder *d,
		       enum insn_simd prefix, bool load, bool plain)
{
	if (prefix != INSN_SIMD_66 && !(plain && prefix == INSN_SIMD_NONE))
		return -EINVAL;
	insn->aligned = true;
	return set_vec(insn, d, 16, load);
}

/* movdqa, movdqu: 0F 6F and 7F.  Without a prefix, these are MMX moves. */
static int decode_movdq(struct vuser_insn *insn, struct insn_decoder *d,
			enum insn_simd prefix, bool load)
{
	if (prefix == INSN_SIMD_F3)
		return set_vec(insn, d, 16, load);
	return decode_mova(insn, d, prefix, load, false);
}

/* movd, movq: 0F 6E and 7E. */
static int decode_movd(struct vuser_insn *insn, struct insn_decoder *d,
		       enum insn_simd prefix, bool load)
{
	if (prefix == INSN_SIMD_F3 && !load)
		return set_vec(insn, d, 8, true);
	if (prefix != INSN_SIMD_66)
		return -EINVAL;
	return set_vec(insn, d, d->rex_w ? 8 : 4, load);
}

/**
 * vuser_decode_vec() - decode a move of an XMM register with the opcode 0F xx
 * @insn: the access and the register are filled in
 * @d: the instruction, read up to its opcode, with a VEX prefix or without
 * @opcode: the second byte of the opcode
 *
 * Context: any.
 * Return: 0, or -EINVAL for an instruction that is refused.
 */
int vuser_decode_vec(struct vuser_insn *insn, struct insn_decoder *d, u8 opcode)
{
	enum insn_simd prefix = vuser_fetch_simd_prefix(d);

	switch (opcode) {
	case 0x10:
	case 0x11:
		return decode_movu(insn, d, prefix, opcode == 0x10);
	case 0x12:
	case 0x13:
		return decode_movhalf(insn, d, prefix, opcode == 0x12, false);
	case 0x16:
	case 0x17:
		return decode_movhalf(insn, d, prefix, opcode == 0x16, true);
	case 0x28:
	case 0x29:
		return decode_mova(insn, d, prefix, opcode == 0x28, true);
	case 0x2b: /* movntps, movntpd */
		return decode_mova(insn, d, prefix, false, true);
	case 0x6e:
	case 0x7e:
		return decode_movd(insn, d, prefix, opcode == 0x6e);
	case 0x6f:
	case 0x7f:
		return decode_movdq(insn, d, prefix, opcode == 0x6f);
	case 0xd6: /* movq */
		return prefix == INSN_SIMD_66 ? set_vec(insn, d, 8, false) :
						-EINVAL;
	case 0xe7: /* movntdq */
		return decode_mova(insn, d, prefix, false, false);
	case 0xf0: /* lddqu */
		return prefix == INSN_SIMD_F2 ? set_vec(insn, d, 16, true) :
						-EINVAL;
	default:
		return -EINVAL;
	}
}

/**
 * vuser_decode_vec_movntdqa() - decode movntdqa, 0F 38 2A
 * @insn: the access and the register are filled in
 * @d: the instruction, read up to its opcode, with a VEX prefix or without
 *
 * Context: any.
 * Return: 0, or -EINVAL for an instruction that is refused.
 */
int vuser_decode_vec_movntdqa(struct vuser_insn *insn, struct insn_decoder *d)
{
	return decode_mova(insn, d, vuser_fetch_simd_prefix(d), true, false);
}

/**
 * vuser_decode_vec_vex() - decode an instruction with a VEX prefix
 * @insn: the access and the register are filled in
 * @d: the instruction, read up to the first byte of the VEX prefix
 * @opcode: the first byte of the VEX prefix, C4 or C5
 *
 * See 2.3.5.  Accepts only moves of at most 16 bytes without a second source
 * register.
 *
 * Context: any.
 * Return: 0, or -EINVAL for an instruction that is refused.
 */
int vuser_decode_vec_vex(struct vuser_insn *insn, struct insn_decoder *d, u8 opcode)
{
	u8 map = 1;
	u8 rxb, last;

	if (d->lock || d->prefix_66 || d->prefix_f2 || d->prefix_f3 ||
	    d->rex_present)
		return -EINVAL;

	rxb = vuser_fetch_byte(d);
	last = rxb;
	if (opcode == 0xc4) {
		map = rxb & 0x1f;
		last = vuser_fetch_byte(d);
		d->rex_w = last & 0x80;
		d->rex_x = rxb & 0x40 ? 0 : 8;
		d->rex_b = rxb & 0x20 ? 0 : 8;
	}
	d->rex_r = rxb & 0x80 ? 0 : 8;
	d->vex = true;
	d->prefix_66 = (last & 3) == INSN_SIMD_66;
	d->prefix_f3 = (last & 3) == INSN_SIMD_F3;
	d->prefix_f2 = (last & 3) == INSN_SIMD_F2;

	/* refuse a second source register (stored inverted), and VEX.L */
	if ((last & 0x78) != 0x78 || last & 4)
		return -EINVAL;

	opcode = vuser_fetch_byte(d);
	if (map == 1)
		return vuser_decode_vec(insn, d, opcode);
	if (map == 2 && opcode == 0x2a)
		return vuser_decode_vec_movntdqa(insn, d);
	return -EINVAL;
}
