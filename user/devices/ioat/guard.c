// SPDX-License-Identifier: GPL-2.0
/* Copies that survive the loss of the memory they touch. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "guard.h"

struct guard {
	sigjmp_buf back;
	const void *volatile fault;
};

static _Thread_local struct guard *volatile active;

/* The fences keep the compiler from moving the access out of the guard. */
static void enter(struct guard *g)
{
	active = g;
	atomic_signal_fence(memory_order_seq_cst);
}

static void leave(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	active = NULL;
}

static void on_sigbus(int sig, siginfo_t *info, void *ucontext)
{
	struct guard *g = active;

	(void)ucontext;
	if (!g || info->si_code <= 0) {
		/* Not ours: it ends the program as it always does. */
		signal(sig, SIG_DFL);
		raise(sig);
		return;
	}
	g->fault = info->si_addr;
	siglongjmp(g->back, 1);
}

/**
 * ioat_guard_init - catch SIGBUS for the functions below
 *
 * The handler is process wide; a SIGBUS outside of them is still fatal.
 *
 * Return: 0 or -errno.
 */
int ioat_guard_init(void)
{
	struct sigaction sa = {
		.sa_sigaction = on_sigbus,
		/* The handler is left by a jump that restores no mask. */
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	sigemptyset(&sa.sa_mask);
	return sigaction(SIGBUS, &sa, NULL) ? -errno : 0;
}

/**
 * ioat_guard_copy - copy between buffers that may be gone
 * @dst: where to
 * @src: where from; may overlap @dst
 * @len: bytes
 *
 * Return: NULL, or the address that could not be touched. Then part of @dst may
 * have been written.
 */
const void *ioat_guard_copy(void *dst, const void *src, size_t len)
{
	struct guard g = { .fault = NULL };

	if (!sigsetjmp(g.back, 0)) {
		enter(&g);
		memmove(dst, src, len);
	}
	leave();
	return g.fault;
}

/**
 * ioat_guard_store64 - store 8 bytes at once, after all earlier stores
 * @dst: where to, aligned
 * @value: what
 *
 * Return: NULL, or the address that could not be touched.
 */
const void *ioat_guard_store64(uint64_t *dst, uint64_t value)
{
	struct guard g = { .fault = NULL };

	if (!sigsetjmp(g.back, 0)) {
		enter(&g);
		__atomic_store_n(dst, value, __ATOMIC_RELEASE);
	}
	leave();
	return g.fault;
}
