// SPDX-License-Identifier: GPL-2.0
/* Messages of vuser-vhost when it cannot start, and their advice. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <vuser/sock.h>

#include "peers.h"
#include "../harness.h"
#include "../vhost-user/fake.h"

#define SOCKET	 "--socket", peers_path("client.sock")
#define PATIENCE 20000 /* ms */

/*
 * Run a command line that is refused; check its exit status and its messages.
 */
static void refused(int status, const char *const says[2],
		    const char *const *argv)
{
	char text[4096] = "";
	size_t got = 0;
	ssize_t len;
	int pair[2], result = -1;
	pid_t pid;

	require(!pipe(pair));
	pid = fork();
	if (!pid) {
		dup2(pair[1], STDERR_FILENO);
		peers_exec(argv);
	}
	close(pair[1]);
	while ((len = read(pair[0], text + got, sizeof(text) - 1 - got)) > 0)
		got += len;
	close(pair[0]);
	check_eq(waitpid(pid, &result, 0), pid);
	check(WIFEXITED(result));
	check_eq(WEXITSTATUS(result), status);
	if (!strstr(text, says[0]) || !strstr(text, says[1]))
		fprintf(stderr, "# no '%s' and '%s' in: %s", says[0], says[1],
			text);
	check(strstr(text, says[0]) && strstr(text, says[1]));
}

#define REFUSED(status, what, step, ...)                      \
	refused(status, (const char *const[]) { what, step }, \
		(const char *const[]) { "vuser-vhost", __VA_ARGS__, NULL })

/* A server that is not a back end; it replies once. */
struct other {
	int listener;
	const char *answer;
	pthread_t thread;
};

static void *answer(void *arg)
{
	struct other *other = arg;
	struct pollfd pfd = { .fd = other->listener, .events = POLLIN };
	char buf[64];
	int fd;

	if (poll(&pfd, 1, PATIENCE) != 1)
		return NULL;
	fd = accept(other->listener, NULL, NULL);
	if (recv(fd, buf, sizeof(buf), 0) > 0)
		send(fd, other->answer, strlen(other->answer), MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

static void begin_other(struct other *other, const char *text)
{
	other->answer = text;
	other->listener = vuser_sock_listen(peers_path("other"));
	require(other->listener >= 0);
	require(!pthread_create(&other->thread, NULL, answer, other));
}

static void end_other(struct other *other)
{
	pthread_join(other->thread, NULL);
	close(other->listener);
	unlink(peers_path("other"));
}

TEST(missing_back_end_is_reported_with_advice)
{
	FILE *file;

	peers_begin();
	REFUSED(EX_UNAVAILABLE, "No such file", "start the back end first",
		"--device", "blk", "--back-end", peers_path("none"), SOCKET);
	file = fopen(peers_path("file"), "w");
	require(file && !fclose(file));
	REFUSED(EX_UNAVAILABLE, "Connection refused",
		"start the back end first", "--device", "blk", "--back-end",
		peers_path("file"), SOCKET);
	peers_end();
}

TEST(server_that_is_not_a_back_end_is_reported_with_advice)
{
	struct other other;

	peers_begin();
	begin_other(&other, "220 mail.example ESMTP\r\n");
	REFUSED(EX_PROTOCOL, "answer to GET_FEATURES: ",
		"check that a vhost-user back end listens there", "--device",
		"blk", "--back-end", peers_path("other"), SOCKET);
	end_other(&other);
	begin_other(&other, "");
	REFUSED(EX_PROTOCOL, "closed the connection instead of answering",
		"check that a vhost-user back end listens there", "--device",
		"blk", "--back-end", peers_path("other"), SOCKET);
	end_other(&other);
	peers_end();
}

/* Accept a connection for a scripted back end without usable features. */
static void *accept_front(void *arg)
{
	struct fake *fake = arg;
	struct pollfd pfd = { .fd = fake->fd, .events = POLLIN };
	int listener = fake->fd;

	if (poll(&pfd, 1, PATIENCE) == 1)
		fake->fd = accept4(listener, NULL, NULL,
				   SOCK_CLOEXEC | SOCK_NONBLOCK);
	close(listener);
	fake_start(fake);
	return NULL;
}

TEST(back_end_without_virtio_1_is_reported_with_advice)
{
	struct fake fake;
	pthread_t thread;

	peers_begin();
	close(fake_init(&fake));
	close(fake.fd);
	fake.features = 1ULL << VHOST_USER_F_PROTOCOL_FEATURES;
	fake.fd = vuser_sock_listen(peers_path("old"));
	require(fake.fd >= 0);
	require(!pthread_create(&thread, NULL, accept_front, &fake));
	REFUSED(EX_PROTOCOL, "does not offer virtio 1.0", "use a newer one",
		"--device", "rng", "--back-end", peers_path("old"), SOCKET);
	pthread_join(thread, NULL);
	fake_stop(&fake);
	peers_end();
}

/* Errors in the command line are reported before a connection. */
TEST(contradictory_options_are_reported_with_advice)
{
	static const struct {
		const char *says;
		const char *argv[12];
	} table[] = {
		{ "--device is needed", { NULL } },
		{ "--device must come first", { "--mtu", "1400" } },
		{ "--back-end is needed", { "-d", "blk", "-s", "/s" } },
		{ "--socket is needed", { "-d", "blk", "-b", "/b" } },
		{ "unknown type", { "-d", "disk" } },
		{ "unknown type", { "-d", "id=0" } },
		{ "are for net",
		  { "-d", "blk", "-b", "/b", "-s", "/s", "--mtu", "1400" } },
		{ "are for net",
		  { "-d", "rng", "-b", "/b", "-s", "/s", "--mac",
		    "52:54:00:12:34:56" } },
		{ "--cid is for vsock",
		  { "-d", "net", "-b", "/b", "-s", "/s", "--cid", "3" } },
		{ "--tag is for fs",
		  { "-d", "net", "-b", "/b", "-s", "/s", "--tag", "t" } },
		{ "--config-size is for id=N",
		  { "-d", "blk", "-b", "/b", "-s", "/s", "--config-size",
		    "8" } },
		{ "too many queue pairs",
		  { "-d", "net", "-b", "/b", "-s", "/s", "--queues", "512" } },
		{ "a unicast MAC address is needed",
		  { "-d", "net", "--mac", "1:2" } },
		{ "a unicast MAC address is needed",
		  { "-d", "net", "--mac", "53:54:00:12:34:56" } },
		{ "a power of two", { "-d", "net", "--queue-size", "100" } },
		{ "from 68 to 65535", { "-d", "net", "--mtu", "67" } },
		{ "from 3 to", { "-d", "vsock", "--cid", "2" } },
		{ "1 to 36 bytes", { "-d", "fs", "--tag", "" } },
		{ "less than half of --client-timeout is needed, which is 10000",
		  { "-d", "blk", "-b", "/b", "-s", "/s", "--back-end-timeout",
		    "5000" } },
		{ "less than half of --client-timeout is needed, which is 3000",
		  { "-d", "blk", "-b", "/b", "-s", "/s", "--client-timeout",
		    "3000", "--back-end-timeout", "1500" } },
		{ "does not serve", { "-d", "id=20" } },
		{ "unexpected argument", { "-d", "net", "net" } },
	};
	const char *argv[16] = { "vuser-vhost" };
	const char *says[2] = { NULL, "Try 'vuser-vhost --help'" };
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		memcpy(argv + 1, table[i].argv, sizeof(table[i].argv));
		says[0] = table[i].says;
		refused(EX_USAGE, says, argv);
	}
}
