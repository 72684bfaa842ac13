/* SPDX-License-Identifier: GPL-2.0 */
/* Messages that carry file descriptors, which the helper sends for us. */
#ifndef VUSER_FDMSG_H
#define VUSER_FDMSG_H

#include <linux/types.h>

struct file;
struct vuser_call;
struct vuser_channel;
struct work_struct;

/* SCM_MAX_FD: so many file descriptors fit one message. */
#define VUSER_MAX_FDS	253

/**
 * struct vuser_fdmsg_info - a pending fdmsg, for the helper's log
 * @id: for vuser_fdmsg_send()
 * @command: VFIO_USER_DMA_MAP or VFIO_USER_DEVICE_SET_IRQS
 * @nfds: file descriptors it carries
 * @iova: of a DMA_MAP, bytes
 * @size: of a DMA_MAP, bytes
 * @index: of a SET_IRQS
 * @start: of a SET_IRQS
 * @count: of a SET_IRQS
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

/* For the helper. */
int vuser_fdmsg_send(struct vuser_channel *chan, u64 fdmsg_id, int null_fd);
int vuser_fdmsg_refuse(struct vuser_channel *chan, u64 fdmsg_id, int err);
int vuser_fdmsg_next(struct vuser_channel *chan, u64 *cursor,
		     struct vuser_fdmsg_info *info);
void vuser_fdmsg_notify_all(struct vuser_channel *chan);

#endif /* VUSER_FDMSG_H */
