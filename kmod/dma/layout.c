// SPDX-License-Identifier: GPL-2.0
/*
 * Which DMA regions a server is told for a list of mappings.
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

#include "dma/domain.h"
#include "dma/file.h"
#include "dma/layout.h"

/* A hole between two regions that may be joined. */
struct vuser_gap {
	u64 size;
	size_t index;
};

/**
 * vuser_plan_kind() - how a mapping is told by itself
 * @map: the mapping
 * @memory_only: the consumer's files are not given away
 *
 * A file that was sealed after the consumer mapped it is of no use to a server,
 * which could not map it for writing.
 */
enum vuser_region_kind vuser_plan_kind(const struct vuser_mapping *map,
				       bool memory_only)
{
	struct file *file = map->back.file;

	if (map->back.opaque)
		return VUSER_REGION_OPAQUE;
	return file && !memory_only && !vuser_file_sealed(file) ?
	       VUSER_REGION_FILE : VUSER_REGION_MEMORY;
}

/* Does @map go on in its file where @prev ends? */
static bool vuser_plan_neighbours(const struct vuser_mapping *prev,
				  const struct vuser_mapping *map)
{
	return prev->node.last + 1 == map->node.start &&
	       prev->prot == map->prot &&
	       file_inode(prev->back.file) == file_inode(map->back.file) &&
	       prev->back.offset + vuser_mapping_size(prev) ==
	       map->back.offset;
}

/**
 * vuser_plan_exact() - a region for every mapping, or for neighbours in a file
 * @plan: its mappings are set, in order
 * @memory_only: the consumer's files are not given away
 *
 * Return: 0, and the regions to be freed with vuser_plan_free(), or -ENOMEM.
 */
int vuser_plan_exact(struct vuser_plan *plan, bool memory_only)
{
	struct vuser_plan_region *region = NULL;
	struct vuser_mapping *map;
	size_t i;

	plan->nr = 0;
	plan->regions = kvcalloc(plan->nr_maps, sizeof(*region), GFP_KERNEL);
	if (plan->nr_maps && !plan->regions)
		return -ENOMEM;

	for (i = 0; i < plan->nr_maps; i++) {
		enum vuser_region_kind kind;

		map = plan->maps[i];
		kind = vuser_plan_kind(map, memory_only);
		if (region && kind == VUSER_REGION_FILE &&
		    region->kind == kind &&
		    vuser_plan_neighbours(plan->maps[i - 1], map)) {
			region->last = map->node.last;
			region->count++;
			continue;
		}
		region = &plan->regions[plan->nr++];
		region->start = map->node.start;
		region->last = map->node.last;
		region->prot = map->prot;
		region->kind = kind;
		region->first = i;
		region->count = 1;
	}
	return 0;
}

static bool vuser_plan_joinable(const struct vuser_plan_region *a,
				const struct vuser_plan_region *b)
{
	return a->prot == b->prot && a->kind != VUSER_REGION_OPAQUE &&
	       b->kind != VUSER_REGION_OPAQUE;
}

static int vuser_gap_compare(const void *a, const void *b)
{
	const struct vuser_gap *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Marks the @need regions that are nearest to the one before. */
static int vuser_plan_mark(struct vuser_plan *plan, size_t need)
{
	struct vuser_plan_region *r = plan->regions;
	struct vuser_gap *gaps;
	size_t i, nr = 0;

	gaps = kvcalloc(plan->nr, sizeof(*gaps), GFP_KERNEL);
	if (!gaps)
		return -ENOMEM;
	for (i = 1; i < plan->nr; i++) {
		if (!vuser_plan_joinable(&r[i - 1], &r[i]))
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
static void vuser_plan_join(struct vuser_plan *plan)
{
	struct vuser_plan_region *to = plan->regions, *r;
	size_t i;

	for (i = 1; i < plan->nr; i++) {
		r = &plan->regions[i];
		if (r->join && r->last - to->start < VUSER_WINDOW_MAX) {
			to->kind = VUSER_REGION_WINDOW;
			to->last = r->last;
			to->count += r->count;
		} else {
			*++to = *r;
		}
	}
	plan->nr = to - plan->regions + 1;
}

/*
 * Windows reach as far as the boundaries around them, or their neighbours, so
 * that mappings to come fall into them.  Not read-only ones, which would only
 * be in the way of writable mappings.
 */
static void vuser_plan_round(struct vuser_plan *plan)
{
	struct vuser_plan_region *r;
	u64 low = 0, high;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		r = &plan->regions[i];
		high = i + 1 < plan->nr ? r[1].start - 1 : VUSER_LAST_IOVA;
		if (r->kind == VUSER_REGION_WINDOW &&
		    (r->prot & VFIO_DMA_MAP_FLAG_WRITE)) {
			r->start = max(low, round_down(r->start,
						       VUSER_WINDOW_SIZE));
			r->last = min(high, r->last | (VUSER_WINDOW_SIZE - 1));
		}
		low = r->last + 1;
	}
}

/**
 * vuser_plan_fit() - make windows until a plan fits a server
 * @plan: from vuser_plan_exact()
 * @limit: regions the server takes, not 0
 *
 * Return: 0, -E2BIG when it cannot be made to fit, or -ENOMEM.
 */
int vuser_plan_fit(struct vuser_plan *plan, u32 limit)
{
	u32 budget = vuser_plan_budget(limit);
	int ret;

	if (plan->nr <= budget)
		return 0;
	ret = vuser_plan_mark(plan, plan->nr - budget);
	if (ret)
		return ret;
	vuser_plan_join(plan);
	vuser_plan_round(plan);
	return plan->nr > limit ? -E2BIG : 0;
}

/**
 * vuser_plan_free() - free the regions and the list of mappings
 * @plan: the plan
 */
void vuser_plan_free(struct vuser_plan *plan)
{
	kvfree(plan->regions);
	kvfree(plan->maps);
}
