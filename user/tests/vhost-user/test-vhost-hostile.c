// SPDX-License-Identifier: GPL-2.0
/* A back end that breaks the protocol, hangs up, or does not reply. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../harness.h"
#include "../wire.h"
#include "fake.h"

#define OK (VHOST_USER_VERSION | VHOST_USER_REPLY)

static struct fake fake;
static struct vhost_backend *b;
static unsigned int lost;
static int lost_why;
static int open_fds[2];

static void on_lost(void *data, int why)
{
	check(data == &fake);
	check_eq(vhost_backend_fd(b), -1);
	/* The fds are still open, so that an event loop can remove them. */
	check(fcntl(open_fds[0], F_GETFD) >= 0);
	check(fcntl(open_fds[1], F_GETFD) >= 0);
	lost++;
	lost_why = why;
}

static const struct vhost_backend_ops ops = {
	.struct_size = sizeof(ops),
	.lost = on_lost,
};

static void start(int timeout_ms)
{
	struct vhost_backend_options opt = {
		.struct_size = sizeof(opt),
		.wanted = UINT64_MAX,
		.timeout_ms = timeout_ms,
		.ops = &ops,
		.data = &fake,
	};
	int fd = fake_init(&fake);

	fake_start(&fake);
	lost = 0;
	lost_why = 0;
	require(!vhost_backend_new(&opt, &b));
	require(!vhost_backend_connect_fd(b, fd));
	open_fds[0] = vhost_backend_fd(b);
	open_fds[1] = vhost_backend_req_fd(b);
}

static void stop(void)
{
	vhost_backend_free(b);
	fake_stop(&fake);
}

/* Bytes to send instead of a reply. */
struct raw {
	struct vhost_user_header hdr;
	uint8_t payload[64];
};

static const struct {
	const char *rule;
	int fds;
	struct raw raw;
} answers[] = {
	{ "the version is not 1", 0, { { VHOST_USER_GET_STATUS, 4, 8 }, {} } },
	{ "the version is not 1", 0, { { VHOST_USER_GET_STATUS, 6, 8 }, {} } },
	{ "reserved flags are set",
	  0,
	  { { VHOST_USER_GET_STATUS, OK | 16, 8 }, {} } },
	{ "it is not a reply", 0, { { VHOST_USER_GET_STATUS, 1, 8 }, {} } },
	{ "it is a reply and wants a reply",
	  0,
	  { { VHOST_USER_GET_STATUS, OK | 8, 8 }, {} } },
	{ "the request does not exist", 0, { { 1000, OK, 8 }, {} } },
	{ "it answers another request",
	  0,
	  { { VHOST_USER_GET_FEATURES, OK, 8 }, {} } },
	{ "the size is wrong", 0, { { VHOST_USER_GET_STATUS, OK, 7 }, {} } },
	{ "the size is wrong", 0, { { VHOST_USER_GET_STATUS, OK, 9 }, {} } },
	{ "the size is wrong",
	  0,
	  { { VHOST_USER_GET_STATUS, OK, UINT32_MAX }, {} } },
	{ "too many file descriptors",
	  1,
	  { { VHOST_USER_GET_STATUS, OK, 8 }, {} } },
	{ "the status has more than 8 bits",
	  0,
	  { { VHOST_USER_GET_STATUS, OK, 8 }, { 0, 1 } } },
};

static enum fake_action send_raw(struct fake *f)
{
	size_t i = *(const size_t *)f->data;
	size_t len = answers[i].raw.hdr.size;
	int fd = answers[i].fds ? eventfd(0, EFD_CLOEXEC) : -1;

	len = len < 64 ? len : 64;
	fake_raw(f->fd, &answers[i].raw, sizeof(answers[i].raw.hdr) + len, fd);
	if (fd >= 0)
		close(fd);
	return FAKE_NOTHING;
}

TEST(invalid_reply_breaks_the_connection)
{
	size_t i;
	uint8_t status;
	int before = wire_count_fds();

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		start(20000);
		fake.data = &i;
		fake.hook = send_raw;
		check_eq(vhost_backend_get_status(b, &status), -EPROTO);
		if (!strstr(vhost_backend_error(b), answers[i].rule))
			printf("# %zu: %s\n", i, vhost_backend_error(b));
		check(strstr(vhost_backend_error(b), answers[i].rule));
		check(strstr(vhost_backend_error(b), "GET_STATUS"));
		check_eq(lost, 1);
		check_eq(lost_why, -EPROTO);
		check(!vhost_backend_connected(b));
		check_eq(vhost_backend_get_status(b, &status), -ENOTCONN);
		stop();
	}
	check_eq(wire_count_fds(), before);
}

/* Send nine fds in one message: one more than the front end can receive. */
static enum fake_action send_fds(struct fake *f)
{
	struct raw raw = { { VHOST_USER_GET_STATUS, OK, 8 }, {} };
	char control[CMSG_SPACE(9 * sizeof(int))] = { 0 };
	struct iovec iov = { &raw, 20 };
	struct msghdr mh = { .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&mh);
	int fds[9], i;

	for (i = 0; i < 9; i++)
		fds[i] = f->fd;
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(cmsg), fds, sizeof(fds));
	check_eq(sendmsg(f->fd, &mh, 0), 20);
	return FAKE_NOTHING;
}

