// SPDX-License-Identifier: GPL-2.0
/* Errors and usage, for all subcommands. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "ctl.h"
#include "settings.h"

static void print(const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("vuserctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void ctl_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
}

int ctl_fail(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print(fmt, ap);
	va_end(ap);
	return status;
}

int ctl_connect(struct ctl *ctl)
{
	int ret = vnl_sock_open(&ctl->nl);

	if (ret)
		return ctl_fail(exit_status(ret), "%s",
				vnl_sock_error(&ctl->nl, ret));
	ctl->connected = true;
	return 0;
}

int ctl_connect_listener(struct ctl *ctl, struct vnl_sock *changes)
{
	int status = ctl_connect(ctl);

	if (status)
		return status;
	if (vnl_sock_open(changes))
		goto fail;
	if (vnl_sock_join(changes)) {
		vnl_sock_close(changes);
		goto fail;
	}
	return 0;

fail:
	return ctl_fail(EX_OSERR,
			"cannot receive notifications from the kernel");
}

const char *ctl_set_error(const struct ctl *ctl, int error)
{
	if (error == -EPERM)
		return "permission denied, run vuserctl as root of the host, with CAP_SYS_ADMIN";
	return vnl_sock_error(&ctl->nl, error);
}

static void usage_line(FILE *to, const struct command *cmd)
{
	fprintf(to, "usage: vuserctl [-j] %s%s%s%s%s\n", cmd->name,
		cmd->options ? " [OPTION]..." : "",
		cmd->settings ? " [SETTING]..." : "", *cmd->operands ? " " : "",
		cmd->operands);
}

int ctl_usage(const struct command *cmd)
{
	usage_line(stderr, cmd);
	fprintf(stderr, "See vuserctl %s --help.\n", cmd->name);
	return EX_USAGE;
}

void ctl_help(const struct command *cmd)
{
	usage_line(stdout, cmd);
	printf("\n%s\n", cmd->what);
	if (cmd->options)
		puts("\nOptions:");
	option_print(stdout, cmd->options);
	if (cmd->settings) {
		puts("\nSettings:");
		option_print(stdout, settings_options);
	}
	puts("\nDEVICE is a UUID or a PCI address. See vuserctl(8).");
}
