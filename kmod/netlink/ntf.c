// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel tells on its own: that a device changed or went, to all who
 * listen, and that a request waits, to the device's owner.
 *
 * Changes are told from a work item, so that they may be noted under any lock
 * and a burst of them becomes one message that shows the last state.
 */
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>

#include "netlink/netlink.h"
#include "netlink/priv.h"
#include "vfio/device.h"
#include "vuser.h"

/* Numbers of the devices that changed since they were last told. */
static DEFINE_XARRAY(vuser_nl_changed);

/* Messages about devices that went, ready to be sent. */
static struct sk_buff_head vuser_nl_gone;

/*
 * Who listens to changes is told, as one whose socket is full, that something
 * was not told, and asks for all: devices and, where it owns some, requests.
 */
static void vuser_nl_ntf_missed(void)
{
	genl_set_err(&vuser_nl_family, &init_net, 0, VUSER_NLGRP_DEVICES,
		     -ENOBUFS);
}

static void vuser_nl_ntf_send(struct sk_buff *skb)
{
	/* It fails where nobody listens, or with the listener's ENOBUFS. */
	genlmsg_multicast_netns(&vuser_nl_family, &init_net, skb, 0,
				VUSER_NLGRP_DEVICES, GFP_KERNEL);
}

static void vuser_nl_ntf_changed(u32 id)
{
	struct vuser_device *dev;
	struct sk_buff *skb;

	dev = vuser_device_find_get(id);
	if (!dev)
		return;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb) {
		vuser_nl_ntf_missed();
		goto out_put;
	}
	if (vuser_nl_dev_fill(skb, dev, 0, 0, 0, VUSER_CMD_DEV_NTF, false))
		nlmsg_free(skb);
	else
		vuser_nl_ntf_send(skb);
out_put:
	vuser_device_put(dev);
}

static void vuser_nl_ntf_work(struct work_struct *work)
{
	struct sk_buff *skb;
	unsigned long id;
	void *entry;

	/* First what went: it may have been called what came after it is. */
	while ((skb = skb_dequeue(&vuser_nl_gone)))
		vuser_nl_ntf_send(skb);
	xa_for_each(&vuser_nl_changed, id, entry) {
		xa_erase(&vuser_nl_changed, id);
		vuser_nl_ntf_changed(id);
	}
}

static DECLARE_WORK(vuser_nl_ntf, vuser_nl_ntf_work);

/**
 * vuser_netlink_notify - tell everybody that a device appeared or changed
 * @dev: the device
 *
 * Context: may sleep; any lock of the device may be held.
 */
void vuser_netlink_notify(struct vuser_device *dev)
{
	if (xa_is_err(xa_store(&vuser_nl_changed, dev->id, xa_mk_value(1),
			       GFP_KERNEL)))
		vuser_nl_ntf_missed();
	else
		schedule_work(&vuser_nl_ntf);
}

/**
 * vuser_netlink_notify_del - tell everybody that a device went
 * @dev: the device, no longer in the table of devices
 *
 * Context: may sleep; any lock of the device may be held.
 */
void vuser_netlink_notify_del(struct vuser_device *dev)
{
	struct sk_buff *skb;

	skb = genlmsg_new(nla_total_size(sizeof(u32)) +
			  nla_total_size(VUSER_UUID_LEN), GFP_KERNEL);
	if (!skb) {
		vuser_nl_ntf_missed();
		return;
	}
	if (vuser_nl_dev_fill_del(skb, dev)) {
		nlmsg_free(skb);
		return;
	}
	skb_queue_tail(&vuser_nl_gone, skb);
	schedule_work(&vuser_nl_ntf);
}

/**
 * vuser_netlink_ring - tell a device's owner that a request waits
 * @dev: the device
 * @request_id: the request
 *
 * The message may be lost.  An owner that lost some is told so by its socket
 * and asks for what waits; a new owner is rung for it.
 *
 * Context: may sleep; any lock of the device may be held.
 * Return: 0, -ESRCH where the device has no owner, -ENOMEM, or what the
 * owner's socket made of it.
 */
int vuser_netlink_ring(struct vuser_device *dev, u64 request_id)
{
	u32 portid = READ_ONCE(dev->owner_portid);
	struct sk_buff *skb;
	void *hdr;

	if (!portid)
		return -ESRCH;
	skb = genlmsg_new(nla_total_size(sizeof(u32)) +
			  nla_total_size_64bit(sizeof(u64)), GFP_KERNEL);
	if (!skb) {
		vuser_nl_ntf_missed();
		return -ENOMEM;
	}
	hdr = genlmsg_put(skb, 0, 0, &vuser_nl_family, 0,
			  VUSER_CMD_REQUEST_NTF);
	if (!hdr || nla_put_u32(skb, VUSER_A_REQUEST_DEV, dev->id) ||
	    nla_put_u64_64bit(skb, VUSER_A_REQUEST_ID, request_id,
			      VUSER_A_REQUEST_PAD)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_unicast(&init_net, skb, portid);
}

int vuser_nl_ntf_init(void)
{
	skb_queue_head_init(&vuser_nl_gone);
	return 0;
}

void vuser_nl_ntf_exit(void)
{
	cancel_work_sync(&vuser_nl_ntf);
	skb_queue_purge(&vuser_nl_gone);
	xa_destroy(&vuser_nl_changed);
}
