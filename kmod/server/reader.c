// SPDX-License-Identifier: GPL-2.0
/*
 * Reads a sock and splits the stream of bytes into messages.  A reply is given to
 * the slot that waits for it.  A DMA_READ or DMA_WRITE of the server is served by
 * serve_dma.c.
 *
 * A thread that waits for a reply reads the sock (see call.c).  A work item reads
 * when no thread waits.  An incomplete message is kept in the sock's buffer, so
 * that another thread can continue.
 */
#include <linux/cred.h>
#include <linux/net.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/socket.h>

#include "server/channel.h"
#include "server/reader.h"
#include "server/serve_dma.h"
#include "server/slot.h"
#include "server/sock.h"
#include "trace.h"

/* Maximum number of reads before a waiting thread checks its deadline. */
#define VUSER_READS	16

/* Messages ----------------------------------------------------------------- */

/*
 * Whether a posted write with this id was sent and may still be answered.  Two
 * threads may send their posted writes in another order than that of the ids, so
 * the order of the replies is not checked.  vuser_call_post() counts a posted write
 * before it sends it.
 */
static bool vuser_reader_is_posted(struct vuser_channel *chan, u16 id)
{
	u64 sent = atomic64_read(&chan->posted);

	return ((sent - id) & (VUSER_ID_POSTED - 1)) < sent &&
	       chan->posted_replies < sent;
}

/* Returns the rule of the protocol that a reply to a posted write breaks, or NULL. */
static const char *vuser_reader_check_posted(struct vuser_sock *vsk,
					     const struct vfio_user_header *hdr,
					     size_t len)
{
	if (vsk != &vsk->chan->main)
		return "reply on the twin socket";
	if (hdr->command != VFIO_USER_REGION_WRITE)
		return "reply to another command than a posted write";
	if (!vuser_reader_is_posted(vsk->chan, hdr->msg_id))
		return "reply to a posted write that was not sent";
	if (!(hdr->flags & VFIO_USER_FLAGS_ERROR) &&
	    len != sizeof(struct vfio_user_region_access))
		return "bad size of a reply";
	return NULL;
}

/*
 * Handles a reply to a posted write: counts and drops it.  Some servers send an
 * error reply when a posted write fails.  Old ones answer every posted write.
 */
static int vuser_reader_posted_reply(struct vuser_sock *vsk,
				     const struct vfio_user_header *hdr,
				     size_t len)
{
	const char *why = vuser_reader_check_posted(vsk, hdr, len);
	struct vuser_channel *chan = vsk->chan;

	if (why) {
		vuser_channel_violation(chan, why, hdr);
		return -EPROTO;
	}
	chan->posted_replies++;
	if (hdr->flags & VFIO_USER_FLAGS_ERROR) {
		vuser_channel_count(chan, VUSER_COUNT_POSTED_ERROR);
		trace_vuser_bad_msg(chan->user.id, hdr, "a posted write failed");
	} else {
		vuser_channel_count(chan, VUSER_COUNT_POSTED_REPLY);
	}
	return 0;
}

/*
 * True for an error reply whose type is command.  Version 0.1.3 of the Rust crate
 * vfio_user and older ones send such replies.  A command of the server has no error
 * flag, and the caller has handled DMA_READ and DMA_WRITE, so this is not a command.
 */
static bool vuser_reader_is_error(const struct vfio_user_header *hdr, size_t len)
{
	return (hdr->flags & VFIO_USER_FLAGS_ERROR) && !len;
}

static int vuser_reader_reply(struct vuser_sock *vsk,
			      const struct vfio_user_header *hdr,
			      const void *payload, size_t len)
{
	struct vuser_channel *chan = vsk->chan;
	const char *why;

	if (hdr->msg_id & VUSER_ID_POSTED)
		return vuser_reader_posted_reply(vsk, hdr, len);

	spin_lock_irq(&chan->lock);
	if (vsk == &chan->main)
		why = vuser_slot_reply(chan, hdr, payload, len);
	else
		why = "reply on the twin socket";
	spin_unlock_irq(&chan->lock);
	if (why) {
		vuser_channel_violation(chan, why, hdr);
		return -EPROTO;
	}
	wake_up(&chan->slot_room);
	return 0;
}

