// SPDX-License-Identifier: GPL-2.0
/* The back end's channel: valid and invalid requests. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../harness.h"
#include "../wire.h"
#include "channel.h"

/* All requests: those of the specification, then those of crosvm. */
static uint32_t next(uint32_t request)
{
	return request + 1 == VHOST_USER_BACKEND_MAX ? C(FS_MAP) : request + 1;
}

/* Return the number of payload bytes that every callback receives. */
static size_t size_of(uint32_t request)
{
	switch (request) {
	case B(CONFIG_CHANGE_MSG):
		return 0;
	case B(VRING_CALL):
	case B(VRING_ERR):
		return 4;
	default:
		return 16;
	}
}

static void each_request(uint32_t request)
{
	struct vhost_user_msg msg = channel_ask(request), answer;
	int fd;

	/* Without NEED_REPLY, only a lookup gets a reply. */
	channel_send(&msg, 0);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(channel_seen.calls, 1);
	check_eq(channel_seen.request, request);
	check(!memcmp(&channel_seen.payload, &msg.payload, size_of(request)));
	check_eq(channel_seen.same, channel_has_fd(request));
	if (request != B(SHARED_OBJECT_LOOKUP)) {
		channel_send(&msg, VHOST_USER_NEED_REPLY);
		check_eq(vhost_backend_process(channel_backend), 0);
		check_eq(channel_seen.calls, 2);
	}
	msg.hdr.flags |= VHOST_USER_NEED_REPLY;
	check_eq(fake_answer(channel_fake.channel, &msg, &answer, &fd), 0);
	check_eq(answer.payload.u64, 0);
	check_eq(fd >= 0, request == B(SHARED_OBJECT_LOOKUP));
	if (fd >= 0) {
		check(same_file(fd, channel_seen.file));
		close(fd);
	}
	/* The callback's result is in the reply. */
	channel_seen.result = -ENOENT;
	channel_send(&msg, VHOST_USER_NEED_REPLY);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(fake_answer(channel_fake.channel, &msg, &answer, &fd), 0);
	check_eq(answer.payload.u64, ENOENT);
	check_eq(fd, -1);
}

TEST(each_request_calls_its_callback_and_returns_the_result)
{
	int before = wire_count_fds();
	uint32_t request;

	for (request = 1; request < C(MAX); request = next(request)) {
		channel_start(0, &channel_ops);
		if (request == B(SHARED_OBJECT_LOOKUP))
			channel_seen.result = channel_seen.file;
		each_request(request);
		check_eq(channel_seen.lost, 0);
		channel_stop();
	}
	check_eq(wire_count_fds(), before);
}

TEST(requests_without_a_callback_fail_with_eopnotsupp)
{
	struct vhost_user_msg msg, answer;
	uint32_t request;
	int fd;

	channel_start(0, NULL);
	for (request = 1; request < C(MAX); request = next(request)) {
		msg = channel_ask(request);
		channel_send(&msg, VHOST_USER_NEED_REPLY);
		check_eq(vhost_backend_process(channel_backend), 0);
		check_eq(fake_answer(channel_fake.channel, &msg, &answer, &fd),
			 0);
		check_eq(answer.payload.u64, EOPNOTSUPP);
		check_eq(fd, -1);
	}
	channel_stop();
}

/* Several requests at once, and one in two parts. */
TEST(queued_and_partial_requests_are_handled_in_order)
{
	struct vhost_user_msg msg = channel_ask(B(VRING_CALL));
	struct {
		struct vhost_user_header hdr;
		struct vhost_vring_state state;
	} raw = { { B(VRING_CALL), VHOST_USER_VERSION, 8 }, { 9, 0 } };
	int i;

	channel_start(0, &channel_ops);
	for (i = 0; i < 10; i++)
		channel_send(&msg, 0);
	fake_raw(channel_fake.channel, &raw, 13, -1);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(channel_seen.calls, 10);
	fake_raw(channel_fake.channel, (char *)&raw + 13, 7, -1);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(channel_seen.calls, 11);
	check_eq(channel_seen.payload.state.index, 9);
	channel_stop();
}

