// SPDX-License-Identifier: GPL-2.0
/*
 * Handlers for fdmsgs: messages with file descriptors, which the helper sends.
 *
 * No handler waits for a server or a helper; see family.c.  The extack of @info
 * explains the errors.
 */
#include <linux/err.h>
#include <net/genetlink.h>

#include "netlink/family.h"
#include "netlink/find.h"
#include "netlink/gen.h"
#include "netlink/owner.h"
#include "server/channel.h"
#include "server/fdmsg.h"
#include "vfio/device.h"
#include "vfio/state.h"
#include "vfio/table.h"

/* Finds the first fdmsg of a device with an id of at least *@cursor. */
static int vuser_nl_fdmsg_next(struct vuser_device *dev, u64 *cursor,
			       struct vuser_fdmsg_info *info)
{
	struct vuser_channel *chan = vuser_state_channel_get(dev);
	int ret = -ENOENT;

	if (chan) {
		ret = vuser_fdmsg_next(chan, cursor, info);
		vuser_channel_put(chan);
	}
	if (!ret)
		return 0;
	/* Its fdmsgs have higher ids. */
	chan = vuser_state_next_get(dev);
	if (chan) {
		ret = vuser_fdmsg_next(chan, cursor, info);
		vuser_channel_put(chan);
	}
	return ret;
}

/* Appends a message that describes an fdmsg; 0 or -EMSGSIZE. */
static int vuser_nl_fdmsg_fill(struct sk_buff *skb, u32 portid, u32 seq,
			       int flags, struct vuser_device *dev,
			       const struct vuser_fdmsg_info *fdmsg)
{
	void *hdr;

	hdr = genlmsg_put(skb, portid, seq, &vuser_nl_family, flags,
			  VUSER_CMD_FDMSG_GET);
	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(skb, VUSER_A_FDMSG_DEV, dev->id) ||
	    nla_put_u64_64bit(skb, VUSER_A_FDMSG_ID, fdmsg->id,
			      VUSER_A_FDMSG_PAD) ||
	    nla_put_u32(skb, VUSER_A_FDMSG_COMMAND, fdmsg->command) ||
	    nla_put_u32(skb, VUSER_A_FDMSG_NFDS, fdmsg->nfds) ||
	    nla_put_u64_64bit(skb, VUSER_A_FDMSG_IOVA, fdmsg->iova,
			      VUSER_A_FDMSG_PAD) ||
	    nla_put_u64_64bit(skb, VUSER_A_FDMSG_SIZE, fdmsg->size,
			      VUSER_A_FDMSG_PAD) ||
	    nla_put_u32(skb, VUSER_A_FDMSG_INDEX, fdmsg->index) ||
	    nla_put_u32(skb, VUSER_A_FDMSG_START, fdmsg->start) ||
	    nla_put_u32(skb, VUSER_A_FDMSG_COUNT, fdmsg->count)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/* Explains the error @ret in the extack if needed; returns @ret. */
static int vuser_nl_fdmsg_error(struct genl_info *info, int ret)
{
	switch (ret) {
	case -ENOENT:
		NL_SET_ERR_MSG(info->extack,
			       "the fdmsg is not pending: it was sent, or its caller stopped waiting");
		break;
	case -ENOTCONN:
		NL_SET_ERR_MSG(info->extack, "the device has no server");
		break;
	case -EAGAIN:
		NL_SET_ERR_MSG(info->extack,
			       "the server's socket is full: wait for fdmsg-ntf");
		break;
	case -EBADF:
		NL_SET_ERR_MSG(info->extack,
			       "null-fd or a file descriptor of the fdmsg is not open");
		break;
	}
	return ret;
}

/**
 * vuser_nl_fdmsg_get_doit() - handle fdmsg-get: show one fdmsg
 * @skb: the message
 * @info: the message, parsed
 *
 * Context: process; takes the device's lock, and may sleep for memory.
 * Return: 0; -EINVAL when an attribute is missing; -ENODEV when there is no such
 * device; -ENOENT when the fdmsg is not pending; -ENOMEM; or an error of the caller's
 * socket.
 */
int vuser_nl_fdmsg_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vuser_fdmsg_info fdmsg;
	struct vuser_device *dev;
	struct sk_buff *reply;
	u64 id, cursor;
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, VUSER_A_FDMSG_ID))
		return -EINVAL;
	id = nla_get_u64(info->attrs[VUSER_A_FDMSG_ID]);
	dev = vuser_nl_find_get(info, VUSER_A_FDMSG_DEV);
	if (IS_ERR(dev))
		return PTR_ERR(dev);

	cursor = id;
	ret = vuser_nl_fdmsg_next(dev, &cursor, &fdmsg);
	if (ret || fdmsg.id != id) {
		ret = vuser_nl_fdmsg_error(info, -ENOENT);
		goto out_put;
	}
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply) {
		ret = -ENOMEM;
		goto out_put;
	}
	ret = vuser_nl_fdmsg_fill(reply, info->snd_portid, info->snd_seq, 0,
				  dev, &fdmsg);
	if (ret)
		nlmsg_free(reply);
	else
		ret = genlmsg_reply(reply, info);
