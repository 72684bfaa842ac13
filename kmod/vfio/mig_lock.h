/* SPDX-License-Identifier: GPL-2.0 */
/* The lock of the migration of a device, and the users of its files. */
#ifndef VUSER_MIG_LOCK_H
#define VUSER_MIG_LOCK_H

#include <linux/ktime.h>

struct vuser_device;

int vuser_mig_lock(struct vuser_device *dev);
void vuser_mig_lock_drop(struct vuser_device *dev);
int vuser_mig_lock_enter(struct vuser_device *dev);
void vuser_mig_lock_leave(struct vuser_device *dev);
void vuser_mig_lock_wait_idle(struct vuser_device *dev, ktime_t deadline);

#endif /* VUSER_MIG_LOCK_H */
