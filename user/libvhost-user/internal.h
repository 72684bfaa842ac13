/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the vhost-user front-end share. */
#ifndef VUSER_VHOST_INTERNAL_H
#define VUSER_VHOST_INTERNAL_H

#include <vhost-user/backend.h>

/**
 * struct vhost_rx - a message on its way in
 * @buf: header and payload as they come
 * @got: bytes of it
 * @fds: the first @nr_fds are open or -1
 * @nr_fds: number of them
 */
struct vhost_rx {
	uint8_t buf[sizeof(struct vhost_user_header) +
		    sizeof(union vhost_user_payload)];
	size_t got;
	int fds[VHOST_USER_MAX_FDS];
	uint32_t nr_fds;
};

/**
 * struct vhost_backend - a connection
 * @opt: as given; @ops is not used
 * @ops: copy of the callbacks
 * @fd: of requests, -1 without a connection
 * @req_fd: our end of the back-end's channel, or -1
 * @rx: an answer on its way
 * @req_rx: a request of the back-end on its way
 * @ready: negotiated: lost() tells of the end
 * @waiting: a request waits for its answer
 * @serving: a request of the back-end is with a callback
 * @connection: counts connections
 * @channel: counts the back-end's channels
 * @features: offered
 * @acked: SET_FEATURES
 * @offered: protocol features
 * @protocol: protocol features negotiated
 * @queues: of GET_QUEUE_NUM
 * @slots: of GET_MAX_MEM_SLOTS
 * @error: for a person
 */
struct vhost_backend {
	struct vhost_backend_options opt;
	struct vhost_backend_ops ops;
	int fd;
	int req_fd;
	struct vhost_rx rx;
	struct vhost_rx req_rx;
	bool ready;
	bool waiting;
	bool serving;
	unsigned int connection;
	unsigned int channel;
	uint64_t features;
	uint64_t acked;
	uint64_t offered;
	uint64_t protocol;
	uint64_t queues;
	uint64_t slots;
	char error[256];
};

/**
 * struct vhost_call - a request and its answer
 * @msg: the request; its rest is filled in
 * @fds: that go along
 * @nr_fds: number of them
 * @kind: VHOST_USER_ANSWER, or VHOST_USER_POSTCOPY_ANSWER
 * @no_answer: nobody answers this one
 * @deaf: do not serve the back-end's channel meanwhile
 * @answer: the answer, if there was one
 * @fd: that came with it, then the caller's, or -1
 */
struct vhost_call {
	struct vhost_user_msg msg;
	const int *fds;
	uint32_t nr_fds;
	enum vhost_user_kind kind;
	bool no_answer;
	bool deaf;
	struct vhost_user_msg answer;
	int fd;
};

/* Set the error string; returns @err. */
int vhost_error(struct vhost_backend *b, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, and the connection ends with it. */
int vhost_fail(struct vhost_backend *b, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Hang up without a word. */
void vhost_hang_up(struct vhost_backend *b);

/*
 * Send @call and wait for its answer, if it has one.  Acknowledgements are
 * judged here; returns as in vhost.h.  Start with vhost_call_init().
 */
int vhost_call(struct vhost_backend *b, struct vhost_call *call);
void vhost_call_init(struct vhost_call *call, enum vhost_user_request request);

/* Messages over a socket. */
void vhost_rx_clear(struct vhost_rx *rx);
/* Never waits: 0 when it is whole, -EAGAIN, -ENODATA at the end, -EPROTO. */
int vhost_rx_step(int fd, struct vhost_rx *rx, enum vhost_user_kind kind,
		  const char **rule);
int vhost_send(int fd, const struct vhost_user_msg *msg, const int *fds,
	       uint32_t nr_fds, int64_t deadline);

/* Serve what is on the back-end's channel; 0, or the error of the end. */
int vhost_channel_serve(struct vhost_backend *b);
/* Make one and tell the back-end. */
int vhost_channel_new(struct vhost_backend *b);

#endif /* VUSER_VHOST_INTERNAL_H */
