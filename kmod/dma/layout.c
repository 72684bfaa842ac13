// SPDX-License-Identifier: GPL-2.0
/*
 * The layout of a server map: which dma regions a server gets for a list of
 * mappings.
 *
 * A server accepts a limited number of dma regions, but a consumer may make any
 * number of mappings.  If there are few mappings, each mapping becomes a dma
 * region.  (Mappings that are adjacent, both in IOVA and in their file, become
 * one dma region.)  A layout uses at most half of the dma regions that the server
 * accepts, if possible.  If the mappings need more, the dma regions with the
 * smallest holes between them are joined into windows.  The other half is for
 * later mappings.
 *
 * A window never contains both writable and read-only mappings, because a page
 * in a writable mapping of the server cannot be kept read-only.  A window never
 * contains device memory.
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

/* A hole between two dma regions; @index is the index of the second. */
struct vuser_gap {
	u64 size;
	size_t index;
};

/**
 * vuser_layout_kind() - choose the kind of a dma region for one mapping
 * @map: the mapping
 * @memory_only: never pass the consumer's files to the server
 *
 * A file may have been sealed after the consumer mapped it.  The server cannot
 * map such a file for writing, so it gets a memory fd.
 *
 * Context: any; the caller makes sure that @map is not freed meanwhile.
 * Return: the kind; never VUSER_DMA_REGION_WINDOW.
 */
enum vuser_dma_region_kind vuser_layout_kind(const struct vuser_mapping *map,
					     bool memory_only)
{
	struct file *file = map->back.file;

	if (map->back.opaque)
		return VUSER_DMA_REGION_OPAQUE;
	return file && !memory_only && !vuser_file_sealed(file) ?
	       VUSER_DMA_REGION_FILE : VUSER_DMA_REGION_MEMORY;
}

/* Is @map adjacent to @prev, both in IOVA and in the same file? */
static bool vuser_layout_neighbours(const struct vuser_mapping *prev,
				    const struct vuser_mapping *map)
{
	return prev->node.last + 1 == map->node.start &&
	       prev->prot == map->prot &&
	       file_inode(prev->back.file) == file_inode(map->back.file) &&
	       prev->back.offset + vuser_mapping_size(prev) ==
	       map->back.offset;
}

/**
 * vuser_layout_exact() - make a layout without windows
 * @layout: @maps and @nr_maps are set, the mappings are sorted by IOVA
 * @memory_only: never pass the consumer's files to the server
 *
 * Each mapping becomes a dma region.  Mappings that are adjacent in IOVA and in
 * their file become one dma region.
 *
 * Context: process; may sleep; the caller makes sure that the mappings are not
 * freed.
 * Return: 0 or -ENOMEM; in both cases the caller frees with
 * vuser_layout_free().
 */
int vuser_layout_exact(struct vuser_layout *layout, bool memory_only)
{
	struct vuser_layout_region *region = NULL;
	struct vuser_mapping *map;
	size_t i;

	layout->nr = 0;
	layout->regions = kvcalloc(layout->nr_maps, sizeof(*region), GFP_KERNEL);
	if (layout->nr_maps && !layout->regions)
		return -ENOMEM;

	for (i = 0; i < layout->nr_maps; i++) {
		enum vuser_dma_region_kind kind;

		map = layout->maps[i];
		kind = vuser_layout_kind(map, memory_only);
		if (region && kind == VUSER_DMA_REGION_FILE &&
		    region->kind == kind &&
		    vuser_layout_neighbours(layout->maps[i - 1], map)) {
			region->last = map->node.last;
			region->count++;
			continue;
		}
		region = &layout->regions[layout->nr++];
		region->start = map->node.start;
		region->last = map->node.last;
		region->prot = map->prot;
		region->kind = kind;
		region->first = i;
		region->count = 1;
	}
	return 0;
}

/* May two dma regions be in one window? */
static bool vuser_layout_joinable(const struct vuser_layout_region *a,
				  const struct vuser_layout_region *b)
{
	return a->prot == b->prot && a->kind != VUSER_DMA_REGION_OPAQUE &&
	       b->kind != VUSER_DMA_REGION_OPAQUE;
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

/* Joins each marked dma region and the previous one into one window. */
static void vuser_layout_join(struct vuser_layout *layout)
{
	struct vuser_layout_region *window = layout->regions, *r;
	size_t i;

	for (i = 1; i < layout->nr; i++) {
		r = &layout->regions[i];
		if (r->join && r->last - window->start < VUSER_WINDOW_MAX) {
			window->kind = VUSER_DMA_REGION_WINDOW;
			window->last = r->last;
			window->count += r->count;
		} else {
			*++window = *r;
		}
	}
	layout->nr = window - layout->regions + 1;
}

/*
 * Enlarges writable windows to multiples of VUSER_WINDOW_SIZE, or up to the
 * adjacent dma regions, so that later mappings may lie in the windows.
 * Read-only windows keep their size: a larger read-only window would take
 * addresses that writable mappings may need.
 */
static void vuser_layout_round(struct vuser_layout *layout)
{
	struct vuser_layout_region *r;
	u64 low = 0, high;
	size_t i;

	for (i = 0; i < layout->nr; i++) {
		r = &layout->regions[i];
		high = i + 1 < layout->nr ? r[1].start - 1 : VUSER_LAST_IOVA;
		if (r->kind == VUSER_DMA_REGION_WINDOW &&
		    (r->prot & VFIO_DMA_MAP_FLAG_WRITE)) {
			r->start = max(low, round_down(r->start,
						       VUSER_WINDOW_SIZE));
			r->last = min(high, r->last | (VUSER_WINDOW_SIZE - 1));
		}
		low = r->last + 1;
	}
}

/**
 * vuser_layout_fit() - join dma regions into windows, if the server needs that
 * @layout: a layout from vuser_layout_exact()
 * @limit: number of dma regions that the server accepts, not 0
 *
 * Does nothing if the layout has at most vuser_layout_budget() dma regions.
 *
 * Context: process; may sleep.
 * Return: 0; -E2BIG when the layout still has more than @limit dma regions;
 * -ENOMEM.
 */
int vuser_layout_fit(struct vuser_layout *layout, u32 limit)
{
	u32 budget = vuser_layout_budget(limit);
	int ret;

	if (layout->nr <= budget)
		return 0;
	ret = vuser_layout_mark_nearest(layout, layout->nr - budget);
	if (ret)
		return ret;
	vuser_layout_join(layout);
	vuser_layout_round(layout);
	return layout->nr > limit ? -E2BIG : 0;
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
