// SPDX-License-Identifier: GPL-2.0
/*
 * Run one instruction on this processor.  Code around it loads all registers
 * from a page at a fixed address, and stores them there afterwards.  The code
 * uses no stack in between, so the stack pointer is a register like the others.
 */
#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "native.h"

/* The page at NATIVE_CONTEXT. */
struct context {
	u64 saved[VUSER_NR_GPRS];
	u64 gpr[VUSER_NR_GPRS];
	u64 flags;
	u64 pad[7];
	u64 mask[NATIVE_MASKS];
	struct native_vec vec[NATIVE_VECS];
};

#define CONTEXT_ADDR(field) \
	((u32)(NATIVE_CONTEXT + offsetof(struct context, field)))

static struct context *const context = (struct context *)NATIVE_CONTEXT;
static u8 *const code_page = (u8 *)NATIVE_CODE;

static u8 after[1024]; /* the code after the instruction */
static u32 after_len;
static u32 before_len;
static bool has_avx, has_avx512;

static sigjmp_buf escape;
static volatile sig_atomic_t running;
static u8 alt_stack[65536];

static u8 *emit(u8 *p, const char *bytes, u32 len)
{
	memcpy(p, bytes, len);
	return p + len;
}

/*
 * Emit ModRM and SIB for an absolute address, with @reg as the other operand.
 */
static u8 *emit_address(u8 *p, u32 reg, u32 addr)
{
	*p++ = (u8)(0x04 | (reg & 7) << 3);
	*p++ = 0x25;
	memcpy(p, &addr, 4);
	return p + 4;
}

static u8 *emit_gprs(u8 *p, u8 opcode, u32 addr)
{
	u32 i;

	for (i = 0; i < VUSER_NR_GPRS; i++) {
		*p++ = i < 8 ? 0x48 : 0x4c;
		*p++ = opcode;
		p = emit_address(p, i, addr + 8 * i);
	}
	return p;
}

static u8 *emit_gpr(u8 *p, u8 opcode, u32 reg, u32 addr)
{
	*p++ = reg < 8 ? 0x48 : 0x4c;
	*p++ = opcode;
	return emit_address(p, reg, addr);
}

/* Emit EVEX vmovups of 64 bytes. */
static u8 *emit_zmm(u8 *p, u8 opcode, u32 reg)
{
	*p++ = 0x62;
	*p++ = (u8)(0x61 | (reg & 8 ? 0 : 0x80) | (reg & 16 ? 0 : 0x10));
	*p++ = 0x7c;
	*p++ = 0x48;
	*p++ = opcode;
	return emit_address(p, reg, CONTEXT_ADDR(vec) + 64 * reg);
}

/* Emit movups, or vmovups of 32 bytes. */
static u8 *emit_ymm(u8 *p, u8 opcode, u32 reg)
{
	if (has_avx) {
		*p++ = 0xc5;
		*p++ = reg < 8 ? 0xfc : 0x7c;
	} else {
		if (reg >= 8)
			*p++ = 0x44;
		*p++ = 0x0f;
	}
	*p++ = opcode;
	return emit_address(p, reg, CONTEXT_ADDR(vec) + 64 * reg);
}

/* Emit moves of all vector and mask registers; @opcode 10 loads, 11 stores. */
static u8 *emit_vecs(u8 *p, u8 opcode)
{
	u32 i;

	for (i = 0; i < (has_avx512 ? 32 : 16); i++)
		p = has_avx512 ? emit_zmm(p, opcode, i) :
				 emit_ymm(p, opcode, i);
	for (i = 0; has_avx512 && i < NATIVE_MASKS; i++) {
		/* kmovq */
		p = emit(p, "\xc4\xe1\xf8", 3);
		*p++ = opcode == 0x10 ? 0x90 : 0x91;
		p = emit_address(p, i, CONTEXT_ADDR(mask) + 8 * i);
	}
	return p;
}

static void build(void)
{
	u8 *p = code_page;

	p = emit_gprs(p, 0x89, CONTEXT_ADDR(saved));
	p = emit_vecs(p, 0x10);
	p = emit(p, "\xff", 1); /* push flags */
	p = emit_address(p, 6, CONTEXT_ADDR(flags));
	p = emit(p, "\x9d", 1); /* popfq */
	p = emit_gprs(p, 0x8b, CONTEXT_ADDR(gpr));
	before_len = (u32)(p - code_page);

	p = after;
	p = emit_gprs(p, 0x89, CONTEXT_ADDR(gpr));
	p = emit_gpr(p, 0x8b, VUSER_SP, CONTEXT_ADDR(saved) + 8 * VUSER_SP);
	p = emit(p, "\x9c\x8f", 2); /* pushfq, pop */
	p = emit_address(p, 0, CONTEXT_ADDR(flags));
	p = emit(p, "\xfc", 1); /* cld */
	p = emit_vecs(p, 0x11);
	if (has_avx)
		p = emit(p, "\xc5\xf8\x77", 3); /* vzeroupper */
	p = emit_gprs(p, 0x8b, CONTEXT_ADDR(saved));
	p = emit(p, "\xc3", 1); /* ret */
	after_len = (u32)(p - after);
}

