/* SPDX-License-Identifier: GPL-2.0 */
/* A vhost-user back-end in a thread, which answers as a test tells it. */
#ifndef TEST_VHOST_FAKE_H
#define TEST_VHOST_FAKE_H

#include <pthread.h>
#include <stdbool.h>

#include <vhost-user/backend.h>

#define FAKE_SLOTS  32
#define FAKE_QUEUES 4

/* What becomes of a request. */
enum fake_deed {
	FAKE_DEFAULT, /* answered as a good back-end would */
	FAKE_SEND, /* the hook has set fake->reply, ->reply_fd */
	FAKE_NOTHING, /* not answered, or the hook has done it */
	FAKE_HANG_UP,
};

/**
 * struct fake - the back-end
 * @fd: its socket
 * @thread: runs it
 * @features: what GET_FEATURES says
 * @protocol: what GET_PROTOCOL_FEATURES says
 * @hook: of a test, called in the thread for each request
 * @data: for @hook
 * @msg: the last request; stable when the front-end has its answer
 * @fds: that came with it
 * @nr_fds: number of them
 * @reply: the answer to send
 * @reply_fd: with it, -1 for none; closed afterwards
 * @count: requests so far
 * @seen: requests of each kind
 * @postcopy: POSTCOPY_LISTEN came: memory is answered with its bases
 * @channel: to the front-end, -1 before SET_BACKEND_REQ_FD
 * @rule: that the front-end broke, or NULL
 */
struct fake {
	int fd;
	pthread_t thread;
	uint64_t features;
	uint64_t protocol;
	enum fake_deed (*hook)(struct fake *fake);
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

/* Bases after POSTCOPY_LISTEN are so much above the user addresses. */
#define FAKE_BASE 0x7000000000

/* Set up, with all features; returns the front-end's socket. */
int fake_init(struct fake *fake);
/* Go; the fields above may have been changed before. */
void fake_start(struct fake *fake);
/* Wait for its end, which is the end of the connection, and tidy up. */
void fake_stop(struct fake *fake);

/* Send @len bytes and @fd (-1: none) as they are. */
void fake_raw(int sock, const void *buf, size_t len, int fd);

/* On the channel: send a request; receive an answer within a second. */
void fake_ask(int channel, struct vhost_user_msg *msg, int fd);
int fake_answer(int channel, const struct vhost_user_msg *asked,
		struct vhost_user_msg *answer, int *fd);

/* Whether two fds are the same file. */
bool same_file(int a, int b);

#endif /* TEST_VHOST_FAKE_H */
