/* SPDX-License-Identifier: GPL-2.0 */
/* The interrupts of an open device. */
#ifndef VUSER_IRQ_H
#define VUSER_IRQ_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vfio_irq_info;
struct vfio_irq_set;
struct vuser_channel;
struct vuser_device;

u32 vuser_irq_nr_indexes(struct vuser_device *dev);
int vuser_irq_info(struct vuser_device *dev, struct vfio_irq_info *info);
long vuser_irq_ioctl(struct vuser_device *dev,
		     struct vfio_irq_set __user *arg);
void vuser_irq_close(struct vuser_device *dev, ktime_t deadline);
int vuser_irq_prepare(struct vuser_device *dev, struct vuser_channel *chan);
int vuser_irq_commit(struct vuser_device *dev);
void vuser_irq_abort(struct vuser_device *dev);
void vuser_irq_repeat(struct vuser_device *dev);
int vuser_irq_repeat_killable(struct vuser_device *dev);
void vuser_irq_fire_err(struct vuser_device *dev);
bool vuser_irq_fire_req(struct vuser_device *dev);

#endif /* VUSER_IRQ_H */
