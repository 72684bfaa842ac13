/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of a connection to a back end, which all files share. */
#ifndef VHOST_USER_STATE_H
#define VHOST_USER_STATE_H

#include <vhost-user/backend.h>

#include "wire.h"

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

#endif /* VHOST_USER_STATE_H */
