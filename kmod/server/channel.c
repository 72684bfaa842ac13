// SPDX-License-Identifier: GPL-2.0
/*
 * The channel to a device's server, as an object: its memory, its references,
 * and the one state it has, lost.  The other files of this folder send and
 * receive on it.
 */
#include <linux/cred.h>
#include <linux/device.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "server/channel.h"
#include "server/desc.h"
#include "trace.h"

/* For reading sockets and ending channels; unbound, any work may sleep. */
struct workqueue_struct *vuser_wq;

/* Kernel credentials for the channel's own socket I/O. */
const struct cred *vuser_cred;

/**
 * vuser_channel_deadline() - when a message sent now must be answered
 * @chan: the channel
 *
 * Return: the time, on ktime_get()'s clock.
 */
ktime_t vuser_channel_deadline(struct vuser_channel *chan)
{
	return vuser_deadline(chan->user.request_timeout_ms);
}

/* The end ----------------------------------------------------------------- */

/* Marks the channel lost; true when it was not lost before. */
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
 * Wakes all waiters with an error; the device becomes lost.  The line in the log
 * appears at most once for each attach, and a helper waits longer before each new
 * attach.  So it is not rate-limited: with a limit, one server could hide what
 * another one did.
 */
static void vuser_channel_lose(struct vuser_channel *chan, int error,
			       const char *why,
			       const struct vfio_user_header *hdr)
{
	struct device *dev = chan->user.dev;

	if (!vuser_channel_mark_lost(chan))
		return;
	trace_vuser_lost(chan->user.id, error, why);
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
 * vuser_channel_fail() - end the channel: it can no longer be used
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
 * vuser_channel_hang_up() - end the channel, and shut the sockets down
 * @chan: the channel
 * @error: why, a negative errno
 * @why: why, for people
 *
 * The server sees EOF now.  With vuser_channel_fail() it would see EOF only after
 * the last reader drops the channel.
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
	trace_vuser_bad_msg(chan->user.id, hdr, why);
	vuser_channel_lose(chan, -EPROTO, why, hdr);
}

static void vuser_channel_lost_work(struct work_struct *work)
{
	struct vuser_channel *chan = container_of(work, struct vuser_channel,
						  lost_work);

	chan->user.ops->lost(chan->user.context, chan);
	vuser_channel_put(chan);
}

/**
 * vuser_channel_close() - the device does not use the channel any more
 * @chan: the channel
 *
 * Context: process.
 */
void vuser_channel_close(struct vuser_channel *chan)
{
	vuser_channel_mark_lost(chan);
	vuser_channel_wake_all(chan);
}

/**
 * vuser_channel_readable() - wake a thread that reads
 * @vsk: this socket
 * @wake_flags: of the wake-up that reported it
 *
 * Context: any; called under the socket's wait queue's lock.
 */
void vuser_channel_readable(struct vuser_sock *vsk, int wake_flags)
{
	struct vuser_channel *chan = vsk->chan;
	struct vuser_slot *slot = NULL;
	unsigned long flags;

	if (vsk == &chan->main) {
		spin_lock_irqsave(&chan->lock, flags);
		slot = list_first_entry_or_null(&chan->waiters,
						struct vuser_slot, node);
		if (slot)
			default_wake_function(&slot->wait, TASK_NORMAL,
					      wake_flags, NULL);
		spin_unlock_irqrestore(&chan->lock, flags);
	}
	if (!slot)
		queue_work(vuser_wq, &vsk->rx_work);
}

/**
 * vuser_channel_room() - the socket may have room again
 * @chan: the channel
 *
 * Context: any; called under the socket's wait queue's lock.
 */
void vuser_channel_room(struct vuser_channel *chan)
{
	if (READ_ONCE(chan->notify))
		queue_work(vuser_wq, &chan->notify_work);
}

/* Memory and references ---------------------------------------------------- */

/* Number of channels; the last one that is freed wakes vuser_channel_exit(). */
static atomic_t vuser_nr_channels;

static void vuser_channel_free_sock(struct vuser_sock *vsk)
{
	if (!vsk->sock)
		return;
	sockfd_put(vsk->sock);
	kvfree(vsk->parked);
	kvfree(vsk->rx_buf);
}

