// SPDX-License-Identifier: GPL-2.0
/*
 * Run each instruction that the decoder accepts on this processor and in the
 * emulation, from the same registers, flags and memory, and compare the
 * results.
 */
#include <stdio.h>
#include <string.h>

#include "emulate.h"
#include "forms.h"
#include "x86/decode.h"
#include "x86/emulate_vec.h"
#include "x86/insn.h"
#include "native.h"
#include "../tap.h"

/* Vector instructions are counted by their vector operation. */
#define NR_OPS (VUSER_INSN_VEC + VUSER_VEC_TERNLOG + 1)

/* The middle of the memory, so that bits far from the address are in it, too. */
#define TARGET_FIRST (NATIVE_ARENA + NATIVE_ARENA_SIZE / 2 - 2048)

static const char *const op_names[NR_OPS] = {
	[VUSER_INSN_ADD] = "add",
	[VUSER_INSN_OR] = "or",
	[VUSER_INSN_ADC] = "adc",
	[VUSER_INSN_SBB] = "sbb",
	[VUSER_INSN_AND] = "and",
	[VUSER_INSN_SUB] = "sub",
	[VUSER_INSN_XOR] = "xor",
	[VUSER_INSN_CMP] = "cmp",
	[VUSER_INSN_TEST] = "test",
	[VUSER_INSN_MOV] = "mov",
	[VUSER_INSN_MOVBE] = "movbe",
	[VUSER_INSN_INC] = "inc",
	[VUSER_INSN_DEC] = "dec",
	[VUSER_INSN_NOT] = "not",
	[VUSER_INSN_NEG] = "neg",
	[VUSER_INSN_BT] = "bt",
	[VUSER_INSN_BTS] = "bts",
	[VUSER_INSN_BTR] = "btr",
	[VUSER_INSN_BTC] = "btc",
	[VUSER_INSN_POPCNT] = "popcnt",
	[VUSER_INSN_XCHG] = "xchg",
	[VUSER_INSN_XADD] = "xadd",
	[VUSER_INSN_CMPXCHG] = "cmpxchg",
	[VUSER_INSN_ROL] = "rol",
	[VUSER_INSN_ROR] = "ror",
	[VUSER_INSN_RCL] = "rcl",
	[VUSER_INSN_RCR] = "rcr",
	[VUSER_INSN_SHL] = "shl",
	[VUSER_INSN_SHR] = "shr",
	[VUSER_INSN_SAR] = "sar",
	[VUSER_INSN_SHLD] = "shld",
	[VUSER_INSN_SHRD] = "shrd",
	[VUSER_INSN_IMUL] = "imul",
	[VUSER_INSN_MUL_WIDE] = "mul, imul with one operand",
	[VUSER_INSN_BSF] = "bsf",
	[VUSER_INSN_BSR] = "bsr",
	[VUSER_INSN_TZCNT] = "tzcnt",
	[VUSER_INSN_LZCNT] = "lzcnt",
	[VUSER_INSN_CMOV] = "cmov",
	[VUSER_INSN_CRC32] = "crc32",
	[VUSER_INSN_ADCX] = "adcx",
	[VUSER_INSN_ADOX] = "adox",
	[VUSER_INSN_ANDN] = "andn",
	[VUSER_INSN_BEXTR] = "bextr",
	[VUSER_INSN_BLSR] = "blsr",
	[VUSER_INSN_BLSMSK] = "blsmsk",
	[VUSER_INSN_BLSI] = "blsi",
	[VUSER_INSN_BZHI] = "bzhi",
	[VUSER_INSN_PDEP] = "pdep",
	[VUSER_INSN_PEXT] = "pext",
	[VUSER_INSN_MULX] = "mulx",
	[VUSER_INSN_RORX] = "rorx",
	[VUSER_INSN_SARX] = "sarx",
	[VUSER_INSN_SHLX] = "shlx",
	[VUSER_INSN_SHRX] = "shrx",
	[VUSER_INSN_STOS] = "stos",
	[VUSER_INSN_LODS] = "lods",
	[VUSER_INSN_SCAS] = "scas",
	[VUSER_INSN_NOP] = "flush",
	[VUSER_INSN_CMPXCHG_PAIR] = "cmpxchg8b, cmpxchg16b",
	[VUSER_INSN_CMPS] = "cmps",
	[VUSER_INSN_MOVS] = "movs",
	[VUSER_INSN_POP] = "pop",
	[VUSER_INSN_PUSH] = "push",
	[VUSER_INSN_MOVDIR64B] = "movdir64b",
	[VUSER_INSN_ENQCMD] = "enqcmd",
	[VUSER_INSN_VEC + VUSER_VEC_MOVE] = "vector move",
	[VUSER_INSN_VEC + VUSER_VEC_BROADCAST] = "vector broadcast",
	[VUSER_INSN_VEC + VUSER_VEC_INSERT] = "vector insert",
	[VUSER_INSN_VEC + VUSER_VEC_MASKMOV] = "vector maskmov",
	[VUSER_INSN_VEC + VUSER_VEC_TEST] = "vector test",
	[VUSER_INSN_VEC + VUSER_VEC_AND] = "vector and",
	[VUSER_INSN_VEC + VUSER_VEC_ANDN] = "vector andn",
	[VUSER_INSN_VEC + VUSER_VEC_OR] = "vector or",
	[VUSER_INSN_VEC + VUSER_VEC_XOR] = "vector xor",
	[VUSER_INSN_VEC + VUSER_VEC_ADD] = "vector add",
	[VUSER_INSN_VEC + VUSER_VEC_SUB] = "vector sub",
	[VUSER_INSN_VEC + VUSER_VEC_ADDUS] = "vector addus",
	[VUSER_INSN_VEC + VUSER_VEC_SUBUS] = "vector subus",
	[VUSER_INSN_VEC + VUSER_VEC_MINU] = "vector minu",
	[VUSER_INSN_VEC + VUSER_VEC_MAXU] = "vector maxu",
	[VUSER_INSN_VEC + VUSER_VEC_MINS] = "vector mins",
	[VUSER_INSN_VEC + VUSER_VEC_MAXS] = "vector maxs",
	[VUSER_INSN_VEC + VUSER_VEC_CMPEQ] = "vector cmpeq",
	[VUSER_INSN_VEC + VUSER_VEC_CMPGT] = "vector cmpgt",
	[VUSER_INSN_VEC + VUSER_VEC_CMPU] = "vector cmpu",
	[VUSER_INSN_VEC + VUSER_VEC_CMPS] = "vector cmps",
	[VUSER_INSN_VEC + VUSER_VEC_TESTM] = "vector testm",
	[VUSER_INSN_VEC + VUSER_VEC_TESTNM] = "vector testnm",
	[VUSER_INSN_VEC + VUSER_VEC_TERNLOG] = "vector ternlog",
};

