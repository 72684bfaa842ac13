/* SPDX-License-Identifier: GPL-2.0 */
/* The VFIO IOMMU backend for vuser devices; its ioctls are those of type1. */
#ifndef VUSER_TYPE1_H
#define VUSER_TYPE1_H

#include <linux/types.h>

struct device;
struct vuser_domain;

int vuser_type1_init(bool (*owns)(struct device *dev));
void vuser_type1_exit(void);
struct vuser_domain *vuser_type1_device_domain(struct device *dev);

#endif /* VUSER_TYPE1_H */
