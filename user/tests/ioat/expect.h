/* SPDX-License-Identifier: GPL-2.0 */
/* check() of harness.h, with words for what was expected, e.g. of a table's row. */
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

/* What is needed to test at all is missing. */
#define bail(...)                     \
	do {                          \
		printf("Bail out! "); \
		printf(__VA_ARGS__);  \
		printf("\n");         \
		exit(1);              \
	} while (0)

#endif
