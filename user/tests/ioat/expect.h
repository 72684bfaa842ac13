/* SPDX-License-Identifier: GPL-2.0 */
/*
 * check() of harness.h with a text that says what was expected, for example for
 * a row of a table.
 */
#ifndef EXPECT_H
#define EXPECT_H

#include <stdio.h>
#include <stdlib.h>

#include "../harness.h"

#define expect(cond, ...)                                               \
	do {                                                            \
		if (!(cond)) {                                          \
			printf("# ");                                   \
			printf(__VA_ARGS__);                            \
			printf("\n");                                   \
			test_fail(__FILE__, __LINE__, #cond, 0, false); \
		}                                                       \
	} while (0)

/* End the program because the tests cannot run at all. */
#define bail(...)                     \
	do {                          \
		printf("Bail out! "); \
		printf(__VA_ARGS__);  \
		printf("\n");         \
		exit(1);              \
	} while (0)

#endif
