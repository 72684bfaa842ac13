// SPDX-License-Identifier: GPL-2.0
/*
 * Servers that make the kernel do much take turns.
 *
 * The time of a work item that reads a socket or serves DMA is charged to no process.
 * So the work items of a server have a budget in each tick of the clock.  If they use
 * more, they take turns with the work items of all other such servers, one after the
 * other, and so many at a time that they use half of the processors.  The server's own
 * sends wait meanwhile.
 *
 * A turn may sleep: for a lock that another thread holds, for free memory, or, when it
 * serves DMA, for memory of a consumer or for another server.  Such a sleep may be long.
 * So a turn that is seen asleep does not count any more, and another one begins.  A timer
 * looks as often as a turn usually takes.
 */
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "server/bulk.h"

/*
 * In one tick, all servers whose work items do not take turns and use more than a little
 * may use so much together, for each turn that may run at a time.
 */
#define VUSER_BULK_FREE		(4 * VUSER_BULK_BUDGET)

/* A server that uses no more than this in a tick never takes turns. */
#define VUSER_BULK_LITTLE	(VUSER_BULK_BUDGET / 8)

/* The period of the check for turns that sleep, in nanoseconds. */
#define VUSER_BULK_CHECK_NS	250000

static unsigned int vuser_bulk_turns;
module_param_named(bulk_turns, vuser_bulk_turns, uint, 0644);
MODULE_PARM_DESC(bulk_turns,
		 "Number of servers that send much and are read at a time (0: one for each two processors)");

/*
 * For the work items that read sockets in turns.  /sys/devices/virtual/workqueue/vuser_bulk
 * has the nice value and the processors of their threads.
 */
static struct workqueue_struct *vuser_bulk_wq;

/* What these servers have used. */
static struct vuser_budget vuser_bulk_free = {
	.lock = __SPIN_LOCK_UNLOCKED(vuser_bulk_free.lock),
};

/*
 * Protects all that follows, and all turns.  Innermost, except for the locks
 * of the scheduler and of workqueues: taken under vuser_channel.lock and under the lock of
 * a socket's wait queue.
 */
static DEFINE_SPINLOCK(vuser_bulk_lock);
static LIST_HEAD(vuser_bulk_waiting);
static LIST_HEAD(vuser_bulk_running);
/* The number of running turns that are counted. */
static unsigned int vuser_bulk_nr;

/* Runs while a turn waits. */
static struct hrtimer vuser_bulk_timer;
static bool vuser_bulk_timer_runs;

/* The number of turns that may run at a time. */
static unsigned int vuser_bulk_max(void)
{
	return READ_ONCE(vuser_bulk_turns) ?: DIV_ROUND_UP(num_online_cpus(), 2);
}

/* Adds to a budget, and returns the sum of this tick. */
static unsigned int vuser_bulk_use(struct vuser_budget *budget, unsigned int used)
{
	unsigned long tick = jiffies;

	spin_lock(&budget->lock);
	if (budget->tick != tick) {
		budget->tick = tick;
		budget->used = 0;
	}
	budget->used += used;
	used = budget->used;
	spin_unlock(&budget->lock);
	return used;
}

/**
 * vuser_bulk_init_budget() - initialise the budget of a server
 * @budget: zeroed
 *
 * Context: any.
 */
void vuser_bulk_init_budget(struct vuser_budget *budget)
{
	spin_lock_init(&budget->lock);
}

/**
 * vuser_bulk_account() - count what a work item has used, and decide whether it used too much
 * @budget: the budget of the work item's server
 * @used: what the work item has used
 *
 * Sets @budget->over.
 *
 * Context: process; does not sleep.
 */
void vuser_bulk_account(struct vuser_budget *budget, unsigned int used)
{
	unsigned int mine = vuser_bulk_use(budget, used), all;
	bool over = mine >= VUSER_BULK_BUDGET;
	bool was_over = READ_ONCE(budget->over);

	/* Servers that use little, or take turns, do not contend for this budget. */
	if (mine > VUSER_BULK_LITTLE && !(over && was_over)) {
		all = vuser_bulk_use(&vuser_bulk_free, was_over ? 0 : used);
		over |= all >= VUSER_BULK_FREE * vuser_bulk_max();
	}
	WRITE_ONCE(budget->over, over);
}

/* Begins as many turns that wait as may run; the lock is held. */
static void vuser_bulk_admit(void)
{
	struct vuser_turn *turn;

	while (vuser_bulk_nr < vuser_bulk_max()) {
		turn = list_first_entry_or_null(&vuser_bulk_waiting,
						struct vuser_turn, node);
		if (!turn)
			return;
		list_move_tail(&turn->node, &vuser_bulk_running);
		turn->counted = true;
		vuser_bulk_nr++;
		WRITE_ONCE(turn->state, VUSER_TURN_RUNS);
		if (turn->work)
			queue_work(vuser_bulk_wq, turn->work);
		else
			wake_up_process(turn->task);
	}
	if (list_empty(&vuser_bulk_waiting) || vuser_bulk_timer_runs)
		return;
	vuser_bulk_timer_runs = true;
	hrtimer_start(&vuser_bulk_timer, ns_to_ktime(VUSER_BULK_CHECK_NS),
		      HRTIMER_MODE_REL);
}

