/* SPDX-License-Identifier: GPL-2.0 */
/* Turns of the servers that make the kernel do much. */
#ifndef VUSER_BULK_H
#define VUSER_BULK_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct task_struct;
struct work_struct;

/*
 * The budget of one turn.  A message, a read from the socket, and 4 KiB of data that are
 * copied count one each.  The last message of a turn may exceed this.
 */
#define VUSER_BULK_BUDGET	64

/**
 * struct vuser_budget - what the work items of one server have used
 * @lock: protects @tick and @used; process context only, innermost
 * @tick: the time in jiffies to which @used belongs
 * @used: what was used in this tick
 * @over: the server used too much: its work items take turns.  May be read without a lock
 */
struct vuser_budget {
	spinlock_t lock;	/* tick and used */
	unsigned long tick;
	unsigned int used;
	bool over;
};

/**
 * enum vuser_turn_state - the states of a turn
 * @VUSER_TURN_IDLE: not wanted
 * @VUSER_TURN_WAITS: in the queue
 * @VUSER_TURN_RUNS: the work item is queued or runs; or the thread that waited runs
 */
enum vuser_turn_state {
	VUSER_TURN_IDLE,
	VUSER_TURN_WAITS,
	VUSER_TURN_RUNS,
};

/**
 * struct vuser_turn - the turns of one work item
 * @node: entry in the list of turns that wait or of turns that run
 * @work: the work item that is queued for each turn; NULL if the thread waits in
 *	vuser_bulk_enter()
 * @task: the thread that waits for the turn or makes it
 * @state: the state
 * @counted: the turn is one of the limited number
 * @again: wanted again while it runs
 * @cancelled: never wanted again
 *
 * All fields are protected by the lock of all turns, in bulk.c.
 */
struct vuser_turn {
	struct list_head node;
	struct work_struct *work;
	struct task_struct *task;
	enum vuser_turn_state state;
	bool counted;
	bool again;
	bool cancelled;
};

int vuser_bulk_init(void);
void vuser_bulk_exit(void);

void vuser_bulk_init_budget(struct vuser_budget *budget);
void vuser_bulk_account(struct vuser_budget *budget, unsigned int used);
void vuser_bulk_init_turn(struct vuser_turn *turn, struct work_struct *work);
void vuser_bulk_queue(struct vuser_turn *turn);
void vuser_bulk_begin(struct vuser_turn *turn);
void vuser_bulk_enter(struct vuser_turn *turn);
void vuser_bulk_end(struct vuser_turn *turn);
void vuser_bulk_cancel(struct vuser_turn *turn);

#endif /* VUSER_BULK_H */
