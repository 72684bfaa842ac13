// SPDX-License-Identifier: GPL-2.0
/*
 * The channel to a server: its memory, its references, and how it becomes lost.
 * The other files of this folder send and receive messages on the channel.
 */
#include <linux/cred.h>
#include <linux/device.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "server/bulk.h"
#include "server/channel.h"
#include "server/desc.h"
#include "trace.h"

/*
 * Reads sockets and ends channels.  Unbound, because a work may sleep for a long
 * time.
 */
struct workqueue_struct *vuser_wq;

/*
 * For works that wait for a server or for memory: those that serve DMA commands, unmask
 * INTx, make another server serve an open device, or unmap memory in a server.  Separate,
 * so that these works do not keep the sockets from being read.
 */
struct workqueue_struct *vuser_wait_wq;

/* Kernel credentials, with which channels read and send.  fdmsgs do not use them. */
const struct cred *vuser_cred;

/**
 * vuser_channel_deadline() - compute the deadline for a reply
 * @chan: the channel
 *
 * Context: any; no lock.
 * Return: the time by which the server must answer a message that is sent now,
 * on ktime_get()'s clock.
 */
ktime_t vuser_channel_deadline(struct vuser_channel *chan)
{
	return vuser_deadline(chan->user.request_timeout_ms);
}

/**
 * vuser_channel_wake_slot() - wake the thread that waits for a reply
 * @slot: the slot, whose thread is in the channel's list of waiters
 * @wake_flags: flags of the wake-up that reported the reply; 0 otherwise
 *
 * Context: any; the channel's lock is held.
 */
void vuser_channel_wake_slot(struct vuser_slot *slot, int wake_flags)
{
	struct wait_queue_entry wait = { .private = slot->task };

	default_wake_function(&wait, TASK_NORMAL, wake_flags, NULL);
}

/* The end of a channel ----------------------------------------------------- */

/*
 * Marks the channel lost and wakes the threads that wait for replies, with
 * -ENOTCONN.  Returns false if the channel was lost already.
 */
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
			vuser_channel_wake_slot(slot, 0);
	}
	spin_unlock_irqrestore(&chan->lock, flags);
	return first;
}

/* Wakes the threads that wait for anything except a reply. */
static void vuser_channel_wake_all(struct vuser_channel *chan)
{
	wake_up_all(&chan->main.room);
	if (chan->twin.sock)
		wake_up_all(&chan->twin.room);
	wake_up_all(&chan->slot_room);
	wake_up_all(&chan->dma_idle);
}

/*
 * Marks the channel lost, wakes all threads that wait, and queues the work that
 * reports the loss to the device.  The message in the kernel log is not
 * rate-limited: it appears at most once for each attach, and the helper waits
 * longer before each new attach.  With a limit, the messages about one server
 * could suppress the messages about another server.
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

/* The server sees EOF after what was sent to it; nothing is received any more. */
static void vuser_channel_shut_down(struct vuser_channel *chan)
{
	kernel_sock_shutdown(chan->main.sock, SHUT_RDWR);
	if (chan->twin.sock)
		kernel_sock_shutdown(chan->twin.sock, SHUT_RDWR);
}

/**
 * vuser_channel_fail() - mark a channel lost after a failure
 * @chan: the channel
 * @error: the error, a negative errno
 * @why: the reason, for the kernel log
 *
 * Does nothing if the channel is lost already.  A work item shuts the sockets down.
 *
 * Context: process; without the channel's lock.
 */
void vuser_channel_fail(struct vuser_channel *chan, int error,
			const char *why)
{
	vuser_channel_lose(chan, error, why, NULL);
}

/**
 * vuser_channel_hang_up() - mark a channel lost and shut its sockets down
 * @chan: the channel
 * @error: the error, a negative errno
 * @why: the reason, for the kernel log
 *
 * The server sees EOF now.  After vuser_channel_fail() the server sees EOF when the work
 * item of the loss has run.
 *
 * Context: process; without the channel's lock.
 */
