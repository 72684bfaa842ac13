// SPDX-License-Identifier: GPL-2.0
/* vuserctl remove: remove a device. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge.h"
#include "commands.h"
#include "sysfs.h"
#include "target.h"

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct vnl_dev dev;
	int ret;

	if (argc != 2)
		return ctl_usage(&cmd_remove);
	if (ctl_connect(ctl) || target_find(ctl, argv[1], &dev))
		return EXIT_FAILURE;
	if (dev.state == VUSER_STATE_OPEN)
		fprintf(stderr,
			"vuserctl: a program has the device open, waiting for the program to close it\n");
	ret = sysfs_remove(dev.uuid);
	if (ret == -EACCES || ret == -EPERM)
		return ctl_complain(
			"cannot remove %s: permission denied, run vuserctl as root",
			dev.uuid);
	if (ret)
		return ctl_complain("cannot remove %s: %s", dev.uuid,
				    strerror(-ret));
	bridge_stop(dev.uuid);
	return EXIT_SUCCESS;
}

const struct command cmd_remove = {
	.name = "remove",
	.args = "DEVICE",
	.what = "remove a device as soon as no program has it open",
	.run = run,
};
