// SPDX-License-Identifier: BSD-3-Clause
/* Requests: callbacks of the device that answer later. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "server-log.h"
#include "server-request.h"

int vu_server_request_init(struct vuser_server *server)
{
	struct vu_answers *answers = calloc(1, sizeof(*answers));

	if (!answers)
		return -ENOMEM;
	pthread_mutex_init(&answers->lock, NULL);
	answers->refs = 1;
	answers->wake_fd = server->wake_fd;
	server->answers = answers;
	return 0;
}

/* Release a reference. @lock is held, and is released. */
static void put_answers(struct vu_answers *answers)
{
	bool last = !--answers->refs;

	pthread_mutex_unlock(&answers->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&answers->lock);
	free(answers);
}

/* Whether no later command may overtake the command: the client posts its writes. */
static bool is_posted(const struct vu_cmd *cmd)
{
	return cmd->hdr.flags & VFIO_USER_FLAGS_NO_REPLY ||
	       cmd->hdr.command == VFIO_USER_REGION_WRITE_MULTI;
}

void vu_server_request_clear(struct vu_cmd *cmd)
{
	free(cmd->payload);
	free(cmd->reply);
	cmd->payload = NULL;
	cmd->reply = NULL;
}

int vu_server_request_reply(struct vuser_server *server,
			    const struct vu_cmd *cmd, ssize_t ret)
{
	struct vfio_user_header hdr = {
		.msg_id = cmd->hdr.msg_id,
		.command = cmd->hdr.command,
		.flags = VFIO_USER_FLAGS_TYPE_REPLY,
	};
	struct iovec iov = { .iov_base = cmd->reply ?: server->reply };

	if (ret < 0) {
		vu_server_log(server, LOG_DEBUG,
			      "%s id %u size %u flags %#x: %s",
			      vuser_command_name(hdr.command), hdr.msg_id,
			      cmd->hdr.msg_size, cmd->hdr.flags,
			      strerror(-ret));
		hdr.flags |= VFIO_USER_FLAGS_ERROR;
		hdr.error_no = -ret;
		server->nr_reply_fds = 0;
		ret = 0;
	}
	if (cmd->hdr.flags & VFIO_USER_FLAGS_NO_REPLY)
		return 0;
	iov.iov_len = ret;
	return vu_conn_send(server->conn, &hdr, &iov, 1, server->reply_fds,
			    server->nr_reply_fds,
			    server->config.dma_timeout_ms);
}

/* Continue the suspended command of @request. If the client is gone, do nothing. */
static void resume(struct vuser_server *server, struct vuser_request *request)
{
	struct vu_cmd cmd = request->cmd, *outer = server->cmd;
	ssize_t ret;

	if (server->ending)
		return;
	request->cmd.payload = NULL;
	request->cmd.reply = NULL;
	server->cmd = &cmd;
	server->nr_reply_fds = 0;
	server->posted = cmd.hdr.flags & VFIO_USER_FLAGS_NO_REPLY;
	ret = request->step(server, request);
	server->posted = false;
	server->cmd = outer;
	if (ret == VU_LATER)
		return;
	ret = vu_server_request_reply(server, &cmd, ret);
	vu_server_request_clear(&cmd);
	/* The event loop ends the connection. */
	if (ret)
		vu_conn_fail(server->conn, ret);
}

static void request_free(struct vuser_request *request)
{
	vu_server_request_clear(&request->cmd);
	free(request);
}

void vu_server_request_free(struct vuser_server *server)
{
	struct vu_answers *answers = server->answers;
	struct vuser_request *request;

	if (!answers)
		return;
	pthread_mutex_lock(&answers->lock);
	while ((request = answers->first)) {
		answers->first = request->next;
		answers->refs--;
		request_free(request);
	}
	answers->wake_fd = -1;
	put_answers(answers);
}

void vu_server_request_begin(struct vuser_server *server,
			     struct vu_callback *callback)
{
	callback->outer = server->callback;
	server->callback = callback;
}

struct vuser_request *vu_server_request_end(struct vuser_server *server)
{
	struct vu_callback *callback = server->callback;

	server->callback = callback->outer;
	return callback->request;
}

int vu_server_request_suspend(struct vuser_server *server,
			      struct vuser_request *request, vu_cmd_step step)
{
	request->cmd = *server->cmd;
	request->step = step;
	request->resume = resume;
	if (is_posted(&request->cmd))
		server->nr_posted++;
	return VU_LATER;
}

/*
 * Whether the command of an answered request can be resumed. If the callback that has
 * deferred its answer still runs, the command is not suspended yet.
 */
static bool can_resume(const struct vuser_request *request, bool accesses)
{
	return request->resume && (!accesses || request->access);
}

/* Take the first answer out of the list; with @accesses, the first of an access. */
static struct vuser_request *take_answer(struct vu_answers *answers,
					 bool accesses)
{
	struct vuser_request *request, *prev = NULL;

	pthread_mutex_lock(&answers->lock);
	request = answers->first;
	while (request && !can_resume(request, accesses)) {
		prev = request;
		request = request->next;
	}
	if (request) {
		if (prev)
			prev->next = request->next;
		else
			answers->first = request->next;
		if (answers->last == request)
			answers->last = prev;
		answers->refs--;
	}
	pthread_mutex_unlock(&answers->lock);
	return request;
}

void vu_server_request_process(struct vuser_server *server, bool accesses)
{
	struct vuser_request *request;

	while ((request = take_answer(server->answers, accesses))) {
		server->nr_requests--;
		if (is_posted(&request->cmd))
			server->nr_posted--;
		request->resume(server, request);
		request_free(request);
	}
}

/* A buffer for the reply to a read, since other commands use that of the server. */
static bool own_reply(struct vu_cmd *cmd, size_t len)
{
	if (len && !cmd->reply)
		cmd->reply = malloc(len);
	return !len || cmd->reply;
}

struct vuser_request *vuser_server_defer(struct vuser_server *server)
{
	struct vu_callback *callback = server->callback;
	struct vu_answers *answers = server->answers;
	struct vuser_request *request;

	if (!callback || callback->request || server->freeing)
		return NULL;
	request = calloc(1, sizeof(*request) + callback->count);
	if (!request)
		return NULL;
	if (!own_reply(server->cmd, callback->reply_len)) {
		free(request);
		return NULL;
	}
	request->answers = answers;
	request->access = callback->access;
	request->count = callback->count;
	if (callback->data)
		memcpy(request->data, callback->data, callback->count);
	callback->request = request;
	server->nr_requests++;
	pthread_mutex_lock(&answers->lock);
	answers->refs++;
	pthread_mutex_unlock(&answers->lock);
	return request;
}

void *vuser_request_data(struct vuser_request *request)
{
	return request->access ? request->data : NULL;
}

void vuser_request_done(struct vuser_request *request, int result)
{
	struct vu_answers *answers = request->answers;

	request->result = result;
	pthread_mutex_lock(&answers->lock);
	if (answers->wake_fd < 0) {
		request_free(request);
		put_answers(answers);
		return;
	}
	request->next = NULL;
	if (answers->first)
		answers->last->next = request;
	else
		answers->first = request;
	answers->last = request;
	eventfd_write(answers->wake_fd, 1);
	pthread_mutex_unlock(&answers->lock);
}
