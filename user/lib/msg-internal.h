/* SPDX-License-Identifier: GPL-2.0 */
/* Sending in steps, and time; shared by what sits on the framing. */
#ifndef VUSER_MSG_INTERNAL_H
#define VUSER_MSG_INTERNAL_H

#include <poll.h>
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

/**
 * struct vu_fds - file descriptors as they come in
 * @fds: room for @max of them
 * @nr: of them are there
 * @max: at most 253, which is what Linux passes at once
 */
struct vu_fds {
	int *fds;
	uint32_t nr;
	uint32_t max;
};

#define VU_MAX_RIGHTS 253

/*
 * Receive up to @len bytes, and any fds, which are added to @fds.  Never waits.
 * Returns what came, 0 at the end; -EAGAIN; -EMFILE when there were more fds
 * than there is room for; or another errno of recvmsg(2).
 */
ssize_t vu_recv(int sock, void *buf, size_t len, struct vu_fds *fds);
/* Send what there is room for, and the fds with the first byte. */
ssize_t vu_send(int sock, struct iovec *iov, int iovcnt, const int *fds,
		uint32_t nr_fds);

/* Monotonic milliseconds; a deadline of -1 never comes. */
int64_t vu_now_ms(void);
int64_t vu_deadline(int timeout_ms);
int vu_remaining(int64_t deadline);
int vu_poll(struct pollfd *fds, nfds_t nr, int64_t deadline);

#endif /* VUSER_MSG_INTERNAL_H */
