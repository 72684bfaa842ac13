/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Repeats one operation with injected failures.  A place is an allocation or a
 * copy in the module that can fail.  In run N, the Nth place that the operation
 * reaches fails.  A first sweep lets only that place fail ("single failures"),
 * a second sweep also all later allocations ("failures from a place on").
 */
#ifndef SELFTESTS_SWEEP_H
#define SELFTESTS_SWEEP_H

#include <stdbool.h>

#include "inject.h"

/* The time limit of one sweep, in seconds. */
#define SWEEP_LIMIT 300

/*
 * The time until a server is attached again, which may take several attempts.
 */
#define AGAIN_MS 100000

/**
 * struct sweep_op - an operation to repeat with failures
 * @run: performs the operation; 0 or -errno
 * @undo: called after each @run, without failures, to allow the next @run
 * @data: argument of both
 * @target: the tasks in which calls fail
 * @lossy: @run may find the server lost; @undo attaches it again
 * @step: with failures from a place on, test only every @step'th place; 0
 *         means 1.  For an @undo that takes long
 * @from_first: test failures from a place on first, then single failures. For
 *         allocations that only the first successful @run makes: with single
 *         failures, a @run may succeed before that allocation has failed
 * @one_only: test single failures only, for an operation that the kernel
 *         retries while there is no memory
 */
struct sweep_op {
	int (*run)(void *data);
	void (*undo)(void *data);
	void *data;
	enum inject_target target;
	bool lossy;
	unsigned int step;
	bool from_first;
	bool one_only;
};

/*
 * Each @run must succeed or return a permitted error; the last one must
 * succeed, with no place left to fail.  Returns NULL, or a description of the
 * error.
 */
const char *sweep(const struct sweep_op *op);

/* For use in a test of the harness. */
#define EXPECT_SWEEP(...)                                    \
	do {                                                 \
		const struct sweep_op _op = { __VA_ARGS__ }; \
		const char *_why = sweep(&_op);              \
                                                             \
		EXPECT_EQ(NULL, _why) TH_LOG("%s", _why);    \
	} while (0)

/*
 * Runs @run (the harness) if the kernel can inject failures.  Otherwise prints
 * one failed test and returns 1.
 */
int sweep_run(int argc, char **argv, int (*run)(int argc, char **argv));

/* Use in place of TEST_HARNESS_MAIN: starts a helper and the shared device. */
#define SWEEP_MAIN                                                           \
	static int run_shared(int argc, char **argv)                         \
	{                                                                    \
		static const char *const args[] = { "--dma-logging", NULL }; \
                                                                             \
		return shared_run(argc, argv, args, test_harness_run);       \
	}                                                                    \
                                                                             \
	int main(int argc, char **argv)                                      \
	{                                                                    \
		return sweep_run(argc, argv, run_shared);                    \
	}

#endif /* SELFTESTS_SWEEP_H */
