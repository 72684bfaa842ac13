// SPDX-License-Identifier: GPL-2.0
/* What happens to devices: reported to the layer above by a table of functions. */
#include <linux/init.h>

#include "vfio/event.h"

static const struct vuser_event_ops *vuser_event_ops;

/**
 * vuser_event_init() - set the functions that are called for events
 * @ops: called from now on; stays
 *
 * Called once, before there are devices.
 */
void __init vuser_event_init(const struct vuser_event_ops *ops)
{
	vuser_event_ops = ops;
}

/**
 * vuser_event_changed() - report that a device appeared or changed
 * @dev: the device
 */
void vuser_event_changed(struct vuser_device *dev)
{
	vuser_event_ops->changed(dev);
}

/**
 * vuser_event_removed() - report that a device went
 * @dev: the device, no longer in the table of devices
 */
void vuser_event_removed(struct vuser_device *dev)
{
	vuser_event_ops->removed(dev);
}

/**
 * vuser_event_fdmsg() - report that an fdmsg waits for the device's owner
 * @dev: the device
 * @fdmsg_id: the fdmsg
 */
void vuser_event_fdmsg(struct vuser_device *dev, u64 fdmsg_id)
{
	vuser_event_ops->fdmsg(dev, fdmsg_id);
}
