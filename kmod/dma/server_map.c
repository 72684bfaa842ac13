// SPDX-License-Identifier: GPL-2.0
/*
 * What a device's server has mapped of its container's DMA map.
 *
 * layout.c decides which regions stand for a list of mappings.  A device that opens
 * maps the layout of the whole DMA map in its server.  A mapping that comes later is
 * put into a window that covers it, without a message; or becomes a region of its
 * own, while regions are few; or becomes a new window with room around it.  If none
 * of these is possible, the whole map gets a new layout, and the regions that differ
 * are unmapped and mapped anew: while regions become one window, the server does not
 * have them for a moment.  A new layout leaves half of the regions free, so this is
 * rare.
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

/* The limit of servers that announce none; SPDK's server takes exactly that. */
#define VUSER_DEFAULT_LIMIT	64

/* No layout has as few regions as the server takes; not an errno. */
#define VUSER_SERVER_MAP_FULL		1

/**
 * struct vuser_dma_region - a region of DMA memory that the server has mapped
 * @node: first and last IOVA
 * @kind: see there
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE
 * @file: the file that the server got; NULL for opaque memory; a reference
 * @offset: where in @file the region starts, bytes
 * @stale: its memory was taken away, but the server may still have it mapped
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

/* The first region that overlaps the range. */
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

/* A server may send any errno, so also check our own state. */
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

/* Was it too many regions?  Servers return either errno for that. */
static bool vuser_server_map_refused(struct vuser_server_map *sm, int ret)
{
	return (ret == -EINVAL || ret == -ENOSPC) && sm->nr;
}

/* The errno for the consumer. */
static int vuser_server_map_errno(int ret)
{
	return ret == VUSER_SERVER_MAP_FULL ? -ENOSPC : ret;
}

/* The limit that the administrator or the server set, not one that was learnt. */
static u32 vuser_server_map_announced_limit(struct vuser_server_map *sm)
{
	u32 limit = READ_ONCE(sm->settings->max_dma_maps);

	return limit ?: sm->chan->desc->max_dma_maps ?: VUSER_DEFAULT_LIMIT;
}

/* Regions: mapping and unmapping ------------------------------------------ */

static void vuser_dma_region_link(struct vuser_server_map *sm,
				  struct vuser_dma_region *region)
{
	interval_tree_insert(&region->node, &sm->regions);
	sm->nr++;
	if (region->kind != VUSER_DMA_REGION_WINDOW)
		sm->nr_exact++;
}

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

static bool vuser_dma_region_has_memory(const struct vuser_dma_region *region)
{
	return region->kind == VUSER_DMA_REGION_MEMORY ||
	       region->kind == VUSER_DMA_REGION_WINDOW;
}

/* Takes all pages out of the region's memory object, if it has one. */
static void vuser_dma_region_empty(struct vuser_dma_region *region)
{
	if (vuser_dma_region_has_memory(region))
		vuser_memory_del(region->file, 0, vuser_dma_region_size(region));
}

/*
 * Unmaps a region in the server.  Whatever the server replies, it cannot reach the
 * pages afterwards (except those of the consumer's own file).  Only when we are
 * killed, or have no memory for the message, the region stays as stale, and the next
 * caller unmaps it.
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
	/* The server may never have mapped a stale region. */
	if (ret && !region->stale && !vuser_server_map_lost(sm))
		dev_warn_ratelimited(sm->chan->user.dev,
				     "server refused to unmap DMA region 0x%lx-0x%lx (%d)\n",
				     region->node.start, region->node.last,
				     ret);
	vuser_dma_region_drop(sm, region);
	return 0;
}

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

/* Puts mappings into the region's memory object, if it has one. */
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
 * Maps a region in the server.  If we were killed while waiting, we cannot know
 * whether the server mapped it: then the region is kept as stale, to be unmapped.
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

/* Unmaps the stale regions that a killed caller left behind. */
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

/* Does the server have exactly this region mapped? */
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

/* The region of the layout that starts at @start, or NULL. */
static struct vuser_layout_region *vuser_layout_at(struct vuser_layout *layout,
						   u64 start)
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

/* Unmaps the regions that are not in the layout, and marks those that are. */
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
		want = vuser_layout_at(layout, region->node.start);
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

/* The server refused one more region: take that as its limit. */
static void vuser_server_map_learn_limit(struct vuser_server_map *sm)
{
	dev_info_ratelimited(sm->chan->user.dev,
			     "server takes %u DMA regions, not %u\n", sm->nr,
			     sm->limit);
	sm->limit = sm->nr;
}

/*
 * Maps a layout of the whole map.  If the server refuses a region while it has
 * others, take their number as its limit and try a smaller layout.  If the server
 * refuses that too, the limit was not the reason, and the old limit is restored.
 * VUSER_SERVER_MAP_FULL: no layout is that small.
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
 * Another process that shares the container may hold the lock in MAP_DMA, for as long
 * as a message may take.  Close must not wait that long: at its deadline it ends the
 * channel, and with it that message.
 */
