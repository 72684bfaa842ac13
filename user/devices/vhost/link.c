// SPDX-License-Identifier: GPL-2.0
/* The connection to the back-end, in an event loop. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "link.h"

/* Between two tries to connect again. */
#define RETRY_USEC 200000

/* How late the event loop may be with that. */
#define RETRY_ACCURACY_USEC 50000

#define WANTED                                                               \
	(VHOST_USER_PROTOCOL(MQ) | VHOST_USER_PROTOCOL(REPLY_ACK) |          \
	 VHOST_USER_PROTOCOL(RARP) | VHOST_USER_PROTOCOL(MTU) |              \
	 VHOST_USER_PROTOCOL(BACKEND_REQ) | VHOST_USER_PROTOCOL(CONFIG) |    \
	 VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS) |                          \
	 VHOST_USER_PROTOCOL(INFLIGHT_SHMFD) | VHOST_USER_PROTOCOL(STATUS) | \
	 VHOST_USER_PROTOCOL(LOG_SHMFD) | VHOST_USER_PROTOCOL(DEVICE_STATE))

static void unwatch(struct vhost_link *link)
{
	int i;

	for (i = 0; i < 2; i++)
		link->io[i] = sd_event_source_disable_unref(link->io[i]);
}

static void try_later(struct vhost_link *link)
{
	if (!link->retry)
		return;
	sd_event_source_set_time_relative(link->retry, RETRY_USEC);
	sd_event_source_set_enabled(link->retry, SD_EVENT_ONESHOT);
}

/* The fds are still open, so this is the time to let go of them. */
static void on_lost(void *data, int why)
{
	struct vhost_link *link = data;

	unwatch(link);
	link->ops->down(link->ctx, why);
	try_later(link);
}

static int on_config_change(void *data)
{
	struct vhost_link *link = data;

	if (link->changed)
		sd_event_source_set_enabled(link->changed, SD_EVENT_ONESHOT);
	return 0;
}

static const struct vhost_backend_ops backend_ops = {
	.lost = on_lost,
	.config_change = on_config_change,
};

/**
 * vhost_link_open - connect for the first time
 * @link: filled in
 * @path: of the back-end's socket; stays the caller's
 * @ops: likewise
 * @ctx: for @ops
 *
 * Return: 0 or -errno; vhost_backend_error() says what was wrong.
 */
int vhost_link_open(struct vhost_link *link, const char *path,
		    const struct vhost_link_ops *ops, void *ctx)
{
	const struct vhost_backend_options options = {
		.wanted = WANTED,
		.ops = &backend_ops,
		.data = link,
	};

	*link = (struct vhost_link) {
		.path = path,
		.ops = ops,
		.ctx = ctx,
		.backend = vhost_backend_new(&options),
	};
	if (!link->backend)
		return -ENOMEM;
	return vhost_backend_connect(link->backend, path);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct vhost_link *link = data;

	(void)source;
	(void)fd;
	(void)revents;
	/* An error has been told by on_lost(). */
	vhost_backend_process(link->backend);
	return 0;
}

static int on_changed(sd_event_source *source, void *data)
{
	struct vhost_link *link = data;

	(void)source;
	link->ops->config_change(link->ctx);
	return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	vhost_link_again(data);
	return 0;
}

static int watch_io(struct vhost_link *link)
{
	int fds[2] = { vhost_backend_fd(link->backend),
		       vhost_backend_req_fd(link->backend) };
	int i, ret = 0;

	for (i = 0; i < 2 && ret >= 0; i++)
		if (fds[i] >= 0)
			ret = sd_event_add_io(link->event, &link->io[i], fds[i],
					      EPOLLIN, on_io, link);
	return ret;
}

/**
 * vhost_link_watch - from now on notice what comes and what goes
 * @link: connected
 * @event: event loop
 *
 * Return: 0 or -errno.
 */
int vhost_link_watch(struct vhost_link *link, sd_event *event)
{
	int ret;

	link->event = sd_event_ref(event);
	ret = sd_event_add_time_relative(event, &link->retry, CLOCK_MONOTONIC,
					 RETRY_USEC, RETRY_ACCURACY_USEC,
					 on_retry, link);
	if (ret >= 0)
		ret = sd_event_source_set_enabled(link->retry, SD_EVENT_OFF);
	if (ret >= 0)
		ret = sd_event_add_defer(event, &link->changed, on_changed,
					 link);
	if (ret >= 0)
		ret = sd_event_source_set_enabled(link->changed, SD_EVENT_OFF);
	if (ret >= 0)
		ret = watch_io(link);
	return ret < 0 ? ret : 0;
}

/**
 * vhost_link_again - connect again, if there is no connection
 * @link: once connected
 *
 * Return: 0 with a connection, else -errno: it is tried again by itself.
 */
int vhost_link_again(struct vhost_link *link)
{
	int ret;

	if (vhost_backend_connected(link->backend))
		return 0;
	ret = vhost_backend_connect(link->backend, link->path);
	if (!ret)
		ret = watch_io(link);
	if (ret >= 0)
		ret = link->ops->up(link->ctx);
	if (ret < 0) {
		unwatch(link);
		vhost_backend_disconnect(link->backend);
		try_later(link);
		return ret;
	}
	return 0;
}

/** vhost_link_close - for good, and without a word */
void vhost_link_close(struct vhost_link *link)
{
	unwatch(link);
	sd_event_source_disable_unref(link->retry);
	sd_event_source_disable_unref(link->changed);
	sd_event_unref(link->event);
	vhost_backend_free(link->backend);
	memset(link, 0, sizeof(*link));
}
