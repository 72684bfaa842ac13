// SPDX-License-Identifier: GPL-2.0
/* Framing of messages on a socket, and sockets with paths. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vuser/sock.h>

#include "../harness.h"
#include "../wire.h"

#define MAX_SIZE 65536

static void new_pair(int fds[2])
{
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
}

static void close_pair(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

TEST(message_is_received_as_sent)
{
	struct vfio_user_header hdr = { .msg_id = 7, .command = 9 };
	struct iovec iov[3] = { { (char *)"abc", 3 },
				{ NULL, 0 },
				{ (char *)"defg", 5 } };
	struct vuser_msg msg;
	int fds[2];

	new_pair(fds);
	vuser_msg_init(&msg);
	check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, 0), -EAGAIN);
	check_eq(vuser_msg_send(fds[0], &hdr, iov, 3, NULL, 0, 0), 0);
	check_eq(hdr.msg_size, 24);
	check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, 0), 0);
	check_eq(msg.hdr.msg_id, 7);
	check_eq(msg.hdr.command, 9);
	check_eq(msg.len, 8);
	check(!strcmp(msg.payload, "abcdefg"));
	vuser_msg_clear(&msg);
	check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, 0), -EAGAIN);
	close_pair(fds);
}

TEST(consecutive_messages_are_received_separately)
{
	struct vuser_msg msg;
	int i, fds[2];

	new_pair(fds);
	for (i = 0; i < 100; i++)
		wire_send(fds[0], i, 9, 0, 0, "payload", i % 9, NULL, 0);
	for (i = 0; i < 100; i++) {
		require(!wire_recv(fds[1], &msg));
		check_eq(msg.hdr.msg_id, i);
		check_eq(msg.len, i % 9);
		vuser_msg_clear(&msg);
	}
	close_pair(fds);
}

/* The message is complete only with the last byte. */
TEST(message_sent_byte_by_byte_is_received)
{
	struct {
		struct vfio_user_header hdr;
		char data[8];
	} out = { { 1, 2, sizeof(out), 0, 0 }, "1234567" };
	struct vuser_msg msg;
	int fds[2];
	size_t i;

	new_pair(fds);
	vuser_msg_init(&msg);
	for (i = 0; i < sizeof(out); i++) {
		check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, 0), -EAGAIN);
		require(write(fds[0], (char *)&out + i, 1) == 1);
	}
	check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, 0), 0);
	check(!strcmp(msg.payload, "1234567"));
	vuser_msg_clear(&msg);
	close_pair(fds);
}

TEST(end_of_stream_in_a_message_fails_with_econnreset)
{
	const struct vfio_user_header hdr = { 1, 2, 24, 0, 0 };
	struct vuser_msg msg;
	int fds[2];
	size_t i;

	/* End at each byte; the end between messages is ENODATA. */
	for (i = 0; i <= sizeof(hdr); i++) {
		new_pair(fds);
		require(write(fds[0], &hdr, i) == (ssize_t)i);
		close(fds[0]);
		vuser_msg_init(&msg);
		check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, 0),
			 i ? -ECONNRESET : -ENODATA);
		close(fds[1]);
	}
}

TEST(bad_header_is_rejected)
{
	static const struct {
		uint32_t size, flags;
		int want;
	} cases[] = {
		{ 0, 0, -EINVAL },
		{ 15, 0, -EINVAL },
		{ 16, 2, -EINVAL },
		{ 16, 15, -EINVAL },
		{ MAX_SIZE + 1, 0, -EMSGSIZE },
		{ UINT32_MAX, 0, -EMSGSIZE },
		{ 16, 0, 0 },
		{ 16, 1, 0 },
	};
	struct vuser_msg msg;
	int fds[2];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		new_pair(fds);
		wire_raw(fds[0], 1, 2, cases[i].size, cases[i].flags, NULL, 0);
		vuser_msg_init(&msg);
		check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, 0),
			 cases[i].want);
		vuser_msg_clear(&msg);
		close_pair(fds);
	}
}

TEST(received_fds_are_taken_once_or_closed)
{
	int before = wire_count_fds(), fds[2], out[3], i, fd;
	struct vuser_msg msg;

	new_pair(fds);
	for (i = 0; i < 3; i++)
		out[i] = eventfd(i, EFD_CLOEXEC);
	wire_send(fds[0], 1, 2, 0, 0, "x", 1, out, 3);
	vuser_msg_init(&msg);
	check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, 3), 0);
	check_eq(msg.nr_fds, 3);
	fd = vuser_msg_take_fd(&msg, 2);
	require(fd >= 0);
	check(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	check_eq(vuser_msg_take_fd(&msg, 2), -EINVAL);
	check_eq(vuser_msg_take_fd(&msg, 3), -EINVAL);
	vuser_msg_clear(&msg);
	close(fd);
	for (i = 0; i < 3; i++)
		close(out[i]);
	close_pair(fds);
	/* Descriptors that were not taken are closed. */
	check(wire_await_fds(before));
}

