// SPDX-License-Identifier: GPL-2.0
/* vuserctl show: show devices. */
#include <stdio.h>

#include "commands.h"
#include "output.h"
#include "target.h"

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct targets targets;
	int status;
	size_t i;

	if (argc > 1 && argv[1][0] == '-')
		return ctl_usage(&cmd_show);
	status = ctl_connect(ctl);
	if (status)
		return status;
	status = target_all(ctl, argv + 1, argc - 1, &targets);
	if (!status && ctl->json)
		output_targets_json(&targets, output_dev_json);
	for (i = 0; i < targets.nr && !status && !ctl->json; i++) {
		if (i)
			putchar('\n');
		output_dev(&targets.devs[i]);
	}
	target_free(&targets);
	return status;
}

const struct command cmd_show = {
	.name = "show",
	.operands = "[DEVICE]...",
	.operand = CTL_DEVICES,
	.what = "show everything about the devices, or about all devices",
	.run = run,
};
