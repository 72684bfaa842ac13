/* SPDX-License-Identifier: GPL-2.0 */
/* The DMA map of a container: the mappings that the consumer made. */
#ifndef VUSER_MAP_H
#define VUSER_MAP_H

#include <linux/interval_tree.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include "dma/backing.h"
#include "dma/dirty.h"

/* The last IOVA that a mapping may have: the end of five-level page tables. */
#define VUSER_LAST_IOVA		((1UL << 57) - 1)

/**
 * enum vuser_mapping_state - the state of a mapping
 * @VUSER_MAPPING_PENDING: MAP_DMA is mapping it in the servers and has not
 *	returned
 * @VUSER_MAPPING_LIVE: mapped
 * @VUSER_MAPPING_DYING: UNMAP_DMA is unmapping it in the servers
 *
 * In every state the mapping blocks overlapping mappings and serves DMA by message.  A
 * server may use a mapping before it has replied to DMA_MAP, and until it has
 * replied to DMA_UNMAP.
 */
enum vuser_mapping_state {
	VUSER_MAPPING_PENDING,
	VUSER_MAPPING_LIVE,
	VUSER_MAPPING_DYING,
};

/**
 * struct vuser_mapping - one mapping, made by one MAP_DMA
 * @node: first and last IOVA
 * @list: entry in the list of mappings that one call unmaps
 * @state: enum vuser_mapping_state; protected by the lock of the DMA map
 * @dying: number of the UNMAP_DMA that ends the mapping; protected by the lock of the
 *	DMA map
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE, as accesses of the device
 * @back: the memory
 * @dirty: which of its pages were written, while writes are logged
 *
 * The mapping is removed from the DMA map, and its memory released, only after
 * the server of every device has unmapped it.  Unmapping takes the lock of each
 * server map.  So a thread that holds the lock of a server map, and has found
 * the mapping in the DMA map in a state other than dying, may use the mapping
 * until it drops the lock of the server map.
 */
struct vuser_mapping {
	struct interval_tree_node node;
	struct list_head list;
	enum vuser_mapping_state state;
	u64 dying;
	u32 prot;
	struct vuser_backing back;
	struct vuser_dirty dirty;
};

static inline u64 vuser_mapping_size(const struct vuser_mapping *map)
{
	return map->node.last - map->node.start + 1;
}

/**
 * struct vuser_map_user - a server map in the list of a DMA map
 * @node: entry in the DMA map's list; protected by the lock of the DMA map
 * @seq: sequence number; the list is sorted by it, and no number is used twice
 */
struct vuser_map_user {
	struct list_head node;
	u64 seq;
};

/**
 * struct vuser_dma_map - the DMA map of a container
 * @lock: protects the fields below.  The server's DMA holds it for reading while
 *	pinned pages are copied.  It is held for a short time only, and never
 *	while waiting for a server, accessing user memory or pinning pages.
 *	Taken inside of the lock of a server map.
 * @dead: the container was released; no new mapping is accepted
 * @logged: writes are logged, so each mapping has a dirty bitmap.  Also read without @lock
 * @mappings: struct vuser_mapping by IOVA; no two overlap
 * @avail: number of mappings that can still be added
 * @users: struct vuser_map_user of each open device, sorted by @seq
 * @seq: sequence number of the user that was added last
 */
struct vuser_dma_map {
	struct rw_semaphore lock;
	bool dead;
	bool logged;
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
