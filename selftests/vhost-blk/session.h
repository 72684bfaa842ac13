/* SPDX-License-Identifier: GPL-2.0 */
/* A front-end and what it has set up. */
#ifndef VHOST_BLK_SESSION_H
#define VHOST_BLK_SESSION_H

#include "queue.h"

#define SESSION_QUEUES 16

/**
 * struct session_options - what the command line says
 * @queues: number of them
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
 * @opt: as given
 * @fd: the socket
 * @memory: the front-end's
 * @disk: the disk
 * @queues: opt->queues of them
 * @features: acknowledged
 * @protocol: protocol features in use
 * @status: virtio's
 * @inflight: description of the in-flight memory
 * @inflight_map: it, NULL if there is none
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

/* Serve a connected socket until it ends; 0, or -EPROTO. */
int session_run(const struct session_options *opt, struct disk *disk, int fd);

/**
 * struct exchange - a request and its answer
 * @msg: the request
 * @fds: what came with it; taken ones are -1
 * @nr_fds: number of them
 * @reply: payload of an answer that is not an acknowledgement
 * @reply_fd: to go along, closed afterwards, or -1
 */
struct exchange {
	const struct vhost_user_msg *msg;
	int *fds;
	uint32_t nr_fds;
	struct vhost_user_msg reply;
	int reply_fd;
};

/* Do what is asked: 0 or -errno. */
int session_answer(struct session *s, struct exchange *x);
void session_reset(struct session *s);
void session_drop_inflight(struct session *s);

#endif /* VHOST_BLK_SESSION_H */
