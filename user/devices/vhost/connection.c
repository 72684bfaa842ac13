// SPDX-License-Identifier: GPL-2.0
/* The connection to the back end, in an event loop. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <vuser/sock.h>

#include "connection.h"

/* Time between two attempts to connect again. */
#define RETRY_USEC 200000

/* The event loop may start an attempt this much later. */
#define RETRY_ACCURACY_USEC 50000

#define WANTED                                                             \
	(VHOST_USER_PROTOCOL(MQ) | VHOST_USER_PROTOCOL(REPLY_ACK) |        \
	 VHOST_USER_PROTOCOL(RARP) | VHOST_USER_PROTOCOL(MTU) |            \
	 VHOST_USER_PROTOCOL(BACKEND_REQ) | VHOST_USER_PROTOCOL(CONFIG) |  \
	 VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS) |                        \
	 VHOST_USER_PROTOCOL(INFLIGHT_SHMFD) |                             \
	 VHOST_USER_PROTOCOL(GET_VRING_BASE_INFLIGHT) |                    \
	 VHOST_USER_PROTOCOL(SHARED_OBJECT) |                              \
	 VHOST_USER_PROTOCOL(RESET_DEVICE) | VHOST_USER_PROTOCOL(STATUS) | \
	 VHOST_USER_PROTOCOL(LOG_SHMFD) | VHOST_USER_PROTOCOL(DEVICE_STATE))

static void unwatch(struct vhost_connection *conn)
{
	int i;

	for (i = 0; i < 2; i++)
		conn->io[i] = sd_event_source_disable_unref(conn->io[i]);
}

/* Connect again later, or when a back end connects. */
static void try_later(struct vhost_connection *conn)
{
	if (!conn->retry)
		return;
	if (conn->incoming) {
		sd_event_source_set_enabled(conn->incoming, SD_EVENT_ON);
		return;
	}
	sd_event_source_set_time_relative(conn->retry, RETRY_USEC);
	sd_event_source_set_enabled(conn->retry, SD_EVENT_ONESHOT);
}

/*
 * libvhost-user closes the file descriptors after this callback. Stop watching
 * them before.
 */
static void on_lost(void *data, int why)
{
	struct vhost_connection *conn = data;

	unwatch(conn);
	conn->ops->down(conn->ctx, why);
	try_later(conn);
}

static int on_config_change(void *data)
{
	struct vhost_connection *conn = data;

	if (conn->changed)
		sd_event_source_set_enabled(conn->changed, SD_EVENT_ONESHOT);
	return 0;
}

static int on_shared_add(void *data, const struct vhost_user_shared *object)
{
	struct vhost_connection *conn = data;
	int ret = conn->ops->shared_add(conn->ctx, object);

	if (!ret && conn->fetch)
		sd_event_source_set_enabled(conn->fetch, SD_EVENT_ONESHOT);
	return ret;
}

static int on_shared_remove(void *data, const struct vhost_user_shared *object)
{
	struct vhost_connection *conn = data;

	return conn->ops->shared_remove(conn->ctx, object);
}

static int on_shared_lookup(void *data, const struct vhost_user_shared *object)
{
	struct vhost_connection *conn = data;

	return conn->ops->shared_lookup(conn->ctx, object);
}

/* Stop watching the channel before libvhost-user closes it. */
static void on_channel_closed(void *data)
{
	struct vhost_connection *conn = data;

	conn->io[1] = sd_event_source_disable_unref(conn->io[1]);
}

static int on_wait(void *data, struct pollfd *fds, unsigned int nr,
		   int timeout_ms)
{
	struct vhost_connection *conn = data;

	return conn->ops->wait(conn->ctx, fds, nr, timeout_ms);
}

static const struct vhost_backend_ops backend_ops = {
	.struct_size = sizeof(backend_ops),
	.lost = on_lost,
	.config_change = on_config_change,
	.shared_add = on_shared_add,
	.shared_remove = on_shared_remove,
	.shared_lookup = on_shared_lookup,
	.channel_closed = on_channel_closed,
	.wait = on_wait,
};

/* Accept a back end that has connected; 0 or -errno. */
static int accept_backend(struct vhost_connection *conn)
{
	int fd = accept4(conn->listener, NULL, NULL,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);
	int ret;

	if (fd < 0)
		return errno == EAGAIN ? -ENOTCONN : -errno;
	ret = vhost_backend_connect_fd(conn->backend, fd);
	if (ret)
		conn->ops->refused(conn->ctx);
	return ret;
}

/* Listen, and wait for a back end. */
static int listen_first(struct vhost_connection *conn)
{
	struct pollfd pfd = { .events = POLLIN };
	int ret;

	conn->listener = vuser_sock_listen(conn->path);
	if (conn->listener < 0)
		return conn->listener;
	pfd.fd = conn->listener;
	do {
		ret = conn->ops->await(conn->ctx, &pfd);
		if (ret)
			return ret;
	} while (accept_backend(conn));
	return 0;
}

static int connect_backend(struct vhost_connection *conn)
{
	return conn->listener < 0 ?
		       vhost_backend_connect(conn->backend, conn->path) :
		       accept_backend(conn);
}

/**
 * vhost_connection_open - connect for the first time
 * @conn: filled in
 * @path: path of the back end's socket; must stay valid
 * @listen: listen at @path and wait for a back end that connects
 * @timeout_ms: time to wait for the reply to a request; -1: @ops->wait() has a limit
 * @ops: callbacks; must stay valid
 * @ctx: for @ops
 *
 * Return: 0 or -errno; vhost_backend_error() has the reason.
 */
