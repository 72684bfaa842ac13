// SPDX-License-Identifier: GPL-2.0
/*
 * The server map of an open device: the dma regions that its server has mapped.
 *
 * layout.c decides which dma regions represent a list of mappings.  When a
 * device is opened, the layout of the whole DMA map is mapped in its server.
 * A mapping that is added later is handled in the first of these ways that is
 * possible:
 *
 * - If a window with the same access rights contains its addresses, its pages
 *   are added to the window.  No message is sent.
 * - If the server has few dma regions, the mapping becomes a dma region.
 * - The mapping becomes a new window, which has room for neighbours.
 * - The whole DMA map gets a new layout.  The dma regions that are not in the
 *   new layout are unmapped, and the missing dma regions are mapped.  While dma
 *   regions are replaced by a window, the server cannot access their memory for
 *   a moment.  A new layout uses at most half of the dma regions that the server
 *   accepts, if possible, so this is rare.
 */
#include <linux/file.h>
#include <linux/interval_tree.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "dma/layout.h"
#include "dma/map.h"
#include "dma/memory.h"
#include "dma/server_map.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/desc.h"
#include "vuser.h"

/* The limit if the server announces no limit.  SPDK's server has this limit. */
#define VUSER_DEFAULT_LIMIT	64

/*
 * Result of functions below, not an errno: the layout has more dma regions than the
 * server accepts.
 */
#define VUSER_SERVER_MAP_FULL		1

/**
 * struct vuser_dma_region - a dma region that the server has mapped
 * @node: first and last IOVA
 * @kind: kind of its file
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE
 * @file: the file that the server got, with a reference; NULL for opaque memory
 * @offset: offset of the dma region in @file, in bytes
 * @stale: must be unmapped: its memory fd is empty, but the server may still
 *	have it mapped
 */
struct vuser_dma_region {
	struct interval_tree_node node;
	enum vuser_dma_region_kind kind;
	u32 prot;
	struct file *file;
	u64 offset;
	bool stale;
};

static struct vuser_dma_region *vuser_dma_region_of(struct interval_tree_node *n)
{
	return n ? container_of(n, struct vuser_dma_region, node) : NULL;
}

/* The first dma region that overlaps the range, or NULL. */
static struct vuser_dma_region *vuser_dma_region_at(struct vuser_server_map *sm,
						    u64 first, u64 last)
{
	return vuser_dma_region_of(interval_tree_iter_first(&sm->regions, first,
							    last));
}

