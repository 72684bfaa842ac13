/* SPDX-License-Identifier: GPL-2.0 */
/* Types and functions that all subcommands share. */
#ifndef VUSERCTL_CTL_H
#define VUSERCTL_CTL_H

#include <stdbool.h>

#include "../netlink/dev.h"

/**
 * struct ctl - this run of vuserctl
 * @json: print JSON
 * @nl: socket to the kernel
 */
struct ctl {
	bool json;
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

/* Print an error on stderr.  Returns EXIT_FAILURE. */
int ctl_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Print how @cmd is used on stderr.  Returns EXIT_FAILURE. */
int ctl_usage(const struct command *cmd);

#endif /* VUSERCTL_CTL_H */
