// SPDX-License-Identifier: GPL-2.0
/*
 * Sends commands and waits for their replies.
 *
 * The calling thread takes a slot, sends the command and waits for the reply.
 * The thread that has waited longest also reads the socket.  The socket's wake-up
 * goes directly to this thread, so that a reply needs only one wake-up.  When
 * this thread stops waiting, the next thread in the list reads.
 *
 * Threads of the kernel do not read: their time would be charged to no process, and
 * would not be counted in the server's budget.  The sock's work item reads when no other
 * thread waits.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "server/call.h"
#include "server/channel.h"
#include "server/reader.h"
#include "server/slot.h"
#include "server/sock.h"
#include "trace.h"
#include "vuser.h"

/* Whether the current thread reads the socket while it waits. */
static bool vuser_call_reads(void)
{
	return !(current->flags & PF_KTHREAD);
}

/*
 * Sleeps until the slot is done.  Reads the socket when it has data and no other thread
 * reads it, unless the current thread does not read.  Returns 0 when the slot is done,
 * -EINTR or -ETIMEDOUT.
 */
static int vuser_call_sleep(struct vuser_channel *chan,
			    struct vuser_slot *slot, struct vuser_call *call)
{
	unsigned int state = call->killable ? TASK_KILLABLE : TASK_IDLE;
	struct vuser_sock *vsk = &chan->main;
	long left;

	for (;;) {
		left = vuser_jiffies_left(call->deadline);
		set_current_state(state);
		if (READ_ONCE(slot->done))
			return 0;
		if (call->killable && fatal_signal_pending(current))
			return -EINTR;
		if (vuser_call_reads() && vuser_sock_readable(vsk) &&
		    !mutex_is_locked(&vsk->rx_lock)) {
			__set_current_state(TASK_RUNNING);
			vuser_reader_read(vsk, &slot->done);
			/*
			 * The deadline has passed, but the reply may have been
			 * in the socket before.
			 */
			if (!left)
				return READ_ONCE(slot->done) ? 0 : -ETIMEDOUT;
		} else if (left) {
			schedule_timeout(left);
		} else {
			return -ETIMEDOUT;
		}
	}
}

/**
 * vuser_call_wait() - wait for the reply to a command
 * @chan: the channel
 * @slot: the slot of the command.  It is free on return, except when the message
 *	was sent and its reply has not arrived: then the reply frees it
 * @call: the command; @reply_len and @sent are set on return
 *
 * Marks the channel lost when the message was sent and the reply has not arrived
 * by the deadline.
 *
 * Context: process; sleeps until the server answers; killable if @call says so.
 * Return: 0; the server's error as a negative errno; -EINTR when the thread was
 * killed; -ETIMEDOUT when the deadline has passed; or -ENOTCONN when the channel
 * is lost.
 */
int vuser_call_wait(struct vuser_channel *chan, struct vuser_slot *slot,
		    struct vuser_call *call)
{
	struct vfio_user_header hdr = { .command = call->command };
	bool sent;
	int ret;

	spin_lock_irq(&chan->lock);
	slot->task = current;
	list_add_tail(&slot->node,
		      vuser_call_reads() ? &chan->waiters : &chan->sleepers);
	spin_unlock_irq(&chan->lock);

	ret = vuser_call_sleep(chan, slot, call);
	__set_current_state(TASK_RUNNING);

	spin_lock_irq(&chan->lock);
	list_del_init(&slot->node);
	hdr.msg_id = vuser_slot_id(chan, slot);
	call->sent = slot->sent;
	sent = slot->sent && !slot->done;
	if (slot->done) {
		ret = slot->error;
		call->reply_len = slot->reply_len;
		slot->state = VUSER_SLOT_FREE;
	} else {
		slot->reply = NULL;
		slot->state = sent ? VUSER_SLOT_ABANDONED : VUSER_SLOT_FREE;
	}
	spin_unlock_irq(&chan->lock);

	if (ret == -ETIMEDOUT && sent)
		vuser_channel_timeout(chan, "the server did not answer", &hdr);
	wake_up(&chan->slot_room);
	if (vuser_sock_readable(&chan->main))
		vuser_channel_wake_reader(&chan->main, 0);
	return ret;
}

