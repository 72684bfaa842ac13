// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of vfio-user that the kernel sends to an attached server.
 * Each waits for the reply (a posted write does not), in the calling thread.
 */
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "server/call.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/desc.h"
#include "server/fdmsg.h"

/* Most bytes that one access carries: they go to the server one by one. */
#define VUSER_ACCESS_MAX	8

/* A region access with its data, as it is on the wire. */
struct vuser_region_msg {
	struct vfio_user_region_access head;
	u8 data[VUSER_ACCESS_MAX];
};

/**
 * vuser_cmd_region_read() - REGION_READ
 * @chan: of an open device
 * @region: index
 * @off: offset in bytes
 * @buf: @count bytes of kernel memory
 * @count: 1, 2, 4 or 8
 *
 * Return: 0, -EIO when the server refused, -EINTR when killed, -ETIMEDOUT, or
 * -ENOTCONN when the server is lost.
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
	return ret && ret != -EINTR && ret != -ENOTCONN ? -EIO : ret;
}

static int vuser_cmd_write_wait(struct vuser_channel *chan,
				struct vuser_region_msg *req, ktime_t deadline,
				bool killable)
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
	return ret && ret != -EINTR && ret != -ENOTCONN ? -EIO : ret;
}

/**
 * vuser_cmd_region_write_until() - REGION_WRITE with a deadline
 * @chan: of an open device
 * @region: index
 * @off: offset in bytes
 * @buf: @count bytes of kernel memory
 * @count: 1, 2, 4 or 8
 * @deadline: when to give up
 * @killable: a fatal signal ends the wait
 *
 * Return: as vuser_cmd_region_read().
 */
int vuser_cmd_region_write_until(struct vuser_channel *chan, u32 region,
				 u64 off, const void *buf, u32 count,
				 ktime_t deadline, bool killable)
{
	struct vuser_region_msg req = { .head = { off, region, count } };

	memcpy(req.data, buf, count);
	return vuser_cmd_write_wait(chan, &req, deadline, killable);
}

/**
 * vuser_cmd_region_write() - REGION_WRITE
 * @chan: of an open device
 * @region: index
 * @off: offset in bytes
 * @buf: @count bytes of kernel memory
 * @count: 1, 2, 4 or 8
 * @posted: return when it was sent
 *
 * Return: as vuser_cmd_region_read().
 */
int vuser_cmd_region_write(struct vuser_channel *chan, u32 region, u64 off,
			   const void *buf, u32 count, bool posted)
{
	struct vuser_region_msg req = { .head = { off, region, count } };
	struct kvec vec = { &req, sizeof(req.head) + count };

	memcpy(req.data, buf, count);
	if (!posted)
		return vuser_cmd_write_wait(chan, &req,
					    vuser_channel_deadline(chan),
					    true);
	vuser_channel_count(chan, VUSER_COUNT_POSTED_WRITE);
	return vuser_call_post(chan, VFIO_USER_REGION_WRITE, &vec, 1,
			       vuser_channel_deadline(chan));
}

/**
 * vuser_cmd_dma_map() - DMA_MAP
 * @chan: of an open device
 * @iova: bytes
 * @size: bytes
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE, seen from the device
 * @file: what the server may map, or NULL: DMA_READ and DMA_WRITE only
 * @offset: where in @file, bytes
 * @deadline: when to give up
 *
 * Return: 0, -EINTR when killed, -ETIMEDOUT, -ENOTCONN when the server is
 * lost, or the server's errno.
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
 * vuser_cmd_dma_unmap() - DMA_UNMAP
 * @chan: of an open device
 * @iova: of a region that was mapped, bytes
 * @size: its size, bytes
 * @deadline: when to give up
 * @killable: a fatal signal ends the wait
 * @sent: set to whether the server has the message, or may have it
 *
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
		/* libvfio-user without DMA callbacks sends a bare header. */
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
 * vuser_cmd_reset() - DEVICE_RESET
 * @chan: of an open device
 * @deadline: when to give up
 * @killable: a fatal signal ends the wait
 *
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
	return vuser_call(chan, &call);
}

/* SET_IRQS with @nfiles eventfds; @sent: whether the server may have it. */
static int vuser_cmd_send_irqs(struct vuser_channel *chan,
			       struct vfio_user_irq_set *set, struct file **files,
			       u32 nfiles, ktime_t deadline, bool killable,
			       bool *sent)
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
 * vuser_cmd_set_irqs() - DEVICE_SET_IRQS
 * @chan: of an open device
 * @index: interrupt index
 * @flags: VFIO_IRQ_SET_*
 * @start: first interrupt
 * @count: interrupts
 * @files: eventfds, NULL for one of nobody's; @nfiles of them
 * @nfiles: 0 or @count, at most what the peer takes in one message
 * @deadline: when to give up
 *
 * Context: process; sleeps killably.
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

	return vuser_cmd_send_irqs(chan, &set, files, nfiles, deadline, true, &sent);
}

/**
 * vuser_cmd_disable_irqs() - DEVICE_SET_IRQS that turns an index off
 * @chan: of an open device
 * @index: interrupt index
 * @deadline: when to give up
 * @killable: a fatal signal ends the wait
 * @sent: set to whether the server has the message, or may have it
 *
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

	return vuser_cmd_send_irqs(chan, &set, NULL, 0, deadline, killable, sent);
}

/**
 * vuser_cmd_feature() - DEVICE_FEATURE
 * @chan: of an open device
 * @flags: VFIO_DEVICE_FEATURE_* and the feature's number
 * @data: the feature's data, in and out, @size bytes of kernel memory
 * @size: at most VUSER_MAX_XFER
 * @reply_size: bytes of @data that the server answered with
 *
 * Return: 0, -ENOTTY when the server does not know it or is too old to ask,
 * or as vuser_cmd_dma_map().
 */
int vuser_cmd_feature(struct vuser_channel *chan, u32 flags, void *data,
		      size_t size, size_t *reply_size)
{
	bool set = flags & VFIO_DEVICE_FEATURE_SET;
	struct vfio_user_device_feature head = {
		.argsz = sizeof(head) + size,
		.flags = flags,
	};
	struct vfio_user_device_feature *rep;
	struct vuser_call call = {
		.command = VFIO_USER_DEVICE_FEATURE,
		.payload[0] = { &head, sizeof(head) },
		.payload[1] = { data, set ? size : 0 },
		.reply_min = sizeof(head),
		.reply_max = sizeof(head) + size,
		.deadline = vuser_channel_deadline(chan),
		.killable = true,
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
		memcpy(data, rep->data, *reply_size);
	}
	kvfree(rep);
	return ret == -EOPNOTSUPP || ret == -ENOENT ? -ENOTTY : ret;
}
