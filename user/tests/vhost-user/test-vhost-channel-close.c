// SPDX-License-Identifier: GPL-2.0
/* The back end's channel: its end, and a new channel in its place. */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../harness.h"
#include "../wire.h"
#include "channel.h"

/* The back end closes its channel and answers when the front end has closed it, too. */
static enum fake_action close_first(struct fake *f)
{
	struct pollfd pfd = { .fd = f->channel, .events = POLLIN };

	if (f->msg.hdr.request != VHOST_USER_GET_STATUS)
		return FAKE_DEFAULT;
	shutdown(f->channel, SHUT_WR);
	/* POLLHUP comes when the front end closes its end. */
	poll(&pfd, 1, 20000);
	if (!(pfd.revents & POLLHUP))
		return FAKE_HANG_UP;
	return FAKE_DEFAULT;
}

static void close_channel(void)
{
	close(channel_fake.channel);
	channel_fake.channel = -1;
}

TEST(closed_channel_leaves_the_connection)
{
	struct vhost_user_msg msg = channel_ask(B(VRING_CALL));
	uint64_t features;

	channel_start(0, &channel_ops);
	/* The last requests are served. */
	channel_send(&msg, 0);
	close_channel();
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(channel_seen.calls, 1);
	check_eq(channel_seen.closed, 1);
	check_eq(vhost_backend_req_fd(channel_backend), -1);
	check(strstr(vhost_backend_error(channel_backend),
		     "closed its channel"));
	check_eq(vhost_backend_get_features(channel_backend, &features), 0);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(channel_seen.closed, 1);
	/* The back end may get another channel. */
	check_eq(vhost_backend_set_backend_req_fd(channel_backend), 0);
	channel_send(&msg, 0);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(channel_seen.calls, 2);
	check_eq(channel_seen.lost, 0);
	channel_stop();
}

TEST(channel_closed_before_an_answer_leaves_the_connection)
{
	struct vhost_user_msg msg = channel_ask(B(VRING_CALL));
	uint64_t features;

	channel_start(0, &channel_ops);
	channel_seen.act = close_channel;
	channel_send(&msg, VHOST_USER_NEED_REPLY);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(channel_seen.closed, 1);
	check_eq(vhost_backend_get_features(channel_backend, &features), 0);
	check_eq(channel_seen.lost, 0);
	channel_stop();
}

TEST(channel_closed_while_the_front_end_waits_leaves_the_connection)
{
	uint8_t status = 1;

	channel_start(0, &channel_ops);
	channel_fake.hook = close_first;
	check_eq(vhost_backend_get_status(channel_backend, &status), 0);
	check_eq(status, 0);
	check_eq(channel_seen.closed, 1);
	check_eq(channel_seen.lost, 0);
	channel_stop();
}

static enum fake_action answer_and_close(struct fake *f)
{
	if (f->msg.hdr.request != VHOST_USER_GET_STATUS)
		return FAKE_DEFAULT;
	shutdown(f->channel, SHUT_WR);
	return FAKE_DEFAULT;
}

/* Once the back end is to close its channel, wait until each of @fds is ready. */
static int wait_for_both(void *data, struct pollfd *fds, unsigned int nr,
			 int ms)
{
	const struct fake *f = data;
	unsigned int i;

	if (!f->hook)
		return poll(fds, nr, ms) > 0 ? 0 : -ETIMEDOUT;
	for (i = 0; i < nr; i++)
		if (poll(&fds[i], 1, ms) != 1)
			return -ETIMEDOUT;
	return 0;
}

/* virtiofsd ends after some errors, and closes both sockets after its answer. */
TEST(answer_is_read_although_the_channel_is_closed)
{
	struct vhost_backend_ops old = channel_ops;
	uint8_t status = 1;

	old.channel_closed = NULL;
	old.wait = wait_for_both;
	channel_start(0, &old);
	channel_fake.hook = answer_and_close;
	check_eq(vhost_backend_get_status(channel_backend, &status), 0);
	check_eq(status, 0);
	check_eq(vhost_backend_process(channel_backend), -ECONNRESET);
	check_eq(channel_seen.lost, 1);
	channel_stop();
}

TEST(callback_for_a_closed_channel_can_disconnect)
{
	channel_start(0, &channel_ops);
	channel_seen.act = channel_hang_up;
	close_channel();
	check_eq(vhost_backend_process(channel_backend), -ECONNRESET);
	check_eq(channel_seen.closed, 1);
	check_eq(channel_seen.lost, 1);
	channel_stop();
}

/* A program without the callback would not notice that its channel is gone. */
TEST(closed_channel_ends_the_connection_without_a_callback)
{
	struct vhost_backend_ops old = channel_ops;

	old.channel_closed = NULL;
	channel_start(0, &old);
	close_channel();
	check_eq(vhost_backend_process(channel_backend), -ECONNRESET);
	check(strstr(vhost_backend_error(channel_backend),
		     "closed its channel"));
	check_eq(channel_seen.lost, 1);
	channel_stop();
}

/* Send the reply byte by byte, each after the previous one was read. */
static void answer_slowly(int sock, const void *answer, size_t len)
{
	const char *bytes = answer;
	int unread;

	for (; len; len--, bytes++) {
		fake_raw(sock, bytes, 1, -1);
		while (!ioctl(sock, SIOCOUTQ, &unread) && unread)
			sched_yield();
	}
}

static enum fake_action hang_up_first(struct fake *f)
{
	struct {
		struct vhost_user_header hdr;
		uint32_t ack[2];
	} raw = { { VHOST_USER_SET_BACKEND_REQ_FD,
		    VHOST_USER_VERSION | VHOST_USER_REPLY, 8 },
		  { 0 } };

	if (f->msg.hdr.request != VHOST_USER_SET_BACKEND_REQ_FD)
		return FAKE_DEFAULT;
	close(f->channel);
	f->channel = dup(f->fds[0]);
	answer_slowly(f->fd, &raw, sizeof(raw));
	return FAKE_NOTHING;
}

/* A new channel replaces the old one; requests are neither lost nor mixed. */
TEST(new_channel_replaces_the_old_one)
{
	struct vhost_user_msg msg = channel_ask(B(VRING_CALL));
	int old;

	channel_start(0, &channel_ops);
	old = vhost_backend_req_fd(channel_backend);
	channel_fake.hook = hang_up_first;
	require(!vhost_backend_set_backend_req_fd(channel_backend));
	check(vhost_backend_req_fd(channel_backend) >= 0);
	check(vhost_backend_req_fd(channel_backend) != old);
	channel_send(&msg, 0);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(channel_seen.calls, 1);
	check_eq(channel_seen.lost, 0);
	channel_stop();
}
