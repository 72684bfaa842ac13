// SPDX-License-Identifier: GPL-2.0
/* The back end's channel: valid and invalid requests, at any time. */
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
#include "fake.h"

#define P(name)	     VHOST_USER_PROTOCOL(name)
#define B(name)	     VHOST_USER_BACKEND_##name
#define C(name)	     VHOST_USER_CROSVM_##name
#define PLATFORM_BIT (1ULL << VIRTIO_F_ACCESS_PLATFORM)

/* The arguments of the last callback, and the actions of all of them. */
static struct {
	unsigned int calls;
	uint32_t request;
	union vhost_user_payload payload;
	bool same;
	int file;
	int result;
	void (*act)(void);
	unsigned int lost;
	unsigned int closed;
	int why;
} seen;

static struct fake fake;
static struct vhost_backend *b;

static int note(uint32_t request, const void *payload, size_t len, int fd)
{
	seen.calls++;
	seen.request = request;
	memcpy(&seen.payload, payload, len);
	seen.same = fd >= 0 && same_file(fd, seen.file);
	if (seen.act)
		seen.act();
	return seen.result;
}

static void on_lost(void *data, int why)
{
	(void)data;
	seen.lost++;
	seen.why = why;
}

static int on_config(void *data)
{
	return note(B(CONFIG_CHANGE_MSG), data, 0, -1);
}

static int on_iotlb(void *data, const struct vhost_iotlb_msg *msg)
{
	(void)data;
	return note(B(IOTLB_MSG), msg, sizeof(*msg), -1);
}

static int on_notifier(void *data, const struct vhost_user_vring_area *area,
		       int fd)
{
	(void)data;
	return note(B(VRING_HOST_NOTIFIER_MSG), area, sizeof(*area), fd);
}

static int on_call(void *data, uint32_t vring)
{
	(void)data;
	return note(B(VRING_CALL), &vring, sizeof(vring), -1);
}

static int on_err(void *data, uint32_t vring)
{
	(void)data;
	return note(B(VRING_ERR), &vring, sizeof(vring), -1);
}

static int on_add(void *data, const struct vhost_user_shared *object)
{
	(void)data;
	return note(B(SHARED_OBJECT_ADD), object, sizeof(*object), -1);
}

static int on_remove(void *data, const struct vhost_user_shared *object)
{
	(void)data;
	return note(B(SHARED_OBJECT_REMOVE), object, sizeof(*object), -1);
}

static int on_lookup(void *data, const struct vhost_user_shared *object)
{
	(void)data;
	return note(B(SHARED_OBJECT_LOOKUP), object, sizeof(*object), -1);
}

static int on_map(void *data, const struct vhost_user_mmap *map, int fd)
{
	(void)data;
	return note(B(SHMEM_MAP), map, sizeof(*map), fd);
}

static int on_unmap(void *data, const struct vhost_user_mmap *map)
{
	(void)data;
	return note(B(SHMEM_UNMAP), map, sizeof(*map), -1);
}

static int on_fs(void *data, uint32_t request,
		 const struct vhost_user_crosvm_fs *fs, int fd)
{
	(void)data;
	return note(request, fs, sizeof(*fs), fd);
}

static int on_gpu_map(void *data, const struct vhost_user_crosvm_gpu_map *map,
		      int fd)
{
	(void)data;
	return note(C(GPU_MAP), map, sizeof(*map), fd);
}

static int on_external_map(void *data,
			   const struct vhost_user_crosvm_external_map *map)
{
	(void)data;
	return note(C(EXTERNAL_MAP), map, sizeof(*map), -1);
}

static void on_closed(void *data)
{
	(void)data;
	seen.closed++;
	/* The channel can still be removed from an event loop. */
	check(vhost_backend_req_fd(b) >= 0);
	if (seen.act)
		seen.act();
}

static const struct vhost_backend_ops ops = {
	.struct_size = sizeof(ops),
	.channel_closed = on_closed,
	.lost = on_lost,
	.config_change = on_config,
	.iotlb = on_iotlb,
	.host_notifier = on_notifier,
	.vring_call = on_call,
	.vring_err = on_err,
	.shared_add = on_add,
	.shared_remove = on_remove,
	.shared_lookup = on_lookup,
	.shmem_map = on_map,
	.shmem_unmap = on_unmap,
	.crosvm_fs = on_fs,
	.crosvm_gpu_map = on_gpu_map,
	.crosvm_external_map = on_external_map,
};

