// SPDX-License-Identifier: BSD-3-Clause
/* The connection to a vhost-user back-end: its start, its end, its requests. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../libbase/abi.h"
#include "../libbase/deadline.h"
#include "../libbase/unix.h"
#include "internal.h"

static int copy_options(struct vhost_backend *b,
			const struct vhost_backend_options *opt)
{
	int ret = vu_abi_read(&b->opt, sizeof(b->opt), opt, sizeof(b->opt));

	if (ret)
		return ret;
	if (!b->opt.timeout_ms)
		b->opt.timeout_ms = VHOST_BACKEND_TIMEOUT_MS;
	return vu_abi_read(&b->ops, sizeof(b->ops), b->opt.ops, sizeof(b->ops));
}

int vhost_backend_new(const struct vhost_backend_options *opt,
		      struct vhost_backend **result)
{
	struct vhost_backend *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return -ENOMEM;
	b->fd = -1;
	b->req_fd = -1;
	ret = copy_options(b, opt);
	if (ret) {
		free(b);
		return ret;
	}
	*result = b;
	return 0;
}

static void forget(struct vhost_backend *b)
{
	b->fd = -1;
	b->req_fd = -1;
	vhost_rx_clear(&b->rx);
	vhost_rx_clear(&b->req_rx);
	b->connection++;
	b->channel++;
	b->waiting = false;
}

static void close_both(int fd, int req_fd)
{
	if (fd >= 0)
		close(fd);
	if (req_fd >= 0)
		close(req_fd);
}

void vhost_hang_up(struct vhost_backend *b)
{
	close_both(b->fd, b->req_fd);
	forget(b);
}

void vhost_backend_free(struct vhost_backend *b)
{
	if (!b)
		return;
	vhost_hang_up(b);
	free(b);
}

static void lose(struct vhost_backend *b, int why)
{
	int fd = b->fd, req_fd = b->req_fd;
	bool told = b->ready;

	forget(b);
	b->ready = false;
	/* Before their numbers can be those of others. */
	if (told && b->ops.lost)
		b->ops.lost(b->opt.data, why);
	close_both(fd, req_fd);
}

void vhost_backend_disconnect(struct vhost_backend *b)
{
	if (b->fd >= 0)
		lose(b, 0);
}

static void set_error(struct vhost_backend *b, const char *format, va_list ap)
{
	vsnprintf(b->error, sizeof(b->error), format, ap);
}

int vhost_error(struct vhost_backend *b, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	set_error(b, format, ap);
	va_end(ap);
	return err;
}

int vhost_fail(struct vhost_backend *b, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	set_error(b, format, ap);
	va_end(ap);
	lose(b, err);
	return err;
}

bool vhost_backend_connected(const struct vhost_backend *b)
{
	return b->fd >= 0;
}

int vhost_backend_fd(const struct vhost_backend *b)
{
	return b->fd;
}

int vhost_backend_req_fd(const struct vhost_backend *b)
{
	return b->req_fd;
}

const char *vhost_backend_error(const struct vhost_backend *b)
{
	return b->error;
}

uint64_t vhost_backend_features(const struct vhost_backend *b)
{
	return b->features;
}

uint64_t vhost_backend_protocol(const struct vhost_backend *b)
{
	return b->protocol;
}

uint64_t vhost_backend_offered(const struct vhost_backend *b)
{
	return b->offered;
}

bool vhost_backend_has(const struct vhost_backend *b, uint64_t mask)
{
	return (b->protocol & mask) == mask;
}

uint64_t vhost_backend_queues(const struct vhost_backend *b)
{
	return b->queues;
}

uint64_t vhost_backend_mem_slots(const struct vhost_backend *b)
{
	return b->slots;
}

/* Names of the protocol features of @mask. */
static const char *list_features(uint64_t mask, char *buf, size_t size)
{
	unsigned int bit;
	size_t len = 0;

	buf[0] = '\0';
	for (bit = 0; bit < 64 && len < size; bit++)
		if (mask & 1ULL << bit)
			len += snprintf(buf + len, size - len, " %s",
					vhost_user_protocol_name(bit));
	return buf;
}

