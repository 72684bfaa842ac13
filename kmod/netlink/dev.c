// SPDX-License-Identifier: GPL-2.0
/* Showing a device, changing its settings, attaching and detaching a server. */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/net.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "dma/server_map.h"
#include "netlink/netlink.h"
#include "netlink/priv.h"
#include "server/channel.h"
#include "vfio/device.h"
#include "vfio/mdev.h"
#include "vuser.h"

/* Room for a device with its configuration space, regions and interrupts. */
#define VUSER_NL_WHOLE_SIZE	(VUSER_CONFIG_MAX + 8192)

/*
 * A guid_t keeps its first three fields little-endian; on netlink a UUID is in
 * the order in which it is written.  The same both ways.
 */
static void vuser_nl_swap_uuid(u8 *to, const u8 *from)
{
	static const u8 order[VUSER_UUID_LEN] = {
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
	};
	int i;

	for (i = 0; i < VUSER_UUID_LEN; i++)
		to[i] = from[order[i]];
}

static int vuser_nl_put_uuid(struct sk_buff *skb, struct vuser_device *dev)
{
	u8 uuid[VUSER_UUID_LEN];

	vuser_nl_swap_uuid(uuid, dev->uuid.b);
	return nla_put(skb, VUSER_A_DEV_UUID, sizeof(uuid), uuid);
}

/* The device that a request names by id or uuid. */
static struct vuser_device *vuser_nl_dev_find_get(struct genl_info *info)
{
	struct nlattr *id = info->attrs[VUSER_A_DEV_ID];
	struct nlattr *uuid = info->attrs[VUSER_A_DEV_UUID];
	struct vuser_device *dev;
	guid_t guid;

	if (!id == !uuid) {
		NL_SET_ERR_MSG(info->extack, "name the device by id or uuid");
		return ERR_PTR(-EINVAL);
	}
	if (id) {
		dev = vuser_device_find_get(nla_get_u32(id));
	} else {
		vuser_nl_swap_uuid(guid.b, nla_data(uuid));
		dev = vuser_device_find_uuid_get(&guid);
	}
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(info->extack, id ?: uuid, "no such device");
		return ERR_PTR(-ENODEV);
	}
	return dev;
}

static int vuser_nl_put_settings(struct sk_buff *skb,
				 const struct vuser_settings *set)
{
	if (nla_put_u32(skb, VUSER_A_DEV_REQUEST_TIMEOUT_MS,
			set->request_timeout_ms) ||
	    nla_put_u32(skb, VUSER_A_DEV_CLOSE_TIMEOUT_MS,
			set->close_timeout_ms) ||
	    nla_put_u32(skb, VUSER_A_DEV_MMAP, set->mmap) ||
	    nla_put_u32(skb, VUSER_A_DEV_MAX_DMA_MAPS, set->max_dma_maps) ||
	    nla_put_u32(skb, VUSER_A_DEV_RESET,
			set->reset_never ? VUSER_RESET_POLICY_NEVER :
					   VUSER_RESET_POLICY_AUTO) ||
	    nla_put_u32(skb, VUSER_A_DEV_DMA_BACKING,
			set->dma_memory_only ? VUSER_DMA_BACKING_MEMORY :
					       VUSER_DMA_BACKING_AUTO))
		return -EMSGSIZE;
	return 0;
}

