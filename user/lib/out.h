/* SPDX-License-Identifier: BSD-3-Clause */
/* Send a message in steps, without waiting. */
#ifndef VUSER_OUT_H
#define VUSER_OUT_H

#include <stdbool.h>

#include <vuser/sock.h>

#define VU_OUT_IOVS 3

/**
 * struct vu_out - a message that is being sent
 * @hdr: copy of the header
 * @iov: the parts of the message, the header first; changed while it is sent
 * @next: index of the first part that is not sent completely
 * @iovcnt: entries of @iov
 * @fds: file descriptors, sent with the first byte; the caller owns them
 * @nr_fds: entries of @fds; 0 when they are sent
 * @started: a part of the message is sent, so the rest must be sent, too
 */
struct vu_out {
	struct vfio_user_header hdr;
	struct iovec iov[VU_OUT_IOVS + 1];
	int next;
	int iovcnt;
	const int *fds;
	uint32_t nr_fds;
	bool started;
};

/* Start a message. Return: 0; -EINVAL for too many parts or fds; -EMSGSIZE. */
int vu_out_init(struct vu_out *out, const struct vfio_user_header *hdr,
		const struct iovec *iov, int iovcnt, const int *fds,
		uint32_t nr_fds);
/*
 * Send as much as the socket has room for. Return: 0 when all is sent; -EAGAIN;
 * or another errno of sendmsg(2).
 */
int vu_out_step(int fd, struct vu_out *out);

#endif /* VUSER_OUT_H */