static u8 *const arena = (u8 *)NATIVE_ARENA;

static struct {
	unsigned long runs;
	unsigned long mismatches;
	unsigned long lacks; /* the processor does not have the instruction */
} counts[NR_OPS];
static unsigned long elsewhere;

static u32 op_index(const struct vuser_insn *insn)
{
	return insn->op == VUSER_INSN_VEC ? (u32)VUSER_INSN_VEC + insn->vec_op :
					    (u32)insn->op;
}

/* The parts of an instruction with a ModRM byte. */
struct address {
	int base; /* register number, or -1 */
	int index;
	u32 scale;
	u32 disp_at;
	u32 disp_size;
	u32 disp_unit; /* EVEX: a displacement of one byte counts accesses */
	bool ip_relative;
};

static void parse_address(const struct form *form, u32 size, struct address *a)
{
	const u8 *p = &form->bytes[form->modrm];
	u8 mod = p[0] >> 6, rm = p[0] & 7;
	u8 rex = form->rex;

	*a = (struct address) { .base = -1, .index = -1 };
	a->disp_at = form->modrm + 1;
	a->disp_size = mod == 1 ? 1 : mod == 2 ? 4 : 0;
	a->disp_unit = form->bytes[0] == 0x62 && mod == 1 ? size : 1;
	if (rm == 4) {
		a->disp_at++;
		a->index = (p[1] >> 3 & 7) | (rex & 2 ? 8 : 0);
		if (a->index == 4)
			a->index = -1;
		a->scale = p[1] >> 6;
		a->base = (p[1] & 7) | (rex & 1 ? 8 : 0);
		if ((p[1] & 7) == 5 && mod == 0)
			a->base = -1;
	} else if (rm != 5 || mod != 0) {
		a->base = rm | (rex & 1 ? 8 : 0);
	} else {
		a->ip_relative = true;
	}
	if (mod == 0 && a->base < 0)
		a->disp_size = 4;
}

static u64 displacement(const struct form *form, const struct address *a)
{
	u64 disp = 0;

	if (!a->disp_size)
		return 0;
	memcpy(&disp, &form->bytes[a->disp_at], a->disp_size);
	return vuser_insn_sext(disp, a->disp_size) * a->disp_unit;
}

