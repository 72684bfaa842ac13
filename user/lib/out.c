// SPDX-License-Identifier: BSD-3-Clause
/* Send a message in steps, without waiting. */
#include <errno.h>

#include "../libbase/stream.h"
#include "out.h"

int vu_out_init(struct vu_out *out, const struct vfio_user_header *hdr,
		const struct iovec *iov, int iovcnt, const int *fds,
		uint32_t nr_fds)
{
	uint64_t size = sizeof(out->hdr);
	int i;

	if (iovcnt > VU_OUT_IOVS || nr_fds > VUSER_MAX_MSG_FDS)
		return -EINVAL;
	out->hdr = *hdr;
	out->iov[0].iov_base = &out->hdr;
	out->iov[0].iov_len = sizeof(out->hdr);
	for (i = 0; i < iovcnt; i++) {
		out->iov[i + 1] = iov[i];
		size += iov[i].iov_len;
	}
	if (size > UINT32_MAX)
		return -EMSGSIZE;
	out->hdr.msg_size = size;
	out->next = 0;
	out->iovcnt = iovcnt + 1;
	out->fds = fds;
	out->nr_fds = nr_fds;
	out->started = false;
	return 0;
}

/* Advance by @len bytes, which were sent. */
static void advance(struct vu_out *out, size_t len)
{
	struct iovec *iov;

	out->started = true;
	out->nr_fds = 0;
	while (out->next < out->iovcnt) {
		iov = &out->iov[out->next];
		if (len < iov->iov_len) {
			iov->iov_base = (char *)iov->iov_base + len;
			iov->iov_len -= len;
			return;
		}
		len -= iov->iov_len;
		out->next++;
	}
}

int vu_out_step(int fd, struct vu_out *out)
{
	ssize_t sent;

	while (out->next < out->iovcnt) {
		sent = vu_stream_send(fd, &out->iov[out->next],
				      out->iovcnt - out->next, out->fds,
				      out->nr_fds);
		if (sent < 0)
			return sent;
		advance(out, sent);
	}
	return 0;
}