out_put:
	vuser_device_put(dev);
	return ret;
}

/**
 * vuser_nl_fdmsg_get_dumpit() - handle fdmsg-get: dump the fdmsgs of all devices
 * @skb: buffer for the messages
 * @cb: state of the dump; args[0] is the number of the next device, args[1] the
 *	lowest id of its next fdmsg
 *
 * Context: process; takes the locks of the devices, one at a time.
 * Return: bytes in @skb; 0 at the end of the dump.
 */
int vuser_nl_fdmsg_get_dumpit(struct sk_buff *skb,
			      struct netlink_callback *cb)
{
	struct vuser_fdmsg_info fdmsg;
	struct vuser_device *dev;
	u32 id = cb->args[0];
	u64 cursor = cb->args[1];
	int ret = 0;

	for (; !ret && (dev = vuser_table_next_get(&id)); id++) {
		if (id != cb->args[0])
			cursor = 0;
		cb->args[0] = id;
		cb->args[1] = cursor;
		while (!vuser_nl_fdmsg_next(dev, &cursor, &fdmsg)) {
			ret = vuser_nl_fdmsg_fill(skb,
						  NETLINK_CB(cb->skb).portid,
						  cb->nlh->nlmsg_seq,
						  NLM_F_MULTI, dev, &fdmsg);
			if (ret)
				break;
			cb->args[1] = cursor;
		}
		vuser_device_put(dev);
	}
	if (!ret) {
		/* All are dumped: the next call must find no device. */
		cb->args[0] = id;
		cb->args[1] = 0;
	}
	return skb->len;
}

/**
 * vuser_nl_fdmsg_send_doit() - handle fdmsg-send: send an fdmsg
 * @skb: the message
 * @info: the message, parsed
 *
 * Context: process; takes the device's lock, and may sleep for memory.
 * Return: 0; -EINVAL when an attribute is missing; -ENODEV when the device does not
 * exist or is being removed; -EPERM when the caller does not own the device; or as
 * vuser_fdmsg_send().
 */
int vuser_nl_fdmsg_send_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vuser_device *dev;
	int ret, null_fd;
	u64 id;

	if (GENL_REQ_ATTR_CHECK(info, VUSER_A_FDMSG_ID) ||
	    GENL_REQ_ATTR_CHECK(info, VUSER_A_FDMSG_NULL_FD))
		return -EINVAL;
	dev = vuser_nl_owner_get(info, VUSER_A_FDMSG_DEV,
				 VUSER_A_FDMSG_TOKEN);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	id = nla_get_u64(info->attrs[VUSER_A_FDMSG_ID]);
	null_fd = nla_get_s32(info->attrs[VUSER_A_FDMSG_NULL_FD]);
	ret = vuser_fdmsg_send(vuser_state_fdmsg_channel(dev, id), id, null_fd);
	vuser_nl_owner_put(dev);
	return vuser_nl_fdmsg_error(info, ret);
}

/**
 * vuser_nl_fdmsg_done_doit() - handle fdmsg-done: fail an fdmsg without sending it
 * @skb: the message
 * @info: the message, parsed
 *
 * Context: process; takes the device's lock, and may sleep for memory.
 * Return: 0; -EINVAL when an attribute is missing; -ENODEV when the device does not
 * exist or is being removed; -EPERM when the caller does not own the device; or as
 * vuser_fdmsg_refuse().
 */
int vuser_nl_fdmsg_done_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vuser_device *dev;
	u32 status;
	u64 id;
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, VUSER_A_FDMSG_ID) ||
	    GENL_REQ_ATTR_CHECK(info, VUSER_A_FDMSG_STATUS))
		return -EINVAL;
	dev = vuser_nl_owner_get(info, VUSER_A_FDMSG_DEV,
				 VUSER_A_FDMSG_TOKEN);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	id = nla_get_u64(info->attrs[VUSER_A_FDMSG_ID]);
	status = nla_get_u32(info->attrs[VUSER_A_FDMSG_STATUS]);
	ret = vuser_fdmsg_refuse(vuser_state_fdmsg_channel(dev, id), id, status);
	vuser_nl_owner_put(dev);
	return vuser_nl_fdmsg_error(info, ret);
}
