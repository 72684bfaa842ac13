/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One device for a whole test program.  Most tests leave it unchanged, and
 * starting a device for each test would take longer than the tests.
 */
#ifndef SELFTESTS_SHARED_H
#define SELFTESTS_SHARED_H

#include "testdev.h"

extern struct testdev shared;

/*
 * Starts the shared device with @args for the server, runs @run (the harness),
 * removes the device.  If the device does not start, prints that as the only
 * failure and returns 1.
 */
int shared_run(int argc, char **argv, const char *const *args,
	       int (*run)(int argc, char **argv));

/* Use in place of TEST_HARNESS_MAIN; the arguments are passed to the server. */
#define SHARED_MAIN(...)                                               \
	int main(int argc, char **argv)                                \
	{                                                              \
		static const char *const args[] = { __VA_ARGS__ };     \
                                                                       \
		return shared_run(argc, argv, args, test_harness_run); \
	}

#endif /* SELFTESTS_SHARED_H */
