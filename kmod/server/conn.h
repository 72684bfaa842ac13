/* SPDX-License-Identifier: GPL-2.0 */
/* A device as its consumer opened it, and the connection below it. */
#ifndef VUSER_CONN_H
#define VUSER_CONN_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>

#include "server/replay.h"

struct device;
struct vuser_channel;
struct vuser_counters;
struct vuser_desc;
struct vuser_settings;

/**
 * struct vuser_conn - an open device, and the connection to its server
 * @desc: the device as opened: its description at open; a reference.  Constant while
 *	the device is open
 * @dev: device whose name appears in the kernel log; constant while the device is open
 * @id: number of the device, for the tracepoints; constant while the device is open
 * @counters: the device's counters; constant while the device is open
 * @settings: settings of the device
 * @chan: the channel to the server that serves the device now, or the lost channel of
 *	the server that did; a reference.  Changes only in vuser_conn_replace()
 * @replay: the last posted writes
 * @users: number of accesses that use @chan now
 * @usable: accesses may use @chan.  False from the loss of a channel until the next one
 *	is as the consumer left the device.  Written with the device's lock held
 * @failed: accesses fail until the consumer resets the device.  Written with the device's
 *	lock held
 * @paused: accesses wait, whatever the setting on_loss says, since another server is about
 *	to serve the device.  Written with the device's lock held
 * @changed: threads that wait until the connection works or @failed is set
 *
 * @desc, @chan and what is copied from them are valid while the device is open.  These
 * threads may use @chan:
 *
 * - an access, between vuser_conn_enter() and vuser_conn_leave();
 * - a thread with the lock of struct vuser_irqs;
 * - open and close, while no work item runs that lets another server serve the device;
 * - the work item that resumes the device, also without that lock, while the device is not
 *	in state open.
 *
 * vuser_conn_replace() waits for the first, its caller holds that lock, and it is called
 * by the work items only.
 */
struct vuser_conn {
	struct vuser_desc *desc;
	struct device *dev;
	u32 id;
	struct vuser_counters *counters;
	const struct vuser_settings *settings;
	struct vuser_channel *chan;
	struct vuser_replay replay;
	atomic_t users;
	bool usable;
	bool failed;
	bool paused;
	wait_queue_head_t changed;
};

/**
 * vuser_conn_leave() - end an access
 * @conn: the connection, after vuser_conn_enter() has returned true
 *
 * Context: any.
 */
static inline void vuser_conn_leave(struct vuser_conn *conn)
{
	/* Fully ordered: vuser_conn_replace() sees the count, or this sees @usable. */
	if (atomic_dec_and_test(&conn->users) && !READ_ONCE(conn->usable))
		wake_up_var(&conn->users);
}

/**
 * vuser_conn_enter() - begin an access that uses the channel
 * @conn: the connection of an open device
 *
 * Context: any; no lock.
 * Return: true, and the channel does not change before vuser_conn_leave(); false if the
 * device has no working connection: the caller must not use the channel.
 */
static inline bool vuser_conn_enter(struct vuser_conn *conn)
{
	atomic_inc(&conn->users);
	/* vuser_conn_replace() sees the count, or this sees that @usable is false. */
	smp_mb__after_atomic();
	if (likely(READ_ONCE(conn->usable)))
		return true;
	vuser_conn_leave(conn);
	return false;
}

void vuser_conn_init(struct vuser_conn *conn, const struct vuser_settings *settings);
void vuser_conn_open(struct vuser_conn *conn, struct vuser_channel *chan);
void vuser_conn_close(struct vuser_conn *conn);
bool vuser_conn_works(struct vuser_conn *conn);
int vuser_conn_wait(struct vuser_conn *conn);
int vuser_conn_begin(struct vuser_conn *conn);
int vuser_conn_result(struct vuser_conn *conn, int ret);
void vuser_conn_stop(struct vuser_conn *conn, bool failed);
void vuser_conn_fail(struct vuser_conn *conn);
void vuser_conn_start(struct vuser_conn *conn);
void vuser_conn_pause(struct vuser_conn *conn);
void vuser_conn_drain(struct vuser_conn *conn);
void vuser_conn_unpause(struct vuser_conn *conn);
struct vuser_channel *vuser_conn_replace(struct vuser_conn *conn,
					 struct vuser_channel *chan);

#endif /* VUSER_CONN_H */
