/* SPDX-License-Identifier: GPL-2.0 */
/* Types and functions that all subcommands share. */
#ifndef VUSERCTL_CTL_H
#define VUSERCTL_CTL_H

#include <stdbool.h>

#include "../netlink/dev.h"

/**
 * struct ctl - this run of vuserctl
 * @json: print JSON
 * @connected: @nl is open
 * @nl: socket to the kernel, after ctl_connect()
 */
struct ctl {
	bool json;
	bool connected;
	struct vnl_sock nl;
};

/**
 * struct command - a subcommand
 * @name: as the user types it
 * @args: arguments, for the usage line
 * @what: description, for the list of subcommands
 * @run: runs it; argv[0] is @name.  Returns the exit status.
 */
struct command {
	const char *name;
	const char *args;
	const char *what;
	int (*run)(struct ctl *ctl, int argc, char **argv);
};

/*
 * Open the socket to the kernel, after the arguments were checked.  Returns 0, or
 * EXIT_FAILURE after an error was printed.
 */
int ctl_connect(struct ctl *ctl);

/* The text for an error of a message that changes settings, as "why" of a complaint. */
const char *ctl_set_error(const struct ctl *ctl, int error);

/* Print an error on stderr.  Returns EXIT_FAILURE. */
int ctl_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Print how @cmd is used on stderr.  Returns EXIT_FAILURE. */
int ctl_usage(const struct command *cmd);

/* Print how @cmd is used, and what it does, on stdout. */
void ctl_help(const struct command *cmd);

#endif /* VUSERCTL_CTL_H */
