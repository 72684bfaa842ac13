/* SPDX-License-Identifier: GPL-2.0 */
/* Reads, writes and descriptions of regions. */
#ifndef VUSER_REGION_H
#define VUSER_REGION_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vfio_device;
struct vfio_info_cap;
struct vfio_region_info;
struct vuser_device;

int vuser_region_load(struct vuser_device *dev, u32 region, u64 off, u64 *val,
		      u32 size);
int vuser_region_store(struct vuser_device *dev, u32 region, u64 off, u64 val,
		       u32 size);
ssize_t vuser_region_pread(struct vuser_device *dev, char __user *buf,
			   size_t count, loff_t *ppos);
ssize_t vuser_region_pwrite(struct vuser_device *dev, const char __user *buf,
			    size_t count, loff_t *ppos);
int vuser_region_info(struct vfio_device *vdev, struct vfio_region_info *info,
		      struct vfio_info_cap *caps);
long vuser_region_ioctl(struct vfio_device *vdev,
			struct vfio_region_info __user *arg);
bool vuser_region_mappable(struct vuser_device *dev, u32 index);
u32 vuser_nr_regions(struct vuser_device *dev);

#endif /* VUSER_REGION_H */
