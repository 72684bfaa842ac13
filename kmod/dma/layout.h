/* SPDX-License-Identifier: GPL-2.0 */
/* Which DMA regions a server gets for a list of mappings. */
#ifndef VUSER_LAYOUT_H
#define VUSER_LAYOUT_H

#include <linux/bits.h>
#include <linux/types.h>

struct vuser_mapping;

/* A window, and what is mapped in one, starts and ends at a multiple of it. */
#define VUSER_WINDOW_SIZE	BIT(30)

/* A longer one finds no place in a server's address space. */
#define VUSER_WINDOW_MAX	BIT(46)

/**
 * enum vuser_dma_region_kind - what file a region has
 * @VUSER_DMA_REGION_FILE: the consumer's own file
 * @VUSER_DMA_REGION_MEMORY: a memory fd of one mapping
 * @VUSER_DMA_REGION_OPAQUE: no fd: DMA_READ and DMA_WRITE only
 * @VUSER_DMA_REGION_WINDOW: a memory fd of any number of mappings, and of holes
 */
enum vuser_dma_region_kind {
	VUSER_DMA_REGION_FILE,
	VUSER_DMA_REGION_MEMORY,
	VUSER_DMA_REGION_OPAQUE,
	VUSER_DMA_REGION_WINDOW,
};

/**
 * struct vuser_layout_region - one region to tell
 * @start: first IOVA
 * @last: last IOVA
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE
 * @kind: see there
 * @join: to be one window with the region before
 * @kept: the server has exactly this region mapped already
 * @first: index of its first mapping
 * @count: how many mappings are in it
 */
struct vuser_layout_region {
	u64 start;
	u64 last;
	u32 prot;
	enum vuser_dma_region_kind kind;
	bool join;
	bool kept;
	size_t first;
	size_t count;
};

/**
 * struct vuser_layout - regions in order of IOVA
 * @maps: the mappings, in the same order
 * @nr_maps: how many
 * @regions: what to tell
 * @nr: how many
 */
struct vuser_layout {
	struct vuser_mapping **maps;
	size_t nr_maps;
	struct vuser_layout_region *regions;
	size_t nr;
};

int vuser_layout_exact(struct vuser_layout *layout, bool memory_only);
int vuser_layout_fit(struct vuser_layout *layout, u32 limit);
void vuser_layout_free(struct vuser_layout *layout);

enum vuser_dma_region_kind vuser_layout_kind(const struct vuser_mapping *map,
					     bool memory_only);

/* Regions without windows that a server gets before windows begin. */
static inline u32 vuser_layout_budget(u32 limit)
{
	return limit > 1 ? limit / 2 : 1;
}

#endif /* VUSER_LAYOUT_H */
