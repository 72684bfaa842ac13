/* SPDX-License-Identifier: GPL-2.0 */
/* The list of all commands, as text and as JSON. */
#ifndef VUSERCTL_HELP_H
#define VUSERCTL_HELP_H

#include "ctl.h"

/* Print how vuserctl is used, with all commands. */
void help_print(FILE *to, const struct opt *common,
		const struct command *const *commands, size_t nr);

/* Print @common, and @commands with their options, as JSON. */
void help_json(const struct opt *common, const struct command *const *commands,
	       size_t nr);

#endif /* VUSERCTL_HELP_H */