/* Counts a turn no longer; the lock is held. */
static void vuser_bulk_uncount(struct vuser_turn *turn)
{
	if (turn->counted)
		vuser_bulk_nr--;
	turn->counted = false;
}

/*
 * Counts turns that sleep no longer.  A turn whose work item has not begun has no @task:
 * the work item waits for a processor.
 */
static enum hrtimer_restart vuser_bulk_check(struct hrtimer *timer)
{
	struct vuser_turn *turn;
	unsigned long flags;

	spin_lock_irqsave(&vuser_bulk_lock, flags);
	list_for_each_entry(turn, &vuser_bulk_running, node)
		if (turn->task && !task_is_running(turn->task))
			vuser_bulk_uncount(turn);
	vuser_bulk_timer_runs = false;
	vuser_bulk_admit();
	spin_unlock_irqrestore(&vuser_bulk_lock, flags);
	return HRTIMER_NORESTART;
}

/* Puts a turn at the end of the queue; the lock is held. */
static void vuser_bulk_wait(struct vuser_turn *turn)
{
	turn->state = VUSER_TURN_WAITS;
	list_add_tail(&turn->node, &vuser_bulk_waiting);
	vuser_bulk_admit();
}

/**
 * vuser_bulk_queue() - queue a work item as soon as it is its turn
 * @turn: the turns of the work item, which calls vuser_bulk_begin() and vuser_bulk_end()
 *
 * Does nothing if the turn waits already.  If it runs, it waits again when it ends.
 *
 * Context: any.
 */
void vuser_bulk_queue(struct vuser_turn *turn)
{
	unsigned long flags;

	spin_lock_irqsave(&vuser_bulk_lock, flags);
	if (turn->state == VUSER_TURN_RUNS)
		turn->again = true;
	else if (turn->state == VUSER_TURN_IDLE && !turn->cancelled)
		vuser_bulk_wait(turn);
	spin_unlock_irqrestore(&vuser_bulk_lock, flags);
}

/**
 * vuser_bulk_begin() - begin the turn of a work item
 * @turn: the turns of the work item that runs now
 *
 * Context: the work item.
 */
void vuser_bulk_begin(struct vuser_turn *turn)
{
	spin_lock_irq(&vuser_bulk_lock);
	turn->task = current;
	spin_unlock_irq(&vuser_bulk_lock);
}

/**
 * vuser_bulk_enter() - wait for a turn
 * @turn: the turns of the calling thread, which calls vuser_bulk_end()
 *
 * Context: process, a thread of the kernel; sleeps until each earlier turn ends or sleeps.
 */
void vuser_bulk_enter(struct vuser_turn *turn)
{
	spin_lock_irq(&vuser_bulk_lock);
	turn->task = current;
	vuser_bulk_wait(turn);
	spin_unlock_irq(&vuser_bulk_lock);
	for (;;) {
		set_current_state(TASK_IDLE);
		if (READ_ONCE(turn->state) == VUSER_TURN_RUNS)
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

/**
 * vuser_bulk_end() - end a turn
 * @turn: the turns of the work item or thread that calls this
 *
 * Context: process.
 */
void vuser_bulk_end(struct vuser_turn *turn)
{
	spin_lock_irq(&vuser_bulk_lock);
	list_del(&turn->node);
	vuser_bulk_uncount(turn);
	turn->task = NULL;
	turn->state = VUSER_TURN_IDLE;
	if (turn->again && !turn->cancelled)
		vuser_bulk_wait(turn);
	else
		vuser_bulk_admit();
	turn->again = false;
	spin_unlock_irq(&vuser_bulk_lock);
}

/**
 * vuser_bulk_cancel() - end the turns of a work item for ever
 * @turn: the turns of the work item
 *
 * On return the work item neither runs nor will run again.
 *
 * Context: process; sleeps until the work item has finished.
 */
void vuser_bulk_cancel(struct vuser_turn *turn)
{
	spin_lock_irq(&vuser_bulk_lock);
	turn->cancelled = true;
	if (turn->state == VUSER_TURN_WAITS) {
		list_del(&turn->node);
		turn->state = VUSER_TURN_IDLE;
	}
	spin_unlock_irq(&vuser_bulk_lock);
	/* A work item that was queued and has not begun does not end its turn. */
	if (cancel_work_sync(turn->work))
		vuser_bulk_end(turn);
}

/**
 * vuser_bulk_init_turn() - initialise the turns of a work item or of a thread
 * @turn: zeroed
 * @work: the work item; NULL for a thread that calls vuser_bulk_enter()
 *
 * Context: any.
 */
void vuser_bulk_init_turn(struct vuser_turn *turn, struct work_struct *work)
{
	turn->work = work;
}

/**
 * vuser_bulk_init() - allocate the workqueue for turns
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int __init vuser_bulk_init(void)
{
	vuser_hrtimer_setup(&vuser_bulk_timer, vuser_bulk_check);
	vuser_bulk_wq = alloc_workqueue("vuser_bulk", WQ_UNBOUND | WQ_SYSFS,
					WQ_MAX_ACTIVE);
	return vuser_bulk_wq ? 0 : -ENOMEM;
}

/**
 * vuser_bulk_exit() - free the workqueue for turns
 *
 * Context: process; may sleep.  No turn waits or runs any more.
 */
void vuser_bulk_exit(void)
{
	hrtimer_cancel(&vuser_bulk_timer);
	destroy_workqueue(vuser_bulk_wq);
}
