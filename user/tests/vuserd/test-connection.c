// SPDX-License-Identifier: GPL-2.0
/* Attempts to connect to servers, good and hostile, each in a process of its own. */
#include <fcntl.h>
#include <linux/vuser.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../libbase/fd.h"
#include "../../vuserd/connection.h"
#include "../harness.h"
#include "../lib/device.h"
#include "../wire.h"

#define TIMEOUT_MS 10000
/* The limit for whatever must not wait. */
#define SOON_MS	 20000
#define LINGER_S 600
/* Files that an attempt needs: a socket, a pidfd. */
#define FDS_OF_ONE 2
/* Files of the event loop. */
#define FDS_OF_LOOP 4

static sd_event *event;
static char dir[32];

/* One attempt and its result. */
struct
try {
	struct connection *conn;
	struct vuser_description *desc;
	uint32_t config_size;
	char why[VUSER_ERROR_MAX + 1];
	bool over;
};

static void done(void *data, struct vuser_description *desc,
		 const uint8_t *config, uint32_t config_size)
{
	struct try *try = data;

	check(config[0] == 0x55 && config[1] == 0x56);
	try->desc = desc;
	try->config_size = config_size;
	try->over = true;
}

static void failed(void *data, const char *why)
{
	struct try *try = data;

	snprintf(try->why, sizeof(try->why), "%s", why);
	try->over = true;
}

static const struct connection_ops ops = { .done = done, .failed = failed };

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void init(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	require(!sigprocmask(SIG_BLOCK, &set, NULL));
	require(sd_event_new(&event) >= 0);
	strcpy(dir, "/tmp/vuserd-XXXXXX");
	require(mkdtemp(dir));
}

static void fini(void)
{
	sd_event_unref(event);
	rmdir(dir);
}

static void begin_within(struct try *try, const char *name, uint32_t timeout_ms)
{
	char path[64], why[VUSER_ERROR_MAX + 1];

	memset(try, 0, sizeof(*try));
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	try->conn = connection_new(event, path, timeout_ms,
				   VUSER_SERVER_USER_ANY, &ops, try, why,
				   sizeof(why));
	require(try->conn);
}

static void begin(struct try *try, const char *name)
{
	begin_within(try, name, TIMEOUT_MS);
}

static void run_until_over(struct try *try)
{
	long long end = now_ms() + SOON_MS;

	while (!try->over && now_ms() < end)
		sd_event_run(event, 1000000);
	check(try->over);
}

/* Free the attempt, and wait until its process has ended. */
static void finish(struct try *try)
{
	long long end = now_ms() + SOON_MS;

	vuser_description_free(try->desc);
	while (!connection_ended(try->conn) && now_ms() < end)
		sd_event_run(event, 1000000);
	check(connection_ended(try->conn));
	connection_free(try->conn);
}

/* Start a server process, which calls @serve with the listening socket. */
static pid_t start_server(const char *name, void (*serve)(int listener))
{
	char path[64];
	int listener;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	listener = vuser_sock_listen(path);
	require(listener >= 0);
	pid = fork();
	require(pid >= 0);
	if (!pid) {
		fcntl(listener, F_SETFL, 0);
		serve(listener);
		_exit(0);
	}
	close(listener);
	return pid;
}

static void stop_server(const char *name, pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* A good device. It serves one client; the thread of the device does the work. */
static void serve_device(int listener)
{
	struct device *dev = device_new(NULL, NULL);
	int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	device_pause(dev);
	if (vuser_server_serve(dev->server, sock))
		_exit(1);
	device_resume(dev);
	for (;;)
		pause();
}

/* Make a TCP connection whose last close takes LINGER_S. */
static int slow_file(void)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = LINGER_S };
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(addr);
	static const char data[65536];

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bind(listener, (struct sockaddr *)&addr, sizeof(addr));
	listen(listener, 1);
	getsockname(listener, (struct sockaddr *)&addr, &len);
	connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	accept(listener, NULL, NULL);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	return fd;
}

