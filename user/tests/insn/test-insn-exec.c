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
#include "x86/insn.h"
#include "native.h"
#include "../tap.h"

#define NR_OPS (VUSER_INSN_VEC + 1)

/* The middle of the memory, so that bits far from the address are in it, too. */
#define TARGET_FIRST (NATIVE_ARENA + NATIVE_ARENA_SIZE / 2 - 2048)

static const char *const op_names[NR_OPS] = {
	[VUSER_INSN_ADD] = "add",	  [VUSER_INSN_OR] = "or",
	[VUSER_INSN_ADC] = "adc",	  [VUSER_INSN_SBB] = "sbb",
	[VUSER_INSN_AND] = "and",	  [VUSER_INSN_SUB] = "sub",
	[VUSER_INSN_XOR] = "xor",	  [VUSER_INSN_CMP] = "cmp",
	[VUSER_INSN_TEST] = "test",	  [VUSER_INSN_MOV] = "mov",
	[VUSER_INSN_MOVBE] = "movbe",	  [VUSER_INSN_INC] = "inc",
	[VUSER_INSN_DEC] = "dec",	  [VUSER_INSN_NOT] = "not",
	[VUSER_INSN_NEG] = "neg",	  [VUSER_INSN_BT] = "bt",
	[VUSER_INSN_BTS] = "bts",	  [VUSER_INSN_BTR] = "btr",
	[VUSER_INSN_BTC] = "btc",	  [VUSER_INSN_POPCNT] = "popcnt",
	[VUSER_INSN_XCHG] = "xchg",	  [VUSER_INSN_XADD] = "xadd",
	[VUSER_INSN_SHL] = "shl",	  [VUSER_INSN_SHR] = "shr",
	[VUSER_INSN_SAR] = "sar",	  [VUSER_INSN_IMUL] = "imul",
	[VUSER_INSN_BSF] = "bsf",	  [VUSER_INSN_BSR] = "bsr",
	[VUSER_INSN_CMPXCHG] = "cmpxchg", [VUSER_INSN_MOVS] = "movs",
	[VUSER_INSN_STOS] = "stos",	  [VUSER_INSN_VEC] = "vec",
};

static u8 *const arena = (u8 *)NATIVE_ARENA;

static struct {
	unsigned long runs;
	unsigned long mismatches;
} counts[NR_OPS];
static unsigned long elsewhere;

/* The parts of an instruction with a ModRM byte. */
struct address {
	int base; /* register number, or -1 */
	int index;
	u32 scale;
	u32 disp_at;
	u32 disp_size;
	bool ip_relative;
};

static void parse_address(const struct form *form, struct address *a)
{
	const u8 *p = &form->bytes[form->modrm];
	u8 mod = p[0] >> 6, rm = p[0] & 7;
	u8 rex = form->rex;

	*a = (struct address) { .base = -1, .index = -1 };
	a->disp_at = form->modrm + 1;
	a->disp_size = mod == 1 ? 1 : mod == 2 ? 4 : 0;
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
	return vuser_insn_sext(disp, a->disp_size);
}

static void put_displacement(struct form *form, const struct address *a,
			     u64 disp)
{
	memcpy(&form->bytes[a->disp_at], &disp, a->disp_size);
}

