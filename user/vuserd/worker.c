// SPDX-License-Identifier: GPL-2.0
/* The process that makes one attempt to connect to a server. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../libbase/deadline.h"
#include "../libbase/fd.h"
#include "caps.h"
#include "config.h"
#include "endpoint.h"
#include "explain.h"
#include "result.h"
#include "worker.h"

/**
 * struct worker - the attempt
 * @task: what to do
 * @end: end of the time for the whole handshake, so that a server that sends slowly
 *       cannot delay it for ever
 * @result: see worker_run()
 */
struct worker {
	const struct worker_task *task;
	int64_t end;
	struct result *result;
};

/* Keep only the standard streams and the channel, with a fixed number. */
static int keep_files(int channel)
{
	const int fixed = STDERR_FILENO + 1;

	if (channel != fixed && dup2(channel, fixed) < 0)
		return -errno;
	return close_range(fixed + 1, ~0U, 0) ? -errno : fixed;
}

/* vuserd blocks the signals that it reads from a file descriptor. */
static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Let SIGALRM kill this process in @seconds; 0: never. */
static void set_alarm(unsigned int seconds)
{
	const struct itimerval timer = { .it_value.tv_sec = seconds };

	setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * Limit the time until the next poll(2), and set the reason in advance: the file system
 * of a path may not respond, and a file that the server sent may take long to close.
 */
static void guard(struct worker *worker)
{
	char shown[EXPLAIN_PATH_MAX + 1];

	snprintf(
		worker->result->why, sizeof(worker->result->why),
		"%s, or a file that the server there sent, is on a file system that did not respond within %u ms, or takes long to close",
		explain_path(shown, worker->task->path),
		worker->task->timeout_ms);
	set_alarm(worker->task->timeout_ms / 1000 + 1);
}

static int timed_out(struct worker *worker)
{
	char shown[EXPLAIN_PATH_MAX + 1];

	snprintf(
		worker->result->why, sizeof(worker->result->why),
		"the server at %s did not reply within %u ms: it may not speak vfio-user, or serve another client",
		explain_path(shown, worker->task->path),
		worker->task->timeout_ms);
	return -ETIMEDOUT;
}

static int failed(struct worker *worker, int error, const char *detail)
{
	explain_handshake(worker->result->why, sizeof(worker->result->why),
			  worker->task->path, error, detail);
	return error;
}

/* Wait for the next reply, or for the rest of a reply. */
static int wait_input(struct worker *worker, int sock)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	int64_t deadline = vu_deadline_after(worker->task->timeout_ms);
	int ret;

	if (deadline > worker->end)
		deadline = worker->end;
	set_alarm(0);
	ret = vu_deadline_poll(&pfd, 1, deadline);
	guard(worker);
	if (ret == -ETIMEDOUT)
		return timed_out(worker);
	return ret ? failed(worker, ret, strerror(-ret)) : 0;
}

static int run_handshake(struct worker *worker, struct vuser_handshake *hs,
			 struct vuser_description **desc)
{
	int ret;

	for (;;) {
		ret = wait_input(worker, vuser_handshake_fd(hs));
		if (ret)
			return ret;
		ret = vuser_handshake_step(hs, desc);
		if (!ret)
			return 0;
		if (ret != -EAGAIN)
			return failed(worker, ret, vuser_handshake_error(hs));
	}
}

static int handshake(struct worker *worker, int sock,
		     struct vuser_description **desc)
{
	/*
	 * After the handshake the kernel uses the socket, so its limits apply.
	 */
	const struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.max_data_xfer_size = VUSER_MAX_XFER,
	};
	struct vuser_handshake *hs;
	int ret;

	ret = vuser_handshake_new(sock, &opt, &hs);
	if (ret)
		return failed(worker, ret, strerror(-ret));
	/* Nothing is freed: the process ends soon. */
	return run_handshake(worker, hs, desc);
}

