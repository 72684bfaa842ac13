/* SPDX-License-Identifier: BSD-3-Clause */
/* Send and receive bytes with file descriptors on a UNIX stream socket. */
#ifndef LIBBASE_STREAM_H
#define LIBBASE_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* SCM_MAX_FD of the kernel: one message cannot carry more. */
#define VU_STREAM_MAX_FDS 253

/**
 * struct vu_stream_fds - file descriptors received so far
 * @fds: array with room for @max file descriptors
 * @nr: entries of @fds that are used
 * @max: VU_STREAM_MAX_FDS at most
 */
struct vu_stream_fds {
	int *fds;
	uint32_t nr;
	uint32_t max;
};

/**
 * vu_stream_recv - receive bytes and file descriptors without waiting
 * @sock: a connected socket
 * @buf: result
 * @len: size of @buf, bytes
 * @fds: received file descriptors are appended; they are close-on-exec
 *
 * Return: the number of bytes received, 0 at the end of the stream; -EAGAIN
 * when nothing has arrived; -EMFILE when the peer sent more file descriptors than
 * @fds has room for; -ENFILE when the process cannot have more file descriptors, which
 * is not an error of the peer; or another errno of recvmsg(2). File descriptors
 * without room are closed.
 */
ssize_t vu_stream_recv(int sock, void *buf, size_t len,
		       struct vu_stream_fds *fds);

/**
 * vu_stream_send - send as much as the socket has room for, without waiting
 * @sock: a connected socket
 * @iov: the data
 * @iovcnt: entries of @iov
 * @fds: file descriptors to send with the first byte; the caller keeps them
 * @nr_fds: entries of @fds, VU_STREAM_MAX_FDS at most
 *
 * Return: the number of bytes sent; -EAGAIN when there is no room; -EPIPE
 * without SIGPIPE; or another errno of sendmsg(2).
 */
ssize_t vu_stream_send(int sock, struct iovec *iov, int iovcnt, const int *fds,
		       uint32_t nr_fds);

#endif /* LIBBASE_STREAM_H */
