// SPDX-License-Identifier: GPL-2.0
/* vuserctl replace: let another server serve a device that is open. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "commands.h"
#include "output.h"
#include "settings.h"
#include "target.h"

static const struct opt options[] = {
	{ "no-state", 'n', NULL, false,
	  "do not move the state of the device: the device is reset" },
	{},
};

static int request(struct ctl *ctl, const struct vnl_dev *dev,
		   const char *endpoint, bool no_state)
{
	struct nl_msg *msg;

	msg = vnl_sock_request(&ctl->nl, VUSER_CMD_DEV_REPLACE, 0, 0);
	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, VUSER_A_DEV_ID, dev->id) ||
	    nla_put_string(msg, VUSER_A_DEV_REPLACEMENT, endpoint) ||
	    (no_state && nla_put_flag(msg, VUSER_A_DEV_NO_STATE))) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	return vnl_sock_call(&ctl->nl, msg, NULL, NULL);
}

/* Wait until the kernel has the result. */
static int wait_result(struct ctl *ctl, struct vnl_sock *changes,
		       struct vnl_dev *dev)
{
	struct pollfd pfd = { .fd = vnl_sock_fd(changes), .events = POLLIN };
	uint32_t id = dev->id;
	int ret;

	for (;;) {
		ret = vnl_dev_get(&ctl->nl, id, dev);
		if (ret)
			return ctl_fail(exit_status(ret), "device %u: %s", id,
					vnl_sock_error(&ctl->nl, ret));
		if (dev->replacing != VUSER_REPLACING_PENDING)
			return 0;
		if (!dev->owner)
			return ctl_fail(
				EX_UNAVAILABLE,
				"%s: vuserd is not running: the server is replaced when vuserd is started",
				dev->uuid);
		poll(&pfd, 1, -1);
		vnl_sock_notifications(changes);
	}
}

static int report(struct ctl *ctl, const struct vnl_dev *dev)
{
	if (dev->replacing == VUSER_REPLACING_FAILED)
		return ctl_fail(
			EX_UNAVAILABLE,
			"%s: the server is not replaced and continues to serve the device: %s",
			dev->uuid, dev->replace_error);
	/* The program has opened the device again meanwhile. */
	if (dev->replacing != VUSER_REPLACING_DONE)
		return ctl_fail(
			EX_UNAVAILABLE,
			"%s: the server is not replaced: the program has closed the device",
			dev->uuid);
	if (ctl->json)
		output_json(output_dev_json(dev), true);
	else
		printf("%s: replaced, accesses waited %llu.%03llu ms\n",
		       dev->uuid,
		       (unsigned long long)dev->replace_pause_us / 1000,
		       (unsigned long long)dev->replace_pause_us % 1000);
	return EX_OK;
}

static int replace(struct ctl *ctl, const char *name, const char *endpoint,
		   bool no_state, struct vnl_sock *changes)
{
	struct vnl_dev dev;
	int ret, status;

	status = target_find(ctl, name, &dev);
	if (status)
		return status;
	ret = request(ctl, &dev, endpoint, no_state);
	if (ret)
		return ctl_fail(exit_status(ret),
				"cannot replace the server of %s: %s", dev.uuid,
				vnl_sock_error(&ctl->nl, ret));
	status = wait_result(ctl, changes, &dev);
	return status ?: report(ctl, &dev);
}

static int parse(bool *no_state, int argc, char **argv)
{
	struct option_parser parser;
	int key;

	option_begin(&parser, false);
	option_add(&parser, options);
	while ((key = option_next(&parser, argc, argv)) != -1) {
		if (key != 'n')
			return ctl_usage(&cmd_replace);
		*no_state = true;
	}
	return argc - optind == 2 ? 0 : ctl_usage(&cmd_replace);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	char endpoint[VUSER_ENDPOINT_MAX + 1], why[256];
	struct vnl_sock changes;
	bool no_state = false;
	int status;

	status = parse(&no_state, argc, argv);
	if (status)
		return status;
	if (settings_endpoint(argv[optind + 1], endpoint, sizeof(endpoint), why,
			      sizeof(why)))
		return ctl_fail(EX_USAGE, "%s", why);
	status = ctl_connect_listener(ctl, &changes);
	if (status)
		return status;
	status = replace(ctl, argv[optind], endpoint, no_state, &changes);
	vnl_sock_close(&changes);
	return status;
}

const struct command cmd_replace = {
	.name = "replace",
	.operands = "DEVICE ENDPOINT",
	.operand = CTL_DEVICES,
	.options = options,
	.what = "let another server serve a device that is open",
	.run = run,
};
