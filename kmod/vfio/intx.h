/* SPDX-License-Identifier: GPL-2.0 */
/* INTx of a server that cannot mask it. */
#ifndef VUSER_INTX_H
#define VUSER_INTX_H

#include <linux/ktime.h>
#include <linux/types.h>

struct eventfd_ctx;
struct vuser_device;

void vuser_intx_init(struct vuser_device *dev);
int vuser_intx_start(struct vuser_device *dev);
int vuser_intx_resume(struct vuser_device *dev);
void vuser_intx_go_on(struct vuser_device *dev);
void vuser_intx_repeat(struct vuser_device *dev);
int vuser_intx_quiesce(struct vuser_device *dev);
void vuser_intx_quiesce_until(struct vuser_device *dev, ktime_t deadline);
void vuser_intx_stop(struct vuser_device *dev);
void vuser_intx_set_trigger(struct vuser_device *dev,
			    struct eventfd_ctx *trigger);
void vuser_intx_mask(struct vuser_device *dev);
void vuser_intx_unmask(struct vuser_device *dev);
int vuser_intx_unmask_by(struct vuser_device *dev, int fd);

#endif /* VUSER_INTX_H */
