// SPDX-License-Identifier: GPL-2.0
/*
 * The server map of an open device: the dma regions that its server has.
 *
 * layout.c decides which dma regions a list of mappings should have.  When a device is
 * opened, its server gets the layout of the whole DMA map.  Later changes take nothing
 * away from the server that stays mapped:
 *
 * - A new mapping in the range of a dma region with a memory fd and the same access
 *   is added to the memory fd.  No message is sent.
 * - Any other new mapping becomes a dma region, or the part of it that is in no dma
 *   region does.  If the consumer will probably continue an island there, the dma
 *   region has a memory fd and room for later mappings: if the mapping is next to an
 *   island, or is one huge page of hugetlbfs (DPDK maps each huge page by itself).
 * - The pages of a mapping that is unmapped are removed from the memory fd.  A dma
 *   region is unmapped after its last mapping.
 *
 * Two cases need another layout, which replaces dma regions.  While a dma region is
 * replaced, the server has no access to its memory.  The first case: the server
 * accepts no more dma regions, and some must be joined.  A dma region with room, and
 * the half of the server's dma regions that layouts leave free, make this rare.  The
 * second case: a mapping with another access, or of device memory, is in the room of a
 * dma region.  All other dma regions are kept.
 *
 * vuser_server_map_sync() makes the dma regions of the server as they should be.  It may
 * be called at any time.  If a message fails, a work item calls it again.
 */
#include <linux/interval_tree.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "dma/dma_region.h"
#include "dma/file.h"
#include "dma/layout.h"
#include "dma/map.h"
#include "dma/server_map.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/desc.h"
#include "vuser.h"

/* The limit if the server announces no limit.  SPDK's server has this limit. */
#define VUSER_DEFAULT_LIMIT	64

/* Delay before a failed message is sent again, in milliseconds; doubles each time. */
#define VUSER_RETRY_MIN		100
#define VUSER_RETRY_MAX		25600

static struct vuser_dma_region *vuser_server_map_entry(struct interval_tree_node *n)
{
	return n ? container_of(n, struct vuser_dma_region, node) : NULL;
}

/* The first dma region that overlaps the range, or NULL. */
static struct vuser_dma_region *vuser_server_map_first(struct vuser_server_map *sm,
						       u64 first, u64 last)
{
	return vuser_server_map_entry(interval_tree_iter_first(&sm->regions, first,
							       last));
}

static struct vuser_dma_region *
vuser_server_map_next(struct vuser_dma_region *region, u64 first, u64 last)
{
	return vuser_server_map_entry(interval_tree_iter_next(&region->node, first,
							      last));
}

/*
 * Was the current thread killed?  The helper may refuse an fdmsg with EINTR as well,
 * so check the signal, too.
 */
static bool vuser_server_map_killed(int ret)
{
	return ret == -EINTR && fatal_signal_pending(current);
}

static bool vuser_server_map_lost(struct vuser_server_map *sm)
{
	return vuser_channel_lost(sm->chan);
}

static bool vuser_server_map_closing(struct vuser_server_map *sm)
{
	return READ_ONCE(sm->closing);
}

/* The limit that the administrator set or the server announced; 0 if there is none. */
static u32 vuser_server_map_announced_limit(struct vuser_server_map *sm)
{
	return READ_ONCE(sm->settings->max_dma_maps) ?: sm->chan->desc->max_dma_maps;
}

static void vuser_server_map_reset_limit(struct vuser_server_map *sm)
{
	sm->limit = vuser_server_map_announced_limit(sm) ?: VUSER_DEFAULT_LIMIT;
}

/*
 * Whether the server may have refused because it has too many dma regions.  Some
 * servers reply with EINVAL in this case, others with ENOSPC.  If the limit is known,
 * the server refused for another reason.
 */
static bool vuser_server_map_full(struct vuser_server_map *sm, int ret)
{
	return (ret == -EINVAL || ret == -ENOSPC) && sm->nr &&
	       !vuser_server_map_announced_limit(sm);
}

/*
 * The server refused a further dma region.  Take the number of dma regions that it has
 * as its limit.
 */
