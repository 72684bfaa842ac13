// SPDX-License-Identifier: GPL-2.0
/*
 * Messages with file descriptors ("fdmsgs"), which the helper sends.
 *
 * SCM_RIGHTS names files by file descriptors of the process that sends the message,
 * so these messages are sent in the helper's context.  vuser_fdmsg_call() puts the
 * fdmsg into the channel's queue and notifies the helper.  The helper calls
 * `fdmsg-send`.  This operation adds the files to the helper's file table, sends
 * the message, and removes the files again.  The reply completes the waiting call
 * as for any other command.  If the helper dies before it sends the fdmsg, the
 * fdmsg stays in the queue for the next helper.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/socket.h>

#include "server/call.h"
#include "server/channel.h"
#include "server/fdmsg.h"
#include "server/slot.h"
#include "server/sock.h"
#include "trace.h"

/**
 * struct vuser_fdmsg - a message with file descriptors
 * @ref: held by the thread that waits for the reply, and by the helper while it
 *	sends the fdmsg
 * @node: entry in the channel's queue until the fdmsg is sent; protected by the
 *	channel's lock
 * @info: description of the fdmsg
 * @slot: slot for the reply.  It belongs to this fdmsg while vuser_slot_id() equals
 *	the message id in @msg
 * @files: the files, each with a reference; in place of a NULL entry the helper's
 *	own eventfd is sent
 * @len: size of @msg in bytes
 * @msg: the message, starting with its header
 */
struct vuser_fdmsg {
	struct kref ref;
	struct list_head node;
	struct vuser_fdmsg_info info;
	struct vuser_slot *slot;
	struct file **files;
	u32 len;
	u8 msg[] __aligned(8);
};

static void vuser_fdmsg_release(struct kref *ref)
{
	struct vuser_fdmsg *fdmsg = container_of(ref, struct vuser_fdmsg,
						 ref);
	u32 i;

	for (i = 0; i < fdmsg->info.nfds; i++)
		if (fdmsg->files[i])
			fput(fdmsg->files[i]);
	kfree(fdmsg->files);
	kfree(fdmsg);
}

static void vuser_fdmsg_put(struct vuser_fdmsg *fdmsg)
{
	kref_put(&fdmsg->ref, vuser_fdmsg_release);
}

static u16 vuser_fdmsg_msg_id(struct vuser_fdmsg *fdmsg)
{
	return ((struct vfio_user_header *)fdmsg->msg)->msg_id;
}

static struct vuser_fdmsg *
vuser_fdmsg_alloc(struct vuser_call *call, struct file **files,
		  const struct vuser_fdmsg_info *info)
{
	size_t len = sizeof(struct vfio_user_header) +
		     call->payload[0].iov_len + call->payload[1].iov_len;
	struct vuser_fdmsg *fdmsg;
	u32 i;

	fdmsg = kzalloc(struct_size(fdmsg, msg, len), GFP_KERNEL);
	if (!fdmsg)
		return NULL;
	fdmsg->files = kcalloc(info->nfds, sizeof(*fdmsg->files), GFP_KERNEL);
	if (!fdmsg->files) {
		kfree(fdmsg);
		return NULL;
	}
	kref_init(&fdmsg->ref);
	fdmsg->info = *info;
	fdmsg->info.command = call->command;
	fdmsg->len = len;
	for (i = 0; i < info->nfds; i++)
		fdmsg->files[i] = files[i] ? get_file(files[i]) : NULL;
	return fdmsg;
}

/* Removes an fdmsg from the queue, if the queue still has it. */
static void vuser_fdmsg_unqueue(struct vuser_channel *chan,
				struct vuser_fdmsg *fdmsg)
{
	spin_lock_irq(&chan->lock);
	list_del_init(&fdmsg->node);
	spin_unlock_irq(&chan->lock);
}

/*
 * Waits until the helper has sent an fdmsg that it took from the queue.
 *
 * The thread that waited for the reply was killed, but the helper may be about to
 * send the fdmsg.  No later message may overtake the fdmsg: otherwise the server
 * could get the DMA_UNMAP of a dma region before its DMA_MAP.  `fdmsg-send` holds
 * the send lock from taking the fdmsg to sending it, and does not block, so this
 * wait is short.
 */
