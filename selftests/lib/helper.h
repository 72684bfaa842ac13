/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Starts and stops vuserd for a test, waiting for readiness as systemd does.
 * If VUSER_NO_HELPER is set, the tests use a vuserd that already runs.
 */
#ifndef SELFTESTS_HELPER_H
#define SELFTESTS_HELPER_H

#include <sys/types.h>

/*
 * Starts vuserd and waits until it is ready; returns its process ID or -errno.
 */
pid_t helper_start(void);
/* Sends SIGTERM and waits for the end; returns the wait status or -errno. */
int helper_stop(pid_t pid);
/* Sends SIGKILL and waits for the end. */
void helper_kill(pid_t pid);

/* Runs @run (the harness) with a helper; for programs without SHARED_MAIN. */
int helper_run(int argc, char **argv, int (*run)(int argc, char **argv));

/* The helper that helper_run() or shared_run() started; 0: none. */
extern pid_t helper_pid;

/* Use in place of TEST_HARNESS_MAIN. */
#define HELPER_MAIN                                              \
	int main(int argc, char **argv)                          \
	{                                                        \
		return helper_run(argc, argv, test_harness_run); \
	}

#endif /* SELFTESTS_HELPER_H */
