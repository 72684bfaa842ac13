/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One thing done over and over, while the first place in the module that may
 * fail does, then the second, and so on: first that place alone, then all
 * allocations that come after it, too.
 */
#ifndef SELFTESTS_SWEEP_H
#define SELFTESTS_SWEEP_H

#include <stdbool.h>

#include "inject.h"

/* Seconds for one of them. */
#define SWEEP_LIMIT 300

/* Until a server is attached again, which may take more than one attempt. */
#define AGAIN_MS 100000

/**
 * struct act - what is done with a failure in it
 * @run: does it; 0 or -errno
 * @undo: called after each @run, without failures: there is room for the next
 * @data: for both
 * @who: where it fails
 * @lossy: @run may find the server gone, which @undo sees to
 * @step: of the places from which on all fails only each @step'th is tried,
 *	where @undo takes long; 0 is 1
 * @behind_first: the other way round: for what only the first @run to succeed
 *	allocates. Where a place alone fails, one may succeed before it is the
 *	turn of that allocation
 * @alone_only: where the kernel tries again for as long as there is no memory
 */
struct act {
	int (*run)(void *data);
	void (*undo)(void *data);
	void *data;
	enum inject_who who;
	bool lossy;
	unsigned int step;
	bool behind_first;
	bool alone_only;
};

/*
 * Each time @run must succeed or say so plainly; at last it succeeds, with no
 * place left.  NULL, or what was wrong.
 */
const char *sweep(const struct act *act);

/* In a test of the harness. */
#define EXPECT_SWEEP(...)                                 \
	do {                                              \
		const struct act _act = { __VA_ARGS__ };  \
		const char *_why = sweep(&_act);          \
                                                          \
		EXPECT_EQ(NULL, _why) TH_LOG("%s", _why); \
	} while (0)

/*
 * Runs @run (the harness) where the kernel can inject failures; prints the one
 * failed test and returns 1 where it cannot.
 */
int sweep_run(int argc, char **argv, int (*run)(int argc, char **argv));

/* In place of TEST_HARNESS_MAIN: a helper and the shared device. */
#define SWEEP_MAIN                                                     \
	static int run_shared(int argc, char **argv)                   \
	{                                                              \
		static const char *const args[] = { NULL };            \
                                                                       \
		return shared_run(argc, argv, args, test_harness_run); \
	}                                                              \
                                                                       \
	int main(int argc, char **argv)                                \
	{                                                              \
		return sweep_run(argc, argv, run_shared);              \
	}

#endif /* SELFTESTS_SWEEP_H */
