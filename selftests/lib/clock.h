/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SELFTESTS_CLOCK_H
#define SELFTESTS_CLOCK_H

#include <time.h>

/* Milliseconds of the monotonic clock. */
static inline long long clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

#endif /* SELFTESTS_CLOCK_H */
