// SPDX-License-Identifier: GPL-2.0
/*
 * What a device's server was told of its container's DMA map.
 *
 * layout.c says which regions stand for a list of mappings.  A device that opens
 * is told the plan of the whole map.  A mapping that comes later is filled
 * into a window that covers it, without a message; or told by itself, while
 * regions are few; or told as a new window with room around it.  When neither
 * is possible a new plan is made for the whole map, and what differs is told
 * anew: regions that become one window are then unknown to the server for a
 * moment.  A new plan leaves half of the regions free, so this is rare.
 */
#include <linux/file.h>
#include <linux/interval_tree.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "dma/domain.h"
#include "dma/layout.h"
#include "dma/memory.h"
#include "dma/server_map.h"
#include "main.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "vuser.h"

/* What servers that announce no limit take; SPDK's takes just that. */
#define VUSER_DEFAULT_LIMIT	64

/* No plan has as few regions as the server takes; no errno of its own. */
#define VUSER_TOLD_FULL		1

/**
 * struct vuser_region_told - a region that the server was told
 * @node: first and last IOVA
 * @kind: see there
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE
 * @file: what the server was given; NULL for opaque memory; a reference
 * @offset: where in @file the region starts, bytes
 * @stale: nothing is behind it any more, but the server may not know
 */
struct vuser_region_told {
	struct interval_tree_node node;
	enum vuser_region_kind kind;
	u32 prot;
	struct file *file;
	u64 offset;
	bool stale;
};

static struct vuser_region_told *vuser_region_of(struct interval_tree_node *n)
{
	return n ? container_of(n, struct vuser_region_told, node) : NULL;
}

/* The first region that overlaps the range. */
static struct vuser_region_told *vuser_region_at(struct vuser_told *told,
						 u64 first, u64 last)
{
	return vuser_region_of(interval_tree_iter_first(&told->regions, first,
							last));
}

static u64 vuser_region_size(const struct vuser_region_told *region)
{
	return region->node.last - region->node.start + 1;
}

/* A server's error may be any number; these two must be our own. */
static bool vuser_told_killed(int ret)
{
	return ret == -EINTR && fatal_signal_pending(current);
}

static bool vuser_told_lost(struct vuser_told *told)
{
	return vuser_channel_lost(told->dev->chan);
}

static bool vuser_told_closing(struct vuser_told *told)
{
	return READ_ONCE(told->closing);
}

/* Too many regions?  Servers say it by either. */
static bool vuser_told_refused(struct vuser_told *told, int ret)
{
	return (ret == -EINVAL || ret == -ENOSPC) && told->nr;
}

/* As the consumer is told. */
static int vuser_told_errno(int ret)
{
	return ret == VUSER_TOLD_FULL ? -ENOSPC : ret;
}

/* Regions the server takes by what was said, not by what was learnt. */
static u32 vuser_told_limit(struct vuser_device *dev)
{
	u32 limit = READ_ONCE(dev->settings.max_dma_maps);

	return limit ?: dev->chan->desc->max_dma_maps ?: VUSER_DEFAULT_LIMIT;
}

/* Regions: telling and forgetting ----------------------------------------- */

static void vuser_region_link(struct vuser_told *told,
			      struct vuser_region_told *region)
{
	interval_tree_insert(&region->node, &told->regions);
	told->nr++;
	if (region->kind != VUSER_REGION_WINDOW)
		told->nr_exact++;
}

static void vuser_region_drop(struct vuser_told *told,
			      struct vuser_region_told *region)
{
	interval_tree_remove(&region->node, &told->regions);
	told->nr--;
	if (region->kind != VUSER_REGION_WINDOW)
		told->nr_exact--;
	if (region->file)
		fput(region->file);
	kfree(region);
}

static bool vuser_region_has_memory(const struct vuser_region_told *region)
{
	return region->kind == VUSER_REGION_MEMORY ||
	       region->kind == VUSER_REGION_WINDOW;
}

