// SPDX-License-Identifier: GPL-2.0
/* The helper: all devices, notifications, the kernel module. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "family.h"
#include "helper.h"
#include "log.h"

/* How long to wait after an error before the next attempt. */
#define AGAIN_USEC (1000 * 1000)

static void try_kernel(struct helper *helper);

/* Do the deferred work soon. */
static void defer(void *ctx)
{
	struct helper *helper = ctx;

	sd_event_source_set_enabled(helper->deferred, SD_EVENT_ONESHOT);
}

/* List everything again soon. */
static void resync(void *ctx)
{
	struct helper *helper = ctx;

	helper->again = true;
	defer(helper);
}

/* List everything ---------------------------------------------------------- */

struct ids {
	uint32_t *ids;
	size_t nr;
	size_t max;
	bool failed;
};

static int collect(void *data, const struct vnl_dev *info)
{
	struct ids *ids = data;
	uint32_t *grown;

	if (ids->nr == ids->max) {
		ids->max = ids->max ? 2 * ids->max : 64;
		grown = reallocarray(ids->ids, ids->max, sizeof(*grown));
		if (!grown) {
			ids->failed = true;
			return 1;
		}
		ids->ids = grown;
	}
	ids->ids[ids->nr++] = info->id;
	return 0;
}

static void drop_unseen(struct helper *helper)
{
	struct device *dev = helper->devices.first, *next;

	for (; dev; dev = next) {
		next = dev->next;
		if (!dev->seen)
			device_drop(&helper->devices, dev->id);
	}
}

static int list_devices(struct helper *helper, struct vnl_sock *nl)
{
	struct ids ids = {};
	struct device *dev;
	size_t i;
	int ret;

	ret = vnl_dev_dump(nl, collect, &ids);
	if (!ret && ids.failed)
		ret = -ENOMEM;
	if (ret)
		goto out;
	for (dev = helper->devices.first; dev; dev = dev->next)
		dev->seen = false;
	for (i = 0; i < ids.nr; i++)
		device_refresh(&helper->devices, ids.ids[i]);
	drop_unseen(helper);
out:
	free(ids.ids);
	return ret;
}

static int on_again(sd_event_source *source, uint64_t usec, void *data)
{
	struct helper *helper = data;

	(void)source;
	(void)usec;
	if (helper->ready)
		resync(helper);
	else
		try_kernel(helper);
	return 0;
}

/* Try again after a while to list everything, or to connect to the kernel. */
static void resync_later(void *ctx)
{
	struct helper *helper = ctx;

	helper->later = sd_event_source_disable_unref(helper->later);
	sd_event_add_time_relative(helper->event, &helper->later,
				   CLOCK_MONOTONIC, AGAIN_USEC, 0, on_again,
				   helper);
}

/*
 * List all devices and all messages to send.
 *
 * This uses another socket. If a socket is full of notifications, the reply to a
 * dump is lost. On the owner's socket, notifications would mix with the reply.
 */
static void list_all(struct helper *helper)
{
	struct vnl_sock nl;
	int ret;

	ret = vnl_sock_open(&nl);
	if (!ret)
		ret = list_devices(helper, &nl);
	if (!ret)
		ret = fdmsg_dump(&helper->fdmsgs, &nl);
	if (ret) {
		log_err("cannot list devices and messages, trying again: %s",
			vnl_sock_error(&nl, ret));
		resync_later(helper);
	}
	vnl_sock_close(&nl);
}

static int on_deferred(sd_event_source *source, void *data)
{
	struct helper *helper = data;

	(void)source;
	if (!helper->ready)
		return 0;
	if (helper->again) {
		helper->again = false;
		list_all(helper);
	}
	fdmsg_send(&helper->fdmsgs);
	return 0;
}

static const struct device_ops device_ops = {
	.resync = resync,
	.resync_later = resync_later,
};

static const struct fdmsg_ops fdmsg_ops = {
	.defer = defer,
	.resync = resync,
};

/* Notifications ------------------------------------------------------------ */

/* On the owner's socket.  A request to the kernel may be in progress. */
static int on_owner_event(void *data, const struct vnl_msg *msg)
{
	struct helper *helper = data;

	if (!msg)
		resync(helper);
	else if (msg->cmd == VUSER_CMD_FDMSG_NTF)
		fdmsg_add(&helper->fdmsgs, msg);
	return 0;
}

static int on_change(void *data, const struct vnl_msg *msg)
{
	struct helper *helper = data;
	struct vnl_dev info;

	if (!msg) {
		resync(helper);
		return 0;
	}
	if (vnl_dev_parse(msg, &info))
		return 0;
	if (msg->cmd == VUSER_CMD_DEV_DEL_NTF)
		device_drop(&helper->devices, info.id);
	else if (msg->cmd == VUSER_CMD_DEV_NTF)
		device_refresh(&helper->devices, info.id);
	return 0;
}

