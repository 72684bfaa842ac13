/* SPDX-License-Identifier: GPL-2.0 */
/* The vfio-user commands that the kernel sends; each is one function. */
#ifndef VUSER_CMD_H
#define VUSER_CMD_H

#include <linux/ktime.h>
#include <linux/types.h>

struct file;
struct vuser_channel;

/**
 * struct vuser_feature - a DEVICE_FEATURE command
 * @flags: VFIO_DEVICE_FEATURE_* and the number of the feature
 * @data: kernel memory with the data of the feature; overwritten with the data of the reply
 * @size: size of @data in bytes, at most VUSER_MAX_XFER
 * @sent: bytes of @data that are sent
 * @deadline: when to stop waiting, on ktime_get()'s clock
 * @killable: a fatal signal ends the wait
 */
struct vuser_feature {
	u32 flags;
	void *data;
	size_t size;
	size_t sent;
	ktime_t deadline;
	bool killable;
};

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
int vuser_cmd_feature_until(struct vuser_channel *chan,
			    const struct vuser_feature *feature, size_t *reply_size);
int vuser_cmd_feature(struct vuser_channel *chan, u32 flags, void *data,
		      size_t size, size_t *reply_size);

#endif /* VUSER_CMD_H */