static void vuser_fdmsg_wait_sent(struct vuser_channel *chan)
{
	mutex_lock(chan->user.send_lock);
	mutex_unlock(chan->user.send_lock);
}

static void vuser_fdmsg_notify(struct vuser_channel *chan, u64 id)
{
	chan->user.ops->notify(chan->user.context, id);
}

/**
 * vuser_fdmsg_call() - send a command through the helper and wait for its reply
 * @chan: the channel
 * @call: the command; @reply_len and @sent are set on return
 * @files: @info->nfds files, at most VUSER_MAX_FDS.  The function takes its own
 *	references.  In place of a NULL entry the helper sends an eventfd that
 *	nothing reads
 * @info: description of the fdmsg; id and command are ignored
 *
 * If the helper has not sent the fdmsg by the deadline, the call fails and the
 * channel stays usable.  On return the message is sent or will never be sent.
 *
 * Context: process, without the send lock; sleeps until the helper has sent the
 * message and the server has answered.
 * Return: as vuser_call(), or the errno of vuser_fdmsg_refuse().
 */
int vuser_fdmsg_call(struct vuser_channel *chan, struct vuser_call *call,
		     struct file **files,
		     const struct vuser_fdmsg_info *info)
{
	struct vfio_user_header hdr;
	struct vuser_fdmsg *fdmsg;
	u64 id;
	u8 *pos;
	int ret;

	fdmsg = vuser_fdmsg_alloc(call, files, info);
	if (!fdmsg)
		return -ENOMEM;
	ret = vuser_slot_get(chan, call, &hdr, &fdmsg->slot);
	if (ret)
		goto out_put;

	pos = fdmsg->msg;
	memcpy(pos, &hdr, sizeof(hdr));
	pos += sizeof(hdr);
	memcpy(pos, call->payload[0].iov_base, call->payload[0].iov_len);
	pos += call->payload[0].iov_len;
	if (call->payload[1].iov_len)
		memcpy(pos, call->payload[1].iov_base,
		       call->payload[1].iov_len);

	spin_lock_irq(&chan->lock);
	id = chan->next_fdmsg++;
	fdmsg->info.id = id;
	fdmsg->slot->sent = false;
	list_add_tail(&fdmsg->node, &chan->fdmsgs);
	spin_unlock_irq(&chan->lock);

	/* If the device has no owner now, dev-claim notifies the next owner. */
	vuser_fdmsg_notify(chan, id);
	ret = vuser_call_wait(chan, fdmsg->slot, call);
	vuser_fdmsg_unqueue(chan, fdmsg);
	if (ret == -EINTR)
		vuser_fdmsg_wait_sent(chan);
out_put:
	vuser_fdmsg_put(fdmsg);
	return ret;
}

/* Sending by the helper ---------------------------------------------------- */

/*
 * Puts an fdmsg that could not be sent back into the queue, unless its caller has
 * stopped waiting.  With @notify, the helper is notified when the send buffer has
 * room.
 */
static void vuser_fdmsg_requeue(struct vuser_channel *chan,
				struct vuser_fdmsg *fdmsg, bool notify)
{
	spin_lock_irq(&chan->lock);
	if (vuser_slot_mark_unsent(chan, vuser_fdmsg_msg_id(fdmsg))) {
		list_add(&fdmsg->node, &chan->fdmsgs);
		if (notify)
			WRITE_ONCE(chan->notify, true);
	}
	spin_unlock_irq(&chan->lock);
	wake_up(&chan->slot_room);

	/* The send buffer may have got room before chan->notify was set. */
	if (notify && vuser_sock_has_room(&chan->main))
		queue_work(vuser_wq, &chan->notify_work);
}

/* Finds the fdmsg with an id in the queue; the channel's lock is held. */
static struct vuser_fdmsg *vuser_fdmsg_find(struct vuser_channel *chan, u64 id)
{
	struct vuser_fdmsg *fdmsg;

