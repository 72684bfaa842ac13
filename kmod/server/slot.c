// SPDX-License-Identifier: GPL-2.0
/*
 * Slots: each command that was sent and has no reply yet has one.  The channel's
 * lock protects them.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "server/channel.h"
#include "server/slot.h"
#include "vuser.h"

static struct vuser_slot *vuser_slot_find(struct vuser_channel *chan)
{
	int i;

	for (i = 0; i < VUSER_NR_SLOTS; i++)
		if (chan->slots[i].state == VUSER_SLOT_FREE)
			return &chan->slots[i];
	return NULL;
}

static struct vuser_slot *vuser_slot_try_get(struct vuser_channel *chan,
					     struct vuser_call *call)
{
	struct vuser_slot *slot;

	spin_lock_irq(&chan->lock);
	slot = chan->lost ? NULL : vuser_slot_find(chan);
	if (slot) {
		slot->state = VUSER_SLOT_BUSY;
		slot->gen++;
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
		init_wait_entry(&slot->wait, 0);
	}
	spin_unlock_irq(&chan->lock);
	return slot;
}

static bool vuser_slot_room(struct vuser_channel *chan)
{
	return vuser_slot_find(chan) || vuser_channel_lost(chan);
}

/* All slots are taken: waits for one that is given back. */
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
 * vuser_slot_get() - reserve a slot for a command
 * @chan: the channel
 * @call: the command
 * @hdr: filled with the header of the message
 * @slot: the slot
 *
 * Context: process; sleeps while all slots are taken.
 * Return: 0, -ENOTCONN, -EINTR when killed, or -ETIMEDOUT.
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
 * vuser_slot_free() - give back a slot whose message was never sent
 * @chan: the channel
 * @slot: the slot
 */
void vuser_slot_free(struct vuser_channel *chan, struct vuser_slot *slot)
{
	spin_lock_irq(&chan->lock);
	slot->state = VUSER_SLOT_FREE;
	spin_unlock_irq(&chan->lock);
	wake_up(&chan->slot_room);
}

/* Wakes the thread that waits for @slot; under the channel's lock. */
static void vuser_slot_done(struct vuser_slot *slot, int error)
{
	slot->error = error;
	WRITE_ONCE(slot->done, true);
	if (!list_empty(&slot->node))
		default_wake_function(&slot->wait, TASK_NORMAL, 0, NULL);
}

/**
 * vuser_slot_complete() - end a wait without a reply of the server
 * @chan: the channel; its lock is held
 * @msg_id: id of the message, which was not sent
 * @error: what the waiter gets, a negative errno
 */
void vuser_slot_complete(struct vuser_channel *chan, u16 msg_id, int error)
{
	struct vuser_slot *slot = &chan->slots[msg_id & VUSER_ID_SLOT_MASK];

	lockdep_assert_held(&chan->lock);
	if (slot->state == VUSER_SLOT_BUSY && !slot->done &&
	    vuser_slot_id(chan, slot) == msg_id)
		vuser_slot_done(slot, error);
}

/**
 * vuser_slot_sending() - a message that waits is about to be sent
 * @chan: the channel; its lock is held
 * @msg_id: id of the message
 *
 * Return: true when somebody still waits for it; else it must not be sent.
 */
bool vuser_slot_sending(struct vuser_channel *chan, u16 msg_id)
{
	struct vuser_slot *slot = &chan->slots[msg_id & VUSER_ID_SLOT_MASK];

	lockdep_assert_held(&chan->lock);
	if (slot->state != VUSER_SLOT_BUSY || slot->done ||
	    vuser_slot_id(chan, slot) != msg_id)
		return false;
	slot->sent = true;
	return true;
}

/**
 * vuser_slot_unsent() - a message that was to be sent was not
 * @chan: the channel; its lock is held
 * @msg_id: id of the message
 *
 * Return: true when somebody still waits for it; else its slot is free again.
 */
bool vuser_slot_unsent(struct vuser_channel *chan, u16 msg_id)
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
 * An errno the server sent, made safe to return to a consumer: none of those
 * that mean something to the kernel, and not our own "killed", "lost", "late"
 * and "in another way".
 */
static int vuser_slot_error(u32 error)
{
	switch (error) {
	case 0:
	case EINTR:
	case ENOTCONN:
	case ETIMEDOUT:
	case EAGAIN:
		return -EIO;
	}
	return error > EHWPOISON ? -EIO : -(int)error;
}

/* May a reply of this size be the one?  Errors carry what servers like. */
static bool vuser_slot_fits(const struct vuser_slot *slot, size_t len,
			    bool failed)
{
	if (failed || (slot->bare && !len))
		return len <= slot->max;
	return len >= slot->min && len <= slot->max;
}

/**
 * vuser_slot_reply() - give a reply to the slot that waits for it
 * @chan: the channel; its lock is held
 * @hdr: header of the reply
 * @payload: what follows
 * @len: bytes of @payload
 *
 * Return: NULL, or which rule of the protocol the reply breaks.
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
		return "reply to nothing that was asked";
	if (slot->command != hdr->command)
		return "reply to another command";
	if (!vuser_slot_fits(slot, len, failed))
		return "bad size of a reply";

	if (slot->state == VUSER_SLOT_ABANDONED) {
		slot->state = VUSER_SLOT_FREE;
		return NULL;
	}
	if (!failed && len && memcmp(payload, slot->echo, slot->echo_len))
		return "reply does not name what was asked";
	if (!failed && len) {
		memcpy(slot->reply, payload, len);
		slot->reply_len = len;
	}
	vuser_slot_done(slot, failed ? vuser_slot_error(hdr->error_no) : 0);
	return NULL;
}
