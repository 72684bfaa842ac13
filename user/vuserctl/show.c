// SPDX-License-Identifier: GPL-2.0
/* vuserctl show: show one device. */
#include <stdlib.h>

#include "commands.h"
#include "output.h"
#include "target.h"

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct vnl_dev dev;

	if (argc != 2)
		return ctl_usage(&cmd_show);
	if (ctl_connect(ctl) || target_find(ctl, argv[1], &dev))
		return EXIT_FAILURE;
	if (ctl->json)
		output_json(output_dev_json(&dev), true);
	else
		output_dev(&dev);
	return EXIT_SUCCESS;
}

const struct command cmd_show = {
	.name = "show",
	.args = "DEVICE",
	.what = "show everything about a device",
	.run = run,
};
