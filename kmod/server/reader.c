// SPDX-License-Identifier: GPL-2.0
/*
 * Reading a socket: taking whole messages out of what was read, and handing each
 * to the slot that waits for it or to the code that serves the server's requests.
 *
 * A thread that waits for a reply reads by itself (call.c); a work item reads when
 * no thread waits.  A message that was read in part belongs to the socket, not to
 * the thread that read it.
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

/* A thread that waits reads so many times before it looks at the clock. */
#define VUSER_READS	16

/* Messages ----------------------------------------------------------------- */

/* An error reply to a posted write is legal from some servers: count it. */
static int vuser_reader_posted_reply(struct vuser_sock *vsk,
				     const struct vfio_user_header *hdr)
{
	struct vuser_channel *chan = vsk->chan;

	if (!(hdr->flags & VFIO_USER_FLAGS_ERROR) ||
	    hdr->command != VFIO_USER_REGION_WRITE) {
		vuser_channel_violation(chan, "reply to a command without one",
					hdr);
		return -EPROTO;
	}
	vuser_channel_count(chan, VUSER_COUNT_POSTED_ERROR);
	trace_vuser_bad_msg(chan->user.id, hdr, "a posted write failed");
	return 0;
}

static int vuser_reader_reply(struct vuser_sock *vsk,
			      const struct vfio_user_header *hdr,
			      const void *payload, size_t len)
{
	struct vuser_channel *chan = vsk->chan;
	const char *why;

	if (hdr->msg_id & VUSER_ID_POSTED)
		return vuser_reader_posted_reply(vsk, hdr);

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

/* A whole message: 0, or an error that ends the channel. */
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
		vuser_channel_violation(vsk->chan,
					"a command servers do not send", hdr);
		return -EPROTO;
	default:
		vuser_channel_violation(vsk->chan, "neither command nor reply",
					hdr);
		return -EPROTO;
	}
}

/* The socket --------------------------------------------------------------- */

/* Takes one message from the front of the buffer: its size, 0, or an error. */
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

/* Takes all complete messages; stops at a reply that found no room. */
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

/* Sends the parked reply, if there is one. */
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

/* One recvmsg() and what it brought; 0, -EAGAIN, or an error that ends all. */
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

	vec.iov_base = vsk->rx_buf + vsk->rx_len;
	vec.iov_len = VUSER_MAX_MSG - vsk->rx_len;
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

/* Starts or stops the clock of an incomplete message; under rx_lock. */
static void vuser_reader_deadline(struct vuser_sock *vsk)
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
 * A thread that waits for a reply stops reading now and then, to check whether the
 * reply came, whether it was killed, and whether its deadline has passed.
 */
static bool vuser_reader_enough(const bool *done, unsigned int reads)
{
	return done && (READ_ONCE(*done) || reads == VUSER_READS ||
			fatal_signal_pending(current));
}

static void vuser_reader_drain(struct vuser_sock *vsk, const bool *done)
{
	const struct cred *cred = override_creds(vuser_cred);
	unsigned int reads = 0;
	int ret;

	do {
		ret = vuser_reader_read_once(vsk);
	} while (!ret && !vuser_reader_enough(done, ++reads) &&
		 !vuser_channel_lost(vsk->chan));

	vuser_reader_deadline(vsk);
	revert_creds(cred);

	if (ret == -EPIPE || ret == -ECONNRESET)
		vuser_channel_fail(vsk->chan, -ENOTCONN,
				   "the server closed its socket");
	else if (ret == -EAGAIN && vsk->parked)
		WRITE_ONCE(vsk->stalled, true);
	else if (ret == -ENOMEM || ret == -ENOBUFS)
		/*
		 * The server is waiting for a reply that we cannot send.  Shut
		 * the socket down so that the server sees EOF now.
		 */
		vuser_channel_hang_up(vsk->chan, ret,
				      "no memory to answer the server");
	else if (ret && ret != -EAGAIN && ret != -EPROTO)
		vuser_channel_fail(vsk->chan, ret, "the socket failed");
}

/**
 * vuser_reader_read() - take what the server sent
 * @vsk: the socket
 * @done: what the thread waits for: it stops when this is true, when it was
 *	killed, and after some messages; NULL reads all there is
 *
 * Returns at once when another thread reads: that thread looks again after it has
 * unlocked, and wakes the next reader for what is left.
 *
 * Context: process; may sleep for memory, never for the server.
 */
void vuser_reader_read(struct vuser_sock *vsk, const bool *done)
{
	if (vuser_channel_lost(vsk->chan) || !mutex_trylock(&vsk->rx_lock))
		return;
	vuser_reader_drain(vsk, done);
	mutex_unlock(&vsk->rx_lock);
	if (vuser_channel_lost(vsk->chan))
		return;

	/* Room may have come between the failed send and the mark. */
	if (READ_ONCE(vsk->stalled) && vuser_sock_has_room(vsk))
		queue_work(vuser_wq, &vsk->rx_work);
	else if (vuser_sock_readable(vsk))
		vuser_channel_readable(vsk, 0);
}

static void vuser_reader_rx_work(struct work_struct *work)
{
	struct vuser_sock *vsk = container_of(work, struct vuser_sock,
					      rx_work);

	vuser_reader_read(vsk, NULL);
}

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
				      "the server stopped within a message",
				      &hdr);
	else if (vuser_sock_readable(vsk))
		vuser_channel_readable(vsk, 0);
}

/**
 * vuser_reader_init() - prepare reading; nothing is read yet
 * @vsk: the socket
 */
void vuser_reader_init(struct vuser_sock *vsk)
{
	INIT_WORK(&vsk->rx_work, vuser_reader_rx_work);
	INIT_DELAYED_WORK(&vsk->partial_work, vuser_reader_partial_work);
}