int vhost_connection_open(struct vhost_connection *conn, const char *path,
			  bool listen, int timeout_ms,
			  const struct vhost_connection_ops *ops, void *ctx)
{
	const struct vhost_backend_options options = {
		.struct_size = sizeof(options),
		.wanted = WANTED,
		.timeout_ms = timeout_ms,
		.ops = &backend_ops,
		.data = conn,
	};
	int ret;

	*conn = (struct vhost_connection) {
		.path = path,
		.ops = ops,
		.ctx = ctx,
		.listener = -1,
	};
	ret = vhost_backend_new(&options, &conn->backend);
	if (ret)
		return ret;
	return listen ? listen_first(conn) : connect_backend(conn);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct vhost_connection *conn = data;

	(void)source;
	(void)fd;
	(void)revents;
	/* on_lost() has handled an error. */
	vhost_backend_process(conn->backend);
	return 0;
}

static int on_changed(sd_event_source *source, void *data)
{
	struct vhost_connection *conn = data;

	(void)source;
	conn->ops->config_change(conn->ctx);
	return 0;
}

static int on_fetch(sd_event_source *source, void *data)
{
	struct vhost_connection *conn = data;

	if (conn->ops->shared_fetch(conn->ctx))
		sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *data)
{
	struct vhost_connection *conn = data;

	(void)source;
	(void)usec;
	conn->retrying = true;
	vhost_connection_reopen(conn);
	return 0;
}

static int on_incoming(sd_event_source *source, int fd, uint32_t revents,
		       void *data)
{
	struct vhost_connection *conn = data;

	(void)fd;
	(void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	conn->retrying = true;
	vhost_connection_reopen(conn);
	return 0;
}

/* Further back ends wait in the queue of the socket while one is connected. */
static int watch_listener(struct vhost_connection *conn)
{
	int ret;

	if (conn->listener < 0)
		return 0;
	ret = sd_event_add_io(conn->event, &conn->incoming, conn->listener,
			      EPOLLIN, on_incoming, conn);
	return ret < 0 ? ret :
			 sd_event_source_set_enabled(conn->incoming,
						     SD_EVENT_OFF);
}

static int watch_io(struct vhost_connection *conn)
{
	int fds[2] = { vhost_backend_fd(conn->backend),
		       vhost_backend_req_fd(conn->backend) };
	int i, ret = 0;

	for (i = 0; i < 2 && ret >= 0; i++)
		if (fds[i] >= 0)
			ret = sd_event_add_io(conn->event, &conn->io[i], fds[i],
					      EPOLLIN, on_io, conn);
	return ret;
}

/**
 * vhost_connection_watch - watch the connection, and connect again after a loss
 * @conn: a connection after vhost_connection_open()
 * @event: event loop
 *
 * Return: 0 or -errno.
 */
int vhost_connection_watch(struct vhost_connection *conn, sd_event *event)
{
	int ret;

	conn->event = sd_event_ref(event);
	ret = sd_event_add_time_relative(event, &conn->retry, CLOCK_MONOTONIC,
					 RETRY_USEC, RETRY_ACCURACY_USEC,
					 on_retry, conn);
	if (ret >= 0)
		ret = sd_event_source_set_enabled(conn->retry, SD_EVENT_OFF);
	if (ret >= 0)
		ret = sd_event_add_defer(event, &conn->changed, on_changed,
					 conn);
	if (ret >= 0)
		ret = sd_event_source_set_enabled(conn->changed, SD_EVENT_OFF);
	/* The first call fetches what was added before there was a loop. */
	if (ret >= 0)
		ret = sd_event_add_defer(event, &conn->fetch, on_fetch, conn);
	if (ret >= 0)
		ret = watch_listener(conn);
	if (ret >= 0)
		ret = watch_io(conn);
	return ret < 0 ? ret : 0;
}

/**
 * vhost_connection_reopen - connect again, if the connection was lost
 * @conn: a connection after vhost_connection_open()
 *
 * Return: 0 if connected, or -errno. After an error the next attempt is started
 * automatically.
 */
int vhost_connection_reopen(struct vhost_connection *conn)
{
	int ret;

	if (vhost_backend_connected(conn->backend)) {
		conn->retrying = false;
		return 0;
	}
	ret = connect_backend(conn);
	/* From now on the device changes: what is begun must be completed. */
	conn->retrying = false;
	if (!ret) {
		sd_event_source_set_enabled(conn->incoming, SD_EVENT_OFF);
		ret = watch_io(conn);
	}
	if (ret >= 0)
		ret = conn->ops->up(conn->ctx);
	if (ret < 0) {
		unwatch(conn);
		vhost_backend_disconnect(conn->backend);
		try_later(conn);
		return ret;
	}
	return 0;
}

/**
 * vhost_connection_close - close the connection for good, without calling
 * down()
 */
void vhost_connection_close(struct vhost_connection *conn)
{
	unwatch(conn);
	if (conn->listener >= 0) {
		unlink(conn->path);
		close(conn->listener);
	}
	sd_event_source_disable_unref(conn->incoming);
	sd_event_source_disable_unref(conn->retry);
	sd_event_source_disable_unref(conn->changed);
	sd_event_source_disable_unref(conn->fetch);
	sd_event_unref(conn->event);
	vhost_backend_free(conn->backend);
	memset(conn, 0, sizeof(*conn));
}
