/* SPDX-License-Identifier: GPL-2.0 */
/* The ioctls with which a consumer logs the writes to its memory. */
#ifndef VUSER_TYPE1_LOG_H
#define VUSER_TYPE1_LOG_H

#include <linux/types.h>
#include <linux/vfio.h>

struct vuser_domain;

int vuser_type1_log_add_cap(struct vfio_info_cap *caps);
int vuser_type1_log_ioctl(struct vuser_domain *dom, void __user *arg);
int vuser_type1_log_get_unmap(const struct vfio_iommu_type1_dma_unmap *unmap, void __user *arg,
			      struct vfio_bitmap *bitmap);

#endif /* VUSER_TYPE1_LOG_H */