/**
 * vuser_call() - send a command and wait for its reply
 * @chan: the channel
 * @call: the command; its message is at most VUSER_MAX_MSG bytes long.
 *	@reply_len and @sent are set on return
 *
 * Marks the channel lost when the server does not read or answer the message by
 * the deadline, and when a command that is not killable cannot be sent.
 *
 * Context: process; sleeps until the server answers, so the caller must not hold
 * a lock that other threads need to make progress.
 * Return: 0; the server's error as a negative errno; -EINTR when the thread was
 * killed; -ETIMEDOUT when the deadline has passed; -ENOTCONN when the channel is
 * lost; or another error of the socket, such as -ENOMEM, and nothing was sent.
 */
int vuser_call(struct vuser_channel *chan, struct vuser_call *call)
{
	struct vfio_user_header hdr;
	struct vuser_slot *slot;
	struct kvec vec[3];
	int ret;

	ret = vuser_slot_get(chan, call, &hdr, &slot);
	if (ret)
		return ret;

	vec[0] = (struct kvec){ &hdr, sizeof(hdr) };
	vec[1] = call->payload[0];
	vec[2] = call->payload[1];
	trace_vuser_send(chan->user.id, &hdr);
	ret = vuser_sock_send(&chan->main, vec, 3, hdr.msg_size, VUSER_TX_ALL,
			      call->deadline, call->killable);
	if (ret) {
		vuser_slot_free(chan, slot);
		if (ret == -ETIMEDOUT)
			vuser_channel_fail(chan, ret,
					   "the server does not read");
		else if (!call->killable && ret != -ENOTCONN)
			/*
			 * The consumer closes the device.  Without this
			 * command the server would keep the state of this
			 * consumer, and the next consumer would find it.
			 */
			vuser_channel_fail(chan, ret,
					   "no memory to clean up after the consumer");
		return ret;
	}
	return vuser_call_wait(chan, slot, call);
}

/**
 * vuser_call_next_posted() - choose the id of a posted write
 * @chan: the channel
 *
 * Context: any.
 * Return: the message id.
 */
u16 vuser_call_next_posted(struct vuser_channel *chan)
{
	return VUSER_ID_POSTED |
	       (atomic64_inc_return(&chan->posted) & (VUSER_ID_POSTED - 1));
}

/**
 * vuser_call_post() - send a command that asks for no reply
 * @chan: the channel
 * @command: VFIO_USER_*
 * @id: message id, from vuser_call_next_posted()
 * @payload: the message after its header
 * @nr: number of pieces in @payload, at most 2
 * @deadline: when to stop waiting for room in the send buffer
 *
 * Marks the channel lost when the send buffer has no room by the deadline.
 *
 * Context: process; sleeps, killably, until the send buffer has room.
 * Return: 0; -EINTR when the thread was killed; -ETIMEDOUT when the deadline has
 * passed; -ENOTCONN when the channel is lost; or another error of the socket,
 * such as -ENOMEM, and nothing was sent.
 */
int vuser_call_post(struct vuser_channel *chan, u16 command, u16 id,
		    struct kvec *payload, size_t nr, ktime_t deadline)
{
	struct vfio_user_header hdr = {
		.command = command,
		.msg_id = id,
		.msg_size = sizeof(hdr),
		.flags = VFIO_USER_FLAGS_NO_REPLY,
	};
	struct kvec vec[3];
	size_t i;
	int ret;

	vec[0] = (struct kvec){ &hdr, sizeof(hdr) };
	for (i = 0; i < nr; i++) {
		vec[i + 1] = payload[i];
		hdr.msg_size += payload[i].iov_len;
	}
	trace_vuser_send(chan->user.id, &hdr);
	ret = vuser_sock_send(&chan->main, vec, nr + 1, hdr.msg_size,
			      VUSER_TX_POSTED, deadline, true);
	if (ret == -ETIMEDOUT)
		vuser_channel_fail(chan, ret, "the server does not read");
	return ret;
}
