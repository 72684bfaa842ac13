/* SPDX-License-Identifier: GPL-2.0 */
/* Run one instruction on this processor with given registers. */
#ifndef INSN_NATIVE_H
#define INSN_NATIVE_H

#include "x86/insn.h"

/* Addresses of the code and of its memory: below 2 GiB. */
#define NATIVE_CONTEXT	  0x10000000ul
#define NATIVE_ARENA	  0x20000000ul
#define NATIVE_ARENA_SIZE 0x4000ul
#define NATIVE_CODE	  0x30000000ul

/* The low 32 bytes of a vector register; the upper 16 of these need AVX. */
struct native_vec {
	u64 word[4];
};

/**
 * struct native_state - registers before and after an instruction
 * @regs: with the ip before it; native_run() does not change the ip
 * @vec: XMM or YMM registers
 */
struct native_state {
	struct vuser_regs regs;
	struct native_vec vec[16];
};

int native_init(void);
u64 native_ip(void);
int native_run(const u8 *code, u32 len, struct native_state *state);

bool native_has_avx(void);
bool native_has_movbe(void);
bool native_has_movdiri(void);
bool native_has_popcnt(void);

#endif /* INSN_NATIVE_H */
