// SPDX-License-Identifier: BSD-3-Clause
/* Commands of the client: find the handler, run it, send the reply. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server-cmd.h"
#include "server-dma.h"
#include "server-feature.h"
#include "server-irq.h"
#include "server-log.h"
#include "server-migration.h"
#include "server-region.h"
#include "server-request.h"

/* Make the twin socket. *@peer is set to the client's end. */
static int make_twin(struct vuser_server *server, int *peer)
{
	struct vu_conn *twin;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       fds))
		return -errno;
	twin = vu_conn_new(fds[0], server->wake_fd, false, server->max_size, 0);
	if (!twin) {
		close(fds[0]);
		close(fds[1]);
		return -ENOMEM;
	}
	pthread_mutex_lock(&server->lock);
	server->twin = twin;
	pthread_mutex_unlock(&server->lock);
	*peer = fds[1];
	return 0;
}

/*
 * Choose the version and the capabilities that the reply offers to the client.
 */
static void our_version(const struct vuser_server *server,
			const struct vuser_version *theirs,
			struct vuser_version *ours)
{
	const struct vuser_server_config *config = &server->config;

	ours->struct_size = sizeof(*ours);
	vuser_version_default(ours);
	ours->minor = theirs->minor < config->minor ? theirs->minor :
						      config->minor;
	ours->caps.max_msg_fds = config->max_msg_fds;
	ours->caps.max_data_xfer_size = config->max_data_xfer_size;
	ours->caps.max_dma_maps = config->max_dma_maps;
	ours->caps.has_max_dma_maps = !config->hide_max_dma_maps;
	ours->caps.write_multiple = theirs->caps.write_multiple &&
				    !config->no_write_multi;
	ours->caps.twin_supported = theirs->caps.twin_supported &&
				    theirs->caps.max_msg_fds &&
				    !config->no_twin;
	if (ours->caps.twin_supported)
		ours->caps.twin_fd_index = 0;
}

static int send_version(struct vuser_server *server, uint16_t msg_id,
			const struct vuser_version *ours)
{
	struct vfio_user_header hdr = {
		.msg_id = msg_id,
		.command = VFIO_USER_VERSION,
		.flags = VFIO_USER_FLAGS_TYPE_REPLY,
	};
	struct iovec iov = { .iov_base = server->reply };
	ssize_t len;
	int ret, peer = -1;

	len = vuser_encode_version(server->reply, server->reply_size, ours);
	if (len < 0)
		return len;
	iov.iov_len = len;
	if (ours->caps.twin_supported) {
		ret = make_twin(server, &peer);
		if (ret)
			return ret;
	}
	ret = vu_conn_send(server->conn, &hdr, &iov, 1, &peer, peer >= 0,
			   server->config.dma_timeout_ms);
	if (peer >= 0)
		close(peer);
	return ret;
}

/* Handle the first command. Return: 0; a negative errno: end the connection. */
static int negotiate(struct vuser_server *server, struct vuser_msg *msg)
{
	struct vuser_version theirs = { .struct_size = sizeof(theirs) }, ours;
	int ret;

	if (msg->hdr.command != VFIO_USER_VERSION ||
	    msg->hdr.flags & VFIO_USER_FLAGS_NO_REPLY) {
		vu_server_log(server, LOG_WARNING,
			      "the first command of the client is %s, id %u",
			      vuser_command_name(msg->hdr.command),
			      msg->hdr.msg_id);
		return -EPROTO;
	}
	ret = vuser_decode_version(msg->payload, msg->len, &theirs);
	if (ret) {
		vu_server_log(server, LOG_WARNING,
			      "malformed VERSION of %zu bytes: %s", msg->len,
			      strerror(-ret));
		return ret;
	}
	our_version(server, &theirs, &ours);
	ret = send_version(server, msg->hdr.msg_id, &ours);
	if (ret)
		return ret;
	pthread_mutex_lock(&server->lock);
	server->minor = ours.minor;
	server->peer = theirs.caps;
	server->negotiated = true;
	pthread_mutex_unlock(&server->lock);
	if (server->ops.connected)
		server->ops.connected(server->data);
	return 0;
}

