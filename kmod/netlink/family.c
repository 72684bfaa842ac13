// SPDX-License-Identifier: GPL-2.0
/*
 * The control plane's family, and who owns a device.
 *
 * No handler of the family waits for a server or a helper: genetlink's
 * cb_lock is held for reading around each, and one that slept would stop all
 * of genetlink, and with it the answer that it waits for.
 */
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <net/net_namespace.h>

#include "netlink/netlink.h"
#include "netlink/priv.h"
#include "server/fdmsg.h"
#include "vfio/device.h"
#include "vuser.h"

static const struct genl_multicast_group vuser_nl_groups[] = {
	[VUSER_NLGRP_DEVICES] = { .name = VUSER_MCGRP_DEVICES },
};

struct genl_family vuser_nl_family __ro_after_init = {
	.name		= VUSER_FAMILY_NAME,
	.version	= VUSER_FAMILY_VERSION,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= vuser_nl_ops,
	.n_ops		= ARRAY_SIZE(vuser_nl_ops),
	.mcgrps		= vuser_nl_groups,
	.n_mcgrps	= ARRAY_SIZE(vuser_nl_groups),
};

/**
 * vuser_nl_find_get - find the device of a request by its number
 * @info: the request
 * @id_attr: attribute that holds the number of the device
 *
 * Return: the device with a reference, or an error that @info explains:
 * -EINVAL for a missing attribute, -ENODEV.
 */
struct vuser_device *vuser_nl_find_get(struct genl_info *info, int id_attr)
{
	struct vuser_device *dev;

	if (GENL_REQ_ATTR_CHECK(info, id_attr))
		return ERR_PTR(-EINVAL);
	dev = vuser_device_find_get(nla_get_u32(info->attrs[id_attr]));
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[id_attr],
				    "no such device");
		return ERR_PTR(-ENODEV);
	}
	return dev;
}

/**
 * vuser_nl_owned_get - find a device and see that the caller owns it
 * @info: the request
 * @id_attr: attribute that holds the number of the device
 * @token_attr: attribute that holds the owner's token
 *
 * The port alone is not enough: it may have been taken over by another socket
 * after the owner's was closed.
 *
 * Return: the device with a reference and its lock held, for
 * vuser_nl_owned_put(), or an error: -EINVAL for a missing attribute,
 * -ENODEV, -EPERM.
 */
struct vuser_device *vuser_nl_owned_get(struct genl_info *info, int id_attr,
					int token_attr)
{
	struct vuser_device *dev;

	if (GENL_REQ_ATTR_CHECK(info, token_attr))
		return ERR_PTR(-EINVAL);
	dev = vuser_nl_find_get(info, id_attr);
	if (IS_ERR(dev))
		return dev;
	mutex_lock(&dev->lock);
	if (dev->gone) {
		vuser_nl_owned_put(dev);
		NL_SET_ERR_MSG(info->extack, "the device is being removed");
		return ERR_PTR(-ENODEV);
	}
	if (dev->owner_portid != info->snd_portid ||
	    dev->owner_token != nla_get_u64(info->attrs[token_attr])) {
		NL_SET_ERR_MSG(info->extack, "the caller does not own the device");
		vuser_nl_owned_put(dev);
		return ERR_PTR(-EPERM);
	}
	return dev;
}

void vuser_nl_owned_put(struct vuser_device *dev)
{
	mutex_unlock(&dev->lock);
	vuser_device_put(dev);
}

static int vuser_nl_reply_claim(struct genl_info *info, u32 id, u64 token)
{
	struct sk_buff *skb;
	void *hdr;

	skb = genlmsg_new(nla_total_size(sizeof(u32)) +
			  nla_total_size_64bit(sizeof(u64)), GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	hdr = genlmsg_put_reply(skb, info, &vuser_nl_family, 0,
				VUSER_CMD_DEV_CLAIM);
	if (!hdr || nla_put_u32(skb, VUSER_A_DEV_ID, id) ||
	    nla_put_u64_64bit(skb, VUSER_A_DEV_TOKEN, token,
			      VUSER_A_DEV_PAD)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

int vuser_nl_dev_claim_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct vuser_device *dev;
	u64 token;
	int ret;

	dev = vuser_nl_find_get(info, VUSER_A_DEV_ID);
	if (IS_ERR(dev))
		return PTR_ERR(dev);

	mutex_lock(&dev->lock);
	if (dev->owner_portid && dev->owner_portid != info->snd_portid) {
		mutex_unlock(&dev->lock);
		NL_SET_ERR_MSG(info->extack, "another helper owns the device");
		ret = -EBUSY;
		goto out_put;
	}
	token = get_random_u64();
	WRITE_ONCE(dev->owner_portid, info->snd_portid);
	dev->owner_token = token;
	mutex_unlock(&dev->lock);

	ret = vuser_nl_reply_claim(info, dev->id, token);
	vuser_netlink_notify(dev);
	vuser_channel_ring_all(dev);
out_put:
	vuser_device_put(dev);
	return ret;
}

static void vuser_nl_disown(struct vuser_device *dev, u32 portid)
{
	bool owned;

	mutex_lock(&dev->lock);
	owned = dev->owner_portid == portid;
	if (owned) {
		WRITE_ONCE(dev->owner_portid, 0);
		dev->owner_token = 0;
	}
	mutex_unlock(&dev->lock);
	if (owned)
		vuser_netlink_notify(dev);
}

/* The last reference to a netlink socket was closed. */
static int vuser_nl_released(struct notifier_block *nb, unsigned long event,
			     void *data)
{
	struct netlink_notify *n = data;
	struct vuser_device *dev;
	u32 id = 0;

	if (event != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC ||
	    !net_eq(n->net, &init_net))
		return NOTIFY_DONE;

	while ((dev = vuser_device_next_get(&id))) {
		if (READ_ONCE(dev->owner_portid) == n->portid)
			vuser_nl_disown(dev, n->portid);
		vuser_device_put(dev);
		id++;
	}
	return NOTIFY_DONE;
}

static struct notifier_block vuser_nl_notifier = {
	.notifier_call = vuser_nl_released,
};

/**
 * vuser_netlink_init - register the family
 *
 * Requests may come in before this returns.
 */
int vuser_netlink_init(void)
{
	int ret;

	ret = vuser_nl_ntf_init();
	if (ret)
		return ret;
	ret = netlink_register_notifier(&vuser_nl_notifier);
	if (ret)
		goto err_ntf;
	ret = genl_register_family(&vuser_nl_family);
	if (ret)
		goto err_notifier;
	return 0;

err_notifier:
	netlink_unregister_notifier(&vuser_nl_notifier);
err_ntf:
	vuser_nl_ntf_exit();
	return ret;
}

/**
 * vuser_netlink_exit - take the family away
 *
 * No handler runs any more and nothing is sent when this returns.
 */
void vuser_netlink_exit(void)
{
	/* Before the family: what is sent needs its number. */
	vuser_nl_ntf_exit();
	genl_unregister_family(&vuser_nl_family);
	netlink_unregister_notifier(&vuser_nl_notifier);
	/* What a handler that was still running has noted since. */
	vuser_nl_ntf_exit();
}