/* The reply to VERSION has 253 descriptors, 16 of which are slow to close. */
static void serve_files(int listener)
{
	int sock = accept(listener, NULL, NULL), fds[VUSER_MAX_MSG_FDS], i;
	struct vfio_user_version version = { .minor = 1 };
	struct vuser_msg msg;

	for (i = 0; i < VUSER_MAX_MSG_FDS; i++)
		fds[i] = i < 16 ? slow_file() : 0;
	if (wire_recv(sock, &msg))
		_exit(1);
	wire_send(sock, msg.hdr.msg_id, VFIO_USER_VERSION,
		  VFIO_USER_FLAGS_TYPE_REPLY, 0, &version, sizeof(version), fds,
		  VUSER_MAX_MSG_FDS);
	/* The last reference to the files is the peer's. */
	for (i = 0; i < VUSER_MAX_MSG_FDS; i++)
		close(fds[i]);
	for (;;)
		pause();
}

static void serve_nothing(int listener)
{
	accept(listener, NULL, NULL);
	for (;;)
		pause();
}

TEST(description_arrives_with_the_files_that_it_needs)
{
	int before;
	pid_t pid;
	struct try try;

	before = wire_count_fds();
	init();
	pid = start_server("good", serve_device);
	begin(&try, "good");
	run_until_over(&try);
	check(!try.why[0]);
	require(try.desc);
	check(connection_ended(try.conn));
	check(try.desc->sock >= 0 && vu_fd_is_unix(try.desc->sock));
	check(try.desc->twin >= 0);
	check_eq(try.desc->regions[1].nr_areas, 2);
	check(vu_fd_is_memory(try.desc->regions[1].fd));
	check_eq(try.desc->regions[2].nr_io_fds, 3);
	check_eq(try.desc->regions[2].nr_fds, 2);
	check(vu_fd_may_be_eventfd(try.desc->regions[2].io_fds[2].fd));
	check_eq(try.desc->irqs[VFIO_PCI_MSIX_IRQ_INDEX].count, DEVICE_MSIX);
	check_eq(try.config_size, 256);
	finish(&try);
	stop_server("good", pid);
	fini();
	check(wire_await_fds(before));
}

TEST(unneeded_files_are_refused_and_never_reach_vuserd)
{
	struct try bad[8], good;
	int before, i;
	pid_t pids[8], pid;
	char name[8][16];

	before = wire_count_fds();
	init();
	pid = start_server("good", serve_device);
	for (i = 0; i < 8; i++) {
		snprintf(name[i], sizeof(name[i]), "bad%d", i);
		pids[i] = start_server(name[i], serve_files);
		begin(&bad[i], name[i]);
	}
	begin(&good, "good");
	run_until_over(&good);
	check(good.desc);
	finish(&good);
	for (i = 0; i < 8; i++) {
		run_until_over(&bad[i]);
		check(strstr(bad[i].why, "unexpected file descriptors"));
		check(wire_count_fds() <=
		      before + FDS_OF_LOOP + 8 * FDS_OF_ONE);
	}
	for (i = 0; i < 8; i++) {
		finish(&bad[i]);
		stop_server(name[i], pids[i]);
	}
	stop_server("good", pid);
	fini();
	check(wire_await_fds(before));
}

TEST(silent_servers_do_not_delay_another_attempt)
{
	struct try silent[8], good;
	long long start;
	siginfo_t si;
	int before, i;
	pid_t pids[8], pid;
	char name[8][16];

	before = wire_count_fds();
	init();
	for (i = 0; i < 8; i++) {
		snprintf(name[i], sizeof(name[i]), "s%d", i);
		pids[i] = start_server(name[i], serve_nothing);
		begin_within(&silent[i], name[i], 1000);
	}
	pid = start_server("good", serve_device);
	start = now_ms();
	begin(&good, "good");
	run_until_over(&good);
	check(good.desc);
	check(now_ms() - start < SOON_MS);
	finish(&good);
	run_until_over(&silent[0]);
	check(strstr(silent[0].why, "did not reply within"));
	/* Attempts that are running end at once. */
	for (i = 0; i < 8; i++) {
		connection_free(silent[i].conn);
		stop_server(name[i], pids[i]);
	}
	stop_server("good", pid);
	while (!waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) &&
	       now_ms() - start < SOON_MS)
		sd_event_run(event, 100000);
	fini();
	check(wire_await_fds(before));
}

TEST(missing_server_is_explained)
{
	struct try try;

	init();
	begin(&try, "none");
	run_until_over(&try);
	check(strstr(try.why, "start the server"));
	finish(&try);
	fini();
}
