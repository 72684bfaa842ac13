// SPDX-License-Identifier: GPL-2.0
/*
 * Which DMA regions a server gets for a list of mappings.
 *
 * Servers take a limited number of regions, consumers map any number of
 * pieces.  While they are few, each mapping is a region of its own, and those
 * that are neighbours in address and in file are one.  When they are more than
 * half of what the server takes (the other half is for those to come), the
 * ones that are nearest to each other are joined into windows, until they fit.
 *
 * What a server may write and what it may only read are never in one window,
 * since a page in a writable mapping cannot be kept read-only.  Device memory
 * cannot be in a window at all.
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

/* A hole between two regions that may be joined. */
struct vuser_gap {
	u64 size;
	size_t index;
};

/**
 * vuser_layout_kind() - the kind of a region for one mapping
 * @map: the mapping
 * @memory_only: the consumer's files are not given away
 *
 * A file that was sealed after the consumer mapped it is of no use to a server,
 * which could not map it for writing.
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

/* Does @map go on in its file where @prev ends? */
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
 * vuser_layout_exact() - a region for every mapping, or for neighbours in a file
 * @layout: its mappings are set, in order
 * @memory_only: the consumer's files are not given away
 *
 * Return: 0, and the regions to be freed with vuser_layout_free(), or -ENOMEM.
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

static bool vuser_layout_joinable(const struct vuser_layout_region *a,
				  const struct vuser_layout_region *b)
{
	return a->prot == b->prot && a->kind != VUSER_DMA_REGION_OPAQUE &&
	       b->kind != VUSER_DMA_REGION_OPAQUE;
}

static int vuser_gap_compare(const void *a, const void *b)
{
	const struct vuser_gap *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Marks the @need regions that are nearest to the one before. */
static int vuser_layout_mark(struct vuser_layout *layout, size_t need)
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

/* Makes one window of the marked regions and the one before them. */
static void vuser_layout_join(struct vuser_layout *layout)
{
	struct vuser_layout_region *to = layout->regions, *r;
	size_t i;

	for (i = 1; i < layout->nr; i++) {
		r = &layout->regions[i];
		if (r->join && r->last - to->start < VUSER_WINDOW_MAX) {
			to->kind = VUSER_DMA_REGION_WINDOW;
			to->last = r->last;
			to->count += r->count;
		} else {
			*++to = *r;
		}
	}
	layout->nr = to - layout->regions + 1;
}

/*
 * Windows reach as far as the boundaries around them, or their neighbours, so
 * that mappings to come fall into them.  Not read-only ones, which would only
 * be in the way of writable mappings.
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
 * vuser_layout_fit() - make windows until a layout fits a server
 * @layout: from vuser_layout_exact()
 * @limit: regions the server takes, not 0
 *
 * Return: 0, -E2BIG when it cannot be made to fit, or -ENOMEM.
 */
int vuser_layout_fit(struct vuser_layout *layout, u32 limit)
{
	u32 budget = vuser_layout_budget(limit);
	int ret;

	if (layout->nr <= budget)
		return 0;
	ret = vuser_layout_mark(layout, layout->nr - budget);
	if (ret)
		return ret;
	vuser_layout_join(layout);
	vuser_layout_round(layout);
	return layout->nr > limit ? -E2BIG : 0;
}

/**
 * vuser_layout_free() - free the regions and the list of mappings
 * @layout: the layout
 */
void vuser_layout_free(struct vuser_layout *layout)
{
	kvfree(layout->regions);
	kvfree(layout->maps);
}
