// SPDX-License-Identifier: GPL-2.0
/* vuserctl: the command line tool for vuser devices. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/complete.h"
#include "commands.h"
#include "completion.h"
#include "ctl.h"
#include "help.h"

static const struct command *const commands[] = {
	&cmd_create,  &cmd_remove,  &cmd_list,	  &cmd_show,  &cmd_set,
	&cmd_replace, &cmd_status,  &cmd_monitor, &cmd_stats, &cmd_top,
	&cmd_save,    &cmd_restore, &cmd_exec,	  &cmd_cdi,
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct opt options[] = {
	{ "json", 'j', NULL, false, "print JSON" },
	{ "help", 'h', NULL, false,
	  "print this help, or that of COMMAND, and exit" },
	{ "version", 'V', NULL, false, "print the version and exit" },
	{},
};

static void help(FILE *to)
{
	help_print(to, options, commands, NR_COMMANDS);
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* -1: continue at optind; otherwise an exit status. */
static int parse_options(int argc, char **argv, struct ctl *ctl)
{
	struct option_parser parser;
	int key;

	option_begin(&parser, true);
	option_add(&parser, options);
	while ((key = option_next(&parser, argc, argv)) != -1) {
		switch (key) {
		case 'j':
			ctl->json = true;
			break;
		case 'V':
			puts("vuserctl " VUSER_VERSION);
			return EX_OK;
		case 'h':
			help(stdout);
			return EX_OK;
		default:
			help(stderr);
			return EX_USAGE;
		}
	}
	if (optind == argc) {
		help(stderr);
		return EX_USAGE;
	}
	return -1;
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
static int help_command(const struct ctl *ctl, int argc, char **argv)
{
	const struct command *cmd = NULL;

	if (argc > 1) {
		cmd = find_command(argv[1]);
		if (!cmd || argc > 2)
			return ctl_fail(
				EX_USAGE,
				"unknown command '%s': see vuserctl --help",
				argv[argc - 1]);
	}
	if (ctl->json)
		help_json(options, cmd ? &cmd : commands,
			  cmd ? 1 : NR_COMMANDS);
	else if (cmd)
		ctl_help(cmd);
	else
		help(stdout);
	return EX_OK;
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
		return EX_OK;
	}
	/* The name that getopt prints in front of its messages. */
	snprintf(name, sizeof(name), "vuserctl %s", cmd->name);
	argv[0] = name;
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

	if (complete_wanted(argc, argv)) {
		completion_print(options, commands, NR_COMMANDS, argc - 2,
				 argv + 2);
		return EX_OK;
	}
	status = parse_options(argc, argv, &ctl);
	if (status >= 0)
		return status;
	argc -= optind;
	argv += optind;
	cmd = find_command(argv[0]);
	if (cmd)
		status = run_command(cmd, &ctl, argc, argv);
	else if (!strcmp(argv[0], "help"))
		status = help_command(&ctl, argc, argv);
	else
		return ctl_fail(EX_USAGE,
				"unknown command '%s': see vuserctl --help",
				argv[0]);
	if (fflush(stdout) && !status)
		status =
			ctl_fail(EX_IOERR, "cannot write: %s", strerror(errno));
	return status;
}
