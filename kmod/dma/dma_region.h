/* SPDX-License-Identifier: GPL-2.0 */
/* A dma region: a range of IOVA that a server has mapped. */
#ifndef VUSER_DMA_REGION_H
#define VUSER_DMA_REGION_H

#include <linux/interval_tree.h>
#include <linux/types.h>

#include "dma/layout.h"

struct file;
struct vuser_mapping;

/**
 * struct vuser_dma_region - a dma region that the server has, or may have
 * @node: first and last IOVA
 * @kind: kind of its file
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE
 * @file: the file that the server got, with a reference; NULL for opaque memory
 * @offset: offset of the dma region in @file, in bytes
 * @leaving: no mapping uses it and its memory fd is empty; the server may still
 *	have it, and a DMA_UNMAP must be sent
 * @used: a mapping of the DMA map is in its range; set by vuser_server_sync_mark()
 * @split: a mapping in its range cannot be a part of it; set by
 *	vuser_server_sync_mark()
 *
 * Protected by the lock of the server map.
 */
struct vuser_dma_region {
	struct interval_tree_node node;
	enum vuser_dma_region_kind kind;
	u32 prot;
	struct file *file;
	u64 offset;
	bool leaving;
	bool used;
	bool split;
};

static inline u64 vuser_dma_region_size(const struct vuser_dma_region *region)
{
	return region->node.last - region->node.start + 1;
}

struct vuser_dma_region *
vuser_dma_region_alloc(const struct vuser_layout_region *layout,
		       const struct vuser_mapping *map, bool guard);
void vuser_dma_region_free(struct vuser_dma_region *region);
int vuser_dma_region_fill(struct vuser_dma_region *region,
			  struct vuser_mapping *map);
bool vuser_dma_region_remove(struct vuser_dma_region *region,
			     const struct vuser_mapping *map);
void vuser_dma_region_empty(struct vuser_dma_region *region);
bool vuser_dma_region_fits(const struct vuser_dma_region *region,
			   const struct vuser_mapping *map);
bool vuser_dma_region_matches(const struct vuser_dma_region *region,
			      const struct vuser_layout_region *layout,
			      const struct vuser_mapping *map);

#endif /* VUSER_DMA_REGION_H */
