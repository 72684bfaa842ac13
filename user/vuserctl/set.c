// SPDX-License-Identifier: GPL-2.0
/* vuserctl set: change settings of a device. */
#include <errno.h>
#include <stdlib.h>

#include "commands.h"
#include "settings.h"
#include "target.h"

static int send_settings(struct ctl *ctl, const struct vnl_dev *dev,
			 const struct settings *set)
{
	struct nl_msg *msg;

	msg = vnl_sock_request(&ctl->nl, VUSER_CMD_DEV_SET, 0, 0);
	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, VUSER_A_DEV_ID, dev->id) ||
	    settings_put(set, msg)) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	return vnl_sock_call(&ctl->nl, msg, NULL, NULL);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	static const struct option longs[] = { SETTINGS_LONGS, {} };
	struct settings set = {};
	struct vnl_dev dev;
	int c, index, ret;
	char why[256];

	while ((c = getopt_long(argc, argv, "", longs, &index)) != -1) {
		ret = settings_parse(&set, c, optarg, why, sizeof(why));
		if (ret == -ENOENT)
			return ctl_usage(&cmd_set);
		if (ret)
			return ctl_complain("--%s: %s", longs[index].name, why);
	}
	if (argc - optind != 1 || !settings_any(&set))
		return ctl_usage(&cmd_set);
	if (ctl_connect(ctl) || target_find(ctl, argv[optind], &dev))
		return EXIT_FAILURE;
	ret = send_settings(ctl, &dev, &set);
	if (ret)
		return ctl_complain("cannot set %s: %s", dev.uuid,
				    ctl_set_error(ctl, ret));
	return EXIT_SUCCESS;
}

const struct command cmd_set = {
	.name = "set",
	.args = "DEVICE " SETTINGS_ARGS,
	.what = "change settings of a device",
	.run = run,
};
