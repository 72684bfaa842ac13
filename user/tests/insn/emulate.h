/* SPDX-License-Identifier: GPL-2.0 */
/* Instructions carried out by the emulation, on a copy of native.h's memory. */
#ifndef INSN_EMULATE_H
#define INSN_EMULATE_H

#include "native.h"

/* The emulation's memory, as NATIVE_ARENA. */
extern u8 emulate_memory[NATIVE_ARENA_SIZE];

/* Its copy of a place in the arena. */
u8 *emulate_at(u64 addr);

bool emulate_in_arena(u64 addr, u32 size);

/*
 * Of VUSER_INSN_MAX bytes.  A repeated one is decoded for each element, as it
 * faults for each.  False when it leaves the memory.
 */
bool emulate(const u8 *code, struct native_state *state);

/* Flags that the manual leaves undefined are whatever they are. */
u64 emulate_undefined_flags(const struct vuser_insn *insn);

/* Does this processor have the instruction? */
bool emulate_runs_here(const u8 *code, const struct vuser_insn *insn);

#endif /* INSN_EMULATE_H */
