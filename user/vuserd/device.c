// SPDX-License-Identifier: GPL-2.0
/* One device: claim it, connect to its server, attach the server. */
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vuser/client.h>

#include "attach.h"
#include "connection.h"
#include "device.h"
#include "explain.h"
#include "log.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000

/* If a server stays attached for this time, the next wait is short again. */
#define STABLE_USEC (5 * 1000 * 1000ULL)

/* The list of the devices whose numbers have the same remainder. */
static struct device **bucket(struct device_table *table, uint32_t id)
{
	return &table->buckets[id % DEVICE_BUCKETS];
}

struct device *device_find(struct device_table *table, uint32_t id)
{
	struct device *dev;

	for (dev = *bucket(table, id); dev; dev = dev->next_id)
		if (dev->id == id)
			return dev;
	return NULL;
}

/* Replace a text of a device; NULL removes it. Without memory it is removed. */
static void set_text(char **text, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	free(*text);
	*text = copy;
}

static bool is_text(const char *text, const char *value)
{
	return text && !strcmp(text, value);
}

/* The path for messages. */
static const char *path_of(const struct device *dev)
{
	return dev->path ?: "the server";
}

static struct device *new_device(struct device_table *table,
				 const struct vnl_dev *info)
{
	struct device *dev;

	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return NULL;
	dev->table = table;
	dev->id = info->id;
	dev->backoff_ms = BACKOFF_MIN_MS;
	memcpy(dev->uuid, info->uuid, sizeof(dev->uuid));
	dev->next_id = *bucket(table, dev->id);
	*bucket(table, dev->id) = dev;
	dev->next = table->first;
	if (dev->next)
		dev->next->prev = dev;
	table->first = dev;
	log_debug("%s: new device %u", dev->uuid, dev->id);
	return dev;
}

/* End a running attempt, and the wait for the next one. */
static void make_idle(struct device *dev)
{
	connection_free(dev->conn);
	dev->conn = NULL;
	dev->timer = sd_event_source_disable_unref(dev->timer);
	dev->phase = PHASE_IDLE;
}

/* End the attempt to connect to the server that is to replace the one in use. */
static void end_next(struct device *dev)
{
	connection_free(dev->next_conn);
	dev->next_conn = NULL;
	set_text(&dev->next_path, NULL);
}

/* Remove a device from the list and from its bucket. */
static void unlink_device(struct device_table *table, struct device *dev)
{
	struct device **pos = bucket(table, dev->id);

	while (*pos != dev)
		pos = &(*pos)->next_id;
	*pos = dev->next_id;
	if (dev->next)
		dev->next->prev = dev->prev;
	if (dev->prev)
		dev->prev->next = dev->next;
	else
		table->first = dev->next;
}

void device_drop(struct device_table *table, uint32_t id)
{
	struct device *dev = device_find(table, id);

	if (!dev)
		return;
	log_debug("%s: removed", dev->uuid);
	unlink_device(table, dev);
	make_idle(dev);
	end_next(dev);
	set_text(&dev->path, NULL);
	set_text(&dev->why, NULL);
	free(dev);
}

static uint64_t now_usec(struct device *dev)
{
	uint64_t now = 0;

	sd_event_now(dev->table->event, CLOCK_MONOTONIC, &now);
	return now;
}

/* If the kernel had no memory for a request or its reply, try again later. */
static void again_later(struct device *dev, int ret)
{
	if (ret == -ENOMEM || ret == -ENOBUFS)
		dev->table->ops->resync_later(dev->table->ctx);
}

/* Owning ------------------------------------------------------------------ */

static int take_token(void *data, const struct vnl_msg *msg)
{
	struct nlattr *attrs[VUSER_A_DEV_MAX + 1];
	struct device *dev = data;

	if (vnl_msg_parse(msg, attrs, VUSER_A_DEV_MAX) ||
	    vnl_msg_u64(attrs[VUSER_A_DEV_TOKEN], &dev->token))
		return -EBADMSG;
	dev->owned = true;
	return 0;
}

static void claim(struct device *dev, const struct vnl_dev *info)
{
	struct vnl_sock *nl = dev->table->owner;
	struct nl_msg *msg;
	int ret;

	dev->owned = false;
	msg = vnl_sock_request(nl, VUSER_CMD_DEV_CLAIM, 0, 0);
	if (!msg)
		return;
	nla_put_u32(msg, VUSER_A_DEV_ID, dev->id);
	ret = vnl_sock_call(nl, msg, take_token, dev);
	again_later(dev, ret);
	if (ret)
		log_debug("%s: cannot claim the device: %s", dev->uuid,
			  vnl_sock_error(nl, ret));
	else
		log_debug("%s: claimed, state %s", dev->uuid,
			  vnl_name_state(info->state));
}

/*
 * Try to claim the device, if it has no owner. Return whether vuserd owns it.
 */