TEST(request_without_its_feature_breaks_the_connection)
{
	static const struct {
		uint64_t without;
		uint32_t request;
		int flags;
		const char *rule;
	} cases[] = {
		{ P(CONFIG), B(CONFIG_CHANGE_MSG), 0, "not negotiated" },
		{ P(HOST_NOTIFIER), B(VRING_HOST_NOTIFIER_MSG), 0,
		  "not negotiated" },
		{ P(INBAND_NOTIFICATIONS), B(VRING_CALL), 0, "not negotiated" },
		{ P(INBAND_NOTIFICATIONS), B(VRING_ERR), 0, "not negotiated" },
		{ P(SHARED_OBJECT), B(SHARED_OBJECT_ADD), 0, "not negotiated" },
		{ P(SHARED_OBJECT), B(SHARED_OBJECT_REMOVE), 0,
		  "not negotiated" },
		{ P(SHARED_OBJECT), B(SHARED_OBJECT_LOOKUP), 0,
		  "not negotiated" },
		{ P(SHMEM), B(SHMEM_MAP), 0, "not negotiated" },
		{ P(SHMEM), B(SHMEM_UNMAP), 0, "not negotiated" },
		{ P(BACKEND_SEND_FD), B(SHMEM_MAP), 0, "not negotiated" },
		{ P(SHMEM), C(GPU_MAP), 0, "not negotiated" },
		{ P(SHMEM), C(EXTERNAL_MAP), 0, "not negotiated" },
		{ P(BACKEND_SEND_FD), C(FS_MAP), 0, "not negotiated" },
		{ P(REPLY_ACK), B(CONFIG_CHANGE_MSG), VHOST_USER_NEED_REPLY,
		  "REPLY_ACK is not negotiated" },
	};
	struct vhost_user_msg msg;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		channel_start(cases[i].without, &channel_ops);
		msg = channel_ask(cases[i].request);
		channel_send(&msg, cases[i].flags);
		channel_expect_broken(cases[i].rule);
	}
	channel_start(0, &channel_ops);
	check_eq(vhost_backend_set_protocol_features(channel_backend,
						     ~P(BACKEND_SEND_FD)),
		 0);
	msg = channel_ask(B(SHMEM_MAP));
	channel_send(&msg, 0);
	channel_expect_broken(
		"it has fds, but BACKEND_SEND_FD is not negotiated");
	channel_start(0, &channel_ops);
	check_eq(vhost_backend_set_features(channel_backend, 0), 0);
	msg = channel_ask(B(IOTLB_MSG));
	channel_send(&msg, 0);
	channel_expect_broken("VIRTIO_F_ACCESS_PLATFORM is not negotiated");
}

TEST(invalid_request_breaks_the_connection)
{
	struct {
		struct vhost_user_header hdr;
		uint8_t payload[8];
	} raw = { { B(VRING_CALL), VHOST_USER_VERSION, 8 }, { 0 } };

	channel_start(0, &channel_ops);
	raw.hdr.flags = 2;
	fake_raw(channel_fake.channel, &raw, sizeof(raw), -1);
	channel_expect_broken("VRING_CALL: the version is not 1");
	channel_start(0, &channel_ops);
	raw.hdr.flags = VHOST_USER_VERSION | VHOST_USER_REPLY;
	fake_raw(channel_fake.channel, &raw, sizeof(raw), -1);
	channel_expect_broken("it is a reply");
	channel_start(0, &channel_ops);
	raw.hdr.flags = VHOST_USER_VERSION;
	fake_raw(channel_fake.channel, &raw, sizeof(raw), channel_seen.file);
	channel_expect_broken("too many file descriptors");
	channel_start(0, &channel_ops);
	raw.payload[4] = 1;
	fake_raw(channel_fake.channel, &raw, sizeof(raw), -1);
	channel_expect_broken("the reserved number is not 0");
}

