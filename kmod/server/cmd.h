/* SPDX-License-Identifier: GPL-2.0 */
/* The vfio-user commands that the kernel sends; each is one function. */
#ifndef VUSER_CMD_H
#define VUSER_CMD_H

#include <linux/ktime.h>
#include <linux/types.h>

struct file;
struct vuser_channel;

int vuser_cmd_region_read(struct vuser_channel *chan, u32 region, u64 off,
			  void *buf, u32 count);
int vuser_cmd_region_write(struct vuser_channel *chan, u32 region, u64 off,
			   const void *buf, u32 count, bool posted);
int vuser_cmd_region_write_until(struct vuser_channel *chan, u32 region,
				 u64 off, const void *buf, u32 count,
				 ktime_t deadline, bool killable);
int vuser_cmd_dma_map(struct vuser_channel *chan, u64 iova, u64 size,
		      u32 prot, struct file *file, u64 offset,
		      ktime_t deadline);
int vuser_cmd_dma_unmap(struct vuser_channel *chan, u64 iova, u64 size,
			ktime_t deadline, bool killable, bool *sent);
int vuser_cmd_reset(struct vuser_channel *chan, ktime_t deadline,
		    bool killable);
int vuser_cmd_set_irqs(struct vuser_channel *chan, u32 index, u32 flags,
		       u32 start, u32 count, struct file **files,
		       u32 nfiles, ktime_t deadline);
int vuser_cmd_disable_irqs(struct vuser_channel *chan, u32 index,
			   ktime_t deadline, bool killable, bool *sent);
int vuser_cmd_feature(struct vuser_channel *chan, u32 flags, void *data,
		      size_t size, size_t *reply_size);
int vuser_cmd_mig_read(struct vuser_channel *chan, void *buf, size_t size, size_t *done);
int vuser_cmd_mig_write(struct vuser_channel *chan, const void *buf, size_t size);
int vuser_cmd_mig_state(struct vuser_channel *chan, u32 state);
int vuser_cmd_mig_copies(struct vuser_channel *chan);

#endif /* VUSER_CMD_H */
