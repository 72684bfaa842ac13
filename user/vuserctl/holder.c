// SPDX-License-Identifier: GPL-2.0
/*
 * A program that uses VFIO holds a descriptor of the device's group, /dev/vfio/GROUP, or
 * of its own file, /dev/vfio/devices/vfioN. A process that got only a descriptor of the
 * device itself is found where the kernel names the device in fdinfo.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "holder.h"
#include "sysfs.h"

#ifndef PROC
#define PROC "/proc"
#endif

#define DEVICE_LINK "anon_inode:[vfio-device]"

void holder_files(const struct vnl_dev *dev, struct holder_files *files)
{
	char path[sizeof(SYSFS_MDEV) + 64];
	struct dirent *entry;
	DIR *dir;

	memset(files, 0, sizeof(*files));
	memcpy(files->uuid, dev->uuid, sizeof(files->uuid));
	snprintf(files->group, sizeof(files->group), "/dev/vfio/%u",
		 dev->group);
	snprintf(path, sizeof(path), SYSFS_MDEV "/%s/vfio-dev", dev->uuid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			snprintf(files->cdev, sizeof(files->cdev),
				 "/dev/vfio/devices/%s", entry->d_name);
	if (dir)
		closedir(dir);
}

/* A removed file has a suffix. */
static bool is_path(const char *link, const char *path)
{
	size_t len = strlen(path);

	return len && !strncmp(link, path, len) &&
	       (!link[len] || !strcmp(link + len, " (deleted)"));
}

static bool fdinfo_names(int proc, const char *fd, const char *uuid)
{
	char path[300], text[1024] = "";
	int file;

	snprintf(path, sizeof(path), "fdinfo/%s", fd);
	file = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	if (read(file, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(file);
	return strstr(text, "vfio-device-syspath:") && strstr(text, uuid);
}

/* Whether the process with the directory @proc has the device open. */
static bool has_open(int proc, const struct holder_files *files)
{
	int fds = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fds < 0 ? NULL : fdopendir(fds);
	char link[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	ssize_t len;

	while (dir && !found && (entry = readdir(dir))) {
		len = readlinkat(fds, entry->d_name, link, sizeof(link) - 1);
		if (len < 0)
			continue;
		link[len] = '\0';
		found = is_path(link, files->group) ||
			is_path(link, files->cdev) ||
			(!strcmp(link, DEVICE_LINK) &&
			 fdinfo_names(proc, entry->d_name, files->uuid));
	}
	if (dir)
		closedir(dir);
	else if (fds >= 0)
		close(fds);
	return found;
}

static void read_name(int proc, char name[16])
{
	int file = openat(proc, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t len = file < 0 ? 0 : read(file, name, 15);

	name[len > 0 ? len : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	if (file >= 0)
		close(file);
}

size_t holder_find(const struct holder_files *files,
		   struct holder holders[HOLDER_MAX])
{
	DIR *dir = opendir(PROC);
	struct dirent *entry;
	size_t nr = 0;
	int proc;

	while (dir && nr < HOLDER_MAX && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		proc = openat(dirfd(dir), entry->d_name,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (proc < 0)
			continue;
		if (has_open(proc, files)) {
			holders[nr].pid = atoi(entry->d_name);
			read_name(proc, holders[nr++].name);
		}
		close(proc);
	}
	if (dir)
		closedir(dir);
	return nr;
}

void holder_text(const struct holder *holders, size_t nr, char *text,
		 size_t size)
{
	size_t i, len = 0;

	snprintf(text, size, "a program");
	for (i = 0; i < nr && len < size; i++)
		len += snprintf(text + len, size - len, "%sprocess %d (%s)",
				i ? ", " : "", holders[i].pid, holders[i].name);
}
