// SPDX-License-Identifier: GPL-2.0
/* The owner of a device: the helper that claimed it. */
#include <linux/err.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/random.h>
#include <linux/xarray.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "netlink/find.h"
#include "netlink/ntf.h"
#include "netlink/owner.h"
#include "vfio/device.h"
#include "vfio/table.h"

/*
 * The netlink ports that have claimed a device.  When any other netlink socket is
 * closed, the devices need not be searched for its port.
 */
static DEFINE_XARRAY(vuser_nl_owner_ports);

/**
 * vuser_nl_owner_get() - find and lock a device that the caller owns
 * @info: the netlink message; an error is explained in its extack
 * @id_attr: attribute with the number of the device
 * @token_attr: attribute with the owner's token
 *
 * Checks the netlink port and the token.  The port alone is not enough: after the
 * owner has closed its socket, another socket may get the same port.
 *
 * Context: process; takes the device's lock, so it may sleep.
 * Return: the device with a reference and with its lock held, to be released with
 * vuser_nl_owner_put(); or an error pointer: -EINVAL when an attribute is missing;
 * -ENODEV when the device does not exist or is being removed; -EPERM when the
 * caller does not own the device.
 */
struct vuser_device *vuser_nl_owner_get(struct genl_info *info, int id_attr,
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
		vuser_nl_owner_put(dev);
		NL_SET_ERR_MSG(info->extack, "the device is being removed");
		return ERR_PTR(-ENODEV);
	}
	if (dev->owner_portid != info->snd_portid ||
	    dev->owner_token != nla_get_u64(info->attrs[token_attr])) {
		NL_SET_ERR_MSG(info->extack, "the caller does not own the device");
		vuser_nl_owner_put(dev);
		return ERR_PTR(-EPERM);
	}
	return dev;
}

/**
 * vuser_nl_owner_put() - unlock a device and drop the reference
 * @dev: device that vuser_nl_owner_get() returned
 *
 * Context: process.
 */
void vuser_nl_owner_put(struct vuser_device *dev)
{
	mutex_unlock(&dev->lock);
	vuser_device_put(dev);
}

/**
 * vuser_nl_owner_claim() - make a helper the owner of a device
 * @dev: the device
 * @portid: netlink port of the helper
 * @token: set on success to a new random token
 *
 * The owner may claim its device again and gets another token.
 *
 * Context: process; takes the device's lock.
 * Return: 0; -EBUSY when another helper owns the device; or -ENOMEM.
 */
int vuser_nl_owner_claim(struct vuser_device *dev, u32 portid, u64 *token)
{
	int ret = -EBUSY;

	if (xa_is_err(xa_store(&vuser_nl_owner_ports, portid, xa_mk_value(1),
			       GFP_KERNEL)))
		return -ENOMEM;
	mutex_lock(&dev->lock);
	if (!dev->owner_portid || dev->owner_portid == portid) {
		*token = get_random_u64();
		WRITE_ONCE(dev->owner_portid, portid);
		dev->owner_token = *token;
		ret = 0;
	}
	mutex_unlock(&dev->lock);
	return ret;
}

/* Removes the owner from a device if it still has this port. */
static void vuser_nl_owner_drop(struct vuser_device *dev, u32 portid)
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
		vuser_nl_ntf_changed(dev);
}

/*
 * Called when the last file descriptor of any netlink socket was closed: removes
 * the owner from each device that the socket owned.
 */
static int vuser_nl_owner_released(struct notifier_block *nb, unsigned long event,
				   void *data)
{
	struct netlink_notify *n = data;
	struct vuser_device *dev;
	u32 id = 0;

	if (event != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC ||
	    !net_eq(n->net, &init_net) ||
	    !xa_erase(&vuser_nl_owner_ports, n->portid))
		return NOTIFY_DONE;

	while ((dev = vuser_table_next_get(&id))) {
		if (READ_ONCE(dev->owner_portid) == n->portid)
			vuser_nl_owner_drop(dev, n->portid);
		vuser_device_put(dev);
		id++;
	}
	return NOTIFY_DONE;
}

static struct notifier_block vuser_nl_owner_notifier = {
	.notifier_call = vuser_nl_owner_released,
};

/**
 * vuser_nl_owner_init() - start watching for helpers that close their sockets
 *
 * Context: process; may sleep.
 * Return: 0 or a negative errno.
 */
int vuser_nl_owner_init(void)
{
	return netlink_register_notifier(&vuser_nl_owner_notifier);
}

/**
 * vuser_nl_owner_exit() - stop watching for helpers that close their sockets
 *
 * Context: process; sleeps until the notifier has finished.
 */
void vuser_nl_owner_exit(void)
{
	netlink_unregister_notifier(&vuser_nl_owner_notifier);
	xa_destroy(&vuser_nl_owner_ports);
}
