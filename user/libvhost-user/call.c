// SPDX-License-Identifier: BSD-3-Clause
/* Send a request to the back end and wait for the answer. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "../libbase/deadline.h"
#include "call.h"
#include "channel.h"
#include "connection.h"
#include "error.h"
#include "names.h"

static const char *name_of(const struct vhost_user_msg *msg)
{
	return vhost_user_request_name(VHOST_USER_REQUEST, msg->hdr.request);
}

void vhu_call_init(struct vhu_call *call, enum vhost_user_request request)
{
	memset(call, 0, sizeof(*call));
	call->msg.hdr.request = request;
	call->kind = VHOST_USER_ANSWER;
	call->fd = -1;
}

/* Whether the request is answered even without REPLY_ACK. */
static bool has_answer(const struct vhu_call *call)
{
	return vhost_user_has_answer(call->kind == VHOST_USER_ANSWER ?
					     VHOST_USER_REQUEST :
					     call->kind,
				     call->msg.hdr.request);
}

/* Check the request, and ask for an acknowledgement if it has no answer. */
static int prepare(struct vhost_backend *b, struct vhu_call *call)
{
	struct vhost_user_msg *msg = &call->msg;
	uint64_t missing = vhost_user_protocol_needed(VHOST_USER_REQUEST,
						      msg->hdr.request) &
			   ~b->protocol;
	const char *rule;
	char names[160];

	if (b->fd < 0)
		return vhu_error(b, -ENOTCONN, "%s: not connected",
				 name_of(msg));
	if (b->waiting)
		return vhu_error(b, -EBUSY, "%s: another request is waiting",
				 name_of(msg));
	if (missing)
		return vhu_error(b, -EOPNOTSUPP, "%s needs%s", name_of(msg),
				 vhu_names_list(missing, names, sizeof(names)));
	if (!call->no_answer && !has_answer(call) &&
	    vhost_backend_has(b, VHOST_USER_PROTOCOL(REPLY_ACK)))
		msg->hdr.flags = VHOST_USER_NEED_REPLY;
	if (vhost_user_encode(VHOST_USER_REQUEST, msg, call->nr_fds, NULL,
			      &rule))
		return vhu_error(b, -EINVAL, "%s: %s", name_of(msg), rule);
	return 0;
}

/* The callback wait() may time out earlier than timeout_ms. */
static int no_answer(struct vhost_backend *b, const struct vhu_call *call)
{
	int64_t ms = vu_deadline_after(0) - call->wait.begin;

	if (b->opt.timeout_ms >= 0 && ms > b->opt.timeout_ms)
		ms = b->opt.timeout_ms;
	return vhu_connection_fail(b, -ETIMEDOUT, "%s: no answer in %d ms",
				   name_of(&call->msg), (int)ms);
}

static int lost_answer(struct vhost_backend *b, const struct vhu_call *call,
		       int err, const char *rule)
{
	const char *name = name_of(&call->msg);

	if (err == -EPROTO)
		return vhu_connection_fail(b, err, "answer to %s: %s", name,
					   rule);
	if (err == -ETIMEDOUT)
		return no_answer(b, call);
	if (err == -ENODATA)
		return vhu_connection_fail(
			b, -ECONNRESET,
			"%s: the back end closed the connection instead of answering",
			name);
	return vhu_connection_fail(b, err, "%s: %s", name, strerror(-err));
}

/*
 * Wait for one of the sockets, and serve the channel of the back end.  If the answer is
 * there, leave the channel: a back end that ends may have closed it after the answer.
 */
