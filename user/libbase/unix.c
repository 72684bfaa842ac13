// SPDX-License-Identifier: BSD-3-Clause
/* Connect to a UNIX stream socket, or listen on one. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "unix.h"

static int set_path(struct sockaddr_un *addr, const char *path)
{
	size_t len = strlen(path);

	if (!len)
		return -EINVAL;
	if (len >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	memcpy(addr->sun_path, path, len);
	return 0;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int vu_unix_connect(const char *path)
{
	struct sockaddr_un addr;
	int fd, ret;

	ret = set_path(&addr, path);
	if (ret)
		return ret;
	fd = new_socket();
	if (fd < 0)
		return fd;
	/* On a UNIX socket connect(2) never returns EINPROGRESS. */
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/* Remove a socket file on which no process listens. */
static int remove_stale(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = vu_unix_connect(path);
	if (fd >= 0)
		close(fd);
	/* If the queue is full (EAGAIN), a process listens, too. */
	if (fd != -ECONNREFUSED)
		return fd == -ENOENT ? 0 : -EADDRINUSE;
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

int vu_unix_listen(const char *path)
{
	struct sockaddr_un addr;
	int fd, ret;

	ret = set_path(&addr, path);
	if (ret)
		return ret;
	ret = remove_stale(path);
	if (ret)
		return ret;
	fd = new_socket();
	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, SOMAXCONN)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}