static void vuser_server_map_lock_close(struct vuser_server_map *sm,
					ktime_t deadline)
{
	if (wait_event_idle_timeout(sm->unlocked, mutex_trylock(&sm->lock),
				    vuser_jiffies_left(deadline)))
		return;
	vuser_channel_fail(sm->chan, -ETIMEDOUT,
			   "the server did not answer in time for the close");
	mutex_lock(&sm->lock);
}

/* Mapping ----------------------------------------------------------------- */

/* A new window around a mapping, up to its neighbours. */
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

/* A region for one mapping. */
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

/* Maps a new region for a mapping; -EAGAIN when it needs a new layout. */
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

/* Puts a mapping into a region that exists; -EAGAIN when it does not fit. */
static int vuser_server_map_map_existing(struct vuser_dma_region *region,
					 struct vuser_mapping *map)
{
	if (region->node.start > map->node.start ||
	    region->node.last < map->node.last || region->prot != map->prot)
		return -EAGAIN;
	if (region->kind != VUSER_DMA_REGION_WINDOW)
		return 0;	/* mapped when the device was opened just now */
	if (map->back.opaque)
		return -EAGAIN;
	return vuser_dma_region_fill(region, &map, 1);
}

/*
 * A limit that was learnt may be wrong: the server may have refused for another
 * reason.  So try the region in the server before refusing the mapping.
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
 * vuser_server_map_map() - map a mapping in a device's server
 * @sm: of an open device
 * @map: in the domain's tree
 *
 * Does nothing when the server is lost or the device is being closed.
 *
 * Context: process; sleeps for the server.
 * Return: 0, -EINTR when killed, -ENOSPC when the server takes no more
 * regions, or why it refused.  After an error the server may have mapped it all the
 * same, and the caller must unmap it.
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

/* Maps again what is left of a file after a part was unmapped. */
static int vuser_server_map_map_rest(struct vuser_server_map *sm, u64 first,
				     u64 last)
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

/* Removes a mapping from a region: unmaps the region, maps what is left. */
static int vuser_server_map_unmap_part(struct vuser_server_map *sm,
				       struct vuser_dma_region *region,
				       struct vuser_mapping *map)
{
	u64 first = region->node.start, last = region->node.last;
	int ret;

	/* The close is about to unmap all regions. */
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
	ret = vuser_server_map_map_rest(sm, first, last);
	if (ret)
		sm->incomplete = true;
	return vuser_server_map_killed(ret) ? ret : 0;
}

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

/* Tries again to map what could not be mapped before. */
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
 * vuser_server_map_unmap() - unmap mappings in a device's server
 * @sm: of an open device
 * @dying: mappings in the domain's tree, marked as dying
 *
 * Context: process; sleeps for the server.
 * Return: 0, also when the server refuses: then the pages are taken out of its
 * address space; or -EINTR when killed: then some may still be mapped.
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
 * vuser_server_map_open() - a device opens: its server has nothing mapped yet
 * @dmap: its container's DMA map
 * @chan: the device's channel, which stays until the map is closed
 * @settings: of the device
 *
 * Return: the new record with one reference, or NULL.
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
 * vuser_server_map_replay() - map the whole DMA map, and follow its changes
 * @sm: from vuser_server_map_open()
 *
 * Context: process; sleeps for the server.
 * Return: 0, or as vuser_server_map_map(); in both cases the caller must call
 * vuser_server_map_close().
 */
int vuser_server_map_replay(struct vuser_server_map *sm)
{
	int ret;

	/*
	 * Enter the list before looking at the map: a mapping that comes now is
	 * seen here, or its MAP_DMA finds us in the list and waits for the lock.
	 */
	mutex_lock(&sm->lock);
	vuser_server_map_get(sm);
	vuser_map_add_user(sm->dmap, &sm->user);
	ret = vuser_server_map_sync(sm);
	vuser_server_map_unlock(sm);
	return vuser_server_map_errno(ret);
}

/**
 * vuser_server_map_close() - unmap everything in the server
 * @sm: of an open device; replayed
 * @deadline: when to give up and go on without the server, also for a thread that
 *	waits for the server meanwhile
 *
 * Context: process; not interruptible.
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

void vuser_server_map_get(struct vuser_server_map *sm)
{
	kref_get(&sm->ref);
}

static void vuser_server_map_release(struct kref *ref)
{
	kfree(container_of(ref, struct vuser_server_map, ref));
}

/**
 * vuser_server_map_put() - drop a reference
 * @sm: the record
 */
void vuser_server_map_put(struct vuser_server_map *sm)
{
	kref_put(&sm->ref, vuser_server_map_release);
}