static u64 vuser_dma_region_size(const struct vuser_dma_region *region)
{
	return region->node.last - region->node.start + 1;
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

/*
 * Whether the server may have refused because it has too many dma regions.  Some
 * servers reply with EINVAL in this case, others with ENOSPC.
 */
static bool vuser_server_map_refused(struct vuser_server_map *sm, int ret)
{
	return (ret == -EINVAL || ret == -ENOSPC) && sm->nr;
}

/* The errno that the consumer's ioctl returns. */
static int vuser_server_map_errno(int ret)
{
	return ret == VUSER_SERVER_MAP_FULL ? -ENOSPC : ret;
}

/* The limit that the administrator set or the server announced. */
static u32 vuser_server_map_announced_limit(struct vuser_server_map *sm)
{
	u32 limit = READ_ONCE(sm->settings->max_dma_maps);

	return limit ?: sm->chan->desc->max_dma_maps ?: VUSER_DEFAULT_LIMIT;
}

/* Mapping and unmapping dma regions ---------------------------------------- */

/* Adds a dma region to the server map. */
static void vuser_dma_region_link(struct vuser_server_map *sm,
				  struct vuser_dma_region *region)
{
	interval_tree_insert(&region->node, &sm->regions);
	sm->nr++;
	if (region->kind != VUSER_DMA_REGION_WINDOW)
		sm->nr_exact++;
}

/* Removes a dma region from the server map and frees it. */
static void vuser_dma_region_drop(struct vuser_server_map *sm,
				  struct vuser_dma_region *region)
{
	interval_tree_remove(&region->node, &sm->regions);
	sm->nr--;
	if (region->kind != VUSER_DMA_REGION_WINDOW)
		sm->nr_exact--;
	if (region->file)
		fput(region->file);
	kfree(region);
}

/* Does the dma region have a memory fd? */
static bool vuser_dma_region_has_memory(const struct vuser_dma_region *region)
{
	return region->kind == VUSER_DMA_REGION_MEMORY ||
	       region->kind == VUSER_DMA_REGION_WINDOW;
}

/* Removes all pages from the dma region's memory fd, if it has one. */
static void vuser_dma_region_empty(struct vuser_dma_region *region)
{
	if (vuser_dma_region_has_memory(region))
		vuser_memory_del(region->file, 0, vuser_dma_region_size(region));
}

/*
 * Unmaps a dma region in the server.  The server cannot access the pages
 * afterwards, whatever it replies (except pages of the consumer's own file).
 *
 * Returns 0 after the dma region was removed from the server map.  With
 * @killable, the unmap fails if the current thread was killed or the message
 * could not be sent for lack of memory.  The dma region is then marked as stale,
 * so that the next caller unmaps it.
 */
static int vuser_server_map_unmap_region(struct vuser_server_map *sm,
					 struct vuser_dma_region *region,
					 ktime_t deadline, bool killable)
{
	bool sent;
	int ret;

	ret = vuser_cmd_dma_unmap(sm->chan, region->node.start,
				  vuser_dma_region_size(region), deadline,
				  killable, &sent);
	vuser_dma_region_empty(region);
	if (killable && (vuser_server_map_killed(ret) ||
			 (!sent && !vuser_server_map_lost(sm)))) {
		region->stale = true;
		sm->incomplete = true;
		return ret;
	}
	/* The server may refuse because it never mapped a stale dma region. */
	if (ret && !region->stale && !vuser_server_map_lost(sm))
		dev_warn_ratelimited(sm->chan->user.dev,
				     "server refused to unmap DMA region 0x%lx-0x%lx (%d)\n",
				     region->node.start, region->node.last,
				     ret);
	vuser_dma_region_drop(sm, region);
	return 0;
}

/*
 * Allocates a dma region as the layout describes it, and opens its file.  @map
 * is its first mapping.
 */
static struct vuser_dma_region *
vuser_dma_region_alloc(const struct vuser_layout_region *layout,
		       const struct vuser_mapping *map)
{
	struct vuser_dma_region *region;
	u64 size = layout->last - layout->start + 1;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return ERR_PTR(-ENOMEM);
	region->node.start = layout->start;
	region->node.last = layout->last;
	region->kind = layout->kind;
	region->prot = layout->prot;
	if (layout->kind == VUSER_DMA_REGION_FILE) {
		region->file = get_file(map->back.file);
		region->offset = map->back.offset;
	} else if (vuser_dma_region_has_memory(region)) {
		region->file = vuser_memory_open(size, layout->prot &
						 VFIO_DMA_MAP_FLAG_WRITE);
		if (IS_ERR(region->file)) {
			int ret = PTR_ERR(region->file);

			kfree(region);
			return ERR_PTR(ret);
		}
	}
	return region;
}

/* Adds the pages of mappings to the dma region's memory fd, if it has one. */
static int vuser_dma_region_fill(struct vuser_dma_region *region,
				 struct vuser_mapping **maps, size_t nr)
{
	size_t i;
	int ret;

	if (!vuser_dma_region_has_memory(region))
		return 0;
	for (i = 0; i < nr; i++) {
		ret = vuser_memory_add(region->file, maps[i]->node.start -
				       region->node.start, &maps[i]->back);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/*
 * Maps a dma region in the server.  If we were killed while waiting, we cannot
 * know whether the server has mapped the dma region.  The dma region is then kept
 * as stale, so that it will be unmapped.
 */
static int vuser_server_map_map_region(struct vuser_server_map *sm,
				       const struct vuser_layout_region *layout,
				       struct vuser_mapping **maps)
{
	struct vuser_dma_region *region;
	int ret;

	if (vuser_server_map_closing(sm))
		return -ENODEV;
	region = vuser_dma_region_alloc(layout, maps[0]);
	if (IS_ERR(region))
		return PTR_ERR(region);
	vuser_dma_region_link(sm, region);

	ret = vuser_dma_region_fill(region, maps, layout->count);
	if (ret)
		goto err_drop;
	ret = vuser_cmd_dma_map(sm->chan, region->node.start,
				vuser_dma_region_size(region), region->prot,
				region->file, region->offset,
				vuser_channel_deadline(sm->chan));
	if (!ret)
		return 0;
	if (vuser_server_map_killed(ret)) {
		vuser_dma_region_empty(region);
		region->stale = true;
		return ret;
	}
err_drop:
	vuser_dma_region_empty(region);
	vuser_dma_region_drop(sm, region);
	return ret;
}

/* Unmaps stale dma regions, which remain if a previous unmap failed. */
static int vuser_server_map_retry_unmaps(struct vuser_server_map *sm)
{
	struct vuser_dma_region *region, *next;
	int ret;

	for (region = vuser_dma_region_at(sm, 0, ULONG_MAX); region;
	     region = next) {
		next = vuser_dma_region_of(interval_tree_iter_next(&region->node, 0,
								   ULONG_MAX));
		if (!region->stale)
			continue;
		if (vuser_server_map_closing(sm))
			return -ENODEV;
		sm->incomplete = true;
		ret = vuser_server_map_unmap_region(sm, region,
						    vuser_channel_deadline(sm->chan),
						    true);
		if (ret)
			return ret;
	}
	return 0;
}

/* Layouts ----------------------------------------------------------------- */

/* Is this dma region exactly as the layout describes it? */
static bool vuser_dma_region_matches(const struct vuser_dma_region *region,
				     const struct vuser_layout_region *layout,
				     const struct vuser_mapping *map)
{
	if (region->stale || region->kind != layout->kind ||
	    region->prot != layout->prot || region->node.start != layout->start ||
	    region->node.last != layout->last)
		return false;
	if (layout->kind != VUSER_DMA_REGION_FILE)
		return true;
	return file_inode(region->file) == file_inode(map->back.file) &&
	       region->offset == map->back.offset;
}

/* The dma region of the layout that starts at @start, or NULL. */
static struct vuser_layout_region *
vuser_server_map_layout_at(struct vuser_layout *layout, u64 start)
{
	size_t low = 0, high = layout->nr, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (layout->regions[mid].start == start)
			return &layout->regions[mid];
		if (layout->regions[mid].start < start)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/*
 * Unmaps the dma regions that are not in the layout.  Marks the others as kept in
 * the layout, and adds the pages of their mappings to their memory fds.
 */
static int vuser_server_map_unmap_others(struct vuser_server_map *sm,
					 struct vuser_layout *layout)
{
	struct vuser_dma_region *region, *next;
	struct vuser_layout_region *want;
	ktime_t deadline;
	int ret;

	for (region = vuser_dma_region_at(sm, 0, ULONG_MAX); region;
	     region = next) {
		next = vuser_dma_region_of(interval_tree_iter_next(&region->node, 0,
								   ULONG_MAX));
		if (vuser_server_map_closing(sm))
			return -ENODEV;
		want = vuser_server_map_layout_at(layout, region->node.start);
		if (want && vuser_dma_region_matches(region, want,
						     layout->maps[want->first])) {
			ret = vuser_dma_region_fill(region,
						    &layout->maps[want->first],
						    want->count);
			want->kept = true;
		} else {
			deadline = vuser_channel_deadline(sm->chan);
			ret = vuser_server_map_unmap_region(sm, region, deadline, true);
		}
		if (ret)
			return ret;
	}
	return 0;
}

/* Makes the server map equal to the layout. */
static int vuser_server_map_apply(struct vuser_server_map *sm,
				  struct vuser_layout *layout)
{
	struct vuser_layout_region *region;
	size_t i;
	int ret;

	ret = vuser_server_map_unmap_others(sm, layout);
	for (i = 0; i < layout->nr && !ret; i++) {
		region = &layout->regions[i];
		if (!region->kept)
			ret = vuser_server_map_map_region(sm, region,
							  &layout->maps[region->first]);
	}
	return ret;
}

/* Maps a layout of the whole DMA map with at most @sm->limit dma regions. */
static int vuser_server_map_sync_once(struct vuser_server_map *sm)
{
	struct vuser_layout layout = { };
	int ret;

	layout.maps = vuser_map_snapshot(sm->dmap, 0, ULONG_MAX,
					 &layout.nr_maps);
	if (IS_ERR(layout.maps))
		return PTR_ERR(layout.maps);
	ret = vuser_layout_exact(&layout,
				 READ_ONCE(sm->settings->dma_memory_only));
	if (!ret)
		ret = vuser_layout_fit(&layout, sm->limit);
	if (ret == -E2BIG)
		ret = VUSER_SERVER_MAP_FULL;
	if (!ret) {
		ret = vuser_server_map_apply(sm, &layout);
		sm->incomplete = ret;
	}
	vuser_layout_free(&layout);
	return ret;
}

/*
 * The server refused a further dma region.  Take the number of dma regions that it
 * has mapped as its limit.
 */
static void vuser_server_map_learn_limit(struct vuser_server_map *sm)
{
	dev_info_ratelimited(sm->chan->user.dev,
			     "server accepts %u DMA regions instead of %u\n",
			     sm->nr, sm->limit);
	sm->limit = sm->nr;
}

/*
 * Maps a layout of the whole DMA map.  If the server refuses a dma region after it
 * has mapped others, the number of the others is taken as its limit, and a smaller
 * layout is tried.  If the server refuses the smaller layout too, the limit was not
 * the reason, and the old limit is restored.
 *
 * Returns 0, a negative errno, or VUSER_SERVER_MAP_FULL.
 */
static int vuser_server_map_sync(struct vuser_server_map *sm)
{
	u32 limit = sm->limit;
	int ret;

	while ((ret = vuser_server_map_sync_once(sm)) &&
	       vuser_server_map_refused(sm, ret) && sm->nr < sm->limit)
		vuser_server_map_learn_limit(sm);
	if (ret < 0)
		sm->limit = limit;
	return ret;
}

/* The lock ---------------------------------------------------------------- */

static void vuser_server_map_unlock(struct vuser_server_map *sm)
{
	mutex_unlock(&sm->lock);
	wake_up(&sm->unlocked);
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

/* Mapping ----------------------------------------------------------------- */

/*
 * Makes @layout a window around its mapping, enlarged to VUSER_WINDOW_SIZE or
 * up to the adjacent dma regions.
 */
static void vuser_server_map_widen(struct vuser_server_map *sm,
				   struct vuser_layout_region *layout)
{
	u64 start = round_down(layout->start, VUSER_WINDOW_SIZE);
	u64 last = layout->last | (VUSER_WINDOW_SIZE - 1);
	struct vuser_dma_region *region;

	for (region = vuser_dma_region_at(sm, start, last); region;
	     region = vuser_dma_region_of(interval_tree_iter_next(&region->node,
								  start, last))) {
		if (region->node.last < layout->start)
			start = region->node.last + 1;
		else
			last = min_t(u64, last, region->node.start - 1);
	}
	layout->start = start;
	layout->last = last;
	layout->kind = VUSER_DMA_REGION_WINDOW;
}

/* Describes a dma region for one mapping. */
static struct vuser_layout_region vuser_server_map_exact(struct vuser_server_map *sm,
							 struct vuser_mapping *map)
{
	bool memory_only = READ_ONCE(sm->settings->dma_memory_only);

	return (struct vuser_layout_region){
		.start = map->node.start,
		.last = map->node.last,
		.prot = map->prot,
		.kind = vuser_layout_kind(map, memory_only),
		.count = 1,
	};
}

/*
 * Maps a new dma region for a mapping.  Returns -EAGAIN when a new layout is
 * necessary.
 */
static int vuser_server_map_map_new(struct vuser_server_map *sm,
				    struct vuser_mapping *map)
{
	struct vuser_layout_region layout = vuser_server_map_exact(sm, map);
	int ret;

	if (sm->nr >= sm->limit)
		return -EAGAIN;
	if (sm->nr_exact >= vuser_layout_budget(sm->limit) &&
	    layout.kind != VUSER_DMA_REGION_OPAQUE &&
	    (map->prot & VFIO_DMA_MAP_FLAG_WRITE))
		vuser_server_map_widen(sm, &layout);
	ret = vuser_server_map_map_region(sm, &layout, &map);
	return vuser_server_map_refused(sm, ret) ? -EAGAIN : ret;
}

/*
 * Uses an existing dma region for a mapping.  Returns -EAGAIN when the mapping
 * does not fit into it.
 */
static int vuser_server_map_map_existing(struct vuser_dma_region *region,
					 struct vuser_mapping *map)
{
	if (region->node.start > map->node.start ||
	    region->node.last < map->node.last || region->prot != map->prot)
		return -EAGAIN;
	if (region->kind != VUSER_DMA_REGION_WINDOW)
		/*
		 * Open has mapped the mapping in the server already: MAP_DMA
		 * had added it to the DMA map before.
		 */
		return 0;
	if (map->back.opaque)
		return -EAGAIN;
	return vuser_dma_region_fill(region, &map, 1);
}

/*
 * Maps a dma region although the limit is reached.  A limit that was learnt may
 * be wrong, because the server may have refused for another reason.  So try the
 * dma region at the server before the mapping is refused.
 */
static int vuser_server_map_map_over_limit(struct vuser_server_map *sm,
					   struct vuser_mapping *map)
{
	struct vuser_layout_region layout = vuser_server_map_exact(sm, map);
	u32 limit = vuser_server_map_announced_limit(sm);
	int ret;

	if (sm->limit >= limit ||
	    vuser_dma_region_at(sm, map->node.start, map->node.last))
		return VUSER_SERVER_MAP_FULL;
	ret = vuser_server_map_map_region(sm, &layout, &map);
	if (!ret)
		sm->limit = limit;
	return vuser_server_map_refused(sm, ret) ? VUSER_SERVER_MAP_FULL : ret;
}

/* Maps a mapping within the limit, with a new layout if necessary. */
static int vuser_server_map_map_within_limit(struct vuser_server_map *sm,
					     struct vuser_mapping *map)
{
	struct vuser_dma_region *region;
	u32 limit = sm->limit;
	int ret;

	if (sm->incomplete)
		return vuser_server_map_sync(sm);
	region = vuser_dma_region_at(sm, map->node.start, map->node.last);
	ret = region ? vuser_server_map_map_existing(region, map) :
		       vuser_server_map_map_new(sm, map);
	if (ret != -EAGAIN)
		return ret;
	if (!region && sm->nr < sm->limit)
		vuser_server_map_learn_limit(sm);
	ret = vuser_server_map_sync(sm);
	if (ret < 0)
		sm->limit = limit;
	return ret;
}

/* vuser_server_map_map() with the lock held. */
static int vuser_server_map_map_locked(struct vuser_server_map *sm,
				       struct vuser_mapping *map)
{
	int ret = vuser_server_map_retry_unmaps(sm);

	if (!ret)
		ret = vuser_server_map_map_within_limit(sm, map);
	if (ret == VUSER_SERVER_MAP_FULL)
		ret = vuser_server_map_map_over_limit(sm, map);
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
	return vuser_server_map_errno(ret);
}

/* Unmapping --------------------------------------------------------------- */

/*
 * Maps the remaining mappings of a dma region that was unmapped because one of
 * its mappings was unmapped.
 */
static int vuser_server_map_map_remaining(struct vuser_server_map *sm,
					  u64 first, u64 last)
{
	struct vuser_layout layout = { };
	size_t i;
	int ret;

	layout.maps = vuser_map_snapshot(sm->dmap, first, last,
					 &layout.nr_maps);
	if (IS_ERR(layout.maps))
		return PTR_ERR(layout.maps);
	ret = vuser_layout_exact(&layout,
				 READ_ONCE(sm->settings->dma_memory_only));
	if (!ret && sm->nr + layout.nr > sm->limit)
		ret = -ENOSPC;
	for (i = 0; i < layout.nr && !ret; i++)
		ret = vuser_server_map_map_region(sm, &layout.regions[i],
						  &layout.maps[layout.regions[i].first]);
	vuser_layout_free(&layout);
	return ret;
}

/* Unmaps a dma region that contains a mapping, then maps its other mappings. */
static int vuser_server_map_unmap_part(struct vuser_server_map *sm,
				       struct vuser_dma_region *region,
				       struct vuser_mapping *map)
{
	u64 first = region->node.start, last = region->node.last;
	int ret;

	/* Close will unmap all dma regions; removing the pages is enough. */
	if (vuser_server_map_closing(sm)) {
		vuser_dma_region_empty(region);
		region->stale = true;
		return 0;
	}
	ret = vuser_server_map_unmap_region(sm, region,
					    vuser_channel_deadline(sm->chan), true);
	if (ret)
		return ret;
	if (first == map->node.start && last == map->node.last)
		return 0;
	ret = vuser_server_map_map_remaining(sm, first, last);
	if (ret)
		sm->incomplete = true;
	return vuser_server_map_killed(ret) ? ret : 0;
}

/*
 * Unmaps one mapping.  If the mapping is in a window, removes its pages from the
 * window and sends no message.
 */
static int vuser_server_map_unmap_mapping(struct vuser_server_map *sm,
					  struct vuser_mapping *map)
{
	struct vuser_dma_region *region;

	region = vuser_dma_region_at(sm, map->node.start, map->node.start);
	if (!region || region->stale)
		return 0;
	if (region->kind == VUSER_DMA_REGION_WINDOW) {
		vuser_memory_del(region->file,
				 map->node.start - region->node.start,
				 vuser_mapping_size(map));
		return 0;
	}
	return vuser_server_map_unmap_part(sm, region, map);
}

/*
 * If the server map is incomplete, maps the whole DMA map again.  Fails only if
 * the current thread was killed.
 */
static int vuser_server_map_sync_incomplete(struct vuser_server_map *sm)
{
	int ret;

	if (!sm->incomplete || vuser_server_map_closing(sm) ||
	    vuser_server_map_lost(sm))
		return 0;
	ret = vuser_server_map_retry_unmaps(sm);
	if (!ret)
		ret = vuser_server_map_sync(sm);
	if (ret && !vuser_server_map_killed(ret))
		dev_warn_ratelimited(sm->chan->user.dev,
				     "server refused part of the DMA map (%d)\n",
				     vuser_server_map_errno(ret));
	return vuser_server_map_killed(ret) ? ret : 0;
}

/**
 * vuser_server_map_unmap() - unmap mappings in the server
 * @sm: the server map of a device
 * @dying: list of mappings in the DMA map that are in state dying
 *
 * If the server refuses, its access to pages of memory fds is removed
 * nevertheless.  Does nothing when the device is closed.
 *
 * Context: process; sleeps killably until the server has replied; takes
 * @sm->lock.
 * Return: 0, also when the server refuses or is lost; -EINTR when killed, or
 * -ENOMEM when a message could not be sent.  After an error some of the
 * mappings may still be mapped.
 */
int vuser_server_map_unmap(struct vuser_server_map *sm, struct list_head *dying)
{
	struct vuser_mapping *map;
	int ret = 0;

	if (mutex_lock_killable(&sm->lock))
		return -EINTR;
	if (sm->chan) {
		list_for_each_entry(map, dying, list) {
			ret = vuser_server_map_unmap_mapping(sm, map);
			if (ret)
				break;
			cond_resched();
		}
		if (!ret)
			ret = vuser_server_map_sync_incomplete(sm);
	}
	vuser_server_map_unlock(sm);
	return ret;
}

/* Open and close ---------------------------------------------------------- */

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
	sm->regions = RB_ROOT_CACHED;
	sm->dmap = dmap;
	sm->chan = chan;
	sm->settings = settings;
	sm->limit = vuser_server_map_announced_limit(sm);
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
	ret = vuser_server_map_sync(sm);
	vuser_server_map_unlock(sm);
	return vuser_server_map_errno(ret);
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
	while ((region = vuser_dma_region_at(sm, 0, ULONG_MAX)))
		vuser_server_map_unmap_region(sm, region, deadline, false);
	vuser_map_del_user(sm->dmap, &sm->user);
	sm->chan = NULL;
	vuser_server_map_unlock(sm);
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
