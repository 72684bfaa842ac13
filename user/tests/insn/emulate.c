// SPDX-License-Identifier: GPL-2.0
/* Execute instructions by emulation: fetch, decode, load, emulate and store. */
#include <string.h>

#include "emulate.h"
#include "x86/decode.h"
#include "x86/emulate.h"
#include "x86/emulate_vec.h"

u8 emulate_memory[NATIVE_ARENA_SIZE];

bool emulate_in_arena(u64 addr, u32 size)
{
	return addr - NATIVE_ARENA <= NATIVE_ARENA_SIZE - size;
}

u8 *emulate_at(u64 addr)
{
	return &emulate_memory[addr - NATIVE_ARENA];
}

/* The bytes from an address on; access only those in @bytes. */
static void access_bytes(u64 addr, u64 bytes, u8 *val, bool store)
{
	u32 i;

	for (i = 0; i < 64; i++) {
		if (!(bytes >> i & 1))
			continue;
		if (store)
			*emulate_at(addr + i) = val[i];
		else
			val[i] = *emulate_at(addr + i);
	}
}

static void emulate_vec(const struct vuser_insn *insn,
			struct native_state *state)
{
	u64 val[VUSER_VEC_WORDS] = { 0 };
	struct native_vec *reg = &state->vec[insn->reg];
	struct vuser_vec vec;
	u64 bytes;

	memcpy(vec.reg, reg, sizeof(vec.reg));
	memcpy(vec.src, &state->vec[insn->reg2], sizeof(vec.src));
	vec.mask = insn->mask ? state->mask[insn->mask] : ~(u64)0;
	bytes = vuser_emulate_vec_bytes(insn, &vec);
	if (insn->store) {
		vuser_emulate_vec_store(insn, &state->regs, &vec, val);
		access_bytes(insn->addr, bytes, (u8 *)val, true);
		return;
	}
	access_bytes(insn->addr, bytes, (u8 *)val, false);
	vuser_emulate_vec_load(insn, &state->regs, &vec, val);
	if (insn->to_mask)
		state->mask[insn->reg] = vec.reg[0];
	else if (insn->vec_op != VUSER_VEC_TEST)
		memcpy(reg, vec.reg, insn->vex ? sizeof(*reg) : 16);
}

static void emulate_copy(const struct vuser_insn *insn,
			 struct native_state *state)
{
	u64 val[8] = { 0 };

	memcpy(val, emulate_at(insn->from), insn->size);
	memcpy(emulate_at(insn->addr), val, insn->size);
	vuser_emulate(insn, &state->regs, val);
}

static bool emulate_once(const struct vuser_insn *insn,
			 struct native_state *state)
{
	bool two = vuser_insn_copies(insn) || insn->op == VUSER_INSN_CMPS;
	u64 val[2] = { 0, 0 };

	if (!emulate_in_arena(insn->addr, insn->size) ||
	    (two && !emulate_in_arena(insn->from, insn->size)))
		return false;
	if (insn->op == VUSER_INSN_VEC) {
		emulate_vec(insn, state);
		return true;
	}
	if (vuser_insn_copies(insn)) {
		emulate_copy(insn, state);
		return true;
	}
	if (insn->op == VUSER_INSN_CMPS) {
		memcpy(&val[0], emulate_at(insn->from), insn->size);
		memcpy(&val[1], emulate_at(insn->addr), insn->size);
	} else if (insn->load) {
		memcpy(val, emulate_at(insn->addr), insn->size);
	}
	if (vuser_emulate(insn, &state->regs, val))
		memcpy(emulate_at(insn->addr), val, insn->size);
	return true;
}