static void put_displacement(struct form *form, const struct address *a,
			     u64 disp)
{
	memcpy(&form->bytes[a->disp_at], &disp, a->disp_size);
}

/* Change registers or the displacement so that the access is at @target. */
static void aim(struct form *form, const struct vuser_insn *insn,
		struct vuser_regs *regs, u32 len, bool addr32, u64 target)
{
	u64 upper = addr32 ? form_random() << 32 : 0;
	struct address a;
	u64 *gpr = regs->gpr;
	u64 index = 0;

	parse_address(form, insn->size, &a);
	if (a.index >= 0) {
		if (a.base < 0)
			gpr[a.index] = form_random() % 4096;
		index = gpr[a.index] << a.scale;
	}
	if (a.ip_relative)
		put_displacement(form, &a, target - regs->ip - len);
	else if (a.base < 0)
		put_displacement(form, &a, target - index);
	else if (a.base == a.index)
		gpr[a.base] = upper + (u32)((target - displacement(form, &a)) /
					    (1 + (1u << a.scale)));
	else
		gpr[a.base] = (addr32 ? upper : 0) +
			      (addr32 ?
				       (u32)(target - index -
					     displacement(form, &a)) :
				       target - index - displacement(form, &a));
}

static u64 random_value(void)
{
	static const u64 edges[] = {
		0,
		1,
		0x7f,
		0x80,
		0xff,
		0x7fff,
		0x8000,
		0xffff,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0x7fffffffffffffff,
		0x8000000000000000,
		0xffffffffffffffff,
	};
	u64 random = form_random();

	if (random & 1)
		return form_random();
	return edges[(random >> 8) % (sizeof(edges) / sizeof(edges[0]))];
}

/*
 * Only one vector is new each time: filling all of them would take most of the
 * time.
 */
static void random_state(struct native_state *state)
{
	static struct native_vec vec[NATIVE_VECS];
	static u32 turn;
	u32 i;

	for (i = 0; i < VUSER_NR_GPRS; i++)
		state->regs.gpr[i] = random_value();
	form_fill((u8 *)&vec[turn++ % NATIVE_VECS], sizeof(vec[0]));
	memcpy(state->vec, vec, sizeof(state->vec));
	for (i = 0; i < NATIVE_MASKS; i++)
		state->mask[i] = form_random();
	state->regs.ip = native_ip();
	state->regs.flags =
		0x202 | (form_random() & (VUSER_FLAGS_STATUS | VUSER_FLAG_DF));
}

/* Make some of the comparisons find equal elements. */
static void prepare_string(const struct vuser_insn *insn,
			   struct vuser_regs *regs, u64 target)
{
	bool equal = form_random() & 1;

	regs->gpr[VUSER_DI] = target;
	regs->gpr[VUSER_SI] = target ^ (form_random() & 0x3ff);
	if (insn->op == VUSER_INSN_LODS ||
	    (insn->op == VUSER_INSN_CMPS && equal))
		regs->gpr[VUSER_SI] = target;
	if (insn->op == VUSER_INSN_SCAS && equal)
		memcpy(&regs->gpr[VUSER_AX], emulate_at(target), insn->size);
	if (insn->rep)
		regs->gpr[VUSER_CX] = 1 + form_random() % 5;
	if (insn->addr_size == 4) {
		regs->gpr[VUSER_SI] |= form_random() << 32;
		regs->gpr[VUSER_DI] |= form_random() << 32;
		regs->gpr[VUSER_CX] |= form_random() << 32;
	}
}

/* Prepare the registers that are not part of the address. */
static void prepare_operands(const struct vuser_insn *insn,
			     struct vuser_regs *regs, u64 target)
{
	u64 low = (u64)(form_random() % 60000) - 30000;

	switch (insn->op) {
	case VUSER_INSN_BT ... VUSER_INSN_BTC:
		/* immediates have no register */
		if (insn->reg_size == 4)
			regs->gpr[insn->reg] = form_random() << 32 | (u32)low;
		else if (insn->reg_size == 8)
			regs->gpr[insn->reg] = low;
		break;
	case VUSER_INSN_MOVS:
	case VUSER_INSN_CMPS:
	case VUSER_INSN_STOS:
	case VUSER_INSN_LODS:
	case VUSER_INSN_SCAS:
		prepare_string(insn, regs, target);
		break;
	case VUSER_INSN_PUSH:
	case VUSER_INSN_POP:
		regs->gpr[VUSER_SP] = target ^ (form_random() & 0x3ff);
		break;
	default:
		break;
	}
}

