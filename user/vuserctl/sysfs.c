// SPDX-License-Identifier: GPL-2.0
/* Create and remove devices through sysfs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sysfs.h"

int sysfs_write(const char *path, const char *text)
{
	ssize_t len;
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = write(fd, text, strlen(text));
	if (len < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int sysfs_create(const char *uuid)
{
	return sysfs_write(SYSFS_CREATE, uuid);
}

int sysfs_remove(const char *uuid)
{
	char path[sizeof(SYSFS_MDEV) + 64];

	snprintf(path, sizeof(path), SYSFS_MDEV "/%s/remove", uuid);
	return sysfs_write(path, "1");
}
