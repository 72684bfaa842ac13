// SPDX-License-Identifier: BSD-3-Clause
/*
 * Connect to a UNIX stream socket, or listen on one.
 *
 * The address of a UNIX socket has room for a path of 107 bytes. A longer path is
 * replaced by one below /proc/self/fd, which starts at an open descriptor. This works
 * in each thread, unlike chdir().
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "unix.h"

#define ADDRESS_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

/* The longest name that fits after any descriptor, so that the limit is constant. */
#define NAME_LIMIT (ADDRESS_MAX - strlen("/proc/self/fd/2147483647/"))

/**
 * struct place - where a socket is to listen
 * @dir: the directory, opened with O_PATH, or AT_FDCWD
 * @name: the path of the socket file, from @dir
 * @addr: the address of the socket
 */
struct place {
	int dir;
	const char *name;
	struct sockaddr_un addr;
};

static int check_path(const char *path)
{
	size_t len = strlen(path);

	if (!len)
		return -EINVAL;
	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static bool fits(const char *path)
{
	return strlen(path) <= ADDRESS_MAX;
}

/* Set the address to a path that fits. */
static void set_address(struct sockaddr_un *addr, const char *path)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	strcpy(addr->sun_path, path);
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static int connect_address(const struct sockaddr_un *addr)
{
	int ret, fd = new_socket();

	if (fd < 0)
		return fd;
	/* On a UNIX socket connect(2) never returns EINPROGRESS. */
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr))) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

int vu_unix_connect(const char *path)
{
	char self[sizeof("/proc/self/fd/2147483647")];
	struct sockaddr_un addr;
	int ret, fd;

	ret = check_path(path);
	if (ret)
		return ret;
	if (fits(path)) {
		set_address(&addr, path);
		return connect_address(&addr);
	}
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	set_address(&addr, self);
	ret = connect_address(&addr);
	close(fd);
	return ret;
}

/* Open the directory of a path that does not fit. */
static int open_directory(struct place *place, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX] = ".";

	place->name = slash ? slash + 1 : path;
	if (strlen(place->name) > NAME_LIMIT)
		return -ENAMETOOLONG;
	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path + 1),
			 path);
	/* A path that ends with a slash is a directory. */
	if (!*place->name)
		place->name = ".";
	place->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return place->dir < 0 ? -errno : 0;
}

static int place_open(struct place *place, const char *path)
{
	char self[ADDRESS_MAX + 1];
	int ret;

	place->dir = AT_FDCWD;
	ret = check_path(path);
	if (ret)
		return ret;
	if (fits(path)) {
		place->name = path;
		set_address(&place->addr, path);
		return 0;
	}
	ret = open_directory(place, path);
	if (ret)
		return ret;
	snprintf(self, sizeof(self), "/proc/self/fd/%d/%s", place->dir,
		 place->name);
	set_address(&place->addr, self);
	return 0;
}

/* Remove a socket file on which no process listens. */
static int remove_stale(const struct place *place)
{
	struct stat st;
	int fd;

	if (fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	fd = connect_address(&place->addr);
	if (fd >= 0)
		close(fd);
	/* If the queue is full (EAGAIN), a process listens, too. */
	if (fd != -ECONNREFUSED)
		return fd == -ENOENT ? 0 : -EADDRINUSE;
	return unlinkat(place->dir, place->name, 0) && errno != ENOENT ?
		       -errno :
		       0;
}

/*
 * The umask may have removed bits of the mode. fchmod() has set it before, so the file
 * never had more bits than the mode.
 */
static int complete_mode(const struct place *place, mode_t mode)
{
	struct stat st;

	if (fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if ((st.st_mode & 07777) == mode)
		return 0;
	return fchmodat(place->dir, place->name, mode, 0) ? -errno : 0;
}

/* @mode: the mode of the file; -1: as the umask has it. */
static int listen_at(const struct place *place, int mode)
{
	int ret, fd;

	ret = remove_stale(place);
	if (ret)
		return ret;
	fd = new_socket();
	if (fd < 0)
		return fd;
	if ((mode >= 0 && fchmod(fd, mode)) ||
	    bind(fd, (const struct sockaddr *)&place->addr,
		 sizeof(place->addr))) {
		ret = -errno;
		close(fd);
		return ret;
	}
	ret = mode >= 0 ? complete_mode(place, mode) : 0;
	/* No client can connect before this. */
	if (!ret && listen(fd, SOMAXCONN))
		ret = -errno;
	if (ret) {
		unlinkat(place->dir, place->name, 0);
		close(fd);
		return ret;
	}
	return fd;
}

static int listen_path(const char *path, int mode)
{
	struct place place;
	int ret;

	ret = place_open(&place, path);
	if (ret)
		return ret;
	ret = listen_at(&place, mode);
	if (place.dir >= 0)
		close(place.dir);
	return ret;
}

int vu_unix_listen(const char *path)
{
	return listen_path(path, -1);
}

int vu_unix_listen_mode(const char *path, mode_t mode)
{
	return mode & ~07777 ? -EINVAL : listen_path(path, mode);
}
