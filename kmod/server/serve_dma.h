/* SPDX-License-Identifier: GPL-2.0 */
/* Serves DMA_READ and DMA_WRITE of the server. */
#ifndef VUSER_SERVE_DMA_H
#define VUSER_SERVE_DMA_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vfio_user_header;
struct vuser_channel;
struct vuser_sock;
struct work_struct;

int vuser_serve_dma(struct vuser_sock *vsk,
		    const struct vfio_user_header *hdr, const void *payload,
		    size_t len);
void vuser_serve_dma_work(struct work_struct *work);
bool vuser_serve_dma_has_room(struct vuser_channel *chan);
int vuser_serve_dma_wait_idle(struct vuser_channel *chan, ktime_t deadline,
			      bool killable);
int vuser_serve_dma_wait_end(struct vuser_channel *lost, struct vuser_channel *chan,
			     ktime_t deadline);
void vuser_serve_dma_wake(struct vuser_channel *lost);

#endif /* VUSER_SERVE_DMA_H */
