/* SPDX-License-Identifier: GPL-2.0 */
/* Messages with file descriptors ("fdmsgs"), which the helper sends. */
#ifndef VUSER_FDMSG_H
#define VUSER_FDMSG_H

#include <linux/types.h>

struct file;
struct vuser_call;
struct vuser_channel;
struct work_struct;

/* Maximum number of file descriptors in one message: SCM_MAX_FD. */
#define VUSER_MAX_FDS	253

/**
 * struct vuser_fdmsg_info - description of an fdmsg
 * @id: number of the fdmsg, unique in its channel and never 0
 * @command: VFIO_USER_DMA_MAP or VFIO_USER_DEVICE_SET_IRQS
 * @nfds: number of file descriptors in the message
 * @iova: start of the dma region, bytes; for DMA_MAP, otherwise 0
 * @size: size of the dma region, bytes; for DMA_MAP, otherwise 0
 * @index: interrupt index; for DEVICE_SET_IRQS, otherwise 0
 * @start: first interrupt; for DEVICE_SET_IRQS, otherwise 0
 * @count: number of interrupts; for DEVICE_SET_IRQS, otherwise 0
 *
 * The helper gets these values by fdmsg-get.  It needs @id to send the fdmsg and
 * @nfds to know its size.  The helper logs the other values.
 */
struct vuser_fdmsg_info {
	u64 id;
	u16 command;
	u32 nfds;
	u64 iova;
	u64 size;
	u32 index;
	u32 start;
	u32 count;
};

int vuser_fdmsg_call(struct vuser_channel *chan, struct vuser_call *call,
		     struct file **files,
		     const struct vuser_fdmsg_info *info);
void vuser_fdmsg_notify_work(struct work_struct *work);

/* Called in the helper's context, or to notify the helper. */
int vuser_fdmsg_send(struct vuser_channel *chan, u64 fdmsg_id, int null_fd);
int vuser_fdmsg_refuse(struct vuser_channel *chan, u64 fdmsg_id, int err);
int vuser_fdmsg_next(struct vuser_channel *chan, u64 *cursor,
		     struct vuser_fdmsg_info *info);
void vuser_fdmsg_notify_all(struct vuser_channel *chan);

#endif /* VUSER_FDMSG_H */