static void vuser_server_map_learn_limit(struct vuser_server_map *sm)
{
	dev_info_ratelimited(sm->chan->user.dev,
			     "server accepts %u DMA regions instead of %u\n",
			     sm->nr, sm->limit);
	sm->limit = sm->nr;
}

/* Messages ----------------------------------------------------------------- */

/* Removes a dma region from the server map and frees it. */
static void vuser_server_map_drop(struct vuser_server_map *sm,
				  struct vuser_dma_region *region)
{
	interval_tree_remove(&region->node, &sm->regions);
	sm->nr--;
	if (region->leaving)
		sm->nr_leaving--;
	vuser_dma_region_free(region);
}

/* Marks a dma region that must be unmapped later. */
static void vuser_server_map_set_leaving(struct vuser_server_map *sm,
					 struct vuser_dma_region *region)
{
	vuser_dma_region_empty(region);
	if (!region->leaving)
		sm->nr_leaving++;
	region->leaving = true;
}

/*
 * Unmaps a dma region in the server.  The server cannot access the pages of a memory
 * fd afterwards, whatever it replies.
 *
 * Returns 0 after the dma region was removed from the server map.  Fails if @killable
 * is set and the message could not be sent; the dma region is then leaving.  If the
 * current thread was killed after the message was sent, the server gets the message
 * before any later one, so the dma region is removed.
 */
static int vuser_server_map_unmap_region(struct vuser_server_map *sm,
					 struct vuser_dma_region *region,
					 ktime_t deadline, bool killable)
{
	bool sent;
	int ret;

	vuser_dma_region_empty(region);
	ret = vuser_cmd_dma_unmap(sm->chan, region->node.start,
				  vuser_dma_region_size(region), deadline,
				  killable, &sent);
	if (killable && !sent && !vuser_server_map_lost(sm)) {
		vuser_server_map_set_leaving(sm, region);
		return ret;
	}
	/* The server may refuse because it never mapped a leaving dma region. */
	if (ret && !region->leaving && !vuser_server_map_killed(ret) &&
	    !vuser_server_map_lost(sm))
		dev_warn_ratelimited(sm->chan->user.dev,
				     "server refused to unmap DMA region 0x%lx-0x%lx (%d)\n",
				     region->node.start, region->node.last,
				     ret);
	vuser_server_map_drop(sm, region);
	return 0;
}

/* Unmaps the leaving dma regions of a range. */
static int vuser_server_map_unmap_leaving(struct vuser_server_map *sm, u64 first,
					  u64 last)
{
	struct vuser_dma_region *region, *next;
	int ret;

	for (region = vuser_server_map_first(sm, first, last); region; region = next) {
		next = vuser_server_map_next(region, first, last);
		if (!region->leaving)
			continue;
		if (vuser_server_map_closing(sm))
			return -ENODEV;
		ret = vuser_server_map_unmap_region(sm, region,
						    vuser_channel_deadline(sm->chan),
						    true);
		if (ret)
			return ret;
	}
	return 0;
}