	lockdep_assert_held(&chan->lock);
	list_for_each_entry(fdmsg, &chan->fdmsgs, node)
		if (fdmsg->info.id == id)
			return fdmsg;
	return NULL;
}

/*
 * Takes an fdmsg out of the queue to send it.  Returns the fdmsg with a reference,
 * or NULL if no such fdmsg is in the queue or its caller has stopped waiting.
 */
static struct vuser_fdmsg *vuser_fdmsg_take(struct vuser_channel *chan, u64 id)
{
	struct vuser_fdmsg *fdmsg;

	spin_lock_irq(&chan->lock);
	fdmsg = vuser_fdmsg_find(chan, id);
	if (fdmsg && !vuser_slot_mark_sent(chan, vuser_fdmsg_msg_id(fdmsg)))
		fdmsg = NULL;
	if (fdmsg) {
		kref_get(&fdmsg->ref);
		list_del_init(&fdmsg->node);
	}
	spin_unlock_irq(&chan->lock);
	return fdmsg;
}

/*
 * Adds the files to the current task's file table and fills in @fds.  @fds must
 * be set to -1 before.  The caller calls vuser_fdmsg_uninstall() after an error,
 * too.
 */
static int vuser_fdmsg_install(struct vuser_fdmsg *fdmsg, int *fds,
			       int null_fd)
{
	u32 i;
	int fd;

	for (i = 0; i < fdmsg->info.nfds; i++) {
		if (!fdmsg->files[i]) {
			fds[i] = null_fd;
			continue;
		}
		fd = get_unused_fd_flags(O_CLOEXEC);
		if (fd < 0)
			return fd;
		fds[i] = fd;
		fd_install(fd, get_file(fdmsg->files[i]));
	}
	return 0;
}

/* Removes the files from the current task's file table. */
static void vuser_fdmsg_uninstall(struct vuser_fdmsg *fdmsg, int *fds)
{
	u32 i;

	for (i = 0; i < fdmsg->info.nfds; i++)
		if (fdmsg->files[i] && fds[i] >= 0)
			close_fd(fds[i]);
}

static int vuser_fdmsg_send_now(struct vuser_channel *chan,
				struct vuser_fdmsg *fdmsg, int null_fd)
{
	size_t len = CMSG_SPACE(fdmsg->info.nfds * sizeof(int));
	struct msghdr msg = {};
	struct cmsghdr *cmsg;
	struct kvec vec = { fdmsg->msg, fdmsg->len };
	int ret, *fds;

	cmsg = kzalloc(len, GFP_KERNEL);
	if (!cmsg)
		return -ENOMEM;
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(fdmsg->info.nfds * sizeof(int));
	fds = (int *)CMSG_DATA(cmsg);
	memset(fds, -1, fdmsg->info.nfds * sizeof(int));
	msg.msg_control = cmsg;
	msg.msg_controllen = len;

	ret = vuser_fdmsg_install(fdmsg, fds, null_fd);
	if (!ret) {
		trace_vuser_send(chan->user.id,
				 (struct vfio_user_header *)fdmsg->msg);
		ret = vuser_sock_send_now(&chan->main, &msg, &vec);
	}
	vuser_fdmsg_uninstall(fdmsg, fds);
	kfree(cmsg);
	return ret;
}

/**
 * vuser_fdmsg_send() - send an fdmsg in the helper's context
 * @chan: the device's channel, or NULL if the device has no server
 * @fdmsg_id: id of the fdmsg
 * @null_fd: file descriptor of the helper's eventfd that nothing reads; sent for
 *	each interrupt for which the consumer gave no eventfd
 *
 * After -EAGAIN, -EBADF, -EMFILE, -ENFILE and -ENOMEM the fdmsg is in the queue
 * again.
 *
 * Context: process, the helper's; the send lock is held.  May sleep for memory,
 * but never waits for the server.
 * Return: 0; -ENOENT when no such fdmsg is in the queue; -EAGAIN when the send
 * buffer has no room or another thread is sending: the helper is notified when
 * the send buffer has room; -ENOTCONN when the server is lost or @chan is NULL;
 * -EBADF when @null_fd is not open; or -EMFILE, -ENFILE or -ENOMEM.
 */
