// SPDX-License-Identifier: GPL-2.0
/* One attempt to connect to a server and to read the description of its device. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"
#include "explain.h"
#include "result.h"
#include "worker.h"

/* How long the process of an attempt may take to end after its last message. */
#define END_USEC (1000 * 1000ULL)

/**
 * struct connection - one attempt to connect
 * @ops: callbacks for the result; NULL after connection_free()
 * @data: for @ops
 * @path: path of the server's socket
 * @result: memory that is shared with the process
 * @channel: receives file descriptors from the process
 * @pid: the process, 0 after it has ended
 * @reported: one of @ops was called
 * @io: the process has sent something, or has ended
 * @child: the end of the process
 * @timer: the end of the time for the process
 */
struct connection {
	const struct connection_ops *ops;
	void *data;
	char *path;
	struct result *result;
	int channel;
	pid_t pid;
	bool reported;
	sd_event_source *io;
	sd_event_source *child;
	sd_event_source *timer;
};

static void release(struct connection *conn)
{
	sd_event_source_disable_unref(conn->io);
	sd_event_source_disable_unref(conn->timer);
	sd_event_source_disable_unref(conn->child);
	if (conn->result)
		munmap(conn->result, sizeof(*conn->result));
	if (conn->channel >= 0)
		close(conn->channel);
	free(conn->path);
	free(conn);
}

/*
 * Report the failure, with the reason that the process has given, else with @why. The
 * callback may free @conn.
 */
static void fail(struct connection *conn, const char *why)
{
	char text[VUSER_ERROR_MAX + 1];

	snprintf(text, sizeof(text), "%.*s", VUSER_ERROR_MAX,
		 conn->result->why[0] ? conn->result->why : why);
	conn->reported = true;
	conn->ops->failed(conn->data, text);
}

/* Report the result of a process that has ended. */
static void finish(struct connection *conn)
{
	struct vuser_description *desc;
	char why[VUSER_ERROR_MAX + 1];
	struct result *result;
	int ret = -ENOMEM;

	if (!conn->result->complete) {
		fail(conn,
		     "the process that connects to the server was killed");
		return;
	}
	result = malloc(sizeof(*result));
	if (result)
		ret = result_take(conn->result, conn->channel, result, &desc);
	if (ret) {
		explain_own(why, sizeof(why), conn->path, ret);
		conn->result->why[0] = '\0';
		fail(conn, why);
	} else {
		conn->reported = true;
		conn->ops->done(conn->data, desc, result->config,
				result->config_size);
	}
	free(result);
}

static int on_exit_process(sd_event_source *source, const siginfo_t *si,
			   void *data)
{
	struct connection *conn = data;

	(void)source;
	(void)si;
	conn->pid = 0;
	sd_event_source_set_enabled(conn->timer, SD_EVENT_OFF);
	sd_event_source_set_enabled(conn->io, SD_EVENT_OFF);
	if (!conn->ops)
		release(conn);
	else if (!conn->reported)
		finish(conn);
	return 0;
}

/*
 * The process ends now. It closes all other files that the server has sent, which may
 * take for ever.
 */
static int on_channel(sd_event_source *source, int fd, uint32_t revents,
		      void *data)
{
	struct connection *conn = data;
	uint64_t now = 0;

	(void)fd;
	(void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &now);
	sd_event_source_set_time(conn->timer, now + END_USEC);
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	struct connection *conn = data;

	(void)source;
	(void)usec;
	kill(conn->pid, SIGKILL);
	fail(conn, "the process that connects to the server does not run");
	return 0;
}

static int add_sources(struct connection *conn, sd_event *event,
		       uint32_t timeout_ms)
{
	/* One more than the process needs for the handshake: to connect. */
	uint64_t now, timeout = (WORKER_WHOLE + 1) * timeout_ms * 1000ULL;
	int ret;

	ret = sd_event_now(event, CLOCK_MONOTONIC, &now);
	if (ret < 0)
		return ret;
	ret = sd_event_add_time(event, &conn->timer, CLOCK_MONOTONIC,
				now + timeout, 0, on_timeout, conn);
	if (ret < 0)
		return ret;
	ret = sd_event_add_io(event, &conn->io, conn->channel, EPOLLIN,
			      on_channel, conn);
	return ret < 0 ? ret : 0;
}

/*
 * Start the process. Its end is watched first of all: after an error of another event
 * source, connection_free() kills the process, and waits for its end as always.
 */
static int start(struct connection *conn, sd_event *event, uint32_t timeout_ms,
		 uint32_t server_user)
{
	const struct worker_task task = {
		.path = conn->path,
		.timeout_ms = timeout_ms,
		.server_user = server_user,
	};
	int channel[2], ret;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel))
		return -errno;
	conn->channel = channel[0];
	pid = fork();
	if (!pid)
		worker_run(&task, channel[1], conn->result);
	ret = pid < 0 ? -errno : 0;
	close(channel[1]);
	if (ret)
		return ret;
	ret = sd_event_add_child(event, &conn->child, pid, WEXITED,
				 on_exit_process, conn);
	if (ret < 0) {
		kill(pid, SIGKILL);
		return ret;
	}
	conn->pid = pid;
	return add_sources(conn, event, timeout_ms);
}

struct connection *connection_new(sd_event *event, const char *path,
				  uint32_t timeout_ms, uint32_t server_user,
				  const struct connection_ops *ops, void *data,
				  char *why, size_t size)
{
	struct connection *conn;
	int ret = -ENOMEM;

	conn = calloc(1, sizeof(*conn));
	if (!conn)
		goto err_explain;
	conn->channel = -1;
	conn->path = strdup(path);
	conn->result = mmap(NULL, sizeof(*conn->result), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (conn->result == MAP_FAILED)
		conn->result = NULL;
	if (!conn->path || !conn->result)
		goto err_free;
	conn->ops = ops;
	conn->data = data;
	ret = start(conn, event, timeout_ms, server_user);
	if (ret)
		goto err_free;
	return conn;

err_free:
	connection_free(conn);
err_explain:
	explain_own(why, size, path, ret);
	return NULL;
}

bool connection_ended(const struct connection *conn)
{
	return !conn || !conn->pid;
}

void connection_free(struct connection *conn)
{
	if (!conn)
		return;
	if (!conn->pid) {
		release(conn);
		return;
	}
	/* When the process has ended, on_exit_process() frees the rest. */
	kill(conn->pid, SIGKILL);
	conn->ops = NULL;
	conn->timer = sd_event_source_disable_unref(conn->timer);
	conn->io = sd_event_source_disable_unref(conn->io);
}
