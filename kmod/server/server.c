// SPDX-License-Identifier: GPL-2.0
/* Beginning to talk to a server, and the end of it. */
#include <linux/err.h>
#include <linux/workqueue.h>

#include "server/channel.h"
#include "server/fdmsg.h"
#include "server/reader.h"
#include "server/server.h"
#include "server/sock.h"

static void vuser_server_end_work(struct work_struct *work)
{
	struct vuser_channel *chan = container_of(work, struct vuser_channel,
						  end_work);

	vuser_sock_stop(&chan->main);
	vuser_sock_stop(&chan->twin);
	cancel_work_sync(&chan->notify_work);
	vuser_channel_put(chan);
}

/**
 * vuser_server_end() - drop the device's reference and end the channel
 * @chan: the channel; no consumer uses it any more
 *
 * A work item does the rest, so that this may be called with locks.
 *
 * Context: process.
 */
void vuser_server_end(struct vuser_channel *chan)
{
	vuser_channel_close(chan);
	queue_work(vuser_wq, &chan->end_work);
}

static void vuser_server_init_sock(struct vuser_sock *vsk)
{
	vuser_sock_init(vsk);
	vuser_reader_init(vsk);
}

/**
 * vuser_server_open() - make a channel of what the helper negotiated
 * @user: the device that the channel belongs to; copied; the reference behind
 *	@user->context is taken over on success
 * @desc: what the server said; the reference is taken over on success
 * @sock: the connected socket; taken over on success
 * @twin: the server's command socket or NULL; taken over on success
 *
 * Nothing is read before vuser_server_start().
 *
 * Return: the channel, or ERR_PTR(-ENOMEM).
 */
struct vuser_channel *vuser_server_open(const struct vuser_server_user *user,
					struct vuser_desc *desc,
					struct socket *sock,
					struct socket *twin)
{
	struct vuser_channel *chan;

	chan = vuser_channel_alloc(user, desc, sock, twin);
	if (!chan)
		return ERR_PTR(-ENOMEM);
	vuser_server_init_sock(&chan->main);
	vuser_server_init_sock(&chan->twin);
	INIT_WORK(&chan->notify_work, vuser_fdmsg_notify_work);
	INIT_WORK(&chan->end_work, vuser_server_end_work);
	return chan;
}

/**
 * vuser_server_start() - begin to read
 * @chan: the channel; the device knows it already
 *
 * Context: the helper's, which may enlarge the sockets' buffers.
 * Return: 0, -EPERM or -ENOTSOCK.
 */
int vuser_server_start(struct vuser_channel *chan)
{
	int ret;

	ret = vuser_sock_start(&chan->main);
	if (!ret && chan->twin.sock)
		ret = vuser_sock_start(&chan->twin);
	return ret;
}
