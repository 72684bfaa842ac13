// SPDX-License-Identifier: BSD-3-Clause
/*
 * The states of migration. The path between two states consists of the steps that the
 * specification calls "Direct State Transitions".
 */
#include <errno.h>
#include <string.h>

#include "server-migration.h"
#include "server-request.h"

#define STOP	 VFIO_DEVICE_STATE_STOP
#define RUNNING	 VFIO_DEVICE_STATE_RUNNING
#define COPY	 VFIO_DEVICE_STATE_STOP_COPY
#define RESUMING VFIO_DEVICE_STATE_RESUMING
#define ERROR	 VFIO_DEVICE_STATE_ERROR
#define P2P	 VFIO_DEVICE_STATE_RUNNING_P2P
#define PRE	 VFIO_DEVICE_STATE_PRE_COPY
#define PRE_P2P	 VFIO_DEVICE_STATE_PRE_COPY_P2P

static bool has_p2p(const struct vuser_server *server)
{
	return server->config.migration_flags & VFIO_MIGRATION_P2P;
}

static bool is_saving(uint32_t state)
{
	return state == COPY || state == PRE || state == PRE_P2P;
}

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
	if (server->config.migration && !is_saving(server->mig_state))
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
		.flags = VFIO_MIGRATION_STOP_COPY |
			 server->config.migration_flags,
	};

	(void)set;
	(void)len;
	if (size >= sizeof(flags))
		memcpy(data, &flags, sizeof(flags));
	return sizeof(flags);
}

ssize_t vu_server_migration_size(struct vuser_server *server, bool set,
				 void *data, size_t len, size_t size)
{
	struct vfio_device_feature_mig_data_size result = { 0 };
	uint64_t bytes = 0;
	int ret;

	(void)set;
	(void)len;
	ret = server->ops.mig_size(server->data, &bytes);
	if (ret)
		return ret;
	result.stop_copy_length = bytes;
	if (size >= sizeof(result))
		memcpy(data, &result, sizeof(result));
	return sizeof(result);
}

/* The next state on the way to the state @to, which the device has. */
static uint32_t next_state(const struct vuser_server *server, uint32_t to)
{
	/* Old headers do not have all states in the enum. */
	switch ((uint32_t)server->mig_state) {
	case STOP:
		if (to == COPY || to == RESUMING)
			return to;
		return has_p2p(server) ? P2P : RUNNING;
	case RUNNING:
		if (to == PRE)
			return to;
		return has_p2p(server) ? P2P : STOP;
	case P2P:
		if (to == PRE_P2P)
			return to;
		return to == RUNNING || to == PRE ? RUNNING : STOP;
	case PRE:
		if (to == COPY || to == PRE_P2P)
			return has_p2p(server) ? PRE_P2P : COPY;
		return RUNNING;
	case PRE_P2P:
		return to == COPY || to == PRE ? to : P2P;
	default:
		return STOP;
	}
}

/*
 * The device has changed to the next state, or has failed to. A device that was resumed
 * only in part gets the state ERROR.
 */
static int end_step(struct vuser_server *server, int ret)
{
	if (ret >= 0)
		server->mig_state = server->cmd->mig_step;
	else if (server->mig_state == RESUMING)
		server->mig_state = ERROR;
	return ret < 0 ? ret : 0;
}

static ssize_t step_done(struct vuser_server *server,
			 struct vuser_request *request);

/* Change to the next state on the path. */
static int step(struct vuser_server *server)
{
	const enum vfio_device_mig_state from = server->mig_state;
	struct vu_callback callback = { 0 };
	struct vu_cmd *cmd = server->cmd;
	struct vuser_request *request;
	int ret;

	cmd->mig_step = next_state(server, cmd->mig_state);
	vu_server_request_begin(server, &callback);
	ret = server->ops.migrate(server->data, from, cmd->mig_step);
	request = vu_server_request_end(server);
	if (request)
		return vu_server_request_suspend(server, request, step_done);
	return end_step(server, ret);
}

/* Change to the state that the client wants. */
static int go(struct vuser_server *server)
{
	int ret = 0;

	while (!ret && server->mig_state != server->cmd->mig_state)
		ret = step(server);
	return ret;
}

/* The reply to SET repeats the command. */
static ssize_t repeat(struct vuser_server *server)
{
	const struct vu_cmd *cmd = server->cmd;
	struct vfio_user_device_feature req;
	const void *data;
	size_t len;
	int ret;

	ret = vuser_decode_feature(cmd->payload, cmd->len, &req, &data, &len);
	if (ret)
		return ret;
	return vuser_encode_feature(server->reply, server->reply_size,
				    sizeof(req) + len, req.flags, data, len);
}

static ssize_t step_done(struct vuser_server *server,
			 struct vuser_request *request)
{
	int ret = end_step(server, request->result);

	if (!ret)
		ret = go(server);
	return ret ? ret : repeat(server);
}

static bool has_state(const struct vuser_server *server, uint32_t state)
{
	const uint64_t flags = server->config.migration_flags;

	switch (state) {
	case STOP:
	case RUNNING:
	case COPY:
	case RESUMING:
		return true;
	case P2P:
		return flags & VFIO_MIGRATION_P2P;
	case PRE:
		return flags & VFIO_MIGRATION_PRE_COPY;
	case PRE_P2P:
		return flags & VFIO_MIGRATION_P2P &&
		       flags & VFIO_MIGRATION_PRE_COPY;
	default:
		return false;
	}
}

static int set_state(struct vuser_server *server, uint32_t to)
{
	if (!has_state(server, to) || server->mig_state == ERROR)
		return -EINVAL;
	/* The data that were read would not fit those that follow. */
	if (server->mig_state == COPY && (to == PRE || to == PRE_P2P))
		return -EINVAL;
	server->cmd->mig_state = to;
	return go(server);
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
		return set_state(server, state.device_state);
	}
	if (size >= sizeof(state))
		memcpy(data, &state, sizeof(state));
	return sizeof(state);
}

void vu_server_migration_reset(struct vuser_server *server)
{
	server->mig_state = RUNNING;
}