static bool is_moffs(const struct form *form)
{
	u8 opcode = form->bytes[form->modrm - 1];

	return opcode >= 0xa0 && opcode <= 0xa3 &&
	       (form->modrm < 2 || form->bytes[form->modrm - 2] != 0x0f);
}

/* xlat has no ModRM byte. */
static bool is_xlat(const struct form *form)
{
	return form->bytes[form->modrm - 1] == 0xd7 &&
	       (form->modrm < 2 || form->bytes[form->modrm - 2] != 0x0f) &&
	       form->bytes[0] != 0x62 && form->bytes[0] != 0xc4 &&
	       form->bytes[0] != 0xc5;
}

static bool is_string(const struct vuser_insn *insn)
{
	return insn->op == VUSER_INSN_MOVS || insn->op == VUSER_INSN_CMPS ||
	       (insn->op >= VUSER_INSN_STOS && insn->op <= VUSER_INSN_SCAS);
}

/* Make half of the comparisons find an equal value. */
static void prepare_compare(const struct vuser_insn *insn,
			    struct vuser_regs *regs)
{
	if (insn->op == VUSER_INSN_CMPXCHG && form_random() & 1)
		memcpy(&regs->gpr[VUSER_AX], emulate_at(insn->addr),
		       insn->size);
	if (insn->op == VUSER_INSN_CMPXCHG_PAIR && form_random() & 1) {
		u32 half = insn->size / 2;

		memcpy(&regs->gpr[VUSER_AX], emulate_at(insn->addr), half);
		memcpy(&regs->gpr[VUSER_DX], emulate_at(insn->addr + half),
		       half);
	}
}

static void show(const struct form *form, const struct vuser_insn *insn,
		 const struct native_state *before,
		 const struct native_state *native,
		 const struct native_state *emulated)
{
	u32 i;

	printf("# %s, size %u, at %llx:", op_names[op_index(insn)], insn->size,
	       (unsigned long long)insn->addr);
	for (i = 0; i < insn->len; i++)
		printf(" %02x", form->bytes[i]);
	printf("\n# flags before %llx, processor %llx, emulation %llx\n",
	       (unsigned long long)before->regs.flags,
	       (unsigned long long)native->regs.flags,
	       (unsigned long long)emulated->regs.flags);
	for (i = 0; i < VUSER_NR_GPRS; i++)
		if (native->regs.gpr[i] != emulated->regs.gpr[i])
			printf("# r%u before %llx, processor %llx, emulation %llx\n",
			       i, (unsigned long long)before->regs.gpr[i],
			       (unsigned long long)native->regs.gpr[i],
			       (unsigned long long)emulated->regs.gpr[i]);
	for (i = 0; i < NATIVE_VECS * VUSER_VEC_WORDS; i++)
		if (native->vec[i / 8].word[i % 8] !=
		    emulated->vec[i / 8].word[i % 8])
			printf("# vec%u word %u before %llx, processor %llx, emulation %llx\n",
			       i / 8, i % 8,
			       (unsigned long long)before->vec[i / 8]
				       .word[i % 8],
			       (unsigned long long)native->vec[i / 8]
				       .word[i % 8],
			       (unsigned long long)emulated->vec[i / 8]
				       .word[i % 8]);
	for (i = 0; i < NATIVE_MASKS; i++)
		if (native->mask[i] != emulated->mask[i])
			printf("# k%u before %llx, processor %llx, emulation %llx\n",
			       i, (unsigned long long)before->mask[i],
			       (unsigned long long)native->mask[i],
			       (unsigned long long)emulated->mask[i]);
	for (i = 0; i < NATIVE_ARENA_SIZE; i++)
		if (arena[i] != emulate_memory[i])
			printf("# memory at %llx: processor %02x, emulation %02x\n",
			       (unsigned long long)NATIVE_ARENA + i, arena[i],
			       emulate_memory[i]);
}

