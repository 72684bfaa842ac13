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
 * vuser_server_sync() makes the dma regions of the server as they should be.  If a message
 * fails, a work item calls it again.
 */
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "dma/file.h"
#include "dma/layout.h"
#include "dma/server_log.h"
#include "dma/server_map.h"
#include "dma/server_map_state.h"
#include "dma/server_msg.h"
#include "dma/server_sync.h"
#include "vuser.h"

/* Delay before a failed message is sent again, in milliseconds; doubles each time. */
#define VUSER_RETRY_MIN		100
#define VUSER_RETRY_MAX		25600

/* Trying again ------------------------------------------------------------- */

/* Starts the work item, which calls vuser_server_map_settle() later. */
static void vuser_server_map_start_retry(struct vuser_server_map *sm)
{
	if (!queue_delayed_work(vuser_wait_wq, &sm->retry,
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
					      vuser_server_sync(sm, VUSER_SYNC_KEEP);
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
	ret = vuser_server_msg_map(sm, &layout, &map, 1);
	if (!vuser_server_sync_full(sm, ret))
		return ret;
	vuser_server_sync_learn_limit(sm);
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

	ret = vuser_server_msg_unmap_leaving(sm, map->node.start, map->node.last);
	if (!ret)
		ret = vuser_server_map_map_parts(sm, map);
	if (ret == -EAGAIN)
		ret = vuser_server_sync(sm, VUSER_SYNC_KEEP);
	if (!ret)
		vuser_server_map_settle(sm);
	return ret;
}

/*
 * Whether the consumer does not learn that a mapping failed: another server serves the device,
 * or the device is lost or being closed.  If the setting on_loss is fail, the consumer learns
 * of the time-out with which its own MAP_DMA lost the server.
 */
static bool vuser_server_map_hides(struct vuser_server_map *sm, int error)
{
	if (READ_ONCE(sm->is_next) && error != -EINTR) {
		vuser_channel_hang_up(sm->chan, error,
				      "the server did not map memory before it served the device");
		return true;
	}
	if (vuser_server_map_closing(sm))
		return true;
	return vuser_server_map_lost(sm) &&
	       (error != -ETIMEDOUT || READ_ONCE(sm->settings->on_loss) != VUSER_ON_LOSS_FAIL);
}

/**
 * vuser_server_map_map() - map a mapping in the server
 * @sm: the server map of a device
 * @map: a mapping in the DMA map
 *
 * Does nothing when the server is lost, or when the device is closed or being
 * closed.  A server that does not serve the device yet is lost when it does not map the
 * mapping: the consumer does not know about that server.
 *
 * Context: process; sleeps killably until the server has replied; takes
 * @sm->lock.
 * Return: 0; -EINTR when killed; -ENOSPC when the server accepts no more dma
 * regions; -ENOMEM; -ETIMEDOUT, if the setting on_loss is fail; or the errno with which the
 * server refused.  After an error the server may have mapped the mapping nevertheless, so the
 * caller must unmap it.
 */
int vuser_server_map_map(struct vuser_server_map *sm, struct vuser_mapping *map)
{
	int ret = 0;

	if (mutex_lock_killable(&sm->lock))
		return -EINTR;
	if (sm->chan && !vuser_server_map_closing(sm) && !vuser_server_map_lost(sm)) {
		ret = vuser_server_map_map_locked(sm, map);
		if (ret && vuser_server_map_hides(sm, ret))
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
			vuser_server_msg_set_leaving(sm, region);
		else
			vuser_server_msg_unmap(sm, region);
	}
}

/**
 * vuser_server_map_unmap() - unmap mappings in the server
 * @sm: the server map of a device
 * @dying: list of mappings in the DMA map that are in state dying
 * @log: after that, mark the pages of the mappings that the server has written
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
int vuser_server_map_unmap(struct vuser_server_map *sm, struct list_head *dying, bool log)
{
	struct vuser_mapping *map;

	if (mutex_lock_killable(&sm->lock))
		return -EINTR;
	if (sm->chan) {
		list_for_each_entry(map, dying, list) {
			vuser_server_map_unmap_mapping(sm, map);
			if (log)
				vuser_server_log_unmapped(sm, map->node.start, map->node.last);
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
	vuser_server_sync_reset_limit(sm);
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
	ret = vuser_server_log_begin(sm) ?: vuser_server_sync(sm, VUSER_SYNC_BEST);
	vuser_server_map_unlock(sm);
	return ret;
}

/**
 * vuser_server_map_switch() - put another channel in the place of a lost one
 * @sm: the server map of an open device
 * @chan: the new channel; must live until the next switch or vuser_server_map_close()
 *
 * Drops the dma regions of the lost server, whose memory fds are empty from now on.
 *
 * Context: process, the work item that resumes the device; takes @sm->lock, whose
 * holder waits for nothing but the lost server.
 */
void vuser_server_map_switch(struct vuser_server_map *sm, struct vuser_channel *chan)
{
	mutex_lock(&sm->lock);
	vuser_server_msg_drop_all(sm);
	vuser_server_log_drop(sm);
	sm->chan = chan;
	vuser_server_sync_reset_limit(sm);
	vuser_server_map_unlock(sm);
}

/**
 * vuser_server_map_resume() - map the whole DMA map in another server
 * @sm: the server map, after vuser_server_map_switch()
 *
 * Context: process, the work item that resumes the device; sleeps until the server has
 * replied; takes @sm->lock.
 * Return: as vuser_server_map_replay(); -ENODEV when the device is being closed.
 */
int vuser_server_map_resume(struct vuser_server_map *sm)
{
	int ret;

	mutex_lock(&sm->lock);
	ret = vuser_server_log_begin(sm) ?: vuser_server_sync(sm, VUSER_SYNC_BEST);
	vuser_server_map_unlock(sm);
	return ret;
}

/* vuser_server_map_join() with the lock held. */
static void vuser_server_map_join_locked(struct vuser_server_map *sm)
{
	int ret = vuser_server_sync(sm, VUSER_SYNC_JOIN);

	/* The server may refuse an island although it accepts the single mappings. */
	if (ret == -EINVAL || ret == -ENOSPC)
		ret = vuser_server_sync(sm, VUSER_SYNC_SINGLE);
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

/* The last step of close and drop: changes of the DMA map do not reach @sm any more. */
static void vuser_server_map_leave(struct vuser_server_map *sm)
{
	vuser_map_del_user(sm->dmap, &sm->user);
	sm->chan = NULL;
	vuser_server_map_unlock(sm);
	/* The work item is not started again without a channel. */
	if (cancel_delayed_work(&sm->retry))
		vuser_server_map_put(sm);
	vuser_server_map_put(sm);
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
	WRITE_ONCE(sm->closing, true);
	vuser_server_map_lock_close(sm, deadline);
	vuser_server_msg_unmap_all(sm, deadline);
	vuser_server_log_end(sm, deadline);
	vuser_server_map_leave(sm);
}

/**
 * vuser_server_map_drop() - drop the server map of a server that is replaced
 * @sm: the server map, after vuser_server_map_replay(); its channel is ended.  The reference
 *	of the DMA map's list is dropped
 *
 * Sends nothing.  The memory fds that the server still has are empty.
 *
 * Context: process; takes @sm->lock, whose holder waits for nothing but the channel.
 */
void vuser_server_map_drop(struct vuser_server_map *sm)
{
	WRITE_ONCE(sm->closing, true);
	mutex_lock(&sm->lock);
	vuser_server_msg_drop_all(sm);
	vuser_server_log_drop(sm);
	vuser_server_map_leave(sm);
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
