// SPDX-License-Identifier: GPL-2.0
/* Execute instructions by emulation: fetch, decode, load, emulate and store. */
#include <string.h>

#include "emulate.h"
#include "x86/decode.h"
#include "x86/emulate.h"

u8 emulate_memory[NATIVE_ARENA_SIZE];

bool emulate_in_arena(u64 addr, u32 size)
{
	return addr - NATIVE_ARENA <= NATIVE_ARENA_SIZE - size;
}

u8 *emulate_at(u64 addr)
{
	return &emulate_memory[addr - NATIVE_ARENA];
}

static void emulate_vec(const struct vuser_insn *insn,
			struct native_state *state)
{
	u8 *memory = emulate_at(insn->addr);
	struct native_vec *vec = &state->vec[insn->reg];
	u64 val[2] = { 0, 0 };

	if (insn->load)
		memcpy(val, memory, insn->size);
	vuser_emulate_vec(insn, &state->regs, vec->word, val);
	if (insn->store)
		memcpy(memory, val, insn->size);
	else if (insn->vex)
		vec->word[2] = vec->word[3] = 0;
}

static bool emulate_once(const struct vuser_insn *insn,
			 struct native_state *state)
{
	u64 val = 0;

	if (!emulate_in_arena(insn->addr, insn->size))
		return false;
	if (insn->op == VUSER_INSN_VEC) {
		emulate_vec(insn, state);
		return true;
	}
	if (insn->op == VUSER_INSN_MOVS) {
		if (!emulate_in_arena(insn->from, insn->size))
			return false;
		memcpy(&val, emulate_at(insn->from), insn->size);
	} else if (insn->load) {
		memcpy(&val, emulate_at(insn->addr), insn->size);
	}
	if (vuser_emulate(insn, &state->regs, &val))
		memcpy(emulate_at(insn->addr), &val, insn->size);
	return true;
}

bool emulate(const u8 *code, struct native_state *state)
{
	u64 ip = state->regs.ip;
	struct vuser_insn insn;

	do {
		if (vuser_decode(&insn, code, VUSER_INSN_MAX, &state->regs) ||
		    !emulate_once(&insn, state))
			return false;
	} while (state->regs.ip == ip);
	return state->regs.ip == ip + insn.len;
}

/*
 * Return the flags that are undefined after a shift; a distance of 0 changes no
 * flags.
 */
static u64 undefined_by_shift(const struct vuser_insn *insn)
{
	u64 flags = VUSER_FLAG_AF;

	if (!insn->bit)
		return 0;
	if (insn->bit != 1)
		flags |= VUSER_FLAG_OF;
	if (insn->bit >= 8 * insn->size && insn->op != VUSER_INSN_SAR)
		flags |= VUSER_FLAG_CF;
	return flags;
}

u64 emulate_undefined_flags(const struct vuser_insn *insn)
{
	switch (insn->op) {
	case VUSER_INSN_OR:
	case VUSER_INSN_AND:
	case VUSER_INSN_XOR:
	case VUSER_INSN_TEST:
		return VUSER_FLAG_AF;
	case VUSER_INSN_BT ... VUSER_INSN_BTC:
		return VUSER_FLAG_OF | VUSER_FLAG_SF | VUSER_FLAG_AF |
		       VUSER_FLAG_PF;
	case VUSER_INSN_SHL ... VUSER_INSN_SAR:
		return undefined_by_shift(insn);
	case VUSER_INSN_IMUL:
		return VUSER_FLAG_SF | VUSER_FLAG_ZF | VUSER_FLAG_AF |
		       VUSER_FLAG_PF;
	case VUSER_INSN_BSF:
	case VUSER_INSN_BSR:
		return VUSER_FLAGS_STATUS & ~VUSER_FLAG_ZF;
	default:
		return 0;
	}
}

bool emulate_runs_here(const u8 *code, const struct vuser_insn *insn)
{
	/* The decoder treats MOVDIRI as a MOV. */
	static const u8 movdiri[] = { 0x0f, 0x38, 0xf9 };

	if (insn->vex && !native_has_avx())
		return false;
	switch (insn->op) {
	case VUSER_INSN_MOVBE:
		return native_has_movbe();
	case VUSER_INSN_POPCNT:
		return native_has_popcnt();
	case VUSER_INSN_MOV:
		return native_has_movdiri() ||
		       !memmem(code, insn->len, movdiri, sizeof(movdiri));
	default:
		return true;
	}
}
