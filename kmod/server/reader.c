// SPDX-License-Identifier: GPL-2.0
/*
 * Reads a sock and splits the stream of bytes into messages.  A reply is given to
 * the slot that waits for it.  A DMA_READ or DMA_WRITE of the server is served by
 * serve_dma.c.
 *
 * A thread that waits for a reply reads the sock (see call.c).  A work item reads
 * when no thread waits.  An incomplete message is kept in the sock's buffer, so
 * that another thread can continue.
 *
 * Both call vuser_reader_read(), which makes one turn: it handles a limited number of
 * messages and pages of data.  If more is left, a reader is woken or the work item is
 * queued again.  So a server that sends without end uses the processor no longer than
 * others, and no thread waits for the reader.
 *
 * The time of a thread that waits for a reply is charged to the consumer.  The time of a
 * work item is charged to no process.  So a server that sends more than its budget in a
 * tick of the clock is read by bulk_work, in turns with other such servers, until it sends
 * less (see bulk.c).
 */
#include <linux/cred.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/scm.h>
#include <net/sock.h>

#include "compat.h"
#include "server/bulk.h"
#include "server/channel.h"
#include "server/drop.h"
#include "server/reader.h"
#include "server/serve_dma.h"
#include "server/slot.h"
#include "server/sock.h"
#include "trace.h"

/*
 * Maximum number of messages whose files one read drops: the last one that it reads,
 * and one out of band, which it skips.
 */
#define VUSER_READER_FILE_MSGS	2

/* Messages ----------------------------------------------------------------- */

/*
 * Whether a posted write with this id was sent and may still be answered.  Two
 * threads may send their posted writes in another order than that of the ids, so
 * the order of the replies is not checked.  vuser_call_post() counts a posted write
 * before it sends it.
 */
static bool vuser_reader_is_posted(struct vuser_channel *chan, u16 id)
{
	u64 last = atomic64_read(&chan->posted);
	u64 sent = last - READ_ONCE(chan->posted_before);

	return ((last - id) & (VUSER_ID_POSTED - 1)) < sent &&
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

/*
 * Handles one complete message.  Returns 0; -EAGAIN if it is a DMA command for which
 * the channel's list has no room; or an error that ends the channel.
 */
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

/* The buffer --------------------------------------------------------------- */

/*
 * Handles the message at the start of the buffer, if it is complete.  Returns the
 * size of the message, 0 if it is incomplete, -EAGAIN as vuser_reader_message(), or an
 * error that ends the channel.
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
	ret = vuser_reader_message(vsk, &hdr, buf + sizeof(hdr),
				   hdr.msg_size - sizeof(hdr));
	return ret ? ret : hdr.msg_size;
}

/* Subtracts what a message of @len bytes takes from *@budget. */
static void vuser_reader_charge(struct vuser_sock *vsk, size_t len,
				unsigned int *budget)
{
	unsigned int pages = (len + vsk->rx_copied) >> PAGE_SHIFT;

	*budget -= min(*budget, 1 + pages);
}

/*
 * Handles the complete messages in the buffer, until *@budget is used up, and sets the
 * state.  The deadline ends with each message.  Returns 0, or an error that ends the
 * channel.
 */
static int vuser_reader_parse(struct vuser_sock *vsk, unsigned int *budget)
{
	enum vuser_rx_state state = VUSER_RX_MORE;
	size_t pos = 0;
	int ret = 0;

	while (*budget && !vsk->parked && pos < vsk->rx_len) {
		vsk->rx_copied = 0;
		ret = vuser_reader_take(vsk, vsk->rx_buf + pos,
					vsk->rx_len - pos);
		if (ret <= 0)
			break;
		vsk->rx_deadline = 0;
		pos += ret;
		vuser_reader_charge(vsk, ret, budget);
		cond_resched();
	}
	vsk->rx_len -= pos;
	if (pos && vsk->rx_len)
		memmove(vsk->rx_buf, vsk->rx_buf + pos, vsk->rx_len);

	if (vsk->parked)
		state = VUSER_RX_PARKED;
	else if (!vsk->rx_len)
		state = VUSER_RX_IDLE;
	else if (ret == -EAGAIN)
		state = VUSER_RX_FULL;
	else if (!ret && *budget)
		state = VUSER_RX_PARTIAL;
	WRITE_ONCE(vsk->rx_state, state);
	return ret == -EAGAIN ? 0 : min(ret, 0);
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
	vsk->rx_deadline = 0;
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

/* The socket --------------------------------------------------------------- */

/*
 * Takes references to the files in the next messages of the socket that have any, and
 * sets *@drop to them, or to NULL.  A read drops its own references to these files,
 * which must not be the last ones: the reader must not wait for the end of a file.
 * Returns 0 or -ENOMEM.
 */
static int vuser_reader_hold_files(struct vuser_sock *vsk,
				   struct vuser_drop **drop)
{
	struct sk_buff_head *queue = &vsk->sock->sk->sk_receive_queue;
	unsigned int msgs = VUSER_READER_FILE_MSGS;
	struct scm_fp_list *files;
	struct vuser_drop *held;
	struct sk_buff *skb;
	int i;

	*drop = NULL;
	if (!vuser_sock_nr_files(vsk->sock->sk))
		return 0;
	held = kmalloc(struct_size(held, files,
				   VUSER_READER_FILE_MSGS * SCM_MAX_FD),
		       GFP_KERNEL);
	if (!held)
		return -ENOMEM;
	held->nr = 0;
	spin_lock_irq(&queue->lock);
	skb_queue_walk(queue, skb) {
		files = vuser_files(skb);
		for (i = 0; files && i < files->count; i++)
			held->files[held->nr++] = get_file(files->fp[i]);
		if (files && !--msgs)
			break;
	}
	spin_unlock_irq(&queue->lock);
	*drop = held;
	return 0;
}

/*
 * Reads once from the socket to the buffer.  Returns 0; -EAGAIN if there is nothing to
 * read; -EPIPE if the server closed its socket; or another error that ends the channel.
 */
static int vuser_reader_recv(struct vuser_sock *vsk)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };
	struct vuser_drop *drop;
	struct kvec vec;
	int ret;

	ret = vuser_reader_grow(vsk);
	if (!ret)
		ret = vuser_reader_hold_files(vsk, &drop);
	if (ret)
		return ret;
	vec.iov_base = vsk->rx_buf + vsk->rx_len;
	vec.iov_len = vsk->rx_size - vsk->rx_len;
	ret = kernel_recvmsg(vsk->sock, &msg, &vec, 1, vec.iov_len,
			     MSG_DONTWAIT);
	if (drop)
		vuser_drop_files(drop);
	if (ret == -EINTR || ret == -ERESTARTSYS)
		return -EAGAIN;
	if (ret < 0)
		return ret;
	if (!ret)
		return -EPIPE;
	vsk->rx_len += ret;
	return 0;
}

