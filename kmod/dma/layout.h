/* SPDX-License-Identifier: GPL-2.0 */
/* The layout of a server map: dma regions for a list of mappings. */
#ifndef VUSER_LAYOUT_H
#define VUSER_LAYOUT_H

#include <linux/bits.h>
#include <linux/types.h>

struct vuser_mapping;

/*
 * Start and end of a writable window are multiples of this size, in bytes, unless
 * another dma region is nearer.
 */
#define VUSER_WINDOW_SIZE	BIT(30)

/*
 * Maximum size of a window, in bytes: the address space of a server has no room for
 * a larger mapping.
 */
#define VUSER_WINDOW_MAX	BIT(46)

/**
 * enum vuser_dma_region_kind - the kind of file that a dma region has
 * @VUSER_DMA_REGION_FILE: the consumer's own file
 * @VUSER_DMA_REGION_MEMORY: a memory fd that shows one mapping
 * @VUSER_DMA_REGION_OPAQUE: no file; the server uses DMA_READ and DMA_WRITE
 * @VUSER_DMA_REGION_WINDOW: a memory fd that shows any number of mappings, and
 *	the holes between them
 */
enum vuser_dma_region_kind {
	VUSER_DMA_REGION_FILE,
	VUSER_DMA_REGION_MEMORY,
	VUSER_DMA_REGION_OPAQUE,
	VUSER_DMA_REGION_WINDOW,
};

/**
 * struct vuser_layout_region - a dma region that the server should have mapped
 * @start: first IOVA
 * @last: last IOVA
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE
 * @kind: kind of its file
 * @join: will be joined with the previous dma region into one window
 * @kept: the server has exactly this dma region mapped already
 * @first: index of its first mapping in the layout's @maps
 * @count: number of its mappings
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
 * struct vuser_layout - dma regions for a list of mappings
 * @maps: the mappings, sorted by IOVA
 * @nr_maps: number of mappings
 * @regions: the dma regions, sorted by IOVA
 * @nr: number of dma regions
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

/**
 * vuser_layout_budget() - compute how many dma regions a layout may use
 * @limit: number of dma regions that the server accepts
 *
 * A layout with more dma regions gets windows.  The remaining dma regions are for
 * later mappings.
 *
 * Context: any.
 * Return: half of @limit, at least 1.
 */
static inline u32 vuser_layout_budget(u32 limit)
{
	return limit > 1 ? limit / 2 : 1;
}

#endif /* VUSER_LAYOUT_H */
