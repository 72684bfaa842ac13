// SPDX-License-Identifier: BSD-3-Clause
/* Requests for the device. */
#include <errno.h>
#include <linux/virtio_crypto.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call.h"
#include "channel.h"
#include "error.h"

/* A request whose answer is a number; 0 means success. */
static int call_result(struct vhost_backend *b, enum vhost_user_request request)
{
	uint64_t value = 0;
	int ret = vhu_call_get(b, request, &value);

	if (!ret && value)
		ret = vhu_error(b, -EREMOTEIO, "the back end failed %s",
				vhost_user_request_name(VHOST_USER_REQUEST,
							request));
	return ret;
}

int vhost_backend_get_features(struct vhost_backend *b, uint64_t *features)
{
	return vhu_call_get(b, VHOST_USER_GET_FEATURES, features);
}

int vhost_backend_set_features(struct vhost_backend *b, uint64_t features)
{
	struct vhu_call call;
	int ret;

	features |= b->features & 1ULL << VHOST_USER_F_PROTOCOL_FEATURES;
	vhu_call_init(&call, VHOST_USER_SET_FEATURES);
	call.msg.payload.u64 = features;
	call.sync = true;
	ret = vhu_call(b, &call);
	if (!ret)
		b->acked = features;
	return ret;
}

static int need_protocol_features(struct vhost_backend *b, const char *name)
{
	/* Without a connection, the request returns -ENOTCONN. */
	if (b->fd < 0 || b->features & 1ULL << VHOST_USER_F_PROTOCOL_FEATURES)
		return 0;
	return vhu_error(b, -EOPNOTSUPP,
			 "%s: the back end has no protocol features", name);
}

int vhost_backend_get_protocol_features(struct vhost_backend *b, uint64_t *mask)
{
	int ret = need_protocol_features(b, "GET_PROTOCOL_FEATURES");

	return ret ?: vhu_call_get(b, VHOST_USER_GET_PROTOCOL_FEATURES, mask);
}

int vhost_backend_set_protocol_features(struct vhost_backend *b, uint64_t mask)
{
	int ret = need_protocol_features(b, "SET_PROTOCOL_FEATURES");

	if (!ret)
		ret = vhu_call_set(b, VHOST_USER_SET_PROTOCOL_FEATURES, mask);
	if (!ret)
		b->protocol = mask;
	return ret;
}

int vhost_backend_set_owner(struct vhost_backend *b)
{
	return vhu_call_none(b, VHOST_USER_SET_OWNER);
}

int vhost_backend_reset_owner(struct vhost_backend *b)
{
	return vhu_call_none(b, VHOST_USER_RESET_OWNER);
}

int vhost_backend_reset_device(struct vhost_backend *b)
{
	return vhu_call_none(b, VHOST_USER_RESET_DEVICE);
}

int vhost_backend_get_queue_num(struct vhost_backend *b, uint64_t *queues)
{
	return vhu_call_get(b, VHOST_USER_GET_QUEUE_NUM, queues);
}

int vhost_backend_send_rarp(struct vhost_backend *b, const uint8_t *mac)
{
	uint64_t value = 0;

	memcpy(&value, mac, 6);
	return vhu_call_set(b, VHOST_USER_SEND_RARP, value);
}

int vhost_backend_net_set_mtu(struct vhost_backend *b, uint16_t mtu)
{
	return vhu_call_set(b, VHOST_USER_NET_SET_MTU, mtu);
}

