// SPDX-License-Identifier: GPL-2.0
/*
 * A device as its consumer opened it, and the connection below it.
 *
 * The device as opened lives from open to close.  The connection comes and goes: when
 * its server is lost, accesses act as the setting on_loss says, until another channel
 * takes the place of the lost one.
 */
#include <linux/jiffies.h>
#include <linux/sched/signal.h>

#include "server/channel.h"
#include "server/conn.h"
#include "server/desc.h"
#include "vuser.h"

/**
 * vuser_conn_works() - tell whether accesses reach a server
 * @conn: the connection of an open device
 *
 * Context: any; no lock.
 * Return: true if the device has a connection that is not lost.
 */
bool vuser_conn_works(struct vuser_conn *conn)
{
	bool works;

	if (!vuser_conn_enter(conn))
		return false;
	works = !vuser_channel_lost(conn->chan);
	vuser_conn_leave(conn);
	return works;
}

/**
 * vuser_conn_wait() - wait for another server, if the setting on_loss says so
 * @conn: the connection of an open device
 *
 * Call this when vuser_conn_enter() has returned false, or when the channel was lost
 * before the message of an access was sent.
 *
 * While another server is about to serve the device, waits for that, whatever the setting
 * says.
 *
 * Context: process; sleeps killably, at most as long as reconnect_timeout_ms says; or, while
 * accesses are paused, until the replacement ends: each of its steps takes
 * request_timeout_ms at most.  The caller is not between vuser_conn_enter() and
 * vuser_conn_leave().
 * Return: 0: make the access again; -ENOTCONN: the access fails; -EINTR when killed.
 */
int vuser_conn_wait(struct vuser_conn *conn)
{
	const struct vuser_settings *set = conn->settings;
	long left = msecs_to_jiffies(READ_ONCE(set->reconnect_timeout_ms));

	if (READ_ONCE(conn->paused))
		return wait_event_killable(conn->changed, !READ_ONCE(conn->paused)) ?
		       -EINTR : 0;
	if (READ_ONCE(set->on_loss) != VUSER_ON_LOSS_WAIT)
		return -ENOTCONN;
	left = wait_event_killable_timeout(conn->changed,
					   READ_ONCE(conn->failed) ||
					   vuser_conn_works(conn), left);
	if (left < 0)
		return -EINTR;
	return left && !READ_ONCE(conn->failed) ? 0 : -ENOTCONN;
}

/**
 * vuser_conn_begin() - begin an access, and wait for another server if necessary
 * @conn: the connection of an open device
 *
 * A lost channel counts as none, also before the work item that reports its loss has run.
 *
 * Context: process; sleeps as vuser_conn_wait().
 * Return: 0, and the caller must call vuser_conn_leave(); or as vuser_conn_wait().
 */
int vuser_conn_begin(struct vuser_conn *conn)
{
	int ret;

	do {
		if (vuser_conn_enter(conn)) {
			if (!vuser_channel_lost(conn->chan))
				return 0;
			vuser_conn_leave(conn);
		}
		ret = vuser_conn_wait(conn);
	} while (!ret);
	return ret;
}

/**
 * vuser_conn_result() - choose the result of a load or a store
 * @conn: the connection of an open device
 * @ret: what the access returned
 *
 * Context: any.
 * Return: 0 in place of -ENOTCONN, if the setting on_loss says that loads give all ones
 * and stores vanish; otherwise @ret.
 */
int vuser_conn_result(struct vuser_conn *conn, int ret)
{
	if (ret == -ENOTCONN &&
	    READ_ONCE(conn->settings->on_loss) == VUSER_ON_LOSS_ONES)
		return 0;
	return ret;
}

/**
 * vuser_conn_stop() - let no access use the channel
 * @conn: the connection of an open device; its channel is lost
 * @failed: accesses fail until the consumer resets the device
 *
 * Accesses that use the channel now end on their own, because it is lost.
 *
 * Context: process; the device's lock is held.
 */
void vuser_conn_stop(struct vuser_conn *conn, bool failed)
{
	WRITE_ONCE(conn->usable, false);
	if (failed)
		vuser_conn_fail(conn);
}

/**
 * vuser_conn_fail() - let accesses fail until the consumer resets the device
 * @conn: the connection of an open device, after vuser_conn_stop()
 *
 * Wakes the threads in vuser_conn_wait().
 *
 * Context: process; the device's lock is held.
 */
void vuser_conn_fail(struct vuser_conn *conn)
{
	WRITE_ONCE(conn->failed, true);
	wake_up_all(&conn->changed);
}

