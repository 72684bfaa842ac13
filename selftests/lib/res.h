/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The resources that a process holds, to check that a test returned all of
 * them.
 */
#ifndef SELFTESTS_RES_H
#define SELFTESTS_RES_H

#include <sys/types.h>

/* A line of /proc/PID/status such as "VmLck", in KiB; -1 if it is absent. */
long res_status(pid_t pid, const char *key);
/* The memory that this process has locked, in KiB. */
static inline long res_locked(void)
{
	return res_status(0, "VmLck");
}

/* The number of open file descriptors of a process, 0: of this process. */
int res_fds(pid_t pid);
/*
 * Waits up to SOON_MS until a process has at most @most open descriptors, and
 * returns their number.  Another process may close its descriptors late.
 */
int res_wait_fds(pid_t pid, int most);
/* A line of /proc/meminfo, in KiB or in huge pages. */
long res_meminfo(const char *key);
/*
 * Makes the kernel return the free memory in its slab caches: empty slabs and,
 * on the debugging kernel, the quarantine of KASAN.
 */
void res_shrink_slabs(void);
/* The number of open files of the whole system; -1 if unknown. */
long res_files(void);
/*
 * The number of pages with long-term pins in the whole system; -1 if unknown.
 */
long res_pinned(void);
/* Opens the kernel log at its present end; a descriptor or -errno. */
int klog_open(void);
/* Counts the new lines that contain @text, and reads up to the end. */
int klog_count(int fd, const char *text);
int klog_has(int fd, const char *text);

#endif /* SELFTESTS_RES_H */
