/* SPDX-License-Identifier: GPL-2.0 */
/* DMA that may wait for the server of another device. */
#ifndef VUSER_ACCESS_H
#define VUSER_ACCESS_H

#include <linux/types.h>

struct vuser_dma_caller;
struct vuser_dma_map;

int vuser_access_rw(struct vuser_dma_map *dmap, const u64 *generation,
		    const struct vuser_dma_caller *caller, u64 iova, void *buf,
		    size_t len, bool write);

#endif /* VUSER_ACCESS_H */
