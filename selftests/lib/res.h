/* SPDX-License-Identifier: GPL-2.0 */
/* What a process holds: to see that a test gave everything back. */
#ifndef SELFTESTS_RES_H
#define SELFTESTS_RES_H

#include <sys/types.h>

/* A line of /proc/PID/status such as "VmLck", in KiB; -1 where it has none. */
long res_status(pid_t pid, const char *key);
/* Memory counted as locked by this process, in KiB. */
static inline long res_locked(void)
{
	return res_status(0, "VmLck");
}

/* Open file descriptors of a process, 0 for this one. */
int res_fds(pid_t pid);
/*
 * The same once they are at most @most, or those that there still are after a
 * while: what another process was told to close, it closes in its own time.
 */
int res_fds_soon(pid_t pid, int most);
/* A line of /proc/meminfo, in KiB or pages of huge memory. */
long res_meminfo(const char *key);
/*
 * Have the kernel give back what its slab caches keep though it is free: empty slabs
 * and, on the debugging kernel, all that KASAN has in quarantine.
 */
void res_shrink_slabs(void);
/* Open files of all processes and of the kernel; -1 where it cannot be told. */
long res_files(void);
/* Pages that are pinned for long, by all; -1 where it cannot be told. */
long res_pinned(void);
/* A reader of the kernel log that starts at its present end; a descriptor. */
int klog_open(void);
/* How many lines that came since have @text; reads on to the end. */
int klog_count(int fd, const char *text);
int klog_has(int fd, const char *text);

#endif /* SELFTESTS_RES_H */
