// SPDX-License-Identifier: GPL-2.0
/* Opens, starts and ends the connection to a server. */
#include <linux/err.h>
#include <linux/workqueue.h>

#include "server/bulk.h"
#include "server/channel.h"
#include "server/fdmsg.h"
#include "server/reader.h"
#include "server/serve_dma.h"
#include "server/server.h"
#include "server/sock.h"

static void vuser_server_end_work(struct work_struct *work)
{
	struct vuser_channel *chan = container_of(work, struct vuser_channel,
						  end_work);

	vuser_sock_stop(&chan->main);
	vuser_sock_stop(&chan->twin);
	vuser_reader_discard(&chan->main);
	vuser_reader_discard(&chan->twin);
	cancel_work_sync(&chan->notify_work);
	vuser_channel_put(chan);
}

/**
 * vuser_server_end() - end a channel and drop the device's reference to it
 * @chan: the channel; no consumer uses it any more
 *
 * Marks the channel lost and wakes all waiters.  A work item then stops the
 * sockets and drops the reference.  Does nothing when it is called again.
 *
 * Context: process; may be called with locks held.
 */
void vuser_server_end(struct vuser_channel *chan)
{
	if (atomic_xchg(&chan->ended, 1))
		return;
	vuser_channel_close(chan);
	queue_work(vuser_wq, &chan->end_work);
}

/**
 * vuser_server_idle() - free memory that an idle channel does not need
 * @chan: the channel; no consumer uses it
 *
 * Context: process; does not wait for the server.
 */
void vuser_server_idle(struct vuser_channel *chan)
{
	vuser_reader_shrink(&chan->main);
	vuser_reader_shrink(&chan->twin);
}

static void vuser_server_init_sock(struct vuser_sock *vsk)
{
	vuser_sock_init(vsk);
	vuser_reader_init(vsk);
}

/**
 * vuser_server_open() - create the channel to a server
 * @user: the device that the channel belongs to.  The struct is copied.  On
 *	success the channel takes over the caller's reference to @user->context
 * @desc: the server's description, checked.  On success the channel takes over
 *	the caller's reference
 * @sock: the main socket, connected and negotiated by the helper.  On success
 *	the channel takes over the caller's reference to its file.  Only the helper's
 *	file descriptor refers to this file, too
 * @twin: the twin socket, or NULL if the server does not use one; otherwise as
 *	@sock
 *
 * The channel reads nothing before vuser_server_start().
 *
 * Context: process, in the helper's context; may sleep to allocate memory.  Does not
 * take a socket's lock.
 * Return: the channel with one reference, which vuser_server_end() drops; or
 * ERR_PTR(): -ENOMEM, or as vuser_sock_take_all().
 */
struct vuser_channel *vuser_server_open(const struct vuser_server_user *user,
					struct vuser_desc *desc,
					struct socket *sock,
					struct socket *twin)
{
	struct vuser_channel *chan;
	int ret;

	ret = vuser_sock_take_all(sock, twin);
	if (ret)
		return ERR_PTR(ret);
	chan = vuser_channel_alloc(user, desc, sock, twin);
	if (!chan)
		return ERR_PTR(-ENOMEM);
	vuser_server_init_sock(&chan->main);
	vuser_server_init_sock(&chan->twin);
	INIT_WORK(&chan->notify_work, vuser_fdmsg_notify_work);
	INIT_WORK(&chan->dma_work, vuser_serve_dma_work);
	vuser_bulk_init_turn(&chan->dma_turn, NULL);
	INIT_WORK(&chan->end_work, vuser_server_end_work);
	return chan;
}

/**
 * vuser_server_start() - start reading from the sockets of a channel
 * @chan: the channel; the device already points to it, because the function
 *	@lost of struct vuser_server_ops may be called from now on
 *
 * Context: process; may sleep.
 * Return: 0, or -ENOTSOCK when a socket cannot be polled.
 */
int vuser_server_start(struct vuser_channel *chan)
{
	int ret;

	ret = vuser_sock_start(&chan->main);
	if (!ret && chan->twin.sock)
		ret = vuser_sock_start(&chan->twin);
	return ret;
}
