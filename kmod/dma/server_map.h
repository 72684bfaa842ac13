/* SPDX-License-Identifier: GPL-2.0 */
/* What a device's server has mapped of its container's DMA map. */
#ifndef VUSER_SERVER_MAP_H
#define VUSER_SERVER_MAP_H

#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "dma/map.h"

struct vuser_channel;
struct vuser_settings;

/**
 * struct vuser_server_map - what a device's server has mapped
 * @ref: held by the device, by the DMA map's list, and by a thread that walks that
 * @user: in the DMA map's list
 * @dmap: the DMA map; valid while @chan is
 * @lock: serialises what is sent to this server about the map, and protects what
 *	follows.  Held while waiting for this very server, which has a deadline for
 *	each message and then is lost.  Taken by MAP_DMA and UNMAP_DMA (killably),
 *	by open (before anybody else knows the device) and by close (which is
 *	never interrupted: it waits for one message at most, since @closing stops
 *	the others, and ends that wait when its own deadline has passed); never
 *	by attach, detach and release of the container, by DMA, or by faults.
 *	Outside of the DMA map's lock and of the locks of memory objects.
 * @unlocked: the close waits here for @lock
 * @chan: the open device's channel; NULL once the device is closed
 * @settings: of the device
 * @closing: no region is mapped any more; set without the lock
 * @incomplete: some mapping could not be mapped when the layout changed
 * @limit: regions the server takes, as far as known
 * @nr: regions it has mapped
 * @nr_exact: those of them that are not windows
 * @regions: struct vuser_dma_region by IOVA
 */
struct vuser_server_map {
	struct kref ref;
	struct vuser_map_user user;
	struct vuser_dma_map *dmap;
	struct mutex lock;	/* what this server has mapped */
	wait_queue_head_t unlocked;
	struct vuser_channel *chan;
	const struct vuser_settings *settings;
	bool closing;
	bool incomplete;
	u32 limit;
	u32 nr;
	u32 nr_exact;
	struct rb_root_cached regions;
};

struct vuser_server_map *
vuser_server_map_open(struct vuser_dma_map *dmap, struct vuser_channel *chan,
		      const struct vuser_settings *settings);
int vuser_server_map_replay(struct vuser_server_map *sm);
void vuser_server_map_close(struct vuser_server_map *sm, ktime_t deadline);
void vuser_server_map_get(struct vuser_server_map *sm);
void vuser_server_map_put(struct vuser_server_map *sm);

int vuser_server_map_map(struct vuser_server_map *sm,
			 struct vuser_mapping *map);
int vuser_server_map_unmap(struct vuser_server_map *sm,
			   struct list_head *dying);

#endif /* VUSER_SERVER_MAP_H */
