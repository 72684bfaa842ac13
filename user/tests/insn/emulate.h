/* SPDX-License-Identifier: GPL-2.0 */
/* Execute instructions by emulation, on a copy of native.h's memory. */
#ifndef INSN_EMULATE_H
#define INSN_EMULATE_H

#include "native.h"

/* The emulation's copy of NATIVE_ARENA. */
extern u8 emulate_memory[NATIVE_ARENA_SIZE];

/* Return the emulation's copy of an address in the arena. */
u8 *emulate_at(u64 addr);

/* Return whether @size bytes at @addr are in the arena. */
bool emulate_in_arena(u64 addr, u32 size);

/*
 * Emulate @code, which has VUSER_INSN_MAX bytes.  A repeated instruction is
 * decoded for each element, since it faults for each.  Return false if it
 * leaves the memory.
 */
bool emulate(const u8 *code, struct native_state *state);

/* Return the flags that the manual leaves undefined; tests ignore these. */
u64 emulate_undefined_flags(const struct vuser_insn *insn);

/* Return whether this processor has the instruction. */
bool emulate_runs_here(const u8 *code, const struct vuser_insn *insn);

#endif /* INSN_EMULATE_H */
