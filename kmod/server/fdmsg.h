/* SPDX-License-Identifier: GPL-2.0 */
/* Messages that carry file descriptors, which the helper sends for us. */
#ifndef VUSER_REQUEST_H
#define VUSER_REQUEST_H

#include <linux/types.h>

struct file;
struct vuser_call;
struct vuser_channel;
struct vuser_device;
struct work_struct;

/* SCM_MAX_FD: so many file descriptors fit one message. */
#define VUSER_MAX_FDS	253

/**
 * struct vuser_request_info - a pending request, for the helper's log
 * @id: for vuser_channel_send_request()
 * @command: VFIO_USER_DMA_MAP or VFIO_USER_DEVICE_SET_IRQS
 * @nfds: file descriptors it carries
 * @iova: of a DMA_MAP, bytes
 * @size: of a DMA_MAP, bytes
 * @index: of a SET_IRQS
 * @start: of a SET_IRQS
 * @count: of a SET_IRQS
 */
struct vuser_request_info {
	u64 id;
	u16 command;
	u32 nfds;
	u64 iova;
	u64 size;
	u32 index;
	u32 start;
	u32 count;
};

int vuser_request_call(struct vuser_channel *chan, struct vuser_call *call,
		       struct file **files,
		       const struct vuser_request_info *info);
void vuser_request_ring_work(struct work_struct *work);

/* For the netlink family. */
int vuser_channel_send_request(struct vuser_device *dev, u64 request_id,
			       int null_fd);
int vuser_channel_refuse_request(struct vuser_device *dev, u64 request_id,
				 int err);
int vuser_channel_next_request(struct vuser_device *dev, u64 *cursor,
			       struct vuser_request_info *info);
void vuser_channel_ring_all(struct vuser_device *dev);

#endif /* VUSER_REQUEST_H */
