/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unit tests as functions, with one line of TAP for each.
 *
 * 	TEST(name) { check(1 + 1 == 2); require(ptr); }
 *
 * The name is a sentence: the subject, the condition and the result.  check()
 * records a failure and continues; require() ends the test.  A program takes
 * names of tests as arguments and runs only those.  SIGALRM kills a test
 * program that hangs.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <setjmp.h>
#include <stdbool.h>

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

extern jmp_buf test_end;

void test_add(struct test *test);
void test_fail(const char *file, int line, const char *what, long long got,
	       bool has_got);

#define TEST(test_name)                                                 \
	static void test_name(void);                                    \
	__attribute__((constructor)) static void test_name##_add(void)  \
	{                                                               \
		static struct test test = { #test_name, test_name, 0 }; \
		test_add(&test);                                        \
	}                                                               \
	static void test_name(void)

#define check(cond)                                                     \
	do {                                                            \
		if (!(cond))                                            \
			test_fail(__FILE__, __LINE__, #cond, 0, false); \
	} while (0)

/* Check that two numbers are equal; print the actual one if they are not. */
#define check_eq(got, want)                                                    \
	do {                                                                   \
		long long _got = (got);                                        \
		if (_got != (long long)(want))                                 \
			test_fail(__FILE__, __LINE__, #got " == " #want, _got, \
				  true);                                       \
	} while (0)

#define require(cond)                                                   \
	do {                                                            \
		if (!(cond)) {                                          \
			test_fail(__FILE__, __LINE__, #cond, 0, false); \
			longjmp(test_end, 1);                           \
		}                                                       \
	} while (0)

#endif /* HARNESS_H */