TEST(more_fds_than_expected_fail_with_emfile)
{
	int before = wire_count_fds(), fds[2], out[VUSER_MAX_MSG_FDS], i;
	struct vfio_user_header hdr = { .msg_id = 1 };
	struct vuser_msg msg;

	for (i = 0; i < VUSER_MAX_MSG_FDS; i++)
		out[i] = 0;
	new_pair(fds);
	wire_send(fds[0], 1, 2, 0, 0, "x", 1, out, 3);
	vuser_msg_init(&msg);
	check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, 2), -EMFILE);
	close_pair(fds);
	/* The most fds that the kernel sends, expected and unexpected. */
	new_pair(fds);
	wire_send(fds[0], 1, 2, 0, 0, "x", 1, out, VUSER_MAX_MSG_FDS);
	wire_send(fds[0], 1, 2, 0, 0, "x", 1, out, VUSER_MAX_MSG_FDS);
	check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, VUSER_MAX_MSG_FDS), 0);
	check_eq(msg.nr_fds, VUSER_MAX_MSG_FDS);
	vuser_msg_clear(&msg);
	check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, 0), -EMFILE);
	close_pair(fds);
	check_eq(vuser_msg_send(fds[0], &hdr, NULL, 0, out,
				VUSER_MAX_MSG_FDS + 1, 0),
		 -EINVAL);
	check(wire_await_fds(before));
}

TEST(receiver_without_free_descriptors_does_not_blame_the_sender)
{
	int before = wire_count_fds(), fds[2], out[2] = { 0 };
	struct rlimit limit, low;
	struct vuser_msg msg;

	new_pair(fds);
	wire_send(fds[0], 1, 2, 0, 0, "x", 1, out, 2);
	vuser_msg_init(&msg);
	require(!getrlimit(RLIMIT_NOFILE, &limit));
	low = limit;
	/* The pair has the highest numbers: one more descriptor is possible. */
	low.rlim_cur = (fds[0] > fds[1] ? fds[0] : fds[1]) + 2;
	require(!setrlimit(RLIMIT_NOFILE, &low));
	check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, 2), -ENFILE);
	require(!setrlimit(RLIMIT_NOFILE, &limit));
	close_pair(fds);
	check(wire_await_fds(before));
}

/* All fds that arrive with the bytes of one message belong to that message. */
TEST(fds_spread_over_a_message_are_counted_together)
{
	struct vfio_user_header hdr = { 1, 2, 16 + 150, 0, 0 };
	int before = wire_count_fds(), fds[2], i, zeros[2] = { 0 };
	struct vuser_msg msg;
	union {
		char buf[CMSG_SPACE(sizeof(zeros))];
		struct cmsghdr align;
	} control;

	new_pair(fds);
	require(write(fds[0], &hdr, sizeof(hdr)) == sizeof(hdr));
	for (i = 0; i < 150; i++) {
		struct iovec iov = { (char *)"x", 1 };
		struct msghdr mh = { .msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = control.buf,
				     .msg_controllen = sizeof(control.buf) };
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		cmsg = CMSG_FIRSTHDR(&mh);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(zeros));
		memcpy(CMSG_DATA(cmsg), zeros, sizeof(zeros));
		require(sendmsg(fds[0], &mh, 0) == 1);
	}
	vuser_msg_init(&msg);
	check_eq(vuser_msg_recv(fds[1], &msg, MAX_SIZE, VUSER_MAX_MSG_FDS),
		 -EMFILE);
	close_pair(fds);
	check(wire_await_fds(before));
}

TEST(send_and_receive_time_out)
{
	struct vfio_user_header hdr = { .msg_id = 1 };
	char *big = calloc(1, 1 << 20);
	struct iovec iov = { big, 1 << 20 };
	struct vuser_msg msg;
	int fds[2], ret;

	new_pair(fds);
	vuser_msg_init(&msg);
	check_eq(vuser_msg_wait(fds[1], &msg, MAX_SIZE, 0, 0), -ETIMEDOUT);
	check_eq(vuser_msg_wait(fds[1], &msg, MAX_SIZE, 0, 20), -ETIMEDOUT);
	/* Half a header is not a message either. */
	require(write(fds[0], &hdr, 8) == 8);
	check_eq(vuser_msg_wait(fds[1], &msg, MAX_SIZE, 0, 20), -ETIMEDOUT);
	close_pair(fds);
	/* The peer does not read: the socket buffer becomes full. */
	new_pair(fds);
	check_eq(vuser_msg_send(fds[0], &hdr, &iov, 1, NULL, 0, 20),
		 -ETIMEDOUT);
	close_pair(fds);
	new_pair(fds);
	do {
		ret = vuser_msg_send(fds[0], &hdr, NULL, 0, NULL, 0, 0);
	} while (!ret);
	check_eq(ret, -EAGAIN);
	close_pair(fds);
	free(big);
}

