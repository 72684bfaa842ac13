// SPDX-License-Identifier: GPL-2.0
/* Print TAP, for test programs. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tap.h"

static int total, failures;

bool tap_ok(bool ok, const char *fmt, ...)
{
	va_list ap;

	total++;
	failures += !ok;
	printf("%sok %d - ", ok ? "" : "not ", total);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	return ok;
}

void tap_bail(const char *fmt, ...)
{
	va_list ap;

	printf("Bail out! ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(1);
}

int tap_done(void)
{
	printf("1..%d\n", total);
	return failures || !total;
}
