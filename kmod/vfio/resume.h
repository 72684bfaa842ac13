/* SPDX-License-Identifier: GPL-2.0 */
/* Makes another server serve an open device whose server is lost. */
#ifndef VUSER_RESUME_H
#define VUSER_RESUME_H

#include <linux/ktime.h>

struct vuser_channel;
struct vuser_device;

void vuser_resume_init(struct vuser_device *dev);
void vuser_resume_stop(struct vuser_device *dev, ktime_t deadline);
int vuser_resume_reset(struct vuser_device *dev);
int vuser_resume_reset_device(struct vuser_device *dev, struct vuser_channel *chan);
int vuser_resume_end_dma(struct vuser_device *dev, struct vuser_channel *lost,
			 struct vuser_channel *chan);
void vuser_resume_ended(struct vuser_device *dev);

#endif /* VUSER_RESUME_H */
