// SPDX-License-Identifier: GPL-2.0
/*
 * Makes the dma regions of a server as they should be: compares the layout of the whole
 * DMA map with the dma regions that the server has, and sends the difference.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/sched.h>

#include "dma/layout.h"
#include "dma/map.h"
#include "dma/server_map_state.h"
#include "dma/server_msg.h"
#include "dma/server_sync.h"
#include "server/desc.h"
#include "vuser.h"

/* The limit if the server announces no limit.  SPDK's server has this limit. */
#define VUSER_DEFAULT_LIMIT	64

/* The limit ------------------------------------------------------------------ */

/* The limit that the administrator set or the server announced; 0 if there is none. */
static u32 vuser_server_sync_announced_limit(struct vuser_server_map *sm)
{
	return READ_ONCE(sm->settings->max_dma_maps) ?: sm->chan->desc->max_dma_maps;
}

/**
 * vuser_server_sync_reset_limit() - drop a limit that was learned
 * @sm: the server map
 *
 * Context: process; the lock of the server map is held, or no other thread knows it yet.
 */
void vuser_server_sync_reset_limit(struct vuser_server_map *sm)
{
	sm->limit = vuser_server_sync_announced_limit(sm) ?: VUSER_DEFAULT_LIMIT;
}

/**
 * vuser_server_sync_full() - check whether a refusal may mean too many dma regions
 * @sm: the server map
 * @ret: result of a DMA_MAP message
 *
 * Some servers reply with EINVAL in this case, others with ENOSPC.  If the limit is
 * known, the server refused for another reason.
 *
 * Context: process; the lock of the server map is held.
 * Return: true if the number of dma regions may be the reason.
 */
bool vuser_server_sync_full(struct vuser_server_map *sm, int ret)
{
	return (ret == -EINVAL || ret == -ENOSPC) && sm->nr &&
	       !vuser_server_sync_announced_limit(sm);
}

/**
 * vuser_server_sync_learn_limit() - take the number of dma regions as the limit
 * @sm: the server map; its server refused a further dma region
 *
 * Context: process; the lock of the server map is held.
 */
void vuser_server_sync_learn_limit(struct vuser_server_map *sm)
{
	dev_info_ratelimited(sm->chan->user.dev,
			     "server accepts %u DMA regions instead of %u\n",
			     sm->nr, sm->limit);
	sm->limit = sm->nr;
}

/* Layouts of the whole DMA map ----------------------------------------------- */

/* Do dma regions that can be kept cover the whole mapping? */
static bool vuser_server_sync_covers(struct vuser_server_map *sm,
				     const struct vuser_mapping *map)
{
	u64 next = map->node.start, last = map->node.last;
	struct vuser_dma_region *region;

	for (region = vuser_server_map_first(sm, next, last); region;
	     region = vuser_server_map_next(region, next, last)) {
		if (region->split || region->node.start > next ||
		    !vuser_dma_region_fits(region, map))
			return false;
		if (region->node.last >= last)
			return true;
		next = region->node.last + 1;
	}
	return false;
}

/*
 * Marks the dma regions that a mapping is in.  Unless dma regions that can be kept cover
 * the mapping, they must be replaced.  Returns true if that is new for one of them.
 */
static bool vuser_server_sync_mark_mapping(struct vuser_server_map *sm,
					   const struct vuser_mapping *map)
{
	bool split = !vuser_server_sync_covers(sm, map), changed = false;
	struct vuser_dma_region *region;

	for (region = vuser_server_map_first(sm, map->node.start, map->node.last);
	     region; region = vuser_server_map_next(region, map->node.start,
						    map->node.last)) {
		region->used = true;
		changed |= split && !region->split;
		region->split |= split;
	}
	return changed;
}

/*
 * Marks the dma regions that have a mapping in their range, and those that must be
 * replaced because they have a mapping that does not fit, or only a part of a mapping.
 * If one dma region of a mapping must be replaced, all of them must be.
 */
static void vuser_server_sync_mark(struct vuser_server_map *sm,
				   struct vuser_layout *layout)
{
	struct vuser_dma_region *region;
	bool changed;
	size_t i;

	for (region = vuser_server_map_first(sm, 0, ULONG_MAX); region;
	     region = vuser_server_map_next(region, 0, ULONG_MAX)) {
		region->used = false;
		region->split = false;
	}
	do {
		changed = false;
		for (i = 0; i < layout->nr_maps; i++) {
			changed |= vuser_server_sync_mark_mapping(sm,
								  layout->maps[i]);
			cond_resched();
		}
	} while (changed);
}

/*
 * Unmaps the dma regions that no mapping uses: those of mappings that another thread is
 * about to unmap.
 */
static int vuser_server_sync_unmap_unused(struct vuser_server_map *sm)
{
	struct vuser_dma_region *region, *next;
	int ret = 0;

	for (region = vuser_server_map_first(sm, 0, ULONG_MAX); region && !ret;
	     region = next) {
		next = vuser_server_map_next(region, 0, ULONG_MAX);
		if (!region->used)
			ret = vuser_server_msg_unmap(sm, region);
	}
	return ret;
}

/* The function @find of struct vuser_layout: keeps what the server has. */
static bool vuser_server_sync_find(void *context, u64 iova,
				   struct vuser_layout_region *layout)
{
	struct vuser_server_map *sm = context;
	struct vuser_dma_region *region;

	region = vuser_server_map_first(sm, iova, iova);
	if (!region || region->split)
		return false;
	layout->start = region->node.start;
	layout->last = region->node.last;
	layout->prot = region->prot;
	layout->kind = region->kind;
	return true;
}