void vuser_channel_hang_up(struct vuser_channel *chan, int error,
			   const char *why)
{
	vuser_channel_fail(chan, error, why);
	vuser_channel_shut_down(chan);
}

/**
 * vuser_channel_timeout() - mark a channel lost after a deadline has passed
 * @chan: the channel
 * @why: the deadline that the server missed, for the kernel log
 * @hdr: header of the message that was late; unknown fields are 0
 *
 * Does nothing if the channel is lost already.
 *
 * Context: process; without the channel's lock.
 */
void vuser_channel_timeout(struct vuser_channel *chan, const char *why,
			   const struct vfio_user_header *hdr)
{
	vuser_channel_lose(chan, -ETIMEDOUT, why, hdr);
}

/**
 * vuser_channel_violation() - mark a channel lost after a protocol violation
 * @chan: the channel
 * @why: the rule that the server broke, for the trace and the kernel log
 * @hdr: header of the server's message
 *
 * Context: process; without the channel's lock.
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

	/*
	 * The connection of an open device keeps the channel until another server serves the
	 * device.  A server that goes on and serves one client at a time accepts the helper's
	 * next connection only after it has seen EOF.
	 */
	vuser_channel_shut_down(chan);
	chan->user.ops->lost(chan->user.context, chan);
	vuser_channel_put(chan);
}

/**
 * vuser_channel_close() - mark a channel lost because the device ends it
 * @chan: the channel
 *
 * Wakes all threads that wait.  Neither logs a message nor calls
 * @user.ops->lost().
 *
 * Context: process; without the channel's lock.
 */
void vuser_channel_close(struct vuser_channel *chan)
{
	vuser_channel_mark_lost(chan);
	vuser_channel_wake_all(chan);
}

/**
 * vuser_channel_wake_reader() - wake a thread or queue a work to read a sock
 * @vsk: the sock, which has data or was hung up
 * @wake_flags: flags of the wake-up that reported the data; 0 otherwise
 *
 * For the main socket, wakes the thread that has waited longest for a reply.  If
 * no thread waits, and for the twin socket, queues the work that reads.
 *
 * Context: any; may be called under the lock of the socket's wait queue.
 */
void vuser_channel_wake_reader(struct vuser_sock *vsk, int wake_flags)
{
	struct vuser_channel *chan = vsk->chan;
	struct vuser_slot *slot = NULL;
	unsigned long flags;

	if (vsk == &chan->main) {
		spin_lock_irqsave(&chan->lock, flags);
		slot = list_first_entry_or_null(&chan->waiters,
						struct vuser_slot, node);
		if (slot)
			vuser_channel_wake_slot(slot, wake_flags);
		spin_unlock_irqrestore(&chan->lock, flags);
	}
	if (!slot)
		vuser_channel_queue_reader(vsk);
}

/**
 * vuser_channel_queue_reader() - queue the work that reads a sock
 * @vsk: the sock
 *
 * Context: any.
 */
void vuser_channel_queue_reader(struct vuser_sock *vsk)
{
	if (READ_ONCE(vsk->chan->budget.over))
		vuser_bulk_queue(&vsk->turn);
	else
		queue_work(vuser_wq, &vsk->rx_work);
}

/**
 * vuser_channel_room_freed() - handle that a send buffer may have room again
 * @chan: the channel
 *
 * Queues the work that notifies the helper, if an fdmsg waits for room.
 *
 * Context: any; called under the lock of the socket's wait queue.
 */
void vuser_channel_room_freed(struct vuser_channel *chan)
{
	if (READ_ONCE(chan->notify))
		queue_work(vuser_wq, &chan->notify_work);
}

/* Memory and references ---------------------------------------------------- */

/* Number of channels.  Freeing the last channel wakes vuser_channel_wait(). */
static atomic_t vuser_nr_channels;

