/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vuserd for the tests: started, waited for as systemd would, ended.  With
 * VUSER_NO_HELPER in the environment one that runs already is used.
 */
#ifndef SELFTESTS_HELPER_H
#define SELFTESTS_HELPER_H

#include <sys/types.h>

/* Returns when it said that it is ready; its process id or -errno. */
pid_t helper_start(void);
/* SIGTERM and the wait for its end; its wait status or -errno. */
int helper_stop(pid_t pid);
/* SIGKILL and the wait for its end. */
void helper_kill(pid_t pid);

/* Runs @run (the harness) with a helper; for programs without SHARED_MAIN. */
int helper_run(int argc, char **argv, int (*run)(int argc, char **argv));

/* The one that helper_run() or shared_run() started; 0: none. */
extern pid_t helper_pid;

/* In place of TEST_HARNESS_MAIN. */
#define HELPER_MAIN                                              \
	int main(int argc, char **argv)                          \
	{                                                        \
		return helper_run(argc, argv, test_harness_run); \
	}

#endif /* SELFTESTS_HELPER_H */
