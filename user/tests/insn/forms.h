/* SPDX-License-Identifier: GPL-2.0 */
/* Makes byte strings that look like instructions: each opcode with each prefix. */
#ifndef INSN_FORMS_H
#define INSN_FORMS_H

#include "x86/insn.h"

/**
 * struct form - 15 bytes that may start with an instruction
 * @bytes: prefixes and opcode, then a ModRM byte, then random bytes
 * @modrm: offset of the ModRM byte
 * @prefix: prefixes before REX or VEX, as in form_prefixes[]
 * @rex: the REX prefix, or 0; its low three bits also for VEX and EVEX
 */
struct form {
	u8 bytes[VUSER_INSN_MAX];
	u32 modrm;
	const char *prefix;
	u8 rex;
};

extern const char *const form_prefixes[];

/* Return the next random number; set the seed; fill memory with random bytes. */
u64 form_random(void);
void form_seed(u64 seed);
void form_fill(u8 *bytes, u32 size);

/*
 * Call @use with each combination of prefixes, opcode and ModRM byte: for legacy
 * encodings with these REX prefixes (0 for none), and for VEX encodings.
 */
void form_sweep(const u8 *rexes, u32 nr_rexes, void (*use)(struct form *form));
void form_sweep_vex(void (*use)(struct form *form));
void form_sweep_evex(void (*use)(struct form *form));

#endif /* INSN_FORMS_H */