/* Handles one complete message.  Returns 0, or an error that ends the channel. */
static int vuser_reader_message(struct vuser_sock *vsk,
				const struct vfio_user_header *hdr,
				const void *payload, size_t len)
{
	trace_vuser_recv(vsk->chan->user.id, hdr);

	switch (hdr->flags & VFIO_USER_FLAGS_TYPE_MASK) {
	case VFIO_USER_FLAGS_TYPE_REPLY:
		return vuser_reader_reply(vsk, hdr, payload, len);
	case VFIO_USER_FLAGS_TYPE_COMMAND:
		if (hdr->command == VFIO_USER_DMA_READ ||
		    hdr->command == VFIO_USER_DMA_WRITE)
			return vuser_serve_dma(vsk, hdr, payload, len);
		if (vuser_reader_is_error(hdr, len))
			return vuser_reader_reply(vsk, hdr, payload, len);
		vuser_channel_violation(vsk->chan,
					"command that a server must not send",
					hdr);
		return -EPROTO;
	default:
		vuser_channel_violation(vsk->chan,
					"message is neither command nor reply",
					hdr);
		return -EPROTO;
	}
}

/* The socket --------------------------------------------------------------- */

/*
 * Handles the message at the start of the buffer, if it is complete.  Returns the
 * size of the message, 0 if it is incomplete, or an error that ends the channel.
 */
static int vuser_reader_take(struct vuser_sock *vsk, const u8 *buf, size_t len)
{
	struct vfio_user_header hdr;
	int ret;

	if (len < sizeof(hdr))
		return 0;
	memcpy(&hdr, buf, sizeof(hdr));
	if (hdr.msg_size < sizeof(hdr) || hdr.msg_size > VUSER_MAX_MSG) {
		vuser_channel_violation(vsk->chan, "bad message size", &hdr);
		return -EPROTO;
	}
	if (len < hdr.msg_size)
		return 0;
	vsk->rx_messages++;
	ret = vuser_reader_message(vsk, &hdr, buf + sizeof(hdr),
				   hdr.msg_size - sizeof(hdr));
	return ret ? ret : hdr.msg_size;
}

/*
 * Handles all complete messages in the buffer.  Stops when a reply must be parked.
 * Returns 0, or an error that ends the channel.
 */
static int vuser_reader_parse(struct vuser_sock *vsk)
{
	size_t pos = 0;
	int ret = 0;

	while (pos < vsk->rx_len && !vsk->parked) {
		ret = vuser_reader_take(vsk, vsk->rx_buf + pos,
					vsk->rx_len - pos);
		if (ret <= 0)
			break;
		pos += ret;
	}
	vsk->rx_len -= pos;
	if (pos && vsk->rx_len)
		memmove(vsk->rx_buf, vsk->rx_buf + pos, vsk->rx_len);
	return min(ret, 0);
}

/*
 * Sends the parked reply, if a reply is parked.  Returns 0, -EAGAIN if the send
 * buffer still has no room, or an error that ends the channel.
 */
static int vuser_reader_unpark(struct vuser_sock *vsk)
{
	struct msghdr msg = {};
	struct kvec vec = {
		.iov_base = vsk->parked,
		.iov_len = vsk->parked_len,
	};
	int ret;

	if (!vsk->parked)
		return 0;
	ret = vuser_sock_try_send(vsk, &msg, &vec, 1, vec.iov_len,
				  VUSER_TX_ALL);
	if (ret)
		return ret;
	kvfree(vsk->parked);
	vsk->parked = NULL;
	WRITE_ONCE(vsk->stalled, false);
	return 0;
}

/*
 * Allocates the long buffer if the message whose start is in the buffer is too long
 * for it.  Returns 0 or -ENOMEM.
 */