static int settle_features(struct vhost_backend *b)
{
	uint64_t wanted = b->opt.wanted | b->opt.required;
	uint64_t missing;
	char names[160];
	int ret;

	if (b->features & 1ULL << VHOST_USER_F_PROTOCOL_FEATURES) {
		ret = vhost_backend_get_protocol_features(b, &b->offered);
		if (ret)
			return ret;
	}
	wanted = vhost_user_settle_protocol(b->offered & wanted);
	missing = b->opt.required & ~wanted;
	if (missing)
		return vhost_error(b, -EOPNOTSUPP,
				   "the back-end lacks protocol features:%s",
				   list_features(missing, names,
						 sizeof(names)));
	if (!(b->features & 1ULL << VHOST_USER_F_PROTOCOL_FEATURES))
		return 0;
	return vhost_backend_set_protocol_features(b, wanted);
}

static int negotiate(struct vhost_backend *b)
{
	int ret = vhost_backend_get_features(b, &b->features);

	if (!ret)
		ret = settle_features(b);
	if (!ret && vhost_backend_has(b, VHOST_USER_PROTOCOL(MQ)))
		ret = vhost_backend_get_queue_num(b, &b->queues);
	if (!ret &&
	    vhost_backend_has(b, VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS)))
		ret = vhost_backend_get_max_mem_slots(b, &b->slots);
	if (!ret && vhost_backend_has(b, VHOST_USER_PROTOCOL(BACKEND_REQ)))
		ret = vhost_channel_new(b);
	if (!ret)
		ret = vhost_backend_set_owner(b);
	return ret;
}

static int make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return -errno;
	return 0;
}

int vhost_backend_connect_fd(struct vhost_backend *b, int fd)
{
	int ret;

	if (b->fd >= 0) {
		close(fd);
		return vhost_error(b, -EISCONN, "connected already");
	}
	ret = make_nonblocking(fd);
	if (ret) {
		close(fd);
		return vhost_error(b, ret, "not a socket: %s", strerror(-ret));
	}
	b->fd = fd;
	b->features = 0;
	b->acked = 0;
	b->offered = 0;
	b->protocol = 0;
	b->queues = 0;
	b->slots = VHOST_USER_MAX_REGIONS;
	b->error[0] = '\0';
	ret = negotiate(b);
	if (ret)
		vhost_hang_up(b);
	else
		b->ready = true;
	return ret;
}

int vhost_backend_connect(struct vhost_backend *b, const char *path)
{
	int fd;

	if (b->fd >= 0)
		return vhost_error(b, -EISCONN, "connected already");
	fd = vu_unix_connect(path);
	if (fd < 0)
		return vhost_error(b, fd, "cannot connect to %s: %s", path,
				   strerror(-fd));
	return vhost_backend_connect_fd(b, fd);
}

static const char *name_of(const struct vhost_user_msg *msg)
{
	return vhost_user_request_name(VHOST_USER_REQUEST, msg->hdr.request);
}

void vhost_call_init(struct vhost_call *call, enum vhost_user_request request)
{
	memset(call, 0, sizeof(*call));
	call->msg.hdr.request = request;
	call->kind = VHOST_USER_ANSWER;
	call->fd = -1;
}

/* One that says more than that it went well. */
static bool has_answer(const struct vhost_call *call)
{
	return vhost_user_has_answer(call->kind == VHOST_USER_ANSWER ?
					     VHOST_USER_REQUEST :
					     call->kind,
				     call->msg.hdr.request);
}

/* Before anything is sent. */
static int prepare(struct vhost_backend *b, struct vhost_call *call)
{
	struct vhost_user_msg *msg = &call->msg;
	uint64_t missing = vhost_user_protocol_needed(VHOST_USER_REQUEST,
						      msg->hdr.request) &
			   ~b->protocol;
	const char *rule;
	char names[160];

	if (b->fd < 0)
		return vhost_error(b, -ENOTCONN, "%s: not connected",
				   name_of(msg));
	if (b->waiting)
		return vhost_error(b, -EBUSY, "%s: another request waits",
				   name_of(msg));
	if (missing)
		return vhost_error(b, -EOPNOTSUPP, "%s needs%s", name_of(msg),
				   list_features(missing, names,
						 sizeof(names)));
	if (!call->no_answer && !has_answer(call) &&
	    vhost_backend_has(b, VHOST_USER_PROTOCOL(REPLY_ACK)))
		msg->hdr.flags = VHOST_USER_NEED_REPLY;
	if (vhost_user_encode(VHOST_USER_REQUEST, msg, call->nr_fds, NULL,
			      &rule))
		return vhost_error(b, -EINVAL, "%s: %s", name_of(msg), rule);
	return 0;
}

