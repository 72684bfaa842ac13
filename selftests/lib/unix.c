// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "unix.h"

int unix_listen(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	unlink(path);
	if (!bind(fd, (struct sockaddr *)&addr, sizeof(addr)) && !listen(fd, 8))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

int unix_send_files(int sock, const void *buf, size_t len, int file,
		    unsigned int nr)
{
	union {
		char room[CMSG_SPACE(UNIX_MAX_FILES * sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct iovec iov = { (void *)buf, len };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(nr * sizeof(int)),
	};
	int *files = (int *)CMSG_DATA(&control.align);
	unsigned int i;

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(nr * sizeof(int));
	for (i = 0; i < nr; i++)
		files[i] = file;
	return sendmsg(sock, &mh, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