/* Takes all pages out of the region's memory object, if it has one. */
static void vuser_region_empty(struct vuser_region_told *region)
{
	if (vuser_region_has_memory(region))
		vuser_memory_del(region->file, 0, vuser_region_size(region));
}

/*
 * Makes the server let go of a region.  Whatever it says, its pages are out of
 * its reach then (of a file of the consumer's own they never are).  Only when
 * we are killed, or have no memory to ask it, the region stays, for the next
 * one to end it.
 */
static int vuser_told_forget(struct vuser_told *told,
			     struct vuser_region_told *region,
			     ktime_t deadline, bool killable)
{
	bool sent;
	int ret;

	ret = vuser_channel_dma_unmap(told->dev, region->node.start,
				      vuser_region_size(region), deadline,
				      killable, &sent);
	vuser_region_empty(region);
	if (killable && (vuser_told_killed(ret) ||
			 (!sent && !vuser_told_lost(told)))) {
		region->stale = true;
		told->incomplete = true;
		return ret;
	}
	/* A stale one it may never have known. */
	if (ret && !region->stale && !vuser_told_lost(told))
		dev_warn_ratelimited(told->dev->vdev.dev,
				     "server refused to unmap DMA region 0x%lx-0x%lx (%d)\n",
				     region->node.start, region->node.last,
				     ret);
	vuser_region_drop(told, region);
	return 0;
}

