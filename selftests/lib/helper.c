// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "testdev.h"

pid_t helper_pid;

static void exec_helper(const char *notify)
{
	const char *bin = getenv("VUSERD");

	if (!bin)
		bin = "vuserd";
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgrp();
	/* Standard output belongs to the tests. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	setenv("NOTIFY_SOCKET", notify, 1);
	execlp(bin, bin, "--foreground", NULL);
	perror(bin);
	_exit(127);
}

static int notify_socket(struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	addr->sun_family = AF_UNIX;
	snprintf(addr->sun_path, sizeof(addr->sun_path), "/run/vuser-notify-%d",
		 getpid());
	unlink(addr->sun_path);
	if (bind(fd, (struct sockaddr *)addr, sizeof(*addr))) {
		close(fd);
		return -errno;
	}
	return fd;
}

static int wait_ready(int fd, pid_t pid)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char text[512];
	ssize_t len;

	do {
		/* A dead helper sends no notification: check for its end. */
		while (!poll(&pfd, 1, 1000)) {
			if (waitpid(pid, NULL, WNOHANG) == pid)
				return -ECHILD;
		}
		len = recv(fd, text, sizeof(text) - 1, 0);
		if (len < 0)
			return -errno;
		text[len] = '\0';
	} while (!strstr(text, "READY=1"));
	return 0;
}

pid_t helper_start(void)
{
	struct sockaddr_un addr = {};
	int fd = notify_socket(&addr);
	pid_t pid;
	int ret;

	if (fd < 0)
		return fd;
	pid = fork();
	if (!pid)
		exec_helper(addr.sun_path);
	ret = pid < 0 ? -errno : wait_ready(fd, pid);
	close(fd);
	unlink(addr.sun_path);
	return ret ? ret : pid;
}

int helper_stop(pid_t pid)
{
	int status;

	if (kill(pid, SIGTERM) || waitpid(pid, &status, 0) != pid)
		return -errno;
	return status;
}

void helper_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/*
 * Runs when the harness calls exit(); its children call _exit() and skip this.
 */
static void stop(void)
{
	helper_stop(helper_pid);
}

int helper_run(int argc, char **argv, int (*run)(int argc, char **argv))
{
	pid_t pid = getenv("VUSER_NO_HELPER") ? 0 : helper_start();

	if (pid < 0) {
		printf("TAP version 13\n1..1\n");
		printf("not ok 1 - vuserd starts: %s\n", strerror(-pid));
		return 1;
	}
	helper_pid = pid;
	if (pid)
		atexit(stop);
	return run(argc, argv);
}
