// SPDX-License-Identifier: GPL-2.0
/*
 * The vfio-user commands that the kernel sends to an attached server.
 *
 * Each function sends one command in the calling thread and waits for the reply.
 * Only a posted write does not wait.
 */
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "server/call.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/desc.h"
#include "server/fdmsg.h"
#include "server/replay.h"

/* Maximum size of one region access in bytes. */
#define VUSER_ACCESS_MAX	8

/* A region access with its data, as in the message. */
struct vuser_region_msg {
	struct vfio_user_region_access head;
	u8 data[VUSER_ACCESS_MAX];
};

/*
 * The result of an access, from the result of its call.  @sent: the server has the
 * message or may have it.
 */
static int vuser_cmd_access_result(int ret, bool sent)
{
	if (!ret || ret == -EINTR)
		return ret;
	if (ret == -ENOTCONN)
		return sent ? -ENOTCONN : -ENOLINK;
	return -EIO;
}

/**
 * vuser_cmd_region_read() - send REGION_READ and wait for the data
 * @chan: channel of an open device
 * @region: index of the region
 * @off: offset in the region, bytes
 * @buf: kernel memory for @count bytes
 * @count: 1, 2, 4 or 8 bytes
 *
 * Context: process; sleeps killably until the server answers.
 * Return: 0; -EINTR when the thread was killed; -ENOLINK when the server was lost
 * before the message was sent, so that the access can be made again with another
 * server; -ENOTCONN when the server was lost afterwards; or -EIO after any other
 * failure: the server refused, the deadline has passed, or memory ran out.
 */
int vuser_cmd_region_read(struct vuser_channel *chan, u32 region, u64 off,
			  void *buf, u32 count)
{
	struct vuser_region_msg req = { .head = { off, region, count } };
	struct vuser_region_msg rep;
	struct vuser_call call = {
		.command = VFIO_USER_REGION_READ,
		.payload[0] = { &req.head, sizeof(req.head) },
		.reply = &rep,
		.reply_min = sizeof(rep.head) + count,
		.reply_max = sizeof(rep.head) + count,
		.reply_echo = sizeof(req.head),
		.deadline = vuser_channel_deadline(chan),
		.killable = true,
	};
	int ret;

	vuser_channel_count(chan, VUSER_COUNT_REGION_READ);
	ret = vuser_call(chan, &call);
	if (!ret)
		memcpy(buf, rep.data, count);
	return vuser_cmd_access_result(ret, call.sent);
}

/* Sends REGION_WRITE and waits for the reply; returns as vuser_call(). */
static int vuser_cmd_write_wait(struct vuser_channel *chan,
				struct vuser_region_msg *req, ktime_t deadline,
				bool killable, bool *sent)
{
	struct vuser_region_msg rep;
	struct vuser_call call = {
		.command = VFIO_USER_REGION_WRITE,
		.payload[0] = { req, sizeof(req->head) + req->head.count },
		.reply = &rep,
		.reply_min = sizeof(rep.head),
		.reply_max = sizeof(rep.head),
		.reply_echo = sizeof(req->head),
		.deadline = deadline,
		.killable = killable,
	};
	int ret;

	vuser_channel_count(chan, VUSER_COUNT_REGION_WRITE);
	ret = vuser_call(chan, &call);
	*sent = call.sent;
	return ret;
}

/**
 * vuser_cmd_region_write_until() - send REGION_WRITE and wait until a deadline
 * @chan: channel of an open device
 * @region: index of the region
 * @off: offset in the region, bytes
 * @buf: kernel memory with @count bytes of data
 * @count: 1, 2, 4 or 8 bytes
 * @deadline: when to stop waiting, on ktime_get()'s clock
 * @killable: a fatal signal ends the wait
 *
 * Context: process; sleeps until the server answers.
 * Return: as vuser_call().
 */
