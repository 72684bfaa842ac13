// SPDX-License-Identifier: BSD-3-Clause
/*
 * The states of migration. Without PRE_COPY, every state except ERROR is one step away
 * from STOP. So the path between two states leads through STOP.
 */
#include <errno.h>
#include <string.h>

#include "server-migration.h"

#define STOP	 VFIO_DEVICE_STATE_STOP
#define RUNNING	 VFIO_DEVICE_STATE_RUNNING
#define COPY	 VFIO_DEVICE_STATE_STOP_COPY
#define RESUMING VFIO_DEVICE_STATE_RESUMING
#define ERROR	 VFIO_DEVICE_STATE_ERROR

ssize_t vu_server_migration_read(struct vuser_server *server,
				 struct vuser_msg *msg)
{
	const size_t head = sizeof(struct vfio_user_mig_data);
	uint32_t count;
	ssize_t ret;

	ret = vuser_decode_mig_read(msg->payload, msg->len,
				    server->config.max_data_xfer_size, &count);
	if (ret)
		return ret;
	if (!server->ops.mig_read)
		return -ENOTSUP;
	if (server->config.migration && server->mig_state != COPY)
		return -EINVAL;
	ret = server->ops.mig_read(server->data, server->reply + head, count);
	if (ret < 0)
		return ret;
	if ((size_t)ret > count)
		return -EIO;
	vuser_encode_mig_data(server->reply, server->reply_size, ret);
	return head + ret;
}

ssize_t vu_server_migration_write(struct vuser_server *server,
				  struct vuser_msg *msg)
{
	const void *data;
	uint32_t count;
	int ret;

	ret = vuser_decode_mig_data(msg->payload, msg->len,
				    server->config.max_data_xfer_size, &count,
				    &data);
	if (ret)
		return ret;
	if (!server->ops.mig_write)
		return -ENOTSUP;
	if (server->config.migration && server->mig_state != RESUMING)
		return -EINVAL;
	return server->ops.mig_write(server->data, data, count);
}

ssize_t vu_server_migration_flags(struct vuser_server *server, bool set,
				  void *data, size_t len, size_t size)
{
	const struct vfio_device_feature_migration flags = {
		.flags = VFIO_MIGRATION_STOP_COPY,
	};

	(void)server;
	(void)set;
	(void)len;
	if (size >= sizeof(flags))
		memcpy(data, &flags, sizeof(flags));
	return sizeof(flags);
}

/* Do one step. A device that was resumed only in part gets the state ERROR. */
static int step(struct vuser_server *server, enum vfio_device_mig_state to)
{
	enum vfio_device_mig_state from = server->mig_state;
	int ret = server->ops.migrate(server->data, from, to);

	if (!ret)
		server->mig_state = to;
	else if (from == RESUMING)
		server->mig_state = ERROR;
	return ret;
}

/* Change the state to @to, in two steps if the path leads through STOP. */
static int go(struct vuser_server *server, uint32_t to)
{
	int ret = 0;

	if (to != STOP && to != RUNNING && to != COPY && to != RESUMING)
		return -EINVAL;
	if (server->mig_state == ERROR)
		return -EINVAL;
	if (server->mig_state == to)
		return 0;
	if (server->mig_state != STOP)
		ret = step(server, STOP);
	if (!ret && to != STOP)
		ret = step(server, to);
	return ret;
}

ssize_t vu_server_migration_state(struct vuser_server *server, bool set,
				  void *data, size_t len, size_t size)
{
	struct vfio_device_feature_mig_state state = {
		.device_state = server->mig_state,
		.data_fd = -1,
	};

	if (set) {
		if (len < sizeof(state))
			return -EINVAL;
		memcpy(&state, data, sizeof(state));
		return go(server, state.device_state);
	}
	if (size >= sizeof(state))
		memcpy(data, &state, sizeof(state));
	return sizeof(state);
}

void vu_server_migration_reset(struct vuser_server *server)
{
	server->mig_state = RUNNING;
}
