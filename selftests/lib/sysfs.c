// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "sysfs.h"

void uuid_new(char uuid[UUID_LEN + 1])
{
	if (file_read("/proc/sys/kernel/random/uuid", uuid, UUID_LEN + 1))
		abort();
}

int file_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(value);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, len) != len)
		ret = -errno;
	close(fd);
	return ret;
}

static int fd_read(int fd, char *buf, size_t size)
{
	ssize_t len = pread(fd, buf, size - 1, 0);

	if (len < 0)
		return -errno;
	while (len && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return 0;
}

int file_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = fd_read(fd, buf, size);
	close(fd);
	return ret;
}

int mdev_create(const char *uuid)
{
	return file_write(MDEV_TYPE "/create", uuid);
}

static void attr_path(char path[PATH_MAX], const char *uuid, const char *attr)
{
	snprintf(path, PATH_MAX, MDEV_DEVICES "/%s/vuser/%s", uuid, attr);
}

int mdev_remove(const char *uuid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), MDEV_DEVICES "/%s/remove", uuid);
	return file_write(path, "1");
}

int mdev_exists(const char *uuid)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), MDEV_DEVICES "/%s", uuid);
	return !stat(path, &st);
}

int mdev_set(const char *uuid, const char *attr, const char *value)
{
	char path[PATH_MAX];

	attr_path(path, uuid, attr);
	return file_write(path, value);
}

int mdev_get(const char *uuid, const char *attr, char *buf, size_t size)
{
	char path[PATH_MAX];

	attr_path(path, uuid, attr);
	return file_read(path, buf, size);
}

/* Waits for the attribute to read @value or @other. */
static int wait_for(const char *uuid, const char *attr, const char *value,
		    const char *other, int ms)
{
	long long deadline = clock_ms() + ms;
	struct pollfd pfd = { .events = POLLPRI | POLLERR };
	char path[PATH_MAX], seen[256];
	int ret;

	attr_path(path, uuid, attr);
	pfd.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (pfd.fd < 0)
		return -errno;
	/*
	 * Read first: the attribute may have the value already.
	 * sysfs_notify() wakes poll().
	 */
	for (;;) {
		ret = fd_read(pfd.fd, seen, sizeof(seen));
		if (ret || !strcmp(seen, value) || !strcmp(seen, other))
			break;
		ret = -ETIMEDOUT;
		if (clock_ms() >= deadline)
			break;
		if (poll(&pfd, 1, deadline - clock_ms()) < 0 &&
		    errno != EINTR) {
			ret = -errno;
			break;
		}
	}
	close(pfd.fd);
	return ret;
}

int mdev_wait(const char *uuid, const char *attr, const char *value, int ms)
{
	return wait_for(uuid, attr, value, value, ms);
}

int mdev_wait_lost(const char *uuid, int ms)
{
	return wait_for(uuid, "state", "lost", "resuming", ms);
}

int mdev_group(const char *uuid)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len;
	char *name;

	snprintf(path, sizeof(path), MDEV_DEVICES "/%s/iommu_group", uuid);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return -errno;
	link[len] = '\0';
	name = strrchr(link, '/');
	return name ? atoi(name + 1) : -EINVAL;
}
