/* SPDX-License-Identifier: GPL-2.0 */
/* A device as its consumer opened it, and the connection below it. */
#ifndef VUSER_CONN_H
#define VUSER_CONN_H

#include <linux/atomic.h>
#include <linux/types.h>

struct device;
struct vuser_channel;
struct vuser_counters;
struct vuser_desc;
struct vuser_settings;

/**
 * struct vuser_conn - an open device, and the connection to its server
 * @desc: the device as opened: what the consumer was told; a reference.  Constant while
 *	the device is open
 * @dev: device whose name appears in the kernel log; constant while the device is open
 * @id: number of the device, for the tracepoints; constant while the device is open
 * @counters: the device's counters; constant while the device is open
 * @settings: settings of the device
 * @chan: the channel to the server; a reference
 * @users: number of accesses that use @chan now
 * @usable: accesses may use @chan; false after @chan is lost.  Written with the device's
 *	lock held
 *
 * @desc, @chan and what is copied from them are valid while the device is open.  These
 * threads may use @chan:
 *
 * - an access, between vuser_conn_enter() and vuser_conn_leave();
 * - a thread with the lock of struct vuser_irqs;
 * - open and close.
 */
struct vuser_conn {
	struct vuser_desc *desc;
	struct device *dev;
	u32 id;
	struct vuser_counters *counters;
	const struct vuser_settings *settings;
	struct vuser_channel *chan;
	atomic_t users;
	bool usable;
};

/**
 * vuser_conn_leave() - end an access
 * @conn: the connection, after vuser_conn_enter() has returned true
 *
 * Context: any.
 */
static inline void vuser_conn_leave(struct vuser_conn *conn)
{
	atomic_dec(&conn->users);
}

/**
 * vuser_conn_enter() - begin an access that uses the channel
 * @conn: the connection of an open device
 *
 * Context: any; no lock.
 * Return: true, and the channel does not change before vuser_conn_leave(); false if the
 * server is lost: the caller must not use the channel.
 */
static inline bool vuser_conn_enter(struct vuser_conn *conn)
{
	atomic_inc(&conn->users);
	if (likely(READ_ONCE(conn->usable)))
		return true;
	vuser_conn_leave(conn);
	return false;
}

void vuser_conn_init(struct vuser_conn *conn, const struct vuser_settings *settings);
void vuser_conn_open(struct vuser_conn *conn, struct vuser_channel *chan);
void vuser_conn_close(struct vuser_conn *conn);
bool vuser_conn_works(struct vuser_conn *conn);
int vuser_conn_begin(struct vuser_conn *conn);
void vuser_conn_stop(struct vuser_conn *conn);

#endif /* VUSER_CONN_H */