static int vuser_nl_put_counters(struct sk_buff *skb, struct vuser_device *dev)
{
	struct nlattr *nest;
	int i;

	/* The attributes are in the order of enum vuser_counter. */
	BUILD_BUG_ON(VUSER_A_COUNTERS_REGION_READ + VUSER_COUNT_UNSENT !=
		     VUSER_A_COUNTERS_UNSENT);
	BUILD_BUG_ON(VUSER_A_COUNTERS_UNSENT != (int)VUSER_NR_COUNTERS);

	nest = nla_nest_start(skb, VUSER_A_DEV_COUNTERS);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < VUSER_NR_COUNTERS; i++)
		if (nla_put_u64_64bit(skb, VUSER_A_COUNTERS_REGION_READ + i,
				      atomic64_read(&dev->counters[i]),
				      VUSER_A_COUNTERS_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int vuser_nl_put_region(struct sk_buff *skb, u32 index,
			       const struct vuser_region *region)
{
	struct nlattr *nest;

	nest = nla_nest_start(skb, VUSER_A_DEV_REGION);
	if (!nest ||
	    nla_put_u32(skb, VUSER_A_REGION_INDEX, index) ||
	    nla_put_u64_64bit(skb, VUSER_A_REGION_SIZE, region->size,
			      VUSER_A_REGION_PAD) ||
	    nla_put_u32(skb, VUSER_A_REGION_FLAGS, region->flags))
		return -EMSGSIZE;
	if (region->has_type &&
	    (nla_put_u32(skb, VUSER_A_REGION_TYPE, region->type) ||
	     nla_put_u32(skb, VUSER_A_REGION_SUBTYPE, region->subtype)))
		return -EMSGSIZE;
	if (region->posted && nla_put_flag(skb, VUSER_A_REGION_POSTED))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int vuser_nl_put_irq(struct sk_buff *skb, u32 index,
			    const struct vfio_irq_info *irq)
{
	struct nlattr *nest;

	nest = nla_nest_start(skb, VUSER_A_DEV_IRQ);
	if (!nest ||
	    nla_put_u32(skb, VUSER_A_IRQ_INDEX, index) ||
	    nla_put_u32(skb, VUSER_A_IRQ_FLAGS, irq->flags) ||
	    nla_put_u32(skb, VUSER_A_IRQ_COUNT, irq->count))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int vuser_nl_put_negotiated(struct sk_buff *skb,
				   const struct vuser_desc *desc)
{
	if (nla_put_u32(skb, VUSER_A_DEV_MINOR, desc->minor) ||
	    nla_put_u32(skb, VUSER_A_DEV_MAX_MSG_FDS, desc->max_msg_fds) ||
	    nla_put_u32(skb, VUSER_A_DEV_MAX_DATA_XFER_SIZE,
			desc->max_data_xfer_size) ||
	    nla_put_u32(skb, VUSER_A_DEV_SERVER_MAX_DMA_MAPS,
			desc->max_dma_maps))
		return -EMSGSIZE;
	return 0;
}

static int vuser_nl_put_whole(struct sk_buff *skb,
			      const struct vuser_desc *desc)
{
	u32 i;

	if (nla_put_u32(skb, VUSER_A_DEV_FLAGS, desc->flags))
		return -EMSGSIZE;
	for (i = 0; i < desc->nr_regions; i++)
		if (vuser_nl_put_region(skb, i, &desc->regions[i]))
			return -EMSGSIZE;
	for (i = 0; i < desc->nr_irqs; i++)
		if (vuser_nl_put_irq(skb, i, &desc->irqs[i]))
			return -EMSGSIZE;
	if (desc->config_size &&
	    nla_put(skb, VUSER_A_DEV_CONFIG, desc->config_size, desc->config))
		return -EMSGSIZE;
	return 0;
}

/* Not by told->lock, which is held while the server is waited for. */
static u32 vuser_nl_dma_regions(struct vuser_device *dev)
{
	lockdep_assert_held(&dev->lock);
	return dev->told ? READ_ONCE(dev->told->nr) : 0;
}

static int vuser_nl_put_dev(struct sk_buff *skb, struct vuser_device *dev,
			    bool whole)
{
	const struct vuser_desc *desc;

	lockdep_assert_held(&dev->lock);

	if (nla_put_u32(skb, VUSER_A_DEV_ID, dev->id) ||
	    vuser_nl_put_uuid(skb, dev) ||
	    nla_put_u32(skb, VUSER_A_DEV_STATE, dev->state) ||
	    nla_put_string(skb, VUSER_A_DEV_PCI_ADDRESS, dev->pci_address) ||
	    nla_put_u32(skb, VUSER_A_DEV_GROUP, dev->group_id) ||
	    nla_put_string(skb, VUSER_A_DEV_ENDPOINT, dev->endpoint ?: "") ||
	    nla_put_u32(skb, VUSER_A_DEV_OWNER, dev->owner_portid) ||
	    nla_put_u32(skb, VUSER_A_DEV_DMA_REGIONS,
			vuser_nl_dma_regions(dev)) ||
	    vuser_nl_put_settings(skb, &dev->settings) ||
	    vuser_nl_put_counters(skb, dev))
		return -EMSGSIZE;
	if (dev->error && nla_put_string(skb, VUSER_A_DEV_ERROR, dev->error))
		return -EMSGSIZE;
	if (!dev->chan)
		return 0;

	desc = dev->chan->desc;
	if (vuser_nl_put_negotiated(skb, desc))
		return -EMSGSIZE;
	return whole ? vuser_nl_put_whole(skb, desc) : 0;
}

/**
 * vuser_nl_dev_fill - append a message that shows a device
 * @skb: where to
 * @dev: the device; its lock is taken
 * @portid: whom the message is for, 0 for a group
 * @seq: of the request it answers
 * @flags: NLM_F_*
 * @cmd: what the message is
 * @whole: with what is too long for a dump
 *
 * Return: 0, or -EMSGSIZE and @skb is as it was.
 */
int vuser_nl_dev_fill(struct sk_buff *skb, struct vuser_device *dev,
		      u32 portid, u32 seq, int flags, u8 cmd, bool whole)
{
	void *hdr;
	int ret;

	hdr = genlmsg_put(skb, portid, seq, &vuser_nl_family, flags, cmd);
	if (!hdr)
		return -EMSGSIZE;
	mutex_lock(&dev->lock);
	ret = vuser_nl_put_dev(skb, dev, whole);
	mutex_unlock(&dev->lock);
	if (ret)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	return ret;
}

/**
 * vuser_nl_dev_fill_del - append a message that a device went
 * @skb: where to
 * @dev: the device
 *
 * Return: 0, or -EMSGSIZE and @skb is to be dropped.
 */
int vuser_nl_dev_fill_del(struct sk_buff *skb, struct vuser_device *dev)
{
	void *hdr;

	hdr = genlmsg_put(skb, 0, 0, &vuser_nl_family, 0,
			  VUSER_CMD_DEV_DEL_NTF);
	if (!hdr || nla_put_u32(skb, VUSER_A_DEV_ID, dev->id) ||
	    vuser_nl_put_uuid(skb, dev))
		return -EMSGSIZE;
	genlmsg_end(skb, hdr);
	return 0;
}

int vuser_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vuser_device *dev;
	struct sk_buff *reply;
	int ret = -ENOMEM;

	dev = vuser_nl_dev_find_get(info);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	reply = genlmsg_new(VUSER_NL_WHOLE_SIZE, GFP_KERNEL);
	if (!reply)
		goto out_put;
	ret = vuser_nl_dev_fill(reply, dev, info->snd_portid, info->snd_seq, 0,
				VUSER_CMD_DEV_GET, true);
	if (ret)
		nlmsg_free(reply);
	else
		ret = genlmsg_reply(reply, info);
out_put:
	vuser_device_put(dev);
	return ret;
}

/* args[0]: the device to go on with. */
int vuser_nl_dev_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vuser_device *dev;
	u32 id = cb->args[0];
	int ret;

	while ((dev = vuser_device_next_get(&id))) {
		ret = vuser_nl_dev_fill(skb, dev, NETLINK_CB(cb->skb).portid,
					cb->nlh->nlmsg_seq, NLM_F_MULTI,
					VUSER_CMD_DEV_GET, false);
		vuser_device_put(dev);
		if (ret)
			break;
		id++;
	}
	cb->args[0] = id;
	return skb->len;
}

static void vuser_nl_get_u32(struct nlattr *attr, u32 *val)
{
	if (attr)
		*val = nla_get_u32(attr);
}

static void vuser_nl_get_settings(struct nlattr **attrs,
				  struct vuser_settings *set)
{
	vuser_nl_get_u32(attrs[VUSER_A_DEV_REQUEST_TIMEOUT_MS],
			 &set->request_timeout_ms);
	vuser_nl_get_u32(attrs[VUSER_A_DEV_CLOSE_TIMEOUT_MS],
			 &set->close_timeout_ms);
	vuser_nl_get_u32(attrs[VUSER_A_DEV_MMAP], &set->mmap);
	vuser_nl_get_u32(attrs[VUSER_A_DEV_MAX_DMA_MAPS], &set->max_dma_maps);
	if (attrs[VUSER_A_DEV_RESET])
		set->reset_never = nla_get_u32(attrs[VUSER_A_DEV_RESET]) ==
				   VUSER_RESET_POLICY_NEVER;
	if (attrs[VUSER_A_DEV_DMA_BACKING])
		set->dma_memory_only =
			nla_get_u32(attrs[VUSER_A_DEV_DMA_BACKING]) ==
			VUSER_DMA_BACKING_MEMORY;
}

static int vuser_nl_set_pci_address(struct vuser_device *dev,
				    const struct nlattr *attr,
				    struct netlink_ext_ack *extack)
{
	int ret = vuser_device_set_pci_address(dev, nla_data(attr));

	if (ret)
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "PCI address is malformed, taken, or the device is open");
	return ret;
}

static int vuser_nl_set_endpoint(struct vuser_device *dev,
				 const struct nlattr *attr,
				 struct netlink_ext_ack *extack)
{
	int ret = vuser_device_set_endpoint(dev, nla_data(attr));

	if (ret)
		NL_SET_ERR_MSG_ATTR(extack, attr, "not a path of a socket");
	return ret;
}

/* What is most likely refused comes first, before anything was changed. */
static int vuser_nl_dev_set(struct vuser_device *dev, struct genl_info *info)
{
	struct nlattr *address = info->attrs[VUSER_A_DEV_PCI_ADDRESS];
	struct nlattr *endpoint = info->attrs[VUSER_A_DEV_ENDPOINT];
	struct vuser_settings set = dev->settings;
	int ret;

	vuser_nl_get_settings(info->attrs, &set);
	ret = vuser_settings_check(&set);
	if (ret) {
		NL_SET_ERR_MSG(info->extack, "a setting is out of range");
		return ret;
	}
	if (address) {
		ret = vuser_nl_set_pci_address(dev, address, info->extack);
		if (ret)
			return ret;
	}
	if (endpoint) {
		ret = vuser_nl_set_endpoint(dev, endpoint, info->extack);
		if (ret)
			return ret;
	}
	dev->settings = set;
	return 0;
}

int vuser_nl_dev_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vuser_device *dev;
	int ret;

	dev = vuser_nl_dev_find_get(info);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	mutex_lock(&dev->lock);
	ret = vuser_nl_dev_set(dev, info);
	mutex_unlock(&dev->lock);
	vuser_netlink_notify(dev);
	vuser_device_put(dev);
	return ret;
}

