// SPDX-License-Identifier: GPL-2.0
/* A connection: receive messages, send replies, handle kicks. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../user/libvhost-user/wire.h"
#include "../../user/libbase/deadline.h"
#include "session.h"

#define SEND_MS 10000

static int send_answer(struct session *s, struct exchange *x, int result)
{
	bool has_answer =
		vhost_user_has_answer(VHOST_USER_REQUEST, x->msg->hdr.request);
	const char *rule = "";
	int ret;

	if (!has_answer && !(x->msg->hdr.flags & VHOST_USER_NEED_REPLY))
		return 0;
	x->reply.hdr.request = x->msg->hdr.request;
	if (!has_answer)
		x->reply.payload.u64 = result ? 1 : 0;
	ret = vhost_user_encode(VHOST_USER_ANSWER, &x->reply, x->reply_fd >= 0,
				x->msg, &rule);
	if (ret) {
		fprintf(stderr, "vuser-vhost-blk: no reply to %s: %s\n",
			vhost_user_request_name(VHOST_USER_REQUEST,
						x->msg->hdr.request),
			rule);
		return ret;
	}
	return vhu_wire_send(s->fd, &x->reply, &x->reply_fd, x->reply_fd >= 0,
			     vu_deadline_after(SEND_MS));
}

/* Handle a complete message in @rx. */
static int handle(struct session *s, struct vhu_wire_rx *rx)
{
	struct vhost_user_msg msg;
	struct exchange x = { .msg = &msg,
			      .fds = rx->fds,
			      .nr_fds = rx->nr_fds,
			      .reply_fd = -1 };
	const char *rule = "";
	int ret;

	ret = vhost_user_decode(VHOST_USER_REQUEST, rx->buf, rx->got,
				rx->nr_fds, NULL, &msg, &rule);
	if (ret) {
		fprintf(stderr, "vuser-vhost-blk: %s: %s\n",
			vhost_user_request_name(VHOST_USER_REQUEST,
						msg.hdr.request),
			rule);
		return ret;
	}
	ret = session_answer(s, &x);
	if (ret)
		fprintf(stderr, "vuser-vhost-blk: %s: %s\n",
			vhost_user_request_name(VHOST_USER_REQUEST,
						msg.hdr.request),
			strerror(-ret));
	ret = send_answer(s, &x, ret);
	if (x.reply_fd >= 0)
		close(x.reply_fd);
	vhu_wire_clear(rx);
	return ret;
}

static int take_messages(struct session *s, struct vhu_wire_rx *rx)
{
	const char *rule = "";
	int ret;

	for (;;) {
		ret = vhu_wire_recv(s->fd, rx, VHOST_USER_REQUEST, &rule);
		if (ret == -EAGAIN)
			return 0;
		if (ret == -EPROTO)
			fprintf(stderr,
				"vuser-vhost-blk: invalid message: %s\n", rule);
		if (!ret)
			ret = handle(s, rx);
		if (ret)
			return ret;
	}
}

static int wait_for_work(struct session *s, struct pollfd *fds)
{
	uint16_t i;

	fds[0] = (struct pollfd) { .fd = s->fd, .events = POLLIN };
	for (i = 0; i < s->opt->queues; i++)
		fds[i + 1] = (struct pollfd) { .fd = s->queues[i].kick,
					       .events = POLLIN };
	return vu_deadline_poll(fds, s->opt->queues + 1, -1);
}

static int loop(struct session *s, struct vhu_wire_rx *rx)
{
	struct pollfd fds[SESSION_QUEUES + 1];
	eventfd_t value;
	uint16_t i;
	int ret;

	for (;;) {
		ret = wait_for_work(s, fds);
		for (i = 0; !ret && i < s->opt->queues; i++) {
			if (!fds[i + 1].revents)
				continue;
			eventfd_read(s->queues[i].kick, &value);
			queue_process(&s->queues[i]);
		}
		if (!ret && fds[0].revents)
			ret = take_messages(s, rx);
		if (ret)
			return ret;
	}
}

int session_run(const struct session_options *opt, struct disk *disk, int fd)
{
	struct session *s = calloc(1, sizeof(*s));
	struct vhu_wire_rx *rx = calloc(1, sizeof(*rx));
	int ret = -ENOMEM;
	uint16_t i;

	if (s && rx) {
		s->opt = opt;
		s->disk = disk;
		s->fd = fd;
		for (i = 0; i < opt->queues; i++)
			queue_init(&s->queues[i], &s->memory, disk);
		ret = loop(s, rx);
		session_reset(s);
		session_drop_inflight(s);
		memory_clear(&s->memory);
		vhu_wire_clear(rx);
	}
	free(s);
	free(rx);
	close(fd);
	return ret == -ENODATA || ret == -ECONNRESET || ret == -EPIPE ? 0 : ret;
}