static bool owns(struct device *dev, const struct vnl_dev *info)
{
	if (dev->owned && info->owner == vnl_sock_port(dev->table->owner))
		return true;
	if (info->owner && info->owner != vnl_sock_port(dev->table->owner)) {
		if (dev->owned || !dev->why)
			log_info(
				"%s: another helper (netlink port %u) owns the device",
				dev->uuid, info->owner);
		set_text(&dev->why, "another helper");
		dev->owned = false;
		return false;
	}
	claim(dev, info);
	return dev->owned;
}

/* Detach the server, and set the error of the device. Return 0 or an errno. */
static int detach(struct device *dev, const char *why)
{
	struct vnl_sock *nl = dev->table->owner;
	struct nl_msg *msg;
	int ret;

	msg = vnl_sock_request(nl, VUSER_CMD_DEV_DETACH, 0, 0);
	if (!msg)
		return -ENOMEM;
	nla_put_u32(msg, VUSER_A_DEV_ID, dev->id);
	if (why)
		nla_put_string(msg, VUSER_A_DEV_ERROR, why);
	nla_put_u64(msg, VUSER_A_DEV_TOKEN, dev->token);
	ret = vnl_sock_call(nl, msg, NULL, NULL);
	again_later(dev, ret);
	if (ret && ret != -EBUSY)
		log_debug("%s: cannot detach the server: %s", dev->uuid,
			  vnl_sock_error(nl, ret));
	return ret;
}

/* Connecting -------------------------------------------------------------- */

static void wait_for_retry(struct device *dev);

static int on_retry(sd_event_source *source, uint64_t usec, void *data)
{
	struct device *dev = data;

	(void)source;
	(void)usec;
	if (!connection_ended(dev->conn)) {
		/*
		 * The last attempt still closes files of the server. Another
		 * attempt could only make it worse.
		 */
		wait_for_retry(dev);
		return 0;
	}
	make_idle(dev);
	device_refresh(dev->table, dev->id);
	return 0;
}

static void wait_for_retry(struct device *dev)
{
	int ret;

	dev->timer = sd_event_source_disable_unref(dev->timer);
	dev->phase = PHASE_IDLE;
	ret = sd_event_add_time_relative(dev->table->event, &dev->timer,
					 CLOCK_MONOTONIC,
					 dev->backoff_ms * 1000ULL, 0, on_retry,
					 dev);
	if (ret < 0) {
		log_err("%s: cannot start the retry timer: %s", dev->uuid,
			strerror(-ret));
		return;
	}
	dev->phase = PHASE_WAIT;
	dev->backoff_ms *= 2;
	if (dev->backoff_ms > BACKOFF_MAX_MS)
		dev->backoff_ms = BACKOFF_MAX_MS;
}

/* Report a failure once, to the log and to the kernel, and try again later. */
static void failed(void *data, const char *why)
{
	struct device *dev = data;

	if (!is_text(dev->why, why)) {
		log_warn("%s: %s", dev->uuid, why);
		set_text(&dev->why, why);
		detach(dev, why);
	} else {
		log_debug("%s: still failing: %s", dev->uuid, why);
	}
	wait_for_retry(dev);
}

static void attached(struct device *dev, uint32_t config_size)
{
	make_idle(dev);
	dev->attached_usec = now_usec(dev);
	dev->opened = false;
	set_text(&dev->why, NULL);
	log_info("%s: attached to %s", dev->uuid, path_of(dev));
	if (!config_size)
		log_warn(
			"%s: the server does not allow reads of configuration space: vuserctl exec will not show the device",
			dev->uuid);
}

/* Explain error @ret of attach(); @endpoint is the path of the server. */
static void explain_rejection(char *why, size_t size, const char *endpoint,
			      const struct vnl_sock *nl, int ret)
{
	char shown[EXPLAIN_PATH_MAX + 1];

	snprintf(why, size,
		 "the kernel rejected the device that %s describes: %.80s",
		 explain_path(shown, endpoint), vnl_sock_error(nl, ret));
}

static void connected(void *data, struct vuser_description *desc,
		      const uint8_t *config, uint32_t config_size)
{
	struct device *dev = data;
	struct vnl_sock *nl = dev->table->owner;
	char why[VUSER_ERROR_MAX + 1];
	int ret;

	ret = attach(nl, dev->id, dev->token, desc, config, config_size, false);
	/* The kernel has taken references to the fds. */
	vuser_description_free(desc);
	switch (ret) {
	case 0:
		attached(dev, config_size);
		break;
	case -EBUSY:
		log_debug("%s: cannot attach yet: %s", dev->uuid,
			  vnl_sock_error(nl, ret));
		wait_for_retry(dev);
		break;
	case -EPERM:
	case -ENODEV:
		/* The device has changed meanwhile: read its state again. */
		log_debug("%s: cannot attach: %s", dev->uuid,
			  vnl_sock_error(nl, ret));
		make_idle(dev);
		dev->owned = false;
		dev->table->ops->resync(dev->table->ctx);
		break;
	default:
		explain_rejection(why, sizeof(why), path_of(dev), nl, ret);
		failed(dev, why);
	}
}