/**
 * vuser_conn_start() - let accesses use the channel
 * @conn: the connection of an open device
 *
 * Context: process; the device's lock is held.
 */
void vuser_conn_start(struct vuser_conn *conn)
{
	WRITE_ONCE(conn->failed, false);
	WRITE_ONCE(conn->paused, false);
	/* A thread that sees @usable also sees the channel. */
	smp_wmb();
	WRITE_ONCE(conn->usable, true);
	wake_up_all(&conn->changed);
}

/**
 * vuser_conn_pause() - let accesses wait, since another server is about to serve the device
 * @conn: the connection of an open device, which works
 *
 * Accesses wait until vuser_conn_start() or vuser_conn_unpause().
 *
 * Context: process; the device's lock is held.
 */
void vuser_conn_pause(struct vuser_conn *conn)
{
	WRITE_ONCE(conn->paused, true);
	/* A thread that sees that @usable is false also sees @paused. */
	smp_wmb();
	WRITE_ONCE(conn->usable, false);
}

/**
 * vuser_conn_drain() - wait for the accesses that use the channel
 * @conn: the connection of an open device, after vuser_conn_pause() or vuser_conn_stop()
 *
 * Context: process, without the device's lock.  Sleeps, not interruptible; each access waits
 * for the server, until its deadline.
 */
void vuser_conn_drain(struct vuser_conn *conn)
{
	/* Pairs with the barrier in vuser_conn_enter(). */
	smp_mb();
	wait_var_event(&conn->users, !atomic_read(&conn->users));
}

/**
 * vuser_conn_unpause() - let accesses act as the setting on_loss says
 * @conn: the connection of an open device, after vuser_conn_pause(); its server is lost
 *
 * Context: process; the device's lock is held.
 */
void vuser_conn_unpause(struct vuser_conn *conn)
{
	WRITE_ONCE(conn->paused, false);
	wake_up_all(&conn->changed);
}

/**
 * vuser_conn_replace() - put another channel in the place of a lost one
 * @conn: the connection of an open device, after vuser_conn_stop() or vuser_conn_pause();
 *	its channel is lost
 * @chan: the new channel; the function takes its own reference
 *
 * Accesses use the new channel after vuser_conn_start().
 *
 * Context: a work item that lets another server serve the device; the lock of the
 * interrupts is held.  Sleeps until the accesses that use the lost channel have ended; they
 * wait for nothing but that channel.
 * Return: the lost channel, and the caller takes over its reference.
 */
struct vuser_channel *vuser_conn_replace(struct vuser_conn *conn,
					 struct vuser_channel *chan)
{
	struct vuser_channel *old = conn->chan;

	vuser_conn_drain(conn);
	vuser_channel_get(chan);
	vuser_replay_move(&conn->replay, old, chan);
	WRITE_ONCE(conn->chan, chan);
	return old;
}

/**
 * vuser_conn_init() - initialise the connection of a new device
 * @conn: the connection, zeroed
 * @settings: settings of the device; must live as long as @conn
 *
 * Context: any.
 */
void vuser_conn_init(struct vuser_conn *conn, const struct vuser_settings *settings)
{
	init_waitqueue_head(&conn->changed);
	vuser_replay_init(&conn->replay);
	conn->settings = settings;
}

/**
 * vuser_conn_open() - take the channel of a device that is being opened
 * @conn: the connection of the device
 * @chan: the device's channel; the function takes its own references to it and to its
 *	description
 *
 * Context: process.
 */
void vuser_conn_open(struct vuser_conn *conn, struct vuser_channel *chan)
{
	vuser_channel_get(chan);
	vuser_desc_get(chan->desc);
	conn->chan = chan;
	conn->desc = chan->desc;
	conn->dev = chan->user.dev;
	conn->id = chan->user.id;
	conn->counters = chan->user.counters;
	vuser_replay_open(&conn->replay, chan, READ_ONCE(conn->settings->state_kept));
	conn->failed = false;
	conn->paused = false;
	conn->usable = true;
}

/**
 * vuser_conn_close() - drop the references of a device that is being closed
 * @conn: the connection; no access uses it any more
 *
 * Context: process; may sleep.
 */
void vuser_conn_close(struct vuser_conn *conn)
{
	conn->usable = false;
	vuser_replay_close(&conn->replay, conn->chan);
	vuser_desc_put(conn->desc);
	conn->desc = NULL;
	vuser_channel_put(conn->chan);
	conn->chan = NULL;
}