static int vuser_reader_grow(struct vuser_sock *vsk)
{
	struct vfio_user_header hdr;
	u8 *buf;

	if (vsk->rx_len < sizeof(hdr))
		return 0;
	memcpy(&hdr, vsk->rx_buf, sizeof(hdr));
	if (hdr.msg_size <= vsk->rx_size)
		return 0;
	buf = kvmalloc(VUSER_MAX_MSG, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	memcpy(buf, vsk->rx_buf, vsk->rx_len);
	vsk->rx_buf = buf;
	vsk->rx_size = VUSER_MAX_MSG;
	return 0;
}

/*
 * Calls recvmsg() once and handles the messages.  Returns 0; -EAGAIN if there is
 * nothing to read, or if a parked reply waits for room; or an error that ends the
 * channel.
 */
static int vuser_reader_read_once(struct vuser_sock *vsk)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
	struct kvec vec;
	int ret;

	ret = vuser_reader_unpark(vsk);
	if (!ret)
		ret = vuser_reader_parse(vsk);
	if (ret)
		return ret;
	if (vsk->parked)
		return -EAGAIN;
	ret = vuser_reader_grow(vsk);
	if (ret)
		return ret;

	vec.iov_base = vsk->rx_buf + vsk->rx_len;
	vec.iov_len = vsk->rx_size - vsk->rx_len;
	ret = kernel_recvmsg(vsk->sock, &msg, &vec, 1, vec.iov_len,
			     MSG_DONTWAIT);
	if (ret == -EINTR || ret == -ERESTARTSYS)
		return -EAGAIN;
	if (ret < 0)
		return ret;
	if (!ret)
		return -EPIPE;
	vsk->rx_len += ret;
	return vuser_reader_parse(vsk);
}

/*
 * Starts the deadline of an incomplete message or of a parked reply, or marks that
 * no deadline is needed.  A new deadline starts after each complete message.
 * rx_lock is held.
 */
static void vuser_reader_update_deadline(struct vuser_sock *vsk)
{
	bool partial = vsk->rx_len || vsk->parked;
	u32 ms = READ_ONCE(*vsk->chan->user.request_timeout_ms);

	if (partial && (!vsk->partial ||
			vsk->partial_seen != vsk->rx_messages)) {
		vsk->partial_seen = vsk->rx_messages;
		mod_delayed_work(vuser_wq, &vsk->partial_work,
				 msecs_to_jiffies(ms));
	}
	vsk->partial = partial;
}

/*
 * Whether the reader must stop.  A thread that waits for a reply stops when the
 * reply has arrived, when the thread was killed, and after VUSER_READS reads, so
 * that it can check its deadline.  The work item (@done is NULL) does not stop.
 */
static bool vuser_reader_enough(const bool *done, unsigned int reads)
{
	return done && (READ_ONCE(*done) || reads == VUSER_READS ||
			fatal_signal_pending(current));
}

/* Reads until the socket is empty, or until the reader must stop. */
static void vuser_reader_drain(struct vuser_sock *vsk, const bool *done)
{
	const struct cred *cred = override_creds(vuser_cred);
	unsigned int reads = 0;
	int ret;

	do {
		ret = vuser_reader_read_once(vsk);
	} while (!ret && !vuser_reader_enough(done, ++reads) &&
		 !vuser_channel_lost(vsk->chan));

	vuser_reader_update_deadline(vsk);
	revert_creds(cred);

	if (ret == -EPIPE || ret == -ECONNRESET)
		vuser_channel_fail(vsk->chan, -ENOTCONN,
				   "the server closed its socket");
	else if (ret == -EAGAIN && vsk->parked)
		WRITE_ONCE(vsk->stalled, true);
	else if (ret == -ENOMEM || ret == -ENOBUFS)
		/*
		 * The server is waiting for a reply that we cannot send, or its
		 * message cannot be read.  Shut the socket down so that the
		 * server sees EOF now.
		 */
		vuser_channel_hang_up(vsk->chan, ret,
				      "no memory to read or answer a message");
	else if (ret && ret != -EAGAIN && ret != -EPROTO)
		vuser_channel_fail(vsk->chan, ret, "the socket failed");
}

