// SPDX-License-Identifier: GPL-2.0
/*
 * Slots.  Each command that waits for its reply has a slot.  The channel's lock
 * protects the slots.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "server/channel.h"
#include "server/latency.h"
#include "server/slot.h"
#include "vuser.h"

/* Finds a free slot; returns NULL if all are in use. */
static struct vuser_slot *vuser_slot_find(struct vuser_channel *chan)
{
	int i;

	for (i = 0; i < VUSER_NR_SLOTS; i++)
		if (chan->slots[i].state == VUSER_SLOT_FREE)
			return &chan->slots[i];
	return NULL;
}

/*
 * Takes a free slot and prepares it for a command.  Returns NULL if no slot is free
 * or the channel is lost.
 */
static struct vuser_slot *vuser_slot_try_get(struct vuser_channel *chan,
					     struct vuser_call *call)
{
	ktime_t now = ktime_get();
	struct vuser_slot *slot;

	spin_lock_irq(&chan->lock);
	slot = chan->lost ? NULL : vuser_slot_find(chan);
	if (slot) {
		slot->state = VUSER_SLOT_BUSY;
		slot->gen++;
		slot->since = now;
		slot->done = false;
		slot->sent = true;
		slot->command = call->command;
		slot->min = call->reply_min;
		slot->max = call->reply_max;
		slot->reply = call->reply;
		slot->reply_len = 0;
		slot->bare = call->reply_bare;
		slot->echo = call->payload[0].iov_base;
		slot->echo_len = call->reply_echo;
		slot->error = 0;
		INIT_LIST_HEAD(&slot->node);
	}
	spin_unlock_irq(&chan->lock);
	return slot;
}

/* Whether a thread that waits for a free slot can stop waiting.  Needs no lock. */
static bool vuser_slot_room(struct vuser_channel *chan)
{
	return vuser_slot_find(chan) || vuser_channel_lost(chan);
}

/*
 * Waits until a slot is free or the channel is lost.  Returns 0, also when the wait
 * has just timed out; -EINTR; or -ETIMEDOUT when the deadline had passed before.
 */
static int vuser_slot_wait_room(struct vuser_channel *chan,
				struct vuser_call *call)
{
	long left = vuser_jiffies_left(call->deadline);
	long ret;

	if (!left) {
		vuser_channel_fail(chan, -ETIMEDOUT,
				   "the server did not answer");
		return -ETIMEDOUT;
	}
	if (!call->killable) {
		wait_event_idle_timeout(chan->slot_room, vuser_slot_room(chan),
					left);
		return 0;
	}
	ret = wait_event_killable_timeout(chan->slot_room,
					  vuser_slot_room(chan), left);
	return ret < 0 ? -EINTR : 0;
}

/**
 * vuser_slot_get() - take a slot for a command
 * @chan: the channel
 * @call: the command
 * @hdr: set to the header of the command's message
 * @slot: set to the slot, which belongs to the caller until it calls
 *	vuser_call_wait() or vuser_slot_free()
 *
 * The slot is marked as sent.  Marks the channel lost when no slot is free by the
 * deadline.
 *
 * Context: process; sleeps while all slots are in use; killable if @call says so.
 * Return: 0; -ENOTCONN when the channel is lost; -EINTR when the thread was
 * killed; or -ETIMEDOUT when the deadline has passed.
 */
int vuser_slot_get(struct vuser_channel *chan, struct vuser_call *call,
		   struct vfio_user_header *hdr, struct vuser_slot **slot)
{
	int ret;

	for (;;) {
		if (vuser_channel_lost(chan))
			return -ENOTCONN;
		*slot = vuser_slot_try_get(chan, call);
		if (*slot)
			break;
		ret = vuser_slot_wait_room(chan, call);
		if (ret)
			return ret;
	}

	memset(hdr, 0, sizeof(*hdr));
	hdr->msg_id = vuser_slot_id(chan, *slot);
	hdr->command = call->command;
	hdr->msg_size = sizeof(*hdr) + call->payload[0].iov_len +
			call->payload[1].iov_len;
	return 0;
}

/**
 * vuser_slot_free() - free the slot of a message that could not be sent
 * @chan: the channel
 * @slot: the slot
 *
 * Context: process; without the channel's lock.
 */
void vuser_slot_free(struct vuser_channel *chan, struct vuser_slot *slot)
{
	spin_lock_irq(&chan->lock);
	slot->state = VUSER_SLOT_FREE;
	spin_unlock_irq(&chan->lock);
	wake_up(&chan->slot_room);
}

/* Ends the wait for @slot and wakes its thread; the channel's lock is held. */
static void vuser_slot_done(struct vuser_slot *slot, int error)
{
	slot->error = error;
	WRITE_ONCE(slot->done, true);
	if (!list_empty(&slot->node))
		vuser_channel_wake_slot(slot, 0);
}

/*
 * Converts an errno from a server's error reply, or from the helper, to a negative
 * errno that may be returned to a consumer.  -EIO replaces errnos that have a meaning inside of the
 * kernel, such as ERESTARTSYS, and errnos with which vuser reports its own
 * failures: EINTR (killed), ENOTCONN and ENOLINK (lost), ETIMEDOUT (late) and EAGAIN
 * (another layout of the server map is needed).
 */
