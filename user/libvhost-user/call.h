/* SPDX-License-Identifier: BSD-3-Clause */
/* Send a request to the back end and wait for the answer. */
#ifndef VHOST_USER_CALL_H
#define VHOST_USER_CALL_H

#include "state.h"

/**
 * struct vhu_call - a request and its answer
 * @msg: the request: the caller sets the payload
 * @fds: file descriptors to send
 * @nr_fds: entries of @fds
 * @kind: VHOST_USER_ANSWER or VHOST_USER_POSTCOPY_ANSWER
 * @no_answer: the back end does not answer or acknowledge this request
 * @sync: the back end must have handled the request when vhu_call() returns, also
 *	without REPLY_ACK
 * @deaf: do not serve the channel of the back end while waiting
 * @wait: how to wait for the answer; vhu_call() sets it
 * @answer: result: the answer, if there is one
 * @fd: result: the file descriptor of the answer, which the caller owns; or -1
 */
struct vhu_call {
	struct vhost_user_msg msg;
	const int *fds;
	uint32_t nr_fds;
	enum vhost_user_kind kind;
	bool no_answer;
	bool sync;
	bool deaf;
	struct vhu_wire_wait wait;
	struct vhost_user_msg answer;
	int fd;
};

/* Prepare a request. The caller then sets the payload. */
void vhu_call_init(struct vhu_call *call, enum vhost_user_request request);

/*
 * Send @call, which vhu_call_init() has prepared, and wait for its answer, if
 * it has one. Return: as the requests in <vhost-user/backend.h>; -EREMOTEIO
 * also when the acknowledgement reports an error.
 */
int vhu_call(struct vhost_backend *b, struct vhu_call *call);

/* As vhu_call(), for a request without a payload. */
int vhu_call_none(struct vhost_backend *b, enum vhost_user_request request);
/* As vhu_call(), for a request whose payload is a number. */
int vhu_call_set(struct vhost_backend *b, enum vhost_user_request request,
		 uint64_t value);
/* As vhu_call(), for a request whose answer is a number. */
int vhu_call_get(struct vhost_backend *b, enum vhost_user_request request,
		 uint64_t *value);
/* As vhu_call(), for a request with a file descriptor and without a payload. */
int vhu_call_fd(struct vhost_backend *b, enum vhost_user_request request,
		int fd);

#endif /* VHOST_USER_CALL_H */
