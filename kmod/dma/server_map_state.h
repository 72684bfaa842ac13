/* SPDX-License-Identifier: GPL-2.0 */
/* The state of a server map, for the files that make it: server_{map,sync,msg,log}.c. */
#ifndef VUSER_SERVER_MAP_STATE_H
#define VUSER_SERVER_MAP_STATE_H

#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/sched/signal.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "dma/dma_region.h"
#include "dma/map.h"
#include "server/channel.h"

struct vuser_settings;

/**
 * enum vuser_server_logs - whether a server logs its writes
 * @VUSER_SERVER_LOGS_NOT: no; START was not sent, or STOP was sent
 * @VUSER_SERVER_LOGS: yes; the server has accepted START
 * @VUSER_SERVER_LOGS_MAYBE: the thread that sent START or STOP was killed
 * @VUSER_SERVER_LOGS_NEVER: no; the server has refused START
 */
enum vuser_server_logs {
	VUSER_SERVER_LOGS_NOT,
	VUSER_SERVER_LOGS,
	VUSER_SERVER_LOGS_MAYBE,
	VUSER_SERVER_LOGS_NEVER,
};

/**
 * struct vuser_server_map - the dma regions that one server has
 * @ref: held by the device, by the list of the DMA map, by @retry, and by each
 *	thread that walks the list while it uses this server map
 * @user: entry in the list of the DMA map
 * @dmap: the DMA map; valid while @chan is not NULL
 * @lock: serialises the DMA_MAP and DMA_UNMAP messages to this server, and
 *	protects the fields below.  Held while waiting for replies of this
 *	server, never while waiting for another server.  The server has a
 *	deadline for each reply, and is lost after that.
 *
 *	Taken by MAP_DMA, UNMAP_DMA and RESET (killably), by @retry, by open
 *	(before other threads know the server map) and by close (not
 *	interruptible).  Close waits for at most one message of another thread,
 *	because @closing stops further messages; at its deadline, close ends the
 *	channel, which ends the wait.  Never taken by attach, detach or release
 *	of the container, by DMA, or by faults.
 *
 *	Taken outside of the lock of the DMA map and of memory objects' locks.
 * @unlocked: close waits here until @lock is free
 * @chan: channel of the open device; NULL after the device was closed
 * @settings: settings of the device
 * @closing: the device is being closed, so no dma region is mapped any more;
 *	set without @lock
 * @is_next: the server does not serve the device yet, so it is lost if it refuses a mapping;
 *	set without @lock
 * @incomplete: a mapping may have no dma region, because a message failed
 * @limit: number of dma regions that the server accepts, as far as it is known
 * @nr: number of entries in @regions, including leaving ones
 * @nr_leaving: number of leaving entries in @regions
 * @logs: whether the server logs its writes
 * @log_page: bytes for each bit of the reports that the server makes, if it logs
 * @regions: struct vuser_dma_region by IOVA; no two overlap
 * @retry: calls vuser_server_sync() after a message failed; cancelled by close
 * @retry_ms: delay before the next @retry, in milliseconds
 *
 * A mapping of the DMA map is in one of three states here.  Unknown: no dma region
 * has it.  Mapped: a dma region has it that is not leaving.  Leaving: its dma region
 * is leaving, the mapping itself does not exist any more.
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
	bool is_next;
	bool incomplete;
	u32 limit;
	u32 nr;
	u32 nr_leaving;
	enum vuser_server_logs logs;
	u64 log_page;
	struct rb_root_cached regions;
	struct delayed_work retry;
	unsigned int retry_ms;
};

static inline struct vuser_dma_region *vuser_server_map_entry(struct interval_tree_node *n)
{
	return n ? container_of(n, struct vuser_dma_region, node) : NULL;
}

/* The first dma region that overlaps the range, or NULL. */
static inline struct vuser_dma_region *vuser_server_map_first(struct vuser_server_map *sm,
							      u64 first, u64 last)
{
	return vuser_server_map_entry(interval_tree_iter_first(&sm->regions, first,
							       last));
}

static inline struct vuser_dma_region *
vuser_server_map_next(struct vuser_dma_region *region, u64 first, u64 last)
{
	return vuser_server_map_entry(interval_tree_iter_next(&region->node, first,
							      last));
}

/*
 * Was the current thread killed?  The helper may refuse an fdmsg with EINTR as well,
 * so check the signal, too.
 */
static inline bool vuser_server_map_killed(int ret)
{
	return ret == -EINTR && fatal_signal_pending(current);
}

static inline bool vuser_server_map_lost(struct vuser_server_map *sm)
{
	return vuser_channel_lost(sm->chan);
}

static inline bool vuser_server_map_closing(struct vuser_server_map *sm)
{
	return READ_ONCE(sm->closing);
}

static inline void vuser_server_map_unlock(struct vuser_server_map *sm)
{
	mutex_unlock(&sm->lock);
	wake_up(&sm->unlocked);
}

#endif /* VUSER_SERVER_MAP_STATE_H */
