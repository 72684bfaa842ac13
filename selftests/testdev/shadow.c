// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include <vuser/sock.h>

#include "shadow.h"
#include "testdev.h"

int shadow_send(int fd, struct vuser_msg *msg)
{
	const struct vfio_user_region_io_fds *in = msg->payload;
	struct vfio_user_io_fd_shadow io_fds[TESTDEV_NR_DOORBELLS] = { 0 };
	struct vfio_user_region_io_fds head = *in;
	struct iovec iov[2] = { { &head, sizeof(head) },
				{ .iov_base = io_fds } };
	uint32_t i;

	if (in->count > TESTDEV_NR_DOORBELLS)
		abort();
	for (i = 0; i < in->count; i++)
		io_fds[i] = (struct vfio_user_io_fd_shadow) {
			.offset = in->io_fds[i].offset,
			.size = in->io_fds[i].size,
			.fd_index = in->io_fds[i].fd_index,
			.type = i ? in->io_fds[i].type :
				    VFIO_USER_IO_FD_TYPE_IOEVENTFD_SHADOW,
			.flags = in->io_fds[i].flags,
			.shadow_mem_fd_index = in->io_fds[i].fd_index,
			.data = in->io_fds[i].data,
		};
	iov[1].iov_len = in->count * sizeof(io_fds[0]);
	head.argsz = sizeof(head) + iov[1].iov_len;
	return vuser_msg_send(fd, &msg->hdr, iov, 2, msg->fds, msg->nr_fds, -1);
}
