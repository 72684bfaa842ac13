// SPDX-License-Identifier: GPL-2.0
/*
 * The states of a device, and the calls that change them.
 *
 *	created --attach--> attached --open--> open
 *	   ^                 |    ^             |
 *	   +-----detach------+    +----close----+
 *	   ^                 |                  |
 *	   +--detach-- lost <+------lost--------+
 *
 * A device that is lost while it is open stays so until the last close.  A
 * server that comes back while the device is open would go from lost to open;
 * there is no such call yet.
 */
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "netlink/netlink.h"
#include "server/channel.h"
#include "trace.h"
#include "vfio/device.h"
#include "vfio/irq.h"
#include "vfio/state.h"
#include "vuser.h"

/* By old state: the states that may follow. */
static const u32 vuser_next_states[] = {
	[VUSER_STATE_CREATED] = BIT(VUSER_STATE_ATTACHED),
	[VUSER_STATE_ATTACHED] = BIT(VUSER_STATE_OPEN) |
				 BIT(VUSER_STATE_LOST) |
				 BIT(VUSER_STATE_CREATED),
	[VUSER_STATE_OPEN] = BIT(VUSER_STATE_ATTACHED) |
			     BIT(VUSER_STATE_LOST),
	[VUSER_STATE_LOST] = BIT(VUSER_STATE_CREATED),
};

/* The one place where a device's state changes. */
static int vuser_device_set_state(struct vuser_device *dev, u32 state)
{
	lockdep_assert_held(&dev->lock);
	if (!(vuser_next_states[dev->state] & BIT(state)))
		return -EINVAL;
	trace_vuser_state(dev, dev->state, state);
	WRITE_ONCE(dev->state, state);
	/* Wakes poll(2) on the attribute. */
	sysfs_notify(&dev->vdev.dev->kobj, "vuser", "state");
	vuser_netlink_notify(dev);
	return 0;
}

/**
 * vuser_device_attach() - a server is there
 * @dev: the device; its lock is held
 * @desc: what the server said, checked; taken over on success
 * @sock: connected AF_UNIX stream socket; taken over on success
 * @twin: the server's command socket or NULL; taken over on success
 *
 * Return: 0, -EBUSY when the device has a server already, or -ENOMEM.
 */
int vuser_device_attach(struct vuser_device *dev, struct vuser_desc *desc,
			struct socket *sock, struct socket *twin)
{
	struct vuser_channel *chan;

	lockdep_assert_held(&dev->lock);
	if (dev->state != VUSER_STATE_CREATED || dev->gone)
		return -EBUSY;
	chan = vuser_channel_open(dev, desc, sock, twin);
	if (IS_ERR(chan))
		return PTR_ERR(chan);

	kfree(dev->error);
	dev->error = NULL;
	dev->chan = chan;
	vuser_device_set_state(dev, VUSER_STATE_ATTACHED);
	if (vuser_channel_start(chan))
		vuser_channel_fail(chan, -ENOTSOCK,
				   "the socket cannot be polled");
	return 0;
}

/**
 * vuser_device_detach() - let go of the server
 * @dev: the device; its lock is held
 * @error: why there is none, for people, or NULL
 *
 * Without a server only the reason is noted.
 *
 * Return: 0, -EBUSY while the device is open, or -ENOMEM.
 */
int vuser_device_detach(struct vuser_device *dev, const char *error)
{
	struct vuser_channel *chan = dev->chan;
	char *copy = NULL;

	lockdep_assert_held(&dev->lock);
	if (dev->opened)
		return -EBUSY;
	if (error && *error) {
		copy = kstrndup(error, VUSER_ERROR_MAX, GFP_KERNEL);
		if (!copy)
			return -ENOMEM;
	}
	kfree(dev->error);
	dev->error = copy;
	sysfs_notify(&dev->vdev.dev->kobj, "vuser", "error");
	dev->chan = NULL;
	if (chan) {
		vuser_device_set_state(dev, VUSER_STATE_CREATED);
		vuser_channel_end(chan);
	}
	vuser_netlink_notify(dev);
	return 0;
}

/**
 * vuser_device_lost() - the server is gone
 * @dev: the device
 * @chan: the channel that ended; nothing happens when it is not the device's
 *
 * Context: process.
 */
void vuser_device_lost(struct vuser_device *dev, struct vuser_channel *chan)
{
	bool ours;

	mutex_lock(&dev->lock);
	ours = dev->chan == chan;
	if (ours)
		vuser_device_set_state(dev, VUSER_STATE_LOST);
	mutex_unlock(&dev->lock);
	if (ours)
		vuser_irq_fire_err(dev);
}

/**
 * vuser_device_gone() - the mdev is being removed
 * @dev: the device; nobody has it open and nobody can open it any more
 */
void vuser_device_gone(struct vuser_device *dev)
{
	mutex_lock(&dev->lock);
	dev->gone = true;
	vuser_device_detach(dev, NULL);
	mutex_unlock(&dev->lock);
}

/**
 * vuser_device_begin() - a consumer opens the device
 * @dev: the device
 *
 * Return: 0, or -ENODEV when there is no server.
 */
int vuser_device_begin(struct vuser_device *dev)
{
	int ret = -ENODEV;

	mutex_lock(&dev->lock);
	if (dev->state == VUSER_STATE_ATTACHED)
		ret = vuser_device_set_state(dev, VUSER_STATE_OPEN);
	dev->opened = !ret;
	mutex_unlock(&dev->lock);
	return ret;
}

/**
 * vuser_device_finish() - the last consumer closed the device
 * @dev: the device
 */
void vuser_device_finish(struct vuser_device *dev)
{
	mutex_lock(&dev->lock);
	dev->opened = false;
	if (dev->state == VUSER_STATE_OPEN)
		vuser_device_set_state(dev, vuser_channel_lost(dev->chan) ?
				       VUSER_STATE_LOST :
				       VUSER_STATE_ATTACHED);
	else
		vuser_netlink_notify(dev);
	mutex_unlock(&dev->lock);
}
