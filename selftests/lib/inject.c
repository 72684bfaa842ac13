// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"
#include "inject.h"
#include "sysfs.h"

#define DEBUGFS "/sys/kernel/debug"

/*
 * The limit of failures in INJECT_FROM.  It must be finite: a page fault is
 * retried until memory is available, and vuserd waits longer before each new
 * attempt.
 */
#define MANY 1000
#define FEW  4

pid_t inject_server;

struct attr {
	const char *name;
	const char *value;
};

/* The addresses from require-start to require-end hold modules only. */
static const struct attr common[] = {
	{ "stacktrace-depth", "32" },
	{ "require-start", "0xffffffffa0000000" },
	{ "require-end", "0xffffffffff000000" },
	{ "verbose", "0" },
	{},
};

/*
 * While fail-nth of a task is not 0, only the counted allocation fails.  When
 * fail-nth is 0, every allocation of the task fails if its make-it-fail is set.
 */
static const struct attr slab[] = {
	{ "probability", "100" },
	{ "task-filter", "Y" },
	{ "ignore-gfp-wait", "N" },
	{ "cache-filter", "N" },
	{},
};

static const struct attr pages[] = {
	{ "probability", "100" },   { "task-filter", "Y" },
	{ "ignore-gfp-wait", "N" }, { "ignore-gfp-highmem", "N" },
	{ "min-order", "0" },	    {},
};

static const struct attr usercopy[] = {
	{ "probability", "0" },
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

/*
 * Sets @attr[0] to the address of the kernel function @name, and @attr[1] to
 * the address of the function after it.
 */
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
 * Exclude vfio_create_group(): it warns when it frees a group that it did not
 * finish.  That is not a fault of this module.
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

/* The tasks in which calls fail.  Tasks that are created later do not fail. */
static int armed[1024];
static unsigned int nr_armed;
static bool all_armed;

static int task_write(int pid, const char *file, unsigned int value)
{
	char path[PATH_MAX], text[16];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	snprintf(text, sizeof(text), "%u", value);
	return file_write(path, text);
}

/* The number of calls up to the failure; 0 after the failure. */
static int nth_get(int pid)
{
	char path[PATH_MAX], value[16];
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", pid);
	ret = file_read(path, value, sizeof(value));
	return ret ? ret : atoi(value);
}

static void arm_task(int pid, bool all, unsigned int nth)
{
	if (nr_armed == sizeof(armed) / sizeof(armed[0]) ||
	    task_write(pid, "fail-nth", nth))
		return;
	if (all)
		task_write(pid, "make-it-fail", 1);
	armed[nr_armed++] = pid;
}

/*
 * Excludes the rescuer threads ("kworker/R"): they wait for a memory shortage
 * outside this module.
 */
static bool is_worker(const char *pid)
{
	char path[PATH_MAX], comm[32];

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	return !file_read(path, comm, sizeof(comm)) &&
	       !strncmp(comm, "kworker/", 8) && comm[8] != 'R';
}

/* Arms the tasks in a directory of /proc: threads, or all kernel workers. */
static int arm_all(const char *path, bool workers, bool all, unsigned int nth)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    (!workers || is_worker(entry->d_name)))
			arm_task(atoi(entry->d_name), all, nth);
	closedir(dir);
	return 0;
}

static int arm_threads(pid_t pid, bool all, unsigned int nth)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	return arm_all(path, false, all, nth);
}

static int set_times(unsigned int times)
{
	char text[16];
	struct attr attr[] = { { "times", text }, {} };
	int ret;

	snprintf(text, sizeof(text), "%u", times);
	ret = set_attrs("failslab", attr);
	return ret ? ret : set_attrs("fail_page_alloc", attr);
}

int inject_arm(enum inject_target target, enum inject_scope scope,
	       unsigned int nth)
{
	bool all = scope == INJECT_FROM;
	int ret;

	nr_armed = 0;
	all_armed = all;
	ret = set_times(target == INJECT_HELPER ? FEW : MANY);
	if (ret)
		return ret;
	switch (target) {
	case INJECT_SELF:
		arm_task(gettid(), all, nth);
		break;
	case INJECT_HELPER:
		ret = arm_threads(helper_pid, all, nth);
		break;
	case INJECT_SERVER:
		ret = arm_threads(inject_server, all, nth);
		break;
	case INJECT_WORKERS:
		ret = arm_all("/proc", true, all, nth);
	}
	return ret || nr_armed ? ret : -ESRCH;
}

int inject_disarm(void)
{
	int failed = 0, pid;

	while (nr_armed) {
		pid = armed[--nr_armed];
		if (all_armed)
			task_write(pid, "make-it-fail", 0);
		/* The task may have ended in the meantime. */
		if (!nth_get(pid))
			failed++;
		else
			task_write(pid, "fail-nth", 0);
	}
	return failed > 0;
}
