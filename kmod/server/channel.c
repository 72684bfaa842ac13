// SPDX-License-Identifier: GPL-2.0
/*
 * The channel to a device's server.
 *
 * A command takes a slot, is sent by the thread that has it to send, and that
 * thread waits for the reply.  The thread that waits longest also reads the
 * socket: the socket's wake-up goes straight to it, so that a reply costs one
 * wake-up and no more.  It hands the reading on as it leaves.  The link's work
 * item reads when nobody waits.
 */
#include <linux/net.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "main.h"
#include "server/channel.h"
#include "server/fdmsg.h"
#include "trace.h"
#include "vfio/device.h"
#include "vuser.h"

/**
 * vuser_request_deadline() - when a message sent now must be answered
 * @dev: the device
 *
 * Return: the time, on ktime_get()'s clock.
 */
ktime_t vuser_request_deadline(struct vuser_device *dev)
{
	return ktime_add_ms(ktime_get(),
			    READ_ONCE(dev->settings.request_timeout_ms));
}

/**
 * vuser_close_deadline() - when a close that begins now must be done
 * @dev: the device
 *
 * Return: the time, on ktime_get()'s clock.
 */
ktime_t vuser_close_deadline(struct vuser_device *dev)
{
	return ktime_add_ms(ktime_get(),
			    READ_ONCE(dev->settings.close_timeout_ms));
}

/* The end ----------------------------------------------------------------- */

/* Marks the channel lost; true for the one who did it. */
static bool vuser_channel_mark_lost(struct vuser_channel *chan)
{
	unsigned long flags;
	bool first;
	int i;

	spin_lock_irqsave(&chan->lock, flags);
	first = !chan->lost;
	WRITE_ONCE(chan->lost, true);
	for (i = 0; first && i < VUSER_NR_SLOTS; i++) {
		struct vuser_slot *slot = &chan->slots[i];

		if (slot->state != VUSER_SLOT_BUSY || slot->done)
			continue;
		slot->error = -ENOTCONN;
		WRITE_ONCE(slot->done, true);
		if (!list_empty(&slot->node))
			default_wake_function(&slot->wait, TASK_NORMAL, 0,
					      NULL);
	}
	spin_unlock_irqrestore(&chan->lock, flags);
	return first;
}

static void vuser_channel_wake_all(struct vuser_channel *chan)
{
	wake_up_all(&chan->main.room);
	if (chan->twin.sock)
		wake_up_all(&chan->twin.room);
	wake_up_all(&chan->slot_room);
}

/*
 * Everybody who waits is woken with an error; the device becomes lost.  The
 * line comes once for each time that a helper attached the device, and helpers
 * wait longer and longer before they do: no limit is needed, under which one
 * server could hide what another did.
 */
static void vuser_channel_lose(struct vuser_channel *chan, int error,
			       const char *why,
			       const struct vfio_user_header *hdr)
{
	struct device *dev = chan->dev->vdev.dev;

	if (!vuser_channel_mark_lost(chan))
		return;
	trace_vuser_lost(chan->dev, error, why);
	if (hdr)
		dev_warn(dev,
			 "lost: %s (%d): id 0x%04x command %u size %u flags 0x%x error %u\n",
			 why, error, hdr->msg_id, hdr->command, hdr->msg_size,
			 hdr->flags, hdr->error_no);
	else
		dev_warn(dev, "lost: %s (%d)\n", why, error);
	vuser_channel_wake_all(chan);
	vuser_channel_get(chan);
	queue_work(vuser_wq, &chan->lost_work);
}

/**
 * vuser_channel_fail() - the channel is of no use any more
 * @chan: the channel
 * @error: why, a negative errno
 * @why: why, for people
 *
 * Context: process.
 */
void vuser_channel_fail(struct vuser_channel *chan, int error,
			const char *why)
{
	vuser_channel_lose(chan, error, why, NULL);
}

/**
 * vuser_channel_hang_up() - the same, and the server sees it at once
 * @chan: the channel
 * @error: why, a negative errno
 * @why: why, for people
 *
 * Else it sees the end when the channel goes, which may take as long as one who
 * reads the socket is not done.
 *
 * Context: process.
 */
void vuser_channel_hang_up(struct vuser_channel *chan, int error,
			   const char *why)
{
	vuser_channel_fail(chan, error, why);
	kernel_sock_shutdown(chan->main.sock, SHUT_RDWR);
	if (chan->twin.sock)
		kernel_sock_shutdown(chan->twin.sock, SHUT_RDWR);
}