/* The mappings that overlap a dma region of the layout; sets *@nr to their number. */
static struct vuser_mapping **
vuser_server_sync_overlapping(const struct vuser_layout *layout,
			      const struct vuser_layout_region *want, size_t *nr)
{
	size_t first = want->first, end;

	while (first && layout->maps[first - 1]->node.last >= want->start)
		first--;
	for (end = first; end < layout->nr_maps; end++)
		if (layout->maps[end]->node.start > want->last)
			break;
	*nr = end - first;
	return &layout->maps[first];
}

/* Adds the pages of the mappings to the dma region that the server keeps. */
static int vuser_server_sync_keep(struct vuser_server_map *sm,
				  const struct vuser_layout *layout,
				  const struct vuser_layout_region *want)
{
	struct vuser_dma_region *region;
	struct vuser_mapping **maps;
	size_t i, nr;
	int ret = 0;

	region = vuser_server_map_first(sm, want->start, want->start);
	maps = vuser_server_sync_overlapping(layout, want, &nr);
	for (i = 0; i < nr && !ret; i++) {
		ret = vuser_dma_region_fill(region, maps[i]);
		cond_resched();
	}
	return ret;
}

/* Is the dma region of the layout a dma region that the server has? */
static bool vuser_server_sync_has(struct vuser_server_map *sm,
				  const struct vuser_layout *layout,
				  const struct vuser_layout_region *want)
{
	struct vuser_dma_region *region;

	if (want->kept)
		return true;
	region = vuser_server_map_first(sm, want->start, want->start);
	return region && vuser_dma_region_matches(region, want,
						  layout->maps[want->first]);
}

/*
 * Makes one dma region of the server as the layout describes it.  With @replace,
 * does so only if it replaces others; these come first, because they make room for
 * new ones.
 */
static int vuser_server_sync_apply_region(struct vuser_server_map *sm,
					  struct vuser_layout *layout,
					  struct vuser_layout_region *want,
					  bool replace)
{
	struct vuser_mapping **maps;
	size_t nr;
	int ret;

	if (vuser_server_sync_has(sm, layout, want))
		return replace ? vuser_server_sync_keep(sm, layout, want) : 0;
	if (replace && !vuser_server_map_first(sm, want->start, want->last))
		return 0;
	ret = vuser_server_msg_clear(sm, want->start, want->last);
	if (ret)
		return ret;
	maps = vuser_server_sync_overlapping(layout, want, &nr);
	return vuser_server_msg_map(sm, want, maps, nr);
}

static int vuser_server_sync_apply(struct vuser_server_map *sm,
				   struct vuser_layout *layout)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < layout->nr && !ret; i++)
		ret = vuser_server_sync_apply_region(sm, layout, &layout->regions[i],
						     true);
	for (i = 0; i < layout->nr && !ret; i++)
		ret = vuser_server_sync_apply_region(sm, layout, &layout->regions[i],
						     false);
	return ret;
}

/*
 * vuser_server_sync() with the limit that is known now.  Returns -E2BIG if the layout
 * has too many dma regions.
 */
static int vuser_server_sync_once(struct vuser_server_map *sm,
				  enum vuser_server_sync_mode mode)
{
	struct vuser_layout layout = {
		.backing = READ_ONCE(sm->settings->dma_backing),
		.limit = sm->limit,
		.single = mode == VUSER_SYNC_SINGLE,
		.context = sm,
	};
	int ret;

	ret = vuser_server_msg_unmap_leaving(sm, 0, ULONG_MAX);
	if (ret)
		return ret;
	layout.maps = vuser_map_snapshot(sm->dmap, 0, ULONG_MAX, &layout.nr_maps);
	if (IS_ERR(layout.maps))
		return PTR_ERR(layout.maps);
	vuser_server_sync_mark(sm, &layout);
	ret = vuser_server_sync_unmap_unused(sm);
	if (ret)
		goto out;
	if (mode == VUSER_SYNC_KEEP || mode == VUSER_SYNC_SINGLE) {
		layout.find = vuser_server_sync_find;
		layout.nr_kept = sm->nr;
	}
	ret = vuser_layout_build(&layout);
	if (!ret && (mode != VUSER_SYNC_JOIN || sm->incomplete ||
		     layout.nr < sm->nr))
		ret = vuser_server_sync_apply(sm, &layout);
out:
	vuser_layout_free(&layout);
	return ret;
}

/**
 * vuser_server_sync() - make the dma regions of the server as they should be
 * @sm: the server map of an open device whose server is not lost
 * @mode: how the layout is chosen
 *
 * Unmaps the dma regions that no mapping uses, and maps the mappings that no dma region
 * has.  May be called at any time.
 *
 * If the server refuses a dma region after it has accepted others, the number of the
 * others is taken as its limit, and a smaller layout is tried, once.  If that fails, the
 * limit was not the reason.
 *
 * Context: process; sleeps killably until the server has replied; the lock of the server
 * map is held.
 * Return: 0; -EINTR when killed; -ENOSPC when the server accepts too few dma regions;
 * -ENOMEM; -ENODEV when the device is being closed; -ETIMEDOUT; or the errno with which
 * the server refused.
 */
int vuser_server_sync(struct vuser_server_map *sm, enum vuser_server_sync_mode mode)
{
	int ret = vuser_server_sync_once(sm, mode);

	if (vuser_server_sync_full(sm, ret) && sm->nr < sm->limit) {
		vuser_server_sync_learn_limit(sm);
		ret = vuser_server_sync_once(sm, mode);
	}
	sm->incomplete = ret;
	if (ret)
		vuser_server_sync_reset_limit(sm);
	return ret == -E2BIG ? -ENOSPC : ret;
}
