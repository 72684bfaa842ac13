// SPDX-License-Identifier: GPL-2.0
/*
 * Start and end the vuser-vhost process of a device. Where systemd manages the host, the
 * process is a unit. Elsewhere vuserctl starts it, and it holds a lock
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
#include "lock.h"
#include "unit.h"

#define PROGRAM "vuser-vhost"
#ifndef DIRECTORY
#define DIRECTORY "/run/vuser-vhost"
#endif
#define MAX_ARGS   64
#define ATTRIBUTES "/sys/bus/mdev/devices/%s/vuser"
#define START_MSEC 30000

/*
 * The restrictions are those of vuser-vhost@.service. With --listen, vuser-vhost creates
 * a socket at a path of the user, so most of the file system stays writable.
 */
static const char *const properties[] = {
	"--service-type=notify",
	"--property=CapabilityBoundingSet=CAP_DAC_OVERRIDE",
	"--property=RestrictAddressFamilies=AF_UNIX",
	"--property=ProtectHome=read-only",
	"--property=PrivateDevices=yes",
	"--property=ProtectClock=yes",
	"--property=MemoryDenyWriteExecute=yes",
	"--property=SystemCallFilter=@system-service",
	NULL,
};

static void unit_of(char name[64], const char *uuid)
{
	snprintf(name, 64, "vuser-vhost-%s.service", uuid);
}

static void path_of(char *path, size_t size, const char *uuid,
		    const char *suffix)
{
	snprintf(path, size, DIRECTORY "/%s.%s", uuid, suffix);
}

/*
 * Make the command line, from parts of @copy; 0 or -EINVAL. Options of the user follow
 * @timeout and @attributes, so that they win. vuser-vhost uses @timeout when it cannot read
 * @attributes.
 */
static int make_args(char *copy, const char *socket, const char *timeout,
		     const char *attributes, char *argv[MAX_ARGS])
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
	argv[argc++] = "--attributes";
	argv[argc++] = (char *)attributes;
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
 * A socket that receives READY=1. @addr is set to its address. Only root can send to it:
 * the socket gets its mode from the umask.
 */
static int notify_socket(struct sockaddr_un *addr, const char *uuid)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;
	mode_t mask = umask(0077);

	addr->sun_family = AF_UNIX;
	path_of(addr->sun_path, sizeof(addr->sun_path), uuid, "notify");
	unlink(addr->sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)addr, sizeof(*addr)))
		ret = -errno;
	umask(mask);
	if (ret && fd >= 0)
		close(fd);
	return ret ?: fd;
}

/*
 * Run vuser-vhost in the child process. The process keeps the lock over exec.
 */
static void become_bridge(const char *uuid, const char *notify, char **argv)
{
	struct flock lock = { .l_type = F_WRLCK };
	char path[128];
	int fd, log;

	path_of(path, sizeof(path), uuid, "lock");
	fd = open(path, O_RDWR | O_CREAT, 0600);
	path_of(path, sizeof(path), uuid, "log");
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

	path_of(path, sizeof(path), uuid, "log");
	log = fopen(path, "re");
	while (log && fgets(line, sizeof(line), log))
		fputs(line, stderr);
	if (log)
		fclose(log);
	bridge_stop(uuid);
	return ctl_fail(EX_UNAVAILABLE,
			PROGRAM " did not start: no device was created");
}

/* Start a process without systemd; 0 or -errno. */
static int start_process(const char *uuid, char **argv)
{
	struct sockaddr_un notify = {};
	int fd = notify_socket(&notify, uuid), ret;
	pid_t pid;

	if (fd < 0)
		return fd;
	pid = fork();
	if (!pid)
		become_bridge(uuid, notify.sun_path, argv);
	ret = pid < 0 ? -errno : wait_ready(pid, fd);
	close(fd);
	unlink(notify.sun_path);
	return ret;
}

/* Start a unit of systemd. A file marks that the device has one; 0 or -errno. */
static int start_unit(const char *uuid, char **argv)
{
	char path[128], name[64];
	int fd;

	path_of(path, sizeof(path), uuid, "unit");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	unit_of(name, uuid);
	return unit_start(name, properties, argv);
}

int bridge_start(const char *uuid, const char *what, uint32_t timeout_ms,
		 char *endpoint, size_t size)
{
	char *argv[MAX_ARGS], *copy = strdup(what), socket[128];
	char timeout[16], attributes[128];
	int ret;

	path_of(socket, sizeof(socket), uuid, "sock");
	snprintf(timeout, sizeof(timeout), "%u", timeout_ms);
	snprintf(attributes, sizeof(attributes), ATTRIBUTES, uuid);
	if (!copy || make_args(copy, socket, timeout, attributes, argv)) {
		free(copy);
		return ctl_fail(EX_USAGE,
				"--vhost needs TYPE:PATH, for example "
				"net:/run/back.sock; options of " PROGRAM
				" may follow after commas");
	}
	if (mkdir(DIRECTORY, 0755) && errno != EEXIST)
		return ctl_fail(exit_status(-errno),
				"cannot create " DIRECTORY ": %s",
				strerror(errno));
	ret = unit_possible() ? start_unit(uuid, argv) :
				start_process(uuid, argv);
	free(copy);
	if (ret)
		return show_log(uuid);
	snprintf(endpoint, size, "%s", socket);
	return 0;
}

void bridge_stop(const char *uuid)
{
	static const char *const suffixes[] = { "sock", "log", "lock", "unit" };
	char path[128], name[64];
	size_t i;

	path_of(path, sizeof(path), uuid, "unit");
	if (!access(path, F_OK)) {
		unit_of(name, uuid);
		unit_stop(name);
	}
	path_of(path, sizeof(path), uuid, "lock");
	lock_end_holder(path, PROGRAM);
	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		path_of(path, sizeof(path), uuid, suffixes[i]);
		unlink(path);
	}
}
