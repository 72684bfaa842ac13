// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "res.h"
#include "testdev.h"

static long key_value(const char *path, const char *key)
{
	size_t len = strlen(key);
	char line[256];
	long value = -1;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, len) && line[len] == ':') {
			value = atol(line + len + 1);
			break;
		}
	}
	fclose(f);
	return value;
}

static void proc_path(char *path, size_t size, pid_t pid, const char *what)
{
	if (pid)
		snprintf(path, size, "/proc/%d/%s", pid, what);
	else
		snprintf(path, size, "/proc/self/%s", what);
}

long res_status(pid_t pid, const char *key)
{
	char path[64];

	proc_path(path, sizeof(path), pid, "status");
	return key_value(path, key);
}

long res_meminfo(const char *key)
{
	return key_value("/proc/meminfo", key);
}

static void shrink_slab(const char *name)
{
	char path[320];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* The caller's comparison detects a cache that did not shrink. */
	if (write(fd, "1", 1) < 0)
		perror(path);
	close(fd);
}

void res_shrink_slabs(void)
{
	DIR *dir = opendir("/sys/kernel/slab");
	struct dirent *ent;

	if (!dir)
		return;
	/* Links are second names of merged caches. */
	while ((ent = readdir(dir)))
		if (ent->d_type == DT_DIR && ent->d_name[0] != '.')
			shrink_slab(ent->d_name);
	closedir(dir);
}

int res_fds(pid_t pid)
{
	struct dirent *ent;
	char path[64];
	int count = 0;
	DIR *dir;

	proc_path(path, sizeof(path), pid, "fd");
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((ent = readdir(dir)))
		count += ent->d_name[0] != '.';
	closedir(dir);
	return count - (pid ? 0 : 1);
}

int res_wait_fds(pid_t pid, int most)
{
	long long end = clock_ms() + SOON_MS;
	int now;

	do {
		now = res_fds(pid);
	} while (now > most && clock_ms() < end);
	return now;
}

long res_files(void)
{
	FILE *file = fopen("/proc/sys/fs/file-nr", "re");
	long nr = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &nr) != 1)
		nr = -1;
	fclose(file);
	return nr;
}

long res_pinned(void)
{
	/*
	 * Reading this file folds the per-processor counters into the totals.
	 */
	FILE *file = fopen("/proc/sys/vm/stat_refresh", "re");
	long value, pinned = 0;
	char name[64];

	if (!file)
		return -1;
	while (fgetc(file) != EOF)
		;
	fclose(file);
	file = fopen("/proc/vmstat", "re");
	if (!file)
		return -1;
	while (fscanf(file, "%63s %ld", name, &value) == 2) {
		if (!strcmp(name, "nr_foll_pin_acquired"))
			pinned += value;
		else if (!strcmp(name, "nr_foll_pin_released"))
			pinned -= value;
	}
	fclose(file);
	return pinned;
}

int klog_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	lseek(fd, 0, SEEK_END);
	return fd;
}

int klog_count(int fd, const char *text)
{
	char rec[8192];
	int found = 0;
	ssize_t len;

	for (;;) {
		len = read(fd, rec, sizeof(rec) - 1);
		if (len < 0 && errno == EPIPE)
			continue;
		if (len <= 0)
			return found;
		rec[len] = '\0';
		found += !!strstr(rec, text);
	}
}

int klog_has(int fd, const char *text)
{
	return klog_count(fd, text) > 0;
}
