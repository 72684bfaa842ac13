// SPDX-License-Identifier: GPL-2.0
/* The back end's channel: requests while the front end waits, and callbacks that send some. */
#include <errno.h>
#include <string.h>

#include "../harness.h"
#include "../wire.h"
#include "channel.h"

static void make_request(void)
{
	channel_seen.result =
		vhost_backend_set_vring_num(channel_backend, 0, 16);
}

/* A callback may send a request unless another request is waiting. */
TEST(callback_can_send_a_request)
{
	struct vhost_user_msg msg = channel_ask(B(CONFIG_CHANGE_MSG)), answer;
	int fd;

	channel_start(0, &channel_ops);
	channel_seen.act = make_request;
	channel_send(&msg, VHOST_USER_NEED_REPLY);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(fake_answer(channel_fake.channel, &msg, &answer, &fd), 0);
	check_eq(answer.payload.u64, 0);
	check_eq(channel_fake.seen[VHOST_USER_SET_VRING_NUM], 1);
	channel_stop();
}

static unsigned int depth, deepest;

static void request_at_depth(void)
{
	if (++depth > deepest)
		deepest = depth;
	check_eq(vhost_backend_set_vring_num(channel_backend, 0, 16), 0);
	check_eq(vhost_backend_process(channel_backend), 0);
	depth--;
}

/* A callback that sends requests must not be entered again. */
TEST(callbacks_are_not_nested)
{
	struct vhost_user_msg msg = channel_ask(B(CONFIG_CHANGE_MSG));
	int i;

	depth = 0;
	deepest = 0;
	channel_start(0, &channel_ops);
	channel_seen.act = request_at_depth;
	for (i = 0; i < 10; i++)
		channel_send(&msg, 0);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(channel_seen.calls, 10);
	check_eq(deepest, 1);
	channel_stop();
}

/*
 * The back end sends a request, waits for its reply, and then replies itself.
 */
static enum fake_action ask_first(struct fake *f)
{
	struct vhost_user_msg msg = channel_ask(B(CONFIG_CHANGE_MSG)), answer;
	int fd;

	if (f->msg.hdr.request != VHOST_USER_GET_STATUS)
		return FAKE_DEFAULT;
	msg.hdr.flags = VHOST_USER_NEED_REPLY;
	fake_ask(f->channel, &msg, -1);
	if (fake_answer(f->channel, &msg, &answer, &fd))
		return FAKE_HANG_UP;
	f->reply.payload.u64 = answer.payload.u64;
	return FAKE_SEND;
}

TEST(requests_are_served_while_the_front_end_waits)
{
	uint8_t status = 1;

	channel_start(0, &channel_ops);
	channel_fake.hook = ask_first;
	check_eq(vhost_backend_get_status(channel_backend, &status), 0);
	check_eq(status, 0);
	check_eq(channel_seen.calls, 1);
	/* Here a callback cannot send a request. */
	channel_seen.act = make_request;
	check_eq(vhost_backend_get_status(channel_backend, &status), 0);
	check_eq(status, EBUSY);
	check_eq(channel_fake.seen[VHOST_USER_SET_VRING_NUM], 0);
	check_eq(channel_seen.lost, 0);
	channel_stop();
}

/* Each request is followed by another one, without a reply. */
static void ask_again(void)
{
	static const struct vhost_user_header raw = { B(CONFIG_CHANGE_MSG),
						      VHOST_USER_VERSION, 0 };

	fake_raw(channel_fake.channel, &raw, sizeof(raw), -1);
}

static enum fake_action ask_for_ever(struct fake *f)
{
	if (f->msg.hdr.request != VHOST_USER_GET_STATUS)
		return FAKE_DEFAULT;
	ask_again();
	return FAKE_NOTHING;
}

TEST(request_times_out_if_the_back_end_sends_requests_without_end)
{
	uint8_t status;

	channel_timeout_ms = 100;
	channel_start(0, &channel_ops);
	channel_timeout_ms = 20000;
	channel_seen.act = ask_again;
	channel_fake.hook = ask_for_ever;
	check_eq(vhost_backend_get_status(channel_backend, &status),
		 -ETIMEDOUT);
	check(channel_seen.calls > 0);
	check_eq(channel_seen.lost, 1);
	channel_stop();
}

TEST(one_call_of_process_handles_at_most_64_requests)
{
	struct vhost_user_msg msg = channel_ask(B(VRING_CALL));
	int i;

	channel_start(0, &channel_ops);
	for (i = 0; i < 100; i++)
		channel_send(&msg, 0);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(channel_seen.calls, 64);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(channel_seen.calls, 100);
	channel_stop();
}

static enum fake_action ask_wrongly(struct fake *f)
{
	static const struct vhost_user_header raw = { B(CONFIG_CHANGE_MSG), 2,
						      0 };

	if (f->msg.hdr.request != VHOST_USER_GET_STATUS)
		return FAKE_DEFAULT;
	fake_raw(f->channel, &raw, sizeof(raw), -1);
	return FAKE_NOTHING;
}

/* The error names the broken rule, not the missing reply. */
TEST(invalid_request_while_the_front_end_waits_is_reported)
{
	uint8_t status;

	channel_start(0, &channel_ops);
	channel_fake.hook = ask_wrongly;
	check_eq(vhost_backend_get_status(channel_backend, &status), -EPROTO);
	check(strstr(vhost_backend_error(channel_backend),
		     "the version is not 1"));
	check_eq(channel_seen.lost, 1);
	channel_stop();
}

TEST(callback_can_disconnect)
{
	struct vhost_user_msg msg = channel_ask(B(CONFIG_CHANGE_MSG));
	uint8_t status;

	channel_start(0, &channel_ops);
	channel_seen.act = channel_hang_up;
	channel_send(&msg, VHOST_USER_NEED_REPLY);
	check_eq(vhost_backend_process(channel_backend), -ECONNRESET);
	check_eq(channel_seen.lost, 1);
	check_eq(channel_seen.why, 0);
	channel_stop();
	channel_start(0, &channel_ops);
	channel_seen.act = channel_hang_up;
	channel_fake.hook = ask_first;
	check_eq(vhost_backend_get_status(channel_backend, &status),
		 -ECONNRESET);
	check_eq(channel_seen.lost, 1);
	channel_stop();
}
