/* SPDX-License-Identifier: GPL-2.0 */
/* The subcommands.  cmd_NAME is in NAME.c. */
#ifndef VUSERCTL_COMMANDS_H
#define VUSERCTL_COMMANDS_H

#include "ctl.h"

extern const struct command cmd_create, cmd_remove, cmd_list, cmd_show, cmd_set,
	cmd_replace, cmd_status, cmd_monitor, cmd_stats, cmd_top, cmd_save,
	cmd_restore, cmd_exec, cmd_cdi;

#endif /* VUSERCTL_COMMANDS_H */
