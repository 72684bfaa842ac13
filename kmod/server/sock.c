// SPDX-License-Identifier: GPL-2.0
/*
 * One socket to the server.
 *
 * All I/O is non-blocking and in kernel credentials; waits are here.  A
 * wait-queue entry on the socket, as vhost has it, tells of data, of room and
 * of a hang-up; remove_wait_queue() is the barrier that ends it.  A thread
 * that waits for a reply reads by itself (channel.c); the work item reads
 * when none waits.  A message that was read in part belongs to the link, not
 * to the thread that read it.
 */
#include <linux/cred.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <net/sock.h>

#include "main.h"
#include "server/channel.h"
#include "server/sock.h"
#include "trace.h"
#include "vuser.h"

/* A thread that waits reads so many times before it looks at the clock. */
#define VUSER_READS	16

/* Called by the socket under its wait queue's lock, in any context. */
static int vuser_link_event(wait_queue_entry_t *wait, unsigned int mode,
			    int wake_flags, void *key)
{
	struct vuser_link *link = container_of(wait, struct vuser_link, wait);
	__poll_t events = key_to_poll(key);

	if (vuser_channel_lost(link->chan)) {
		wake_up_all(&link->room);
		return 0;
	}
	if (!events || (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) {
		wake_up_all(&link->room);
		vuser_channel_room(link->chan);
		if (READ_ONCE(link->stalled))
			queue_work(vuser_wq, &link->rx_work);
	}
	if (!events || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		vuser_channel_readable(link, wake_flags);
	return 0;
}

/* vfs_poll() hands out the wait queue: remember it and stay on it. */
struct vuser_link_poll {
	poll_table table;
	struct vuser_link *link;
};

static void vuser_link_queue(struct file *file, wait_queue_head_t *wqh,
			     poll_table *table)
{
	struct vuser_link_poll *poll;

	poll = container_of(table, struct vuser_link_poll, table);
	if (poll->link->wqh)
		return;
	poll->link->wqh = wqh;
	add_wait_queue(wqh, &poll->link->wait);
}

/**
 * vuser_link_readable() - is there something to read, an end included?
 * @link: the link
 *
 * Context: any; no lock.
 */
bool vuser_link_readable(struct vuser_link *link)
{
	struct sock *sk = link->sock->sk;

	if (READ_ONCE(link->stalled) || vuser_channel_lost(link->chan))
		return false;
	return !skb_queue_empty_lockless(&sk->sk_receive_queue) ||
	       (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN);
}

/**
 * vuser_link_has_room() - did the server read enough of what was sent?
 * @link: the link
 *
 * Context: any; no lock.
 * Return: true with room, and when the channel is lost.
 */
bool vuser_link_has_room(struct vuser_link *link)
{
	struct sock *sk = link->sock->sk;

	return vuser_channel_lost(link->chan) ||
	       refcount_read(&sk->sk_wmem_alloc) <= READ_ONCE(sk->sk_sndbuf) / 4;
}

/* Takes one message from the front of the buffer: its size, 0, or an error. */
static int vuser_link_take(struct vuser_link *link, const u8 *buf, size_t len)
{
	struct vfio_user_header hdr;
	int ret;

	if (len < sizeof(hdr))
		return 0;
	memcpy(&hdr, buf, sizeof(hdr));
	if (hdr.msg_size < sizeof(hdr) || hdr.msg_size > VUSER_MAX_MSG) {
		vuser_channel_violation(link->chan, "bad message size", &hdr);
		return -EPROTO;
	}
	if (len < hdr.msg_size)
		return 0;
	link->rx_messages++;
	ret = vuser_channel_message(link, &hdr, buf + sizeof(hdr),
				    hdr.msg_size - sizeof(hdr));
	return ret ? ret : hdr.msg_size;
}

/* Takes all complete messages; stops at a reply that found no room. */
static int vuser_link_parse(struct vuser_link *link)
{
	size_t pos = 0;
	int ret = 0;

	while (pos < link->rx_len && !link->parked) {
		ret = vuser_link_take(link, link->rx_buf + pos,
				      link->rx_len - pos);
		if (ret <= 0)
			break;
		pos += ret;
	}
	link->rx_len -= pos;
	if (pos && link->rx_len)
		memmove(link->rx_buf, link->rx_buf + pos, link->rx_len);
	return min(ret, 0);
}

/* Sends the parked reply, if there is one. */
static int vuser_link_unpark(struct vuser_link *link)
{
	struct msghdr msg = {};
	struct kvec vec = {
		.iov_base = link->parked,
		.iov_len = link->parked_len,
	};
	int ret;

	if (!link->parked)
		return 0;
	ret = vuser_link_try_send(link, &msg, &vec, 1, vec.iov_len,
				  VUSER_TX_ALL);
	if (ret)
		return ret;
	kvfree(link->parked);
	link->parked = NULL;
	WRITE_ONCE(link->stalled, false);
	return 0;
}

/* One recvmsg() and what it brought; 0, -EAGAIN, or an error that ends all. */
static int vuser_link_read_once(struct vuser_link *link)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
	struct kvec vec;
	int ret;

	ret = vuser_link_unpark(link);
	if (!ret)
		ret = vuser_link_parse(link);
	if (ret)
		return ret;
	if (link->parked)
		return -EAGAIN;

	vec.iov_base = link->rx_buf + link->rx_len;
	vec.iov_len = VUSER_MAX_MSG - link->rx_len;
	ret = kernel_recvmsg(link->sock, &msg, &vec, 1, vec.iov_len,
			     MSG_DONTWAIT);
	if (ret == -EINTR || ret == -ERESTARTSYS)
		return -EAGAIN;
	if (ret < 0)
		return ret;
	if (!ret)
		return -EPIPE;
	link->rx_len += ret;
	return vuser_link_parse(link);
}

/* Starts or stops the clock of an incomplete message; under rx_lock. */
static void vuser_link_deadline(struct vuser_link *link)
{
	bool partial = link->rx_len || link->parked;
	u32 ms = READ_ONCE(link->chan->dev->settings.request_timeout_ms);

	if (partial && (!link->partial ||
			link->partial_seen != link->rx_messages)) {
		link->partial_seen = link->rx_messages;
		mod_delayed_work(vuser_wq, &link->partial_work,
				 msecs_to_jiffies(ms));
	}
	link->partial = partial;
}

/*
 * A thread that waits for something looks up now and then: whether that came,
 * whether it was killed, and how late it is.
 */
static bool vuser_link_enough(const bool *done, unsigned int reads)
{
	return done && (READ_ONCE(*done) || reads == VUSER_READS ||
			fatal_signal_pending(current));
}

static void vuser_link_drain(struct vuser_link *link, const bool *done)
{
	const struct cred *cred = override_creds(vuser_cred);
	unsigned int reads = 0;
	int ret;

	do {
		ret = vuser_link_read_once(link);
	} while (!ret && !vuser_link_enough(done, ++reads) &&
		 !vuser_channel_lost(link->chan));

	vuser_link_deadline(link);
	revert_creds(cred);

	if (ret == -EPIPE || ret == -ECONNRESET)
		vuser_channel_fail(link->chan, -ENOTCONN,
				   "the server closed its socket");
	else if (ret == -EAGAIN && link->parked)
		WRITE_ONCE(link->stalled, true);
	else if (ret == -ENOMEM || ret == -ENOBUFS)
		/* It waits for what it will not get: it shall know at once. */
		vuser_channel_hang_up(link->chan, ret,
				      "no memory to answer the server");
	else if (ret && ret != -EAGAIN && ret != -EPROTO)
		vuser_channel_fail(link->chan, ret, "the socket failed");
}

/**
 * vuser_link_read() - take what the server sent
 * @link: the link
 * @done: what the thread waits for: it stops when this is true, when it was
 *	killed, and after some messages; NULL reads all there is
 *
 * Returns at once when another thread reads: that one looks again after it
 * let go.  Whatever is left then wakes the next reader.
 *
 * Context: process; may sleep for memory, never for the server.
 */
void vuser_link_read(struct vuser_link *link, const bool *done)
{
	if (vuser_channel_lost(link->chan) || !mutex_trylock(&link->rx_lock))
		return;
	vuser_link_drain(link, done);
	mutex_unlock(&link->rx_lock);
	if (vuser_channel_lost(link->chan))
		return;

	/* Room may have come between the failed send and the mark. */
	if (READ_ONCE(link->stalled) && vuser_link_has_room(link))
		queue_work(vuser_wq, &link->rx_work);
	else if (vuser_link_readable(link))
		vuser_channel_readable(link, 0);
}

static void vuser_link_rx_work(struct work_struct *work)
{
	struct vuser_link *link = container_of(work, struct vuser_link,
					       rx_work);

	vuser_link_read(link, NULL);
}

static void vuser_link_partial_work(struct work_struct *work)
{
	struct vuser_link *link = container_of(to_delayed_work(work),
					       struct vuser_link, partial_work);
	struct vfio_user_header hdr = {};
	bool stuck;

	mutex_lock(&link->rx_lock);
	stuck = link->partial && link->partial_seen == link->rx_messages;
	memcpy(&hdr, link->parked ?: link->rx_buf,
	       link->parked ? sizeof(hdr) : min(link->rx_len, sizeof(hdr)));
	mutex_unlock(&link->rx_lock);
	if (stuck)
		vuser_channel_timeout(link->chan, link->stalled ?
				      "the server does not read replies" :
				      "the server stopped within a message",
				      &hdr);
	else if (vuser_link_readable(link))
		vuser_channel_readable(link, 0);
}

static int vuser_link_sendmsg(struct vuser_link *link, struct msghdr *msg,
			      struct kvec *vec, size_t nr, size_t len,
			      enum vuser_tx tx)
{
	struct sock *sk = link->sock->sk;

	lockdep_assert_held(&link->tx_lock);
	msg->msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	if (tx == VUSER_TX_POSTED &&
	    refcount_read(&sk->sk_wmem_alloc) > READ_ONCE(sk->sk_sndbuf) / 2)
		return -EAGAIN;
	return kernel_sendmsg(link->sock, msg, vec, nr, len);
}

/*
 * Whoever waits for a reply gets the error; of a store that was to be posted
 * nobody would learn but here.
 */
static void vuser_link_unsent(struct vuser_link *link, const struct kvec *vec,
			      int error)
{
	const struct vfio_user_header *hdr = vec->iov_base;
	struct vuser_device *dev = link->chan->dev;

	vuser_count(dev, VUSER_COUNT_UNSENT);
	dev_warn_ratelimited(dev->vdev.dev,
			     "no memory to send a message (%d): id 0x%04x command %u size %u flags 0x%x\n",
			     error, hdr->msg_id, hdr->command, hdr->msg_size,
			     hdr->flags);
}

/* What became of it: 0, or an error; of a message sent in part, the end. */
static int vuser_link_sent(struct vuser_link *link, const struct kvec *vec,
			   int ret, size_t len)
{
	if (ret == -ENOMEM || ret == -ENOBUFS)
		vuser_link_unsent(link, vec, ret);
	if (ret == -EPIPE || ret == -ECONNRESET || ret == -ENOTCONN) {
		vuser_channel_fail(link->chan, -ENOTCONN,
				   "the server closed its socket");
		return -ENOTCONN;
	}
	if (ret >= 0 && ret != len) {
		vuser_channel_fail(link->chan, -EMSGSIZE,
				   "the socket took part of a message");
		return -ENOTCONN;
	}
	return ret < 0 ? ret : 0;
}

/**
 * vuser_link_try_send() - send one message, now or not at all
 * @link: the link
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
int vuser_link_try_send(struct vuser_link *link, struct msghdr *msg,
			struct kvec *vec, size_t nr, size_t len,
			enum vuser_tx tx)
{
	int ret;

	if (vuser_channel_lost(link->chan))
		return -ENOTCONN;
	mutex_lock(&link->tx_lock);
	ret = vuser_link_sendmsg(link, msg, vec, nr, len, tx);
	mutex_unlock(&link->tx_lock);
	return vuser_link_sent(link, vec, ret, len);
}

/**
 * vuser_link_send_now() - the same, not even waiting for another sender
 * @link: the link
 * @msg: flags are set here; carries control data
 * @vec: the message, one entry
 *
 * Context: a netlink handler, which must not sleep for anyone.
 * Return: as vuser_link_try_send(); -EAGAIN also while another thread sends.
 */
int vuser_link_send_now(struct vuser_link *link, struct msghdr *msg,
			struct kvec *vec)
{
	size_t len = vec->iov_len;
	int ret;

	if (vuser_channel_lost(link->chan))
		return -ENOTCONN;
	if (!mutex_trylock(&link->tx_lock))
		return -EAGAIN;
	ret = vuser_link_sendmsg(link, msg, vec, 1, len, VUSER_TX_ALL);
	mutex_unlock(&link->tx_lock);
	return vuser_link_sent(link, vec, ret, len);
}

/**
 * vuser_link_send() - send one message, waiting for room
 * @link: the link
 * @vec: the message
 * @nr: entries of @vec
 * @len: bytes of all entries, VUSER_MAX_MSG at most
 * @tx: how much of the socket's buffer it may use
 * @deadline: when to give up
 * @killable: a fatal signal ends the wait
 *
 * Context: process; sleeps, so with no lock held that others need.
 * Return: 0, -EINTR when killed, -ETIMEDOUT, or as vuser_link_try_send().
 */
int vuser_link_send(struct vuser_link *link, struct kvec *vec, size_t nr,
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
		ret = vuser_link_try_send(link, &msg, vec, nr, len, tx);
		revert_creds(cred);
		if (ret != -EAGAIN)
			return ret;

		left = vuser_jiffies_left(deadline);
		if (!left)
			return -ETIMEDOUT;
		if (!killable)
			wait_event_idle_timeout(link->room,
						vuser_link_has_room(link),
						left);
		else if (wait_event_killable_timeout(link->room,
						     vuser_link_has_room(link),
						     left) < 0)
			return -EINTR;
	}
}

