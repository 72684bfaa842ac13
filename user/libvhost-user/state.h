/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of a connection to a back end, which all files share. */
#ifndef VHOST_USER_STATE_H
#define VHOST_USER_STATE_H

#include <vhost-user/backend.h>

#include "wire.h"

/**
 * struct vhost_backend - a connection
 * @opt: copy of the options; its member ops is not used
 * @ops: copy of the callbacks
 * @fd: the socket for requests; -1 without a connection
 * @req_fd: our end of the channel of the back end, or -1
 * @rx: the answer that is being received
 * @req_rx: the request of the back end that is being received
 * @ready: negotiation is complete, so the end of the connection calls lost()
 * @waiting: a request waits for its answer
 * @serving: a callback runs for a request of the back end
 * @connection: number of the connection, which changes when it ends
 * @channel: number of the channel, which changes when it is replaced
 * @features: device features that the back end offers
 * @acked: device features of SET_FEATURES
 * @offered: protocol features that the back end offers
 * @protocol: negotiated protocol features
 * @queues: answer to GET_QUEUE_NUM
 * @slots: answer to GET_MAX_MEM_SLOTS
 * @error: text of the last error
 */
struct vhost_backend {
	struct vhost_backend_options opt;
	struct vhost_backend_ops ops;
	int fd;
	int req_fd;
	struct vhu_wire_rx rx;
	struct vhu_wire_rx req_rx;
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

/* How to wait for the back end, from now on. */
struct vhu_wire_wait vhu_state_wait(const struct vhost_backend *b);

#endif /* VHOST_USER_STATE_H */
