// SPDX-License-Identifier: BSD-3-Clause
/* Accesses of regions that are made while a callback of the device waits. */
#include <errno.h>

#include "server-cmd.h"

/* Maximum number of bytes of such an access. */
#define ACCESS_MAX 64

/* Maximum number of accesses in one call. */
#define BURST 64

/**
 * struct chooser - for choose()
 * @server: the device
 * @skipped: an earlier command is left in the queue
 */
struct chooser {
	struct vuser_server *server;
	bool skipped;
};

/* Whether the device can make the access in @msg now. */
static bool is_now(const struct vuser_server *server,
		   const struct vuser_msg *msg)
{
	bool write = msg->hdr.command == VFIO_USER_REGION_WRITE;
	struct vfio_user_region_access access;
	const void *data;
	int ret;

	ret = write ? vuser_decode_region_access_data(msg->payload, msg->len,
						      ACCESS_MAX, &access,
						      &data) :
		      vuser_decode_region_access(msg->payload, msg->len,
						 ACCESS_MAX, &access);
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
		return is_now(chooser->server, msg) ? VU_CONN_TAKE :
						      VU_CONN_STOP;
	case VFIO_USER_REGION_WRITE_MULTI:
		return VU_CONN_STOP;
	}
	chooser->skipped = true;
	return VU_CONN_SKIP;
}

static int serve_accesses(struct vuser_server *server)
{
	struct chooser chooser;
	struct vuser_msg msg;
	int i, ret = 0;

	for (i = 0; i < BURST && !ret; i++) {
		chooser = (struct chooser) { .server = server };
		ret = vu_conn_choose(server->conn, choose, &chooser, &msg);
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

	if (!server->conn || !server->negotiated)
		return -ENOTCONN;
	/* The client expects that a read sees the write that it sent before. */
	if (server->posted)
		return -EBUSY;
	/* The callback that waits may be writing its own reply. */
	server->reply = small;
	server->reply_size = sizeof(small);
	ret = serve_accesses(server);
	server->reply = reply;
	server->reply_size = reply_size;
	server->nr_reply_fds = nr_fds;
	return ret;
}

int vuser_server_client_fd(const struct vuser_server *server)
{
	return server->conn ? server->conn->fd : -1;
}
