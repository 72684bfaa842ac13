// SPDX-License-Identifier: BSD-3-Clause
/* Send and receive bytes with file descriptors on a UNIX stream socket. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "fd.h"
#include "stream.h"

union control {
	char buf[CMSG_SPACE(VU_STREAM_MAX_FDS * sizeof(int))];
	struct cmsghdr align;
};

/* Append the fds of a control message; close those without room. */
static int take_rights(struct vu_stream_fds *fds, const struct cmsghdr *cmsg)
{
	const unsigned char *data = CMSG_DATA(cmsg);
	size_t nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fd, ret = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		if (fds->nr < fds->max) {
			fds->fds[fds->nr++] = fd;
		} else {
			vu_fd_close(fd);
			ret = -EMFILE;
		}
	}
	return ret;
}

ssize_t vu_stream_recv(int sock, void *buf, size_t len,
		       struct vu_stream_fds *fds)
{
	union control control;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	/* The kernel drops the file descriptors without room. */
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen =
			CMSG_SPACE((fds->max - fds->nr) * sizeof(int)),
	};
	struct cmsghdr *cmsg;
	ssize_t got;
	int ret = 0;

	do {
		got = recvmsg(sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	for (cmsg = CMSG_FIRSTHDR(&mh); cmsg; cmsg = CMSG_NXTHDR(&mh, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET &&
		    cmsg->cmsg_type == SCM_RIGHTS)
			ret = take_rights(fds, cmsg) ?: ret;
	if (ret)
		return ret;
	/* The kernel installed fewer than were sent, although there was room. */
	if (mh.msg_flags & MSG_CTRUNC)
		return fds->nr < fds->max ? -ENFILE : -EMFILE;
	return got;
}

ssize_t vu_stream_send(int sock, struct iovec *iov, int iovcnt, const int *fds,
		       uint32_t nr_fds)
{
	union control control;
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = iovcnt };
	size_t len = nr_fds * sizeof(int);
	struct cmsghdr *cmsg;
	ssize_t sent;

	if (nr_fds) {
		memset(&control, 0, CMSG_SPACE(len));
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(len);
		cmsg = CMSG_FIRSTHDR(&mh);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(len);
		memcpy(CMSG_DATA(cmsg), fds, len);
	}
	do {
		sent = sendmsg(sock, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return sent;
}