static int timeout_ms = 20000;

static void start_with(uint64_t without, const struct vhost_backend_ops *use)
{
	struct vhost_backend_options opt = {
		.struct_size = sizeof(opt),
		.wanted = UINT64_MAX,
		.timeout_ms = timeout_ms,
		.ops = use,
		.data = &fake,
	};
	int fd = fake_init(&fake);
	uint64_t features;

	memset(&seen, 0, sizeof(seen));
	seen.file = eventfd(0, EFD_CLOEXEC);
	fake.protocol = ~without;
	fake_start(&fake);
	require(!vhost_backend_new(&opt, &b));
	require(!vhost_backend_connect_fd(b, fd));
	require(!vhost_backend_set_features(b, PLATFORM_BIT));
	/*
	 * Without REPLY_ACK, only this reply shows that the back end is done.
	 */
	require(!vhost_backend_get_features(b, &features));
	require(fake.channel >= 0);
}

static void stop(void)
{
	vhost_backend_free(b);
	fake_stop(&fake);
	close(seen.file);
}

/* Return a valid request of the back end. */
static struct vhost_user_msg ask(uint32_t request)
{
	struct vhost_user_msg msg = { .hdr.request = request };

	switch (request) {
	case B(IOTLB_MSG):
		msg.payload.iotlb.type = VHOST_IOTLB_MISS;
		msg.payload.iotlb.iova = 0x1234000;
		msg.payload.iotlb.perm = VHOST_ACCESS_WO;
		break;
	case B(VRING_HOST_NOTIFIER_MSG):
		msg.payload.area.vring = 2;
		msg.payload.area.size = 0x1000;
		msg.payload.area.offset = 0x3000;
		break;
	case B(VRING_CALL):
	case B(VRING_ERR):
		msg.payload.state.index = 7;
		break;
	case B(SHARED_OBJECT_ADD):
	case B(SHARED_OBJECT_REMOVE):
	case B(SHARED_OBJECT_LOOKUP):
		memset(&msg.payload.shared, 0x5a, sizeof(msg.payload.shared));
		break;
	case B(SHMEM_MAP):
	case B(SHMEM_UNMAP):
		msg.payload.mmap.shmid = 3;
		msg.payload.mmap.len = 0x2000;
		msg.payload.mmap.flags = VHOST_USER_MMAP_WRITE;
		break;
	case C(FS_MAP):
	case C(FS_UNMAP):
	case C(FS_SYNC):
	case C(FS_IO):
		msg.payload.crosvm_fs.fd_offset[0] = 0x3000;
		msg.payload.crosvm_fs.len[0] = 0x2000;
		break;
	case C(GPU_MAP):
		msg.payload.crosvm_gpu.shmid = 3;
		msg.payload.crosvm_gpu.len = 0x2000;
		break;
	case C(EXTERNAL_MAP):
		msg.payload.crosvm_external.shmid = 3;
		msg.payload.crosvm_external.len = 0x2000;
		msg.payload.crosvm_external.pointer = 0x1000;
		break;
	default:
		break;
	}
	return msg;
}

static bool has_fd(uint32_t request)
{
	return request == B(VRING_HOST_NOTIFIER_MSG) ||
	       request == B(SHMEM_MAP) || request == C(FS_MAP) ||
	       request == C(FS_IO) || request == C(GPU_MAP);
}

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

static void send_ask(struct vhost_user_msg *msg, int flags)
{
	msg->hdr.flags = flags;
	fake_ask(fake.channel, msg, has_fd(msg->hdr.request) ? seen.file : -1);
}