static int read_config(struct worker *worker,
		       const struct vuser_description *desc)
{
	struct config config;
	int ret;

	ret = config_start(&config, desc);
	while (ret == -EAGAIN) {
		ret = wait_input(worker, desc->sock);
		if (ret)
			return ret;
		ret = config_step(&config);
	}
	if (ret)
		return failed(worker, ret, config.error);
	memcpy(worker->result->config, config.data, config.done);
	worker->result->config_size = config.done;
	return 0;
}

/*
 * Keep only memory as the file of a region. The kernel can show nothing else, and a file
 * that the kernel holds must not be a socket of the server or a file on a file system of
 * the server. Accesses to an area without a file are trapped.
 */
static void keep_memory(struct vuser_description *desc)
{
	struct vuser_region *region;
	uint32_t i;

	for (i = 0; i < desc->nr_regions; i++) {
		region = &desc->regions[i];
		if (region->fd < 0 || vu_fd_is_memory(region->fd))
			continue;
		region->fd = -1;
		region->nr_areas = 0;
		region->flags &= ~VFIO_REGION_INFO_FLAG_MMAP;
	}
}

static int check_eventfds(struct worker *worker,
			  const struct vuser_description *desc)
{
	const struct vuser_region *region;
	uint32_t i, j;

	for (i = 0; i < desc->nr_regions; i++) {
		region = &desc->regions[i];
		for (j = 0; j < region->nr_io_fds; j++)
			if (!vu_fd_may_be_eventfd(region->io_fds[j].fd))
				return failed(
					worker, -EPROTO,
					"the file of an ioeventfd is not an eventfd");
	}
	return 0;
}

static int connect_server(struct worker *worker)
{
	int sock;

	guard(worker);
	sock = endpoint_connect(worker->task->path);
	if (sock < 0)
		explain_connect(worker->result->why,
				sizeof(worker->result->why), worker->task->path,
				sock);
	return sock;
}

/* Refuse a server of another user than the demanded one. */
static int check_user(struct worker *worker, int sock)
{
	struct ucred cred = { .uid = VUSER_SERVER_USER_ANY };
	socklen_t len = sizeof(cred);
	char shown[EXPLAIN_PATH_MAX + 1];

	if (worker->task->server_user == VUSER_SERVER_USER_ANY)
		return 0;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return failed(worker, -errno, strerror(errno));
	if (cred.uid == worker->task->server_user)
		return 0;
	snprintf(
		worker->result->why, sizeof(worker->result->why),
		"the server at %s runs as user %u, but the setting server-user demands user %u",
		explain_path(shown, worker->task->path), cred.uid,
		worker->task->server_user);
	return -EACCES;
}

static int attempt(struct worker *worker, int channel)
{
	struct vuser_description *desc;
	int sock, ret;

	sock = connect_server(worker);
	if (sock < 0)
		return sock;
	/* What follows parses what the server sends: it needs no privilege. */
	ret = caps_drop_all();
	if (ret)
		return failed(worker, ret, "cannot drop capabilities");
	ret = check_user(worker, sock);
	if (ret)
		return ret;
	worker->end = vu_deadline_after(WORKER_WHOLE *
					(int64_t)worker->task->timeout_ms);
	ret = handshake(worker, sock, &desc);
	if (!ret)
		ret = read_config(worker, desc);
	if (!ret)
		ret = check_eventfds(worker, desc);
	if (ret)
		return ret;
	keep_memory(desc);
	ret = result_put(worker->result, channel, desc);
	return ret ? failed(worker, ret, strerror(-ret)) : 0;
}

void worker_run(const struct worker_task *task, int channel,
		struct result *result)
{
	struct worker worker = { .task = task, .result = result };
	int ret;

	reset_signals();
	ret = keep_files(channel);
	if (ret < 0)
		failed(&worker, ret, "cannot close the files of vuserd");
	else
		attempt(&worker, ret);
	/* All other files are closed now, perhaps slowly. */
	_exit(0);
}
