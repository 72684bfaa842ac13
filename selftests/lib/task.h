/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Waits until another task sleeps in a given kernel function, or ends, so that
 * a test can act at that moment.
 */
#ifndef SELFTESTS_TASK_H
#define SELFTESTS_TASK_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Waits until the thread @tid (the first thread of a process has the process
 * ID) sleeps in the kernel with a function on its stack whose name starts with
 * @symbol; 0, or -ETIMEDOUT after @ms.
 */
int task_wait_in(pid_t tid, const char *symbol, int ms);

/* As task_wait_in(), for any worker thread of the kernel. */
int task_wait_worker_in(const char *symbol, int ms);

/*
 * How many worker threads of the kernel run work items of the module at a time: the mean of
 * many looks, in percent.  Needs 1 s at least.  Does not depend on the speed of the processors.
 */
int task_workers_running(void);

/* The processor time of all worker threads of the kernel so far, in ms. */
long task_workers_ms(void);

/* Reaps @pid if it ends within @ms; its wait status, or -ETIMEDOUT. */
int task_wait_end(pid_t pid, int ms);

#endif /* SELFTESTS_TASK_H */
