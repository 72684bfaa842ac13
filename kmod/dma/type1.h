/* SPDX-License-Identifier: GPL-2.0 */
/* The VFIO IOMMU backend: a container's ioctls, and devices that open in it. */
#ifndef VUSER_IOMMU_H
#define VUSER_IOMMU_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vuser_device;

int vuser_iommu_init(void);
void vuser_iommu_exit(void);

int vuser_domain_open(struct vuser_device *dev);
void vuser_domain_close(struct vuser_device *dev, ktime_t deadline);
int vuser_domain_dma(struct vuser_device *dev, u64 iova, void *buf, size_t len,
		     bool write);

#endif /* VUSER_IOMMU_H */
