// SPDX-License-Identifier: BSD-3-Clause
/* Messages of vhost-user on a socket. */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "../libbase/deadline.h"
#include "../libbase/fd.h"
#include "../libbase/stream.h"
#include "wire.h"

#define HEADER sizeof(struct vhost_user_header)

void vhu_wire_clear(struct vhu_wire_rx *rx)
{
	uint32_t i;

	for (i = 0; i < rx->nr_fds; i++)
		vu_fd_close(rx->fds[i]);
	rx->nr_fds = 0;
	rx->got = 0;
}

/* Receive until @rx has @end bytes. */
static int recv_until(int fd, struct vhu_wire_rx *rx, size_t end,
		      const char **rule)
{
	struct vu_stream_fds fds = { rx->fds, rx->nr_fds, VHOST_USER_MAX_FDS };
	ssize_t got;

	while (rx->got < end) {
		got = vu_stream_recv(fd, rx->buf + rx->got, end - rx->got,
				     &fds);
		rx->nr_fds = fds.nr;
		if (got == -EMFILE) {
			*rule = "there are too many file descriptors";
			return -EPROTO;
		}
		if (got < 0)
			return got;
		if (!got && rx->got) {
			*rule = "the connection ends inside the message";
			return -EPROTO;
		}
		if (!got)
			return -ENODATA;
		rx->got += got;
	}
	return 0;
}

int vhu_wire_recv_payload(int fd, struct vhu_wire_rx *rx, const char **rule)
{
	struct vhost_user_header hdr;

	memcpy(&hdr, rx->buf, sizeof(hdr));
	if (hdr.size > sizeof(rx->buf) - HEADER) {
		*rule = "it is too large";
		return -EPROTO;
	}
	return recv_until(fd, rx, HEADER + hdr.size, rule);
}

int vhu_wire_recv(int fd, struct vhu_wire_rx *rx, enum vhost_user_kind kind,
		  const char **rule)
{
	struct vhost_user_header hdr;
	int ret;

	ret = recv_until(fd, rx, HEADER, rule);
	if (!ret)
		ret = vhost_user_decode_header(kind, rx->buf, &hdr, rule);
	if (!ret)
		ret = vhu_wire_recv_payload(fd, rx, rule);
	return ret;
}

int vhu_wire_poll(const struct vhu_wire_wait *wait, struct pollfd *fds,
		  unsigned int nr)
{
	int left;

	if (!wait->wait)
		return vu_deadline_poll(fds, nr, wait->deadline);
	left = vu_deadline_left(wait->deadline);
	return left ? wait->wait(wait->data, fds, nr, left) : -ETIMEDOUT;
}

int vhu_wire_send(int fd, const struct vhost_user_msg *msg, const int *fds,
		  uint32_t nr_fds, int64_t deadline)
{
	const struct vhu_wire_wait wait = { .deadline = deadline };

	return vhu_wire_send_wait(fd, msg, fds, nr_fds, &wait);
}

int vhu_wire_send_wait(int fd, const struct vhost_user_msg *msg, const int *fds,
		       uint32_t nr_fds, const struct vhu_wire_wait *wait)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	struct iovec iov[2] = {
		{ (void *)&msg->hdr, HEADER },
		{ (void *)&msg->payload, msg->hdr.size },
	};
	size_t left = HEADER + msg->hdr.size, first;
	ssize_t sent;
	int ret;

	while (left) {
		sent = vu_stream_send(fd, iov, 2, fds, nr_fds);
		if (sent == -EAGAIN) {
			ret = vhu_wire_poll(wait, &pfd, 1);
			if (ret)
				return ret;
			continue;
		}
		if (sent < 0)
			return sent;
		nr_fds = 0;
		left -= sent;
		first = (size_t)sent < iov[0].iov_len ? (size_t)sent :
							iov[0].iov_len;
		iov[0].iov_base = (char *)iov[0].iov_base + first;
		iov[0].iov_len -= first;
		iov[1].iov_base = (char *)iov[1].iov_base + sent - first;
		iov[1].iov_len -= sent - first;
	}
	return 0;
}
