// SPDX-License-Identifier: GPL-2.0
/*
 * Drops files that servers sent.
 *
 * The last reference to a file may take arbitrarily long to drop.  A TCP socket
 * lingers, for example, as long as its SO_LINGER option says.  The caller of fput()
 * waits for it: a thread of a program before it returns to user mode, and for threads
 * of the kernel one work item of the whole machine.  So a thread of this module drops
 * these files, and no other thread waits for it.
 *
 * SIGKILL is always pending in the thread.  So waits that a signal ends, such as that
 * of a lingering socket, end at once.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "server/drop.h"

/* The files, and where the thread waits for more. */
static LLIST_HEAD(vuser_drop_list);
static DECLARE_WAIT_QUEUE_HEAD(vuser_drop_wait);
static struct task_struct *vuser_drop_task;
static DECLARE_COMPLETION(vuser_drop_started);

static void vuser_drop_run(void)
{
	struct vuser_drop *drop, *next;
	u32 i;

	llist_for_each_entry_safe(drop, next, llist_del_all(&vuser_drop_list),
				  node) {
		for (i = 0; i < drop->nr; i++) {
			__fput_sync(drop->files[i]);
			cond_resched();
		}
		kfree(drop);
	}
}

static int vuser_drop_thread(void *unused)
{
	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	complete(&vuser_drop_started);
	do {
		wait_event_idle(vuser_drop_wait,
				!llist_empty(&vuser_drop_list) ||
				kthread_should_stop());
		vuser_drop_run();
	} while (!kthread_should_stop());
	/* No file is added any more, but some may have been during the last run. */
	vuser_drop_run();
	return 0;
}

/**
 * vuser_drop_files() - drop references to files, without waiting
 * @drop: the files, allocated with kmalloc(); freed by this function
 *
 * Context: process; does not sleep.
 */
void vuser_drop_files(struct vuser_drop *drop)
{
	llist_add(&drop->node, &vuser_drop_list);
	wake_up(&vuser_drop_wait);
}

/**
 * vuser_drop_init() - start the thread that drops files
 *
 * Context: process; may sleep.
 * Return: 0 or a negative errno.
 */
int __init vuser_drop_init(void)
{
	vuser_drop_task = kthread_run(vuser_drop_thread, NULL, "vuser-drop");
	if (IS_ERR(vuser_drop_task))
		return PTR_ERR(vuser_drop_task);
	/* kthread_stop() would stop a thread that has not started without running it. */
	wait_for_completion(&vuser_drop_started);
	return 0;
}

/**
 * vuser_drop_exit() - stop the thread
 *
 * Context: process; no channel exists any more.  Sleeps until the thread has dropped
 * all files.
 */
void vuser_drop_exit(void)
{
	kthread_stop(vuser_drop_task);
}
