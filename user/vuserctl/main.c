// SPDX-License-Identifier: GPL-2.0
/* vuserctl: the command line tool for vuser devices. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "ctl.h"

static const struct command *const commands[] = {
	&cmd_create, &cmd_remove,  &cmd_list,  &cmd_show,
	&cmd_set,    &cmd_monitor, &cmd_stats, &cmd_exec,
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *to)
{
	size_t i;

	fputs("usage: vuserctl [-j] COMMAND ...\n"
	      "\n"
	      "  -j, --json     print JSON\n"
	      "      --version  print the version and exit\n"
	      "  -h, --help     print this help and exit\n"
	      "\n"
	      "Commands:\n",
	      to);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(to, "  %-8s %s\n           %s\n", commands[i]->name,
			commands[i]->args, commands[i]->what);
	fputs("\n"
	      "DEVICE is a UUID or a PCI address. See vuserctl(8).\n",
	      to);
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* 0: continue at optind; otherwise exit with *@status. */
static int parse_options(int argc, char **argv, struct ctl *ctl, int *status)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int c;

	*status = EXIT_SUCCESS;
	while ((c = getopt_long(argc, argv, "+jh", longs, NULL)) != -1) {
		switch (c) {
		case 'j':
			ctl->json = true;
			break;
		case 'V':
			puts("vuserctl " VUSER_VERSION);
			return 1;
		case 'h':
			help(stdout);
			return 1;
		default:
			help(stderr);
			*status = EXIT_FAILURE;
			return 1;
		}
	}
	if (optind == argc) {
		help(stderr);
		*status = EXIT_FAILURE;
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct command *cmd;
	struct ctl ctl = {};
	int status, ret;

	if (parse_options(argc, argv, &ctl, &status))
		return status;
	cmd = find_command(argv[optind]);
	if (!cmd)
		return ctl_complain("unknown command '%s': see vuserctl --help",
				    argv[optind]);
	argc -= optind;
	argv += optind;
	/* Have getopt start again with the options of the subcommand. */
	optind = 0;

	ret = vnl_sock_open(&ctl.nl);
	if (ret)
		return ctl_complain("%s", vnl_sock_error(&ctl.nl, ret));
	status = cmd->run(&ctl, argc, argv);
	vnl_sock_close(&ctl.nl);
	if (fflush(stdout) && !status)
		status = ctl_complain("cannot write: %s", strerror(errno));
	return status;
}
