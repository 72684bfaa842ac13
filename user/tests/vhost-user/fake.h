/* SPDX-License-Identifier: GPL-2.0 */
/* A scripted vhost-user back end: it runs in a thread and replies as a test says. */
#ifndef TEST_VHOST_FAKE_H
#define TEST_VHOST_FAKE_H

#include <pthread.h>
#include <stdbool.h>

#include <vhost-user/backend.h>

#define FAKE_SLOTS    32
#define FAKE_QUEUES   4
#define FAKE_INFLIGHT 8192 /* bytes of memory for requests in flight */

/* The reaction of the back end to a request. */
enum fake_action {
	FAKE_DEFAULT, /* reply as a correct back end does */
	FAKE_SEND, /* send fake->reply and ->reply_fd, which the hook has set */
	FAKE_NOTHING, /* send nothing; the hook may have replied itself */
	FAKE_HANG_UP, /* close the connection */
};

/**
 * struct fake - the back end
 * @fd: socket of the back end
 * @thread: thread of the back end
 * @features: reply to GET_FEATURES
 * @protocol: reply to GET_PROTOCOL_FEATURES
 * @queues: reply to GET_QUEUE_NUM
 * @slots: reply to GET_MAX_MEM_SLOTS
 * @hook: called in the thread for each request, or NULL
 * @data: for @hook
 * @msg: the last request; stable once the front end has its reply
 * @fds: file descriptors of the last request
 * @nr_fds: number of them
 * @reply: the reply to send
 * @reply_fd: sent with the reply, -1 for none; closed afterwards
 * @count: number of requests
 * @seen: number of requests of each kind
 * @postcopy: POSTCOPY_LISTEN was received: replies to memory requests have addresses
 * @channel: socket for the back end's requests, -1 before SET_BACKEND_REQ_FD
 * @rule: the rule that the front end broke, or NULL
 */
struct fake {
	int fd;
	pthread_t thread;
	uint64_t features;
	uint64_t protocol;
	uint64_t queues;
	uint64_t slots;
	enum fake_action (*hook)(struct fake *fake);
	const void *data;
	struct vhost_user_msg msg;
	int fds[VHOST_USER_MAX_FDS];
	uint32_t nr_fds;
	struct vhost_user_msg reply;
	int reply_fd;
	unsigned int count;
	unsigned int seen[VHOST_USER_MAX];
	bool postcopy;
	int channel;
	const char *rule;
};

/* Added to the user addresses in replies after POSTCOPY_LISTEN. */
#define FAKE_BASE 0x7000000000

/* Set up a back end with all features; return the front end's socket. */
int fake_init(struct fake *fake);
/* Start the thread. Before, the test may change the fields of the back end. */
void fake_start(struct fake *fake);
/* Wait until the front end disconnects, and clean up. */
void fake_stop(struct fake *fake);

/* Send @len bytes and @fd (-1: none) unchanged. */
void fake_raw(int sock, const void *buf, size_t len, int fd);

/* Send a request of the back end on the channel. */
void fake_ask(int channel, struct vhost_user_msg *msg, int fd);
/* Receive the reply to @asked within 20 seconds; return 0 or -errno. */
int fake_answer(int channel, const struct vhost_user_msg *asked,
		struct vhost_user_msg *answer, int *fd);

/* Return whether two fds refer to the same file. */
bool same_file(int a, int b);

#endif /* TEST_VHOST_FAKE_H */
