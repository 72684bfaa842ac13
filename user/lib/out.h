/* SPDX-License-Identifier: BSD-3-Clause */
/* Sending a message in steps. */
#ifndef VUSER_OUT_H
#define VUSER_OUT_H

#include <stdbool.h>

#include <vuser/sock.h>

#define VU_OUT_IOVS 3

/**
 * struct vu_out - a message on its way out
 * @hdr: copy of the header
 * @iov: what is left, the header first; changes as pieces go
 * @next: first piece that is not gone
 * @iovcnt: entries of @iov
 * @fds: go along with the first byte; the caller's
 * @nr_fds: 0 once they are gone
 * @started: part of it has gone: the rest must follow
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

int vu_out_init(struct vu_out *out, const struct vfio_user_header *hdr,
		const struct iovec *iov, int iovcnt, const int *fds,
		uint32_t nr_fds);
/* Never waits: 0 when all is gone, -EAGAIN, or another errno of sendmsg(2). */
int vu_out_step(int fd, struct vu_out *out);

#endif /* VUSER_OUT_H */
