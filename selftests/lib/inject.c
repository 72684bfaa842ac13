// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"
#include "inject.h"
#include "sysfs.h"

#define DEBUGFS "/sys/kernel/debug"

struct attr {
	const char *name;
	const char *value;
};

/* Where x86-64 has modules, and nothing else is. */
static const struct attr common[] = {
	{ "stacktrace-depth", "32" },
	{ "require-start", "0xffffffffa0000000" },
	{ "require-end", "0xffffffffff000000" },
	{ "probability", "0" },
	{ "verbose", "0" },
	{},
};

static const struct attr slab[] = {
	{ "ignore-gfp-wait", "N" },
	{ "cache-filter", "N" },
	{},
};

static const struct attr pages[] = {
	{ "ignore-gfp-wait", "N" },
	{ "ignore-gfp-highmem", "N" },
	{ "min-order", "0" },
	{},
};

static const struct attr usercopy[] = {
	{},
};

static int set_attrs(const char *capability, const struct attr *attr)
{
	char path[PATH_MAX];
	int ret = 0;

	for (; attr->name && !ret; attr++) {
		snprintf(path, sizeof(path), DEBUGFS "/%s/%s", capability,
			 attr->name);
		ret = file_write(path, attr->value);
	}
	return ret;
}

/* Sets @attr to where the kernel's function @name starts and the next one. */
static int of_function(const char *name, struct attr attr[2], char value[2][20])
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], address[17], symbol[256];
	int found = 0;

	if (!file)
		return -errno;
	while (found < 2 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%16s %*c %255s", address, symbol) != 2)
			continue;
		if (!found && strcmp(symbol, name))
			continue;
		snprintf(value[found], sizeof(value[0]), "0x%s", address);
		attr[found].value = value[found];
		found++;
	}
	fclose(file);
	return found == 2 ? 0 : -ESRCH;
}

/*
 * Not in vfio_create_group(), which warns of a group that it did not finish
 * when it lets go of it: that is no fault of ours.
 */
static int set_all(const char *capability, const struct attr *own)
{
	struct attr reject[3] = { { .name = "reject-start" },
				  { .name = "reject-end" } };
	char value[2][20];
	int ret = of_function("vfio_create_group", reject, value);

	if (!ret)
		ret = set_attrs(capability, common);
	if (!ret)
		ret = set_attrs(capability, reject);
	return ret ? ret : set_attrs(capability, own);
}

int inject_init(void)
{
	int ret = set_all("failslab", slab);

	if (!ret)
		ret = set_all("fail_page_alloc", pages);
	return ret ? ret : set_all("fail_usercopy", usercopy);
}

static int nth_set(const char *pid, unsigned int nth)
{
	char path[PATH_MAX], value[16];

	snprintf(path, sizeof(path), "/proc/%s/fail-nth", pid);
	snprintf(value, sizeof(value), "%u", nth);
	return file_write(path, value);
}

/* What is left of the count; 0 after the failure. */
static int nth_get(const char *pid)
{
	char path[PATH_MAX], value[16];
	int ret;

	snprintf(path, sizeof(path), "/proc/%s/fail-nth", pid);
	ret = file_read(path, value, sizeof(value));
	return ret ? ret : atoi(value);
}

static int is_worker(const char *pid)
{
	char path[PATH_MAX], comm[32];

	if (!isdigit((unsigned char)pid[0]))
		return 0;
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	return !file_read(path, comm, sizeof(comm)) &&
	       !strncmp(comm, "kworker/", 8);
}

/* The workers that were armed: others that came since have nothing to tell. */
static int armed[1024];
static unsigned int nr_armed;

static int arm_workers(unsigned int nth)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	if (!dir)
		return -errno;
	nr_armed = 0;
	while ((entry = readdir(dir)) &&
	       nr_armed < sizeof(armed) / sizeof(armed[0])) {
		if (is_worker(entry->d_name) && !nth_set(entry->d_name, nth))
			armed[nr_armed++] = atoi(entry->d_name);
	}
	closedir(dir);
	return 0;
}

/* In how many of them there was a failure.  Some may have ended meanwhile. */
static int disarm_workers(void)
{
	char pid[16];
	int failed = 0;

	while (nr_armed) {
		snprintf(pid, sizeof(pid), "%d", armed[--nr_armed]);
		failed += !nth_get(pid);
		nth_set(pid, 0);
	}
	return failed;
}

static const char *pid_of(enum inject_who who)
{
	static char pid[16];

	if (who == INJECT_SELF)
		return "thread-self";
	snprintf(pid, sizeof(pid), "%d", helper_pid);
	return pid;
}

int inject_arm(enum inject_who who, unsigned int nth)
{
	if (who == INJECT_WORKERS)
		return arm_workers(nth);
	return nth_set(pid_of(who), nth);
}

int inject_disarm(enum inject_who who)
{
	int left;

	if (who == INJECT_WORKERS)
		return disarm_workers() > 0;
	left = nth_get(pid_of(who));
	nth_set(pid_of(who), 0);
	return !left;
}