TEST(reply_with_too_many_fds_breaks_the_connection)
{
	int before = wire_count_fds();
	uint8_t status;

	start(20000);
	fake.hook = send_fds;
	check_eq(vhost_backend_get_status(b, &status), -EPROTO);
	check(strstr(vhost_backend_error(b), "too many file descriptors"));
	stop();
	check_eq(wire_count_fds(), before);
}

static enum fake_action hang_up(struct fake *f)
{
	(void)f;
	return FAKE_HANG_UP;
}

static enum fake_action say_nothing(struct fake *f)
{
	(void)f;
	return FAKE_NOTHING;
}

static enum fake_action half_an_answer(struct fake *f)
{
	struct raw raw = { { VHOST_USER_GET_STATUS, OK, 8 }, {} };

	fake_raw(f->fd, &raw, 15, -1);
	return FAKE_HANG_UP;
}

static enum fake_action answer_in_pieces(struct fake *f)
{
	struct raw raw = { { VHOST_USER_GET_STATUS, OK, 8 }, { 3 } };
	int i;

	if (f->msg.hdr.request != VHOST_USER_GET_STATUS)
		return FAKE_DEFAULT;
	for (i = 0; i < 20; i++)
		fake_raw(f->fd, (char *)&raw + i, 1, -1);
	return FAKE_NOTHING;
}

TEST(hang_up_during_a_request_ends_the_connection)
{
	uint8_t status;

	start(20000);
	fake.hook = hang_up;
	check_eq(vhost_backend_get_status(b, &status), -ECONNRESET);
	check_eq(lost, 1);
	check_eq(lost_why, -ECONNRESET);
	check(strstr(vhost_backend_error(b), "closed the connection"));
	stop();
	start(20000);
	fake.hook = half_an_answer;
	check_eq(vhost_backend_get_status(b, &status), -EPROTO);
	check(strstr(vhost_backend_error(b), "ends inside the message"));
	stop();
}

TEST(reply_in_single_bytes_is_received)
{
	uint8_t status = 0;

	start(20000);
	fake.hook = answer_in_pieces;
	check_eq(vhost_backend_get_status(b, &status), 0);
	check_eq(status, 3);
	check_eq(lost, 0);
	stop();
}

TEST(request_times_out_without_a_reply)
{
	uint8_t status;

	/* Long enough to connect on a busy machine. */
	start(2000);
	fake.hook = say_nothing;
	check_eq(vhost_backend_get_status(b, &status), -ETIMEDOUT);
	check(strstr(vhost_backend_error(b), "no answer in 2000 ms"));
	check_eq(lost, 1);
	check_eq(lost_why, -ETIMEDOUT);
	stop();
}

/* This peer does not speak vhost-user. */
TEST(connect_fails_if_the_peer_does_not_speak_vhost_user)
{
	int fd = fake_init(&fake);

	require(!vhost_backend_new(NULL, &b));
	fake_raw(fake.fd, "SSH-2.0-OpenSSH_9.9\r\n", 21, -1);
	check_eq(vhost_backend_connect_fd(b, fd), -EPROTO);
	check(strstr(vhost_backend_error(b), "GET_FEATURES"));
	vhost_backend_free(b);
	close(fake.fd);
}

static void wait_for_input(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	check_eq(poll(&pfd, 1, 20000), 1);
}

TEST(hang_up_while_idle_ends_the_connection)
{
	start(20000);
	check_eq(vhost_backend_process(b), 0);
	shutdown(fake.fd, SHUT_RDWR);
	wait_for_input(vhost_backend_fd(b));
	check_eq(vhost_backend_process(b), -ECONNRESET);
	check_eq(lost, 1);
	check_eq(vhost_backend_process(b), -ENOTCONN);
	check_eq(lost, 1);
	stop();
}

TEST(unsolicited_message_breaks_the_connection)
{
	struct raw raw = { { VHOST_USER_GET_STATUS, OK, 8 }, {} };

	start(20000);
	fake_raw(fake.fd, &raw, 20, -1);
	wait_for_input(vhost_backend_fd(b));
	check_eq(vhost_backend_process(b), -EPROTO);
	check(strstr(vhost_backend_error(b), "an answer without a request"));
	check_eq(lost_why, -EPROTO);
	stop();
}

TEST(disconnect_reports_the_end_once)
{
	start(20000);
	vhost_backend_disconnect(b);
	check_eq(lost, 1);
	check_eq(lost_why, 0);
	vhost_backend_disconnect(b);
	check_eq(lost, 1);
	stop();
}

/* A struct vhost_backend can connect more than once. */
TEST(backend_connects_again_after_a_hang_up)
{
	struct fake second;
	uint64_t value;
	int fd;

	start(20000);
	fake.hook = hang_up;
	check_eq(vhost_backend_get_features(b, &value), -ECONNRESET);
	fake_stop(&fake);
	fd = fake_init(&second);
	second.features = 1;
	fake_start(&second);
	check_eq(vhost_backend_connect_fd(b, fd), 0);
	check_eq(vhost_backend_features(b), 1);
	check_eq(vhost_backend_protocol(b), 0);
	check_eq(vhost_backend_req_fd(b), -1);
	check_eq(lost, 1);
	vhost_backend_free(b);
	fake_stop(&second);
}
