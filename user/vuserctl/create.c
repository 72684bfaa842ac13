// SPDX-License-Identifier: GPL-2.0
/* vuserctl create: create a device, and wait for its server. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bridge.h"
#include "commands.h"
#include "define.h"
#include "output.h"
#include "qemu.h"
#include "settings.h"
#include "sysfs.h"
#include "target.h"

/* Seconds to wait with --wait and no number. */
#define WAIT_DEFAULT 30

enum {
	OPT_UUID = 512,
	OPT_WAIT,
	OPT_VHOST,
	OPT_QEMU,
	OPT_QEMU_ARG,
};

static const struct opt options[] = {
	{ "uuid", OPT_UUID, "UUID", false,
	  "UUID of the device; a random one by default" },
	{ "wait", OPT_WAIT, "SECONDS", true,
	  "wait until the device has a server, for 30 seconds by default" },
	{ "vhost", OPT_VHOST, "TYPE:PATH[,OPTION]...", false,
	  "start a vuser-vhost for a vhost-user back end as the server" },
	{ "qemu", OPT_QEMU, "MODEL[,OPTION]...", false,
	  "start a QEMU that serves one of its devices as the server" },
	{ "qemu-arg", OPT_QEMU_ARG, "ARGUMENT", false,
	  "give a further argument to this QEMU, such as a -blockdev" },
	{},
};

/**
 * struct create - a run of this command
 * @uuid: UUID of the device
 * @set: settings of the device
 * @vhost: argument of --vhost, or NULL
 * @qemu: arguments of --qemu and --qemu-arg
 * @wait: seconds to wait for a server, 0: do not wait
 * @dev: last known state of the device
 * @said: the last error that was printed
 * @done: the device has a server
 */
struct create {
	char uuid[37];
	struct settings set;
	const char *vhost;
	struct qemu qemu;
	uint32_t wait;
	struct vnl_dev dev;
	char said[VUSER_ERROR_MAX + 1];
	bool done;
};

static int random_uuid(char uuid[37])
{
	ssize_t len;
	int fd;

	fd = open("/proc/sys/kernel/random/uuid", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, uuid, 36);
	close(fd);
	uuid[36] = '\0';
	return len == 36 ? 0 : -EIO;
}

/* Write the UUID as the kernel writes it, since it is a name in sysfs. */
static int take_uuid(char uuid[37], const char *arg)
{
	uint8_t bytes[VUSER_UUID_LEN];

	if (vnl_uuid_parse(arg, bytes))
		return -EINVAL;
	vnl_uuid_format(bytes, uuid);
	return 0;
}

static int take_wait(struct create *create, const char *arg)
{
	create->wait = WAIT_DEFAULT;
	if (arg && (settings_number(arg, &create->wait) || !create->wait))
		return ctl_fail(
			EX_USAGE,
			"--wait: '%s' is not a number of seconds above 0", arg);
	return 0;
}

/* Read one option; 0 or an exit status. */
static int take_option(struct create *create, int key, const char *name)
{
	char why[256];
	int ret;

	switch (key) {
	case OPT_UUID:
		if (take_uuid(create->uuid, optarg))
			return ctl_fail(EX_USAGE, "--uuid: '%s' is not a UUID",
					optarg);
		return 0;
	case OPT_VHOST:
		create->vhost = optarg;
		return 0;
	case OPT_QEMU:
		create->qemu.model = optarg;
		return 0;
	case OPT_QEMU_ARG:
		return qemu_add_arg(&create->qemu, optarg) ?
			       ctl_fail(EX_USAGE, "--qemu-arg: too many") :
			       0;
	case OPT_WAIT:
		return take_wait(create, optarg);
	default:
		ret = settings_parse(&create->set, key, optarg, why,
				     sizeof(why));
		if (ret == -ENOENT)
			return ctl_usage(&cmd_create);
		if (ret)
			return ctl_fail(EX_USAGE, "--%s: %s", name, why);
		return 0;
	}
}

/* Check that the user named one server at most; 0 or an exit status. */
static int check_server(const struct create *create)
{
	bool vhost = create->vhost, qemu = create->qemu.model;

	if (create->set.given[SET_ENDPOINT] + vhost + qemu > 1)
		return ctl_fail(
			EX_USAGE,
			"--vhost and --qemu set the endpoint: give only one of --endpoint, --vhost and --qemu");
	if (create->qemu.nr && !qemu)
		return ctl_fail(EX_USAGE, "--qemu-arg needs --qemu");
	if (create->wait && !create->set.endpoint[0] && !vhost && !qemu)
		return ctl_fail(
			EX_USAGE,
			"--wait needs a server to wait for: give --endpoint, --vhost or --qemu");
	return 0;
}

static int parse(struct create *create, int argc, char **argv)
{
	struct option_parser parser;
	int key, status;

	option_begin(&parser, false);
	option_add(&parser, options);
	option_add(&parser, settings_options);
	while ((key = option_next(&parser, argc, argv)) != -1) {
		status = take_option(create, key,
				     parser.last ? parser.last->name : "");
		if (status)
			return status;
	}
	if (optind != argc)
		return ctl_usage(&cmd_create);
	status = check_server(create);
	if (status)
		return status;
	if (!create->uuid[0] && random_uuid(create->uuid))
		return ctl_fail(EX_OSERR,
				"cannot generate a UUID: give one with --uuid");
	return 0;
}

