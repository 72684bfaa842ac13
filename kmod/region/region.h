/* SPDX-License-Identifier: GPL-2.0 */
/* Accesses to the regions of an open device, and descriptions of the regions. */
#ifndef VUSER_REGION_H
#define VUSER_REGION_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vfio_info_cap;
struct vfio_region_info;
struct vuser_channel;
struct vuser_conn;
struct vuser_regions;

int vuser_region_open(struct vuser_regions *regions, struct vuser_conn *conn,
		      bool sparse);
void vuser_region_close(struct vuser_regions *regions);
int vuser_region_load(struct vuser_regions *regions, u32 region, u64 off, u64 *val,
		      u32 size);
int vuser_region_store(struct vuser_regions *regions, u32 region, u64 off, u64 val,
		       u32 size);
ssize_t vuser_region_pread(struct vuser_regions *regions, char __user *buf,
			   size_t count, loff_t *ppos);
ssize_t vuser_region_pwrite(struct vuser_regions *regions, const char __user *buf,
			    size_t count, loff_t *ppos);
int vuser_region_info(struct vuser_regions *regions,
		      struct vfio_region_info *info,
		      struct vfio_info_cap *caps);
long vuser_region_ioctl(struct vuser_regions *regions,
			struct vfio_region_info __user *arg);
bool vuser_region_mappable(struct vuser_regions *regions, u32 index);
u32 vuser_region_count(struct vuser_regions *regions);

void vuser_region_begin(struct vuser_regions *regions);
int vuser_region_access(struct vuser_regions *regions,
			struct vuser_channel *chan, u64 pos, void *buf,
			size_t len, bool write);
void vuser_region_end(struct vuser_regions *regions);
void vuser_region_wait_idle(struct vuser_regions *regions, ktime_t deadline);

#endif /* VUSER_REGION_H */