/**
 * vuser_link_reply() - answer a request of the server, now or a bit later
 * @link: the link it came by
 * @vec: the message
 * @nr: entries of @vec
 * @len: bytes of all entries
 *
 * Without room the message is kept, and nothing more is read until it went.
 *
 * Context: the reading thread, under @link->rx_lock.
 * Return: 0, or an error that ends the channel.
 */
int vuser_link_reply(struct vuser_link *link, struct kvec *vec, size_t nr,
		     size_t len)
{
	struct msghdr msg = {};
	size_t i, pos = 0;
	int ret;

	ret = vuser_link_try_send(link, &msg, vec, nr, len, VUSER_TX_ALL);
	if (ret != -EAGAIN)
		return ret;

	link->parked = kvmalloc(len, GFP_KERNEL);
	if (!link->parked)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		memcpy(link->parked + pos, vec[i].iov_base, vec[i].iov_len);
		pos += vec[i].iov_len;
	}
	link->parked_len = len;
	WRITE_ONCE(link->stalled, true);
	return 0;
}

/**
 * vuser_link_init() - prepare a link; nothing is read yet
 * @link: zeroed
 * @chan: whose link it is
 * @sock: connected AF_UNIX stream socket; its reference is taken over, on
 *	success only
 *
 * Return: 0 or -ENOMEM.
 */