static void *reader(void *data)
{
	struct vuser_msg *msg = data;

	return (void *)(long)vuser_msg_wait(msg->fds[0], msg, 4 << 20, 0, -1);
}

TEST(message_longer_than_the_socket_buffer_is_received)
{
	struct vfio_user_header hdr = { .msg_id = 1 };
	size_t i, len = 3 << 20;
	unsigned char *big = malloc(len), *in;
	struct iovec iov = { big, len };
	struct vuser_msg msg;
	pthread_t thread;
	void *result;
	int fds[2];

	for (i = 0; i < len; i++)
		big[i] = i * 11;
	new_pair(fds);
	vuser_msg_init(&msg);
	msg.fds[0] = fds[1];
	pthread_create(&thread, NULL, reader, &msg);
	check_eq(vuser_msg_send(fds[0], &hdr, &iov, 1, NULL, 0, 20000), 0);
	pthread_join(thread, &result);
	check_eq((long)result, 0);
	in = msg.payload;
	check(msg.len == len && !memcmp(in, big, len));
	vuser_msg_clear(&msg);
	free(big);
	close_pair(fds);
}

TEST(send_to_a_closed_peer_fails_without_a_signal)
{
	struct vfio_user_header hdr = { .msg_id = 1 };
	int fds[2];

	new_pair(fds);
	close(fds[1]);
	check_eq(vuser_msg_send(fds[0], &hdr, NULL, 0, NULL, 0, 0), -EPIPE);
	close(fds[0]);
}

