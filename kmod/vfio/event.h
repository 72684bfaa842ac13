/* SPDX-License-Identifier: GPL-2.0 */
/* What happens to devices, for the layer above. */
#ifndef VUSER_EVENT_H
#define VUSER_EVENT_H

#include <linux/types.h>

struct vuser_device;

/**
 * struct vuser_event_ops - functions of the layer above, one for each event
 * @changed: a device appeared, or its state or a setting changed
 * @removed: a device went; it is no longer in the table of devices
 * @fdmsg: an fdmsg waits for the device's owner
 *
 * Each may sleep, and is called with any lock of the device held.
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