static struct vuser_region_told *
vuser_region_alloc(const struct vuser_plan_region *plan,
		   const struct vuser_mapping *map)
{
	struct vuser_region_told *region;
	u64 size = plan->last - plan->start + 1;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return ERR_PTR(-ENOMEM);
	region->node.start = plan->start;
	region->node.last = plan->last;
	region->kind = plan->kind;
	region->prot = plan->prot;
	if (plan->kind == VUSER_REGION_FILE) {
		region->file = get_file(map->back.file);
		region->offset = map->back.offset;
	} else if (vuser_region_has_memory(region)) {
		region->file = vuser_memory_open(size, plan->prot &
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
static int vuser_region_fill(struct vuser_region_told *region,
			     struct vuser_mapping **maps, size_t nr)
{
	size_t i;
	int ret;

	if (!vuser_region_has_memory(region))
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
 * Tells the server a region.  When nobody knows whether it took it (we were
 * killed, or it did not answer) it is kept as stale, to be unmapped.
 */
static int vuser_told_tell(struct vuser_told *told,
			   const struct vuser_plan_region *plan,
			   struct vuser_mapping **maps)
{
	struct vuser_region_told *region;
	int ret;

	if (vuser_told_closing(told))
		return -ENODEV;
	region = vuser_region_alloc(plan, maps[0]);
	if (IS_ERR(region))
		return PTR_ERR(region);
	vuser_region_link(told, region);

	ret = vuser_region_fill(region, maps, plan->count);
	if (ret)
		goto err_drop;
	ret = vuser_channel_dma_map(told->dev, region->node.start,
				    vuser_region_size(region), region->prot,
				    region->file, region->offset,
				    vuser_request_deadline(told->dev));
	if (!ret)
		return 0;
	if (vuser_told_killed(ret)) {
		vuser_region_empty(region);
		region->stale = true;
		return ret;
	}
err_drop:
	vuser_region_empty(region);
	vuser_region_drop(told, region);
	return ret;
}

/* Ends what somebody who was killed left behind. */
static int vuser_told_settle(struct vuser_told *told)
{
	struct vuser_region_told *region, *next;
	int ret;

	for (region = vuser_region_at(told, 0, ULONG_MAX); region;
	     region = next) {
		next = vuser_region_of(interval_tree_iter_next(&region->node, 0,
							       ULONG_MAX));
		if (!region->stale)
			continue;
		if (vuser_told_closing(told))
			return -ENODEV;
		told->incomplete = true;
		ret = vuser_told_forget(told, region,
					vuser_request_deadline(told->dev),
					true);
		if (ret)
			return ret;
	}
	return 0;
}

/* Plans ------------------------------------------------------------------- */

/* Was the server told just this region? */
static bool vuser_region_matches(const struct vuser_region_told *region,
				 const struct vuser_plan_region *plan,
				 const struct vuser_mapping *map)
{
	if (region->stale || region->kind != plan->kind ||
	    region->prot != plan->prot || region->node.start != plan->start ||
	    region->node.last != plan->last)
		return false;
	if (plan->kind != VUSER_REGION_FILE)
		return true;
	return file_inode(region->file) == file_inode(map->back.file) &&
	       region->offset == map->back.offset;
}

/* The planned region that starts at @start, or NULL. */
static struct vuser_plan_region *vuser_plan_at(struct vuser_plan *plan,
					       u64 start)
{
	size_t low = 0, high = plan->nr, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (plan->regions[mid].start == start)
			return &plan->regions[mid];
		if (plan->regions[mid].start < start)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* Makes the server forget what is not in the plan, and marks what is. */
static int vuser_told_prune(struct vuser_told *told, struct vuser_plan *plan)
{
	struct vuser_region_told *region, *next;
	struct vuser_plan_region *want;
	ktime_t deadline;
	int ret;

	for (region = vuser_region_at(told, 0, ULONG_MAX); region;
	     region = next) {
		next = vuser_region_of(interval_tree_iter_next(&region->node, 0,
							       ULONG_MAX));
		if (vuser_told_closing(told))
			return -ENODEV;
		want = vuser_plan_at(plan, region->node.start);
		if (want && vuser_region_matches(region, want,
						 plan->maps[want->first])) {
			ret = vuser_region_fill(region,
						&plan->maps[want->first],
						want->count);
			want->kept = true;
		} else {
			deadline = vuser_request_deadline(told->dev);
			ret = vuser_told_forget(told, region, deadline, true);
		}
		if (ret)
			return ret;
	}
	return 0;
}

static int vuser_told_apply(struct vuser_told *told, struct vuser_plan *plan)
{
	struct vuser_plan_region *region;
	size_t i;
	int ret;

	ret = vuser_told_prune(told, plan);
	for (i = 0; i < plan->nr && !ret; i++) {
		region = &plan->regions[i];
		if (!region->kept)
			ret = vuser_told_tell(told, region,
					      &plan->maps[region->first]);
	}
	return ret;
}

static int vuser_told_plan_once(struct vuser_told *told)
{
	struct vuser_plan plan = { };
	int ret;

	plan.maps = vuser_domain_snapshot(told->dom, 0, ULONG_MAX,
					  &plan.nr_maps);
	if (IS_ERR(plan.maps))
		return PTR_ERR(plan.maps);
	ret = vuser_plan_exact(&plan,
			       READ_ONCE(told->dev->settings.dma_memory_only));
	if (!ret)
		ret = vuser_plan_fit(&plan, told->limit);
	if (ret == -E2BIG)
		ret = VUSER_TOLD_FULL;
	if (!ret) {
		ret = vuser_told_apply(told, &plan);
		told->incomplete = ret;
	}
	vuser_plan_free(&plan);
	return ret;
}

/* The server refused one region more. */
static void vuser_told_learn(struct vuser_told *told)
{
	dev_info_ratelimited(told->dev->vdev.dev,
			     "server takes %u DMA regions, not %u\n", told->nr,
			     told->limit);
	told->limit = told->nr;
}

/*
 * Tells a plan of the whole map.  A server that refuses a region when it has
 * others shows how many it takes; the next plan has fewer.  When it refuses
 * even so that was not why.  VUSER_TOLD_FULL: no plan is that small.
 */
static int vuser_told_plan(struct vuser_told *told)
{
	u32 limit = told->limit;
	int ret;

	while ((ret = vuser_told_plan_once(told)) &&
	       vuser_told_refused(told, ret) && told->nr < told->limit)
		vuser_told_learn(told);
	if (ret < 0)
		told->limit = limit;
	return ret;
}

/* The lock ---------------------------------------------------------------- */

static void vuser_told_unlock(struct vuser_told *told)
{
	mutex_unlock(&told->lock);
	wake_up(&told->unlocked);
}

/*
 * Close may not wait as long as a message of somebody else's may: MAP_DMA of
 * a process that shares the container.  Without the channel that one ends.
 */
static void vuser_told_lock_close(struct vuser_told *told, ktime_t deadline)
{
	if (wait_event_idle_timeout(told->unlocked, mutex_trylock(&told->lock),
				    vuser_jiffies_left(deadline)))
		return;
	vuser_channel_fail(told->dev->chan, -ETIMEDOUT,
			   "the server did not answer in time for the close");
	mutex_lock(&told->lock);
}

/* Mapping ----------------------------------------------------------------- */

/* A new window around a mapping, as far as its neighbours let it. */
static void vuser_told_widen(struct vuser_told *told,
			     struct vuser_plan_region *plan)
{
	u64 start = round_down(plan->start, VUSER_WINDOW_SIZE);
	u64 last = plan->last | (VUSER_WINDOW_SIZE - 1);
	struct vuser_region_told *region;

	for (region = vuser_region_at(told, start, last); region;
	     region = vuser_region_of(interval_tree_iter_next(&region->node,
							      start, last))) {
		if (region->node.last < plan->start)
			start = region->node.last + 1;
		else
			last = min_t(u64, last, region->node.start - 1);
	}
	plan->start = start;
	plan->last = last;
	plan->kind = VUSER_REGION_WINDOW;
}

/* A mapping by itself. */
static struct vuser_plan_region vuser_told_exact(struct vuser_told *told,
						 struct vuser_mapping *map)
{
	bool memory_only = READ_ONCE(told->dev->settings.dma_memory_only);

	return (struct vuser_plan_region){
		.start = map->node.start,
		.last = map->node.last,
		.prot = map->prot,
		.kind = vuser_plan_kind(map, memory_only),
		.count = 1,
	};
}

/* Tells a mapping where no region is, or -EAGAIN when that takes a plan. */
static int vuser_told_map_new(struct vuser_told *told,
			      struct vuser_mapping *map)
{
	struct vuser_plan_region plan = vuser_told_exact(told, map);
	int ret;

	if (told->nr >= told->limit)
		return -EAGAIN;
	if (told->nr_exact >= vuser_plan_budget(told->limit) &&
	    plan.kind != VUSER_REGION_OPAQUE &&
	    (map->prot & VFIO_DMA_MAP_FLAG_WRITE))
		vuser_told_widen(told, &plan);
	ret = vuser_told_tell(told, &plan, &map);
	return vuser_told_refused(told, ret) ? -EAGAIN : ret;
}

/* A region that is there already: can the mapping be in it? */
static int vuser_told_map_into(struct vuser_region_told *region,
			       struct vuser_mapping *map)
{
	if (region->node.start > map->node.start ||
	    region->node.last < map->node.last || region->prot != map->prot)
		return -EAGAIN;
	if (region->kind != VUSER_REGION_WINDOW)
		return 0;	/* told when the device was opened just now */
	if (map->back.opaque)
		return -EAGAIN;
	return vuser_region_fill(region, &map, 1);
}

/*
 * A limit that was learnt may be wrong: what the server refused may have had
 * another reason.  So it is asked before a mapping is refused for that limit.
 */
static int vuser_told_map_beyond(struct vuser_told *told,
				 struct vuser_mapping *map)
{
	struct vuser_plan_region plan = vuser_told_exact(told, map);
	u32 limit = vuser_told_limit(told->dev);
	int ret;

	if (told->limit >= limit ||
	    vuser_region_at(told, map->node.start, map->node.last))
		return VUSER_TOLD_FULL;
	ret = vuser_told_tell(told, &plan, &map);
	if (!ret)
		told->limit = limit;
	return vuser_told_refused(told, ret) ? VUSER_TOLD_FULL : ret;
}

static int vuser_told_map_within(struct vuser_told *told,
				 struct vuser_mapping *map)
{
	struct vuser_region_told *region;
	u32 limit = told->limit;
	int ret;

	if (told->incomplete)
		return vuser_told_plan(told);
	region = vuser_region_at(told, map->node.start, map->node.last);
	ret = region ? vuser_told_map_into(region, map) :
		       vuser_told_map_new(told, map);
	if (ret != -EAGAIN)
		return ret;
	if (!region && told->nr < told->limit)
		vuser_told_learn(told);
	ret = vuser_told_plan(told);
	if (ret < 0)
		told->limit = limit;
	return ret;
}

static int vuser_told_map_locked(struct vuser_told *told,
				 struct vuser_mapping *map)
{
	int ret = vuser_told_settle(told);

	if (!ret)
		ret = vuser_told_map_within(told, map);
	if (ret == VUSER_TOLD_FULL)
		ret = vuser_told_map_beyond(told, map);
	return ret;
}

/**
 * vuser_told_map() - make a mapping known to a device's server
 * @told: of an open device
 * @map: in the domain's tree
 *
 * A server that is lost, or is being let go, needs to know nothing.
 *
 * Context: process; sleeps for the server.
 * Return: 0, -EINTR when killed, -ENOSPC when the server takes no more
 * regions, or why it refused; then the server may have been told all the same
 * and the mapping must be unmapped.
 */
int vuser_told_map(struct vuser_told *told, struct vuser_mapping *map)
{
	int ret = 0;

	if (mutex_lock_killable(&told->lock))
		return -EINTR;
	if (told->dev && !vuser_told_closing(told) && !vuser_told_lost(told)) {
		ret = vuser_told_map_locked(told, map);
		if (ret && (vuser_told_closing(told) ||
			    (vuser_told_lost(told) && ret != -ETIMEDOUT)))
			ret = 0;
	}
	vuser_told_unlock(told);
	return vuser_told_errno(ret);
}

/* Unmapping --------------------------------------------------------------- */

/* Tells again what is left of a file of which a part was unmapped. */
static int vuser_told_tell_rest(struct vuser_told *told, u64 first, u64 last)
{
	struct vuser_plan plan = { };
	size_t i;
	int ret;

	plan.maps = vuser_domain_snapshot(told->dom, first, last,
					  &plan.nr_maps);
	if (IS_ERR(plan.maps))
		return PTR_ERR(plan.maps);
	ret = vuser_plan_exact(&plan,
			       READ_ONCE(told->dev->settings.dma_memory_only));
	if (!ret && told->nr + plan.nr > told->limit)
		ret = -ENOSPC;
	for (i = 0; i < plan.nr && !ret; i++)
		ret = vuser_told_tell(told, &plan.regions[i],
				      &plan.maps[plan.regions[i].first]);
	vuser_plan_free(&plan);
	return ret;
}

/* A region of which a mapping goes: the whole region, then back what is left */
static int vuser_told_unmap_region(struct vuser_told *told,
				   struct vuser_region_told *region,
				   struct vuser_mapping *map)
{
	u64 first = region->node.start, last = region->node.last;
	int ret;

	/* Close is about to unmap all that is told. */
	if (vuser_told_closing(told)) {
		vuser_region_empty(region);
		region->stale = true;
		return 0;
	}
	ret = vuser_told_forget(told, region,
				vuser_request_deadline(told->dev), true);
	if (ret)
		return ret;
	if (first == map->node.start && last == map->node.last)
		return 0;
	ret = vuser_told_tell_rest(told, first, last);
	if (ret)
		told->incomplete = true;
	return vuser_told_killed(ret) ? ret : 0;
}

static int vuser_told_unmap_one(struct vuser_told *told,
				struct vuser_mapping *map)
{
	struct vuser_region_told *region;

	region = vuser_region_at(told, map->node.start, map->node.start);
	if (!region || region->stale)
		return 0;
	if (region->kind == VUSER_REGION_WINDOW) {
		vuser_memory_del(region->file,
				 map->node.start - region->node.start,
				 vuser_mapping_size(map));
		return 0;
	}
	return vuser_told_unmap_region(told, region, map);
}

/* What could not be told before may fit now. */
static int vuser_told_complete(struct vuser_told *told)
{
	int ret;

	if (!told->incomplete || vuser_told_closing(told) ||
	    vuser_told_lost(told))
		return 0;
	ret = vuser_told_settle(told);
	if (!ret)
		ret = vuser_told_plan(told);
	if (ret && !vuser_told_killed(ret))
		dev_warn_ratelimited(told->dev->vdev.dev,
				     "server refused part of the DMA map (%d)\n",
				     vuser_told_errno(ret));
	return vuser_told_killed(ret) ? ret : 0;
}

/**
 * vuser_told_unmap() - make a device's server let go of mappings
 * @told: of an open device
 * @dying: mappings in the domain's tree, marked as dying
 *
 * Context: process; sleeps for the server.
 * Return: 0, also when the server does not do as asked: then its pages are
 * taken from it; or -EINTR when killed: then some mappings may still be told.
 */
int vuser_told_unmap(struct vuser_told *told, struct list_head *dying)
{
	struct vuser_mapping *map;
	int ret = 0;

	if (mutex_lock_killable(&told->lock))
		return -EINTR;
	if (told->dev) {
		list_for_each_entry(map, dying, list) {
			ret = vuser_told_unmap_one(told, map);
			if (ret)
				break;
			cond_resched();
		}
		if (!ret)
			ret = vuser_told_complete(told);
	}
	vuser_told_unlock(told);
	return ret;
}

/* Open and close ---------------------------------------------------------- */

/**
 * vuser_told_open() - a device opens: nothing is told yet
 * @dom: its container's map
 * @dev: the device, attached
 *
 * Return: the new record with one reference, or NULL.
 */
struct vuser_told *vuser_told_open(struct vuser_domain *dom,
				   struct vuser_device *dev)
{
	struct vuser_told *told = kzalloc(sizeof(*told), GFP_KERNEL_ACCOUNT);

	if (!told)
		return NULL;
	kref_init(&told->ref);
	mutex_init(&told->lock);
	init_waitqueue_head(&told->unlocked);
	told->regions = RB_ROOT_CACHED;
	told->limit = vuser_told_limit(dev);
	told->dom = dom;
	told->dev = dev;
	return told;
}

/**
 * vuser_told_replay() - tell the map as it is, and from now on as it changes
 * @told: from vuser_told_open()
 *
 * Context: process; sleeps for the server.
 * Return: 0, or as vuser_told_map(); vuser_told_close() is needed either way.
 */
int vuser_told_replay(struct vuser_told *told)
{
	int ret;

	/*
	 * In the list before the map is looked at: a mapping that comes now is
	 * seen here, or by the one who maps it, when he gets the lock.
	 */
	mutex_lock(&told->lock);
	vuser_domain_add_device(told->dom, told);
	ret = vuser_told_plan(told);
	vuser_told_unlock(told);
	return vuser_told_errno(ret);
}

/**
 * vuser_told_close() - make the server let go of everything
 * @told: of an open device; replayed
 * @deadline: when to give up and go on without the server; also for who is
 *	telling it something
 *
 * Context: process; not interruptible.
 */
void vuser_told_close(struct vuser_told *told, ktime_t deadline)
{
	struct vuser_region_told *region;

	WRITE_ONCE(told->closing, true);
	vuser_told_lock_close(told, deadline);
	while ((region = vuser_region_at(told, 0, ULONG_MAX)))
		vuser_told_forget(told, region, deadline, false);
	vuser_domain_del_device(told->dom, told);
	told->dev = NULL;
	vuser_told_unlock(told);
}

void vuser_told_get(struct vuser_told *told)
{
	kref_get(&told->ref);
}

static void vuser_told_release(struct kref *ref)
{
	kfree(container_of(ref, struct vuser_told, ref));
}

/**
 * vuser_told_put() - drop a reference
 * @told: the record
 */
void vuser_told_put(struct vuser_told *told)
{
	kref_put(&told->ref, vuser_told_release);
}
