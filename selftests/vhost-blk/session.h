/* SPDX-License-Identifier: GPL-2.0 */
/* A front end and its settings. */
#ifndef VHOST_BLK_SESSION_H
#define VHOST_BLK_SESSION_H

#include "queue.h"

#define SESSION_QUEUES 16

/**
 * struct session_options - options of the command line
 * @queues: number of queues
 * @backwards: see struct queue
 * @no_inflight: do not offer INFLIGHT_SHMFD
 */
struct session_options {
	uint16_t queues;
	bool backwards;
	bool no_inflight;
};

/**
 * struct session - the state of a connection
 * @opt: the options
 * @fd: the socket
 * @memory: the front end's memory
 * @disk: the disk
 * @queues: opt->queues of them
 * @features: acknowledged features
 * @protocol: protocol features in use
 * @status: virtio device status
 * @inflight: description of the in-flight memory
 * @inflight_map: the in-flight memory, NULL if none
 */
struct session {
	const struct session_options *opt;
	int fd;
	struct memory memory;
	struct disk *disk;
	struct queue queues[SESSION_QUEUES];
	uint64_t features;
	uint64_t protocol;
	uint8_t status;
	struct vhost_user_inflight inflight;
	void *inflight_map;
};

/* Serve a connected socket until it is closed; return 0 or -errno. */
int session_run(const struct session_options *opt, struct disk *disk, int fd);

/**
 * struct exchange - a request and its reply
 * @msg: the request
 * @fds: file descriptors of the request; -1 for those taken
 * @nr_fds: number of them
 * @reply: payload of a reply that is not an acknowledgement
 * @reply_fd: descriptor to send with the reply, closed afterwards, or -1
 */
struct exchange {
	const struct vhost_user_msg *msg;
	int *fds;
	uint32_t nr_fds;
	struct vhost_user_msg reply;
	int reply_fd;
};

/* Execute a request; return 0 or -errno. */
int session_answer(struct session *s, struct exchange *x);
void session_reset(struct session *s);
void session_drop_inflight(struct session *s);

#endif /* VHOST_BLK_SESSION_H */
