/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: vfio-user messages over a UNIX stream socket.
 *
 * Framing only: one message with its file descriptors in, one out.  Nothing is
 * ever read beyond the message at hand, so a socket can be given to somebody
 * else between two messages.  File descriptors are received close-on-exec.
 */
#ifndef VUSER_SOCK_H
#define VUSER_SOCK_H

#include <vuser/vfio_user.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <vuser/proto.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * vuser_sock_connect - connect to a server without blocking
 * @path: of its UNIX socket
 *
 * Return: a non-blocking, close-on-exec socket; -EAGAIN when the server's queue
 * of connections is full; -ENAMETOOLONG; or another errno of connect(2).
 */
int vuser_sock_connect(const char *path);

/**
 * vuser_sock_listen - a listening UNIX socket at @path
 * @path: a socket file nobody listens on any more is replaced
 *
 * Return: a non-blocking, close-on-exec socket; -EADDRINUSE when somebody does
 * listen or the file is no socket; -ENAMETOOLONG; or another errno.
 */
int vuser_sock_listen(const char *path);

/**
 * struct vuser_msg - a message, received or on its way in
 * @hdr: checked by vuser_decode_header()
 * @payload: @len bytes, aligned for any type; NULL when @len is 0
 * @len: of the payload, bytes
 * @nr_fds: entries of @fds
 * @fds: owned by the message: an entry taken out is replaced by -1
 * @got: bytes received so far, header included
 */
struct vuser_msg {
	struct vfio_user_header hdr;
	void *payload;
	size_t len;
	uint32_t nr_fds;
	int fds[VUSER_MAX_MSG_FDS];
	size_t got;
};

/** vuser_msg_init - an empty message, ready for vuser_msg_recv() */
void vuser_msg_init(struct vuser_msg *msg);

/** vuser_msg_clear - free the payload, close the fds left; ready for reuse */
void vuser_msg_clear(struct vuser_msg *msg);

/**
 * vuser_msg_take_fd - take a file descriptor out of a message
 * @msg: the message
 * @index: of the fd
 *
 * Return: the fd, now the caller's; -EINVAL when there is none at @index.
 */
int vuser_msg_take_fd(struct vuser_msg *msg, uint32_t index);

/**
 * vuser_msg_recv - receive a message, or as much of it as is there
 * @fd: connected socket, blocking or not: this never waits
 * @msg: as left by vuser_msg_init(), vuser_msg_clear() or an earlier -EAGAIN
 * @max_size: largest message taken, header included, bytes
 * @max_fds: with more fds than this the message is refused
 *
 * Return: 0 when the message is whole; -EAGAIN when the rest is still to come;
 * -ENODATA when the peer closed between messages; -ECONNRESET when it closed
 * inside of one; -EMSGSIZE, -EINVAL (vuser_decode_header()); -EMFILE for too
 * many fds, of which none is left open; -ENOMEM; or an errno of recvmsg(2).
 * After any but 0 and -EAGAIN the stream is of no more use.
 */
int vuser_msg_recv(int fd, struct vuser_msg *msg, size_t max_size,
		   uint32_t max_fds);

/**
 * vuser_msg_wait - receive a whole message, waiting for it
 * @fd: as for vuser_msg_recv()
 * @msg: likewise
 * @max_size: likewise
 * @max_fds: likewise
 * @timeout_ms: -1 for no limit
 *
 * Return: as vuser_msg_recv(), with -ETIMEDOUT in place of -EAGAIN.
 */
int vuser_msg_wait(int fd, struct vuser_msg *msg, size_t max_size,
		   uint32_t max_fds, int timeout_ms);

/**
 * vuser_msg_send - send a message
 * @fd: connected socket
 * @hdr: msg_size is filled in
 * @iov: pieces of the payload
 * @iovcnt: number of them, 3 at most
 * @fds: file descriptors to go along, stay the caller's
 * @nr_fds: number of them
 * @timeout_ms: to wait for room in the socket; -1 for no limit; 0: do not wait
 *
 * Return: 0; -EAGAIN when @timeout_ms is 0, there is no room and nothing was
 * sent; -ETIMEDOUT; -EPIPE (no signal is raised); or an errno of sendmsg(2).
 * After any but 0 and -EAGAIN the stream is of no more use.
 */
int vuser_msg_send(int fd, struct vfio_user_header *hdr,
		   const struct iovec *iov, int iovcnt, const int *fds,
		   uint32_t nr_fds, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_SOCK_H */
