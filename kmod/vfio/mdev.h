/* SPDX-License-Identifier: GPL-2.0 */
/* The mdev type, which creates and removes devices. */
#ifndef VUSER_MDEV_H
#define VUSER_MDEV_H

#include <linux/types.h>

struct device;

int vuser_mdev_init(void);
void vuser_mdev_exit(void);
bool vuser_mdev_owns(struct device *dev);

#endif /* VUSER_MDEV_H */
