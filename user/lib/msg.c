// SPDX-License-Identifier: BSD-3-Clause
/* Receive and send single messages with their file descriptors. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <vuser/sock.h>

#include "../libbase/deadline.h"
#include "../libbase/fd.h"
#include "../libbase/stream.h"
#include "out.h"

void vuser_msg_init(struct vuser_msg *msg)
{
	msg->payload = NULL;
	msg->len = 0;
	msg->nr_fds = 0;
	msg->got = 0;
}

static void close_fds(struct vuser_msg *msg)
{
	uint32_t i;

	for (i = 0; i < msg->nr_fds; i++)
		vu_fd_close(msg->fds[i]);
	msg->nr_fds = 0;
}

void vuser_msg_clear(struct vuser_msg *msg)
{
	close_fds(msg);
	free(msg->payload);
	vuser_msg_init(msg);
}

int vuser_msg_take_fd(struct vuser_msg *msg, uint32_t index)
{
	int fd;

	if (index >= msg->nr_fds || msg->fds[index] < 0)
		return -EINVAL;
	fd = msg->fds[index];
	msg->fds[index] = -1;
	return fd;
}

/* Receive up to @len bytes, and file descriptors. */
static ssize_t recv_some(int fd, struct vuser_msg *msg, void *buf, size_t len,
			 uint32_t max_fds)
{
	struct vu_stream_fds fds = { .fds = msg->fds,
				     .nr = msg->nr_fds,
				     .max = VUSER_MAX_MSG_FDS };
	/*
	 * Take also more than @max_fds. The kernel would drop those without room
	 * here and now, which may take long.
	 */
	ssize_t got = vu_stream_recv(fd, buf, len, &fds);

	msg->nr_fds = fds.nr;
	if (got >= 0 && msg->nr_fds > max_fds)
		return -EMFILE;
	if (!got)
		return msg->got ? -ECONNRESET : -ENODATA;
	if (got > 0)
		msg->got += got;
	return got;
}

static int start_payload(struct vuser_msg *msg, size_t max_size)
{
	int ret = vuser_decode_header(&msg->hdr, max_size, &msg->hdr);

	if (ret)
		return ret;
	msg->len = msg->hdr.msg_size - sizeof(msg->hdr);
	if (!msg->len)
		return 0;
	msg->payload = malloc(msg->len);
	return msg->payload ? 0 : -ENOMEM;
}

static int recv_message(int fd, struct vuser_msg *msg, size_t max_size,
			uint32_t max_fds)
{
	const size_t head = sizeof(msg->hdr);
	ssize_t ret;

	while (msg->got < head) {
		ret = recv_some(fd, msg, (char *)&msg->hdr + msg->got,
				head - msg->got, max_fds);
		if (ret < 0)
			return ret;
		if (msg->got == head) {
			ret = start_payload(msg, max_size);
			if (ret)
				return ret;
		}
	}
	while (msg->got < head + msg->len) {
		ret = recv_some(fd, msg, (char *)msg->payload + msg->got - head,
				head + msg->len - msg->got, max_fds);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int vuser_msg_recv(int fd, struct vuser_msg *msg, size_t max_size,
		   uint32_t max_fds)
{
	int ret = recv_message(fd, msg, max_size, max_fds);

	if (ret && ret != -EAGAIN)
		vuser_msg_clear(msg);
	return ret;
}

int vuser_msg_wait(int fd, struct vuser_msg *msg, size_t max_size,
		   uint32_t max_fds, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t deadline = vu_deadline_after(timeout_ms);
	int ret;

	for (;;) {
		ret = vuser_msg_recv(fd, msg, max_size, max_fds);
		if (ret != -EAGAIN)
			return ret;
		ret = vu_deadline_poll(&pfd, 1, deadline);
		if (ret) {
			vuser_msg_clear(msg);
			return ret;
		}
	}
}

int vuser_msg_send(int fd, struct vfio_user_header *hdr,
		   const struct iovec *iov, int iovcnt, const int *fds,
		   uint32_t nr_fds, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	int64_t deadline = vu_deadline_after(timeout_ms);
	struct vu_out out;
	int ret = vu_out_init(&out, hdr, iov, iovcnt, fds, nr_fds);

	if (ret)
		return ret;
	hdr->msg_size = out.hdr.msg_size;
	for (;;) {
		ret = vu_out_step(fd, &out);
		if (ret != -EAGAIN || (!timeout_ms && !out.started))
			return ret;
		ret = vu_deadline_poll(&pfd, 1, deadline);
		if (ret)
			return ret;
	}
}
