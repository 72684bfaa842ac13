/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A short decoder for the stores that drivers make most often, such as doorbells:
 * mov of a general register or an immediate of 4 or 8 bytes to a register with a
 * displacement.  It accepts only what vuser_decode() accepts, and gives the same
 * result with a fifth of the instructions.
 */
#ifndef VUSER_DECODE_PLAIN_H
#define VUSER_DECODE_PLAIN_H

#include "x86/insn.h"

/* Bytes that vuser_decode_plain() may read. */
#define VUSER_PLAIN_MAX	11

/**
 * struct vuser_plain - a store
 * @len: length of the instruction, bytes
 * @size: size of the access, bytes: 4 or 8
 * @addr: address of the access
 * @val: value, zero-extended from @size
 */
struct vuser_plain {
	u8 len;
	u8 size;
	u64 addr;
	u64 val;
};

/* The little-endian number of 4 bytes at @code, sign-extended. */
static inline u64 vuser_plain_s32(const u8 *code)
{
	return vuser_insn_sext((u64)code[0] | (u64)code[1] << 8 |
			       (u64)code[2] << 16 | (u64)code[3] << 24, 4);
}

/**
 * vuser_decode_plain() - decode one of the stores that drivers make most often
 * @plain: filled in
 * @code: the bytes of the instruction, at least VUSER_PLAIN_MAX
 * @regs: the registers, for @get
 * @get: returns a general register by its number
 *
 * Context: any.
 * Return: true; false for any other instruction, which vuser_decode() may know.
 */
static __always_inline bool
vuser_decode_plain(struct vuser_plain *plain, const u8 *code, const void *regs,
		   u64 (*get)(const void *regs, u32 nr))
{
	u8 rex = (*code & 0xf0) == 0x40 ? *code : 0;
	const u8 *at = code + !!rex;
	u8 opcode = at[0];
	u8 mod = at[1] >> 6, reg = at[1] >> 3 & 7, rm = at[1] & 7;

	at += 2;
	/* a register operand, SIB, and an address relative to the ip */
	if (mod == 3 || rm == VUSER_SP || (mod == 0 && rm == VUSER_BP))
		return false;
	plain->size = rex & 8 ? 8 : 4;
	plain->addr = get(regs, rm | (rex & 1) << 3);
	if (mod == 1) {
		plain->addr += vuser_insn_sext(*at, 1);
		at++;
	} else if (mod == 2) {
		plain->addr += vuser_plain_s32(at);
		at += 4;
	}
	if (opcode == 0x89) {
		plain->val = get(regs, reg | (rex & 4) << 1);
	} else if (opcode == 0xc7 && !reg) {
		plain->val = vuser_plain_s32(at);
		at += 4;
	} else {
		return false;
	}
	plain->val = vuser_insn_zext(plain->val, plain->size);
	plain->len = (u8)(at - code);
	return true;
}

#endif /* VUSER_DECODE_PLAIN_H */
