// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "sysfs.h"
#include "task.h"

/* How often the workers of the kernel are looked at, and the time between two looks. */
#define SAMPLES	  200
#define SAMPLE_MS 5

/* Whether a thread sleeps.  The stack of a running thread may be outdated. */
static bool asleep(pid_t tid)
{
	char path[64], stat[512], *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	if (file_read(path, stat, sizeof(stat)))
		return false;
	state = strrchr(stat, ')');
	return state && strchr("SDI", state[2]);
}

static bool is_in(pid_t tid, const char *symbol)
{
	char path[64], stack[4096], frame[80];

	snprintf(path, sizeof(path), "/proc/%d/stack", tid);
	snprintf(frame, sizeof(frame), "] %s", symbol);
	return !file_read(path, stack, sizeof(stack)) && strstr(stack, frame);
}

int task_wait_in(pid_t tid, const char *symbol, int ms)
{
	long long end = clock_ms() + ms;

	while (!asleep(tid) || !is_in(tid, symbol)) {
		if (clock_ms() > end)
			return -ETIMEDOUT;
		poll(NULL, 0, 1);
	}
	return 0;
}

/* The next worker thread of the kernel in the directory /proc; 0: no more. */
static pid_t next_worker(DIR *proc)
{
	char path[300], comm[32];
	struct dirent *ent;

	while (proc && (ent = readdir(proc))) {
		if (ent->d_name[0] < '0' || ent->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", ent->d_name);
		if (!file_read(path, comm, sizeof(comm)) &&
		    !strncmp(comm, "kworker", 7))
			return atoi(ent->d_name);
	}
	return 0;
}

static bool worker_is_in(const char *symbol)
{
	DIR *proc = opendir("/proc");
	bool found = false;
	pid_t tid;

	while (!found && (tid = next_worker(proc)))
		found = is_in(tid, symbol);
	if (proc)
		closedir(proc);
	return found;
}

/* Whether a worker runs a work item of a workqueue of the module, and does not sleep. */
static bool runs_ours(pid_t tid)
{
	char path[64], comm[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", tid);
	return !file_read(path, comm, sizeof(comm)) && strstr(comm, "+vuser") &&
	       !asleep(tid);
}

static int nr_running(void)
{
	DIR *proc = opendir("/proc");
	pid_t tid;
	int nr = 0;

	while ((tid = next_worker(proc)))
		nr += runs_ours(tid);
	if (proc)
		closedir(proc);
	return nr;
}

int task_workers_running(void)
{
	int i, sum = 0;

	for (i = 0; i < SAMPLES; i++) {
		sum += nr_running();
		poll(NULL, 0, SAMPLE_MS);
	}
	return sum * 100 / SAMPLES;
}

/* The processor time of a thread, in ticks of the clock. */
static long ticks_of(pid_t tid)
{
	char path[64], stat[512], *state;
	long user, kernel;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	if (file_read(path, stat, sizeof(stat)))
		return 0;
	state = strrchr(stat, ')');
	/* The fields 14 and 15; the state is the third. */
	if (!state || sscanf(state + 2,
			     "%*c %*d %*d %*d %*d %*d %*u %*u %*u "
			     "%*u %*u %ld %ld",
			     &user, &kernel) != 2)
		return 0;
	return user + kernel;
}

long task_workers_ms(void)
{
	DIR *proc = opendir("/proc");
	long ticks = 0;
	pid_t tid;

	while ((tid = next_worker(proc)))
		ticks += ticks_of(tid);
	if (proc)
		closedir(proc);
	return ticks * 1000 / sysconf(_SC_CLK_TCK);
}

int task_wait_worker_in(const char *symbol, int ms)
{
	long long end = clock_ms() + ms;

	while (!worker_is_in(symbol)) {
		if (clock_ms() > end)
			return -ETIMEDOUT;
		poll(NULL, 0, 1);
	}
	return 0;
}

int task_wait_end(pid_t pid, int ms)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int status, ret;

	if (fd < 0)
		return -errno;
	ret = poll(&pfd, 1, ms);
	close(fd);
	if (ret != 1)
		return ret ? -errno : -ETIMEDOUT;
	return waitpid(pid, &status, 0) == pid ? status : -errno;
}