static int wait_both(struct vhost_backend *b, bool deaf,
		     const struct vhu_wire_wait *wait)
{
	struct pollfd fds[2] = {
		{ .fd = b->fd, .events = POLLIN },
		/* If a callback waits here, do not serve another request. */
		{ .fd = deaf || b->serving ? -1 : b->req_fd, .events = POLLIN },
	};
	int ret = vhu_wire_poll(wait, fds, 2);

	if (ret || fds[0].revents)
		return ret;
	if (fds[1].revents)
		ret = vhu_channel_serve(b);
	if (ret)
		return ret;
	/* Requests of the back end do not extend the time for its answer. */
	return vu_deadline_left(wait->deadline) ? 0 : -ETIMEDOUT;
}

static int take_answer(struct vhost_backend *b, struct vhu_call *call)
{
	struct vhu_wire_rx *rx = &b->rx;
	const char *rule = "";
	int ret = vhost_user_decode(call->kind, rx->buf, rx->got, rx->nr_fds,
				    &call->msg, &call->answer, &rule);

	if (ret)
		return lost_answer(b, call, ret, rule);
	if (rx->nr_fds) {
		call->fd = rx->fds[0];
		rx->fds[0] = -1;
	}
	vhu_wire_clear(rx);
	return 0;
}

static int receive(struct vhost_backend *b, struct vhu_call *call)
{
	unsigned int connection = b->connection;
	const char *rule = "";
	int ret;

	for (;;) {
		ret = vhu_wire_recv(b->fd, &b->rx, call->kind, &rule);
		if (!ret)
			return take_answer(b, call);
		if (ret == -EAGAIN)
			ret = wait_both(b, call->deaf, &call->wait);
		/* A callback or an error of the channel ended the connection. */
		if (b->connection != connection)
			return ret ?: -ECONNRESET;
		if (ret)
			return lost_answer(b, call, ret, rule);
	}
}

/*
 * Wait until the back end has handled all requests so far. A back end without
 * REPLY_ACK handles requests in their order, so it answers GET_FEATURES last. Other
 * front ends wait in the same way.
 */
static int sync_by_features(struct vhost_backend *b)
{
	struct vhu_call call;

	vhu_call_init(&call, VHOST_USER_GET_FEATURES);
	return vhu_call(b, &call);
}

int vhu_call(struct vhost_backend *b, struct vhu_call *call)
{
	int ret = prepare(b, call);
	bool acked;

	if (ret)
		return ret;
	call->wait = vhu_state_wait(b);
	acked = call->msg.hdr.flags & VHOST_USER_NEED_REPLY;
	ret = vhu_wire_send_wait(b->fd, &call->msg, call->fds, call->nr_fds,
				 &call->wait);
	if (ret)
		return lost_answer(b, call, ret == -EPIPE ? -ENODATA : ret, "");
	if (!acked && !has_answer(call))
		return call->sync ? sync_by_features(b) : 0;
	b->waiting = true;
	ret = receive(b, call);
	b->waiting = false;
	if (!ret && acked && call->answer.payload.u64)
		ret = vhu_error(b, -EREMOTEIO, "the back end failed %s",
				name_of(&call->msg));
	return ret;
}

int vhu_call_none(struct vhost_backend *b, enum vhost_user_request request)
{
	struct vhu_call call;

	vhu_call_init(&call, request);
	return vhu_call(b, &call);
}

int vhu_call_set(struct vhost_backend *b, enum vhost_user_request request,
		 uint64_t value)
{
	struct vhu_call call;

	vhu_call_init(&call, request);
	call.msg.payload.u64 = value;
	return vhu_call(b, &call);
}

int vhu_call_get(struct vhost_backend *b, enum vhost_user_request request,
		 uint64_t *value)
{
	struct vhu_call call;
	int ret;

	vhu_call_init(&call, request);
	ret = vhu_call(b, &call);
	if (!ret)
		*value = call.answer.payload.u64;
	return ret;
}

int vhu_call_fd(struct vhost_backend *b, enum vhost_user_request request,
		int fd)
{
	struct vhu_call call;

	vhu_call_init(&call, request);
	call.fds = &fd;
	call.nr_fds = 1;
	return vhu_call(b, &call);
}
