// SPDX-License-Identifier: GPL-2.0
/*
 * Notifications.
 *
 * Subscribers of the multicast group are notified when a device appeared, changed
 * or was removed.  The owner of a device is notified when an fdmsg waits.
 *
 * A work item sends the notifications to subscribers.  So a change may be reported
 * under any lock of the device, and many changes in a short time result in one
 * message with the latest state.
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

/* Numbers of the devices for which a change is not sent yet. */
static DEFINE_XARRAY(vuser_nl_changed);

/* Messages about removed devices, ready to be sent. */
static struct sk_buff_head vuser_nl_removed;

/*
 * Reports ENOBUFS to all subscribers because a message could not be allocated.
 * Subscribers handle this as an overflow of their socket: they dump all devices
 * again, and owners dump the fdmsgs, too.
 */
static void vuser_nl_ntf_report_enobufs(void)
{
	genl_set_err(&vuser_nl_family, &init_net, 0, VUSER_NLGRP_DEVICES,
		     -ENOBUFS);
}

static void vuser_nl_ntf_send(struct sk_buff *skb)
{
	/*
	 * The error is ignored: there is no subscriber, or a subscriber's
	 * socket is full and already reports ENOBUFS.
	 */
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
	skb = genlmsg_new(VUSER_NL_SHOW_SIZE, GFP_KERNEL);
	if (!skb) {
		vuser_nl_ntf_report_enobufs();
		goto out_put;
	}
	if (vuser_nl_show_dev(skb, dev, 0, 0, 0, VUSER_CMD_DEV_NTF, 0))
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

	/*
	 * Send removals first: a new device may have the id or the UUID of a
	 * removed device.
	 */
	while ((skb = skb_dequeue(&vuser_nl_removed)))
		vuser_nl_ntf_send(skb);
	xa_for_each(&vuser_nl_changed, id, entry) {
		xa_erase(&vuser_nl_changed, id);
		vuser_nl_ntf_send_changed(id);
	}
}

static DECLARE_WORK(vuser_nl_ntf, vuser_nl_ntf_work);

/**
 * vuser_nl_ntf_changed() - notify subscribers that a device appeared or changed
 * @dev: the device
 *
 * A work item sends the message later.  If memory runs out, ENOBUFS is reported to
 * the subscribers.
 *
 * Context: process; may sleep; any lock of the device may be held.
 */
void vuser_nl_ntf_changed(struct vuser_device *dev)
{
	if (xa_is_err(xa_store(&vuser_nl_changed, dev->id, xa_mk_value(1),
			       GFP_KERNEL)))
		vuser_nl_ntf_report_enobufs();
	else
		schedule_work(&vuser_nl_ntf);
}

/**
 * vuser_nl_ntf_removed() - notify subscribers that a device was removed
 * @dev: the device, no longer in the table of devices
 *
 * A work item sends the message later.  If memory runs out, ENOBUFS is reported to
 * the subscribers.
 *
 * Context: process; may sleep; any lock of the device may be held.
 */
void vuser_nl_ntf_removed(struct vuser_device *dev)
{
	struct sk_buff *skb;

	skb = genlmsg_new(nla_total_size(sizeof(u32)) +
			  nla_total_size(VUSER_UUID_LEN), GFP_KERNEL);
	if (!skb) {
		vuser_nl_ntf_report_enobufs();
		return;
	}
	if (vuser_nl_show_removed(skb, dev)) {
		nlmsg_free(skb);
		return;
	}
	skb_queue_tail(&vuser_nl_removed, skb);
	schedule_work(&vuser_nl_ntf);
}

/**
 * vuser_nl_ntf_fdmsg() - notify the owner of a device that an fdmsg waits
 * @dev: the device
 * @fdmsg_id: id of the fdmsg
 *
 * Does nothing if the device has no owner; dev-claim notifies a new owner of all
 * fdmsgs that wait.  The notification may be lost.  The owner's socket then reports
 * ENOBUFS, and the owner dumps the fdmsgs that wait.
 *
 * Context: process; may sleep; any lock of the device may be held.
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
		vuser_nl_ntf_report_enobufs();
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
 * vuser_nl_ntf_init() - start to receive events of devices from vfio/
 *
 * Context: process; before the family is registered.
 */
void __init vuser_nl_ntf_init(void)
{
	skb_queue_head_init(&vuser_nl_removed);
	vuser_event_init(&vuser_nl_ntf_event_ops);
}

/**
 * vuser_nl_ntf_exit() - stop the work item and drop messages that were not sent
 *
 * Context: process; sleeps until the work item has finished.
 */
void vuser_nl_ntf_exit(void)
{
	cancel_work_sync(&vuser_nl_ntf);
	skb_queue_purge(&vuser_nl_removed);
	xa_destroy(&vuser_nl_changed);
}