int vuser_fdmsg_send(struct vuser_channel *chan, u64 fdmsg_id, int null_fd)
{
	struct vuser_fdmsg *fdmsg;
	int ret;

	if (!chan)
		return -ENOTCONN;
	lockdep_assert_held(chan->user.send_lock);
	fdmsg = vuser_fdmsg_take(chan, fdmsg_id);
	if (!fdmsg)
		return -ENOENT;
	ret = vuser_fdmsg_send_now(chan, fdmsg, null_fd);
	if (ret)
		vuser_fdmsg_requeue(chan, fdmsg, ret == -EAGAIN);
	vuser_fdmsg_put(fdmsg);
	return ret;
}

/**
 * vuser_fdmsg_refuse() - fail an fdmsg without sending it
 * @chan: the device's channel, or NULL if the device has no server
 * @fdmsg_id: id of the fdmsg
 * @err: a positive errno; the waiting call returns it.  In place of an errno that has
 *	a meaning inside of the kernel, the call returns -EIO
 *
 * Context: process; the send lock is held.
 * Return: 0; -ENOENT when no such fdmsg is in the queue; -EINVAL when @err is not
 * a positive errno; or -ENOTCONN when @chan is NULL.
 */
int vuser_fdmsg_refuse(struct vuser_channel *chan, u64 fdmsg_id, int err)
{
	struct vuser_fdmsg *fdmsg;

	if (err <= 0 || err > MAX_ERRNO)
		return -EINVAL;
	if (!chan)
		return -ENOTCONN;
	lockdep_assert_held(chan->user.send_lock);
	spin_lock_irq(&chan->lock);
	fdmsg = vuser_fdmsg_find(chan, fdmsg_id);
	if (fdmsg) {
		list_del_init(&fdmsg->node);
		vuser_slot_complete(chan, vuser_fdmsg_msg_id(fdmsg), err);
	}
	spin_unlock_irq(&chan->lock);
	return fdmsg ? 0 : -ENOENT;
}

/**
 * vuser_fdmsg_next() - iterate over the fdmsgs in the queue by their ids
 * @chan: the channel
 * @cursor: lowest id to look for, 0 to start; set on success to the value for the
 *	next call
 * @info: set on success to the description of the fdmsg
 *
 * Context: process.
 * Return: 0, or -ENOENT if no fdmsg has this id or a higher one.
 */
int vuser_fdmsg_next(struct vuser_channel *chan, u64 *cursor,
		     struct vuser_fdmsg_info *info)
{
	struct vuser_fdmsg *fdmsg, *next = NULL;

	spin_lock_irq(&chan->lock);
	list_for_each_entry(fdmsg, &chan->fdmsgs, node)
		if (fdmsg->info.id >= *cursor &&
		    (!next || fdmsg->info.id < next->info.id))
			next = fdmsg;
	if (next)
		*info = next->info;
	spin_unlock_irq(&chan->lock);
	if (!next)
		return -ENOENT;
	*cursor = info->id + 1;
	return 0;
}

/**
 * vuser_fdmsg_notify_all() - notify the helper of each fdmsg in the queue
 * @chan: the channel
 *
 * Context: process, without the send lock; may sleep.
 */
void vuser_fdmsg_notify_all(struct vuser_channel *chan)
{
	struct vuser_fdmsg_info info;
	u64 cursor = 0;

	while (!vuser_fdmsg_next(chan, &cursor, &info))
		vuser_fdmsg_notify(chan, info.id);
}

/**
 * vuser_fdmsg_notify_work() - notify the helper after the send buffer got room
 * @work: the channel's notify_work
 *
 * Context: work item.
 */
void vuser_fdmsg_notify_work(struct work_struct *work)
{
	struct vuser_channel *chan = container_of(work, struct vuser_channel,
						  notify_work);

	WRITE_ONCE(chan->notify, false);
	vuser_fdmsg_notify_all(chan);
}