static void on_signal(int signal)
{
	if (running)
		siglongjmp(escape, signal);
	_exit(128 + signal);
}

static int map_at(u64 addr, u64 size, int prot)
{
	void *p = mmap((void *)addr, size, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		       0);

	return p == (void *)addr ? 0 : -1;
}

/* Return 0, or -1 if the addresses are in use. */
int native_init(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE,
				       SIGTRAP };
	stack_t stack = { .ss_sp = alt_stack, .ss_size = sizeof(alt_stack) };
	struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = SA_ONSTACK | SA_NODEFER,
	};
	size_t i;

	if (map_at(NATIVE_CONTEXT, 4096, PROT_READ | PROT_WRITE) ||
	    map_at(NATIVE_ARENA, NATIVE_ARENA_SIZE, PROT_READ | PROT_WRITE) ||
	    map_at(NATIVE_CODE, 8192, PROT_READ | PROT_WRITE | PROT_EXEC))
		return -1;
	if (sigaltstack(&stack, NULL))
		return -1;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &action, NULL))
			return -1;
	has_avx = native_has(NATIVE_AVX);
	has_avx512 = native_has(NATIVE_AVX512);
	build();
	return 0;
}

/* Return the address of the instruction. */
u64 native_ip(void)
{
	return NATIVE_CODE + before_len;
}

/* Return 0, or the signal that the instruction raised. */
int native_run(const u8 *code, u32 len, struct native_state *state)
{
	void (*run)(void);
	int signal;

	memcpy(context->gpr, state->regs.gpr, sizeof(context->gpr));
	memcpy(context->vec, state->vec, sizeof(context->vec));
	memcpy(context->mask, state->mask, sizeof(context->mask));
	context->flags = state->regs.flags;
	memcpy(code_page + before_len, code, len);
	memcpy(code_page + before_len + len, after, after_len);

	signal = sigsetjmp(escape, 0);
	if (signal) {
		running = false;
		return signal;
	}
	*(void **)&run = code_page;
	running = true;
	run();
	running = false;

	memcpy(state->regs.gpr, context->gpr, sizeof(context->gpr));
	memcpy(state->mask, context->mask, sizeof(context->mask));
	memcpy(state->vec, context->vec, sizeof(context->vec));
	state->regs.flags = context->flags;
	return 0;
}

static bool cpuid_bit(u32 leaf, u32 reg, u32 bit)
{
	u32 regs[4];

	if (!__get_cpuid_count(leaf, 0, &regs[0], &regs[1], &regs[2], &regs[3]))
		return false;
	return regs[reg] >> bit & 1;
}

static bool look_up(enum native_feature feature)
{
	switch (feature) {
	case NATIVE_SSE4:
		return __builtin_cpu_supports("sse4.2");
	case NATIVE_AVX:
		return __builtin_cpu_supports("avx");
	case NATIVE_AVX2:
		return __builtin_cpu_supports("avx2");
	case NATIVE_AVX512:
		return __builtin_cpu_supports("avx512f") &&
		       __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512dq") &&
		       __builtin_cpu_supports("avx512vl");
	case NATIVE_MOVBE:
		return cpuid_bit(1, 2, 22);
	case NATIVE_MOVDIRI:
		return cpuid_bit(7, 2, 27);
	case NATIVE_MOVDIR64B:
		return cpuid_bit(7, 2, 28);
	case NATIVE_POPCNT:
		return cpuid_bit(1, 2, 23);
	case NATIVE_LZCNT:
		return cpuid_bit(0x80000001, 2, 5);
	case NATIVE_BMI1:
		return cpuid_bit(7, 1, 3);
	case NATIVE_BMI2:
		return cpuid_bit(7, 1, 8);
	case NATIVE_ADX:
		return cpuid_bit(7, 1, 19);
	case NATIVE_CX16:
		return cpuid_bit(1, 2, 13);
	case NATIVE_CLFLUSHOPT:
		return cpuid_bit(7, 1, 23);
	case NATIVE_CLWB:
		return cpuid_bit(7, 1, 24);
	default:
		return false;
	}
}

/*
 * Cached: the tests ask for each instruction, and CPUID exits to the
 * hypervisor.
 */
bool native_has(enum native_feature feature)
{
	static signed char has[NATIVE_NR_FEATURES];

	if (!has[feature])
		has[feature] = look_up(feature) ? 1 : -1;
	return has[feature] > 0;
}