/*
 * Whether a thread that waits for a reply must stop reading, because the reply has
 * arrived.  The work item (@done is NULL) does not stop.  A killed thread does not stop
 * either: a turn is short, and a thread that exits may have to wait for a reply.
 */
static bool vuser_reader_enough(const bool *done)
{
	return done && READ_ONCE(*done);
}

/* Whether the server has closed its socket, so that nothing waits for it any more. */
static bool vuser_reader_hung_up(struct vuser_sock *vsk)
{
	return READ_ONCE(vsk->sock->sk->sk_shutdown) == SHUTDOWN_MASK;
}

/*
 * Makes one turn: handles messages until the socket is empty, the sock waits for room,
 * the reader must stop, or *@budget is used up.  Returns 0; -EAGAIN if the server
 * has to do something first; or an error that ends the channel.
 */
static int vuser_reader_turn(struct vuser_sock *vsk, const bool *done,
			     unsigned int *budget)
{
	int ret;

	do {
		ret = vuser_reader_unpark(vsk);
		if (!ret)
			ret = vuser_reader_parse(vsk, budget);
		if (ret)
			return ret;
		if (vsk->rx_state == VUSER_RX_FULL)
			return vuser_reader_hung_up(vsk) ? -EPIPE : 0;
		if (vsk->rx_state == VUSER_RX_PARKED || !*budget ||
		    vuser_reader_enough(done))
			return 0;
		--*budget;
		ret = vuser_reader_recv(vsk);
	} while (!ret && !vuser_channel_lost(vsk->chan));
	return ret;
}

/*
 * Starts the deadline of a message whose start is in the buffer, or of a parked reply.
 * If a deadline has passed although the server had its turn (@waits), marks the channel
 * lost.
 */
static void vuser_reader_check_deadline(struct vuser_sock *vsk, bool waits)
{
	bool parked = vsk->rx_state == VUSER_RX_PARKED;
	struct vfio_user_header hdr = {};
	long left;

	if (!parked && vsk->rx_state != VUSER_RX_PARTIAL)
		return;
	if (!vsk->rx_deadline) {
		vsk->rx_deadline = vuser_channel_deadline(vsk->chan);
		cancel_delayed_work(&vsk->deadline_work);
	}
	left = vuser_jiffies_left(vsk->rx_deadline);
	if (left || !waits) {
		queue_delayed_work(vuser_wq, &vsk->deadline_work, left);
		return;
	}
	memcpy(&hdr, parked ? vsk->parked : vsk->rx_buf,
	       parked ? sizeof(hdr) : min(vsk->rx_len, sizeof(hdr)));
	vuser_channel_timeout(vsk->chan, parked ?
			      "the server does not read replies" :
			      "the server did not complete a message",
			      &hdr);
}

