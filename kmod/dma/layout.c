// SPDX-License-Identifier: GPL-2.0
/*
 * The layout of a server map: which dma regions a server gets for a list of
 * mappings.
 *
 * Many servers look up a buffer in one dma region, so a buffer must not cross from
 * one dma region to the next.  Therefore an island is one dma region.  An island is
 * a run of mappings that are adjacent in IOVA and have the same access.  An island
 * of one mapping has the consumer's own file, if the server can map that file.
 * Any other island has a memory fd.  A consumer that has made an island of several
 * mappings will probably continue it, so the dma region of a writable island has
 * room for later mappings after its end.  (With the setting dma_backing=file there is
 * no room, because a later mapping there may have a file.)
 *
 * A server accepts a limited number of dma regions, but a consumer may make any
 * number of mappings.  A layout uses at most half of the dma regions that the server
 * accepts, if possible.  If there are more islands, those with the smallest holes
 * between them are joined into one dma region.  The other half is for later
 * mappings.  A layout that keeps dma regions of the server, or that should have the
 * consumer's own files, joins dma regions only if the server does not accept all of
 * them.
 *
 * A dma region never contains both writable and read-only mappings, because a page
 * in a writable mapping of the server cannot be kept read-only.  A dma region with a
 * memory fd never contains device memory.
 */
#include <linux/fs.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/vfio.h>

#include "dma/map.h"
#include "dma/file.h"
#include "dma/layout.h"
#include "vuser.h"

/* A hole between two dma regions; @index is the index of the second. */
struct vuser_gap {
	u64 size;
	size_t index;
};

/* The kind of a dma region that has only this mapping. */
static enum vuser_dma_region_kind vuser_layout_kind(const struct vuser_mapping *map,
						    u32 backing)
{
	struct file *file = map->back.file;

	if (map->back.opaque)
		return VUSER_DMA_REGION_OPAQUE;
	/*
	 * The file may have been sealed after the consumer mapped it.  The server
	 * cannot map such a file for writing.
	 */
	if (!file || backing == VUSER_DMA_BACKING_MEMORY ||
	    vuser_file_sealed(file))
		return VUSER_DMA_REGION_MEMORY;
	return VUSER_DMA_REGION_FILE;
}

/**
 * vuser_layout_single() - describe a dma region that has exactly one mapping
 * @map: the mapping
 * @backing: setting dma_backing
 * @region: filled in
 *
 * Context: any; the caller makes sure that @map is not freed meanwhile.
 */
void vuser_layout_single(const struct vuser_mapping *map, u32 backing,
			 struct vuser_layout_region *region)
{
	*region = (struct vuser_layout_region){
		.start = map->node.start,
		.last = map->node.last,
		.prot = map->prot,
		.kind = vuser_layout_kind(map, backing),
	};
}

/* May the dma regions be parts of one dma region with a memory fd? */
static bool vuser_layout_joinable(const struct vuser_layout_region *a,
				  const struct vuser_layout_region *b)
{
	return a->prot == b->prot && a->kind != VUSER_DMA_REGION_OPAQUE &&
	       b->kind != VUSER_DMA_REGION_OPAQUE;
}

/* Does @next continue the island @region? */
static bool vuser_layout_continues(const struct vuser_layout *layout,
				   const struct vuser_layout_region *region,
				   const struct vuser_layout_region *next)
{
	if (layout->single || region->kept || region->last + 1 != next->start ||
	    !vuser_layout_joinable(region, next))
		return false;
	/* With this setting a memory fd is used only if there is no file. */
	return layout->backing != VUSER_DMA_BACKING_FILE ||
	       (region->kind == VUSER_DMA_REGION_MEMORY &&
		next->kind == VUSER_DMA_REGION_MEMORY);
}

static struct vuser_layout_region *vuser_layout_last(struct vuser_layout *layout)
{
	return layout->nr ? &layout->regions[layout->nr - 1] : NULL;
}

/*
 * Adds the dma regions that the server has and that mapping @i is in.  Returns false if
 * there is none.
 */
static bool vuser_layout_keep(struct vuser_layout *layout, size_t i)
{
	const struct vuser_mapping *map = layout->maps[i];
	struct vuser_layout_region next = {}, *last;
	u64 iova = map->node.start;

	if (!layout->find)
		return false;
	while (iova <= map->node.last && layout->find(layout->context, iova, &next)) {
		last = vuser_layout_last(layout);
		if (!last || !last->kept || last->start != next.start) {
			next.kept = true;
			next.first = i;
			layout->regions[layout->nr++] = next;
		}
		iova = next.last + 1;
	}
	return iova != map->node.start;
}

/* Adds mapping @i to the last dma region of the layout, or as a new one. */
static void vuser_layout_add(struct vuser_layout *layout, size_t i)
{
	struct vuser_layout_region *last = vuser_layout_last(layout), next;

	if (vuser_layout_keep(layout, i))
		return;
	vuser_layout_single(layout->maps[i], layout->backing, &next);
	if (last && vuser_layout_continues(layout, last, &next)) {
		last->last = next.last;
		last->kind = VUSER_DMA_REGION_MEMORY;
		if (layout->backing != VUSER_DMA_BACKING_FILE)
			last->room = VUSER_ROOM_AFTER;
		return;
	}
	next.first = i;
	layout->regions[layout->nr++] = next;
}