int vuser_cmd_region_write_until(struct vuser_channel *chan, u32 region,
				 u64 off, const void *buf, u32 count,
				 ktime_t deadline, bool killable)
{
	struct vuser_region_msg req = { .head = { off, region, count } };
	bool sent;

	memcpy(req.data, buf, count);
	return vuser_cmd_write_wait(chan, &req, deadline, killable, &sent);
}

/**
 * vuser_cmd_region_write() - send REGION_WRITE
 * @chan: channel of an open device
 * @region: index of the region
 * @off: offset in the region, bytes
 * @buf: kernel memory with @count bytes of data
 * @count: 1, 2, 4 or 8 bytes
 * @posted: ask for no reply and return once the message is sent
 *
 * Context: process; sleeps killably until the server answers or, for a posted
 * write, until the send buffer has room.
 * Return: as vuser_cmd_region_read(); for a posted write as vuser_call_post(), but
 * -ENOLINK in place of -ENOTCONN.
 */
int vuser_cmd_region_write(struct vuser_channel *chan, u32 region, u64 off,
			   const void *buf, u32 count, bool posted)
{
	struct vuser_region_msg req = { .head = { off, region, count } };
	bool sent;
	int ret;

	memcpy(req.data, buf, count);
	if (!posted) {
		ret = vuser_cmd_write_wait(chan, &req,
					   vuser_channel_deadline(chan), true,
					   &sent);
		return vuser_cmd_access_result(ret, sent);
	}
	vuser_channel_count(chan, VUSER_COUNT_POSTED_WRITE);
	ret = vuser_replay_post(chan, &req, sizeof(req.head) + count,
				vuser_channel_deadline(chan));
	return ret == -ENOTCONN ? -ENOLINK : ret;
}

/**
 * vuser_cmd_dma_map() - send DMA_MAP and wait for the reply
 * @chan: channel of an open device
 * @iova: start of the dma region, bytes
 * @size: size of the dma region, bytes
 * @prot: VFIO_DMA_MAP_FLAG_READ if the device may read the memory, and
 *	VFIO_DMA_MAP_FLAG_WRITE if the device may write to it
 * @file: the file that the server may map; the caller keeps its reference.  NULL
 *	if the server must use DMA_READ and DMA_WRITE
 * @offset: offset in @file, bytes; ignored without @file
 * @deadline: when to stop waiting, on ktime_get()'s clock
 *
 * Context: process, without the send lock; sleeps killably until the server
 * answers and, with @file, until the helper has sent the message.
 * Return: 0; -EINTR when the thread was killed; -ETIMEDOUT when the deadline has
 * passed; -ENOTCONN when the server is lost; -ENOMEM; or the errno with which the
 * server or the helper refused.
 */
int vuser_cmd_dma_map(struct vuser_channel *chan, u64 iova, u64 size,
		      u32 prot, struct file *file, u64 offset,
		      ktime_t deadline)
{
	struct vfio_user_dma_map map = {
		.argsz = sizeof(map),
		.flags = (prot & VFIO_DMA_MAP_FLAG_READ ?
			  VFIO_USER_DMA_MAP_READ : 0) |
			 (prot & VFIO_DMA_MAP_FLAG_WRITE ?
			  VFIO_USER_DMA_MAP_WRITE : 0),
		.offset = file ? offset : 0,
		.address = iova,
		.size = size,
	};
	struct vuser_call call = {
		.command = VFIO_USER_DMA_MAP,
		.payload[0] = { &map, sizeof(map) },
		.deadline = deadline,
		.killable = true,
	};
	struct vuser_fdmsg_info info = {
		.nfds = 1,
		.iova = iova,
		.size = size,
	};

	vuser_channel_count(chan, VUSER_COUNT_DMA_MAP);
	if (file)
		return vuser_fdmsg_call(chan, &call, &file, &info);
	return vuser_call(chan, &call);
}

/**
 * vuser_cmd_dma_unmap() - send DMA_UNMAP and wait for the reply
 * @chan: channel of an open device
 * @iova: start of a dma region that the server has mapped, bytes
 * @size: size of this dma region, bytes
 * @deadline: when to stop waiting, on ktime_get()'s clock
 * @killable: a fatal signal ends the wait
 * @sent: set to true if the server has the message or may have it, otherwise to
 *	false
 *
 * Context: process; sleeps until the server answers.
 * Return: as vuser_cmd_dma_map().
 */