/* A connected UNIX stream socket of the caller's, with a reference. */
static struct socket *vuser_nl_socket_get(struct genl_info *info,
					  struct nlattr *attr)
{
	struct socket *sock;
	int ret;

	sock = sockfd_lookup(nla_get_s32(attr), &ret);
	if (!sock) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "not a socket");
		return ERR_PTR(ret);
	}
	if (sock->sk->sk_family != AF_UNIX || sock->type != SOCK_STREAM ||
	    READ_ONCE(sock->sk->sk_state) != TCP_ESTABLISHED) {
		sockfd_put(sock);
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "not a connected UNIX stream socket");
		return ERR_PTR(-EINVAL);
	}
	return sock;
}

/* Both sockets; *@twin is NULL where there is none. */
static int vuser_nl_sockets_get(struct genl_info *info, struct socket **sock,
				struct socket **twin)
{
	struct nlattr *attr = info->attrs[VUSER_A_DEV_TWIN_FD];

	*twin = NULL;
	if (GENL_REQ_ATTR_CHECK(info, VUSER_A_DEV_SOCKET_FD))
		return -EINVAL;
	*sock = vuser_nl_socket_get(info, info->attrs[VUSER_A_DEV_SOCKET_FD]);
	if (IS_ERR(*sock))
		return PTR_ERR(*sock);
	if (!attr)
		return 0;
	*twin = vuser_nl_socket_get(info, attr);
	if (!IS_ERR(*twin) && *twin != *sock)
		return 0;
	if (!IS_ERR(*twin)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "the same socket twice");
		sockfd_put((*twin));
		*twin = ERR_PTR(-EINVAL);
	}
	sockfd_put((*sock));
	return PTR_ERR(*twin);
}

