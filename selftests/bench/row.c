// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "row.h"

void die(const char *what)
{
	perror(what);
	exit(1);
}

void samples_init(struct samples *s, size_t max)
{
	s->ns = calloc(max, sizeof(*s->ns));
	if (!s->ns)
		die("samples");
	s->nr = 0;
	s->max = max;
}

void samples_add(struct samples *s, double ns)
{
	if (s->nr < s->max)
		s->ns[s->nr++] = ns;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double samples_median(struct samples *s)
{
	qsort(s->ns, s->nr, sizeof(*s->ns), compare);
	return s->nr ? s->ns[s->nr / 2] : 0;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void number(const char *key, double value)
{
	if (value)
		printf(",\"%s\":%.6g", key, value);
	else
		printf(",\"%s\":null", key);
}

void row_print(const char *name, double value, const char *unit,
	       double baseline, double limit)
{
	printf("{\"name\":\"%s\",\"unit\":\"%s\"", name, unit);
	number("value", value);
	number("baseline", baseline);
	number("ratio", baseline ? value / baseline : 0);
	number("limit", limit);
	printf("}\n");
	fflush(stdout);
}