int vuser_cmd_dma_unmap(struct vuser_channel *chan, u64 iova, u64 size,
			ktime_t deadline, bool killable, bool *sent)
{
	struct vfio_user_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.address = iova,
		.size = size,
	};
	struct vfio_user_dma_unmap rep;
	struct vuser_call call = {
		.command = VFIO_USER_DMA_UNMAP,
		.payload[0] = { &unmap, sizeof(unmap) },
		/*
		 * A libvfio-user server without DMA callbacks replies with a
		 * header only.
		 */
		.reply = &rep,
		.reply_min = sizeof(rep),
		.reply_max = sizeof(rep),
		.reply_bare = true,
		.deadline = deadline,
		.killable = killable,
	};
	int ret;

	vuser_channel_count(chan, VUSER_COUNT_DMA_UNMAP);
	ret = vuser_call(chan, &call);
	*sent = call.sent;
	return ret;
}

/**
 * vuser_cmd_reset() - send DEVICE_RESET and wait for the reply
 * @chan: channel of an open device
 * @deadline: when to stop waiting, on ktime_get()'s clock
 * @killable: a fatal signal ends the wait
 *
 * Context: process; sleeps until the server answers.
 * Return: as vuser_cmd_dma_map().
 */
int vuser_cmd_reset(struct vuser_channel *chan, ktime_t deadline,
		    bool killable)
{
	struct vuser_call call = {
		.command = VFIO_USER_DEVICE_RESET,
		.deadline = deadline,
		.killable = killable,
	};

	vuser_channel_count(chan, VUSER_COUNT_RESET);
	/* When the device is closed, no other thread posts a write. */
	if (vuser_replay_clear(chan) && killable)
		return -EINTR;
	return vuser_call(chan, &call);
}

/*
 * Sends DEVICE_SET_IRQS with @nfiles eventfds and waits for the reply.  Sets @sent
 * to whether the server has the message or may have it.
 */
static int vuser_cmd_send_irqs(struct vuser_channel *chan,
			       struct vfio_user_irq_set *set,
			       struct file **files, u32 nfiles,
			       ktime_t deadline, bool killable, bool *sent)
{
	u8 rep[sizeof(*set)];
	struct vuser_call call = {
		.command = VFIO_USER_DEVICE_SET_IRQS,
		.payload[0] = { set, sizeof(*set) },
		.reply = rep,
		.reply_min = sizeof(rep),
		.reply_max = sizeof(rep),
		.reply_bare = true,
		.deadline = deadline,
		.killable = killable,
	};
	struct vuser_fdmsg_info info = {
		.nfds = nfiles,
		.index = set->index,
		.start = set->start,
		.count = set->count,
	};
	int ret;

	vuser_channel_count(chan, VUSER_COUNT_SET_IRQS);
	if (nfiles)
		ret = vuser_fdmsg_call(chan, &call, files, &info);
	else
		ret = vuser_call(chan, &call);
	*sent = call.sent;
	return ret;
}

/**
 * vuser_cmd_set_irqs() - send DEVICE_SET_IRQS and wait for the reply
 * @chan: channel of an open device
 * @index: interrupt index
 * @flags: VFIO_IRQ_SET_*
 * @start: first interrupt
 * @count: number of interrupts
 * @files: @nfiles eventfds; the caller keeps its references.  In place of a
 *	NULL entry the helper sends an eventfd that nothing reads
 * @nfiles: 0 or @count; at most the number of file descriptors that the server
 *	accepts in one message
 * @deadline: when to stop waiting, on ktime_get()'s clock
 *
 * Context: process, without the send lock; sleeps killably until the server
 * answers and, with @files, until the helper has sent the message.
 * Return: as vuser_cmd_dma_map().
 */
