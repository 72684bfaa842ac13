// SPDX-License-Identifier: GPL-2.0
/* Log lines, for the journal or for a terminal. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

static bool plain_lines;
static bool debug_lines;

void log_open(bool plain, bool verbose)
{
	plain_lines = plain;
	debug_lines = verbose;
	setvbuf(stderr, NULL, _IOLBF, 0);
}

void log_line(const char *level, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (!debug_lines && !strcmp(level, SD_DEBUG))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s%s\n", plain_lines ? "vuserd: " : level, line);
}