static void each_request(uint32_t request)
{
	struct vhost_user_msg msg = ask(request), answer;
	int fd;

	/* Without NEED_REPLY, only a lookup gets a reply. */
	send_ask(&msg, 0);
	check_eq(vhost_backend_process(b), 0);
	check_eq(seen.calls, 1);
	check_eq(seen.request, request);
	check(!memcmp(&seen.payload, &msg.payload, size_of(request)));
	check_eq(seen.same, has_fd(request));
	if (request != B(SHARED_OBJECT_LOOKUP)) {
		send_ask(&msg, VHOST_USER_NEED_REPLY);
		check_eq(vhost_backend_process(b), 0);
		check_eq(seen.calls, 2);
	}
	msg.hdr.flags |= VHOST_USER_NEED_REPLY;
	check_eq(fake_answer(fake.channel, &msg, &answer, &fd), 0);
	check_eq(answer.payload.u64, 0);
	check_eq(fd >= 0, request == B(SHARED_OBJECT_LOOKUP));
	if (fd >= 0) {
		check(same_file(fd, seen.file));
		close(fd);
	}
	/* The callback's result is in the reply. */
	seen.result = -ENOENT;
	send_ask(&msg, VHOST_USER_NEED_REPLY);
	check_eq(vhost_backend_process(b), 0);
	check_eq(fake_answer(fake.channel, &msg, &answer, &fd), 0);
	check_eq(answer.payload.u64, ENOENT);
	check_eq(fd, -1);
}

TEST(each_request_calls_its_callback_and_returns_the_result)
{
	int before = wire_count_fds();
	uint32_t request;

	for (request = 1; request < C(MAX); request = next(request)) {
		start_with(0, &ops);
		if (request == B(SHARED_OBJECT_LOOKUP))
			seen.result = seen.file;
		each_request(request);
		check_eq(seen.lost, 0);
		stop();
	}
	check_eq(wire_count_fds(), before);
}

TEST(requests_without_a_callback_fail_with_eopnotsupp)
{
	struct vhost_user_msg msg, answer;
	uint32_t request;
	int fd;

	start_with(0, NULL);
	for (request = 1; request < C(MAX); request = next(request)) {
		msg = ask(request);
		send_ask(&msg, VHOST_USER_NEED_REPLY);
		check_eq(vhost_backend_process(b), 0);
		check_eq(fake_answer(fake.channel, &msg, &answer, &fd), 0);
		check_eq(answer.payload.u64, EOPNOTSUPP);
		check_eq(fd, -1);
	}
	stop();
}

/* Several requests at once, and one in two parts. */
TEST(queued_and_partial_requests_are_handled_in_order)
{
	struct vhost_user_msg msg = ask(B(VRING_CALL));
	struct {
		struct vhost_user_header hdr;
		struct vhost_vring_state state;
	} raw = { { B(VRING_CALL), VHOST_USER_VERSION, 8 }, { 9, 0 } };
	int i;

	start_with(0, &ops);
	for (i = 0; i < 10; i++)
		send_ask(&msg, 0);
	fake_raw(fake.channel, &raw, 13, -1);
	check_eq(vhost_backend_process(b), 0);
	check_eq(seen.calls, 10);
	fake_raw(fake.channel, (char *)&raw + 13, 7, -1);
	check_eq(vhost_backend_process(b), 0);
	check_eq(seen.calls, 11);
	check_eq(seen.payload.state.index, 9);
	stop();
}

static void expect_broken(const char *rule)
{
	check_eq(vhost_backend_process(b), -EPROTO);
	check(strstr(vhost_backend_error(b), rule));
	check_eq(seen.calls, 0);
	check_eq(seen.lost, 1);
	check_eq(seen.why, -EPROTO);
	check_eq(vhost_backend_req_fd(b), -1);
	stop();
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
		start_with(cases[i].without, &ops);
		msg = ask(cases[i].request);
		send_ask(&msg, cases[i].flags);
		expect_broken(cases[i].rule);
	}
	start_with(0, &ops);
	check_eq(vhost_backend_set_protocol_features(b, ~P(BACKEND_SEND_FD)),
		 0);
	msg = ask(B(SHMEM_MAP));
	send_ask(&msg, 0);
	expect_broken("it has fds, but BACKEND_SEND_FD is not negotiated");
	start_with(0, &ops);
	check_eq(vhost_backend_set_features(b, 0), 0);
	msg = ask(B(IOTLB_MSG));
	send_ask(&msg, 0);
	expect_broken("VIRTIO_F_ACCESS_PLATFORM is not negotiated");
}

