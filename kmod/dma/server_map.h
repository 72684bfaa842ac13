/* SPDX-License-Identifier: GPL-2.0 */
/* The server map of an open device: what its server has mapped. */
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
 * struct vuser_server_map - the dma regions that one server has mapped
 * @ref: held by the device, by the list of the DMA map, and by each thread that
 *	walks the list while it uses this server map
 * @user: entry in the list of the DMA map
 * @dmap: the DMA map; valid while @chan is not NULL
 * @lock: serialises the DMA_MAP and DMA_UNMAP messages to this server, and
 *	protects the fields below.  Held while waiting for replies of this
 *	server, never while waiting for another server.  The server has a
 *	deadline for each reply, and is lost after that.
 *
 *	Taken by MAP_DMA and UNMAP_DMA (killably), by open (before other threads
 *	know the server map) and by close (not interruptible).  Close waits for
 *	at most one message of another thread, because @closing stops further
 *	messages; at its deadline, close ends the channel, which ends the
 *	wait.  Never taken by attach, detach or release of the container, by
 *	DMA, or by faults.
 *
 *	Taken outside of the lock of the DMA map and of memory objects' locks.
 * @unlocked: close waits here until @lock is free
 * @chan: channel of the open device; NULL after the device was closed
 * @settings: settings of the device
 * @closing: the device is being closed, so no dma region is mapped any more;
 *	set without @lock
 * @incomplete: the server map may differ from the layout: a dma region was not
 *	mapped or not unmapped
 * @limit: number of dma regions that the server accepts, as far as it is known
 * @nr: number of entries in @regions, including stale ones
 * @nr_exact: number of entries in @regions that are not windows
 * @regions: struct vuser_dma_region by IOVA
 */
struct vuser_server_map {
	struct kref ref;
	struct vuser_map_user user;
	struct vuser_dma_map *dmap;
	struct mutex lock;	/* the dma regions of this server */
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