static ssize_t get_info(struct vuser_server *server, struct vuser_msg *msg)
{
	struct vfio_user_device_info info;
	int ret = vuser_decode_device_info(msg->payload, msg->len, &info);

	if (ret)
		return ret;
	return vuser_encode_device_info(server->reply, server->reply_size,
					server->config.device_flags,
					server->nr_regions, server->nr_irqs);
}

static ssize_t end_reset(struct vuser_server *server, int ret)
{
	if (ret < 0)
		return ret;
	vu_server_migration_reset(server);
	return 0;
}

static ssize_t reset_done(struct vuser_server *server,
			  struct vuser_request *request)
{
	return end_reset(server, request->result);
}

static ssize_t reset(struct vuser_server *server, struct vuser_msg *msg)
{
	int ret = vuser_decode_empty(msg->payload, msg->len);
	struct vu_callback callback = { 0 };
	struct vuser_request *request;

	if (ret)
		return ret;
	if (!server->ops.reset)
		return -ENOTSUP;
	vu_server_request_begin(server, &callback);
	ret = server->ops.reset(server->data);
	request = vu_server_request_end(server);
	if (request)
		return vu_server_request_suspend(server, request, reset_done);
	return end_reset(server, ret);
}

typedef ssize_t (*handler)(struct vuser_server *server, struct vuser_msg *msg);

static const struct {
	handler serve;
	bool takes_fds;
} handlers[VFIO_USER_COMMAND_MAX + 1] = {
	[VFIO_USER_DMA_MAP] = { vu_server_dma_map, true },
	[VFIO_USER_DMA_UNMAP] = { vu_server_dma_unmap },
	[VFIO_USER_DEVICE_GET_INFO] = { get_info },
	[VFIO_USER_DEVICE_GET_REGION_INFO] = { vu_server_region_info },
	[VFIO_USER_DEVICE_GET_REGION_IO_FDS] = { vu_server_region_io_fds },
	[VFIO_USER_DEVICE_GET_IRQ_INFO] = { vu_server_irq_info },
	[VFIO_USER_DEVICE_SET_IRQS] = { vu_server_irq_set, true },
	[VFIO_USER_REGION_READ] = { vu_server_region_read },
	[VFIO_USER_REGION_WRITE] = { vu_server_region_write },
	[VFIO_USER_DEVICE_RESET] = { reset },
	[VFIO_USER_REGION_WRITE_MULTI] = { vu_server_region_write_multi },
	[VFIO_USER_DEVICE_FEATURE] = { vu_server_feature },
	[VFIO_USER_MIG_DATA_READ] = { vu_server_migration_read },
	[VFIO_USER_MIG_DATA_WRITE] = { vu_server_migration_write },
};

static ssize_t dispatch(struct vuser_server *server, struct vuser_msg *msg)
{
	uint16_t command = msg->hdr.command;

	if (command == VFIO_USER_VERSION)
		return -EINVAL;
	if (command > VFIO_USER_COMMAND_MAX || !handlers[command].serve)
		return -ENOTSUP;
	if (msg->nr_fds && !handlers[command].takes_fds)
		return -EINVAL;
	return handlers[command].serve(server, msg);
}

int vu_server_cmd_serve(struct vuser_server *server, struct vuser_msg *msg)
{
	struct vu_cmd cmd = {
		.hdr = msg->hdr,
		.payload = msg->payload,
		.len = msg->len,
	};
	struct vu_cmd *outer = server->cmd;
	ssize_t ret;

	if (!server->negotiated)
		return negotiate(server, msg);
	server->cmd = &cmd;
	server->nr_reply_fds = 0;
	server->posted = cmd.hdr.flags & VFIO_USER_FLAGS_NO_REPLY;
	ret = dispatch(server, msg);
	server->posted = false;
	server->cmd = outer;
	if (ret == VU_LATER) {
		/* The suspended command owns the payload. */
		msg->payload = NULL;
		return 0;
	}
	return vu_server_request_reply(server, &cmd, ret);
}

int vuser_server_write_id(const struct vuser_server *server)
{
	if (!server->cmd || !server->posted ||
	    server->cmd->hdr.command != VFIO_USER_REGION_WRITE)
		return -1;
	return server->cmd->hdr.msg_id;
}
