/* SPDX-License-Identifier: GPL-2.0 */
/* Replaces the server of an open device by another one. */
#ifndef VUSER_REPLACE_H
#define VUSER_REPLACE_H

struct vuser_device;

void vuser_replace_init(struct vuser_device *dev);

#endif /* VUSER_REPLACE_H */
