/* SPDX-License-Identifier: GPL-2.0 */
/* A container's DMA map: what the consumer mapped, and for which devices. */
#ifndef VUSER_DMAMAP_H
#define VUSER_DMAMAP_H

#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include "dma/backing.h"

struct vuser_access;
struct vuser_told;

/* The last IOVA a mapping may have: five-level page tables end there. */
#define VUSER_LAST_IOVA		((1UL << 57) - 1)

/**
 * enum vuser_mapping_state - where a mapping is in its life
 * @VUSER_MAPPING_PENDING: servers are being told; MAP_DMA has not returned
 * @VUSER_MAPPING_LIVE: mapped
 * @VUSER_MAPPING_DYING: servers are being asked to let go
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
 * @state: see there; under the domain's lock
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE, seen from the device
 * @back: the memory
 *
 * It leaves the tree, and its memory is let go, only after every device has
 * let go of it; so whoever holds a device's told lock and saw it neither dying
 * nor gone may use it until he drops that lock.
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
 * struct vuser_domain - a container's map
 * @ref: held by the backend's cookie, by each ioctl and each open device
 * @v2: type1 version 2 was asked for
 * @access: to the I/O address space that this stands for, where iommufd has
 *	the map and we do not see it; the open device's; else NULL
 * @lock: protects what follows.  Held for short times only: DMA is served with
 *	it held for reading (copying pinned pages), so never while anybody is
 *	waited for, user memory is touched or pages are pinned.  Inside of a
 *	device's told lock.
 * @dead: the container is gone; nothing is mapped any more
 * @mappings: by IOVA, none overlap
 * @avail: how many more there may be
 * @devices: struct vuser_told of the open devices, in the order of @seq
 * @seq: of the next one
 */
struct vuser_domain {
	struct kref ref;
	bool v2;
	struct vuser_access *access;
	struct rw_semaphore lock;
	bool dead;
	struct rb_root_cached mappings;
	unsigned int avail;
	struct list_head devices;
	u64 seq;
};

struct vuser_domain *vuser_domain_alloc(bool v2, unsigned int limit);
struct vuser_domain *vuser_domain_alloc_unseen(struct vuser_access *access,
					       u64 last);
void vuser_domain_kill(struct vuser_domain *dom);
void vuser_domain_put(struct vuser_domain *dom);
unsigned int vuser_domain_avail(struct vuser_domain *dom);

int vuser_domain_map(struct vuser_domain *dom, unsigned long iova,
		     unsigned long vaddr, unsigned long size, u32 prot);
int vuser_domain_unmap(struct vuser_domain *dom, unsigned long first,
		       unsigned long last, bool all, u64 *unmapped);
int vuser_domain_rw(struct vuser_domain *dom, u64 iova, void *buf, size_t len,
		    bool write);

void vuser_domain_add_device(struct vuser_domain *dom,
			     struct vuser_told *told);
void vuser_domain_del_device(struct vuser_domain *dom,
			     struct vuser_told *told);
struct vuser_mapping **vuser_domain_snapshot(struct vuser_domain *dom,
					     unsigned long first,
					     unsigned long last, size_t *nr);

#endif /* VUSER_DMAMAP_H */
