/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One device for a whole test program: most tests leave it as they found it,
 * and starting one for each would take longer than the tests.
 */
#ifndef SELFTESTS_SHARED_H
#define SELFTESTS_SHARED_H

#include "testdev.h"

extern struct testdev shared;

/*
 * Starts the shared device with @args for the server, runs @run (the
 * harness), removes the device.  Where it does not start, prints the one
 * failure and returns 1.
 */
int shared_run(int argc, char **argv, const char *const *args,
	       int (*run)(int argc, char **argv));

/* In place of TEST_HARNESS_MAIN; arguments are the server's. */
#define SHARED_MAIN(...)                                               \
	int main(int argc, char **argv)                                \
	{                                                              \
		static const char *const args[] = { __VA_ARGS__ };     \
                                                                       \
		return shared_run(argc, argv, args, test_harness_run); \
	}

#endif /* SELFTESTS_SHARED_H */
