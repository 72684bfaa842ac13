// SPDX-License-Identifier: GPL-2.0
/*
 * One socket to the server.
 *
 * All socket I/O is non-blocking.  It uses kernel credentials; only fdmsgs are sent
 * with the helper's credentials.  Threads that need room in the send buffer wait in
 * vuser_sock_send().  The sock has an entry on the socket's wait queue, as vhost
 * does.  Its function vuser_sock_event() is called for data, room and hang-up.
 * After remove_wait_queue() it is not called any more.
 */
#include <linux/cred.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <net/af_unix.h>
#include <net/sock.h>

#include "compat.h"
#include "server/bulk.h"
#include "server/channel.h"
#include "server/sock.h"
#include "vuser.h"

/*
 * The references to a socket's file while the helper attaches it: that of the helper's
 * file descriptor, and that of the handler of dev-attach.
 */
#define VUSER_SOCK_REFS	2

/*
 * Handles an event of the socket: data, room or hang-up.  The socket calls this
 * function in any context, under the lock of its wait queue.
 */
static int vuser_sock_event(wait_queue_entry_t *wait, unsigned int mode,
			    int wake_flags, void *key)
{
	struct vuser_sock *vsk = container_of(wait, struct vuser_sock, wait);
	__poll_t events = key_to_poll(key);
	enum vuser_rx_state state;

	if (vuser_channel_lost(vsk->chan)) {
		wake_up_all(&vsk->room);
		return 0;
	}
	if (!events || (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) {
		wake_up_all(&vsk->room);
		vuser_channel_room_freed(vsk->chan);
		state = READ_ONCE(vsk->rx_state);
		if (state == VUSER_RX_PARKED ||
		    (state == VUSER_RX_FULL && events & EPOLLHUP))
			vuser_channel_queue_reader(vsk);
	}
	if (!events || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		vuser_channel_wake_reader(vsk, wake_flags);
	return 0;
}

/* Passes the sock to vuser_sock_add_wait(). */
struct vuser_sock_poll {
	poll_table table;
	struct vuser_sock *vsk;
};

/*
 * Called by vfs_poll() with the socket's wait queue: adds the sock's entry, which
 * stays on the queue until vuser_sock_stop().
 */
static void vuser_sock_add_wait(struct file *file, wait_queue_head_t *wqh,
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
 * vuser_sock_readable() - check whether a sock must be read
 * @vsk: the sock
 *
 * Context: any; no lock.
 * Return: true if the socket or the buffer has data, or the socket was hung up; false
 * while the sock waits for room, and when the channel is lost.
 */
bool vuser_sock_readable(struct vuser_sock *vsk)
{
	struct sock *sk = vsk->sock->sk;

	switch (vuser_channel_lost(vsk->chan) ? VUSER_RX_PARKED :
						READ_ONCE(vsk->rx_state)) {
	case VUSER_RX_PARKED:
	case VUSER_RX_FULL:
		return false;
	case VUSER_RX_MORE:
		return true;
	default:
		break;
	}
	return !skb_queue_empty_lockless(&sk->sk_receive_queue) ||
	       (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN);
}

/**
 * vuser_sock_has_room() - check whether a thread can stop waiting for room
 * @vsk: the sock
 *
 * The send buffer counts as having room when at most a quarter of it is in use.
 *
 * Context: any; no lock.
 * Return: true if the send buffer has room, or if the channel is lost.
 */
bool vuser_sock_has_room(struct vuser_sock *vsk)
{
	struct sock *sk = vsk->sock->sk;

	return vuser_channel_lost(vsk->chan) ||
	       refcount_read(&sk->sk_wmem_alloc) <= READ_ONCE(sk->sk_sndbuf) / 4;
}

/*
 * Sends without blocking.  Returns the number of bytes sent, -EAGAIN if the send
 * buffer has no room, or another error of the socket.
 */
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
 * Counts and logs a message that could not be sent because memory ran out.  A
 * thread that waits for a reply gets the error, but a posted store is lost without
 * any other sign.
 */
static void vuser_sock_report_unsent(struct vuser_sock *vsk,
				     const struct kvec *vec, int error)
{
	const struct vfio_user_header *hdr = vec->iov_base;

	vuser_channel_count(vsk->chan, VUSER_COUNT_UNSENT);
	dev_warn_ratelimited(vsk->chan->user.dev,
			     "no memory to send a message (%d): id 0x%04x command %u size %u flags 0x%x\n",
			     error, hdr->msg_id, hdr->command, hdr->msg_size,
			     hdr->flags);
}

/*
 * Handles the result @ret of vuser_sock_sendmsg().  Returns 0 or an error.  Marks
 * the channel lost if the server closed its socket, or if only part of the message
 * was sent.
 */
static int vuser_sock_check_sent(struct vuser_sock *vsk,
				 const struct kvec *vec, int ret, size_t len)
{
	if (ret == -ENOMEM || ret == -ENOBUFS)
		vuser_sock_report_unsent(vsk, vec, ret);
	if (ret == -EPIPE || ret == -ECONNRESET || ret == -ENOTCONN) {
		vuser_channel_fail(vsk->chan, -ENOTCONN,
				   "the server closed its socket");
		return -ENOTCONN;
	}
	if (ret >= 0 && ret != len) {
		vuser_channel_fail(vsk->chan, -EMSGSIZE,
				   "the socket accepted only part of a message");
		return -ENOTCONN;
	}
	return ret < 0 ? ret : 0;
}

/**
 * vuser_sock_try_send() - send one message without waiting for room
 * @vsk: the sock
 * @msg: zeroed, or with control data; this function sets the flags
 * @vec: the message; the first entry starts with the header
 * @nr: number of entries in @vec
 * @len: size of the message in bytes, at most VUSER_MAX_MSG
 * @tx: how much of the send buffer the message may use
 *
 * Context: process; the message is sent with the caller's current credentials.
 * May sleep for memory and for another thread that sends, but never waits for
 * the server.
 * Return: 0; -EAGAIN when the send buffer has no room; -ENOTCONN when the channel
 * is lost or became lost by this call; or another error of the socket, such as
 * -ENOMEM, and nothing was sent.
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
	return vuser_sock_check_sent(vsk, vec, ret, len);
}

/**
 * vuser_sock_send_now() - send one message without waiting for another sender
 * @vsk: the sock
 * @msg: control data; this function sets the flags
 * @vec: the message in one entry
 *
 * Context: process, a netlink handler, which must not wait for a server or a
 * helper.  The message is sent with the caller's credentials.
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
	return vuser_sock_check_sent(vsk, vec, ret, len);
}

/**
 * vuser_sock_send() - send one message, and wait for room if needed
 * @vsk: the sock
 * @vec: the message; the first entry starts with the header
 * @nr: number of entries in @vec
 * @len: size of the message in bytes, at most VUSER_MAX_MSG
 * @tx: how much of the send buffer the message may use
 * @deadline: when to stop waiting, on ktime_get()'s clock
 * @killable: a fatal signal ends the wait
 *
 * Context: process; sends with kernel credentials.  Sleeps until the server has
 * read earlier messages, so the caller must not hold a lock that other threads
 * need to make progress.
 * Return: 0; -EINTR when the thread was killed; -ETIMEDOUT when the deadline has
 * passed; or as vuser_sock_try_send(), except -EAGAIN.
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
 * vuser_sock_reply() - send a reply to a command of the server
 * @vsk: the sock on which the command arrived
 * @vec: the reply
 * @nr: number of entries in @vec
 * @len: size of the reply in bytes
 *
 * If the send buffer has no room, the reply is copied and parked.  Nothing more is
 * read from the sock until the parked reply is sent.
 *
 * Context: the thread that reads, with @vsk->rx_lock held; may sleep for memory,
 * but never waits for the server.
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
	return 0;
}

/**
 * vuser_sock_init() - initialise the wait-queue entry of a sock
 * @vsk: the sock
 *
 * Context: any.
 */
void vuser_sock_init(struct vuser_sock *vsk)
{
	init_waitqueue_func_entry(&vsk->wait, vuser_sock_event);
}

/*
 * Sets the options of a socket that only we use.  setsockopt() would take the
 * socket's lock; no lock is needed, because no other process has the socket.
 *
 * The send buffer is enlarged if needed, so that each message fits into one skb.
 * Otherwise the messages of two threads could be mixed on the socket.
 */
static void vuser_sock_set_options(struct sock *sk)
{
	if (READ_ONCE(sk->sk_sndbuf) < VUSER_MIN_SNDBUF)
		WRITE_ONCE(sk->sk_sndbuf, VUSER_MIN_SNDBUF);
	vuser_refuse_fds(sk);
}

/* Whether the other end of @sock is @end. */
static bool vuser_sock_is_peer(struct socket *sock, struct socket *end)
{
	bool same;

	unix_state_lock(sock->sk);
	same = unix_peer(sock->sk) == end->sk;
	unix_state_unlock(sock->sk);
	return same;
}

/*
 * Takes a socket from the helper.  The helper's file descriptor and the caller must
 * have the only references to its file.  A process that has another one could hold
 * the lock with which the socket is read or changed, and read or write in our place.
 * Each use counts: file descriptors, files in messages, and system calls that run.
 */
static int vuser_sock_take(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (file_count(sock->file) > VUSER_SOCK_REFS)
		return -ETOOMANYREFS;
	vuser_sock_set_options(sk);
	/* Wait for a sender that has not seen the options yet. */
	unix_state_lock(sk);
	unix_state_unlock(sk);
	return vuser_sock_nr_files(sk) ? -EPROTO : 0;
}

/**
 * vuser_sock_take_all() - make sure that only we use the sockets of a server
 * @sock: the main socket; the caller has a reference to its file
 * @twin: the twin socket, or NULL; otherwise as @sock
 *
 * Also sets the options of the sockets.
 *
 * Context: process, the helper's, in a netlink handler.  Does not take a socket's lock,
 * and does not wait.
 * Return: 0; -ETOOMANYREFS when another process can use one of the sockets, too; -EINVAL
 * when one is the other end of the other; -EPROTO when the server has sent file
 * descriptors that the helper has not read.
 */
int vuser_sock_take_all(struct socket *sock, struct socket *twin)
{
	int ret;

	if (twin && vuser_sock_is_peer(twin, sock))
		return -EINVAL;
	ret = vuser_sock_take(sock);
	if (!ret && twin)
		ret = vuser_sock_take(twin);
	return ret;
}

/**
 * vuser_sock_start() - start reading a sock and handling its events
 * @vsk: the sock; vuser_sock_take_all() has returned 0 for its socket
 *
 * Context: process; may sleep.
 * Return: 0, or -ENOTSOCK when the socket has no wait queue.
 */
int vuser_sock_start(struct vuser_sock *vsk)
{
	struct vuser_sock_poll poll = { .vsk = vsk };

	init_poll_funcptr(&poll.table, vuser_sock_add_wait);
	vfs_poll(vsk->sock->file, &poll.table);
	if (!vsk->wqh)
		return -ENOTSOCK;
	vuser_channel_queue_reader(vsk);
	return 0;
}

/**
 * vuser_sock_stop() - stop reading a sock and handling its events
 * @vsk: the sock; its channel is lost
 *
 * On return neither the wait-queue entry nor a work item of the sock runs or will
 * run again.  Does nothing if the sock has no socket.
 *
 * Context: process; sleeps until the work items have finished.
 */
void vuser_sock_stop(struct vuser_sock *vsk)
{
	if (!vsk->sock)
		return;
	if (vsk->wqh)
		remove_wait_queue(vsk->wqh, &vsk->wait);
	wake_up_all(&vsk->room);
	cancel_work_sync(&vsk->rx_work);
	vuser_bulk_cancel(&vsk->turn);
	cancel_delayed_work_sync(&vsk->deadline_work);
	/*
	 * These may have queued rx_work before the channel was lost: cancel it a second
	 * time.  On a lost channel they queue nothing.
	 */
	cancel_work_sync(&vsk->rx_work);
}