int vuser_link_init(struct vuser_link *link, struct vuser_channel *chan,
		    struct socket *sock)
{
	link->rx_buf = kvmalloc(VUSER_MAX_MSG, GFP_KERNEL);
	if (!link->rx_buf)
		return -ENOMEM;
	link->chan = chan;
	link->sock = sock;
	mutex_init(&link->tx_lock);
	mutex_init(&link->rx_lock);
	init_waitqueue_head(&link->room);
	init_waitqueue_func_entry(&link->wait, vuser_link_event);
	INIT_WORK(&link->rx_work, vuser_link_rx_work);
	INIT_DELAYED_WORK(&link->partial_work, vuser_link_partial_work);
	return 0;
}

/* One message must fit one skb, or two writers could mix. */
static int vuser_link_size(struct vuser_link *link)
{
	int size = VUSER_MIN_SNDBUF;

	if (READ_ONCE(link->sock->sk->sk_sndbuf) >= VUSER_MIN_SNDBUF)
		return 0;
	return sock_setsockopt(link->sock, SOL_SOCKET, SO_SNDBUFFORCE,
			       KERNEL_SOCKPTR(&size), sizeof(size));
}

/**
 * vuser_link_start() - begin to listen for what the socket has
 * @link: the link
 *
 * Context: the helper's, which may enlarge the socket's buffer.
 * Return: 0, -EPERM when the socket's buffer is too small, or -ENOTSOCK when
 * its file has no wait queue.
 */