static int apply(struct ctl *ctl, struct create *create)
{
	uint8_t bytes[VUSER_UUID_LEN];
	struct nl_msg *msg;
	int ret;

	if (!settings_any(&create->set))
		return 0;
	msg = vnl_sock_request(&ctl->nl, VUSER_CMD_DEV_SET, 0, 0);
	if (!msg)
		return ctl_fail(EX_OSERR, "out of memory");
	vnl_uuid_parse(create->uuid, bytes);
	if (nla_put(msg, VUSER_A_DEV_UUID, sizeof(bytes), bytes) ||
	    settings_put(&create->set, msg)) {
		nlmsg_free(msg);
		return ctl_fail(EX_OSERR,
				"the settings do not fit into a message");
	}
	ret = vnl_sock_call(&ctl->nl, msg, NULL, NULL);
	if (ret)
		return ctl_fail(
			exit_status(ret),
			"cannot create a device with these settings: %s",
			ctl_set_error(ctl, ret));
	return 0;
}

/* The time limit of the device for one command, in ms. A close has one, too. */
static uint32_t time_limit(const struct settings *set)
{
	const enum setting both[] = { SET_REQUEST_TIMEOUT_MS,
				      SET_CLOSE_TIMEOUT_MS };
	uint32_t limit = 10000;
	size_t i;

	for (i = 0; i < 2; i++)
		if (set->given[both[i]] && set->number[both[i]] < limit)
			limit = set->number[both[i]];
	return limit;
}

/* Start the server of this device, if the user wants that. */
static int start_server(struct create *create)
{
	char *endpoint = create->set.endpoint;
	size_t size = sizeof(create->set.endpoint);
	int status;

	if (create->vhost)
		status = bridge_start(create->uuid, create->vhost,
				      time_limit(&create->set), endpoint, size);
	else if (create->qemu.model)
		status =
			qemu_start(create->uuid, &create->qemu, endpoint, size);
	else
		return 0;
	create->set.given[SET_ENDPOINT] = !status;
	return status;
}

/* Waiting ----------------------------------------------------------------- */

/* Continue to wait after an error: the server may just not be ready yet. */
static void look(struct create *create, const struct vnl_dev *dev)
{
	create->dev = *dev;
	create->done = dev->state != VUSER_STATE_CREATED;
	if (!create->done && dev->error[0] &&
	    strcmp(dev->error, create->said)) {
		ctl_say("waiting: %s", dev->error);
		memcpy(create->said, dev->error, sizeof(create->said));
	}
}

static int on_change(void *data, const struct vnl_msg *msg)
{
	struct create *create = data;
	struct vnl_dev dev;

	/* A notification has no error text: the caller asks for it. */
	if (msg && msg->cmd == VUSER_CMD_DEV_NTF && !vnl_dev_parse(msg, &dev) &&
	    !strcmp(dev.uuid, create->uuid) && dev.state != VUSER_STATE_CREATED)
		create->done = true;
	return 0;
}

static int ms_left(const struct timespec *end)
{
	struct timespec now;
	long long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (end->tv_sec - now.tv_sec) * 1000LL +
	     (end->tv_nsec - now.tv_nsec) / 1000000;
	if (ms <= 0)
		return 0;
	return ms < INT_MAX ? ms : INT_MAX;
}

static int wait_for_server(struct ctl *ctl, struct create *create,
			   struct vnl_sock *changes)
{
	struct pollfd pfd = { .fd = vnl_sock_fd(changes), .events = POLLIN };
	struct timespec end;
	struct vnl_dev dev;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += create->wait;
	do {
		/*
		 * Ask for the state, since a notification may have been missed.
		 */
		if (vnl_dev_get_uuid(&ctl->nl, create->uuid, &dev))
			return ctl_fail(
				EX_NOINPUT,
				"%s was removed while vuserctl waited for its server",
				create->uuid);
		look(create, &dev);
		if (create->done)
			break;
		if (poll(&pfd, 1, ms_left(&end)) > 0)
			vnl_sock_notifications(changes);
	} while (!create->done && ms_left(&end));

	if (create->done)
		return 0;
	return ctl_fail(EX_TEMPFAIL, "%s has no server after %u s: %s",
			create->uuid, create->wait,
			output_reason(&create->dev));
}

static int print_json(struct ctl *ctl, const char *uuid)
{
	struct vnl_dev dev;
	int status = target_find(ctl, uuid, &dev);

	if (!status)
		output_json(output_dev_json(&dev), true);
	return status;
}

/* Create the device, with its server and its settings; 0 or an exit status. */
static int make(struct ctl *ctl, struct create *create)
{
	int status = define_create(create->uuid);

	if (status)
		return status;
	status = start_server(create);
	if (!status)
		status = apply(ctl, create);
	if (status) {
		sysfs_remove(create->uuid);
		bridge_stop(create->uuid);
		qemu_stop(create->uuid);
	}
	return status;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct create create = {};
	struct vnl_sock changes;
	int status, json_status;

	status = parse(&create, argc, argv);
	if (!status)
		status = ctl_connect_listener(ctl, &changes);
	if (status)
		return status;
	changes.notify = on_change;
	changes.notify_data = &create;

	status = make(ctl, &create);
	if (status)
		goto out;
	if (!ctl->json) {
		puts(create.uuid);
		fflush(stdout);
	}
	if (create.wait)
		status = wait_for_server(ctl, &create, &changes);
	/* Print the device last, so that its final state is shown. */
	json_status = ctl->json ? print_json(ctl, create.uuid) : 0;
	status = status ?: json_status;
out:
	vnl_sock_close(&changes);
	return status;
}

const struct command cmd_create = {
	.name = "create",
	.operands = "",
	.options = options,
	.settings = true,
	.what = "create a device and print its UUID",
	.run = run,
};