static const struct connection_ops connection_ops = {
	.done = connected,
	.failed = failed,
};

static void try_now(struct device *dev, const struct vnl_dev *info)
{
	char why[VUSER_ERROR_MAX + 1];

	make_idle(dev);
	set_text(&dev->path, info->endpoint);
	log_debug("%s: connecting to %s", dev->uuid, info->endpoint);
	dev->phase = PHASE_CONNECT;
	dev->conn = connection_new(dev->table->event, info->endpoint,
				   info->request_timeout_ms, info->server_user,
				   &connection_ops, dev, why, sizeof(why));
	if (!dev->conn)
		failed(dev, why);
}

/* Replacing --------------------------------------------------------------- */

/* The server in use goes on. */
static void next_failed(void *data, const char *why)
{
	struct device *dev = data;
	struct vnl_sock *nl = dev->table->owner;
	struct nl_msg *msg;
	int ret;

	log_warn("%s: the server is not replaced: %s", dev->uuid, why);
	end_next(dev);
	msg = vnl_sock_request(nl, VUSER_CMD_DEV_DETACH, 0, 0);
	if (!msg)
		return;
	nla_put_u32(msg, VUSER_A_DEV_ID, dev->id);
	nla_put_u64(msg, VUSER_A_DEV_TOKEN, dev->token);
	nla_put_flag(msg, VUSER_A_DEV_REPLACE);
	nla_put_string(msg, VUSER_A_DEV_ERROR, why);
	ret = vnl_sock_call(nl, msg, NULL, NULL);
	again_later(dev, ret);
	if (ret)
		log_debug("%s: cannot end the replacement: %s", dev->uuid,
			  vnl_sock_error(nl, ret));
}

static void next_connected(void *data, struct vuser_description *desc,
			   const uint8_t *config, uint32_t config_size)
{
	struct device *dev = data;
	struct vnl_sock *nl = dev->table->owner;
	char why[VUSER_ERROR_MAX + 1];
	int ret;

	ret = attach(nl, dev->id, dev->token, desc, config, config_size, true);
	vuser_description_free(desc);
	if (!ret) {
		log_debug("%s: the kernel replaces the server by %s", dev->uuid,
			  dev->next_path);
		connection_free(dev->next_conn);
		dev->next_conn = NULL;
		return;
	}
	explain_rejection(why, sizeof(why), dev->next_path ?: "the server", nl,
			  ret);
	next_failed(dev, why);
}

static const struct connection_ops next_ops = {
	.done = next_connected,
	.failed = next_failed,
};

/* Connect to the server that is to replace the one in use. */
static void connect_next(struct device *dev, const struct vnl_dev *info)
{
	char why[VUSER_ERROR_MAX + 1];

	/*
	 * Without a connection, the kernel had the server of this path before, and asks
	 * for it again.
	 */
	if (dev->next_conn && is_text(dev->next_path, info->replacement))
		return;
	end_next(dev);
	set_text(&dev->next_path, info->replacement);
	dev->next_conn = connection_new(dev->table->event, info->replacement,
					info->request_timeout_ms,
					info->server_user, &next_ops, dev, why,
					sizeof(why));
	if (!dev->next_conn)
		next_failed(dev, why);
}

static void replace_server(struct device *dev, const struct vnl_dev *info)
{
	if (info->replacement[0]) {
		connect_next(dev, info);
		return;
	}
	if (info->replacing == VUSER_REPLACING_PENDING)
		return;
	if (info->replacing == VUSER_REPLACING_DONE &&
	    is_text(dev->next_path, info->endpoint)) {
		log_info("%s: the server at %s is replaced by the one at %s",
			 dev->uuid, path_of(dev), info->endpoint);
		set_text(&dev->path, info->endpoint);
	}
	end_next(dev);
}

/* States ------------------------------------------------------------------ */

/* Start an attempt, unless one is running or planned for the endpoint. */
static void connect_server(struct device *dev, const struct vnl_dev *info)
{
	if (!info->endpoint[0]) {
		make_idle(dev);
		return;
	}
	if (!is_text(dev->path, info->endpoint)) {
		dev->backoff_ms = BACKOFF_MIN_MS;
		set_text(&dev->why, NULL);
		try_now(dev, info);
	} else if (dev->phase == PHASE_IDLE) {
		try_now(dev, info);
	}
}

static void is_created(struct device *dev, const struct vnl_dev *info)
{
	dev->again = false;
	connect_server(dev, info);
}