static int vuser_slot_error(u32 error)
{
	switch (error) {
	case 0:
	case EINTR:
	case ENOTCONN:
	case ENOLINK:
	case ETIMEDOUT:
	case EAGAIN:
		return -EIO;
	}
	return error > EHWPOISON ? -EIO : -(int)error;
}

/**
 * vuser_slot_complete() - end the wait for a message that will not be sent
 * @chan: the channel
 * @msg_id: message id of the command
 * @error: a positive errno from the helper; the waiting call returns it, or -EIO
 *
 * Does nothing if no thread waits for this message any more.
 *
 * Context: any; the channel's lock is held.
 */
void vuser_slot_complete(struct vuser_channel *chan, u16 msg_id, u32 error)
{
	struct vuser_slot *slot = &chan->slots[msg_id & VUSER_ID_SLOT_MASK];

	lockdep_assert_held(&chan->lock);
	if (slot->state == VUSER_SLOT_BUSY && !slot->done &&
	    vuser_slot_id(chan, slot) == msg_id)
		vuser_slot_done(slot, vuser_slot_error(error));
}

/**
 * vuser_slot_mark_sent() - mark a message as sent, just before it is sent
 * @chan: the channel
 * @msg_id: message id of the command
 *
 * Context: any; the channel's lock is held.
 * Return: true if a thread still waits for the reply; false if not: then the
 * message must not be sent.
 */
bool vuser_slot_mark_sent(struct vuser_channel *chan, u16 msg_id)
{
	struct vuser_slot *slot = &chan->slots[msg_id & VUSER_ID_SLOT_MASK];

	lockdep_assert_held(&chan->lock);
	if (slot->state != VUSER_SLOT_BUSY || slot->done ||
	    vuser_slot_id(chan, slot) != msg_id)
		return false;
	slot->since = ktime_get();
	slot->sent = true;
	return true;
}

/**
 * vuser_slot_mark_unsent() - undo vuser_slot_mark_sent() after sending failed
 * @chan: the channel
 * @msg_id: message id of the command
 *
 * Context: any; the channel's lock is held.
 * Return: true if a thread still waits for the reply, so that the message can be
 * sent later; false if not: then the slot is free.
 */
bool vuser_slot_mark_unsent(struct vuser_channel *chan, u16 msg_id)
{
	struct vuser_slot *slot = &chan->slots[msg_id & VUSER_ID_SLOT_MASK];

	lockdep_assert_held(&chan->lock);
	if (slot->state == VUSER_SLOT_FREE ||
	    vuser_slot_id(chan, slot) != msg_id)
		return false;
	slot->sent = false;
	if (slot->state == VUSER_SLOT_BUSY)
		return !slot->done;
	slot->state = VUSER_SLOT_FREE;
	return false;
}

/*
 * Whether a reply may have a payload of this size.  Some servers send a payload
 * with an error reply: only its maximum size is checked.
 */
static bool vuser_slot_fits(const struct vuser_slot *slot, size_t len,
			    bool failed)
{
	if (failed || (slot->bare && !len))
		return len <= slot->max;
	return len >= slot->min && len <= slot->max;
}

/* Counts the time that the server took to answer; the channel's lock is held. */
static void vuser_slot_measure(struct vuser_channel *chan,
			       const struct vuser_slot *slot)
{
	s64 ns = ktime_to_ns(ktime_sub(ktime_get(), slot->since));

	vuser_latency_add(chan->user.latency, slot->command, ns);
}

/**
 * vuser_slot_reply() - give a reply to the slot that waits for it
 * @chan: the channel
 * @hdr: header of the reply
 * @payload: the reply after its header
 * @len: size of @payload in bytes
 *
 * Counts the time that the server took, copies the payload and wakes the thread that
 * waits.  If the thread has stopped waiting, does not copy and only frees the slot.
 *
 * Context: any; the channel's lock is held.
 * Return: NULL, or the rule of the protocol that the reply breaks, as text.
 */
const char *vuser_slot_reply(struct vuser_channel *chan,
			     const struct vfio_user_header *hdr,
			     const void *payload, size_t len)
{
	struct vuser_slot *slot = &chan->slots[hdr->msg_id &
					       VUSER_ID_SLOT_MASK];
	bool failed = hdr->flags & VFIO_USER_FLAGS_ERROR;

	lockdep_assert_held(&chan->lock);

	if (slot->state == VUSER_SLOT_FREE || slot->done ||
	    vuser_slot_id(chan, slot) != hdr->msg_id)
		return "reply to a command that is not pending";
	if (slot->command != hdr->command)
		return "reply to another command";
	if (!vuser_slot_fits(slot, len, failed))
		return "bad size of a reply";
	vuser_slot_measure(chan, slot);

	if (slot->state == VUSER_SLOT_ABANDONED) {
		slot->state = VUSER_SLOT_FREE;
		return NULL;
	}
	if (!failed && len && memcmp(payload, slot->echo, slot->echo_len))
		return "reply does not repeat the fields of the command";
	if (!failed && len) {
		memcpy(slot->reply, payload, len);
		slot->reply_len = len;
	}
	vuser_slot_done(slot, failed ? vuser_slot_error(hdr->error_no) : 0);
	return NULL;
}
