/* SPDX-License-Identifier: GPL-2.0 */
/* Types and functions that all subcommands share. */
#ifndef VUSERCTL_CTL_H
#define VUSERCTL_CTL_H

#include <stdbool.h>

#include "../common/exit-status.h"
#include "../common/option.h"
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

/* The kinds of operands of a subcommand. */
enum ctl_operand {
	CTL_NONE,
	CTL_DEVICES,
	CTL_FILE,
	CTL_PROGRAM,
};

/**
 * struct command - a subcommand
 * @name: as the user types it
 * @operands: operands, for the usage line
 * @operand: what the operands are
 * @options: its options, or NULL
 * @settings: it takes the settings of a device as options, too
 * @what: description, for the list of subcommands
 * @run: runs it; argv[0] is @name.  Returns the exit status.
 */
struct command {
	const char *name;
	const char *operands;
	enum ctl_operand operand;
	const struct opt *options;
	bool settings;
	const char *what;
	int (*run)(struct ctl *ctl, int argc, char **argv);
};

/*
 * Open the socket to the kernel, after the arguments were checked.  Returns 0, or
 * an exit status after an error was printed.
 */
int ctl_connect(struct ctl *ctl);

/*
 * Like ctl_connect(), and open @changes, a socket that receives the notifications of
 * the kernel. The caller closes @changes.
 */
int ctl_connect_listener(struct ctl *ctl, struct vnl_sock *changes);

/* The text for an error of a message that changes settings. */
const char *ctl_set_error(const struct ctl *ctl, int error);

/* Print a message on stderr. */
void ctl_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Print an error on stderr.  Returns @status, the exit status. */
int ctl_fail(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Print how @cmd is used on stderr.  Returns EX_USAGE. */
int ctl_usage(const struct command *cmd);

/* Print how @cmd is used, and what it does, on stdout. */
void ctl_help(const struct command *cmd);

#endif /* VUSERCTL_CTL_H */
