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
	      "  -h, --help     print this help, or that of COMMAND, and exit\n"
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

/*
 * Takes -j and --help out of the arguments of a subcommand, where they may be at any place
 * before "--"; of exec, only before COMMAND.  Returns the number of arguments that are
 * left.
 */
static int take_common(const struct command *cmd, int argc, char **argv,
		       bool *json, bool *want_help)
{
	bool ended = false;
	int i, n = 1;

	for (i = 1; i < argc; i++) {
		ended |= !strcmp(argv[i], "--") ||
			 (cmd == &cmd_exec && argv[i][0] != '-');
		if (!ended &&
		    (!strcmp(argv[i], "-j") || !strcmp(argv[i], "--json")))
			*json = true;
		else if (!ended &&
			 (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")))
			*want_help = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	return n;
}

/* vuserctl help [COMMAND] */
static int help_command(int argc, char **argv)
{
	const struct command *cmd;

	if (argc < 2) {
		help(stdout);
		return EXIT_SUCCESS;
	}
	cmd = find_command(argv[1]);
	if (!cmd || argc > 2)
		return ctl_complain("unknown command '%s': see vuserctl --help",
				    argv[argc - 1]);
	ctl_help(cmd);
	return EXIT_SUCCESS;
}

static int run_command(const struct command *cmd, struct ctl *ctl, int argc,
		       char **argv)
{
	bool want_help = false;
	char name[32];
	int status;

	argc = take_common(cmd, argc, argv, &ctl->json, &want_help);
	if (want_help) {
		ctl_help(cmd);
		return EXIT_SUCCESS;
	}
	/* The name that getopt prints in front of its messages. */
	snprintf(name, sizeof(name), "vuserctl %s", cmd->name);
	argv[0] = name;
	/* Have getopt start again with the options of the subcommand. */
	optind = 0;
	status = cmd->run(ctl, argc, argv);
	if (ctl->connected)
		vnl_sock_close(&ctl->nl);
	return status;
}

int main(int argc, char **argv)
{
	const struct command *cmd;
	struct ctl ctl = {};
	int status;

	if (parse_options(argc, argv, &ctl, &status))
		return status;
	argc -= optind;
	argv += optind;
	cmd = find_command(argv[0]);
	if (cmd)
		status = run_command(cmd, &ctl, argc, argv);
	else if (!strcmp(argv[0], "help"))
		status = help_command(argc, argv);
	else
		return ctl_complain("unknown command '%s': see vuserctl --help",
				    argv[0]);
	if (fflush(stdout) && !status)
		status = ctl_complain("cannot write: %s", strerror(errno));
	return status;
}
