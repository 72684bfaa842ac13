/* SPDX-License-Identifier: GPL-2.0 */
/* The DMA regions of the client, and which of them the back end has mapped. */
#ifndef VHOST_DMA_H
#define VHOST_DMA_H

#include <stdbool.h>
#include <stdint.h>
#include <vuser/server.h>
#include <vhost-user/backend.h>

/**
 * struct vhost_dma - all DMA regions that a back end can map
 * @regions: the regions; libvuser owns their files
 * @maps: for each region, where libvuser has mapped it; or NULL
 * @mapped: for each region, whether the back end has mapped it
 * @nr: number of regions
 * @max: number of entries that are allocated
 */
struct vhost_dma {
	struct vhost_region *regions;
	const void **maps;
	bool *mapped;
	uint32_t nr;
	uint32_t max;
};

void vhost_dma_fini(struct vhost_dma *m);
int vhost_dma_add(struct vhost_dma *m, const struct vuser_dma_region *region);
int vhost_dma_map(struct vhost_dma *m, struct vhost_backend *b);
int vhost_dma_repeat(struct vhost_dma *m, struct vhost_backend *b);
int vhost_dma_remove(struct vhost_dma *m, struct vhost_backend *b,
		     const struct vuser_dma_region *region);
void vhost_dma_reset(struct vhost_dma *m);
uint64_t vhost_dma_end(const struct vhost_dma *m);
int vhost_dma_read(const struct vhost_dma *m, uint64_t iova, void *buf,
		   size_t len);
bool vhost_dma_holds(const struct vhost_dma *m, uint64_t iova, uint64_t len);

#endif