int vuser_cmd_set_irqs(struct vuser_channel *chan, u32 index, u32 flags,
		       u32 start, u32 count, struct file **files,
		       u32 nfiles, ktime_t deadline)
{
	struct vfio_user_irq_set set = {
		.argsz = sizeof(set),
		.flags = flags,
		.index = index,
		.start = start,
		.count = count,
	};
	bool sent;

	return vuser_cmd_send_irqs(chan, &set, files, nfiles, deadline, true,
				   &sent);
}

/**
 * vuser_cmd_disable_irqs() - send DEVICE_SET_IRQS to disable an index
 * @chan: channel of an open device
 * @index: interrupt index
 * @deadline: when to stop waiting, on ktime_get()'s clock
 * @killable: a fatal signal ends the wait
 * @sent: set to true if the server has the message or may have it, otherwise to
 *	false
 *
 * Context: process; sleeps until the server answers.
 * Return: as vuser_cmd_dma_map().
 */
int vuser_cmd_disable_irqs(struct vuser_channel *chan, u32 index,
			   ktime_t deadline, bool killable, bool *sent)
{
	struct vfio_user_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = index,
	};

	return vuser_cmd_send_irqs(chan, &set, NULL, 0, deadline, killable,
				   sent);
}

/**
 * vuser_cmd_feature_until() - send DEVICE_FEATURE and wait until a deadline
 * @chan: channel of an open device
 * @feature: the command
 * @reply_size: set on success to the bytes of @feature->data that the server sent
 *
 * Context: process; sleeps until the server answers.
 * Return: 0; -ENOTTY when the server does not know the feature, or negotiated a
 * minor version without DEVICE_FEATURE; or as vuser_cmd_dma_map().
 */
int vuser_cmd_feature_until(struct vuser_channel *chan,
			    const struct vuser_feature *feature, size_t *reply_size)
{
	struct vfio_user_device_feature head = {
		.argsz = sizeof(head) + feature->size,
		.flags = feature->flags,
	};
	struct vfio_user_device_feature *rep;
	struct vuser_call call = {
		.command = VFIO_USER_DEVICE_FEATURE,
		.payload[0] = { &head, sizeof(head) },
		.payload[1] = { feature->data, feature->sent },
		.reply_min = sizeof(head),
		.reply_max = sizeof(head) + feature->size,
		.deadline = feature->deadline,
		.killable = feature->killable,
	};
	int ret;

	if (chan->desc->minor < VFIO_USER_MINOR_EXTENDED)
		return -ENOTTY;
	rep = kvzalloc(call.reply_max, GFP_KERNEL);
	if (!rep)
		return -ENOMEM;
	call.reply = rep;
	ret = vuser_call(chan, &call);
	if (!ret) {
		*reply_size = call.reply_len - sizeof(head);
		memcpy(feature->data, rep->data, *reply_size);
	}
	kvfree(rep);
	return ret == -EOPNOTSUPP || ret == -ENOENT ? -ENOTTY : ret;
}

/**
 * vuser_cmd_feature() - send DEVICE_FEATURE and wait for the reply
 * @chan: channel of an open device
 * @flags: VFIO_DEVICE_FEATURE_* and the number of the feature
 * @data: kernel memory with the data of the feature; sent for a SET, and
 *	overwritten with the data of the reply
 * @size: size of @data in bytes, at most VUSER_MAX_XFER
 * @reply_size: set on success to the bytes of @data that the server sent
 *
 * Context: process; sleeps killably until the server answers.
 * Return: as vuser_cmd_feature_until().
 */
int vuser_cmd_feature(struct vuser_channel *chan, u32 flags, void *data,
		      size_t size, size_t *reply_size)
{
	struct vuser_feature feature = {
		.flags = flags,
		.data = data,
		.size = size,
		.sent = flags & VFIO_DEVICE_FEATURE_SET ? size : 0,
		.deadline = vuser_channel_deadline(chan),
		.killable = true,
	};

	return vuser_cmd_feature_until(chan, &feature, reply_size);
}
