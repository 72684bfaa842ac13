// SPDX-License-Identifier: BSD-3-Clause
/* The channel for the back end's requests to the front end. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <string.h>
#include <unistd.h>

#include "../libbase/fd.h"
#include "channel.h"
#include "connection.h"
#include "error.h"
#include "table.h"

/* Maximum number of requests in one call, so that other fds get their turn. */
#define REQUESTS_AT_ONCE 64

static const char *name_of(const struct vhost_user_msg *msg)
{
	return vhost_user_request_name(VHOST_USER_BACKEND_REQUEST,
				       msg->hdr.request);
}

/* Check that the features which the request needs are negotiated. */
static const char *check_features(const struct vhost_backend *b,
				  const struct vhost_user_msg *msg,
				  uint32_t nr_fds)
{
	uint64_t needed = vhost_user_protocol_needed(VHOST_USER_BACKEND_REQUEST,
						     msg->hdr.request);

	if (!vhost_backend_has(b, needed))
		return "its protocol feature is not negotiated";
	if (nr_fds &&
	    !vhost_backend_has(b, VHOST_USER_PROTOCOL(BACKEND_SEND_FD)))
		return "it has fds, but BACKEND_SEND_FD is not negotiated";
	if (msg->hdr.flags & VHOST_USER_NEED_REPLY &&
	    !vhost_backend_has(b, VHOST_USER_PROTOCOL(REPLY_ACK)))
		return "it wants a reply, but REPLY_ACK is not negotiated";
	if (msg->hdr.request == VHOST_USER_BACKEND_IOTLB_MSG &&
	    !(b->acked & 1ULL << VIRTIO_F_ACCESS_PLATFORM))
		return "VIRTIO_F_ACCESS_PLATFORM is not negotiated";
	return NULL;
}

