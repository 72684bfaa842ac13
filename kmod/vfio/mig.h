/* SPDX-License-Identifier: GPL-2.0 */
/* Migration of a device by its consumer. */
#ifndef VUSER_MIG_H
#define VUSER_MIG_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vuser_channel;
struct vuser_device;

void vuser_mig_init(struct vuser_device *dev);
int vuser_mig_open(struct vuser_device *dev);
void vuser_mig_close(struct vuser_device *dev, ktime_t deadline);
int vuser_mig_was_reset(struct vuser_device *dev);
bool vuser_mig_is_stopped(struct vuser_device *dev);
void vuser_mig_run(struct vuser_device *dev);
bool vuser_mig_is_busy(struct vuser_device *dev);
int vuser_mig_check(struct vuser_device *dev, struct vuser_channel *chan);
void vuser_mig_lost(struct vuser_device *dev);
int vuser_mig_resume(struct vuser_device *dev);

#endif /* VUSER_MIG_H */