bool emulate(const u8 *code, struct native_state *state)
{
	u64 ip = state->regs.ip;
	struct vuser_insn insn;

	do {
		if (vuser_decode(&insn, code, VUSER_INSN_MAX, &state->regs) ||
		    insn.op == VUSER_INSN_X87 || !emulate_once(&insn, state))
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

/* The flags that are undefined after a rotation. */
static u64 undefined_by_rotation(const struct vuser_insn *insn)
{
	return insn->bit > 1 ? VUSER_FLAG_OF : 0;
}

/* The flags that are undefined after shld and shrd. */
static u64 undefined_by_double_shift(const struct vuser_insn *insn)
{
	if (!insn->bit)
		return 0;
	return VUSER_FLAG_AF | (insn->bit > 1 ? VUSER_FLAG_OF : 0);
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
	case VUSER_INSN_ROL ... VUSER_INSN_RCR:
		return undefined_by_rotation(insn);
	case VUSER_INSN_SHL ... VUSER_INSN_SAR:
		return undefined_by_shift(insn);
	case VUSER_INSN_SHLD:
	case VUSER_INSN_SHRD:
		return undefined_by_double_shift(insn);
	case VUSER_INSN_IMUL:
	case VUSER_INSN_MUL_WIDE:
		return VUSER_FLAG_SF | VUSER_FLAG_ZF | VUSER_FLAG_AF |
		       VUSER_FLAG_PF;
	case VUSER_INSN_BSF:
	case VUSER_INSN_BSR:
		return VUSER_FLAGS_STATUS & ~VUSER_FLAG_ZF;
	case VUSER_INSN_TZCNT:
	case VUSER_INSN_LZCNT:
		return VUSER_FLAGS_STATUS & ~(VUSER_FLAG_ZF | VUSER_FLAG_CF);
	case VUSER_INSN_BEXTR:
		return VUSER_FLAG_AF | VUSER_FLAG_SF | VUSER_FLAG_PF;
	case VUSER_INSN_ANDN:
	case VUSER_INSN_BLSR ... VUSER_INSN_BZHI:
		return VUSER_FLAG_AF | VUSER_FLAG_PF;
	default:
		return 0;
	}
}

static bool vec_runs_here(const u8 *code, const struct vuser_insn *insn)
{
	u32 i;

	for (i = 0; code[i] == 0x67; i++)
		;
	if (code[i] == 0x62)
		return native_has(NATIVE_AVX512);
	/* the operations that AVX has only with 16 bytes are in AVX2 with 32 */
	if (insn->vex)
		return native_has(NATIVE_AVX2);
	return native_has(NATIVE_SSE4);
}

/* The bytes of the opcode from 0F on: some instructions share an operation. */
static bool has_opcode(const u8 *code, const struct vuser_insn *insn,
		       const char *opcode)
{
	return memmem(code, insn->len, opcode, strlen(opcode));
}

bool emulate_runs_here(const u8 *code, const struct vuser_insn *insn)
{
	switch (insn->op) {
	case VUSER_INSN_X87:
		/* test-insn-x87 runs these */
		return false;
	case VUSER_INSN_VEC:
		return vec_runs_here(code, insn);
	case VUSER_INSN_MOVBE:
		return native_has(NATIVE_MOVBE);
	case VUSER_INSN_POPCNT:
		return native_has(NATIVE_POPCNT);
	case VUSER_INSN_LZCNT:
		return native_has(NATIVE_LZCNT);
	case VUSER_INSN_CRC32:
		return native_has(NATIVE_SSE4);
	case VUSER_INSN_ADCX:
	case VUSER_INSN_ADOX:
		return native_has(NATIVE_ADX);
	case VUSER_INSN_TZCNT:
	case VUSER_INSN_ANDN ... VUSER_INSN_BLSI:
		return native_has(NATIVE_BMI1);
	case VUSER_INSN_BZHI ... VUSER_INSN_SHRX:
		return native_has(NATIVE_BMI2);
	case VUSER_INSN_CMPXCHG_PAIR:
		return insn->size == 8 || native_has(NATIVE_CX16);
	case VUSER_INSN_SHLD:
	case VUSER_INSN_SHRD:
		/* the result is undefined, not only flags */
		return insn->bit <= 8 * insn->size;
	case VUSER_INSN_MOVDIR64B:
		return native_has(NATIVE_MOVDIR64B);
	case VUSER_INSN_ENQCMD:
		/* needs a PASID, and a device that answers */
		return false;
	case VUSER_INSN_NOP:
		return native_has(NATIVE_CLFLUSHOPT) && native_has(NATIVE_CLWB);
	case VUSER_INSN_MOV:
		return native_has(NATIVE_MOVDIRI) ||
		       !has_opcode(code, insn, "\x0f\x38\xf9");
	default:
		return true;
	}
}
