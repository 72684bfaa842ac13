// SPDX-License-Identifier: GPL-2.0
/*
 * One socket to the server.
 *
 * All I/O is non-blocking and in kernel credentials; the waits are here.  A
 * wait-queue entry on the socket, as vhost has it, reports data, room and a
 * hang-up; remove_wait_queue() is the barrier that ends the reports.
 */
#include <linux/cred.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <net/sock.h>

#include "compat.h"
#include "server/channel.h"
#include "server/sock.h"
#include "vuser.h"

/* Called by the socket under its wait queue's lock, in any context. */
static int vuser_sock_event(wait_queue_entry_t *wait, unsigned int mode,
			    int wake_flags, void *key)
{
	struct vuser_sock *vsk = container_of(wait, struct vuser_sock, wait);
	__poll_t events = key_to_poll(key);

	if (vuser_channel_lost(vsk->chan)) {
		wake_up_all(&vsk->room);
		return 0;
	}
	if (!events || (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) {
		wake_up_all(&vsk->room);
		vuser_channel_room(vsk->chan);
		if (READ_ONCE(vsk->stalled))
			queue_work(vuser_wq, &vsk->rx_work);
	}
	if (!events || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		vuser_channel_readable(vsk, wake_flags);
	return 0;
}

/* vfs_poll() hands out the wait queue: remember it and stay on it. */
struct vuser_sock_poll {
	poll_table table;
	struct vuser_sock *vsk;
};

static void vuser_sock_queue(struct file *file, wait_queue_head_t *wqh,
			     poll_table *table)
{
	struct vuser_sock_poll *poll;

	poll = container_of(table, struct vuser_sock_poll, table);
	if (poll->vsk->wqh)
		return;
	poll->vsk->wqh = wqh;
	add_wait_queue(wqh, &poll->vsk->wait);
}

/**
 * vuser_sock_readable() - is there something to read, an end included?
 * @vsk: the socket
 *
 * Context: any; no lock.
 */
bool vuser_sock_readable(struct vuser_sock *vsk)
{
	struct sock *sk = vsk->sock->sk;

	if (READ_ONCE(vsk->stalled) || vuser_channel_lost(vsk->chan))
		return false;
	return !skb_queue_empty_lockless(&sk->sk_receive_queue) ||
	       (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN);
}

/**
 * vuser_sock_has_room() - did the server read enough of what was sent?
 * @vsk: the socket
 *
 * Context: any; no lock.
 * Return: true with room, and when the channel is lost.
 */
bool vuser_sock_has_room(struct vuser_sock *vsk)
{
	struct sock *sk = vsk->sock->sk;

	return vuser_channel_lost(vsk->chan) ||
	       refcount_read(&sk->sk_wmem_alloc) <= READ_ONCE(sk->sk_sndbuf) / 4;
}

static int vuser_sock_sendmsg(struct vuser_sock *vsk, struct msghdr *msg,
			      struct kvec *vec, size_t nr, size_t len,
			      enum vuser_tx tx)
{
	struct sock *sk = vsk->sock->sk;

	lockdep_assert_held(&vsk->tx_lock);
	msg->msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	if (tx == VUSER_TX_POSTED &&
	    refcount_read(&sk->sk_wmem_alloc) > READ_ONCE(sk->sk_sndbuf) / 2)
		return -EAGAIN;
	return kernel_sendmsg(vsk->sock, msg, vec, nr, len);
}

/*
 * A caller that waits for a reply gets the error.  A posted store has no such
 * caller, so count and log it here.
 */
static void vuser_sock_unsent(struct vuser_sock *vsk, const struct kvec *vec,
			      int error)
{
	const struct vfio_user_header *hdr = vec->iov_base;

	vuser_channel_count(vsk->chan, VUSER_COUNT_UNSENT);
	dev_warn_ratelimited(vsk->chan->user.dev,
			     "no memory to send a message (%d): id 0x%04x command %u size %u flags 0x%x\n",
			     error, hdr->msg_id, hdr->command, hdr->msg_size,
			     hdr->flags);
}

/* What became of it: 0, or an error; of a message sent in part, the end. */
static int vuser_sock_sent(struct vuser_sock *vsk, const struct kvec *vec,
			   int ret, size_t len)
{
	if (ret == -ENOMEM || ret == -ENOBUFS)
		vuser_sock_unsent(vsk, vec, ret);
	if (ret == -EPIPE || ret == -ECONNRESET || ret == -ENOTCONN) {
		vuser_channel_fail(vsk->chan, -ENOTCONN,
				   "the server closed its socket");
		return -ENOTCONN;
	}
	if (ret >= 0 && ret != len) {
		vuser_channel_fail(vsk->chan, -EMSGSIZE,
				   "the socket took part of a message");
		return -ENOTCONN;
	}
	return ret < 0 ? ret : 0;
}

/**
 * vuser_sock_try_send() - send one message, now or not at all
 * @vsk: the socket
 * @msg: flags are set here; may carry control data
 * @vec: the message
 * @nr: entries of @vec
 * @len: bytes of all entries, VUSER_MAX_MSG at most
 * @tx: how much of the socket's buffer it may use
 *
 * Context: process, in the credentials that shall be seen; may sleep for
 * memory, never for the server.
 * Return: 0, -EAGAIN without room, -ENOTCONN when the channel is or was thus
 * lost, or another error of the socket, nothing sent.
 */
int vuser_sock_try_send(struct vuser_sock *vsk, struct msghdr *msg,
			struct kvec *vec, size_t nr, size_t len,
			enum vuser_tx tx)
{
	int ret;

	if (vuser_channel_lost(vsk->chan))
		return -ENOTCONN;
	mutex_lock(&vsk->tx_lock);
	ret = vuser_sock_sendmsg(vsk, msg, vec, nr, len, tx);
	mutex_unlock(&vsk->tx_lock);
	return vuser_sock_sent(vsk, vec, ret, len);
}

/**
 * vuser_sock_send_now() - the same, not even waiting for another sender
 * @vsk: the socket
 * @msg: flags are set here; carries control data
 * @vec: the message, one entry
 *
 * Context: a netlink handler, which must not sleep for anyone.
 * Return: as vuser_sock_try_send(); -EAGAIN also while another thread sends.
 */
int vuser_sock_send_now(struct vuser_sock *vsk, struct msghdr *msg,
			struct kvec *vec)
{
	size_t len = vec->iov_len;
	int ret;

	if (vuser_channel_lost(vsk->chan))
		return -ENOTCONN;
	if (!mutex_trylock(&vsk->tx_lock))
		return -EAGAIN;
	ret = vuser_sock_sendmsg(vsk, msg, vec, 1, len, VUSER_TX_ALL);
	mutex_unlock(&vsk->tx_lock);
	return vuser_sock_sent(vsk, vec, ret, len);
}

/**
 * vuser_sock_send() - send one message, waiting for room
 * @vsk: the socket
 * @vec: the message
 * @nr: entries of @vec
 * @len: bytes of all entries, VUSER_MAX_MSG at most
 * @tx: how much of the socket's buffer it may use
 * @deadline: when to give up
 * @killable: a fatal signal ends the wait
 *
 * Context: process; sleeps, so with no lock held that others need.
 * Return: 0, -EINTR when killed, -ETIMEDOUT, or as vuser_sock_try_send().
 */
int vuser_sock_send(struct vuser_sock *vsk, struct kvec *vec, size_t nr,
		    size_t len, enum vuser_tx tx, ktime_t deadline,
		    bool killable)
{
	const struct cred *cred;
	struct msghdr msg;
	long left;
	int ret;

	for (;;) {
		memset(&msg, 0, sizeof(msg));
		cred = override_creds(vuser_cred);
		ret = vuser_sock_try_send(vsk, &msg, vec, nr, len, tx);
		revert_creds(cred);
		if (ret != -EAGAIN)
			return ret;

		left = vuser_jiffies_left(deadline);
		if (!left)
			return -ETIMEDOUT;
		if (!killable)
			wait_event_idle_timeout(vsk->room,
						vuser_sock_has_room(vsk),
						left);
		else if (wait_event_killable_timeout(vsk->room,
						     vuser_sock_has_room(vsk),
						     left) < 0)
			return -EINTR;
	}
}

/**
 * vuser_sock_reply() - answer a request of the server, now or a bit later
 * @vsk: the socket it came by
 * @vec: the message
 * @nr: entries of @vec
 * @len: bytes of all entries
 *
 * Without room the message is kept, and nothing more is read until it went.
 *
 * Context: the reading thread, under @vsk->rx_lock.
 * Return: 0, or an error that ends the channel.
 */
int vuser_sock_reply(struct vuser_sock *vsk, struct kvec *vec, size_t nr,
		     size_t len)
{
	struct msghdr msg = {};
	size_t i, pos = 0;
	int ret;

	ret = vuser_sock_try_send(vsk, &msg, vec, nr, len, VUSER_TX_ALL);
	if (ret != -EAGAIN)
		return ret;

	vsk->parked = kvmalloc(len, GFP_KERNEL);
	if (!vsk->parked)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		memcpy(vsk->parked + pos, vec[i].iov_base, vec[i].iov_len);
		pos += vec[i].iov_len;
	}
	vsk->parked_len = len;
	WRITE_ONCE(vsk->stalled, true);
	return 0;
}

/**
 * vuser_sock_init() - prepare the wait-queue entry
 * @vsk: the socket
 */
void vuser_sock_init(struct vuser_sock *vsk)
{
	init_waitqueue_func_entry(&vsk->wait, vuser_sock_event);
}

/* One message must fit one skb, or two writers could mix. */
static int vuser_sock_size(struct vuser_sock *vsk)
{
	int size = VUSER_MIN_SNDBUF;

	if (READ_ONCE(vsk->sock->sk->sk_sndbuf) >= VUSER_MIN_SNDBUF)
		return 0;
	return sock_setsockopt(vsk->sock, SOL_SOCKET, SO_SNDBUFFORCE,
			       KERNEL_SOCKPTR(&size), sizeof(size));
}

/**
 * vuser_sock_start() - begin to listen for what the socket has
 * @vsk: the socket
 *
 * Context: the helper's, which may enlarge the socket's buffer.
 * Return: 0, -EPERM when the socket's buffer is too small, or -ENOTSOCK when
 * its file has no wait queue.
 */
int vuser_sock_start(struct vuser_sock *vsk)
{
	struct vuser_sock_poll poll = { .vsk = vsk };
	int ret;

	ret = vuser_sock_size(vsk);
	if (ret)
		return ret;
	vuser_refuse_fds(vsk->sock);
	init_poll_funcptr(&poll.table, vuser_sock_queue);
	vfs_poll(vsk->sock->file, &poll.table);
	if (!vsk->wqh)
		return -ENOTSOCK;
	queue_work(vuser_wq, &vsk->rx_work);
	return 0;
}

/**
 * vuser_sock_stop() - nothing of the socket runs any more on return
 * @vsk: the socket; the channel is lost already
 *
 * Context: process; waits for the work items.
 */
void vuser_sock_stop(struct vuser_sock *vsk)
{
	if (!vsk->sock)
		return;
	if (vsk->wqh)
		remove_wait_queue(vsk->wqh, &vsk->wait);
	wake_up_all(&vsk->room);
	cancel_work_sync(&vsk->rx_work);
	cancel_delayed_work_sync(&vsk->partial_work);
	/* Reading starts the clock and the other way round: once more. */
	cancel_work_sync(&vsk->rx_work);
}