/* Compares holes by size; if the sizes are equal, by IOVA. */
static int vuser_gap_compare(const void *a, const void *b)
{
	const struct vuser_gap *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/*
 * Marks @need dma regions for joining: those with the smallest hole before them.
 */
static int vuser_layout_mark_nearest(struct vuser_layout *layout, size_t need)
{
	struct vuser_layout_region *r = layout->regions;
	struct vuser_gap *gaps;
	size_t i, nr = 0;

	gaps = kvcalloc(layout->nr, sizeof(*gaps), GFP_KERNEL);
	if (!gaps)
		return -ENOMEM;
	for (i = 1; i < layout->nr; i++) {
		if (!vuser_layout_joinable(&r[i - 1], &r[i]))
			continue;
		gaps[nr].size = r[i].start - r[i - 1].last - 1;
		gaps[nr++].index = i;
	}
	sort(gaps, nr, sizeof(*gaps), vuser_gap_compare, NULL);
	for (i = 0; i < min(nr, need); i++)
		r[gaps[i].index].join = true;
	kvfree(gaps);
	return 0;
}

/* Joins each marked dma region and the previous one. */
static void vuser_layout_join(struct vuser_layout *layout)
{
	struct vuser_layout_region *joined = layout->regions, *r;
	size_t i;

	for (i = 1; i < layout->nr; i++) {
		r = &layout->regions[i];
		if (r->join && r->last - joined->start < VUSER_JOIN_MAX) {
			joined->kind = VUSER_DMA_REGION_MEMORY;
			joined->last = r->last;
			joined->kept = false;
			joined->room = VUSER_ROOM_BEFORE | VUSER_ROOM_AFTER;
		} else {
			*++joined = *r;
		}
	}
	layout->nr = joined - layout->regions + 1;
}

/**
 * vuser_layout_add_room() - enlarge a dma region for later mappings
 * @region: the dma region; @room says on which side
 * @low: lowest IOVA that the dma region may have
 * @high: highest IOVA that the dma region may have
 *
 * Enlarges writable dma regions to multiples of VUSER_ROOM_SIZE, within @low and
 * @high.  Read-only dma regions keep their size: otherwise they would take addresses
 * that writable mappings may need.
 *
 * Context: any.
 */
void vuser_layout_add_room(struct vuser_layout_region *region, u64 low, u64 high)
{
	if (!(region->prot & VFIO_DMA_MAP_FLAG_WRITE))
		return;
	if (region->room & VUSER_ROOM_BEFORE)
		region->start = max(low, round_down(region->start,
						    VUSER_ROOM_SIZE));
	if (region->room & VUSER_ROOM_AFTER)
		region->last = min(high, region->last | (VUSER_ROOM_SIZE - 1));
}

/* Enlarges dma regions that should have room, up to their neighbours. */
static void vuser_layout_add_rooms(struct vuser_layout *layout)
{
	struct vuser_layout_region *r;
	u64 low = 0, high;
	size_t i;

	for (i = 0; i < layout->nr; i++) {
		r = &layout->regions[i];
		high = i + 1 < layout->nr ? r[1].start - 1 : VUSER_LAST_IOVA;
		vuser_layout_add_room(r, low, high);
		low = r->last + 1;
	}
}

/**
 * vuser_layout_build() - make a layout
 * @layout: all fields except @regions and @nr are set
 *
 * Context: process; may sleep; the caller makes sure that the mappings are not
 * freed.
 * Return: 0; -E2BIG when the layout needs more than @limit dma regions; -ENOMEM.
 * In all cases the caller frees with vuser_layout_free().
 */
int vuser_layout_build(struct vuser_layout *layout)
{
	u32 budget = vuser_layout_budget(layout->limit);
	u32 max = layout->find || layout->backing == VUSER_DMA_BACKING_FILE ?
		  layout->limit : budget;
	size_t i;
	int ret;

	layout->nr = 0;
	layout->regions = kvcalloc(layout->nr_maps + layout->nr_kept,
				   sizeof(*layout->regions), GFP_KERNEL);
	if (layout->nr_maps && !layout->regions)
		return -ENOMEM;
	for (i = 0; i < layout->nr_maps; i++) {
		vuser_layout_add(layout, i);
		cond_resched();
	}
	if (layout->nr > max) {
		ret = vuser_layout_mark_nearest(layout, layout->nr - budget);
		if (ret)
			return ret;
		vuser_layout_join(layout);
	}
	vuser_layout_add_rooms(layout);
	return layout->nr > layout->limit ? -E2BIG : 0;
}

/**
 * vuser_layout_free() - free the dma regions and the list of mappings
 * @layout: the layout; the mappings themselves are not freed
 *
 * Context: process; may sleep.
 */
void vuser_layout_free(struct vuser_layout *layout)
{
	kvfree(layout->regions);
	kvfree(layout->maps);
}
