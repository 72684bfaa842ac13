/* SPDX-License-Identifier: GPL-2.0 */
/* What the subcommands of vuserctl share. */
#ifndef VUSERCTL_CTL_H
#define VUSERCTL_CTL_H

#include <stdbool.h>

#include "../netlink/dev.h"

/**
 * struct ctl - this run
 * @json: print JSON
 * @nl: to the kernel
 */
struct ctl {
	bool json;
	struct vnl_sock nl;
};

/**
 * struct command - a subcommand
 * @name: as typed
 * @args: for the usage line
 * @what: for the list of subcommands
 * @run: argv[0] is @name; returns the exit status
 */
struct command {
	const char *name;
	const char *args;
	const char *what;
	int (*run)(struct ctl *ctl, int argc, char **argv);
};

extern const struct command cmd_create, cmd_remove, cmd_list, cmd_show, cmd_set,
	cmd_monitor, cmd_stats, cmd_exec;

/* Says on stderr what is wrong; returns an exit status for that. */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The subcommand was typed wrongly; returns an exit status for that. */
int usage(const struct command *cmd);

/**
 * target_find - the device that a person means
 * @ctl: this run
 * @name: UUID or PCI address
 * @dev: result, whole
 *
 * Return: 0, or an exit status after complaining.
 */
int target_find(struct ctl *ctl, const char *name, struct vnl_dev *dev);

#endif /* VUSERCTL_CTL_H */
