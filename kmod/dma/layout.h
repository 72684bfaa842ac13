/* SPDX-License-Identifier: GPL-2.0 */
/* The layout of a server map: dma regions for a list of mappings. */
#ifndef VUSER_LAYOUT_H
#define VUSER_LAYOUT_H

#include <linux/bits.h>
#include <linux/types.h>

struct vuser_mapping;

/*
 * A dma region with room for later mappings ends at a multiple of this size, in
 * bytes, unless another dma region is nearer.
 */
#define VUSER_ROOM_SIZE		BIT(30)

/*
 * Maximum size of a dma region that is joined from others, in bytes: the address
 * space of a server has no room for a larger mapping.
 */
#define VUSER_JOIN_MAX		BIT(46)

/**
 * enum vuser_dma_region_kind - the kind of file that a dma region has
 * @VUSER_DMA_REGION_FILE: the consumer's own file; exactly one mapping
 * @VUSER_DMA_REGION_MEMORY: a memory fd, which shows any number of mappings with
 *	the same access, and the holes between them
 * @VUSER_DMA_REGION_OPAQUE: no file; exactly one mapping; the server uses DMA_READ
 *	and DMA_WRITE
 */
enum vuser_dma_region_kind {
	VUSER_DMA_REGION_FILE,
	VUSER_DMA_REGION_MEMORY,
	VUSER_DMA_REGION_OPAQUE,
};

/**
 * struct vuser_layout_region - a dma region that the server should have
 * @start: first IOVA
 * @last: last IOVA
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE
 * @kind: kind of its file
 * @join: will be joined with the previous dma region
 * @kept: the server has this dma region already
 * @room: where it should have room for later mappings: VUSER_ROOM_BEFORE @start,
 *	VUSER_ROOM_AFTER @last
 * @first: index in the layout's @maps of the first mapping that is in it
 */
struct vuser_layout_region {
	u64 start;
	u64 last;
	u32 prot;
	enum vuser_dma_region_kind kind;
	bool join;
	bool kept;
	u8 room;
	size_t first;
};

#define VUSER_ROOM_BEFORE	BIT(0)
#define VUSER_ROOM_AFTER	BIT(1)

/**
 * struct vuser_layout - dma regions for a list of mappings
 * @maps: the mappings, sorted by IOVA
 * @nr_maps: number of mappings
 * @regions: the dma regions, sorted by IOVA
 * @nr: number of dma regions
 * @backing: setting dma_backing; see enum vuser_dma_backing
 * @limit: number of dma regions that the server accepts, not 0
 * @single: each mapping is a dma region, if the server accepts so many
 * @nr_kept: maximum number of dma regions that @find finds
 * @find: if not NULL: finds the dma region of the server that has an IOVA and that
 *	the layout must keep.  Sets start, last, prot and kind, and returns true; or
 *	returns false.  If it finds one for the start of a mapping, it finds one for
 *	each IOVA of the mapping
 * @context: argument of @find
 */
struct vuser_layout {
	struct vuser_mapping **maps;
	size_t nr_maps;
	struct vuser_layout_region *regions;
	size_t nr;
	u32 backing;
	u32 limit;
	bool single;
	u32 nr_kept;
	bool (*find)(void *context, u64 iova,
		     struct vuser_layout_region *region);
	void *context;
};

int vuser_layout_build(struct vuser_layout *layout);
void vuser_layout_free(struct vuser_layout *layout);

void vuser_layout_single(const struct vuser_mapping *map, u32 backing,
			 struct vuser_layout_region *region);
void vuser_layout_add_room(struct vuser_layout_region *region, u64 low, u64 high);

/**
 * vuser_layout_budget() - compute how many dma regions a layout may use
 * @limit: number of dma regions that the server accepts
 *
 * A layout that needs more dma regions joins some of them.  The remaining dma
 * regions are for later mappings.
 *
 * Context: any.
 * Return: half of @limit, at least 1.
 */
static inline u32 vuser_layout_budget(u32 limit)
{
	return limit > 1 ? limit / 2 : 1;
}

#endif /* VUSER_LAYOUT_H */
