/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: vfio-user messages on a UNIX stream socket.
 *
 * Sends and receives single messages with their file descriptors. No function reads
 * beyond the end of the current message, so between two messages a program can pass
 * the socket to another process. Received file descriptors are close-on-exec.
 */
#ifndef VUSER_SOCK_H
#define VUSER_SOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <vuser/proto.h>
#include <vuser/vfio_user.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * vuser_sock_connect - connect to a server without waiting
 * @path: path of its socket file, less than PATH_MAX bytes. For more than 107 bytes,
 *        /proc must be mounted
 *
 * Return: a non-blocking, close-on-exec socket; -EAGAIN when the queue of the
 * server's socket is full; -EINVAL for an empty path; -ENAMETOOLONG; or another
 * errno of connect(2).
 */
int vuser_sock_connect(const char *path);

/**
 * vuser_sock_listen - create a listening UNIX socket
 * @path: path of the socket file, less than PATH_MAX bytes; a socket file on which no
 *        process listens is replaced. For more than 107 bytes, /proc must be mounted,
 *        the last name in the path has at most 82 bytes, and getsockname(2) returns a
 *        path below /proc/self/fd
 *
 * Return: a non-blocking, close-on-exec socket; -EADDRINUSE when a process listens
 * there or the file is not a socket; -EINVAL for an empty path; -ENAMETOOLONG; or
 * another errno of bind(2).
 */
int vuser_sock_listen(const char *path);

/**
 * struct vuser_msg - a message that is received, completely or in part
 * @hdr: the header, checked by vuser_decode_header()
 * @payload: @len bytes, aligned for all types; NULL when @len is 0
 * @len: length of the payload, bytes
 * @nr_fds: entries of @fds
 * @fds: owned by the message; -1 after vuser_msg_take_fd()
 * @got: bytes received so far, with the header
 */
struct vuser_msg {
	struct vfio_user_header hdr;
	void *payload;
	size_t len;
	uint32_t nr_fds;
	int fds[VUSER_MAX_MSG_FDS];
	size_t got;
};

/**
 * vuser_msg_init - make an empty message for vuser_msg_recv()
 * @msg: result
 */
void vuser_msg_init(struct vuser_msg *msg);

/**
 * vuser_msg_clear - free the payload, close the file descriptors
 * @msg: the message, empty afterwards and ready for vuser_msg_recv()
 */
void vuser_msg_clear(struct vuser_msg *msg);

/**
 * vuser_msg_take_fd - take a file descriptor out of a message
 * @msg: the message
 * @index: of the file descriptor
 *
 * Return: the file descriptor, which the caller owns now; -EINVAL when there is none
 * at @index.
 */
int vuser_msg_take_fd(struct vuser_msg *msg, uint32_t index);

/**
 * vuser_msg_recv - receive what has arrived of a message, without waiting
 * @fd: connected socket, blocking or not
 * @msg: empty, or partly received by an earlier call that returned -EAGAIN
 * @max_size: largest message to accept, with the header, bytes
 * @max_fds: file descriptors to accept with a message
 *
 * Return: 0 when the message is complete; -EAGAIN when the rest has not arrived;
 * -ENODATA when the peer closed the socket between messages; -ECONNRESET when it
 * closed the socket inside a message; -EMSGSIZE and -EINVAL of
 * vuser_decode_header(); -EMFILE for too many file descriptors, all of which are
 * closed; -ENOMEM; or another errno of recvmsg(2). After all errors except -EAGAIN
 * the message is empty and the socket cannot be used any more.
 */
int vuser_msg_recv(int fd, struct vuser_msg *msg, size_t max_size,
		   uint32_t max_fds);

/**
 * vuser_msg_wait - wait for a message and receive it
 * @fd: as for vuser_msg_recv()
 * @msg: as for vuser_msg_recv()
 * @max_size: as for vuser_msg_recv()
 * @max_fds: as for vuser_msg_recv()
 * @timeout_ms: -1 for no limit
 *
 * Return: as vuser_msg_recv(), with -ETIMEDOUT in place of -EAGAIN.
 */
int vuser_msg_wait(int fd, struct vuser_msg *msg, size_t max_size,
		   uint32_t max_fds, int timeout_ms);

/**
 * vuser_msg_send - send a message
 * @fd: connected socket
 * @hdr: the header; msg_size is a result
 * @iov: parts of the payload
 * @iovcnt: entries of @iov, 3 at most
 * @fds: file descriptors to send; the caller keeps them
 * @nr_fds: entries of @fds
 * @timeout_ms: time to wait for room in the socket; 0: do not wait; -1: no limit
 *
 * Return: 0; -EAGAIN when @timeout_ms is 0 and nothing was sent because the socket
 * has no room; -ETIMEDOUT; -EPIPE, without SIGPIPE; or another errno of sendmsg(2).
 * After all errors except -EAGAIN the socket cannot be used any more.
 */
int vuser_msg_send(int fd, struct vfio_user_header *hdr,
		   const struct iovec *iov, int iovcnt, const int *fds,
		   uint32_t nr_fds, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_SOCK_H */