/**
 * vuser_reader_read() - read messages from a sock and handle them
 * @vsk: the sock
 * @done: NULL to read until the socket is empty.  Otherwise reading also stops
 *	when this flag is true, when a fatal signal is pending, and after
 *	VUSER_READS reads
 *
 * Returns immediately if another thread reads the sock.  The other thread checks
 * the socket again after it has released rx_lock, and wakes a reader if more data
 * has arrived.  Marks the channel lost if the server closed its socket or broke
 * the protocol.
 *
 * Context: process; sleeps to allocate memory and to serve the server's DMA, but
 * never waits for the server.
 */
void vuser_reader_read(struct vuser_sock *vsk, const bool *done)
{
	if (vuser_channel_lost(vsk->chan) || !mutex_trylock(&vsk->rx_lock))
		return;
	vuser_reader_drain(vsk, done);
	mutex_unlock(&vsk->rx_lock);
	if (vuser_channel_lost(vsk->chan))
		return;

	/* The send buffer may have got room before stalled was set. */
	if (READ_ONCE(vsk->stalled) && vuser_sock_has_room(vsk))
		queue_work(vuser_wq, &vsk->rx_work);
	else if (vuser_sock_readable(vsk))
		vuser_channel_wake_reader(vsk, 0);
}

/**
 * vuser_reader_shrink() - free the long receive buffer of a sock
 * @vsk: the sock; no consumer has the device open
 *
 * Does nothing while another thread reads, or while the buffer holds the start of a
 * message.  The next long message allocates the buffer again.
 *
 * Context: process; does not wait for the server.
 */
void vuser_reader_shrink(struct vuser_sock *vsk)
{
	if (!vsk->sock || !mutex_trylock(&vsk->rx_lock))
		return;
	if (!vsk->rx_len && vsk->rx_buf != vsk->rx_small) {
		kvfree(vsk->rx_buf);
		vsk->rx_buf = vsk->rx_small;
		vsk->rx_size = sizeof(vsk->rx_small);
	}
	mutex_unlock(&vsk->rx_lock);
	/* A reader may have found rx_lock taken. */
	if (vuser_sock_readable(vsk))
		vuser_channel_wake_reader(vsk, 0);
}

static void vuser_reader_rx_work(struct work_struct *work)
{
	struct vuser_sock *vsk = container_of(work, struct vuser_sock,
					      rx_work);

	vuser_reader_read(vsk, NULL);
}

/*
 * Runs when the deadline has passed.  If no message was completed since the deadline
 * was started, the server is stuck: mark the channel lost.
 */
static void vuser_reader_partial_work(struct work_struct *work)
{
	struct vuser_sock *vsk = container_of(to_delayed_work(work),
					      struct vuser_sock, partial_work);
	struct vfio_user_header hdr = {};
	bool stuck;

	mutex_lock(&vsk->rx_lock);
	stuck = vsk->partial && vsk->partial_seen == vsk->rx_messages;
	memcpy(&hdr, vsk->parked ?: vsk->rx_buf,
	       vsk->parked ? sizeof(hdr) : min(vsk->rx_len, sizeof(hdr)));
	mutex_unlock(&vsk->rx_lock);
	if (stuck)
		vuser_channel_timeout(vsk->chan, vsk->stalled ?
				      "the server does not read replies" :
				      "the server did not complete a message",
				      &hdr);
	else if (vuser_sock_readable(vsk))
		vuser_channel_wake_reader(vsk, 0);
}

/**
 * vuser_reader_init() - initialise the work items that read a sock
 * @vsk: the sock
 *
 * Reading starts with vuser_sock_start().
 *
 * Context: any.
 */
void vuser_reader_init(struct vuser_sock *vsk)
{
	INIT_WORK(&vsk->rx_work, vuser_reader_rx_work);
	INIT_DELAYED_WORK(&vsk->partial_work, vuser_reader_partial_work);
}
