// SPDX-License-Identifier: GPL-2.0
/* vuserctl set: change settings of devices. */
#include <errno.h>

#include "commands.h"
#include "output.h"
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

static int parse(struct settings *set, int argc, char **argv)
{
	struct option_parser parser;
	char why[256];
	int key, ret;

	option_begin(&parser, false);
	option_add(&parser, settings_options);
	while ((key = option_next(&parser, argc, argv)) != -1) {
		ret = settings_parse(set, key, optarg, why, sizeof(why));
		if (ret == -ENOENT)
			return ctl_usage(&cmd_set);
		if (ret)
			return ctl_fail(EX_USAGE, "--%s: %s", parser.last->name,
					why);
	}
	if (optind == argc || !settings_any(set))
		return ctl_usage(&cmd_set);
	if (set->given[SET_PCI_ADDRESS] && argc - optind > 1)
		return ctl_fail(
			EX_USAGE,
			"--pci-address: two devices cannot have the same address, so give one device");
	return 0;
}

/* Change one device and read it again; 0 or an exit status. */
static int change(struct ctl *ctl, const struct settings *set,
		  struct vnl_dev *dev)
{
	int ret = send_settings(ctl, dev, set);

	if (ret)
		return ctl_fail(exit_status(ret), "cannot set %s: %s",
				dev->uuid, ctl_set_error(ctl, ret));
	vnl_dev_get(&ctl->nl, dev->id, dev);
	return 0;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct settings set = {};
	struct targets targets;
	int ret, status;
	size_t i;

	status = parse(&set, argc, argv);
	if (!status)
		status = ctl_connect(ctl);
	if (status)
		return status;
	status = target_all(ctl, argv + optind, argc - optind, &targets);
	if (status)
		goto out;
	for (i = 0; i < targets.nr; i++) {
		ret = change(ctl, &set, &targets.devs[i]);
		status = status ?: ret;
	}
	if (ctl->json)
		output_targets_json(&targets, output_dev_json);
out:
	target_free(&targets);
	return status;
}

const struct command cmd_set = {
	.name = "set",
	.operands = "DEVICE...",
	.operand = CTL_DEVICES,
	.settings = true,
	.what = "change settings of devices",
	.run = run,
};
