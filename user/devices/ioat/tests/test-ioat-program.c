// SPDX-License-Identifier: GPL-2.0
/* The program as a person starts it: options, errors, signals. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/vfio.h>
#include <vuser/client.h>

#include "tap.h"

static char program[4096];
static char dir[] = "/tmp/test-ioat-XXXXXX";
static char output[65536];

static void find_program(void)
{
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 16);
	char *slash;

	if (n < 0)
		tap_bail("readlink: %s", strerror(errno));
	program[n] = 0;
	slash = strrchr(program, '/');
	strcpy(slash + 1, "vuser-ioat");
}

static pid_t spawn(char *const argv[], int out)
{
	pid_t pid = fork();

	if (pid < 0)
		tap_bail("fork: %s", strerror(errno));
	if (!pid) {
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
		execv(program, argv);
		_exit(127);
	}
	return pid;
}

static int status_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Runs it to its end; what it printed is in output. */
static int run(char *const argv[])
{
	size_t len = 0;
	int fds[2];
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		tap_bail("pipe: %s", strerror(errno));
	pid = spawn(argv, fds[1]);
	close(fds[1]);
	while ((n = read(fds[0], output + len, sizeof(output) - 1 - len)) > 0)
		len += n;
	output[len] = 0;
	close(fds[0]);
	return status_of(pid);
}

#define RUN(...) run((char *const[]) { "vuser-ioat", __VA_ARGS__, NULL })

static void test_options(void)
{
	static char long_path[200];

	tap_ok(RUN("--help") == 0 && strstr(output, "--no-fd-dma"), "--help");
	tap_ok(RUN("--version") == 0 && !strncmp(output, "vuser-ioat ", 11),
	       "--version");
	tap_ok(RUN("--frobnicate") == 2 && strstr(output, "--help"),
	       "an unknown option");
	tap_ok(RUN("file") == 2 && strstr(output, "'file'"),
	       "an argument too many");
	tap_ok(RUN("--copy-baseline", "100") == 0 && atof(output) > 0,
	       "--copy-baseline");
	tap_ok(RUN("--copy-baseline", "0") == 2, "--copy-baseline 0");
	tap_ok(RUN("--copy-baseline", "ten") == 2, "--copy-baseline ten");
	tap_ok(RUN("-s", "/nonexistent/sock") == 1 &&
		       strstr(output, "/nonexistent/sock: No such file"),
	       "a directory that is not there");
	memset(long_path, 'x', sizeof(long_path) - 1);
	tap_ok(RUN("-s", long_path) == 1 && strstr(output, "too long"),
	       "a path that is too long");
	tap_ok(RUN("-s", dir) == 1 && strstr(output, dir), "a directory");
}

/* A service manager's end of sd_notify(3). */
static int notify_socket(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/notify", dir);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		tap_bail("cannot make a socket: %s", strerror(errno));
	setenv("NOTIFY_SOCKET", addr.sun_path, 1);
	return fd;
}

static bool ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[256];
	ssize_t n;

	if (poll(&p, 1, 10000) != 1)
		return false;
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	if (n < 0)
		return false;
	buf[n] = 0;
	return strstr(buf, "READY=1");
}

static bool answers(const char *path, struct vuser_client **client)
{
	uint8_t version = 0;

	return !vuser_client_new(path, NULL, 10000, NULL, NULL, client) &&
	       !vuser_client_read(*client, VFIO_PCI_BAR0_REGION_INDEX, 8,
				  &version, 1) &&
	       version == 0x33;
}

static void test_life(int notify, int sig, const char *name)
{
	struct vuser_client *client = NULL;
	char path[128];
	struct stat st;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/sock", dir);
	pid = spawn((char *const[]) { "vuser-ioat", "-s", path, NULL },
		    STDERR_FILENO);
	tap_ok(ready(notify), "%s: says when it is ready", name);
	tap_ok(answers(path, &client), "%s: serves a client", name);
	tap_ok(RUN("-s", path) == 1 && strstr(output, "in use"),
	       "%s: a second one cannot have its socket", name);
	kill(pid, sig);
	tap_ok(status_of(pid) == 0, "%s: ends well, with a client there",
	       name);
	tap_ok(stat(path, &st) < 0 && errno == ENOENT,
	       "%s: takes its socket away", name);
	vuser_client_free(client);
}

/* One that was killed leaves its socket; the next one takes it over. */
static void test_killed(int notify)
{
	struct vuser_client *client = NULL;
	char path[128];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/sock", dir);
	pid = spawn((char *const[]) { "vuser-ioat", "-s", path, NULL },
		    STDERR_FILENO);
	ready(notify);
	kill(pid, SIGKILL);
	status_of(pid);
	tap_ok(access(path, F_OK) == 0, "killed: the socket stays");
	pid = spawn((char *const[]) { "vuser-ioat", "--socket", path, NULL },
		    STDERR_FILENO);
	tap_ok(ready(notify) && answers(path, &client),
	       "killed: the next one takes it over");
	vuser_client_free(client);
	kill(pid, SIGTERM);
	status_of(pid);
}

int main(void)
{
	char path[128];
	int notify;

	find_program();
	if (!mkdtemp(dir))
		tap_bail("mkdtemp: %s", strerror(errno));
	test_options();
	notify = notify_socket();
	test_life(notify, SIGTERM, "SIGTERM");
	test_life(notify, SIGINT, "SIGINT");
	test_killed(notify);

	close(notify);
	snprintf(path, sizeof(path), "%s/notify", dir);
	unlink(path);
	rmdir(dir);
	return tap_done();
}
