// SPDX-License-Identifier: GPL-2.0
/* Errors and usage, for all subcommands. */
#include <errno.h>
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

int ctl_connect(struct ctl *ctl)
{
	int ret = vnl_sock_open(&ctl->nl);

	if (ret)
		return ctl_complain("%s", vnl_sock_error(&ctl->nl, ret));
	ctl->connected = true;
	return 0;
}

const char *ctl_set_error(const struct ctl *ctl, int error)
{
	if (error == -EPERM)
		return "permission denied, run vuserctl as root of the host, with CAP_SYS_ADMIN";
	return vnl_sock_error(&ctl->nl, error);
}

int ctl_usage(const struct command *cmd)
{
	fprintf(stderr,
		"usage: vuserctl [-j] %s %s\n"
		"See vuserctl %s --help.\n",
		cmd->name, cmd->args, cmd->name);
	return EXIT_FAILURE;
}

void ctl_help(const struct command *cmd)
{
	printf("usage: vuserctl [-j] %s %s\n"
	       "\n"
	       "%s\n"
	       "\n"
	       "DEVICE is a UUID or a PCI address. See vuserctl(8).\n",
	       cmd->name, cmd->args, cmd->what);
}