/*
 * A previous helper has attached the server at the current endpoint. If the
 * endpoint changes from now on, vuserd detaches this server and connects to the
 * new endpoint.
 */
static void adopt(struct device *dev, const struct vnl_dev *info)
{
	dev->attached_usec = now_usec(dev);
	set_text(&dev->path, info->endpoint);
	log_info("%s: taken over in state %s", dev->uuid,
		 vnl_name_state(info->state));
}

/* A new endpoint takes effect when no consumer has the device open. */
static void is_attached(struct device *dev, const struct vnl_dev *info)
{
	make_idle(dev);
	if (!dev->attached_usec)
		adopt(dev, info);
	if (is_text(dev->path, info->endpoint))
		return;
	log_info("%s: the endpoint changed to '%s', detaching from %s",
		 dev->uuid, info->endpoint, path_of(dev));
	if (!detach(dev, NULL))
		dev->attached_usec = 0;
}

/* Whether the server was attached for a while, or was used by a consumer. */
static bool served(struct device *dev)
{
	return !dev->attached_usec || dev->opened ||
	       now_usec(dev) - dev->attached_usec > STABLE_USEC;
}

/*
 * The server was lost just now.
 *
 * A server that always exits soon after it was attached is retried with
 * increasing waits, like a server that is not running. If a consumer has used
 * the server, the wait is short: each consumer loses a server only once.
 */
static void note_loss(struct device *dev, const struct vnl_dev *info,
		      const char *why)
{
	make_idle(dev);
	log_warn("%s: %s", dev->uuid, why);
	if (!dev->path)
		set_text(&dev->path, info->endpoint);
	if (served(dev))
		dev->backoff_ms = BACKOFF_MIN_MS;
	else
		wait_for_retry(dev);
	dev->attached_usec = 0;
}

/*
 * While a consumer has the device open, the server cannot be detached, but
 * another server can take its place. The kernel notifies vuserd when the
 * consumer closes the device.
 */
static void is_lost(struct device *dev, const struct vnl_dev *info)
{
	bool first = dev->attached_usec || !dev->path;
	char shown[EXPLAIN_PATH_MAX + 1];
	char why[VUSER_ERROR_MAX + 1];
	int ret;

	snprintf(why, sizeof(why),
		 "the server at %s is gone: see its log and the kernel log",
		 explain_path(shown, dev->attached_usec ? path_of(dev) :
							  info->endpoint));
	ret = detach(dev, first || !dev->why ? why : dev->why);
	if (ret && ret != -EBUSY)
		return;
	if (ret == -EBUSY && !dev->again)
		dev->opened = true;
	if (first)
		note_loss(dev, info, why);
	dev->again = ret == -EBUSY;
	if (dev->again)
		connect_server(dev, info);
}

static void act(struct device *dev, const struct vnl_dev *info)
{
	if (!owns(dev, info)) {
		make_idle(dev);
		end_next(dev);
		return;
	}
	replace_server(dev, info);
	switch (info->state) {
	case VUSER_STATE_CREATED:
		is_created(dev, info);
		break;
	case VUSER_STATE_ATTACHED:
		is_attached(dev, info);
		break;
	case VUSER_STATE_OPEN:
		make_idle(dev);
		if (!dev->attached_usec)
			adopt(dev, info);
		dev->opened = true;
		break;
	case VUSER_STATE_RESUMING:
		make_idle(dev);
		if (!dev->attached_usec)
			adopt(dev, info);
		break;
	case VUSER_STATE_LOST:
		is_lost(dev, info);
		break;
	}
}

void device_refresh(struct device_table *table, uint32_t id)
{
	struct vnl_dev info;
	struct device *dev;
	int ret;

	ret = vnl_dev_get(table->owner, id, &info);
	if (ret == -ENODEV) {
		device_drop(table, id);
		return;
	}
	dev = device_find(table, id);
	if (ret) {
		/*
		 * For example, the reply was lost. Keep the device until the
		 * next attempt to read its state.
		 */
		log_err("device %u: cannot read its state, trying again: %s",
			id, vnl_sock_error(table->owner, ret));
		if (dev)
			dev->seen = true;
		table->ops->resync_later(table->ctx);
		return;
	}
	if (dev && strcmp(dev->uuid, info.uuid)) {
		/*
		 * A new device has the number of a removed device, whose
		 * notification was lost.
		 */
		device_drop(table, id);
		dev = NULL;
	}
	if (!dev)
		dev = new_device(table, &info);
	if (!dev)
		return;
	dev->seen = true;
	act(dev, &info);
}

void device_retry(struct device *dev)
{
	dev->backoff_ms = BACKOFF_MIN_MS;
	if (dev->phase == PHASE_WAIT && connection_ended(dev->conn))
		make_idle(dev);
	device_refresh(dev->table, dev->id);
}
