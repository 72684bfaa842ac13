// SPDX-License-Identifier: GPL-2.0
/*
 * Messages with file descriptors, which the helper sends ("fdmsgs").
 *
 * SCM_RIGHTS names its files by numbers in the sender's own table, so the helper
 * has to send such a message.  The message waits in the channel, the helper is
 * notified, and its `fdmsg-send` puts the files into its table for the time of
 * one sendmsg().  The reply completes the waiting ioctl like any other.  When a
 * helper dies in between, the message stays for the next helper.
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
 * struct vuser_fdmsg - a message that waits for the helper
 * @ref: held by the caller who waits, and by a helper that sends it
 * @node: in the channel's queue while it was not sent; under its lock
 * @info: for the helper's log
 * @slot: where the reply goes; valid while the slot's id is that of @msg
 * @files: references of ours; a NULL is replaced by the helper's own eventfd
 * @len: bytes of @msg
 * @msg: the message, header first
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

/* Takes an fdmsg out of the queue, if the helper has not sent it. */
static void vuser_fdmsg_unqueue(struct vuser_channel *chan,
				struct vuser_fdmsg *fdmsg)
{
	spin_lock_irq(&chan->lock);
	list_del_init(&fdmsg->node);
	spin_unlock_irq(&chan->lock);
}

/*
 * A helper that took an fdmsg before its caller was killed may be about to send
 * it.  What the caller or its close sends next must not overtake it: the server
 * would unmap a region, and only then map it.  The helper's `fdmsg-send` holds
 * the send lock from the taking to the sending, and waits for nobody.
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
 * vuser_fdmsg_call() - have a message with files sent, wait for its reply
 * @chan: the channel
 * @call: the command
 * @files: @info->nfds files, VUSER_MAX_FDS at most; NULL entries become an
 *	eventfd that belongs to nobody; references are taken
 * @info: for the helper's log; id and command are filled in
 *
 * A helper that does not answer until the deadline costs the call, not the
 * channel.  On return the message was sent, or never will be.
 *
 * Context: process, without the send lock; sleeps for the helper and the
 * server.
 * Return: as vuser_call(), and what the helper refused with.
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

	/* If the device has no owner, the next owner is notified. */
	vuser_fdmsg_notify(chan, id);
	ret = vuser_call_wait(chan, fdmsg->slot, call);
	vuser_fdmsg_unqueue(chan, fdmsg);
	if (ret == -EINTR)
		vuser_fdmsg_wait_sent(chan);
out_put:
	vuser_fdmsg_put(fdmsg);
	return ret;
}

/* For the helper ---------------------------------------------------------- */

/* Puts an fdmsg that was taken, but could not be sent, back into the queue. */
static void vuser_fdmsg_requeue(struct vuser_channel *chan,
				struct vuser_fdmsg *fdmsg, bool notify)
{
	spin_lock_irq(&chan->lock);
	if (vuser_slot_unsent(chan, vuser_fdmsg_msg_id(fdmsg))) {
		list_add(&fdmsg->node, &chan->fdmsgs);
		if (notify)
			WRITE_ONCE(chan->notify, true);
	}
	spin_unlock_irq(&chan->lock);
	wake_up(&chan->slot_room);

	/* The room may have come before the mark. */
	if (notify && vuser_sock_has_room(&chan->main))
		queue_work(vuser_wq, &chan->notify_work);
}

/* The waiting fdmsg with an id; under the channel's lock. */
static struct vuser_fdmsg *vuser_fdmsg_find(struct vuser_channel *chan, u64 id)
{
	struct vuser_fdmsg *fdmsg;

	lockdep_assert_held(&chan->lock);
	list_for_each_entry(fdmsg, &chan->fdmsgs, node)
		if (fdmsg->info.id == id)
			return fdmsg;
	return NULL;
}

/* Takes an fdmsg out of the queue to send it, with a reference. */
static struct vuser_fdmsg *vuser_fdmsg_take(struct vuser_channel *chan, u64 id)
{
	struct vuser_fdmsg *fdmsg;

	spin_lock_irq(&chan->lock);
	fdmsg = vuser_fdmsg_find(chan, id);
	if (fdmsg && !vuser_slot_sending(chan, vuser_fdmsg_msg_id(fdmsg)))
		fdmsg = NULL;
	if (fdmsg) {
		kref_get(&fdmsg->ref);
		list_del_init(&fdmsg->node);
	}
	spin_unlock_irq(&chan->lock);
	return fdmsg;
}

/* Installs the files in the current task's table of file descriptors. */
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
 * vuser_fdmsg_send() - send a waiting fdmsg in this context
 * @chan: the device's channel, its send lock held; or NULL
 * @fdmsg_id: which
 * @null_fd: an eventfd of the caller's, for interrupts without an eventfd
 *
 * Context: the helper's; never waits for the server.
 * Return: 0; -ENOENT: no such fdmsg waits; -EAGAIN: no room, the helper is
 * notified when there is; -ENOTCONN; -EBADF, -EMFILE, -ENFILE or -ENOMEM: the
 * fdmsg could not be sent and still waits.
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
 * vuser_fdmsg_refuse() - end the wait for an fdmsg without sending it
 * @chan: the device's channel, its send lock held; or NULL
 * @fdmsg_id: which
 * @err: what the consumer's ioctl returns, a positive errno
 *
 * Return: 0, -ENOENT when no such fdmsg waits, -EINVAL when @err is no errno, or
 * -ENOTCONN.
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
		vuser_slot_complete(chan, vuser_fdmsg_msg_id(fdmsg), -err);
	}
	spin_unlock_irq(&chan->lock);
	return fdmsg ? 0 : -ENOENT;
}

/**
 * vuser_fdmsg_next() - go through the fdmsgs that wait
 * @chan: the channel
 * @cursor: least id to find; the next one to go on with on return
 * @info: filled in
 *
 * Return: 0, or -ENOENT at the end.
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
 * vuser_fdmsg_notify_all() - notify the helper of every fdmsg that waits
 * @chan: the channel
 *
 * Context: process, without the send lock.
 */
void vuser_fdmsg_notify_all(struct vuser_channel *chan)
{
	struct vuser_fdmsg_info info;
	u64 cursor = 0;

	while (!vuser_fdmsg_next(chan, &cursor, &info))
		vuser_fdmsg_notify(chan, info.id);
}

/**
 * vuser_fdmsg_notify_work() - there is room again: notify the helper
 * @work: the channel's notify_work
 */
void vuser_fdmsg_notify_work(struct work_struct *work)
{
	struct vuser_channel *chan = container_of(work, struct vuser_channel,
						  notify_work);

	WRITE_ONCE(chan->notify, false);
	vuser_fdmsg_notify_all(chan);
}
