// SPDX-License-Identifier: GPL-2.0
/*
 * Messages that carry file descriptors.
 *
 * SCM_RIGHTS names its files by numbers in the sender's own table, so such a
 * message is sent in the helper's context: it waits in the channel, the
 * helper's bell is rung, and the helper's `send` puts the files into its table
 * for the time of one sendmsg().  The reply completes the waiting ioctl like
 * any other; a helper that dies in between is not missed.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/socket.h>

#include "main.h"
#include "netlink/netlink.h"
#include "server/channel.h"
#include "server/fdmsg.h"
#include "trace.h"
#include "vfio/device.h"
#include "vuser.h"

/**
 * struct vuser_request - a message that waits for the helper
 * @ref: held by the caller who waits, and by a helper that sends it
 * @node: in the channel's queue while it was not sent; under its lock
 * @info: for the helper's log
 * @slot: where the reply goes; valid while the slot's id is that of @msg
 * @files: references of ours; a NULL is replaced by the helper's own eventfd
 * @len: bytes of @msg
 * @msg: the message, header first
 */
struct vuser_request {
	struct kref ref;
	struct list_head node;
	struct vuser_request_info info;
	struct vuser_slot *slot;
	struct file **files;
	u32 len;
	u8 msg[] __aligned(8);
};

static void vuser_request_release(struct kref *ref)
{
	struct vuser_request *req = container_of(ref, struct vuser_request,
						 ref);
	u32 i;

	for (i = 0; i < req->info.nfds; i++)
		if (req->files[i])
			fput(req->files[i]);
	kfree(req->files);
	kfree(req);
}

static void vuser_request_put(struct vuser_request *req)
{
	kref_put(&req->ref, vuser_request_release);
}

static u16 vuser_request_msg_id(struct vuser_request *req)
{
	return ((struct vfio_user_header *)req->msg)->msg_id;
}

static struct vuser_request *
vuser_request_alloc(struct vuser_call *call, struct file **files,
		    const struct vuser_request_info *info)
{
	size_t len = sizeof(struct vfio_user_header) +
		     call->payload[0].iov_len + call->payload[1].iov_len;
	struct vuser_request *req;
	u32 i;

	req = kzalloc(struct_size(req, msg, len), GFP_KERNEL);
	if (!req)
		return NULL;
	req->files = kcalloc(info->nfds, sizeof(*req->files), GFP_KERNEL);
	if (!req->files) {
		kfree(req);
		return NULL;
	}
	kref_init(&req->ref);
	req->info = *info;
	req->info.command = call->command;
	req->len = len;
	for (i = 0; i < info->nfds; i++)
		req->files[i] = files[i] ? get_file(files[i]) : NULL;
	return req;
}

/* Takes a request that nobody sent out of the queue, with its slot. */
static void vuser_request_forget(struct vuser_channel *chan,
				 struct vuser_request *req)
{
	spin_lock_irq(&chan->lock);
	list_del_init(&req->node);
	spin_unlock_irq(&chan->lock);
}

/*
 * A helper that took a request before its caller was killed may be about to
 * send it.  What the caller or its close sends next shall not overtake that: a
 * region would be unmapped, and only then mapped.  The helper's `send` holds
 * the device's lock from the taking to the sending, and waits for nobody.
 */
static void vuser_request_settle(struct vuser_device *dev)
{
	mutex_lock(&dev->lock);
	mutex_unlock(&dev->lock);
}

/**
 * vuser_request_call() - have a message with files sent, wait for its reply
 * @chan: the channel
 * @call: the command
 * @files: @info->nfds files, VUSER_MAX_FDS at most; NULL entries become an
 *	eventfd that belongs to nobody; references are taken
 * @info: for the helper's log; id and command are filled in
 *
 * A helper that does not answer until the deadline costs the call, not the
 * channel.  On return the message was sent, or never will be.
 *
 * Context: process, without the device's lock; sleeps for the helper and the
 * server.
 * Return: as vuser_channel_call(), and what the helper refused with.
 */