static int on_input(struct helper *helper, struct vnl_sock *nl)
{
	int ret = vnl_sock_notifications(nl);

	if (ret == -ENOBUFS) {
		log_debug(
			"messages from the kernel were lost, listing all devices again");
		resync(helper);
	} else if (ret) {
		log_err("cannot receive from the kernel: %s", strerror(-ret));
	}
	return 0;
}

static int on_owner_input(sd_event_source *source, int fd, uint32_t revents,
			  void *data)
{
	struct helper *helper = data;

	(void)source;
	(void)fd;
	(void)revents;
	return on_input(helper, &helper->owner);
}

static int on_changes_input(sd_event_source *source, int fd, uint32_t revents,
			    void *data)
{
	struct helper *helper = data;

	(void)source;
	(void)fd;
	(void)revents;
	return on_input(helper, &helper->changes);
}

/* The kernel module -------------------------------------------------------- */

static void disconnect(struct helper *helper)
{
	helper->ready = false;
	while (helper->devices.first)
		device_drop(&helper->devices, helper->devices.first->id);
	fdmsg_clear(&helper->fdmsgs);
	helper->later = sd_event_source_disable_unref(helper->later);
	helper->owner_io = sd_event_source_disable_unref(helper->owner_io);
	helper->changes_io = sd_event_source_disable_unref(helper->changes_io);
	vnl_sock_close(&helper->owner);
	vnl_sock_close(&helper->changes);
}

static int add_inputs(struct helper *helper)
{
	int ret;

	ret = sd_event_add_io(helper->event, &helper->owner_io,
			      vnl_sock_fd(&helper->owner), EPOLLIN,
			      on_owner_input, helper);
	if (ret < 0)
		return ret;
	/* A consumer waits for the messages that the kernel asks to send. */
	sd_event_source_set_priority(helper->owner_io,
				     SD_EVENT_PRIORITY_IMPORTANT);
	ret = sd_event_add_io(helper->event, &helper->changes_io,
			      vnl_sock_fd(&helper->changes), EPOLLIN,
			      on_changes_input, helper);
	return ret < 0 ? ret : 0;
}

/* -ENOENT: the module is not loaded. */
static int connect_kernel(struct helper *helper)
{
	int ret;

	ret = vnl_sock_open(&helper->owner);
	if (ret)
		return ret;
	ret = vnl_sock_open(&helper->changes);
	if (!ret)
		ret = vnl_sock_join(&helper->changes);
	if (!ret)
		ret = add_inputs(helper);
	if (ret) {
		disconnect(helper);
		return ret;
	}
	helper->owner.notify = on_owner_event;
	helper->owner.notify_data = helper;
	helper->changes.notify = on_change;
	helper->changes.notify_data = helper;
	helper->ready = true;
	/*
	 * List now, not later: when vuserd reports that it is ready, the service
	 * manager starts other units, and these may need the devices.
	 */
	list_all(helper);
	return 0;
}

static void try_kernel(struct helper *helper)
{
	int ret = connect_kernel(helper);

	if (ret == -ENOENT) {
		log_warn(
			"the kernel module is not loaded: run modprobe vuser, vuserd waits for it");
	} else if (ret) {
		log_err("cannot connect to the kernel, trying again: %s",
			strerror(-ret));
		resync_later(helper);
	}
}

static void on_family(void *data, int id)
{
	struct helper *helper = data;

	if (helper->ready && helper->owner.family != id) {
		log_info("the kernel module was unloaded");
		disconnect(helper);
	}
	if (id && !helper->ready) {
		log_info("the kernel module was loaded");
		try_kernel(helper);
	}
}

int helper_start(struct helper *helper, sd_event *event)
{
	int ret;

	*helper = (struct helper) {
		.event = event,
		.devices = {
			.event = event,
			.owner = &helper->owner,
			.ops = &device_ops,
			.ctx = helper,
		},
		.fdmsgs = {
			.ops = &fdmsg_ops,
			.ctx = helper,
			.devices = &helper->devices,
			.null_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		},
	};
	if (helper->fdmsgs.null_fd < 0)
		return -errno;
	ret = sd_event_add_defer(event, &helper->deferred, on_deferred, helper);
	if (ret < 0)
		return ret;
	sd_event_source_set_priority(helper->deferred,
				     SD_EVENT_PRIORITY_IMPORTANT);
	/* Watch first, so that a module that is loaded now is not missed. */
	ret = family_watch(&helper->family, event, on_family, helper);
	if (ret < 0)
		return ret;
	try_kernel(helper);
	return 0;
}

void helper_stop(struct helper *helper)
{
	disconnect(helper);
	family_unwatch(helper->family);
	sd_event_source_disable_unref(helper->deferred);
	fdmsg_free(&helper->fdmsgs);
	if (helper->fdmsgs.null_fd >= 0)
		close(helper->fdmsgs.null_fd);
}

void helper_retry(struct helper *helper)
{
	struct device *dev, *next;

	for (dev = helper->devices.first; dev; dev = next) {
		next = dev->next;
		device_retry(dev);
	}
	resync(helper);
}
