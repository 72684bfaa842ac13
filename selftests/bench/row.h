/* SPDX-License-Identifier: GPL-2.0 */
/* Rows of the benchmark, and the samples they are made of. */
#ifndef BENCH_ROW_H
#define BENCH_ROW_H

#include <stddef.h>
#include <stdint.h>

/* Samples of one thing, in nanoseconds. */
struct samples {
	double *ns;
	size_t nr;
	size_t max;
};

/* Ends the program when there is no memory. */
void samples_init(struct samples *s, size_t max);
void samples_add(struct samples *s, double ns);
/* Sorts them. */
double samples_median(struct samples *s);

/* Nanoseconds of the monotonic clock. */
uint64_t now_ns(void);

/* One row of JSON; a baseline or a limit of 0 is none. The limit is of the ratio,
 * and how large that may be. */
void row_print(const char *name, double value, const char *unit,
	       double baseline, double limit);

/* Says what failed, with errno, and ends the program. */
void die(const char *what) __attribute__((noreturn));

#endif /* BENCH_ROW_H */