/* Run the callback, if there is one. */
#define RUN(callback, ...)                                               \
	(b->ops.callback ? b->ops.callback(b->opt.data, ##__VA_ARGS__) : \
			   -EOPNOTSUPP)

static int dispatch(struct vhost_backend *b, const struct vhost_user_msg *msg,
		    int fd)
{
	const union vhost_user_payload *payload = &msg->payload;

	switch (msg->hdr.request) {
	case VHOST_USER_BACKEND_IOTLB_MSG:
		return RUN(iotlb, &payload->iotlb);
	case VHOST_USER_BACKEND_CONFIG_CHANGE_MSG:
		return RUN(config_change);
	case VHOST_USER_BACKEND_VRING_HOST_NOTIFIER_MSG:
		return RUN(host_notifier, &payload->area, fd);
	case VHOST_USER_BACKEND_VRING_CALL:
		return RUN(vring_call, payload->state.index);
	case VHOST_USER_BACKEND_VRING_ERR:
		return RUN(vring_err, payload->state.index);
	case VHOST_USER_BACKEND_SHARED_OBJECT_ADD:
		return RUN(shared_add, &payload->shared);
	case VHOST_USER_BACKEND_SHARED_OBJECT_REMOVE:
		return RUN(shared_remove, &payload->shared);
	case VHOST_USER_BACKEND_SHARED_OBJECT_LOOKUP:
		return RUN(shared_lookup, &payload->shared);
	case VHOST_USER_BACKEND_SHMEM_MAP:
		return RUN(shmem_map, &payload->mmap, fd);
	case VHOST_USER_BACKEND_SHMEM_UNMAP:
		return RUN(shmem_unmap, &payload->mmap);
	case VHOST_USER_CROSVM_FS_MAP:
	case VHOST_USER_CROSVM_FS_UNMAP:
	case VHOST_USER_CROSVM_FS_SYNC:
	case VHOST_USER_CROSVM_FS_IO:
		return RUN(crosvm_fs, msg->hdr.request, &payload->crosvm_fs,
			   fd);
	case VHOST_USER_CROSVM_GPU_MAP:
		return RUN(crosvm_gpu_map, &payload->crosvm_gpu, fd);
	case VHOST_USER_CROSVM_EXTERNAL_MAP:
		return RUN(crosvm_external_map, &payload->crosvm_external);
	default:
		return -EOPNOTSUPP;
	}
}

/* The back end closes its channel, and keeps the connection. */
static int closed(struct vhost_backend *b)
{
	static const char text[] = "the back end closed its channel";
	unsigned int channel = b->channel;

	if (!b->ops.channel_closed)
		return vhu_connection_fail(b, -ECONNRESET, text);
	vhu_error(b, 0, text);
	/* Call channel_closed() before close(2), as lost(). */
	b->ops.channel_closed(b->opt.data);
	if (b->channel == channel)
		vhu_channel_replace(b, -1);
	return b->fd < 0 ? -ECONNRESET : 0;
}

static bool is_end(int err)
{
	return err == -ENODATA || err == -EPIPE || err == -ECONNRESET;
}

static int send_answer(struct vhost_backend *b,
		       const struct vhost_user_msg *msg, const int *fd,
		       uint32_t nr_fds)
{
	const struct vhu_wire_wait wait = vhu_state_wait(b);
	int ret = vhu_wire_send_wait(b->req_fd, msg, fd, nr_fds, &wait);

	if (is_end(ret))
		return closed(b);
	if (ret)
		return vhu_connection_fail(b, ret,
					   "answer to the back end's %s: %s",
					   name_of(msg), strerror(-ret));
	return 0;
}

/* Send the answer, if the back end wants one. */
static int answer(struct vhost_backend *b, const struct vhost_user_msg *asked,
		  int result)
{
	struct vhost_user_msg msg = { .hdr.request = asked->hdr.request };
	bool lookup = asked->hdr.request ==
		      VHOST_USER_BACKEND_SHARED_OBJECT_LOOKUP;
	uint32_t nr_fds = lookup && result >= 0;
	const char *rule = "";

	if (!lookup && !(asked->hdr.flags & VHOST_USER_NEED_REPLY))
		return 0;
	/* Any value except 0 means failure. */
	msg.payload.u64 = result < 0 ? -result : 0;
	if (vhost_user_encode(VHOST_USER_BACKEND_ANSWER, &msg, nr_fds, asked,
			      &rule))
		return vhu_connection_fail(b, -EPROTO,
					   "answer to the back end's %s: %s",
					   name_of(asked), rule);
	return send_answer(b, &msg, &result, nr_fds);
}

/*
 * Whether the message is a request that the library does not know. The
 * specification may have more requests by now.
 */
static bool is_unknown(const struct vhu_wire_rx *rx)
{
	struct vhost_user_header hdr;

	memcpy(&hdr, rx->buf, sizeof(hdr));
	return rx->got >= sizeof(hdr) &&
	       (hdr.flags & ~VHOST_USER_NEED_REPLY) == VHOST_USER_VERSION &&
	       !vhu_table_form(VHOST_USER_BACKEND_REQUEST, hdr.request);
}

/* Refuse the request in b->req_rx, which the library does not know. */
static int refuse_unknown(struct vhost_backend *b)
{
	struct vhost_user_msg msg = { .payload.u64 = EOPNOTSUPP };
	struct vhost_user_header hdr;

	memcpy(&hdr, b->req_rx.buf, sizeof(hdr));
	vhu_wire_clear(&b->req_rx);
	if (!(hdr.flags & VHOST_USER_NEED_REPLY))
		return 0;
	msg.hdr = (struct vhost_user_header) {
		.request = hdr.request,
		.flags = VHOST_USER_VERSION | VHOST_USER_REPLY,
		.size = sizeof(msg.payload.u64),
	};
	return send_answer(b, &msg, NULL, 0);
}

static int broken(struct vhost_backend *b, const char *name, const char *rule)
{
	return vhu_connection_fail(b, -EPROTO, "the back end's %s: %s", name,
				   rule);
}

/* Serve the complete message in b->req_rx. */
static int serve_one(struct vhost_backend *b)
{
	struct vhu_wire_rx *rx = &b->req_rx;
	unsigned int channel = b->channel;
	struct vhost_user_msg msg;
	const char *rule = NULL;
	int fd = -1, result;

	if (vhost_user_decode(VHOST_USER_BACKEND_REQUEST, rx->buf, rx->got,
			      rx->nr_fds, NULL, &msg, &rule))
		return broken(b, name_of(&msg), rule);
	rule = check_features(b, &msg, rx->nr_fds);
	if (rule)
		return broken(b, name_of(&msg), rule);
	if (rx->nr_fds) {
		fd = rx->fds[0];
		rx->fds[0] = -1;
	}
	vhu_wire_clear(rx);
	b->serving = true;
	result = dispatch(b, &msg, fd);
	b->serving = false;
	vu_fd_close(fd);
	if (b->channel != channel)
		return b->fd < 0 ? -ECONNRESET : 0;
	return answer(b, &msg, result);
}

/* The channel is broken, or the message in b->req_rx is invalid. */
static int fail(struct vhost_backend *b, int err, const char *rule)
{
	struct vhost_user_header hdr;

	if (is_end(err))
		return closed(b);
	if (err != -EPROTO)
		return vhu_connection_fail(b, err, "the back end's channel: %s",
					   strerror(-err));
	memcpy(&hdr, b->req_rx.buf, sizeof(hdr));
	return broken(b,
		      vhost_user_request_name(VHOST_USER_BACKEND_REQUEST,
					      hdr.request),
		      rule);
}

int vhu_channel_serve(struct vhost_backend *b)
{
	unsigned int channel = b->channel;
	const char *rule = "";
	bool unknown;
	int ret, i;

	for (i = 0;
	     i < REQUESTS_AT_ONCE && b->req_fd >= 0 && b->channel == channel;
	     i++) {
		ret = vhu_wire_recv(b->req_fd, &b->req_rx,
				    VHOST_USER_BACKEND_REQUEST, &rule);
		unknown = ret == -EPROTO && is_unknown(&b->req_rx);
		if (unknown)
			ret = vhu_wire_recv_payload(b->req_fd, &b->req_rx,
						    &rule);
		if (ret == -EAGAIN)
			return 0;
		if (ret)
			return fail(b, ret, rule);
		ret = unknown ? refuse_unknown(b) : serve_one(b);
		if (ret)
			return ret;
	}
	return 0;
}

void vhu_channel_replace(struct vhost_backend *b, int fd)
{
	if (b->req_fd >= 0)
		close(b->req_fd);
	vhu_wire_clear(&b->req_rx);
	b->req_fd = fd;
	b->channel++;
}
