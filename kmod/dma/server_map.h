/* SPDX-License-Identifier: GPL-2.0 */
/* What a device's server was told of its container's DMA map. */
#ifndef VUSER_TOLD_H
#define VUSER_TOLD_H

#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/wait.h>

struct vuser_device;
struct vuser_domain;
struct vuser_mapping;

/**
 * struct vuser_told - what a device's server was told
 * @ref: held by the device, by the domain's list, and by who walks that
 * @node: in the domain's list, under the domain's lock
 * @seq: place in that list, never used again
 * @dom: the domain; valid while @dev is
 * @lock: serialises what is told to this server, and protects what follows.
 *	Held while waiting for this very server, which has a deadline for each
 *	message and then is lost.  Taken by MAP_DMA and UNMAP_DMA (killably),
 *	by open (before anybody else knows the device) and by close (which is
 *	never interrupted: it waits for one message at most, for @closing stops
 *	the others, and ends that wait when its own deadline has passed); never
 *	by attach, detach and release of the container, by DMA, or by faults.
 *	Outside of the domain's lock and of the locks of memory objects.
 * @unlocked: the close waits here for @lock
 * @dev: the device; NULL once it is closed
 * @closing: nothing is told any more; set without the lock
 * @incomplete: some mapping could not be told when regions were told anew
 * @limit: regions the server takes, as far as known
 * @nr: regions it was told
 * @nr_exact: those of them that are not windows
 * @regions: struct vuser_region_told by IOVA
 */
struct vuser_told {
	struct kref ref;
	struct list_head node;
	u64 seq;
	struct vuser_domain *dom;
	struct mutex lock;	/* what this server is told */
	wait_queue_head_t unlocked;
	struct vuser_device *dev;
	bool closing;
	bool incomplete;
	u32 limit;
	u32 nr;
	u32 nr_exact;
	struct rb_root_cached regions;
};

struct vuser_told *vuser_told_open(struct vuser_domain *dom,
				   struct vuser_device *dev);
int vuser_told_replay(struct vuser_told *told);
void vuser_told_close(struct vuser_told *told, ktime_t deadline);
void vuser_told_get(struct vuser_told *told);
void vuser_told_put(struct vuser_told *told);

int vuser_told_map(struct vuser_told *told, struct vuser_mapping *map);
int vuser_told_unmap(struct vuser_told *told, struct list_head *dying);

#endif /* VUSER_TOLD_H */