static void vuser_channel_release(struct kref *ref)
{
	struct vuser_channel *chan = container_of(ref, struct vuser_channel,
						  ref);

	vuser_channel_free_sock(&chan->main);
	vuser_channel_free_sock(&chan->twin);
	vuser_desc_put(chan->desc);
	chan->user.ops->release(chan->user.context);
	kvfree(chan);
	if (atomic_dec_and_test(&vuser_nr_channels))
		wake_up_var(&vuser_nr_channels);
}

/**
 * vuser_channel_get() - take a reference
 * @chan: the channel
 */
void vuser_channel_get(struct vuser_channel *chan)
{
	kref_get(&chan->ref);
}

/**
 * vuser_channel_put() - drop a reference
 * @chan: the channel
 */
void vuser_channel_put(struct vuser_channel *chan)
{
	kref_put(&chan->ref, vuser_channel_release);
}

static int vuser_channel_alloc_sock(struct vuser_channel *chan,
				    struct vuser_sock *vsk)
{
	vsk->rx_buf = kvmalloc(VUSER_MAX_MSG, GFP_KERNEL);
	if (!vsk->rx_buf)
		return -ENOMEM;
	vsk->chan = chan;
	mutex_init(&vsk->tx_lock);
	mutex_init(&vsk->rx_lock);
	init_waitqueue_head(&vsk->room);
	return 0;
}

/**
 * vuser_channel_alloc() - make a channel
 * @user: the device that it belongs to; copied; the reference behind
 *	@user->context is taken over on success
 * @desc: what the server said; the reference is taken over on success
 * @sock: the connected socket; taken over on success
 * @twin: the server's command socket or NULL; taken over on success
 *
 * Return: the channel with one reference, or NULL without memory.
 */
struct vuser_channel *vuser_channel_alloc(const struct vuser_server_user *user,
					  struct vuser_desc *desc,
					  struct socket *sock,
					  struct socket *twin)
{
	struct vuser_channel *chan;

	chan = kvzalloc(sizeof(*chan), GFP_KERNEL);
	if (!chan)
		return NULL;
	kref_init(&chan->ref);
	spin_lock_init(&chan->lock);
	INIT_LIST_HEAD(&chan->waiters);
	INIT_LIST_HEAD(&chan->fdmsgs);
	init_waitqueue_head(&chan->slot_room);
	INIT_WORK(&chan->lost_work, vuser_channel_lost_work);
	chan->next_fdmsg = 1;

	if (vuser_channel_alloc_sock(chan, &chan->main))
		goto err_free;
	if (twin && vuser_channel_alloc_sock(chan, &chan->twin))
		goto err_main;

	atomic_inc(&vuser_nr_channels);
	chan->user = *user;
	chan->desc = desc;
	chan->main.sock = sock;
	chan->twin.sock = twin;
	return chan;

err_main:
	kvfree(chan->main.rx_buf);
err_free:
	kvfree(chan);
	return NULL;
}

/**
 * vuser_channel_init() - make what all channels share
 *
 * Return: 0 or -ENOMEM.
 */
int __init vuser_channel_init(void)
{
	vuser_cred = prepare_kernel_cred(&init_task);
	if (!vuser_cred)
		return -ENOMEM;
	vuser_wq = alloc_workqueue("vuser", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!vuser_wq) {
		put_cred(vuser_cred);
		return -ENOMEM;
	}
	return 0;
}

/**
 * vuser_channel_wait() - wait until all channels are freed
 *
 * For unloading, when no new channel can come.  It does not drain the workqueue:
 * a timer or a socket queues work there until vuser_sock_stop() has run, and a
 * workqueue that drains drops such work with a warning.
 *
 * Context: process; waits for the works that end the channels.
 */
void vuser_channel_wait(void)
{
	wait_var_event(&vuser_nr_channels, !atomic_read(&vuser_nr_channels));
}

/**
 * vuser_channel_exit() - free what all channels share; no channel is left
 */
void vuser_channel_exit(void)
{
	destroy_workqueue(vuser_wq);
	put_cred(vuser_cred);
}
