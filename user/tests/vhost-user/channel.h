/* SPDX-License-Identifier: GPL-2.0 */
/* A front end whose back end sends requests on the channel, and its callbacks. */
#ifndef TEST_CHANNEL_H
#define TEST_CHANNEL_H

#include <linux/virtio_config.h>
#include <stdbool.h>
#include <stdint.h>

#include "fake.h"

#define P(name)	     VHOST_USER_PROTOCOL(name)
#define B(name)	     VHOST_USER_BACKEND_##name
#define C(name)	     VHOST_USER_CROSVM_##name
#define PLATFORM_BIT (1ULL << VIRTIO_F_ACCESS_PLATFORM)

/* The arguments of the last callback, and the actions of all of them. */
struct channel_seen {
	unsigned int calls;
	uint32_t request;
	union vhost_user_payload payload;
	bool same;
	int file;
	int result;
	void (*act)(void);
	unsigned int lost;
	unsigned int closed;
	int why;
};

extern struct channel_seen channel_seen;
extern struct fake channel_fake;
extern struct vhost_backend *channel_backend;

/* The time limit of the next channel_start(), ms. */
extern int channel_timeout_ms;

/* Callbacks for all requests, which write down their arguments. */
extern const struct vhost_backend_ops channel_ops;

/* Connect both ends; the back end lacks the protocol features @without. */
void channel_start(uint64_t without, const struct vhost_backend_ops *use);
void channel_stop(void);

/* Return a valid request of the back end. */
struct vhost_user_msg channel_ask(uint32_t request);

/* Whether a request carries a file descriptor. */
bool channel_has_fd(uint32_t request);

/* Send a request on the channel. */
void channel_send(struct vhost_user_msg *msg, int flags);

/* Check that the front end ends the connection, since a @rule was broken. */
void channel_expect_broken(const char *rule);

/* Disconnect; for use as the action of a callback. */
void channel_hang_up(void);

#endif /* TEST_CHANNEL_H */
