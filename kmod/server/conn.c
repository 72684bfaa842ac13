// SPDX-License-Identifier: GPL-2.0
/*
 * A device as its consumer opened it, and the connection below it.
 *
 * The device as opened lives from open to close.  Accesses use the connection between
 * vuser_conn_enter() and vuser_conn_leave(), and not after its server is lost.
 */
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
 * vuser_conn_begin() - begin an access that fails without a connection
 * @conn: the connection of an open device
 *
 * Context: any; no lock.
 * Return: 0, and the caller must call vuser_conn_leave(); -ENOTCONN when the server is
 * lost.
 */
int vuser_conn_begin(struct vuser_conn *conn)
{
	return vuser_conn_enter(conn) ? 0 : -ENOTCONN;
}

/**
 * vuser_conn_stop() - let no access use the channel
 * @conn: the connection of an open device; its channel is lost
 *
 * Accesses that use the channel now end on their own, because it is lost.
 *
 * Context: process; the device's lock is held.
 */
void vuser_conn_stop(struct vuser_conn *conn)
{
	WRITE_ONCE(conn->usable, false);
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
	vuser_desc_put(conn->desc);
	conn->desc = NULL;
	vuser_channel_put(conn->chan);
	conn->chan = NULL;
}