/**
 * vuser_channel_timeout() - the server let a message wait too long
 * @chan: the channel
 * @why: how, for people
 * @hdr: header of that message, as far as it is known
 *
 * Context: process.
 */
void vuser_channel_timeout(struct vuser_channel *chan, const char *why,
			   const struct vfio_user_header *hdr)
{
	vuser_channel_lose(chan, -ETIMEDOUT, why, hdr);
}

/**
 * vuser_channel_violation() - the server broke the protocol
 * @chan: the channel
 * @why: which rule, for people
 * @hdr: header of the message that did
 *
 * Context: process.
 */
void vuser_channel_violation(struct vuser_channel *chan, const char *why,
			     const struct vfio_user_header *hdr)
{
	trace_vuser_bad_msg(chan->dev, hdr, why);
	vuser_channel_lose(chan, -EPROTO, why, hdr);
}

static void vuser_channel_lost_work(struct work_struct *work)
{
	struct vuser_channel *chan = container_of(work, struct vuser_channel,
						  lost_work);

	vuser_device_lost(chan->dev, chan);
	vuser_channel_put(chan);
}

static void vuser_channel_end_work(struct work_struct *work)
{
	struct vuser_channel *chan = container_of(work, struct vuser_channel,
						  end_work);

	vuser_link_stop(&chan->main);
	vuser_link_stop(&chan->twin);
	cancel_work_sync(&chan->ring_work);
	vuser_channel_put(chan);
}

/**
 * vuser_channel_end() - drop the device's reference and end the channel
 * @chan: the channel; no consumer uses it any more
 *
 * The rest happens in a work item, so that this may be called with locks.
 *
 * Context: process.
 */
void vuser_channel_end(struct vuser_channel *chan)
{
	vuser_channel_mark_lost(chan);
	vuser_channel_wake_all(chan);
	queue_work(vuser_wq, &chan->end_work);
}

/* Channels there are; the last one that goes wakes who waits for that. */
static atomic_t vuser_nr_channels;

static void vuser_channel_release(struct kref *ref)
{
	struct vuser_channel *chan = container_of(ref, struct vuser_channel,
						  ref);

	vuser_link_exit(&chan->main);
	vuser_link_exit(&chan->twin);
	vuser_desc_put(chan->desc);
	vuser_device_put(chan->dev);
	kvfree(chan);
	if (atomic_dec_and_test(&vuser_nr_channels))
		wake_up_var(&vuser_nr_channels);
}

/**
 * vuser_channels_wait() - all channels are gone on return
 *
 * For unloading, when no new one can come.  Draining the workqueue would not
 * do: a timer or a socket queues work there until its link was stopped, and
 * a workqueue that drains drops what comes so, with a warning.
 *
 * Context: process; waits for the works that end the channels.
 */
void vuser_channels_wait(void)
{
	wait_var_event(&vuser_nr_channels, !atomic_read(&vuser_nr_channels));
}

void vuser_channel_get(struct vuser_channel *chan)
{
	kref_get(&chan->ref);
}

void vuser_channel_put(struct vuser_channel *chan)
{
	kref_put(&chan->ref, vuser_channel_release);
}

/* Slots ------------------------------------------------------------------- */

static struct vuser_slot *vuser_slot_find(struct vuser_channel *chan)
{
	int i;

	for (i = 0; i < VUSER_NR_SLOTS; i++)
		if (chan->slots[i].state == VUSER_SLOT_FREE)
			return &chan->slots[i];
	return NULL;
}

