// SPDX-License-Identifier: GPL-2.0
/* File descriptors that take a long time to close. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <vuser/sock.h>

#include "../harness.h"
#include "../wire.h"

/* More descriptors than the library has threads that close them. */
#define NR_SLOW	  20
#define LINGER_S  60
#define AT_ONCE_S 20

/*
 * Make a TCP connection whose other end, fds[1], does not read: closing fds[0]
 * lingers.
 */
static void slow_pair(int fds[2])
{
	const struct linger linger = { .l_onoff = 1, .l_linger = LINGER_S };
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	static const char data[65536];
	int listener;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	require(!bind(listener, (struct sockaddr *)&addr, sizeof(addr)));
	require(!listen(listener, 1));
	require(!getsockname(listener, (struct sockaddr *)&addr, &len));
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	require(!connect(fds[0], (struct sockaddr *)&addr, sizeof(addr)));
	fds[1] = accept(listener, NULL, NULL);
	require(fds[1] >= 0);
	close(listener);
	require(!setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &linger,
			    sizeof(linger)));
	while (send(fds[0], data, sizeof(data), MSG_DONTWAIT) > 0)
		;
}

static void drain(int fd)
{
	char buf[65536];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
}

/* Receive a message with many descriptors of files that do not close at once. */
static void drop_many(int fds[2], int file)
{
	int out[VUSER_MAX_MSG_FDS], i;
	struct vuser_msg msg;

	for (i = 0; i < VUSER_MAX_MSG_FDS; i++)
		out[i] = file;
	wire_send(fds[0], 1, 2, 0, 0, NULL, 0, out, VUSER_MAX_MSG_FDS);
	require(!wire_recv(fds[1], &msg));
	check_eq(msg.nr_fds, VUSER_MAX_MSG_FDS);
	vuser_msg_clear(&msg);
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

TEST(slow_close_delays_neither_receiving_nor_other_closes)
{
	int before = wire_count_fds(), slow[NR_SLOW][2], fds[2], pair[2], i;
	time_t start = now();
	struct vuser_msg msg;
	char byte;

	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	for (i = 0; i < NR_SLOW; i++) {
		slow_pair(slow[i]);
		wire_send(fds[0], 1, 2, 0, 0, NULL, 0, slow[i], 1);
		close(slow[i][0]);
		require(!wire_recv(fds[1], &msg));
		check_eq(msg.nr_fds, 1);
		vuser_msg_clear(&msg);
		check(now() - start < AT_ONCE_S);
	}
	/* A descriptor that closes quickly does not wait for the slow ones. */
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	wire_send(fds[0], 1, 2, 0, 0, NULL, 0, pair, 1);
	close(pair[0]);
	require(!wire_recv(fds[1], &msg));
	vuser_msg_clear(&msg);
	check_eq(recv(pair[1], &byte, 1, MSG_DONTWAIT), 0);
	check(now() - start < AT_ONCE_S);
	close(pair[1]);

	for (i = 0; i < NR_SLOW; i++)
		drain(slow[i][1]);
	close(fds[0]);
	close(fds[1]);
	check(wire_await_fds(before));
}

TEST(all_of_6000_descriptors_are_closed_after_slow_closes_have_ended)
{
	int before = wire_count_fds(), slow[NR_SLOW][2], fds[2], file, i;
	struct rlimit limit;
	struct vuser_msg msg;

	require(!getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	require(!setrlimit(RLIMIT_NOFILE, &limit));
	file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	require(file >= 0);
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	for (i = 0; i < NR_SLOW; i++) {
		slow_pair(slow[i]);
		wire_send(fds[0], 1, 2, 0, 0, NULL, 0, slow[i], 1);
		close(slow[i][0]);
		require(!wire_recv(fds[1], &msg));
		vuser_msg_clear(&msg);
	}
	for (i = 0; i < 6000; i += VUSER_MAX_MSG_FDS)
		drop_many(fds, file);
	for (i = 0; i < NR_SLOW; i++)
		drain(slow[i][1]);
	close(fds[0]);
	close(fds[1]);
	close(file);
	check(wire_await_fds(before));
}
