// SPDX-License-Identifier: GPL-2.0
/*
 * Start and end the vuser-vhost process of a device. The process holds a lock
 * on a file of its device, and the lock names the process that serves the
 * device. The kernel releases the lock when the process ends, so another
 * process is never mistaken for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge.h"
#include "ctl.h"

#define PROGRAM	   "vuser-vhost"
#define DIRECTORY  "/run/vuser-vhost"
#define MAX_ARGS   64
#define START_MSEC 30000

static void path_of(char path[128], const char *uuid, const char *suffix)
{
	snprintf(path, 128, DIRECTORY "/%s.%s", uuid, suffix);
}

/*
 * Make the command line, from parts of @copy; 0 or -EINVAL. Options of the user follow
 * @timeout, so that they win.
 */
static int make_args(char *copy, const char *socket, const char *timeout,
		     char *argv[MAX_ARGS])
{
	char *path = strchr(copy, ':'), *option, *value;
	int argc = 0;

	if (!path || path == copy || !path[1])
		return -EINVAL;
	*path++ = '\0';
	argv[argc++] = PROGRAM;
	argv[argc++] = "--device";
	argv[argc++] = copy;
	argv[argc++] = "--back-end";
	argv[argc++] = strtok_r(path, ",", &option);
	argv[argc++] = "--socket";
	argv[argc++] = (char *)socket;
	argv[argc++] = "--client-timeout";
	argv[argc++] = (char *)timeout;
	while ((value = strtok_r(NULL, ",", &option))) {
		if (argc + 2 > MAX_ARGS - 1 ||
		    asprintf(&argv[argc], "--%s", value) < 0)
			return -EINVAL;
		argc++;
	}
	argv[argc] = NULL;
	return 0;
}

/*
 * A socket that receives READY=1. @name is its address in the form that
 * sd_notify() expects in the environment.
 */
static int notify_socket(char name[64])
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int len = snprintf(name, 64, "@vuserctl-%d", getpid());

	if (fd < 0)
		return -errno;
	memcpy(addr.sun_path + 1, name + 1, len - 1);
	if (bind(fd, (struct sockaddr *)&addr,
		 offsetof(struct sockaddr_un, sun_path) + len)) {
		close(fd);
		return -errno;
	}
	return fd;
}

/*
 * Run vuser-vhost in the child process. The process keeps the lock over exec.
 */
static void become_bridge(const char *uuid, const char *notify, char **argv)
{
	struct flock lock = { .l_type = F_WRLCK };
	char path[128];
	int fd, log;

	path_of(path, uuid, "lock");
	fd = open(path, O_RDWR | O_CREAT, 0600);
	path_of(path, uuid, "log");
	log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || log < 0 || fcntl(fd, F_SETLK, &lock) || setsid() < 0)
		_exit(126);
	dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	setenv("NOTIFY_SOCKET", notify, 1);
	execvp(argv[0], argv);
	fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/*
 * Wait until vuser-vhost is ready. Return -errno if it has exited or takes too
 * long.
 */
static int wait_ready(pid_t pid, int notify)
{
	struct pollfd pfds[2] = {
		{ .fd = notify, .events = POLLIN },
		{ .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN },
	};
	char words[64] = "";
	int ret;

	ret = poll(pfds, 2, START_MSEC);
	if (pfds[0].revents && recv(notify, words, sizeof(words) - 1, 0) > 0 &&
	    strstr(words, "READY=1"))
		ret = 0;
	else
		ret = ret > 0 ? -ECHILD : -ETIMEDOUT;
	if (pfds[1].fd >= 0)
		close(pfds[1].fd);
	if (ret) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return ret;
}

/* Show the messages of a vuser-vhost that has exited, and remove its files. */
static int show_log(const char *uuid)
{
	char path[128], line[512] = "";
	FILE *log;

	path_of(path, uuid, "log");
	log = fopen(path, "re");
	while (log && fgets(line, sizeof(line), log))
		fputs(line, stderr);
	if (log)
		fclose(log);
	bridge_stop(uuid);
	return ctl_complain(PROGRAM " did not start: no device was created");
}

int bridge_start(const char *uuid, const char *what, uint32_t timeout_ms,
		 char *endpoint, size_t size)
{
	char *argv[MAX_ARGS], *copy = strdup(what), socket[128], name[64];
	char timeout[16];
	int fd, ret;
	pid_t pid;

	path_of(socket, uuid, "sock");
	snprintf(timeout, sizeof(timeout), "%u", timeout_ms);
	if (!copy || make_args(copy, socket, timeout, argv)) {
		free(copy);
		return ctl_complain("--vhost needs TYPE:PATH, for example "
				    "net:/run/back.sock; options of " PROGRAM
				    " may follow after commas");
	}
	if (mkdir(DIRECTORY, 0755) && errno != EEXIST)
		return ctl_complain("cannot create " DIRECTORY ": %s",
				    strerror(errno));
	fd = notify_socket(name);
	if (fd < 0)
		return ctl_complain("cannot start " PROGRAM ": %s",
				    strerror(-fd));
	pid = fork();
	if (!pid)
		become_bridge(uuid, name, argv);
	ret = pid < 0 ? -errno : wait_ready(pid, fd);
	close(fd);
	free(copy);
	if (ret)
		return show_log(uuid);
	snprintf(endpoint, size, "%s", socket);
	return 0;
}

void bridge_stop(const char *uuid)
{
	static const char *const suffixes[] = { "sock", "log", "lock" };
	struct flock lock = { .l_type = F_WRLCK };
	char path[128];
	size_t i;
	int fd;

	path_of(path, uuid, "lock");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK) {
		kill(lock.l_pid, SIGTERM);
		/*
		 * Wait for the lock, which is released when the process has
		 * exited.
		 */
		lock = (struct flock) { .l_type = F_WRLCK };
		fcntl(fd, F_SETLKW, &lock);
	}
	close(fd);
	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		path_of(path, uuid, suffixes[i]);
		unlink(path);
	}
}