static u16 vuser_slot_id(struct vuser_channel *chan, struct vuser_slot *slot)
{
	return (slot - chan->slots) | slot->gen << VUSER_ID_GEN_SHIFT;
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

/* Sleeps until the slot is done, reading the socket where nobody else does. */
static int vuser_slot_sleep(struct vuser_channel *chan,
			    struct vuser_slot *slot, struct vuser_call *call)
{
	unsigned int state = call->killable ? TASK_KILLABLE : TASK_IDLE;
	struct vuser_link *link = &chan->main;
	long left;

	for (;;) {
		left = vuser_jiffies_left(call->deadline);
		set_current_state(state);
		if (READ_ONCE(slot->done))
			return 0;
		if (call->killable && fatal_signal_pending(current))
			return -EINTR;
		if (vuser_link_readable(link) &&
		    !mutex_is_locked(&link->rx_lock)) {
			__set_current_state(TASK_RUNNING);
			vuser_link_read(link, &slot->done);
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

/**
 * vuser_slot_wait() - wait for the reply to a message that was sent
 * @chan: the channel
 * @slot: its slot; given back, or left to the reply when that has not come
 * @call: the command
 *
 * Context: process; sleeps for the server.
 * Return: 0, the server's error, -EINTR when killed, -ETIMEDOUT (and then
 * the channel is lost), or -ENOTCONN.
 */
int vuser_slot_wait(struct vuser_channel *chan, struct vuser_slot *slot,
		    struct vuser_call *call)
{
	struct vfio_user_header hdr = { .command = call->command };
	bool sent;
	int ret;

	spin_lock_irq(&chan->lock);
	slot->wait.private = current;
	list_add_tail(&slot->node, &chan->waiters);
	spin_unlock_irq(&chan->lock);

	ret = vuser_slot_sleep(chan, slot, call);
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
	if (vuser_link_readable(&chan->main))
		vuser_channel_readable(&chan->main, 0);
	return ret;
}

/* Sending ----------------------------------------------------------------- */

/**
 * vuser_channel_call() - send a command and wait for its reply
 * @chan: the channel
 * @call: the command; its message is at most VUSER_MAX_MSG bytes
 *
 * Context: process; sleeps for the server, so with no lock that others need.
 * Return: 0, the server's error as a negative errno, -EINTR when killed,
 * -ETIMEDOUT, or -ENOTCONN when the server is lost.
 */
int vuser_channel_call(struct vuser_channel *chan, struct vuser_call *call)
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
	trace_vuser_send(chan->dev, &hdr);
	ret = vuser_link_send(&chan->main, vec, 3, hdr.msg_size, VUSER_TX_ALL,
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
	return vuser_slot_wait(chan, slot, call);
}

/**
 * vuser_channel_post() - send a command that has no reply
 * @chan: the channel
 * @command: VFIO_USER_*
 * @payload: what follows the header
 * @nr: entries of @payload, 2 at most
 * @deadline: when to give up waiting for room
 *
 * Context: process; sleeps for room.
 * Return: 0, -EINTR when killed, -ETIMEDOUT, or -ENOTCONN.
 */
int vuser_channel_post(struct vuser_channel *chan, u16 command,
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
	trace_vuser_send(chan->dev, &hdr);
	ret = vuser_link_send(&chan->main, vec, nr + 1, hdr.msg_size,
			      VUSER_TX_POSTED, deadline, true);
	if (ret == -ETIMEDOUT)
		vuser_channel_fail(chan, ret, "the server does not read");
	return ret;
}

/* Receiving --------------------------------------------------------------- */

/* An error reply to a posted write is legal from some servers: count it. */
static int vuser_channel_posted_reply(struct vuser_link *link,
				      const struct vfio_user_header *hdr)
{
	struct vuser_channel *chan = link->chan;

	if (!(hdr->flags & VFIO_USER_FLAGS_ERROR) ||
	    hdr->command != VFIO_USER_REGION_WRITE) {
		vuser_channel_violation(chan, "reply to a command without one",
					hdr);
		return -EPROTO;
	}
	vuser_count(chan->dev, VUSER_COUNT_POSTED_ERROR);
	trace_vuser_bad_msg(chan->dev, hdr, "a posted write failed");
	return 0;
}

/*
 * An errno the server sent, made safe to return to a consumer: none of those
 * that mean something to the kernel, and not our own "killed", "lost", "late"
 * and "in another way".
 */
static int vuser_server_error(u32 error)
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

/* Gives the reply to its slot: NULL, or which rule it breaks. */
static const char *vuser_slot_reply(struct vuser_channel *chan,
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
	vuser_slot_done(slot, failed ? vuser_server_error(hdr->error_no) : 0);
	return NULL;
}

static int vuser_channel_reply(struct vuser_link *link,
			       const struct vfio_user_header *hdr,
			       const void *payload, size_t len)
{
	struct vuser_channel *chan = link->chan;
	const char *why;

	if (hdr->msg_id & VUSER_ID_POSTED)
		return vuser_channel_posted_reply(link, hdr);

	spin_lock_irq(&chan->lock);
	if (link == &chan->main)
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

/**
 * vuser_channel_message() - a whole message came
 * @link: by this link
 * @hdr: its header, its size already checked
 * @payload: what follows
 * @len: bytes of @payload
 *
 * Context: the reading thread.
 * Return: 0, or -EPROTO when that was the end of the channel.
 */
int vuser_channel_message(struct vuser_link *link,
			  const struct vfio_user_header *hdr,
			  const void *payload, size_t len)
{
	trace_vuser_recv(link->chan->dev, hdr);

	switch (hdr->flags & VFIO_USER_FLAGS_TYPE_MASK) {
	case VFIO_USER_FLAGS_TYPE_REPLY:
		return vuser_channel_reply(link, hdr, payload, len);
	case VFIO_USER_FLAGS_TYPE_COMMAND:
		if (hdr->command == VFIO_USER_DMA_READ ||
		    hdr->command == VFIO_USER_DMA_WRITE)
			return vuser_serve_dma(link, hdr, payload, len);
		vuser_channel_violation(link->chan,
					"a command servers do not send", hdr);
		return -EPROTO;
	default:
		vuser_channel_violation(link->chan, "neither command nor reply",
					hdr);
		return -EPROTO;
	}
}

/**
 * vuser_channel_readable() - somebody has to read
 * @link: this link
 * @wake_flags: of the wake-up that told of it
 *
 * Context: any; called under the socket's wait queue's lock.
 */
void vuser_channel_readable(struct vuser_link *link, int wake_flags)
{
	struct vuser_channel *chan = link->chan;
	struct vuser_slot *slot = NULL;
	unsigned long flags;

	if (link == &chan->main) {
		spin_lock_irqsave(&chan->lock, flags);
		slot = list_first_entry_or_null(&chan->waiters,
						struct vuser_slot, node);
		if (slot)
			default_wake_function(&slot->wait, TASK_NORMAL,
					      wake_flags, NULL);
		spin_unlock_irqrestore(&chan->lock, flags);
	}
	if (!slot)
		queue_work(vuser_wq, &link->rx_work);
}

/**
 * vuser_channel_room() - the socket may have room again
 * @chan: the channel
 *
 * Context: any; called under the socket's wait queue's lock.
 */
void vuser_channel_room(struct vuser_channel *chan)
{
	if (READ_ONCE(chan->ring))
		queue_work(vuser_wq, &chan->ring_work);
}

/* The beginning ----------------------------------------------------------- */

/**
 * vuser_channel_open() - make a channel of what the helper negotiated
 * @dev: the device; a reference is taken
 * @desc: what the server said; the reference is taken over on success
 * @sock: the connected socket; taken over on success
 * @twin: the server's command socket or NULL; taken over on success
 *
 * Nothing is read before vuser_channel_start().
 *
 * Return: the channel, or ERR_PTR(-ENOMEM).
 */
struct vuser_channel *vuser_channel_open(struct vuser_device *dev,
					 struct vuser_desc *desc,
					 struct socket *sock,
					 struct socket *twin)
{
	struct vuser_channel *chan;

	chan = kvzalloc(sizeof(*chan), GFP_KERNEL);
	if (!chan)
		return ERR_PTR(-ENOMEM);
	kref_init(&chan->ref);
	spin_lock_init(&chan->lock);
	INIT_LIST_HEAD(&chan->waiters);
	INIT_LIST_HEAD(&chan->requests);
	init_waitqueue_head(&chan->slot_room);
	INIT_WORK(&chan->lost_work, vuser_channel_lost_work);
	INIT_WORK(&chan->ring_work, vuser_request_ring_work);
	INIT_WORK(&chan->end_work, vuser_channel_end_work);
	chan->next_request = 1;

	if (vuser_link_init(&chan->main, chan, sock))
		goto err_free;
	if (twin && vuser_link_init(&chan->twin, chan, twin))
		goto err_main;

	atomic_inc(&vuser_nr_channels);
	chan->desc = desc;
	vuser_device_get(dev);
	chan->dev = dev;
	return chan;

err_main:
	kvfree(chan->main.rx_buf);
err_free:
	kvfree(chan);
	return ERR_PTR(-ENOMEM);
}

/**
 * vuser_channel_start() - begin to read
 * @chan: the channel; the device knows it already
 *
 * Return: 0 or -ENOTSOCK.
 */
int vuser_channel_start(struct vuser_channel *chan)
{
	int ret;

	ret = vuser_link_start(&chan->main);
	if (!ret && chan->twin.sock)
		ret = vuser_link_start(&chan->twin);
	return ret;
}
