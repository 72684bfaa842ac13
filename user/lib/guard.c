// SPDX-License-Identifier: BSD-3-Clause
/* Accesses to shared memory that return an error instead of raising SIGBUS. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include <vuser/guard.h>

struct guard {
	sigjmp_buf back;
	const void *volatile fault;
};

static _Thread_local struct guard *volatile active;

/* The handler before ours; written only while ours is not set. */
static struct sigaction before;

/* The fences stop the compiler from moving the access out of the guard. */
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

/* The signal is not for us: act as the handler before ours would. */
static void pass_on(int sig, siginfo_t *info, void *ucontext)
{
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(sig, info, ucontext);
	} else if (before.sa_handler == SIG_DFL ||
		   before.sa_handler == SIG_IGN) {
		signal(sig, SIG_DFL);
		raise(sig);
	} else {
		before.sa_handler(sig);
	}
}

static void on_sigbus(int sig, siginfo_t *info, void *ucontext)
{
	struct guard *g = active;

	if (!g || info->si_code <= 0) {
		pass_on(sig, info, ucontext);
		return;
	}
	g->fault = info->si_addr;
	siglongjmp(g->back, 1);
}

int vuser_guard_init(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct sigaction sa = {
		.sa_sigaction = on_sigbus,
		/* siglongjmp() leaves the handler without restoring the mask. */
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};
	struct sigaction now;
	int ret = 0;

	sigemptyset(&sa.sa_mask);
	pthread_mutex_lock(&lock);
	if (sigaction(SIGBUS, NULL, &now)) {
		ret = -errno;
	} else if (!(now.sa_flags & SA_SIGINFO) ||
		   now.sa_sigaction != on_sigbus) {
		before = now;
		if (sigaction(SIGBUS, &sa, NULL))
			ret = -errno;
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

const void *vuser_guard_copy(void *dst, const void *src, size_t len)
{
	struct guard g = { .fault = NULL };

	if (!sigsetjmp(g.back, 0)) {
		enter(&g);
		memmove(dst, src, len);
	}
	leave();
	return g.fault;
}

const void *vuser_guard_store64(uint64_t *dst, uint64_t value)
{
	struct guard g = { .fault = NULL };

	if (!sigsetjmp(g.back, 0)) {
		enter(&g);
		__atomic_store_n(dst, value, __ATOMIC_RELEASE);
	}
	leave();
	return g.fault;
}
