// SPDX-License-Identifier: GPL-2.0
/*
 * Commands and their replies.
 *
 * A command takes a slot, its thread sends it and waits for the reply.  The
 * thread that has waited longest also reads the socket: the socket's wake-up
 * goes straight to that thread, so that a reply costs one wake-up and no more.
 * When it leaves, the next one reads.  The socket's work item reads when no
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

/* Sleeps until the slot is done, reading the socket where nobody else does. */
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
		if (vuser_sock_readable(vsk) &&
		    !mutex_is_locked(&vsk->rx_lock)) {
			__set_current_state(TASK_RUNNING);
			vuser_reader_read(vsk, &slot->done);
			/* Late, but the reply may have been there already. */
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
 * vuser_call_wait() - wait for the reply to a message that was sent
 * @chan: the channel
 * @slot: its slot; given back, or left to the reply when that has not come
 * @call: the command
 *
 * Context: process; sleeps for the server.
 * Return: 0, the server's error, -EINTR when killed, -ETIMEDOUT (and then
 * the channel is lost), or -ENOTCONN.
 */
int vuser_call_wait(struct vuser_channel *chan, struct vuser_slot *slot,
		    struct vuser_call *call)
{
	struct vfio_user_header hdr = { .command = call->command };
	bool sent;
	int ret;

	spin_lock_irq(&chan->lock);
	slot->wait.private = current;
	list_add_tail(&slot->node, &chan->waiters);
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
		vuser_channel_readable(&chan->main, 0);
	return ret;
}

/**
 * vuser_call() - send a command and wait for its reply
 * @chan: the channel
 * @call: the command; its message is at most VUSER_MAX_MSG bytes
 *
 * Context: process; sleeps for the server, so with no lock that others need.
 * Return: 0, the server's error as a negative errno, -EINTR when killed,
 * -ETIMEDOUT, or -ENOTCONN when the server is lost.
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
			/* A close: the next consumer must find nothing of it. */
			vuser_channel_fail(chan, ret,
					   "no memory to end a consumer's use");
		return ret;
	}
	return vuser_call_wait(chan, slot, call);
}

/**
 * vuser_call_post() - send a command that has no reply
 * @chan: the channel
 * @command: VFIO_USER_*
 * @payload: what follows the header
 * @nr: entries of @payload, 2 at most
 * @deadline: when to give up waiting for room
 *
 * Context: process; sleeps for room.
 * Return: 0, -EINTR when killed, -ETIMEDOUT, or -ENOTCONN.
 */
int vuser_call_post(struct vuser_channel *chan, u16 command,
		    struct kvec *payload, size_t nr, ktime_t deadline)
{
	struct vfio_user_header hdr = {
		.command = command,
		.msg_id = VUSER_ID_POSTED |
			  (atomic_inc_return(&chan->posted) &
			   (VUSER_ID_POSTED - 1)),
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
