/* SPDX-License-Identifier: GPL-2.0 */
/* Where another task is: to see that it waits before something is done to it. */
#ifndef SELFTESTS_TASK_H
#define SELFTESTS_TASK_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Waits until the thread @tid (a process's own id is its first thread's) sleeps
 * in the kernel with @symbol, or what starts so, among the functions that it is
 * in; 0, or -ETIMEDOUT after @ms.
 */
int task_wait_in(pid_t tid, const char *symbol, int ms);

/* Reaps @pid when it ends within @ms; its wait status, or -ETIMEDOUT. */
int task_wait_end(pid_t pid, int ms);

#endif /* SELFTESTS_TASK_H */
