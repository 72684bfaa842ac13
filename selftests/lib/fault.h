/* SPDX-License-Identifier: GPL-2.0 */
/* Runs a statement that may fault and reports the signal. */
#ifndef SELFTESTS_FAULT_H
#define SELFTESTS_FAULT_H

#include <setjmp.h>
#include <signal.h>

extern sigjmp_buf fault_env;

void fault_begin(void);
void fault_end(void);

/*
 * 0, or the signal that @statement raised: SIGBUS, SIGSEGV, SIGILL or SIGFPE.
 */
#define FAULT_OF(statement)                     \
	({                                      \
		int sig_;                       \
                                                \
		fault_begin();                  \
		sig_ = sigsetjmp(fault_env, 1); \
		if (!sig_) {                    \
			statement;              \
		}                               \
		fault_end();                    \
		sig_;                           \
	})

#endif /* SELFTESTS_FAULT_H */
