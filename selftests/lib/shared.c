// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"
#include "shared.h"

struct testdev shared;

static const char *const *server_args;
static int (*run_harness)(int argc, char **argv);

/*
 * Runs when the harness calls exit(); its children call _exit() and skip this.
 */
static void stop(void)
{
	testdev_stop(&shared);
}

static int run_with_device(int argc, char **argv)
{
	int ret = testdev_start(&shared, server_args);

	if (ret) {
		printf("TAP version 13\n1..1\n");
		printf("not ok 1 - the shared device starts: %s\n",
		       strerror(-ret));
		return 1;
	}
	atexit(stop);
	return run_harness(argc, argv);
}

int shared_run(int argc, char **argv, const char *const *args,
	       int (*run)(int argc, char **argv))
{
	server_args = args;
	run_harness = run;
	return helper_run(argc, argv, run_with_device);
}
