/* SPDX-License-Identifier: GPL-2.0 */
/* Reading the bytes of an instruction. */
#ifndef VUSER_FETCH_H
#define VUSER_FETCH_H

#include "x86/insn.h"

/*
 * The prefix that selects one of the instructions with the same opcode (SDM volume
 * 2, 2.1.2).  The numbers are those of the field pp in a VEX prefix.
 */
enum insn_simd {
	INSN_SIMD_NONE,
	INSN_SIMD_66,
	INSN_SIMD_F3,
	INSN_SIMD_F2,
};

/* An instruction that is being read. */
struct insn_decoder {
	const struct vuser_regs *regs;
	const u8 *code;
	u32 len; /* bytes in @code */
	u32 at; /* bytes that have been read */
	bool overrun; /* a byte beyond @len was needed */

	bool lock;
	bool prefix_66;
	bool prefix_67;
	bool prefix_f2;
	bool prefix_f3;
	bool vex; /* VEX or EVEX */
	bool evex;
	bool rex_present;
	bool rex_w;
	u8 rex_r; /* 0 or 8, with EVEX up to 24: added to a register number */
	u8 rex_x;
	u8 rex_b;

	/* VEX and EVEX only */
	u8 map; /* the opcode map: 1 for 0F, 2 for 0F 38, 3 for 0F 3A */
	u8 vvvv; /* number of the second register */
	u8 vec_len; /* 16, 32, 64, or 0 if invalid */
	u8 mask; /* number of the mask register, or 0 */
	bool zeroing;
	bool broadcast;

	u8 disp8_scale; /* EVEX: unit of a displacement of one byte, or 0 */
	u8 modrm_reg; /* without rex_r, which must be added */
	bool ip_relative;
	u64 ea; /* effective address, without the ip, not truncated */
};

u8 vuser_fetch_byte(struct insn_decoder *d);
u64 vuser_fetch_bytes(struct insn_decoder *d, u32 count);
u64 vuser_fetch_signed(struct insn_decoder *d, u32 count);
u8 vuser_fetch_opcode(struct insn_decoder *d);
int vuser_fetch_modrm(struct insn_decoder *d);
int vuser_fetch_vex(struct insn_decoder *d, u8 first);
int vuser_fetch_evex(struct insn_decoder *d);
enum insn_simd vuser_fetch_simd_prefix(const struct insn_decoder *d);

/* Sets the operation, and the size and direction of the access. */
static inline void vuser_fetch_set_access(struct vuser_insn *insn,
					  enum vuser_insn_op op, u8 size, bool load,
					  bool store)
{
	insn->op = op;
	insn->size = size;
	insn->load = load;
	insn->store = store;
}

#endif /* VUSER_FETCH_H */
