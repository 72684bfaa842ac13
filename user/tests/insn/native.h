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

#define NATIVE_VECS  32
#define NATIVE_MASKS 8

/* A vector register; bytes from 16 on need AVX, from 32 on AVX-512. */
struct native_vec {
	u64 word[8];
};

/**
 * struct native_state - registers before and after an instruction
 * @regs: with the ip before it; native_run() does not change the ip
 * @vec: vector registers; those from 16 on need AVX-512
 * @mask: mask registers; they need AVX-512
 */
struct native_state {
	struct vuser_regs regs;
	struct native_vec vec[NATIVE_VECS];
	u64 mask[NATIVE_MASKS];
};

/* Features of the processor. */
enum native_feature {
	NATIVE_SSE4,
	NATIVE_AVX,
	NATIVE_AVX2,
	NATIVE_AVX512, /* F, BW, DQ and VL */
	NATIVE_MOVBE,
	NATIVE_MOVDIRI,
	NATIVE_MOVDIR64B,
	NATIVE_POPCNT,
	NATIVE_LZCNT,
	NATIVE_BMI1,
	NATIVE_BMI2,
	NATIVE_ADX,
	NATIVE_CX16,
	NATIVE_CLFLUSHOPT,
	NATIVE_CLWB,
	NATIVE_NR_FEATURES
};

int native_init(void);
u64 native_ip(void);
int native_run(const u8 *code, u32 len, struct native_state *state);

bool native_has(enum native_feature feature);

#endif /* INSN_NATIVE_H */
