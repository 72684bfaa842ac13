/* SPDX-License-Identifier: GPL-2.0 */
/* Opening and closing, as the states of a device see it. */
#ifndef VUSER_STATE_H
#define VUSER_STATE_H

struct vuser_device;

int vuser_device_begin(struct vuser_device *dev);
void vuser_device_finish(struct vuser_device *dev);

#endif /* VUSER_STATE_H */
