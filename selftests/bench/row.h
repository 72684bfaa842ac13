/* SPDX-License-Identifier: GPL-2.0 */
/* Rows of the benchmark's output, and the samples for them. */
#ifndef BENCH_ROW_H
#define BENCH_ROW_H

#include <stddef.h>
#include <stdint.h>

/* Samples of one quantity, in nanoseconds. */
struct samples {
	double *ns;
	size_t nr;
	size_t max;
};

/* Exits if there is no memory. */
void samples_init(struct samples *s, size_t max);
void samples_add(struct samples *s, double ns);
/* Sorts the samples and returns their median. */
double samples_median(struct samples *s);

/* Nanoseconds of the monotonic clock. */
uint64_t now_ns(void);

/*
 * Prints one row of JSON; 0 means no baseline or no limit.  The limit is the
 * largest permitted ratio of value to baseline.
 */
void row_print(const char *name, double value, const char *unit,
	       double baseline, double limit);

/* Prints what failed, with errno, and exits. */
void die(const char *what) __attribute__((noreturn));

#endif /* BENCH_ROW_H */
