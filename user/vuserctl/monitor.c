// SPDX-License-Identifier: GPL-2.0
/* vuserctl monitor: print the changes of devices. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "output.h"

/**
 * struct monitor - a run of this command
 * @json: print JSON
 * @query: socket that asks for what notifications do not contain
 */
struct monitor {
	bool json;
	struct vnl_sock query;
};

/*
 * Any process may receive notifications, so they have neither endpoints nor errors: ask
 * for them. If the device was removed meanwhile, they stay unknown.
 */
static void complete(struct monitor *monitor, struct vnl_dev *dev)
{
	struct vnl_dev now;

	if (vnl_dev_get(&monitor->query, dev->id, &now) || !now.full ||
	    strcmp(now.uuid, dev->uuid))
		return;
	dev->full = true;
	memcpy(dev->endpoint, now.endpoint, sizeof(dev->endpoint));
	memcpy(dev->error, now.error, sizeof(dev->error));
	dev->replacing = now.replacing;
	memcpy(dev->replacement, now.replacement, sizeof(dev->replacement));
	memcpy(dev->replace_error, now.replace_error,
	       sizeof(dev->replace_error));
	dev->replace_pause_us = now.replace_pause_us;
}

static void print_change(const struct monitor *monitor,
			 const struct vnl_dev *dev)
{
	struct json_object *object;

	if (monitor->json) {
		object = output_dev_json(dev);
		json_object_object_add(object, "event",
				       json_object_new_string("changed"));
		output_json(object, false);
		return;
	}
	printf("%s %s %s %s%s%s\n", dev->uuid, vnl_name_state(dev->state),
	       dev->pci_address, output_endpoint(dev),
	       dev->error[0] ? " error: " : "", dev->error);
}

static void print_removed(const struct monitor *monitor,
			  const struct vnl_dev *dev)
{
	struct json_object *object;

	if (monitor->json) {
		object = json_object_new_object();
		json_object_object_add(object, "uuid",
				       json_object_new_string(dev->uuid));
		json_object_object_add(object, "event",
				       json_object_new_string("removed"));
		output_json(object, false);
		return;
	}
	printf("%s removed\n", dev->uuid);
}

static int on_change(void *data, const struct vnl_msg *msg)
{
	struct vnl_dev dev;

	if (!msg || vnl_dev_parse(msg, &dev))
		return 0;
	if (msg->cmd == VUSER_CMD_DEV_DEL_NTF) {
		print_removed(data, &dev);
	} else if (msg->cmd == VUSER_CMD_DEV_NTF) {
		complete(data, &dev);
		print_change(data, &dev);
	}
	fflush(stdout);
	return 0;
}

/* Print notifications until standard output fails. */
static int follow(struct ctl *ctl)
{
	struct pollfd pfd = { .events = POLLIN };
	int ret;

	pfd.fd = vnl_sock_fd(&ctl->nl);
	while (!ferror(stdout)) {
		if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
			return ctl_fail(EX_OSERR,
					"cannot wait for notifications: %s",
					strerror(errno));
		ret = vnl_sock_notifications(&ctl->nl);
		if (ret == -ENOBUFS)
			ctl_say("some notifications were lost: they arrived faster than they were printed");
		else if (ret)
			return ctl_fail(EX_OSERR,
					"cannot receive notifications: %s",
					strerror(-ret));
	}
	return EX_IOERR;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	struct monitor monitor = { .json = ctl->json };
	int ret, status;

	(void)argv;
	if (argc != 1)
		return ctl_usage(&cmd_monitor);
	status = ctl_connect(ctl);
	if (status)
		return status;
	ret = vnl_sock_open(&monitor.query);
	if (!ret)
		ret = vnl_sock_join(&ctl->nl);
	if (ret)
		return ctl_fail(EX_OSERR, "cannot receive notifications: %s",
				strerror(-ret));
	ctl->nl.notify = on_change;
	ctl->nl.notify_data = &monitor;
	status = follow(ctl);
	vnl_sock_close(&monitor.query);
	return status;
}

const struct command cmd_monitor = {
	.name = "monitor",
	.operands = "",
	.what = "print a line whenever a device changes",
	.run = run,
};