/* The back end sends an unknown request, and returns its answer as the status. */
static enum fake_action ask_unknown_first(struct fake *f)
{
	static const struct vhost_user_header raw = {
		99, VHOST_USER_VERSION | VHOST_USER_NEED_REPLY, 0
	};
	struct pollfd pfd = { .fd = f->channel, .events = POLLIN };
	uint8_t answer[20] = { 0 };

	if (f->msg.hdr.request != VHOST_USER_GET_STATUS)
		return FAKE_DEFAULT;
	fake_raw(f->channel, &raw, sizeof(raw), -1);
	poll(&pfd, 1, 20000);
	if (recv(f->channel, answer, sizeof(answer), MSG_DONTWAIT) != 20)
		return FAKE_HANG_UP;
	f->reply.payload.u64 = answer[12];
	return FAKE_SEND;
}

/* Send a request that does not exist; return the front end's answer. */
static uint64_t ask_unknown(const void *buf, size_t len, int fd)
{
	struct {
		struct vhost_user_header hdr;
		uint32_t value[2];
	} answer = { .value = { 0 } };
	struct pollfd pfd = { .fd = channel_fake.channel, .events = POLLIN };

	fake_raw(channel_fake.channel, buf, len, fd);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(poll(&pfd, 1, 0), 1);
	check_eq(recv(channel_fake.channel, &answer, 20, MSG_DONTWAIT), 20);
	check_eq(answer.hdr.request, 99);
	check_eq(answer.hdr.flags, VHOST_USER_VERSION | VHOST_USER_REPLY);
	check_eq(answer.hdr.size, 8);
	check_eq(answer.value[1], 0);
	return answer.value[0];
}

TEST(unknown_request_is_refused_and_the_connection_continues)
{
	struct vhost_user_msg msg = channel_ask(B(VRING_CALL));
	struct {
		struct vhost_user_header hdr;
		uint8_t payload[sizeof(union vhost_user_payload) + 1];
	} raw = { { 99, VHOST_USER_VERSION | VHOST_USER_NEED_REPLY, 100 },
		  { 0 } };
	int before;

	channel_start(0, &channel_ops);
	before = wire_count_fds();
	check_eq(ask_unknown(&raw, 12 + 100, -1), EOPNOTSUPP);
	/* The file descriptors of the request are closed. */
	check_eq(ask_unknown(&raw, 12 + 100, channel_seen.file), EOPNOTSUPP);
	check(wire_await_fds(before));
	/* Without a payload, and with the largest one. */
	raw.hdr.size = 0;
	check_eq(ask_unknown(&raw, 12, -1), EOPNOTSUPP);
	raw.hdr.size = sizeof(raw.payload) - 1;
	check_eq(ask_unknown(&raw, 12 + raw.hdr.size, -1), EOPNOTSUPP);
	/* A request in two parts that wants no answer. */
	raw.hdr.flags = VHOST_USER_VERSION;
	fake_raw(channel_fake.channel, &raw, 700, -1);
	check_eq(vhost_backend_process(channel_backend), 0);
	fake_raw(channel_fake.channel, raw.payload, 12 + raw.hdr.size - 700,
		 -1);
	channel_send(&msg, 0);
	check_eq(vhost_backend_process(channel_backend), 0);
	check_eq(channel_seen.calls, 1);
	check_eq(channel_seen.request, B(VRING_CALL));
	check_eq(channel_seen.lost, 0);
	/* The library has no room for a larger one. */
	raw.hdr.size++;
	fake_raw(channel_fake.channel, &raw, 12, -1);
	channel_seen.calls = 0;
	channel_expect_broken("?: it is too large");
}

TEST(unknown_request_is_refused_while_the_front_end_waits)
{
	uint8_t status = 1;

	channel_start(0, &channel_ops);
	channel_fake.hook = ask_unknown_first;
	check_eq(vhost_backend_get_status(channel_backend, &status), 0);
	check_eq(status, EOPNOTSUPP);
	check_eq(channel_seen.lost, 0);
	channel_stop();
}
