// SPDX-License-Identifier: GPL-2.0
/* Errors and usage, for all subcommands. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"

int ctl_complain(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("vuserctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_FAILURE;
}

int ctl_usage(const struct command *cmd)
{
	fprintf(stderr,
		"usage: vuserctl [-j] %s %s\n"
		"See vuserctl --help.\n",
		cmd->name, cmd->args);
	return EXIT_FAILURE;
}
