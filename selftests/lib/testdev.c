// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testdev.h"

static char reply[TESTDEV_CTL_MAX + 1];

/* Becomes the server; it dies together with the test. */
static void exec_server(const char *socket, int ctl, int ready,
			const char *const *args)
{
	const char *bin = getenv("VUSER_TESTDEV");
	const char *argv[32] = { bin ? bin : "vuser-testdev" };
	char ctl_arg[32], ready_arg[32];
	int argc = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/*
	 * No process group of its own: the harness kills a test's group on
	 * timeout.
	 */
	snprintf(ctl_arg, sizeof(ctl_arg), "--control-fd=%d", ctl);
	snprintf(ready_arg, sizeof(ready_arg), "--ready-fd=%d", ready);
	argv[argc++] = ctl_arg;
	argv[argc++] = ready_arg;
	while (args && *args && argc < 30)
		argv[argc++] = *args++;
	argv[argc++] = socket;
	execvp(argv[0], (char *const *)argv);
	perror(argv[0]);
	_exit(127);
}

/* The server writes a byte when it listens; it closes the pipe if it fails. */
static int wait_ready(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char c;

	if (poll(&pfd, 1, SOON_MS) <= 0)
		return -ETIMEDOUT;
	return read(fd, &c, 1) == 1 ? 0 : -ECHILD;
}

int testdev_serve(struct testdev *td, const char *const *args)
{
	int ctl[2], ready[2], ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ctl))
		return -errno;
	if (pipe(ready)) {
		ret = -errno;
		close(ctl[0]);
		close(ctl[1]);
		return ret;
	}
	if (!td->socket[0])
		snprintf(td->socket, sizeof(td->socket), "/run/vuser-t%d-%s",
			 getpid(), td->uuid + 28);
	td->pid = fork();
	if (!td->pid) {
		close(ctl[0]);
		close(ready[0]);
		exec_server(td->socket, ctl[1], ready[1], args);
	}
	close(ctl[1]);
	close(ready[1]);
	td->ctl = ctl[0];
	ret = td->pid < 0 ? -EAGAIN : wait_ready(ready[0]);
	close(ready[0]);
	return ret;
}

int testdev_start(struct testdev *td, const char *const *args)
{
	int ret;

	memset(td, 0, sizeof(*td));
	uuid_new(td->uuid);
	ret = testdev_serve(td, args);
	if (!ret)
		ret = mdev_create(td->uuid);
	if (!ret)
		ret = mdev_set(td->uuid, "endpoint", td->socket);
	if (!ret)
		ret = mdev_wait(td->uuid, "state", "attached", SOON_MS);
	if (ret)
		testdev_stop(td);
	return ret;
}

void testdev_kill(struct testdev *td)
{
	if (td->pid > 0) {
		kill(td->pid, SIGKILL);
		waitpid(td->pid, NULL, 0);
		close(td->ctl);
	}
	td->pid = 0;
}

void testdev_stop(struct testdev *td)
{
	if (td->uuid[0] && mdev_exists(td->uuid))
		mdev_remove(td->uuid);
	testdev_kill(td);
	if (td->socket[0])
		unlink(td->socket);
}

static int vcmd(struct testdev *td, const char *fmt, va_list ap)
{
	struct pollfd pfd = { .fd = td->ctl, .events = POLLIN };
	char cmd[TESTDEV_CTL_MAX];
	ssize_t len;
	char *text;
	int ret;

	reply[0] = '\0';
	len = vsnprintf(cmd, sizeof(cmd), fmt, ap);
	if (len >= (ssize_t)sizeof(cmd))
		return -E2BIG;
	if (send(td->ctl, cmd, len, MSG_NOSIGNAL) != len)
		return -errno;
	if (poll(&pfd, 1, SOON_MS) <= 0)
		return -ETIMEDOUT;
	len = recv(td->ctl, reply, sizeof(reply) - 1, 0);
	if (len <= 0)
		return -ECONNRESET;
	reply[len] = '\0';
	ret = strtol(reply, &text, 10);
	while (*text == ' ')
		text++;
	memmove(reply, text, strlen(text) + 1);
	return ret;
}

int testdev_cmd(struct testdev *td, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = vcmd(td, fmt, ap);
	va_end(ap);
	return ret;
}

const char *testdev_reply(void)
{
	return reply;
}

long long testdev_num(struct testdev *td, const char *fmt, ...)
{
	va_list ap;
	int ret;

	va_start(ap, fmt);
	ret = vcmd(td, fmt, ap);
	va_end(ap);
	return ret || !reply[0] ? -1 : strtoll(reply, NULL, 0);
}

int testdev_log_clear(struct testdev *td)
{
	return testdev_cmd(td, "log-clear");
}

long long testdev_log_count(struct testdev *td)
{
	return testdev_num(td, "log-count");
}

int testdev_log_get(struct testdev *td, unsigned int nr,
		    struct testdev_access *acc)
{
	int ret = testdev_cmd(td, "log-get %u", nr);

	if (ret)
		return ret;
	if (sscanf(reply, "%c %u %" SCNx64 " %u %" SCNx64, &acc->dir,
		   &acc->region, &acc->offset, &acc->size, &acc->value) != 5)
		return -EPROTO;
	return 0;
}