TEST(invalid_request_breaks_the_connection)
{
	struct {
		struct vhost_user_header hdr;
		uint8_t payload[8];
	} raw = { { B(VRING_CALL), VHOST_USER_VERSION, 8 }, { 0 } };

	start_with(0, &ops);
	raw.hdr.flags = 2;
	fake_raw(fake.channel, &raw, sizeof(raw), -1);
	expect_broken("VRING_CALL: the version is not 1");
	start_with(0, &ops);
	raw.hdr.flags = VHOST_USER_VERSION | VHOST_USER_REPLY;
	fake_raw(fake.channel, &raw, sizeof(raw), -1);
	expect_broken("it is a reply");
	start_with(0, &ops);
	raw.hdr.flags = VHOST_USER_VERSION;
	fake_raw(fake.channel, &raw, sizeof(raw), seen.file);
	expect_broken("too many file descriptors");
	start_with(0, &ops);
	raw.payload[4] = 1;
	fake_raw(fake.channel, &raw, sizeof(raw), -1);
	expect_broken("the reserved number is not 0");
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

/* Send a request that does not exist; return the front end's answer. */
static uint64_t ask_unknown(const void *buf, size_t len, int fd)
{
	struct {
		struct vhost_user_header hdr;
		uint32_t value[2];
	} answer = { .value = { 0 } };
	struct pollfd pfd = { .fd = fake.channel, .events = POLLIN };

	fake_raw(fake.channel, buf, len, fd);
	check_eq(vhost_backend_process(b), 0);
	check_eq(poll(&pfd, 1, 0), 1);
	check_eq(recv(fake.channel, &answer, 20, MSG_DONTWAIT), 20);
	check_eq(answer.hdr.request, 99);
	check_eq(answer.hdr.flags, VHOST_USER_VERSION | VHOST_USER_REPLY);
	check_eq(answer.hdr.size, 8);
	check_eq(answer.value[1], 0);
	return answer.value[0];
}

TEST(unknown_request_is_refused_and_the_connection_continues)
{
	struct vhost_user_msg msg = ask(B(VRING_CALL));
	struct {
		struct vhost_user_header hdr;
		uint8_t payload[sizeof(union vhost_user_payload) + 1];
	} raw = { { 99, VHOST_USER_VERSION | VHOST_USER_NEED_REPLY, 100 },
		  { 0 } };
	int before;

	start_with(0, &ops);
	before = wire_count_fds();
	check_eq(ask_unknown(&raw, 12 + 100, -1), EOPNOTSUPP);
	/* The file descriptors of the request are closed. */
	check_eq(ask_unknown(&raw, 12 + 100, seen.file), EOPNOTSUPP);
	check(wire_await_fds(before));
	/* Without a payload, and with the largest one. */
	raw.hdr.size = 0;
	check_eq(ask_unknown(&raw, 12, -1), EOPNOTSUPP);
	raw.hdr.size = sizeof(raw.payload) - 1;
	check_eq(ask_unknown(&raw, 12 + raw.hdr.size, -1), EOPNOTSUPP);
	/* A request in two parts that wants no answer. */
	raw.hdr.flags = VHOST_USER_VERSION;
	fake_raw(fake.channel, &raw, 700, -1);
	check_eq(vhost_backend_process(b), 0);
	fake_raw(fake.channel, raw.payload, 12 + raw.hdr.size - 700, -1);
	send_ask(&msg, 0);
	check_eq(vhost_backend_process(b), 0);
	check_eq(seen.calls, 1);
	check_eq(seen.request, B(VRING_CALL));
	check_eq(seen.lost, 0);
	/* The library has no room for a larger one. */
	raw.hdr.size++;
	fake_raw(fake.channel, &raw, 12, -1);
	seen.calls = 0;
	expect_broken("?: it is too large");
}

TEST(unknown_request_is_refused_while_the_front_end_waits)
{
	uint8_t status = 1;

	start_with(0, &ops);
	fake.hook = ask_unknown_first;
	check_eq(vhost_backend_get_status(b, &status), 0);
	check_eq(status, EOPNOTSUPP);
	check_eq(seen.lost, 0);
	stop();
}

static void close_channel(void)
{
	close(fake.channel);
	fake.channel = -1;
}

TEST(closed_channel_leaves_the_connection)
{
	struct vhost_user_msg msg = ask(B(VRING_CALL));
	uint64_t features;

	start_with(0, &ops);
	/* The last requests are served. */
	send_ask(&msg, 0);
	close_channel();
	check_eq(vhost_backend_process(b), 0);
	check_eq(seen.calls, 1);
	check_eq(seen.closed, 1);
	check_eq(vhost_backend_req_fd(b), -1);
	check(strstr(vhost_backend_error(b), "closed its channel"));
	check_eq(vhost_backend_get_features(b, &features), 0);
	check_eq(vhost_backend_process(b), 0);
	check_eq(seen.closed, 1);
	/* The back end may get another channel. */
	check_eq(vhost_backend_set_backend_req_fd(b), 0);
	send_ask(&msg, 0);
	check_eq(vhost_backend_process(b), 0);
	check_eq(seen.calls, 2);
	check_eq(seen.lost, 0);
	stop();
}

TEST(channel_closed_before_an_answer_leaves_the_connection)
{
	struct vhost_user_msg msg = ask(B(VRING_CALL));
	uint64_t features;

	start_with(0, &ops);
	seen.act = close_channel;
	send_ask(&msg, VHOST_USER_NEED_REPLY);
	check_eq(vhost_backend_process(b), 0);
	check_eq(seen.closed, 1);
	check_eq(vhost_backend_get_features(b, &features), 0);
	check_eq(seen.lost, 0);
	stop();
}

TEST(channel_closed_while_the_front_end_waits_leaves_the_connection)
{
	uint8_t status = 1;

	start_with(0, &ops);
	fake.hook = close_first;
	check_eq(vhost_backend_get_status(b, &status), 0);
	check_eq(status, 0);
	check_eq(seen.closed, 1);
	check_eq(seen.lost, 0);
	stop();
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
	struct vhost_backend_ops old = ops;
	uint8_t status = 1;

	old.channel_closed = NULL;
	old.wait = wait_for_both;
	start_with(0, &old);
	fake.hook = answer_and_close;
	check_eq(vhost_backend_get_status(b, &status), 0);
	check_eq(status, 0);
	check_eq(vhost_backend_process(b), -ECONNRESET);
	check_eq(seen.lost, 1);
	stop();
}

static void hang_up(void)
{
	vhost_backend_disconnect(b);
}

TEST(callback_for_a_closed_channel_can_disconnect)
{
	start_with(0, &ops);
	seen.act = hang_up;
	close_channel();
	check_eq(vhost_backend_process(b), -ECONNRESET);
	check_eq(seen.closed, 1);
	check_eq(seen.lost, 1);
	stop();
}

/* A program without the callback would not notice that its channel is gone. */
TEST(closed_channel_ends_the_connection_without_a_callback)
{
	struct vhost_backend_ops old = ops;

	old.channel_closed = NULL;
	start_with(0, &old);
	close_channel();
	check_eq(vhost_backend_process(b), -ECONNRESET);
	check(strstr(vhost_backend_error(b), "closed its channel"));
	check_eq(seen.lost, 1);
	stop();
}

static void make_request(void)
{
	seen.result = vhost_backend_set_vring_num(b, 0, 16);
}

/* A callback may send a request unless another request is waiting. */
TEST(callback_can_send_a_request)
{
	struct vhost_user_msg msg = ask(B(CONFIG_CHANGE_MSG)), answer;
	int fd;

	start_with(0, &ops);
	seen.act = make_request;
	send_ask(&msg, VHOST_USER_NEED_REPLY);
	check_eq(vhost_backend_process(b), 0);
	check_eq(fake_answer(fake.channel, &msg, &answer, &fd), 0);
	check_eq(answer.payload.u64, 0);
	check_eq(fake.seen[VHOST_USER_SET_VRING_NUM], 1);
	stop();
}

static unsigned int depth, deepest;

static void request_at_depth(void)
{
	if (++depth > deepest)
		deepest = depth;
	check_eq(vhost_backend_set_vring_num(b, 0, 16), 0);
	check_eq(vhost_backend_process(b), 0);
	depth--;
}

/* A callback that sends requests must not be entered again. */
TEST(callbacks_are_not_nested)
{
	struct vhost_user_msg msg = ask(B(CONFIG_CHANGE_MSG));
	int i;

	depth = 0;
	deepest = 0;
	start_with(0, &ops);
	seen.act = request_at_depth;
	for (i = 0; i < 10; i++)
		send_ask(&msg, 0);
	check_eq(vhost_backend_process(b), 0);
	check_eq(seen.calls, 10);
	check_eq(deepest, 1);
	stop();
}

/*
 * The back end sends a request, waits for its reply, and then replies itself.
 */
static enum fake_action ask_first(struct fake *f)
{
	struct vhost_user_msg msg = ask(B(CONFIG_CHANGE_MSG)), answer;
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

	start_with(0, &ops);
	fake.hook = ask_first;
	check_eq(vhost_backend_get_status(b, &status), 0);
	check_eq(status, 0);
	check_eq(seen.calls, 1);
	/* Here a callback cannot send a request. */
	seen.act = make_request;
	check_eq(vhost_backend_get_status(b, &status), 0);
	check_eq(status, EBUSY);
	check_eq(fake.seen[VHOST_USER_SET_VRING_NUM], 0);
	check_eq(seen.lost, 0);
	stop();
}

/* Each request is followed by another one, without a reply. */
static void ask_again(void)
{
	static const struct vhost_user_header raw = { B(CONFIG_CHANGE_MSG),
						      VHOST_USER_VERSION, 0 };

	fake_raw(fake.channel, &raw, sizeof(raw), -1);
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

	timeout_ms = 100;
	start_with(0, &ops);
	timeout_ms = 20000;
	seen.act = ask_again;
	fake.hook = ask_for_ever;
	check_eq(vhost_backend_get_status(b, &status), -ETIMEDOUT);
	check(seen.calls > 0);
	check_eq(seen.lost, 1);
	stop();
}

TEST(one_call_of_process_handles_at_most_64_requests)
{
	struct vhost_user_msg msg = ask(B(VRING_CALL));
	int i;

	start_with(0, &ops);
	for (i = 0; i < 100; i++)
		send_ask(&msg, 0);
	check_eq(vhost_backend_process(b), 0);
	check_eq(seen.calls, 64);
	check_eq(vhost_backend_process(b), 0);
	check_eq(seen.calls, 100);
	stop();
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

	start_with(0, &ops);
	fake.hook = ask_wrongly;
	check_eq(vhost_backend_get_status(b, &status), -EPROTO);
	check(strstr(vhost_backend_error(b), "the version is not 1"));
	check_eq(seen.lost, 1);
	stop();
}

TEST(callback_can_disconnect)
{
	struct vhost_user_msg msg = ask(B(CONFIG_CHANGE_MSG));
	uint8_t status;

	start_with(0, &ops);
	seen.act = hang_up;
	send_ask(&msg, VHOST_USER_NEED_REPLY);
	check_eq(vhost_backend_process(b), -ECONNRESET);
	check_eq(seen.lost, 1);
	check_eq(seen.why, 0);
	stop();
	start_with(0, &ops);
	seen.act = hang_up;
	fake.hook = ask_first;
	check_eq(vhost_backend_get_status(b, &status), -ECONNRESET);
	check_eq(seen.lost, 1);
	stop();
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
	struct vhost_user_msg msg = ask(B(VRING_CALL));
	int old;

	start_with(0, &ops);
	old = vhost_backend_req_fd(b);
	fake.hook = hang_up_first;
	require(!vhost_backend_set_backend_req_fd(b));
	check(vhost_backend_req_fd(b) >= 0);
	check(vhost_backend_req_fd(b) != old);
	send_ask(&msg, 0);
	check_eq(vhost_backend_process(b), 0);
	check_eq(seen.calls, 1);
	check_eq(seen.lost, 0);
	stop();
}
