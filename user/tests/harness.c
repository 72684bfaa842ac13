// SPDX-License-Identifier: GPL-2.0
/* Run unit tests that are functions; print one line of TAP for each. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "tap.h"

#define TEST_SECONDS 120

jmp_buf test_end;

static struct test *first, **last = &first;
static bool failed;

void test_add(struct test *test)
{
	*last = test;
	last = &test->next;
}

void test_fail(const char *file, int line, const char *what, long long got,
	       bool has_got)
{
	const char *slash = strrchr(file, '/');

	failed = true;
	printf("# %s:%d: check failed: %s", slash ? slash + 1 : file, line,
	       what);
	if (has_got)
		printf(", got %lld", got);
	printf("\n");
}

static bool wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc <= 1;
}

int main(int argc, char **argv)
{
	struct test *volatile test;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	for (test = first; test; test = test->next) {
		if (!wanted(test->name, argc, argv))
			continue;
		failed = false;
		/* SIGALRM kills the program before it prints a plan. */
		alarm(TEST_SECONDS);
		if (!setjmp(test_end))
			test->run();
		alarm(0);
		tap_ok(!failed, "%s", test->name);
	}
	return tap_done();
}