static void vuser_channel_free_sock(struct vuser_sock *vsk)
{
	if (!vsk->sock)
		return;
	sockfd_put(vsk->sock);
	kvfree(vsk->parked);
	if (vsk->rx_buf != vsk->rx_small)
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
 * @chan: the channel; another reference keeps it alive during the call
 *
 * Context: any.
 */
void vuser_channel_get(struct vuser_channel *chan)
{
	kref_get(&chan->ref);
}

/**
 * vuser_channel_put() - drop a reference
 * @chan: the channel
 *
 * The last reference frees the channel, the sockets and the buffers, and drops
 * the references to the description and to the device.
 *
 * Context: process; may sleep.
 */
void vuser_channel_put(struct vuser_channel *chan)
{
	kref_put(&chan->ref, vuser_channel_release);
}

static void vuser_channel_init_sock(struct vuser_channel *chan,
				    struct vuser_sock *vsk)
{
	vsk->rx_buf = vsk->rx_small;
	vsk->rx_size = sizeof(vsk->rx_small);
	vsk->chan = chan;
	mutex_init(&vsk->tx_lock);
	mutex_init(&vsk->rx_lock);
	init_waitqueue_head(&vsk->room);
}

/**
 * vuser_channel_alloc() - allocate a channel
 * @user: the device that the channel belongs to.  The struct is copied.  On
 *	success the channel takes over the caller's reference to @user->context
 * @desc: the server's description.  On success the channel takes over the
 *	caller's reference
 * @sock: the main socket.  On success the channel takes over the caller's
 *	reference to its file
 * @twin: the twin socket, or NULL; otherwise as @sock
 *
 * The caller initialises the sockets, notify_work and end_work.
 *
 * Context: process; may sleep.
 * Return: the channel with one reference, or NULL if memory ran out.
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
	INIT_LIST_HEAD(&chan->sleepers);
	INIT_LIST_HEAD(&chan->fdmsgs);
	INIT_LIST_HEAD(&chan->dma_cmds);
	init_waitqueue_head(&chan->slot_room);
	init_waitqueue_head(&chan->dma_idle);
	INIT_WORK(&chan->lost_work, vuser_channel_lost_work);
	vuser_bulk_init_budget(&chan->budget);
	chan->next_fdmsg = 1;

	vuser_channel_init_sock(chan, &chan->main);
	vuser_channel_init_sock(chan, &chan->twin);

	atomic_inc(&vuser_nr_channels);
	chan->user = *user;
	chan->desc = desc;
	chan->main.sock = sock;
	chan->twin.sock = twin;
	return chan;
}

/**
 * vuser_channel_init() - allocate the resources that all channels share
 *
 * These are the workqueues and the kernel credentials.
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int __init vuser_channel_init(void)
{
	vuser_cred = prepare_kernel_cred(&init_task);
	if (!vuser_cred)
		return -ENOMEM;
	vuser_wq = alloc_workqueue("vuser", WQ_UNBOUND, 0);
	if (!vuser_wq)
		goto err_cred;
	/* Some works of each device may wait at the same time. */
	vuser_wait_wq = alloc_workqueue("vuser_wait", WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!vuser_wait_wq)
		goto err_wq;
	if (vuser_bulk_init())
		goto err_wait_wq;
	return 0;

err_wait_wq:
	destroy_workqueue(vuser_wait_wq);
err_wq:
	destroy_workqueue(vuser_wq);
err_cred:
	put_cred(vuser_cred);
	return -ENOMEM;
}

/**
 * vuser_channel_wait() - wait until all channels are freed
 *
 * Called when the module is unloaded; no new channel can be created any more.
 * This function does not drain the workqueue: a timer or a socket may queue work
 * until vuser_sock_stop() has run, and a workqueue that is being drained drops
 * such work with a warning.
 *
 * Context: process; sleeps until the works that end the channels have run.
 */
void vuser_channel_wait(void)
{
	wait_var_event(&vuser_nr_channels, !atomic_read(&vuser_nr_channels));
}

/**
 * vuser_channel_exit() - free the resources that all channels share
 *
 * Context: process; may sleep.  No channel exists any more.
 */
void vuser_channel_exit(void)
{
	vuser_bulk_exit();
	destroy_workqueue(vuser_wait_wq);
	destroy_workqueue(vuser_wq);
	put_cred(vuser_cred);
}