/* Ends the channel if a turn has failed with @error. */
static void vuser_reader_check_error(struct vuser_sock *vsk, int error)
{
	if (!error || error == -EAGAIN || error == -EPROTO)
		return;
	if (error == -EPIPE || error == -ECONNRESET)
		vuser_channel_fail(vsk->chan, -ENOTCONN,
				   "the server closed its socket");
	else if (error == -ENOMEM || error == -ENOBUFS)
		/*
		 * The server is waiting for a reply that we cannot send, or its
		 * message cannot be read.  Shut the socket down so that the
		 * server sees EOF now.
		 */
		vuser_channel_hang_up(vsk->chan, error,
				      "no memory to read or answer a message");
	else
		vuser_channel_fail(vsk->chan, error, "the socket failed");
}

/*
 * Makes sure that a reader reads on, if there is something to read.  Room or data may
 * have come before the state said that the sock waits for it.
 */
static void vuser_reader_resume(struct vuser_sock *vsk)
{
	bool room;

	switch (READ_ONCE(vsk->rx_state)) {
	case VUSER_RX_PARKED:
		room = vuser_sock_has_room(vsk);
		break;
	case VUSER_RX_FULL:
		room = vuser_serve_dma_has_room(vsk->chan) ||
		       vuser_reader_hung_up(vsk);
		break;
	default:
		if (vuser_sock_readable(vsk))
			vuser_channel_wake_reader(vsk, 0);
		return;
	}
	if (room)
		vuser_channel_queue_reader(vsk);
}

/**
 * vuser_reader_read() - make one turn of reading messages and handling them
 * @vsk: the sock
 * @done: NULL in a work item.  Otherwise the turn also ends when this flag is true
 *
 * Returns immediately if another thread reads the sock.  The other thread checks
 * the socket again after it has released rx_lock, and wakes a reader if more data
 * has arrived.  Marks the channel lost if the server closed its socket, broke the
 * protocol, or missed the deadline of an incomplete message or of a parked reply.
 *
 * Context: process; sleeps to allocate memory, but never waits for the server, for the
 * consumer's memory, or for another reader.
 */
void vuser_reader_read(struct vuser_sock *vsk, const bool *done)
{
	unsigned int budget = VUSER_BULK_BUDGET;
	const struct cred *cred;
	int ret;

	if (vuser_channel_lost(vsk->chan) || !mutex_trylock(&vsk->rx_lock))
		return;
	cred = override_creds(vuser_cred);
	ret = vuser_reader_turn(vsk, done, &budget);
	revert_creds(cred);
	if (!done)
		vuser_bulk_account(&vsk->chan->budget, VUSER_BULK_BUDGET - budget);
	if (!ret || ret == -EAGAIN)
		vuser_reader_check_deadline(vsk, ret);
	mutex_unlock(&vsk->rx_lock);

	vuser_reader_check_error(vsk, ret);
	if (!vuser_channel_lost(vsk->chan))
		vuser_reader_resume(vsk);
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
	if (!vuser_channel_lost(vsk->chan))
		vuser_reader_resume(vsk);
}

/**
 * vuser_reader_discard() - drop the files in unread messages
 * @vsk: the sock, after vuser_sock_stop()
 *
 * The end of the socket would drop them where the whole machine waits for it.  Shuts
 * the socket down first, so that no more arrive.
 *
 * Context: process; may sleep for memory.
 */
void vuser_reader_discard(struct vuser_sock *vsk)
{
	if (!vsk->sock || !vuser_sock_nr_files(vsk->sock->sk))
		return;
	kernel_sock_shutdown(vsk->sock, SHUT_RDWR);
	do {
		vsk->rx_len = 0;
		cond_resched();
	} while (vuser_sock_nr_files(vsk->sock->sk) && !vuser_reader_recv(vsk));
	vsk->rx_len = 0;
}

static void vuser_reader_rx_work(struct work_struct *work)
{
	struct vuser_sock *vsk = container_of(work, struct vuser_sock,
					      rx_work);

	vuser_reader_read(vsk, NULL);
}

static void vuser_reader_bulk_work(struct work_struct *work)
{
	struct vuser_sock *vsk = container_of(work, struct vuser_sock,
					      bulk_work);

	vuser_bulk_begin(&vsk->turn);
	vuser_reader_read(vsk, NULL);
	vuser_bulk_end(&vsk->turn);
}

/* The deadline has passed: the next reader checks it. */
static void vuser_reader_deadline_work(struct work_struct *work)
{
	struct vuser_sock *vsk = container_of(to_delayed_work(work),
					      struct vuser_sock, deadline_work);

	vuser_channel_queue_reader(vsk);
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
	INIT_WORK(&vsk->bulk_work, vuser_reader_bulk_work);
	vuser_bulk_init_turn(&vsk->turn, &vsk->bulk_work);
	INIT_DELAYED_WORK(&vsk->deadline_work, vuser_reader_deadline_work);
}