static int lost_answer(struct vhost_backend *b, const struct vhost_call *call,
		       int err, const char *rule)
{
	const char *name = name_of(&call->msg);

	if (err == -EPROTO)
		return vhost_fail(b, err, "answer to %s: %s", name, rule);
	if (err == -ETIMEDOUT)
		return vhost_fail(b, err, "%s: no answer in %d ms", name,
				  b->opt.timeout_ms);
	if (err == -ENODATA)
		return vhost_fail(
			b, -ECONNRESET,
			"%s: the back-end hung up in place of an answer", name);
	return vhost_fail(b, err, "%s: %s", name, strerror(-err));
}

/* Wait until either socket has something, and serve the back-end's channel. */
static int wait_both(struct vhost_backend *b, bool deaf, int64_t deadline)
{
	struct pollfd fds[2] = {
		{ .fd = b->fd, .events = POLLIN },
		/* One request of the back-end after the other. */
		{ .fd = deaf || b->serving ? -1 : b->req_fd, .events = POLLIN },
	};
	int ret = vu_deadline_poll(fds, 2, deadline);

	if (!ret && fds[1].revents)
		ret = vhost_channel_serve(b);
	if (ret || fds[0].revents)
		return ret;
	/* Whoever asks all the time and does not answer has no more of it. */
	return vu_deadline_left(deadline) ? 0 : -ETIMEDOUT;
}

static int take_answer(struct vhost_backend *b, struct vhost_call *call)
{
	struct vhost_rx *rx = &b->rx;
	const char *rule = "";
	int ret = vhost_user_decode(call->kind, rx->buf, rx->got, rx->nr_fds,
				    &call->msg, &call->answer, &rule);

	if (ret)
		return lost_answer(b, call, ret, rule);
	if (rx->nr_fds) {
		call->fd = rx->fds[0];
		rx->fds[0] = -1;
	}
	vhost_rx_clear(rx);
	return 0;
}

static int receive(struct vhost_backend *b, struct vhost_call *call,
		   int64_t deadline)
{
	unsigned int connection = b->connection;
	const char *rule = "";
	int ret;

	for (;;) {
		ret = vhost_rx_step(b->fd, &b->rx, call->kind, &rule);
		if (!ret)
			return take_answer(b, call);
		if (ret == -EAGAIN)
			ret = wait_both(b, call->deaf, deadline);
		/* A callback may have hung up, or the channel was broken. */
		if (b->connection != connection)
			return ret ?: -ECONNRESET;
		if (ret)
			return lost_answer(b, call, ret, rule);
	}
}

int vhost_call(struct vhost_backend *b, struct vhost_call *call)
{
	int64_t deadline = vu_deadline_after(b->opt.timeout_ms);
	int ret = prepare(b, call);
	bool acked;

	if (ret)
		return ret;
	acked = call->msg.hdr.flags & VHOST_USER_NEED_REPLY;
	ret = vhost_send(b->fd, &call->msg, call->fds, call->nr_fds, deadline);
	if (ret)
		return lost_answer(b, call, ret == -EPIPE ? -ENODATA : ret, "");
	if (!acked && !has_answer(call))
		return 0;
	b->waiting = true;
	ret = receive(b, call, deadline);
	b->waiting = false;
	if (!ret && acked && call->answer.payload.u64)
		ret = vhost_error(b, -EREMOTEIO, "%s failed in the back-end",
				  name_of(&call->msg));
	return ret;
}

/* Nothing comes on the first socket unless it was asked for. */
static int look_at_end(struct vhost_backend *b)
{
	ssize_t got;
	char byte;

	do {
		got = recv(b->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got < 0)
		return vhost_fail(b, -errno, "connection: %s", strerror(errno));
	if (!got)
		return vhost_fail(b, -ECONNRESET, "the back-end hung up");
	return vhost_fail(b, -EPROTO, "a message came that answers no request");
}

int vhost_backend_process(struct vhost_backend *b)
{
	int ret;

	if (b->fd < 0)
		return -ENOTCONN;
	/* Called from a callback: whoever called that goes on itself. */
	if (b->waiting || b->serving)
		return 0;
	ret = look_at_end(b);
	return ret ?: vhost_channel_serve(b);
}