/* Unmaps the dma regions that overlap a range. */
static int vuser_server_map_clear(struct vuser_server_map *sm, u64 first, u64 last)
{
	struct vuser_dma_region *region;
	int ret;

	while ((region = vuser_server_map_first(sm, first, last))) {
		if (vuser_server_map_closing(sm))
			return -ENODEV;
		ret = vuser_server_map_unmap_region(sm, region,
						    vuser_channel_deadline(sm->chan),
						    true);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Maps a dma region in the server.  @maps are the mappings that overlap it.  If we were
 * killed while waiting, we cannot know whether the server has the dma region.  The dma
 * region is then leaving.
 */
static int vuser_server_map_map_region(struct vuser_server_map *sm,
				       const struct vuser_layout_region *layout,
				       struct vuser_mapping **maps, size_t nr_maps)
{
	bool guard = READ_ONCE(sm->settings->dma_holes) == VUSER_DMA_HOLES_FAULT;
	struct vuser_dma_region *region;
	size_t i;
	int ret = 0;

	if (vuser_server_map_closing(sm))
		return -ENODEV;
	region = vuser_dma_region_alloc(layout, maps[0], guard);
	if (IS_ERR(region))
		return PTR_ERR(region);
	interval_tree_insert(&region->node, &sm->regions);
	sm->nr++;

	for (i = 0; i < nr_maps && !ret; i++) {
		ret = vuser_dma_region_fill(region, maps[i]);
		cond_resched();
	}
	if (!ret)
		ret = vuser_cmd_dma_map(sm->chan, region->node.start,
					vuser_dma_region_size(region), region->prot,
					region->file, region->offset,
					vuser_channel_deadline(sm->chan));
	if (!ret)
		return 0;
	if (vuser_server_map_killed(ret))
		vuser_server_map_set_leaving(sm, region);
	else
		vuser_server_map_drop(sm, region);
	return ret;
}

/* Layouts of the whole DMA map ----------------------------------------------- */

/* Do dma regions without a hole between them cover the whole mapping? */
static bool vuser_server_map_covers(struct vuser_server_map *sm,
				    const struct vuser_mapping *map)
{
	u64 next = map->node.start, last = map->node.last;
	struct vuser_dma_region *region;

	for (region = vuser_server_map_first(sm, next, last); region;
	     region = vuser_server_map_next(region, next, last)) {
		if (region->node.start > next || !vuser_dma_region_fits(region, map))
			return false;
		if (region->node.last >= last)
			return true;
		next = region->node.last + 1;
	}
	return false;
}

/*
 * Marks the dma regions that have a mapping in their range, and those that must be
 * replaced because they have a mapping that does not fit, or only a part of a mapping.
 */
static void vuser_server_map_mark(struct vuser_server_map *sm,
				  struct vuser_layout *layout)
{
	struct vuser_dma_region *region;
	struct vuser_mapping *map;
	bool covers;
	size_t i;

	for (region = vuser_server_map_first(sm, 0, ULONG_MAX); region;
	     region = vuser_server_map_next(region, 0, ULONG_MAX)) {
		region->used = false;
		region->split = false;
	}
	for (i = 0; i < layout->nr_maps; i++) {
		map = layout->maps[i];
		covers = vuser_server_map_covers(sm, map);
		region = vuser_server_map_first(sm, map->node.start, map->node.last);
		while (region) {
			region->used = true;
			region->split |= !covers;
			region = vuser_server_map_next(region, map->node.start,
						       map->node.last);
		}
		cond_resched();
	}
}

/*
 * Unmaps the dma regions that no mapping uses: the leaving ones, and those of mappings
 * that another thread is about to unmap.
 */
static int vuser_server_map_unmap_unused(struct vuser_server_map *sm)
{
	struct vuser_dma_region *region, *next;
	int ret;

	for (region = vuser_server_map_first(sm, 0, ULONG_MAX); region; region = next) {
		next = vuser_server_map_next(region, 0, ULONG_MAX);
		if (region->used && !region->leaving)
			continue;
		if (vuser_server_map_closing(sm))
			return -ENODEV;
		ret = vuser_server_map_unmap_region(sm, region,
						    vuser_channel_deadline(sm->chan),
						    true);
		if (ret)
			return ret;
	}
	return 0;
}

/* The function @find of struct vuser_layout: keeps what the server has. */
static bool vuser_server_map_find(void *context, const struct vuser_mapping *map,
				  struct vuser_layout_region *layout)
{
	struct vuser_server_map *sm = context;
	struct vuser_dma_region *region;

	region = vuser_server_map_first(sm, map->node.start, map->node.start);
	if (!region || region->split || region->leaving)
		return false;
	layout->start = region->node.start;
	layout->last = region->node.last;
	layout->prot = region->prot;
	layout->kind = region->kind;
	return true;
}

/* The mappings that overlap a dma region of the layout; sets *@nr to their number. */
static struct vuser_mapping **
vuser_server_map_overlapping(const struct vuser_layout *layout,
			     const struct vuser_layout_region *want, size_t *nr)
{
	size_t first = want->first, end = want->first + want->count;

	/* A mapping may be in several dma regions; the layout names only the first. */
	while (first && layout->maps[first - 1]->node.last >= want->start)
		first--;
	while (end < layout->nr_maps && layout->maps[end]->node.start <= want->last)
		end++;
	*nr = end - first;
	return &layout->maps[first];
}

/* Adds the pages of the mappings to the dma region that the server keeps. */
static int vuser_server_map_keep(struct vuser_server_map *sm,
				 const struct vuser_layout *layout,
				 const struct vuser_layout_region *want)
{
	struct vuser_dma_region *region;
	struct vuser_mapping **maps;
	size_t i, nr;
	int ret = 0;

	region = vuser_server_map_first(sm, want->start, want->start);
	maps = vuser_server_map_overlapping(layout, want, &nr);
	for (i = 0; i < nr && !ret; i++) {
		ret = vuser_dma_region_fill(region, maps[i]);
		cond_resched();
	}
	return ret;
}

/* Is the dma region of the layout a dma region that the server has? */
static bool vuser_server_map_has(struct vuser_server_map *sm,
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
static int vuser_server_map_apply_region(struct vuser_server_map *sm,
					 struct vuser_layout *layout,
					 struct vuser_layout_region *want,
					 bool replace)
{
	struct vuser_mapping **maps;
	size_t nr;
	int ret;

	if (vuser_server_map_has(sm, layout, want))
		return replace ? vuser_server_map_keep(sm, layout, want) : 0;
	if (replace && !vuser_server_map_first(sm, want->start, want->last))
		return 0;
	ret = vuser_server_map_clear(sm, want->start, want->last);
	if (ret)
		return ret;
	maps = vuser_server_map_overlapping(layout, want, &nr);
	return vuser_server_map_map_region(sm, want, maps, nr);
}

static int vuser_server_map_apply(struct vuser_server_map *sm,
				  struct vuser_layout *layout)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < layout->nr && !ret; i++)
		ret = vuser_server_map_apply_region(sm, layout, &layout->regions[i],
						    true);
	for (i = 0; i < layout->nr && !ret; i++)
		ret = vuser_server_map_apply_region(sm, layout, &layout->regions[i],
						    false);
	return ret;
}

/* How vuser_server_map_sync() chooses the layout. */
enum vuser_sync_mode {
	VUSER_SYNC_KEEP,	/* replace a dma region only if that is necessary */
	VUSER_SYNC_BEST,	/* the best layout */
	VUSER_SYNC_JOIN,	/* the best layout, if it has fewer dma regions */
	VUSER_SYNC_SINGLE,	/* replace as little; each new mapping by itself */
};

/*
 * vuser_server_map_sync() with the limit that is known now.  Returns -E2BIG if the layout
 * has too many dma regions.
 */
static int vuser_server_map_sync_once(struct vuser_server_map *sm,
				      enum vuser_sync_mode mode)
{
	struct vuser_layout layout = {
		.backing = READ_ONCE(sm->settings->dma_backing),
		.limit = sm->limit,
		.single = mode == VUSER_SYNC_SINGLE,
		.context = sm,
	};
	int ret;

	layout.maps = vuser_map_snapshot(sm->dmap, 0, ULONG_MAX, &layout.nr_maps);
	if (IS_ERR(layout.maps))
		return PTR_ERR(layout.maps);
	vuser_server_map_mark(sm, &layout);
	ret = vuser_server_map_unmap_unused(sm);
	if (ret)
		goto out;
	if (mode == VUSER_SYNC_KEEP || mode == VUSER_SYNC_SINGLE)
		layout.find = vuser_server_map_find;
	ret = vuser_layout_build(&layout);
	if (!ret && (mode != VUSER_SYNC_JOIN || layout.nr < sm->nr))
		ret = vuser_server_map_apply(sm, &layout);
out:
	vuser_layout_free(&layout);
	return ret;
}

/*
 * Makes the dma regions of the server as they should be: unmaps those that no mapping
 * uses, and maps the mappings that no dma region has.
 *
 * If the server refuses a dma region after it has accepted others, the number of the
 * others is taken as its limit, and a smaller layout is tried, once.  If that fails, the
 * limit was not the reason.
 */
static int vuser_server_map_sync(struct vuser_server_map *sm,
				 enum vuser_sync_mode mode)
{
	int ret = vuser_server_map_sync_once(sm, mode);

	if (vuser_server_map_full(sm, ret) && sm->nr < sm->limit) {
		vuser_server_map_learn_limit(sm);
		ret = vuser_server_map_sync_once(sm, mode);
	}
	sm->incomplete = ret;
	if (ret)
		vuser_server_map_reset_limit(sm);
	return ret == -E2BIG ? -ENOSPC : ret;
}

/* Trying again ------------------------------------------------------------- */

/* Starts the work item, which calls vuser_server_map_settle() later. */
static void vuser_server_map_start_retry(struct vuser_server_map *sm)
{
	if (!queue_delayed_work(vuser_wq, &sm->retry,
				msecs_to_jiffies(sm->retry_ms)))
		return;
	vuser_server_map_get(sm);
	sm->retry_ms = min(2 * sm->retry_ms, VUSER_RETRY_MAX);
}

/*
 * After messages may have failed: tries to make the server map as it should be, and
 * starts the work item if that fails.  If the server has refused, the next change of
 * the DMA map tries again.
 */
static void vuser_server_map_settle(struct vuser_server_map *sm)
{
	int ret;

	if ((!sm->incomplete && !sm->nr_leaving) ||
	    vuser_server_map_closing(sm) || vuser_server_map_lost(sm))
		return;
	ret = fatal_signal_pending(current) ? -EINTR :
					      vuser_server_map_sync(sm, VUSER_SYNC_KEEP);
	if (!ret) {
		sm->retry_ms = VUSER_RETRY_MIN;
	} else if (ret == -EINVAL || ret == -ENOSPC) {
		dev_warn_ratelimited(sm->chan->user.dev,
				     "server refused part of the DMA map (%d)\n",
				     ret);
	} else if (!vuser_server_map_closing(sm) && !vuser_server_map_lost(sm)) {
		vuser_server_map_start_retry(sm);
	}
}

static void vuser_server_map_unlock(struct vuser_server_map *sm)
{
	mutex_unlock(&sm->lock);
	wake_up(&sm->unlocked);
}

static void vuser_server_map_retry(struct work_struct *work)
{
	struct vuser_server_map *sm = container_of(to_delayed_work(work),
						   struct vuser_server_map, retry);

	mutex_lock(&sm->lock);
	if (sm->chan)
		vuser_server_map_settle(sm);
	vuser_server_map_unlock(sm);
	vuser_server_map_put(sm);
}

/* Mapping ------------------------------------------------------------------ */

/* Has the server a dma region with this access next to @iova? */
static bool vuser_server_map_touches(struct vuser_server_map *sm, u64 iova, u32 prot)
{
	struct vuser_dma_region *region = vuser_server_map_first(sm, iova, iova);

	return region && !region->leaving && region->prot == prot &&
	       region->kind != VUSER_DMA_REGION_OPAQUE;
}

/* Will the consumer probably make more mappings next to this one? */
static bool vuser_server_map_will_grow(struct vuser_server_map *sm,
				       const struct vuser_mapping *map)
{
	struct file *file = map->back.file;

	if (file && vuser_file_is_hugetlb(file) &&
	    vuser_mapping_size(map) == i_blocksize(file_inode(file)))
		return true;
	return (map->node.start &&
		vuser_server_map_touches(sm, map->node.start - 1, map->prot)) ||
	       vuser_server_map_touches(sm, map->node.last + 1, map->prot);
}

/*
 * Gives a dma region room on both sides, up to the next dma regions.  If there is no
 * room, the dma region keeps its file.
 */
static void vuser_server_map_widen(struct vuser_server_map *sm,
				   struct vuser_layout_region *layout)
{
	u64 low = round_down(layout->start, VUSER_ROOM_SIZE);
	u64 high = layout->last | (VUSER_ROOM_SIZE - 1);
	u64 start = layout->start, last = layout->last;
	struct vuser_dma_region *region;

	for (region = vuser_server_map_first(sm, low, high); region;
	     region = vuser_server_map_next(region, low, high)) {
		if (region->node.last < layout->start)
			low = region->node.last + 1;
		else
			high = min_t(u64, high, region->node.start - 1);
	}
	layout->room = VUSER_ROOM_BEFORE | VUSER_ROOM_AFTER;
	vuser_layout_add_room(layout, low, high);
	if (layout->start != start || layout->last != last)
		layout->kind = VUSER_DMA_REGION_MEMORY;
}

/* Should the dma region of a new mapping have room for more mappings? */
static bool vuser_server_map_wants_room(struct vuser_server_map *sm,
					const struct vuser_mapping *map, u32 backing)
{
	/* The room could hide a mapping that has no dma region yet. */
	if (sm->incomplete)
		return false;
	/* A later mapping in the room could have a file. */
	if (map->back.opaque || backing == VUSER_DMA_BACKING_FILE)
		return false;
	return sm->nr >= vuser_layout_budget(sm->limit) ||
	       vuser_server_map_will_grow(sm, map);
}

/*
 * Maps a new dma region for a mapping, or for the part of it from @start to @last.
 * Returns -EAGAIN when another layout is necessary.
 */
static int vuser_server_map_map_new(struct vuser_server_map *sm,
				    struct vuser_mapping *map, u64 start, u64 last)
{
	u32 backing = READ_ONCE(sm->settings->dma_backing);
	struct vuser_layout_region layout;
	int ret;

	if (sm->nr >= sm->limit)
		return -EAGAIN;
	vuser_layout_single(map, backing, &layout);
	if (start != map->node.start || last != map->node.last) {
		layout.kind = VUSER_DMA_REGION_MEMORY;
		layout.start = start;
		layout.last = last;
	}
	if (vuser_server_map_wants_room(sm, map, backing))
		vuser_server_map_widen(sm, &layout);
	ret = vuser_server_map_map_region(sm, &layout, &map, 1);
	if (!vuser_server_map_full(sm, ret))
		return ret;
	vuser_server_map_learn_limit(sm);
	return -EAGAIN;
}

/*
 * Adds a mapping to the dma regions that it overlaps, and maps new ones for the rest.
 * Returns -EAGAIN when another layout is necessary.
 */
static int vuser_server_map_map_parts(struct vuser_server_map *sm,
				      struct vuser_mapping *map)
{
	u64 start = map->node.start, last = map->node.last, end;
	struct vuser_dma_region *region;
	int ret = 0;

	for (region = vuser_server_map_first(sm, start, last); region;
	     region = vuser_server_map_next(region, start, last))
		if (!vuser_dma_region_fits(region, map))
			return -EAGAIN;
	for (; !ret; start = end + 1) {
		region = vuser_server_map_first(sm, start, last);
		if (region && region->node.start <= start) {
			end = min_t(u64, last, region->node.last);
			ret = vuser_dma_region_fill(region, map);
		} else {
			end = region ? region->node.start - 1 : last;
			ret = vuser_server_map_map_new(sm, map, start, end);
		}
		if (end == last)
			break;
	}
	return ret;
}

/* vuser_server_map_map() with the lock held. */
static int vuser_server_map_map_locked(struct vuser_server_map *sm,
				       struct vuser_mapping *map)
{
	int ret;

	ret = vuser_server_map_unmap_leaving(sm, map->node.start, map->node.last);
	if (!ret)
		ret = vuser_server_map_map_parts(sm, map);
	if (ret == -EAGAIN)
		ret = vuser_server_map_sync(sm, VUSER_SYNC_KEEP);
	if (!ret)
		vuser_server_map_settle(sm);
	return ret;
}

/**
 * vuser_server_map_map() - map a mapping in the server
 * @sm: the server map of a device
 * @map: a mapping in the DMA map
 *
 * Does nothing when the server is lost, or when the device is closed or being
 * closed.
 *
 * Context: process; sleeps killably until the server has replied; takes
 * @sm->lock.
 * Return: 0; -EINTR when killed; -ENOSPC when the server accepts no more dma
 * regions; -ENOMEM; -ETIMEDOUT; or the errno with which the server refused.
 * After an error the server may have mapped the mapping nevertheless, so the
 * caller must unmap it.
 */
int vuser_server_map_map(struct vuser_server_map *sm, struct vuser_mapping *map)
{
	int ret = 0;

	if (mutex_lock_killable(&sm->lock))
		return -EINTR;
	if (sm->chan && !vuser_server_map_closing(sm) && !vuser_server_map_lost(sm)) {
		ret = vuser_server_map_map_locked(sm, map);
		if (ret && (vuser_server_map_closing(sm) ||
			    (vuser_server_map_lost(sm) && ret != -ETIMEDOUT)))
			ret = 0;
	}
	vuser_server_map_unlock(sm);
	return ret;
}

/* Unmapping ---------------------------------------------------------------- */

/*
 * Removes a mapping from the dma regions that have it, and unmaps a dma region that
 * has no other mapping.
 */
static void vuser_server_map_unmap_mapping(struct vuser_server_map *sm,
					   const struct vuser_mapping *map)
{
	u64 start = map->node.start, last = map->node.last;
	struct vuser_dma_region *region, *next;

	for (region = vuser_server_map_first(sm, start, last); region; region = next) {
		next = vuser_server_map_next(region, start, last);
		if (!vuser_dma_region_fits(region, map) ||
		    !vuser_dma_region_remove(region, map))
			continue;
		/* Close will unmap all dma regions. */
		if (vuser_server_map_closing(sm))
			vuser_server_map_set_leaving(sm, region);
		else
			vuser_server_map_unmap_region(sm, region,
						      vuser_channel_deadline(sm->chan),
						      true);
	}
}

/**
 * vuser_server_map_unmap() - unmap mappings in the server
 * @sm: the server map of a device
 * @dying: list of mappings in the DMA map that are in state dying
 *
 * When this function returns 0, the server cannot access the pages of memory fds any
 * more.  If a message could not be sent, it will be sent later.  Does nothing when
 * the device is closed.
 *
 * Context: process; sleeps killably until the server has replied; takes
 * @sm->lock.
 * Return: 0, also when the server refuses or is lost; or -EINTR when killed before
 * @sm->lock was taken: then nothing was done.
 */
int vuser_server_map_unmap(struct vuser_server_map *sm, struct list_head *dying)
{
	struct vuser_mapping *map;

	if (mutex_lock_killable(&sm->lock))
		return -EINTR;
	if (sm->chan) {
		list_for_each_entry(map, dying, list) {
			vuser_server_map_unmap_mapping(sm, map);
			cond_resched();
		}
		vuser_server_map_settle(sm);
	}
	vuser_server_map_unlock(sm);
	return 0;
}

/* Open, reset and close ------------------------------------------------------ */

/**
 * vuser_server_map_open() - allocate an empty server map
 * @dmap: the DMA map of the container; must live until vuser_server_map_close()
 * @chan: the device's channel; must live until vuser_server_map_close()
 * @settings: settings of the device
 *
 * Context: process; may sleep; does not send a message.
 * Return: the server map with one reference, or NULL if memory ran out.
 */
struct vuser_server_map *
vuser_server_map_open(struct vuser_dma_map *dmap, struct vuser_channel *chan,
		      const struct vuser_settings *settings)
{
	struct vuser_server_map *sm = kzalloc(sizeof(*sm), GFP_KERNEL_ACCOUNT);

	if (!sm)
		return NULL;
	kref_init(&sm->ref);
	mutex_init(&sm->lock);
	init_waitqueue_head(&sm->unlocked);
	INIT_DELAYED_WORK(&sm->retry, vuser_server_map_retry);
	sm->retry_ms = VUSER_RETRY_MIN;
	sm->regions = RB_ROOT_CACHED;
	sm->dmap = dmap;
	sm->chan = chan;
	sm->settings = settings;
	vuser_server_map_reset_limit(sm);
	return sm;
}

/**
 * vuser_server_map_replay() - map the whole DMA map in the server
 * @sm: from vuser_server_map_open()
 *
 * From now on, MAP_DMA and UNMAP_DMA update the server map.
 *
 * Context: process; sleeps killably until the server has replied; takes
 * @sm->lock.
 * Return: 0; -ENOTCONN when the server is lost; or an error of
 * vuser_server_map_map().  In all cases the caller must call
 * vuser_server_map_close().
 */
int vuser_server_map_replay(struct vuser_server_map *sm)
{
	int ret;

	/*
	 * Enter the list before taking a snapshot of the DMA map.  If MAP_DMA
	 * adds a mapping now, either the snapshot has it, or MAP_DMA finds this
	 * server map in the list and waits for the lock.
	 */
	mutex_lock(&sm->lock);
	vuser_server_map_get(sm);
	vuser_map_add_user(sm->dmap, &sm->user);
	ret = vuser_server_map_sync(sm, VUSER_SYNC_BEST);
	vuser_server_map_unlock(sm);
	return ret;
}

/* vuser_server_map_join() with the lock held. */
static void vuser_server_map_join_locked(struct vuser_server_map *sm)
{
	int ret = vuser_server_map_sync(sm, VUSER_SYNC_JOIN);

	/* The server may refuse an island although it accepts the single mappings. */
	if (ret == -EINVAL || ret == -ENOSPC)
		ret = vuser_server_map_sync(sm, VUSER_SYNC_SINGLE);
	if (ret)
		vuser_server_map_settle(sm);
}

/**
 * vuser_server_map_join() - make each island one dma region
 * @sm: the server map of a device that does no DMA now
 *
 * Dma regions that were mapped one after the other are replaced, so the device must not
 * do DMA: it was reset just now, or is not a bus master.  If a message fails, a work item
 * tries again.
 *
 * Context: process; sleeps killably until the server has replied; takes
 * @sm->lock.
 */
void vuser_server_map_join(struct vuser_server_map *sm)
{
	if (mutex_lock_killable(&sm->lock))
		return;
	if (sm->chan && !vuser_server_map_closing(sm) && !vuser_server_map_lost(sm))
		vuser_server_map_join_locked(sm);
	vuser_server_map_unlock(sm);
}

/*
 * Takes the lock for close.  Another process that shares the container may hold
 * the lock in MAP_DMA until the server replies.  Close must not wait after its
 * deadline.  At the deadline, close marks the channel lost, which ends the wait of
 * the other process.
 */
static void vuser_server_map_lock_close(struct vuser_server_map *sm,
					ktime_t deadline)
{
	if (wait_event_idle_timeout(sm->unlocked, mutex_trylock(&sm->lock),
				    vuser_jiffies_left(deadline)))
		return;
	vuser_channel_fail(sm->chan, -ETIMEDOUT,
			   "the server did not answer before the deadline of a close");
	mutex_lock(&sm->lock);
}

/**
 * vuser_server_map_close() - unmap all dma regions in the server
 * @sm: the server map, after vuser_server_map_replay(); the reference of the
 *	DMA map's list is dropped
 * @deadline: when to continue without the server; also ends the wait of another
 *	thread that holds @sm->lock
 *
 * Context: process; sleeps, not interruptible; takes @sm->lock.
 */
void vuser_server_map_close(struct vuser_server_map *sm, ktime_t deadline)
{
	struct vuser_dma_region *region;

	WRITE_ONCE(sm->closing, true);
	vuser_server_map_lock_close(sm, deadline);
	while ((region = vuser_server_map_first(sm, 0, ULONG_MAX)))
		vuser_server_map_unmap_region(sm, region, deadline, false);
	vuser_map_del_user(sm->dmap, &sm->user);
	sm->chan = NULL;
	vuser_server_map_unlock(sm);
	/* The work item is not started again without a channel. */
	if (cancel_delayed_work(&sm->retry))
		vuser_server_map_put(sm);
	vuser_server_map_put(sm);
}

/**
 * vuser_server_map_get() - take a reference
 * @sm: the server map
 *
 * Context: any; the caller has a reference, or holds the lock of the DMA map
 * and found @sm in its list.
 */
void vuser_server_map_get(struct vuser_server_map *sm)
{
	kref_get(&sm->ref);
}

static void vuser_server_map_release(struct kref *ref)
{
	kfree(container_of(ref, struct vuser_server_map, ref));
}

/**
 * vuser_server_map_put() - drop a reference; the last one frees the server map
 * @sm: the server map
 *
 * Context: any.
 */
void vuser_server_map_put(struct vuser_server_map *sm)
{
	kref_put(&sm->ref, vuser_server_map_release);
}
