// SPDX-License-Identifier: GPL-2.0
/*
 * Notifications: to everybody who subscribed, that a device changed or went; to the
 * owner of a device, that an fdmsg waits.
 *
 * A work item sends the changes, so that they may be noted under any lock, and a
 * burst of them becomes one message that shows the last state.
 */
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "netlink/family.h"
#include "netlink/gen.h"
#include "netlink/ntf.h"
#include "netlink/show.h"
#include "vfio/device.h"
#include "vfio/event.h"
#include "vfio/table.h"

/* Numbers of the devices whose last change was not sent yet. */
static DEFINE_XARRAY(vuser_nl_changed);

/* Messages about devices that went, ready to be sent. */
static struct sk_buff_head vuser_nl_gone;

/*
 * Report ENOBUFS to subscribers, as on overflow, so that they dump everything again:
 * devices and, if they own some, fdmsgs.
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

static void vuser_nl_ntf_send_changed(u32 id)
{
	struct vuser_device *dev;
	struct sk_buff *skb;

	dev = vuser_table_find_get(id);
	if (!dev)
		return;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb) {
		vuser_nl_ntf_missed();
		goto out_put;
	}
	if (vuser_nl_show_dev(skb, dev, 0, 0, 0, VUSER_CMD_DEV_NTF, false))
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
		vuser_nl_ntf_send_changed(id);
	}
}

static DECLARE_WORK(vuser_nl_ntf, vuser_nl_ntf_work);

/**
 * vuser_nl_ntf_changed() - tell everybody that a device appeared or changed
 * @dev: the device
 *
 * Context: may sleep; any lock of the device may be held.
 */
void vuser_nl_ntf_changed(struct vuser_device *dev)
{
	if (xa_is_err(xa_store(&vuser_nl_changed, dev->id, xa_mk_value(1),
			       GFP_KERNEL)))
		vuser_nl_ntf_missed();
	else
		schedule_work(&vuser_nl_ntf);
}

/**
 * vuser_nl_ntf_removed() - tell everybody that a device went
 * @dev: the device, no longer in the table of devices
 *
 * Context: may sleep; any lock of the device may be held.
 */
void vuser_nl_ntf_removed(struct vuser_device *dev)
{
	struct sk_buff *skb;

	skb = genlmsg_new(nla_total_size(sizeof(u32)) +
			  nla_total_size(VUSER_UUID_LEN), GFP_KERNEL);
	if (!skb) {
		vuser_nl_ntf_missed();
		return;
	}
	if (vuser_nl_show_removed(skb, dev)) {
		nlmsg_free(skb);
		return;
	}
	skb_queue_tail(&vuser_nl_gone, skb);
	schedule_work(&vuser_nl_ntf);
}

/**
 * vuser_nl_ntf_fdmsg() - tell a device's owner that an fdmsg waits
 * @dev: the device
 * @fdmsg_id: the fdmsg
 *
 * The message may be lost.  An owner that lost some gets ENOBUFS from its socket,
 * and then dumps the fdmsgs that wait; a new owner is notified of each.
 *
 * Context: may sleep; any lock of the device may be held.
 */
void vuser_nl_ntf_fdmsg(struct vuser_device *dev, u64 fdmsg_id)
{
	u32 portid = READ_ONCE(dev->owner_portid);
	struct sk_buff *skb;
	void *hdr;

	if (!portid)
		return;
	skb = genlmsg_new(nla_total_size(sizeof(u32)) +
			  nla_total_size_64bit(sizeof(u64)), GFP_KERNEL);
	if (!skb) {
		vuser_nl_ntf_missed();
		return;
	}
	hdr = genlmsg_put(skb, 0, 0, &vuser_nl_family, 0,
			  VUSER_CMD_FDMSG_NTF);
	if (!hdr || nla_put_u32(skb, VUSER_A_FDMSG_DEV, dev->id) ||
	    nla_put_u64_64bit(skb, VUSER_A_FDMSG_ID, fdmsg_id,
			      VUSER_A_FDMSG_PAD)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_unicast(&init_net, skb, portid);
}

static const struct vuser_event_ops vuser_nl_ntf_event_ops = {
	.changed = vuser_nl_ntf_changed,
	.removed = vuser_nl_ntf_removed,
	.fdmsg = vuser_nl_ntf_fdmsg,
};

/**
 * vuser_nl_ntf_init() - report what happens to devices from now on
 */
void __init vuser_nl_ntf_init(void)
{
	skb_queue_head_init(&vuser_nl_gone);
	vuser_event_init(&vuser_nl_ntf_event_ops);
}

/**
 * vuser_nl_ntf_exit() - drop what was not sent
 */
void vuser_nl_ntf_exit(void)
{
	cancel_work_sync(&vuser_nl_ntf);
	skb_queue_purge(&vuser_nl_gone);
	xa_destroy(&vuser_nl_changed);
}
