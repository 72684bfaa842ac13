// SPDX-License-Identifier: GPL-2.0
/*
 * The messages of a server map: DMA_MAP and DMA_UNMAP of single dma regions, and what
 * remains if a message fails.
 *
 * The callers of all functions hold the lock of the server map.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/sched.h>

#include "dma/layout.h"
#include "dma/server_log.h"
#include "dma/server_map_state.h"
#include "dma/server_msg.h"
#include "server/cmd.h"
#include "vuser.h"

/* Removes a dma region from the server map and frees it. */
static void vuser_server_msg_drop(struct vuser_server_map *sm,
				  struct vuser_dma_region *region)
{
	interval_tree_remove(&region->node, &sm->regions);
	sm->nr--;
	if (region->leaving)
		sm->nr_leaving--;
	vuser_dma_region_free(region);
}

/**
 * vuser_server_msg_set_leaving() - mark a dma region that must be unmapped later
 * @sm: the server map
 * @region: the dma region; its memory fd becomes empty
 *
 * Context: process; may sleep, but does not wait for the server.
 */
void vuser_server_msg_set_leaving(struct vuser_server_map *sm,
				  struct vuser_dma_region *region)
{
	vuser_dma_region_empty(region);
	if (!region->leaving)
		sm->nr_leaving++;
	region->leaving = true;
}

/*
 * Sends DMA_UNMAP and removes the dma region from the server map.  Fails if @killable
 * is set and the message could not be sent; the dma region is then leaving.  If the
 * current thread was killed after the message was sent, the server gets the message
 * before any later one, so the dma region is removed.
 */
static int vuser_server_msg_send_unmap(struct vuser_server_map *sm,
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
		vuser_server_msg_set_leaving(sm, region);
		return ret;
	}
	/* The server may refuse because it never mapped a leaving dma region. */
	if (ret && !region->leaving && !vuser_server_map_killed(ret) &&
	    !vuser_server_map_lost(sm))
		dev_warn_ratelimited(sm->chan->user.dev,
				     "server refused to unmap DMA region 0x%lx-0x%lx (%d)\n",
				     region->node.start, region->node.last,
				     ret);
	/* The log of the server may not have this memory any more, later. */
	if (killable)
		vuser_server_log_unmapped(sm, region->node.start, region->node.last);
	vuser_server_msg_drop(sm, region);
	return 0;
}

/**
 * vuser_server_msg_unmap() - unmap a dma region in the server
 * @sm: the server map
 * @region: the dma region
 *
 * After 0, @region does not exist any more, whatever the server replied.  After another
 * error than -ENODEV, @region is leaving.  In both cases the server cannot access the
 * pages of its memory fd any more.
 *
 * Context: process; sleeps killably until the server has replied.
 * Return: 0; -ENODEV when the device is being closed, and nothing was done; -EINTR when
 * killed before the message was sent; or another error with which it could not be sent.
 */
int vuser_server_msg_unmap(struct vuser_server_map *sm,
			   struct vuser_dma_region *region)
{
	if (vuser_server_map_closing(sm))
		return -ENODEV;
	return vuser_server_msg_send_unmap(sm, region,
					   vuser_channel_deadline(sm->chan), true);
}

/**
 * vuser_server_msg_unmap_leaving() - unmap the leaving dma regions of a range
 * @sm: the server map
 * @first: first IOVA
 * @last: last IOVA
 *
 * Context: as vuser_server_msg_unmap().
 * Return: as vuser_server_msg_unmap().
 */
int vuser_server_msg_unmap_leaving(struct vuser_server_map *sm, u64 first, u64 last)
{
	struct vuser_dma_region *region, *next;
	int ret = 0;

	for (region = vuser_server_map_first(sm, first, last); region && !ret;
	     region = next) {
		next = vuser_server_map_next(region, first, last);
		if (region->leaving)
			ret = vuser_server_msg_unmap(sm, region);
	}
	return ret;
}

/**
 * vuser_server_msg_clear() - unmap the dma regions that overlap a range
 * @sm: the server map
 * @first: first IOVA
 * @last: last IOVA
 *
 * Context: as vuser_server_msg_unmap().
 * Return: as vuser_server_msg_unmap().
 */
int vuser_server_msg_clear(struct vuser_server_map *sm, u64 first, u64 last)
{
	struct vuser_dma_region *region;
	int ret = 0;

	while (!ret && (region = vuser_server_map_first(sm, first, last)))
		ret = vuser_server_msg_unmap(sm, region);
	return ret;
}

/**
 * vuser_server_msg_unmap_all() - unmap all dma regions, because the device is closed
 * @sm: the server map
 * @deadline: when to stop waiting for the server; the channel is then lost
 *
 * Context: process; sleeps, not interruptible.
 */
void vuser_server_msg_unmap_all(struct vuser_server_map *sm, ktime_t deadline)
{
	struct vuser_dma_region *region;

	while ((region = vuser_server_map_first(sm, 0, ULONG_MAX)))
		vuser_server_msg_send_unmap(sm, region, deadline, false);
}

/**
 * vuser_server_msg_drop_all() - drop all dma regions, because the server is lost
 * @sm: the server map
 *
 * Sends nothing.  The memory fds that the server still has are empty.
 *
 * Context: process; may sleep, but does not wait for a server.
 */
void vuser_server_msg_drop_all(struct vuser_server_map *sm)
{
	struct vuser_dma_region *region;

	while ((region = vuser_server_map_first(sm, 0, ULONG_MAX))) {
		vuser_server_msg_drop(sm, region);
		cond_resched();
	}
}

/**
 * vuser_server_msg_map() - map a dma region in the server
 * @sm: the server map
 * @layout: the dma region; it overlaps no other one
 * @maps: the mappings that overlap it
 * @nr_maps: number of entries in @maps, not 0
 *
 * If the thread was killed while it waited, the server may have the dma region.  The
 * dma region is then leaving.
 *
 * Context: process; sleeps killably until the server has replied.
 * Return: 0; -ENODEV when the device is being closed; or an error of
 * vuser_dma_region_alloc(), vuser_dma_region_fill() or vuser_cmd_dma_map().
 */
int vuser_server_msg_map(struct vuser_server_map *sm,
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
		vuser_server_msg_set_leaving(sm, region);
	else
		vuser_server_msg_drop(sm, region);
	return ret;
}