/* Change registers or the displacement so that the access is at @target. */
static void aim(struct form *form, struct vuser_regs *regs, u32 len,
		bool addr32, u64 target)
{
	u64 upper = addr32 ? form_random() << 32 : 0;
	struct address a;
	u64 *gpr = regs->gpr;
	u64 index = 0;

	parse_address(form, &a);
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
	static struct native_vec vec[16];
	static u32 turn;
	u32 i;

	for (i = 0; i < VUSER_NR_GPRS; i++)
		state->regs.gpr[i] = random_value();
	form_fill((u8 *)&vec[turn++ % 16], sizeof(vec[0]));
	memcpy(state->vec, vec, sizeof(state->vec));
	state->regs.ip = native_ip();
	state->regs.flags =
		0x202 | (form_random() & (VUSER_FLAGS_STATUS | VUSER_FLAG_DF));
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
		regs->gpr[VUSER_SI] = target ^ (form_random() & 0x3ff);
		/* fall through */
	case VUSER_INSN_STOS:
		regs->gpr[VUSER_DI] = target;
		if (insn->rep)
			regs->gpr[VUSER_CX] = 1 + form_random() % 5;
		if (insn->addr_size == 4) {
			regs->gpr[VUSER_SI] |= form_random() << 32;
			regs->gpr[VUSER_DI] |= form_random() << 32;
			regs->gpr[VUSER_CX] |= form_random() << 32;
		}
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

/* Make half of the comparisons find an equal value. */
static void prepare_compare(const struct vuser_insn *insn,
			    struct vuser_regs *regs)
{
	if (insn->op == VUSER_INSN_CMPXCHG && form_random() & 1)
		memcpy(&regs->gpr[VUSER_AX], emulate_at(insn->addr),
		       insn->size);
}

static void show(const struct form *form, const struct vuser_insn *insn,
		 const struct native_state *before,
		 const struct native_state *native,
		 const struct native_state *emulated)
{
	u32 i;

	printf("# %s, size %u, at %llx:", op_names[insn->op], insn->size,
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
	counts[insn->op].runs++;
	emulated.regs.ip = native.regs.ip;
	same = !signal && !memcmp(arena, emulate_memory, NATIVE_ARENA_SIZE) &&
	       !memcmp(native.regs.gpr, emulated.regs.gpr,
		       sizeof(native.regs.gpr)) &&
	       !((native.regs.flags ^ emulated.regs.flags) &
		 ~emulate_undefined_flags(insn)) &&
	       !memcmp(native.vec, emulated.vec, sizeof(native.vec));
	if (same)
		return;
	if (!counts[insn->op].mismatches++) {
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
	if (!accepted ||
	    vuser_decode(&insn, form->bytes, VUSER_INSN_MAX, &state.regs)) {
		/* the address may not have been aligned */
		target &= ~(u64)15;
		aim(form, &state.regs, form->modrm, false, target);
		if (vuser_decode(&insn, form->bytes, VUSER_INSN_MAX,
				 &state.regs))
			return;
	}
	if (!emulate_runs_here(form->bytes, &insn))
		return;
	if (insn.size == 16)
		target &= ~(u64)15;
	prepare_operands(&insn, &state.regs, target);
	if (is_moffs(form))
		memcpy(&form->bytes[form->modrm], &target, insn.addr_size);
	else if (insn.op != VUSER_INSN_MOVS && insn.op != VUSER_INSN_STOS)
		aim(form, &state.regs, insn.len, insn.addr_size == 4, target);
	if (vuser_decode(&insn, form->bytes, VUSER_INSN_MAX, &state.regs) ||
	    !emulate_in_arena(insn.addr, insn.size)) {
		elsewhere++;
		return;
	}
	prepare_compare(&insn, &state.regs);
	compare(form, &insn, &state);
}

static void report(enum vuser_insn_op op)
{
	if ((op == VUSER_INSN_MOVBE && !native_has_movbe()) ||
	    (op == VUSER_INSN_POPCNT && !native_has_popcnt())) {
		tap_ok(true,
		       "emulated %s equals this processor's # SKIP this processor lacks it",
		       op_names[op]);
		return;
	}
	printf("# %s: %lu runs, %lu mismatches\n", op_names[op],
	       counts[op].runs, counts[op].mismatches);
	tap_ok(counts[op].runs > 500 && !counts[op].mismatches,
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

	for (i = 0; i < NR_OPS; i++)
		report((enum vuser_insn_op)i);
	printf("# %lu accesses could not be aimed at the memory\n", elsewhere);
	return tap_done();
}
