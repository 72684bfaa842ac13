// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz the instruction decoder and the emulation.  The decoder must not read
 * beyond the end.  An accepted instruction must be as Zydis reports it.  A
 * refused instruction must not be in supported[].  The emulation must do the same
 * as the processor, with the same registers and memory.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../insn/emulate.h"
#include "../insn/reference.h"
#include "fuzz.h"
#include "x86/decode.h"

/* Signals that native.c handles while it runs, and the sanitizers otherwise. */
static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
#define NR_SIGNALS (sizeof(signals) / sizeof(signals[0]))

static struct sigaction native_actions[NR_SIGNALS];
static struct sigaction other_actions[NR_SIGNALS];
static bool has_native;

static u8 *const arena = (u8 *)NATIVE_ARENA;
static u8 fresh[NATIVE_ARENA_SIZE];

static void set_signals(const struct sigaction *actions, struct sigaction *old)
{
	size_t i;

	for (i = 0; i < NR_SIGNALS; i++)
		sigaction(signals[i], actions ? &actions[i] : NULL,
			  old ? &old[i] : NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	u64 val = 20261121;
	size_t i;

	(void)argc;
	(void)argv;
	reference_init();
	set_signals(NULL, other_actions);
	has_native = !native_init();
	set_signals(other_actions, native_actions);
	for (i = 0; i < sizeof(fresh); i++) {
		val = val * 6364136223846793005 + 1442695040888963407;
		fresh[i] = val >> 56;
	}
	return 0;
}

static void print_code(const u8 *code, const char *what)
{
	int i;

	fprintf(stderr, "%s:", what);
	for (i = 0; i < VUSER_INSN_MAX; i++)
		fprintf(stderr, " %02x", code[i]);
	fprintf(stderr, "\n");
}

/* Check that exactly the bytes of the instruction are needed. */
static void check_lengths(const struct vuser_insn *insn, const u8 *code,
			  const struct vuser_regs *regs)
{
	u8 *exact = fuzz_copy(code, insn->len);
	struct vuser_insn other;

	FUZZ_CHECK(!vuser_decode(&other, exact, insn->len, regs));
	FUZZ_CHECK(!memcmp(&other, insn, sizeof(other)));
	free(exact);
	exact = fuzz_copy(code, insn->len - 1);
	FUZZ_CHECK(vuser_decode(&other, exact, insn->len - 1, regs));
	free(exact);
}

/* The size is a power of two, or that of an x87 register. */
static bool size_valid(const struct vuser_insn *insn)
{
	if (insn->op == VUSER_INSN_X87 && insn->size == 10)
		return true;
	return insn->size && insn->size <= 64 &&
	       !(insn->size & (insn->size - 1));
}

static void check_accepted(const struct vuser_insn *insn, const u8 *code,
			   const struct vuser_regs *regs)
{
	struct reference ref;
	const char *wrong;

	FUZZ_CHECK(insn->len && insn->len <= VUSER_INSN_MAX);
	FUZZ_CHECK(size_valid(insn));
	FUZZ_CHECK(insn->op >= VUSER_INSN_NOP || insn->size <= 8);
	FUZZ_CHECK(insn->vec_len <= 64 && insn->vec_at + insn->size <= 64);
	FUZZ_CHECK(insn->load || insn->store);
	FUZZ_CHECK(insn->reg <
		   (insn->op == VUSER_INSN_VEC ? NATIVE_VECS : VUSER_NR_GPRS));
	wrong = reference_look_up(&ref, code) ?
			reference_difference(insn, regs, &ref) :
			"not an instruction";
	if (wrong)
		print_code(code, wrong);
	FUZZ_CHECK(!wrong);
	check_lengths(insn, code, regs);
}

static void check_refused(const u8 *code, const struct vuser_regs *regs)
{
	struct reference ref;

	if (!reference_look_up(&ref, code) || ref.supported < 0 ||
	    reference_may_refuse(regs, &ref))
		return;
	print_code(code, "refused");
	FUZZ_CHECK(!"the decoder should accept it");
}

/* Change a register so that the access is within the memory. */
static bool aim(struct vuser_insn *insn, const u8 *code,
		struct vuser_regs *regs)
{
	u64 target = NATIVE_ARENA + (NATIVE_ARENA_SIZE / 2) +
		     insn->addr % (NATIVE_ARENA_SIZE / 4) / 16 * 16;
	int i;

	for (i = 0; i < VUSER_NR_GPRS; i++) {
		u64 old = regs->gpr[i];

		regs->gpr[i] += target - insn->addr;
		if (!vuser_decode(insn, code, VUSER_INSN_MAX, regs) &&
		    emulate_in_arena(insn->addr, insn->size))
			return true;
		regs->gpr[i] = old;
		if (vuser_decode(insn, code, VUSER_INSN_MAX, regs))
			return false;
	}
	return false;
}

/* The string instructions with two operands in memory have a second address. */
static void aim_source(const struct vuser_insn *insn, struct vuser_regs *regs)
{
	if (insn->op == VUSER_INSN_PUSH || insn->op == VUSER_INSN_POP)
		regs->gpr[VUSER_SP] = NATIVE_ARENA + NATIVE_ARENA_SIZE / 2;
	if (insn->op != VUSER_INSN_MOVS && insn->op != VUSER_INSN_CMPS)
		return;
	regs->gpr[VUSER_SI] = NATIVE_ARENA + NATIVE_ARENA_SIZE / 2 +
			      regs->gpr[VUSER_SI] % 1024;
}

static void print_difference(const u8 *code, const struct native_state *native,
			     const struct native_state *emulated, int signal)
{
	u32 i;

	print_code(code, "the processor differs");
	fprintf(stderr, "signal %d, flags %llx and %llx\n", signal,
		(unsigned long long)native->regs.flags,
		(unsigned long long)emulated->regs.flags);
	for (i = 0; i < VUSER_NR_GPRS; i++)
		if (native->regs.gpr[i] != emulated->regs.gpr[i])
			fprintf(stderr, "r%u: %llx and %llx\n", i,
				(unsigned long long)native->regs.gpr[i],
				(unsigned long long)emulated->regs.gpr[i]);
}

static int run(const u8 *code, u32 len, struct native_state *state)
{
	int signal;

	set_signals(native_actions, NULL);
	signal = native_run(code, len, state);
	set_signals(other_actions, NULL);
	return signal;
}

static void compare(const struct vuser_insn *insn, const u8 *code,
		    const struct native_state *before)
{
	struct native_state native = *before, emulated = *before;
	int signal;

	memcpy(arena, fresh, sizeof(fresh));
	memcpy(emulate_memory, fresh, sizeof(fresh));
	if (!emulate(code, &emulated))
		return;
	signal = run(code, insn->len, &native);
	if (!signal && !memcmp(arena, emulate_memory, sizeof(fresh)) &&
	    !memcmp(native.regs.gpr, emulated.regs.gpr,
		    sizeof(native.regs.gpr)) &&
	    !((native.regs.flags ^ emulated.regs.flags) &
	      ~emulate_undefined_flags(insn)) &&
	    !memcmp(native.vec, emulated.vec, sizeof(native.vec)) &&
	    !memcmp(native.mask, emulated.mask, sizeof(native.mask)))
		return;
	print_difference(code, &native, &emulated, signal);
	FUZZ_CHECK(!"the processor does the same");
}

static void check_run(struct vuser_insn *insn, const u8 *code,
		      struct native_state *state)
{
	if (!has_native || !emulate_runs_here(code, insn))
		return;
	state->regs.ip = native_ip();
	state->regs.flags = 0x202 | (state->regs.flags &
				     (VUSER_FLAGS_STATUS | VUSER_FLAG_DF));
	if (insn->rep)
		state->regs.gpr[VUSER_CX] = 1 + state->regs.gpr[VUSER_CX] % 8;
	aim_source(insn, &state->regs);
	if (vuser_decode(insn, code, VUSER_INSN_MAX, &state->regs))
		return;
	if (!aim(insn, code, &state->regs) || !emulate_runs_here(code, insn))
		return;
	compare(insn, code, state);
}

/* Input: code, registers, flags, seed of the vector registers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	u8 code[VUSER_INSN_MAX] = { 0 };
	struct native_state state;
	struct vuser_insn insn;
	size_t len = sizeof(code);
	const u8 *bytes = fuzz_bytes(&in, &len);
	u8 *exact = fuzz_copy(bytes, len);
	u64 val;
	u32 i;

	memcpy(code, bytes, len);
	for (i = 0; i < VUSER_NR_GPRS; i++)
		state.regs.gpr[i] = fuzz_u64(&in);
	state.regs.ip = fuzz_u64(&in);
	state.regs.flags = fuzz_u64(&in);
	val = fuzz_u64(&in);
	for (i = 0; i < NATIVE_VECS * 8 + NATIVE_MASKS; i++) {
		val = val * 6364136223846793005 + 1442695040888963407;
		if (i < NATIVE_VECS * 8)
			state.vec[i / 8].word[i % 8] = val;
		else
			state.mask[i - NATIVE_VECS * 8] = val;
	}

	if (!vuser_decode(&insn, exact, len, &state.regs))
		FUZZ_CHECK(insn.len <= len);
	free(exact);
	if (vuser_decode(&insn, code, VUSER_INSN_MAX, &state.regs)) {
		check_refused(code, &state.regs);
		return 0;
	}
	check_accepted(&insn, code, &state.regs);
	check_run(&insn, code, &state);
	return 0;
}
