/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of vhost-user on a socket. */
#ifndef VHOST_USER_WIRE_H
#define VHOST_USER_WIRE_H

#include <poll.h>
#include <vhost-user/proto.h>

/**
 * struct vhu_wire_rx - a message that is being received
 * @buf: the header and the payload
 * @got: bytes received
 * @fds: the file descriptors received; -1: taken
 * @nr_fds: entries of @fds
 */
struct vhu_wire_rx {
	uint8_t buf[sizeof(struct vhost_user_header) +
		    sizeof(union vhost_user_payload)];
	size_t got;
	int fds[VHOST_USER_MAX_FDS];
	uint32_t nr_fds;
};

/* Discard the message and close its file descriptors. */
void vhu_wire_clear(struct vhu_wire_rx *rx);

/*
 * Receive what has arrived of a message, without waiting. Return: 0 when the
 * message is complete; -EAGAIN; -ENODATA when the peer closed the socket between
 * messages; -EPROTO, with the rule that is broken in *@rule; or an errno of
 * recvmsg(2).
 */
int vhu_wire_recv(int fd, struct vhu_wire_rx *rx, enum vhost_user_kind kind,
		  const char **rule);

/*
 * Receive what has arrived of the payload of a message whose header is in @rx, and which
 * may be a request that does not exist. Returns as vhu_wire_recv().
 */
int vhu_wire_recv_payload(int fd, struct vhu_wire_rx *rx, const char **rule);

/**
 * struct vhu_wire_wait - how to wait
 * @wait: as wait() of struct vhost_backend_ops, or NULL
 * @data: for @wait
 * @begin: now, as vu_deadline_after(0)
 * @deadline: of vu_deadline_after()
 */
struct vhu_wire_wait {
	int (*wait)(void *data, struct pollfd *fds, unsigned int nr,
		    int timeout_ms);
	void *data;
	int64_t begin;
	int64_t deadline;
};

/* Wait until one of @fds is ready. Return: 0; -ETIMEDOUT; or another errno. */
int vhu_wire_poll(const struct vhu_wire_wait *wait, struct pollfd *fds,
		  unsigned int nr);

/* Send a message; waits for room until @deadline of vu_deadline_after(). */
int vhu_wire_send(int fd, const struct vhost_user_msg *msg, const int *fds,
		  uint32_t nr_fds, int64_t deadline);

/* Send a message; waits for room as @wait says. */
int vhu_wire_send_wait(int fd, const struct vhost_user_msg *msg, const int *fds,
		       uint32_t nr_fds, const struct vhu_wire_wait *wait);

#endif /* VHOST_USER_WIRE_H */