int vuser_request_call(struct vuser_channel *chan, struct vuser_call *call,
		       struct file **files,
		       const struct vuser_request_info *info)
{
	struct vfio_user_header hdr;
	struct vuser_request *req;
	u64 id;
	u8 *pos;
	int ret;

	req = vuser_request_alloc(call, files, info);
	if (!req)
		return -ENOMEM;
	ret = vuser_slot_get(chan, call, &hdr, &req->slot);
	if (ret)
		goto out_put;

	pos = req->msg;
	memcpy(pos, &hdr, sizeof(hdr));
	pos += sizeof(hdr);
	memcpy(pos, call->payload[0].iov_base, call->payload[0].iov_len);
	pos += call->payload[0].iov_len;
	if (call->payload[1].iov_len)
		memcpy(pos, call->payload[1].iov_base,
		       call->payload[1].iov_len);

	spin_lock_irq(&chan->lock);
	id = chan->next_request++;
	req->info.id = id;
	req->slot->sent = false;
	list_add_tail(&req->node, &chan->requests);
	spin_unlock_irq(&chan->lock);

	/* Without an owner the next one that comes is rung. */
	vuser_netlink_ring(chan->dev, id);
	ret = vuser_slot_wait(chan, req->slot, call);
	vuser_request_forget(chan, req);
	if (ret == -EINTR)
		vuser_request_settle(chan->dev);
out_put:
	vuser_request_put(req);
	return ret;
}

/* For the helper ---------------------------------------------------------- */

/* A request was taken to be sent, but was not: back into the queue with it. */
static void vuser_request_requeue(struct vuser_channel *chan,
				  struct vuser_request *req, bool ring)
{
	spin_lock_irq(&chan->lock);
	if (vuser_slot_unsent(chan, vuser_request_msg_id(req))) {
		list_add(&req->node, &chan->requests);
		if (ring)
			WRITE_ONCE(chan->ring, true);
	}
	spin_unlock_irq(&chan->lock);
	wake_up(&chan->slot_room);

	/* The room may have come before the mark. */
	if (ring && vuser_link_has_room(&chan->main))
		queue_work(vuser_wq, &chan->ring_work);
}

/* The request with an id that waits; under the channel's lock. */
static struct vuser_request *vuser_request_find(struct vuser_channel *chan,
						u64 id)
{
	struct vuser_request *req;

	lockdep_assert_held(&chan->lock);
	list_for_each_entry(req, &chan->requests, node)
		if (req->info.id == id)
			return req;
	return NULL;
}

/* Takes a request out of the queue to send it, with a reference. */
static struct vuser_request *vuser_request_take(struct vuser_channel *chan,
						u64 id)
{
	struct vuser_request *req;

	spin_lock_irq(&chan->lock);
	req = vuser_request_find(chan, id);
	if (req && !vuser_slot_sending(chan, vuser_request_msg_id(req)))
		req = NULL;
	if (req) {
		kref_get(&req->ref);
		list_del_init(&req->node);
	}
	spin_unlock_irq(&chan->lock);
	return req;
}

/* Numbers for the request's files in the table of the current task. */
static int vuser_request_install(struct vuser_request *req, int *fds,
				 int null_fd)
{
	u32 i;
	int fd;

	for (i = 0; i < req->info.nfds; i++) {
		if (!req->files[i]) {
			fds[i] = null_fd;
			continue;
		}
		fd = get_unused_fd_flags(O_CLOEXEC);
		if (fd < 0)
			return fd;
		fds[i] = fd;
		fd_install(fd, get_file(req->files[i]));
	}
	return 0;
}

static void vuser_request_uninstall(struct vuser_request *req, int *fds)
{
	u32 i;

	for (i = 0; i < req->info.nfds; i++)
		if (req->files[i] && fds[i] >= 0)
			close_fd(fds[i]);
}

static int vuser_request_send(struct vuser_channel *chan,
			      struct vuser_request *req, int null_fd)
{
	size_t len = CMSG_SPACE(req->info.nfds * sizeof(int));
	struct msghdr msg = {};
	struct cmsghdr *cmsg;
	struct kvec vec = { req->msg, req->len };
	int ret, *fds;

	cmsg = kzalloc(len, GFP_KERNEL);
	if (!cmsg)
		return -ENOMEM;
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(req->info.nfds * sizeof(int));
	fds = (int *)CMSG_DATA(cmsg);
	memset(fds, -1, req->info.nfds * sizeof(int));
	msg.msg_control = cmsg;
	msg.msg_controllen = len;

	ret = vuser_request_install(req, fds, null_fd);
	if (!ret) {
		trace_vuser_send(chan->dev,
				 (struct vfio_user_header *)req->msg);
		ret = vuser_link_send_now(&chan->main, &msg, &vec);
	}
	vuser_request_uninstall(req, fds);
	kfree(cmsg);
	return ret;
}