int vhost_backend_set_backend_req_fd(struct vhost_backend *b)
{
	struct vhu_call call;
	int pair[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return vhu_error(b, -errno, "cannot make a channel: %s",
				 strerror(errno));
	vhu_call_init(&call, VHOST_USER_SET_BACKEND_REQ_FD);
	call.fds = &pair[1];
	call.nr_fds = 1;
	/* The back end closes the old channel before it answers. */
	call.deaf = true;
	ret = vhu_call(b, &call);
	close(pair[1]);
	if (ret)
		close(pair[0]);
	else
		vhu_channel_replace(b, pair[0]);
	return ret;
}

int vhost_backend_get_config(struct vhost_backend *b, uint32_t offset,
			     void *buf, uint32_t len)
{
	struct vhost_user_config *config;
	struct vhu_call call;
	int ret;

	vhu_call_init(&call, VHOST_USER_GET_CONFIG);
	config = &call.msg.payload.config;
	config->offset = offset;
	config->size = len;
	ret = vhu_call(b, &call);
	if (ret)
		return ret;
	if (!call.answer.payload.config.size)
		return vhu_error(b, -EREMOTEIO,
				 "the back end failed GET_CONFIG");
	memcpy(buf, call.answer.payload.config.data, len);
	return 0;
}

int vhost_backend_set_config(struct vhost_backend *b, uint32_t offset,
			     const void *buf, uint32_t len, uint32_t flags)
{
	struct vhost_user_config *config;
	struct vhu_call call;

	vhu_call_init(&call, VHOST_USER_SET_CONFIG);
	config = &call.msg.payload.config;
	config->offset = offset;
	config->size = len;
	config->flags = flags;
	/* vhu_call() refuses a longer range because of its size. */
	memcpy(config->data, buf,
	       len < VHOST_USER_MAX_CONFIG ? len : VHOST_USER_MAX_CONFIG);
	return vhu_call(b, &call);
}

int vhost_backend_create_crypto_session(
	struct vhost_backend *b, struct vhost_user_crypto_session *session)
{
	struct vhost_user_crypto_session *sent;
	struct vhu_call call;
	int ret;

	vhu_call_init(&call, VHOST_USER_CREATE_CRYPTO_SESSION);
	sent = &call.msg.payload.crypto;
	*sent = *session;
	/* Do not send addresses of this process. */
	if (sent->op_code == VIRTIO_CRYPTO_AKCIPHER_CREATE_SESSION)
		sent->asym.pointer = 0;
	else
		memset(sent->sym.pointers, 0, sizeof(sent->sym.pointers));
	ret = vhu_call(b, &call);
	if (ret)
		return ret;
	session->session_id = call.answer.payload.crypto.session_id;
	if (session->session_id < 0)
		return vhu_error(b, -EREMOTEIO,
				 "the back end has no session left");
	return 0;
}

int vhost_backend_close_crypto_session(struct vhost_backend *b, uint64_t id)
{
	return vhu_call_set(b, VHOST_USER_CLOSE_CRYPTO_SESSION, id);
}

int vhost_backend_gpu_set_socket(struct vhost_backend *b, int fd)
{
	return vhu_call_fd(b, VHOST_USER_GPU_SET_SOCKET, fd);
}

int vhost_backend_set_status(struct vhost_backend *b, uint8_t status)
{
	return vhu_call_set(b, VHOST_USER_SET_STATUS, status);
}

int vhost_backend_get_status(struct vhost_backend *b, uint8_t *status)
{
	uint64_t value = 0;
	int ret = vhu_call_get(b, VHOST_USER_GET_STATUS, &value);

	if (!ret)
		*status = value;
	return ret;
}

int vhost_backend_get_shared_object(struct vhost_backend *b,
				    const struct vhost_user_shared *object,
				    int *fd)
{
	struct vhu_call call;
	int ret;

	vhu_call_init(&call, VHOST_USER_GET_SHARED_OBJECT);
	call.msg.payload.shared = *object;
	ret = vhu_call(b, &call);
	if (ret)
		return ret;
	if (call.fd < 0)
		return vhu_error(b, -ENODATA,
				 "the back end does not have the object");
	*fd = call.fd;
	return 0;
}

int vhost_backend_set_device_state_fd(struct vhost_backend *b,
				      uint32_t direction, uint32_t phase,
				      int fd, int *reply_fd)
{
	struct vhu_call call;
	int ret;

	vhu_call_init(&call, VHOST_USER_SET_DEVICE_STATE_FD);
	call.msg.payload.device_state.direction = direction;
	call.msg.payload.device_state.phase = phase;
	call.fds = &fd;
	call.nr_fds = 1;
	ret = vhu_call(b, &call);
	if (ret)
		return ret;
	if (call.answer.payload.u64 & VHOST_USER_STATE_ERROR)
		return vhu_error(b, -EREMOTEIO,
				 "the back end failed SET_DEVICE_STATE_FD");
	*reply_fd = call.fd;
	return 0;
}

int vhost_backend_check_device_state(struct vhost_backend *b)
{
	return call_result(b, VHOST_USER_CHECK_DEVICE_STATE);
}

int vhost_backend_get_shmem_config(struct vhost_backend *b,
				   struct vhost_user_shmem_config *config)
{
	struct vhu_call call;
	int ret;

	vhu_call_init(&call, VHOST_USER_GET_SHMEM_CONFIG);
	ret = vhu_call(b, &call);
	if (!ret)
		*config = call.answer.payload.shmem;
	return ret;
}

int vhost_backend_postcopy_advise(struct vhost_backend *b, int *fd)
{
	struct vhu_call call;
	int ret;

	vhu_call_init(&call, VHOST_USER_POSTCOPY_ADVISE);
	ret = vhu_call(b, &call);
	if (!ret)
		*fd = call.fd;
	return ret;
}

int vhost_backend_postcopy_listen(struct vhost_backend *b)
{
	return vhu_call_none(b, VHOST_USER_POSTCOPY_LISTEN);
}

int vhost_backend_postcopy_end(struct vhost_backend *b)
{
	return call_result(b, VHOST_USER_POSTCOPY_END);
}
