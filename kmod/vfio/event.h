/* SPDX-License-Identifier: GPL-2.0 */
/* Events: reports to the layer above that a device changed. */
#ifndef VUSER_EVENT_H
#define VUSER_EVENT_H

#include <linux/types.h>

struct vuser_device;

/**
 * struct vuser_event_ops - functions of the layer above, one for each event
 * @changed: a device was added, or its state or one of its settings changed
 * @removed: a device was removed; it is no longer in the table of devices
 * @fdmsg: an fdmsg waits for the device's owner
 *
 * Called in process context; may sleep.  The caller may hold any mutex of the
 * device, so these functions must not take any of them.
 */
struct vuser_event_ops {
	void (*changed)(struct vuser_device *dev);
	void (*removed)(struct vuser_device *dev);
	void (*fdmsg)(struct vuser_device *dev, u64 fdmsg_id);
};

void vuser_event_init(const struct vuser_event_ops *ops);
void vuser_event_changed(struct vuser_device *dev);
void vuser_event_removed(struct vuser_device *dev);
void vuser_event_fdmsg(struct vuser_device *dev, u64 fdmsg_id);

#endif /* VUSER_EVENT_H */
