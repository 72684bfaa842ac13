/* SPDX-License-Identifier: GPL-2.0 */
/* A container's DMA map: what the consumer mapped. */
#ifndef VUSER_MAP_H
#define VUSER_MAP_H

#include <linux/interval_tree.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include "dma/backing.h"

/* The last IOVA a mapping may have: five-level page tables end there. */
#define VUSER_LAST_IOVA		((1UL << 57) - 1)

/**
 * enum vuser_mapping_state - where a mapping is in its life
 * @VUSER_MAPPING_PENDING: servers are mapping it; MAP_DMA has not returned
 * @VUSER_MAPPING_LIVE: mapped
 * @VUSER_MAPPING_DYING: servers are being asked to unmap it
 *
 * In each of them it keeps others from its addresses and serves DMA, for a
 * server may use it before it has answered, and until it has.
 */
enum vuser_mapping_state {
	VUSER_MAPPING_PENDING,
	VUSER_MAPPING_LIVE,
	VUSER_MAPPING_DYING,
};

/**
 * struct vuser_mapping - one MAP_DMA of the consumer
 * @node: first and last IOVA
 * @list: among those that one call unmaps
 * @state: see there; under the map's lock
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE, seen from the device
 * @back: the memory
 *
 * It leaves the map, and its memory is released, only after the server of every
 * device has unmapped it.  So a thread that holds the lock of a server map, and saw
 * the mapping neither dying nor gone, may use it until it drops that lock.
 */
struct vuser_mapping {
	struct interval_tree_node node;
	struct list_head list;
	enum vuser_mapping_state state;
	u32 prot;
	struct vuser_backing back;
};

static inline u64 vuser_mapping_size(const struct vuser_mapping *map)
{
	return map->node.last - map->node.start + 1;
}

/**
 * struct vuser_map_user - a user of the map, which follows its changes
 * @node: in the map's list, under the map's lock
 * @seq: place in that list, never used again
 */
struct vuser_map_user {
	struct list_head node;
	u64 seq;
};

/**
 * struct vuser_dma_map - a container's DMA map
 * @lock: protects what follows.  Held for short times only: DMA is served with
 *	it held for reading (copying pinned pages), so never while a server is
 *	waited for, user memory is touched or pages are pinned.  Inside of the
 *	lock of a server map.
 * @dead: the container is gone; nothing is mapped any more
 * @mappings: by IOVA, none overlap
 * @avail: how many more there may be
 * @users: struct vuser_map_user of the open devices, in the order of their @seq
 * @seq: of the user that was added last
 */
struct vuser_dma_map {
	struct rw_semaphore lock;
	bool dead;
	struct rb_root_cached mappings;
	unsigned int avail;
	struct list_head users;
	u64 seq;
};

void vuser_map_init(struct vuser_dma_map *dmap, unsigned int limit);
void vuser_map_destroy(struct vuser_dma_map *dmap);
void vuser_map_add_user(struct vuser_dma_map *dmap,
			struct vuser_map_user *user);
void vuser_map_del_user(struct vuser_dma_map *dmap,
			struct vuser_map_user *user);

struct vuser_mapping *vuser_map_first(struct vuser_dma_map *dmap,
				      unsigned long first, unsigned long last);
struct vuser_mapping *vuser_map_next(struct vuser_mapping *map,
				     unsigned long first, unsigned long last);
struct vuser_mapping **vuser_map_snapshot(struct vuser_dma_map *dmap,
					  unsigned long first,
					  unsigned long last, size_t *nr);
int vuser_map_check(struct vuser_dma_map *dmap, unsigned long first,
		    unsigned long last);
int vuser_map_insert(struct vuser_dma_map *dmap, struct vuser_mapping *map);
void vuser_map_set_state(struct vuser_dma_map *dmap, struct vuser_mapping *map,
			 enum vuser_mapping_state state);
void vuser_map_free(struct vuser_mapping *map);

int vuser_map_rw(struct vuser_dma_map *dmap, u64 iova, void *buf, size_t len,
		 bool write);

#endif /* VUSER_MAP_H */