static void compare(const struct form *form, const struct vuser_insn *insn,
		    const struct native_state *before)
{
	struct native_state native = *before, emulated = *before;
	int signal;
	bool same;

	if (!emulate(form->bytes, &emulated)) {
		elsewhere++;
		return;
	}
	signal = native_run(form->bytes, insn->len, &native);
	counts[op_index(insn)].runs++;
	emulated.regs.ip = native.regs.ip;
	same = !signal && !memcmp(arena, emulate_memory, NATIVE_ARENA_SIZE) &&
	       !memcmp(native.regs.gpr, emulated.regs.gpr,
		       sizeof(native.regs.gpr)) &&
	       !((native.regs.flags ^ emulated.regs.flags) &
		 ~emulate_undefined_flags(insn)) &&
	       !memcmp(native.vec, emulated.vec, sizeof(native.vec)) &&
	       !memcmp(native.mask, emulated.mask, sizeof(native.mask));
	if (same)
		return;
	if (!counts[op_index(insn)].mismatches++) {
		if (signal)
			printf("# signal %d\n", signal);
		show(form, insn, before, &native, &emulated);
	}
	memcpy(emulate_memory, arena, NATIVE_ARENA_SIZE);
}

static void try_form(struct form *form)
{
	u64 target = TARGET_FIRST + form_random() % 4096;
	static const struct vuser_regs any = { .gpr = { [VUSER_CX] = 1 } };
	struct native_state state;
	struct vuser_insn insn;
	bool accepted;

	/*
	 * Decode first: most forms are refused, and a random state takes
	 * longer.
	 */
	accepted = !vuser_decode(&insn, form->bytes, VUSER_INSN_MAX, &any);
	if (!accepted && (form->bytes[form->modrm] & 0xc0) == 0xc0)
		return;
	random_state(&state);
	state.regs.gpr[VUSER_CX] |= 1;
	if (accepted && vuser_insn_copies(&insn) && insn.size == 64)
		state.regs.gpr[insn.reg] = target & ~(u64)63;
	if (!accepted ||
	    vuser_decode(&insn, form->bytes, VUSER_INSN_MAX, &state.regs)) {
		/* the address may not have been aligned */
		target &= ~(u64)63;
		aim(form, &insn, &state.regs, form->modrm, false, target);
		if (vuser_decode(&insn, form->bytes, VUSER_INSN_MAX,
				 &state.regs))
			return;
	}
	if (!emulate_runs_here(form->bytes, &insn)) {
		counts[op_index(&insn)].lacks++;
		return;
	}
	if (insn.aligned || (insn.size >= 16 && form_random() & 1))
		target &= ~(u64)(insn.size - 1);
	prepare_operands(&insn, &state.regs, target);
	if (is_moffs(form))
		memcpy(&form->bytes[form->modrm], &target, insn.addr_size);
	else if (is_xlat(form))
		state.regs.gpr[VUSER_BX] =
			target - (u8)state.regs.gpr[VUSER_AX];
	else if (!is_string(&insn))
		aim(form, &insn, &state.regs, insn.len, insn.addr_size == 4,
		    target);
	if (vuser_decode(&insn, form->bytes, VUSER_INSN_MAX, &state.regs) ||
	    !emulate_in_arena(insn.addr, insn.size) ||
	    !emulate_runs_here(form->bytes, &insn)) {
		elsewhere++;
		return;
	}
	prepare_compare(&insn, &state.regs);
	compare(form, &insn, &state);
}

static void report(u32 op)
{
	if (!counts[op].runs && counts[op].lacks) {
		tap_ok(true,
		       "emulated %s equals this processor's # SKIP this processor lacks it",
		       op_names[op]);
		return;
	}
	printf("# %s: %lu runs, %lu mismatches, %lu that the processor lacks\n",
	       op_names[op], counts[op].runs, counts[op].mismatches,
	       counts[op].lacks);
	tap_ok(counts[op].runs > 100 && !counts[op].mismatches,
	       "emulated %s equals this processor's", op_names[op]);
}

int main(void)
{
	static const u8 rexes[] = {
		0, 0x40, 0x41, 0x42, 0x44, 0x48, 0x4b, 0x4f,
	};
	u32 i;

	form_seed(20261120);
	if (native_init()) {
		tap_ok(true,
		       "emulation equals this processor # SKIP addresses below 2 GiB are in use");
		return tap_done();
	}
	for (i = 0; i < NATIVE_ARENA_SIZE; i++)
		emulate_memory[i] = arena[i] = (u8)form_random();
	form_sweep(rexes, sizeof(rexes), try_form);
	form_sweep_vex(try_form);
	form_sweep_evex(try_form);

	for (i = 0; i < NR_OPS; i++)
		if (i != VUSER_INSN_X87) /* see test-insn-x87 */
			report(i);
	printf("# %lu accesses could not be aimed at the memory\n", elsewhere);
	return tap_done();
}