int vuser_link_start(struct vuser_link *link)
{
	struct vuser_link_poll poll = { .link = link };
	int ret;

	ret = vuser_link_size(link);
	if (ret)
		return ret;
	vuser_refuse_fds(link->sock);
	init_poll_funcptr(&poll.table, vuser_link_queue);
	vfs_poll(link->sock->file, &poll.table);
	if (!link->wqh)
		return -ENOTSOCK;
	queue_work(vuser_wq, &link->rx_work);
	return 0;
}

/**
 * vuser_link_stop() - nothing of the link runs any more on return
 * @link: the link; the channel is lost already
 *
 * Context: process; waits for the work items.
 */
void vuser_link_stop(struct vuser_link *link)
{
	if (!link->sock)
		return;
	if (link->wqh)
		remove_wait_queue(link->wqh, &link->wait);
	wake_up_all(&link->room);
	cancel_work_sync(&link->rx_work);
	cancel_delayed_work_sync(&link->partial_work);
	/* Reading starts the clock and the other way round: once more. */
	cancel_work_sync(&link->rx_work);
}

/**
 * vuser_link_exit() - drop what a stopped link holds
 * @link: the link
 */
void vuser_link_exit(struct vuser_link *link)
{
	if (!link->sock)
		return;
	sockfd_put(link->sock);
	kvfree(link->parked);
	kvfree(link->rx_buf);
	link->sock = NULL;
}