TEST(path_has_one_listener_and_a_stale_socket_is_replaced)
{
	char dir[] = "/tmp/vuser-test-XXXXXX", path[64];
	int fd, other;

	require(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	check_eq(vuser_sock_connect(path), -ENOENT);
	check_eq(vuser_sock_connect(""), -EINVAL);

	fd = vuser_sock_listen(path);
	require(fd >= 0);
	check_eq(vuser_sock_listen(path), -EADDRINUSE);
	other = vuser_sock_connect(path);
	check(other >= 0);
	check(fcntl(other, F_GETFL) & O_NONBLOCK);
	close(other);
	close(fd);
	/* The socket file exists, but no process listens. */
	check_eq(vuser_sock_connect(path), -ECONNREFUSED);
	fd = vuser_sock_listen(path);
	check(fd >= 0);
	close(fd);
	unlink(path);
	/* A file that is not a socket is not removed. */
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	require(fd >= 0);
	close(fd);
	check_eq(vuser_sock_listen(path), -EADDRINUSE);
	check(!access(path, F_OK));
	unlink(path);
	rmdir(dir);
}

/* A directory whose path is longer than the path in a socket's address. */
struct deep {
	char top[32];
	char dir[1200];
	int fds;
};

static struct deep deep_new(void)
{
	struct deep deep = { .top = "/tmp/vuser-test-XXXXXX" };
	size_t len;
	int i;

	deep.fds = wire_count_fds();
	require(mkdtemp(deep.top));
	strcpy(deep.dir, deep.top);
	for (i = 0; i < 10; i++) {
		len = strlen(deep.dir);
		deep.dir[len] = '/';
		memset(deep.dir + len + 1, 'a' + i, 100);
		deep.dir[len + 101] = '\0';
		require(!mkdir(deep.dir, 0755));
	}
	return deep;
}

static void deep_free(const struct deep *deep)
{
	char command[64];

	check_eq(wire_count_fds(), deep->fds);
	snprintf(command, sizeof(command), "rm -r %s", deep->top);
	check_eq(system(command), 0);
}

/* Return the path of a name of @len bytes in the deep directory. */
static const char *deep_path(const struct deep *deep, size_t len)
{
	static char path[sizeof(deep->dir) + 300];
	size_t start = snprintf(path, sizeof(path), "%s/", deep->dir);

	memset(path + start, 'n', len);
	path[start + len] = '\0';
	return path;
}

static void check_listener(const char *path, int fd)
{
	struct stat st;
	int client, conn;
	mode_t mask;
	char byte;

	require(fd >= 0);
	check(fcntl(fd, F_GETFL) & O_NONBLOCK);
	check(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	require(!lstat(path, &st));
	mask = umask(0);
	umask(mask);
	check(S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == (0777 & ~mask));
	client = vuser_sock_connect(path);
	require(client >= 0);
	check(fcntl(client, F_GETFL) & O_NONBLOCK);
	check(fcntl(client, F_GETFD) & FD_CLOEXEC);
	conn = accept(fd, NULL, NULL);
	require(conn >= 0);
	check_eq(write(client, "x", 1), 1);
	check_eq(read(conn, &byte, 1), 1);
	close(conn);
	close(client);
}

TEST(path_longer_than_a_socket_address_has_one_listener)
{
	struct deep deep = deep_new();
	const char *path = deep_path(&deep, 4);
	int fd;

	check_eq(vuser_sock_connect(path), -ENOENT);
	fd = vuser_sock_listen(path);
	check_listener(path, fd);
	check_eq(vuser_sock_listen(path), -EADDRINUSE);
	close(fd);
	check_eq(vuser_sock_connect(path), -ECONNREFUSED);
	/* A stale socket is replaced. */
	fd = vuser_sock_listen(path);
	check_listener(path, fd);
	close(fd);
	unlink(path);
	/* A file that is not a socket is not removed. */
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	require(fd >= 0);
	close(fd);
	check_eq(vuser_sock_connect(path), -ECONNREFUSED);
	check_eq(vuser_sock_listen(path), -EADDRINUSE);
	check(!access(path, F_OK));
	deep_free(&deep);
}

TEST(relative_path_longer_than_a_socket_address_works)
{
	struct deep deep = deep_new();
	const char *relative;
	int fd;

	require(!chdir("/tmp"));
	relative = deep_path(&deep, 4) + strlen("/tmp/");
	fd = vuser_sock_listen(relative);
	check_listener(relative, fd);
	close(fd);
	require(!chdir("/"));
	check_eq(vuser_sock_connect(deep_path(&deep, 4)), -ECONNREFUSED);
	deep_free(&deep);
}

TEST(link_to_a_long_path_leads_to_its_socket)
{
	struct deep deep = deep_new();
	char link[64], through[80];
	int fd, client;

	snprintf(link, sizeof(link), "%s/link", deep.top);
	require(!symlink(deep.dir, link));
	snprintf(through, sizeof(through), "%s/sock", link);
	fd = vuser_sock_listen(through);
	require(fd >= 0);
	snprintf(deep.dir + strlen(deep.dir), 16, "/link");
	require(!symlink("sock", deep.dir));
	client = vuser_sock_connect(deep.dir);
	check(client >= 0);
	close(client);
	/* A link is a file that is not a socket. */
	check_eq(vuser_sock_listen(deep.dir), -EADDRINUSE);
	close(fd);
	deep_free(&deep);
}

TEST(name_in_a_long_path_has_at_most_82_bytes_to_listen)
{
	struct deep deep = deep_new();
	char from[64], name[120];
	const char *path;
	int fd, client;

	path = deep_path(&deep, 82);
	fd = vuser_sock_listen(path);
	check_listener(path, fd);
	check_eq(vuser_sock_listen(deep_path(&deep, 83)), -ENAMETOOLONG);
	check_eq(access(deep_path(&deep, 83), F_OK), -1);
	/* A client can connect to each name that a file can have. */
	snprintf(from, sizeof(from), "%s/short", deep.top);
	close(fd);
	fd = vuser_sock_listen(from);
	require(fd >= 0);
	require(!rename(from, deep_path(&deep, 255)));
	client = vuser_sock_connect(deep_path(&deep, 255));
	check(client >= 0);
	close(client);
	check_eq(vuser_sock_connect(deep_path(&deep, 256)), -ENAMETOOLONG);
	close(fd);
	/* A long name without a directory. */
	memset(name, 'n', sizeof(name));
	name[108] = '\0';
	check_eq(vuser_sock_listen(name), -ENAMETOOLONG);
	deep_free(&deep);
}

TEST(path_of_path_max_bytes_is_too_long)
{
	char path[PATH_MAX + 1];
	int i, fds = wire_count_fds();

	for (i = 0; i < PATH_MAX; i++)
		path[i] = i % 2 ? '.' : '/';
	path[PATH_MAX] = '\0';
	check_eq(vuser_sock_connect(path), -ENAMETOOLONG);
	check_eq(vuser_sock_listen(path), -ENAMETOOLONG);
	/* A directory. */
	path[PATH_MAX - 1] = '\0';
	check_eq(vuser_sock_connect(path), -ECONNREFUSED);
	check_eq(vuser_sock_listen(path), -EADDRINUSE);
	check_eq(wire_count_fds(), fds);
}

TEST(long_path_in_a_missing_directory_fails)
{
	struct deep deep = deep_new();
	size_t len = strlen(deep.dir);

	snprintf(deep.dir + len, 16, "/none/sock");
	check_eq(vuser_sock_connect(deep.dir), -ENOENT);
	check_eq(vuser_sock_listen(deep.dir), -ENOENT);
	snprintf(deep.dir + len, 16, "/none/");
	check_eq(vuser_sock_listen(deep.dir), -ENOENT);
	deep_free(&deep);
}
