// SPDX-License-Identifier: GPL-2.0
/*
 * Events: reports to the layer above that a device changed.  The layer above
 * registers a table of functions for them.
 */
#include <linux/init.h>

#include "vfio/event.h"

static const struct vuser_event_ops *vuser_event_ops;

/**
 * vuser_event_init() - set the functions that are called for events
 * @ops: the functions; must stay valid until the module is unloaded
 *
 * Context: process; called once, while the module is loaded and before the first
 * device exists.
 */
void __init vuser_event_init(const struct vuser_event_ops *ops)
{
	vuser_event_ops = ops;
}

/**
 * vuser_event_changed() - report that a device was added or changed
 * @dev: the device
 *
 * Context: process; may sleep.  Any mutex of the device may be held.
 */
void vuser_event_changed(struct vuser_device *dev)
{
	vuser_event_ops->changed(dev);
}

/**
 * vuser_event_removed() - report that a device was removed
 * @dev: the device, no longer in the table of devices
 *
 * Context: process; may sleep.  Any mutex of the device may be held.
 */
void vuser_event_removed(struct vuser_device *dev)
{
	vuser_event_ops->removed(dev);
}

/**
 * vuser_event_fdmsg() - report that an fdmsg waits for the device's owner
 * @dev: the device
 * @fdmsg_id: id of the fdmsg
 *
 * Context: process; may sleep.  Any mutex of the device may be held.
 */
void vuser_event_fdmsg(struct vuser_device *dev, u64 fdmsg_id)
{
	vuser_event_ops->fdmsg(dev, fdmsg_id);
}
