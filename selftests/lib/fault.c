// SPDX-License-Identifier: GPL-2.0
#include "fault.h"

sigjmp_buf fault_env;

static const int signals[] = { SIGBUS, SIGSEGV, SIGILL, SIGFPE };

#define NR_SIGNALS (sizeof(signals) / sizeof(signals[0]))

static void on_fault(int sig)
{
	siglongjmp(fault_env, sig);
}

void fault_begin(void)
{
	struct sigaction sa = { .sa_handler = on_fault };
	unsigned int i;

	for (i = 0; i < NR_SIGNALS; i++)
		sigaction(signals[i], &sa, NULL);
}

void fault_end(void)
{
	unsigned int i;

	for (i = 0; i < NR_SIGNALS; i++)
		signal(signals[i], SIG_DFL);
}
