// SPDX-License-Identifier: BSD-3-Clause
/*
 * Accesses of regions that are made while a callback of the device waits, or before the
 * device has answered the requests that it has.
 */
#include <errno.h>

#include "server-access.h"
#include "server-cmd.h"
#include "server-request.h"

/* Maximum number of bytes of such an access. */
#define ACCESS_MAX 64

/* Maximum number of accesses in one call. */
#define BURST 64

/**
 * struct chooser - for choose()
 * @server: the device
 * @max: maximum number of bytes of an access
 * @skipped: an earlier command is left in the queue
 */
struct chooser {
	struct vuser_server *server;
	uint32_t max;
	bool skipped;
};

/* Whether the device can make the access in @msg now. */
static bool is_now(const struct chooser *chooser, const struct vuser_msg *msg)
{
	const struct vuser_server *server = chooser->server;
	bool write = msg->hdr.command == VFIO_USER_REGION_WRITE;
	struct vfio_user_region_access access;
	const void *data;
	int ret;

	ret = write ? vuser_decode_region_access_data(msg->payload, msg->len,
						      chooser->max, &access,
						      &data) :
		      vuser_decode_region_access(msg->payload, msg->len,
						 chooser->max, &access);
	return !ret && server->ops.access_now &&
	       server->ops.access_now(server->data, access.region,
				      access.offset, access.count, write);
}

/*
 * A read may overtake commands other than accesses: the client does not know which is
 * served first until it has the replies. Nothing overtakes an access, because writes
 * may have no reply.
 */
static enum vu_conn_choice choose(void *data, const struct vuser_msg *msg)
{
	struct chooser *chooser = data;

	switch (msg->hdr.command) {
	case VFIO_USER_REGION_WRITE:
		if (chooser->skipped)
			return VU_CONN_STOP;
		/* fall through */
	case VFIO_USER_REGION_READ:
		return is_now(chooser, msg) ? VU_CONN_TAKE : VU_CONN_STOP;
	case VFIO_USER_REGION_WRITE_MULTI:
		return VU_CONN_STOP;
	}
	chooser->skipped = true;
	return VU_CONN_SKIP;
}

/* Whether no access may be made before the device has answered a request. */
static bool is_blocked(const struct vuser_server *server)
{
	return server->nr_posted ||
	       server->nr_requests >= server->config.max_deferred;
}

/* Get the next command that may be served now; return as vu_conn_choose(). */
static int next_access(struct chooser *chooser, struct vuser_msg *msg)
{
	struct vu_conn *conn = chooser->server->conn;

	if (is_blocked(chooser->server))
		return -EBUSY;
	chooser->skipped = false;
	return vu_conn_choose(conn, choose, chooser, msg);
}

int vu_server_access_next(struct vuser_server *server, struct vuser_msg *msg)
{
	struct chooser chooser = {
		.server = server,
		.max = server->config.max_data_xfer_size,
	};
	int ret;

	if (!server->nr_requests && !server->unmap_waits)
		return vu_conn_next(server->conn, msg);
	ret = next_access(&chooser, msg);
	/* Receive further commands, to see when the client disconnects. */
	return ret == -EBUSY ? vu_conn_fill(server->conn) : ret;
}

static int serve_accesses(struct vuser_server *server)
{
	struct chooser chooser = { .server = server, .max = ACCESS_MAX };
	struct vuser_msg msg;
	int i, ret = 0;

	vu_server_request_process(server, true);
	for (i = 0; i < BURST && !ret; i++) {
		ret = next_access(&chooser, &msg);
		if (ret)
			break;
		ret = vu_server_cmd_serve(server, &msg);
		vuser_msg_clear(&msg);
	}
	if (ret == -EAGAIN)
		ret = chooser.skipped;
	return ret;
}

int vuser_server_process_accesses(struct vuser_server *server)
{
	_Alignas(8) char
		small[sizeof(struct vfio_user_region_access) + ACCESS_MAX];
	char *reply = server->reply;
	size_t reply_size = server->reply_size;
	uint32_t nr_fds = server->nr_reply_fds;
	int ret;

	if (!server->conn || !server->negotiated || server->ending)
		return -ENOTCONN;
	/* The client expects that a read sees the write that it sent before. */
	if (server->posted)
		return -EBUSY;
	/* The callback that waits may be writing its own reply. */
	server->reply = small;
	server->reply_size = sizeof(small);
	ret = serve_accesses(server);
	/* The commands that are left do not make the socket readable. */
	vu_conn_wake(server->conn);
	server->reply = reply;
	server->reply_size = reply_size;
	server->nr_reply_fds = nr_fds;
	return ret;
}

int vuser_server_client_fd(const struct vuser_server *server)
{
	return server->conn ? server->conn->fd : -1;
}
