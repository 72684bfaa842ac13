// SPDX-License-Identifier: GPL-2.0
/* One attempt to connect to a server and to read the description of its device. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <linux/vuser.h>
#include "config.h"
#include "connection.h"
#include "endpoint.h"
#include "explain.h"

/* Maximum time of an attempt, as a multiple of the time for one reply. */
#define WHOLE 10

/**
 * struct connection - one attempt to connect
 * @ops: callbacks for the result
 * @data: for @ops
 * @path: path of the server's socket
 * @timeout_ms: time for each reply of the server
 * @handshake: the first part of the attempt, NULL when it is complete
 * @desc: result of the handshake, for the second part
 * @config: the second part: reading configuration space
 * @io: watches the socket for input
 * @timer: the end of the time for the next reply
 * @end_usec: the end of the time for the whole attempt, so that a server that
 *	sends slowly cannot delay it forever
 */
struct connection {
	const struct connection_ops *ops;
	void *data;
	char *path;
	uint32_t timeout_ms;
	struct vuser_handshake *handshake;
	struct vuser_description *desc;
	struct config config;
	sd_event_source *io;
	sd_event_source *timer;
	uint64_t end_usec;
};

static void stop_sources(struct connection *conn)
{
	sd_event_source_set_enabled(conn->io, SD_EVENT_OFF);
	sd_event_source_set_enabled(conn->timer, SD_EVENT_OFF);
}

/* Report the failure. The callback may free @conn. */
static void fail(struct connection *conn, int error, const char *detail)
{
	char why[VUSER_ERROR_MAX + 1];

	stop_sources(conn);
	if (error == -ETIMEDOUT)
		snprintf(
			why, sizeof(why),
			"the server at %s did not reply within %u ms: it may not speak vfio-user, or serve another client",
			conn->path, conn->timeout_ms);
	else
		explain_handshake(why, sizeof(why), conn->path, error, detail);
	conn->ops->failed(conn->data, why);
}

/* Report the description. The callback may free @conn. */
static void finish(struct connection *conn)
{
	struct vuser_description *desc = conn->desc;

	stop_sources(conn);
	conn->desc = NULL;
	conn->ops->done(conn->data, desc, conn->config.data, conn->config.done);
}

/* Process input. Return 0, -EAGAIN, or an error with its text in @detail. */
static int step(struct connection *conn, const char **detail)
{
	int ret;

	if (conn->handshake) {
		ret = vuser_handshake_step(conn->handshake, &conn->desc);
		if (ret) {
			*detail = vuser_handshake_error(conn->handshake);
			return ret;
		}
		vuser_handshake_free(conn->handshake);
		conn->handshake = NULL;
		ret = config_start(&conn->config, conn->desc);
	} else {
		ret = config_step(&conn->config);
	}
	*detail = conn->config.error;
	return ret;
}

/* Give the server time for the next reply, or for the rest of a reply. */
static void restart_timer(struct connection *conn)
{
	uint64_t next = 0;

	sd_event_now(sd_event_source_get_event(conn->timer), CLOCK_MONOTONIC,
		     &next);
	next += conn->timeout_ms * 1000ULL;
	if (next > conn->end_usec)
		next = conn->end_usec;
	sd_event_source_set_time(conn->timer, next);
}

static int on_input(sd_event_source *source, int fd, uint32_t revents,
		    void *data)
{
	struct connection *conn = data;
	const char *detail = "";
	int ret;

	(void)source;
	(void)fd;
	(void)revents;
	ret = step(conn, &detail);
	if (!ret)
		finish(conn);
	else if (ret != -EAGAIN)
		fail(conn, ret, detail);
	else
		restart_timer(conn);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	fail(data, -ETIMEDOUT, "");
	return 0;
}

static int add_sources(struct connection *conn, sd_event *event, int fd)
{
	uint64_t now, timeout = conn->timeout_ms * 1000ULL;
	int ret;

	ret = sd_event_add_io(event, &conn->io, fd, EPOLLIN, on_input, conn);
	if (ret < 0)
		return ret;
	ret = sd_event_now(event, CLOCK_MONOTONIC, &now);
	if (ret < 0)
		return ret;
	conn->end_usec = now + WHOLE * timeout;
	return sd_event_add_time(event, &conn->timer, CLOCK_MONOTONIC,
				 now + timeout, 0, on_timeout, conn);
}

static int start(struct connection *conn, sd_event *event, int sock)
{
	/*
	 * After the handshake the kernel uses the socket, so its limits apply.
	 */
	const struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.max_data_xfer_size = VUSER_MAX_XFER,
	};
	int ret;

	ret = vuser_handshake_new(sock, &opt, &conn->handshake);
	if (ret)
		return ret;
	return add_sources(conn, event, vuser_handshake_fd(conn->handshake));
}

struct connection *connection_new(sd_event *event, const char *path,
				  uint32_t timeout_ms,
				  const struct connection_ops *ops, void *data,
				  char *why, size_t size)
{
	struct connection *conn;
	int sock, ret;

	conn = calloc(1, sizeof(*conn));
	if (!conn || !(conn->path = strdup(path))) {
		snprintf(why, size, "out of memory");
		free(conn);
		return NULL;
	}
	conn->ops = ops;
	conn->data = data;
	conn->timeout_ms = timeout_ms;

	sock = endpoint_connect(path);
	if (sock < 0) {
		explain_connect(why, size, path, sock);
		goto err_free;
	}
	ret = start(conn, event, sock);
	if (ret < 0) {
		explain_handshake(why, size, path, ret, strerror(-ret));
		goto err_free;
	}
	return conn;

err_free:
	connection_free(conn);
	return NULL;
}

void connection_free(struct connection *conn)
{
	if (!conn)
		return;
	sd_event_source_disable_unref(conn->io);
	sd_event_source_disable_unref(conn->timer);
	config_clear(&conn->config);
	vuser_handshake_free(conn->handshake);
	vuser_description_free(conn->desc);
	free(conn->path);
	free(conn);
}