/**
 * vuser_channel_send_request() - send a pending request in this context
 * @dev: the device; its lock is held
 * @request_id: which
 * @null_fd: an eventfd of the caller's, for interrupts that go nowhere
 *
 * Context: the helper's; never waits for the server.
 * Return: 0; -ENOENT: no such request waits; -EAGAIN: no room, the helper is
 * rung when there is; -ENOTCONN; -EBADF, -EMFILE, -ENFILE or -ENOMEM: it could
 * not be sent and still waits.
 */
int vuser_channel_send_request(struct vuser_device *dev, u64 request_id,
			       int null_fd)
{
	struct vuser_channel *chan = dev->chan;
	struct vuser_request *req;
	int ret;

	lockdep_assert_held(&dev->lock);
	if (!chan)
		return -ENOTCONN;
	req = vuser_request_take(chan, request_id);
	if (!req)
		return -ENOENT;
	ret = vuser_request_send(chan, req, null_fd);
	if (ret)
		vuser_request_requeue(chan, req, ret == -EAGAIN);
	vuser_request_put(req);
	return ret;
}

/**
 * vuser_channel_refuse_request() - end a pending request without sending it
 * @dev: the device; its lock is held
 * @request_id: which
 * @err: what the consumer's ioctl returns, a positive errno
 *
 * Return: 0, -ENOENT when no such request waits, -EINVAL for no errno, or
 * -ENOTCONN.
 */
int vuser_channel_refuse_request(struct vuser_device *dev, u64 request_id,
				 int err)
{
	struct vuser_channel *chan = dev->chan;
	struct vuser_request *req;

	lockdep_assert_held(&dev->lock);
	if (err <= 0 || err > MAX_ERRNO)
		return -EINVAL;
	if (!chan)
		return -ENOTCONN;
	spin_lock_irq(&chan->lock);
	req = vuser_request_find(chan, request_id);
	if (req) {
		list_del_init(&req->node);
		vuser_slot_complete(chan, vuser_request_msg_id(req), -err);
	}
	spin_unlock_irq(&chan->lock);
	return req ? 0 : -ENOENT;
}

static struct vuser_channel *vuser_device_channel_get(struct vuser_device *dev)
{
	struct vuser_channel *chan;

	mutex_lock(&dev->lock);
	chan = dev->chan;
	if (chan)
		vuser_channel_get(chan);
	mutex_unlock(&dev->lock);
	return chan;
}

/* The first request that waits with an id of at least *@cursor. */
static int vuser_request_next(struct vuser_channel *chan, u64 *cursor,
			      struct vuser_request_info *info)
{
	struct vuser_request *req, *next = NULL;

	spin_lock_irq(&chan->lock);
	list_for_each_entry(req, &chan->requests, node)
		if (req->info.id >= *cursor &&
		    (!next || req->info.id < next->info.id))
			next = req;
	if (next)
		*info = next->info;
	spin_unlock_irq(&chan->lock);
	if (!next)
		return -ENOENT;
	*cursor = info->id + 1;
	return 0;
}

/**
 * vuser_channel_next_request() - go through the requests that wait
 * @dev: the device; its lock is not held
 * @cursor: least id to find; the next one to go on with on return
 * @info: filled in
 *
 * Return: 0, or -ENOENT at the end.
 */
int vuser_channel_next_request(struct vuser_device *dev, u64 *cursor,
			       struct vuser_request_info *info)
{
	struct vuser_channel *chan = vuser_device_channel_get(dev);
	int ret;

	if (!chan)
		return -ENOENT;
	ret = vuser_request_next(chan, cursor, info);
	vuser_channel_put(chan);
	return ret;
}

static void vuser_request_ring(struct vuser_channel *chan)
{
	struct vuser_request_info info;
	u64 cursor = 0;

	while (!vuser_request_next(chan, &cursor, &info))
		vuser_netlink_ring(chan->dev, info.id);
}

/**
 * vuser_channel_ring_all() - ring for every request that waits
 * @dev: the device; its lock is not held
 */
void vuser_channel_ring_all(struct vuser_device *dev)
{
	struct vuser_channel *chan = vuser_device_channel_get(dev);

	if (!chan)
		return;
	vuser_request_ring(chan);
	vuser_channel_put(chan);
}

/**
 * vuser_request_ring_work() - there is room again: ring
 * @work: the channel's ring_work
 */
void vuser_request_ring_work(struct work_struct *work)
{
	struct vuser_channel *chan = container_of(work, struct vuser_channel,
						  ring_work);

	WRITE_ONCE(chan->ring, false);
	vuser_request_ring(chan);
}
