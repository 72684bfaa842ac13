// SPDX-License-Identifier: GPL-2.0
/*
 * Replaces vuserd's connection.c and worker.c: connects in this process, where the fuzzer
 * sees what the code does with the messages of a server.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <linux/vuser.h>
#include "../../vuserd/config.h"
#include "../../vuserd/connection.h"
#include "../../vuserd/endpoint.h"
#include "../../vuserd/explain.h"

struct connection {
	const struct connection_ops *ops;
	void *data;
	char *path;
	struct vuser_handshake *handshake;
	struct vuser_description *desc;
	struct config config;
	sd_event_source *io;
};

static int step(struct connection *conn)
{
	int ret;

	if (!conn->handshake)
		return config_step(&conn->config);
	ret = vuser_handshake_step(conn->handshake, &conn->desc);
	if (ret)
		return ret;
	vuser_handshake_free(conn->handshake);
	conn->handshake = NULL;
	return config_start(&conn->config, conn->desc);
}

static int on_input(sd_event_source *source, int fd, uint32_t revents,
		    void *data)
{
	struct connection *conn = data;
	struct vuser_description *desc;
	char why[VUSER_ERROR_MAX + 1];
	int ret = step(conn);

	(void)fd;
	(void)revents;
	if (ret == -EAGAIN)
		return 0;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (ret) {
		explain_handshake(why, sizeof(why), conn->path, ret, "");
		conn->ops->failed(conn->data, why);
		return 0;
	}
	desc = conn->desc;
	conn->desc = NULL;
	conn->ops->done(conn->data, desc, conn->config.data, conn->config.done);
	return 0;
}

static int start(struct connection *conn, sd_event *event, int sock)
{
	const struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.max_data_xfer_size = VUSER_MAX_XFER,
	};
	int ret = vuser_handshake_new(sock, &opt, &conn->handshake);

	if (ret)
		return ret;
	ret = sd_event_add_io(event, &conn->io,
			      vuser_handshake_fd(conn->handshake), EPOLLIN,
			      on_input, conn);
	return ret < 0 ? ret : 0;
}

struct connection *connection_new(sd_event *event, const char *path,
				  uint32_t timeout_ms, uint32_t server_user,
				  const struct connection_ops *ops, void *data,
				  char *why, size_t size)
{
	struct connection *conn = calloc(1, sizeof(*conn));
	int sock, ret = -ENOMEM;

	(void)timeout_ms;
	(void)server_user;
	if (!conn || !(conn->path = strdup(path)))
		abort();
	conn->ops = ops;
	conn->data = data;
	sock = endpoint_connect(path);
	if (sock < 0)
		explain_connect(why, size, path, sock);
	else
		ret = start(conn, event, sock);
	if (!ret)
		return conn;
	if (sock >= 0)
		explain_handshake(why, size, path, ret, strerror(-ret));
	connection_free(conn);
	return NULL;
}

bool connection_ended(const struct connection *conn)
{
	(void)conn;
	return true;
}

void connection_free(struct connection *conn)
{
	if (!conn)
		return;
	sd_event_source_disable_unref(conn->io);
	config_clear(&conn->config);
	vuser_handshake_free(conn->handshake);
	vuser_description_free(conn->desc);
	free(conn->path);
	free(conn);
}