static int vuser_nl_attach(struct genl_info *info, struct vuser_desc *desc,
			   struct socket *sock, struct socket *twin)
{
	struct vuser_device *dev;
	int ret;

	dev = vuser_nl_owned_get(info, VUSER_A_DEV_ID, VUSER_A_DEV_TOKEN);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	ret = vuser_device_attach(dev, desc, sock, twin);
	if (ret == -EBUSY)
		NL_SET_ERR_MSG(info->extack, "the device has a server already");
	vuser_nl_owned_put(dev);
	return ret;
}

int vuser_nl_dev_attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct socket *sock, *twin;
	struct vuser_desc *desc;
	int ret;

	ret = vuser_nl_sockets_get(info, &sock, &twin);
	if (ret)
		return ret;
	desc = vuser_nl_desc_parse(info);
	if (IS_ERR(desc)) {
		ret = PTR_ERR(desc);
		goto err_socks;
	}
	ret = vuser_desc_check(desc);
	if (ret) {
		NL_SET_ERR_MSG(info->extack, "the description makes no sense");
		goto err_desc;
	}
	ret = vuser_nl_attach(info, desc, sock, twin);
	if (ret)
		goto err_desc;
	return 0;

err_desc:
	vuser_desc_put(desc);
err_socks:
	if (twin)
		sockfd_put(twin);
	sockfd_put(sock);
	return ret;
}

int vuser_nl_dev_detach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *error = info->attrs[VUSER_A_DEV_ERROR];
	struct vuser_device *dev;
	int ret;

	dev = vuser_nl_owned_get(info, VUSER_A_DEV_ID, VUSER_A_DEV_TOKEN);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	ret = vuser_device_detach(dev, error ? nla_data(error) : NULL);
	if (ret == -EBUSY)
		NL_SET_ERR_MSG(info->extack, "the device is open");
	vuser_nl_owned_put(dev);
	return ret;
}
