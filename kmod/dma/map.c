// SPDX-License-Identifier: GPL-2.0
/*
 * A container's DMA map: the mappings by IOVA, and DMA by message into them.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "dma/map.h"

static struct vuser_mapping *vuser_map_entry(struct interval_tree_node *node)
{
	return node ? container_of(node, struct vuser_mapping, node) : NULL;
}

/**
 * vuser_map_first() - the first mapping in a range
 * @dmap: the map; its lock is held
 * @first: first IOVA
 * @last: last IOVA
 *
 * Return: the mapping, which may begin before the range and end behind it, or NULL.
 */
struct vuser_mapping *vuser_map_first(struct vuser_dma_map *dmap,
				      unsigned long first,
				      unsigned long last)
{
	return vuser_map_entry(interval_tree_iter_first(&dmap->mappings, first,
							last));
}

/**
 * vuser_map_next() - the next mapping in a range
 * @map: from vuser_map_first() or vuser_map_next(); the map's lock is held
 * @first: first IOVA
 * @last: last IOVA
 *
 * Return: as vuser_map_first().
 */
struct vuser_mapping *vuser_map_next(struct vuser_mapping *map,
				     unsigned long first,
				     unsigned long last)
{
	return vuser_map_entry(interval_tree_iter_next(&map->node, first,
						       last));
}

/**
 * vuser_map_free() - release a mapping's memory and free it
 * @map: in no map any more
 *
 * The mapping that stands for an iommufd's map has no memory.
 */
void vuser_map_free(struct vuser_mapping *map)
{
	if (map->back.mm)
		vuser_backing_release(&map->back);
	kfree(map);
}

/**
 * vuser_map_init() - make an empty map
 * @dmap: zeroed
 * @limit: mappings at most
 */
void vuser_map_init(struct vuser_dma_map *dmap, unsigned int limit)
{
	init_rwsem(&dmap->lock);
	INIT_LIST_HEAD(&dmap->users);
	dmap->mappings = RB_ROOT_CACHED;
	dmap->avail = limit;
}

/**
 * vuser_map_destroy() - free all mappings; nothing uses the map any more
 * @dmap: the map
 */
void vuser_map_destroy(struct vuser_dma_map *dmap)
{
	struct vuser_mapping *map;

	WARN_ON_ONCE(!list_empty(&dmap->users));
	while ((map = vuser_map_first(dmap, 0, ULONG_MAX))) {
		interval_tree_remove(&map->node, &dmap->mappings);
		vuser_map_free(map);
		cond_resched();
	}
}

/* Users -------------------------------------------------------------------- */

/**
 * vuser_map_add_user() - a user follows changes from now on
 * @dmap: the map
 * @user: the user; what holds it gives a reference to the list
 */
void vuser_map_add_user(struct vuser_dma_map *dmap, struct vuser_map_user *user)
{
	down_write(&dmap->lock);
	user->seq = ++dmap->seq;
	list_add_tail(&user->node, &dmap->users);
	up_write(&dmap->lock);
}

/**
 * vuser_map_del_user() - a user does not follow changes any more
 * @dmap: the map
 * @user: added before; the list's reference is the caller's now
 */
void vuser_map_del_user(struct vuser_dma_map *dmap, struct vuser_map_user *user)
{
	down_write(&dmap->lock);
	list_del(&user->node);
	up_write(&dmap->lock);
}

/* Mappings ----------------------------------------------------------------- */

/* Copies what is not dying to @maps, as far as it fits; counts all of it. */
static size_t vuser_map_collect(struct vuser_dma_map *dmap,
				unsigned long first, unsigned long last,
				struct vuser_mapping **maps, size_t max)
{
	struct vuser_mapping *map;
	size_t n = 0;

	down_read(&dmap->lock);
	for (map = vuser_map_first(dmap, first, last); map;
	     map = vuser_map_next(map, first, last)) {
		if (map->state == VUSER_MAPPING_DYING)
			continue;
		if (n < max)
			maps[n] = map;
		n++;
	}
	up_read(&dmap->lock);
	return n;
}

/**
 * vuser_map_snapshot() - the mappings that a server should know
 * @dmap: the map
 * @first: first IOVA
 * @last: last IOVA
 * @nr: set to how many there are
 *
 * Context: process; the lock of a server map is held: the mappings stay until the
 * caller drops it.
 * Return: those in the range in order of IOVA, to be given to kvfree(), or an
 * ERR_PTR().
 */
struct vuser_mapping **vuser_map_snapshot(struct vuser_dma_map *dmap,
					  unsigned long first,
					  unsigned long last, size_t *nr)
{
	struct vuser_mapping **maps;
	size_t max = 16;

	for (;;) {
		maps = kvmalloc_array(max, sizeof(*maps), GFP_KERNEL);
		if (!maps)
			return ERR_PTR(-ENOMEM);
		*nr = vuser_map_collect(dmap, first, last, maps, max);
		if (*nr <= max)
			return maps;
		kvfree(maps);
		max = *nr + 16;
	}
}

/**
 * vuser_map_check() - may a range be mapped?
 * @dmap: the map; its lock is held
 * @first: first IOVA
 * @last: last IOVA
 *
 * Return: 0, -ENODEV when the container is gone, -EEXIST, -ENOSPC, or -EINVAL
 * beyond the last IOVA.
 */
int vuser_map_check(struct vuser_dma_map *dmap, unsigned long first,
		    unsigned long last)
{
	if (dmap->dead)
		return -ENODEV;
	if (vuser_map_first(dmap, first, last))
		return -EEXIST;
	if (!dmap->avail)
		return -ENOSPC;
	return last > VUSER_LAST_IOVA ? -EINVAL : 0;
}

/**
 * vuser_map_insert() - add a mapping that is pending
 * @dmap: the map
 * @map: the mapping
 *
 * Return: 0, or as vuser_map_check().
 */
int vuser_map_insert(struct vuser_dma_map *dmap,
		     struct vuser_mapping *map)
{
	int ret;

	down_write(&dmap->lock);
	ret = vuser_map_check(dmap, map->node.start, map->node.last);
	if (!ret) {
		map->state = VUSER_MAPPING_PENDING;
		interval_tree_insert(&map->node, &dmap->mappings);
		dmap->avail--;
	}
	up_write(&dmap->lock);
	return ret;
}

/**
 * vuser_map_set_state() - change the state of a mapping
 * @dmap: the map
 * @map: a mapping in it
 * @state: the new state
 */
void vuser_map_set_state(struct vuser_dma_map *dmap,
			 struct vuser_mapping *map,
			 enum vuser_mapping_state state)
{
	down_write(&dmap->lock);
	map->state = state;
	up_write(&dmap->lock);
}

/* DMA --------------------------------------------------------------------- */

/* Is all of the range mapped, with that access?  Under the domain's lock. */
static int vuser_map_check_prot(struct vuser_dma_map *dmap, u64 iova, u64 last,
				u32 prot)
{
	struct vuser_mapping *map;

	for (;;) {
		map = vuser_map_first(dmap, iova, iova);
		if (!map)
			return -EFAULT;
		if (!(map->prot & prot))
			return -EACCES;
		if (map->node.last >= last)
			return 0;
		iova = map->node.last + 1;
	}
}

/**
 * vuser_map_rw() - DMA by message
 * @dmap: the map, not one of iommufd's
 * @iova: where
 * @buf: kernel memory
 * @len: bytes, not 0; the range does not wrap; it may go over several mappings,
 *	not over a hole
 * @write: to the mapped memory; else from it
 *
 * Nothing is copied unless all of it can be.  Device memory is reached by its
 * physical address as it was when mapped; that of a vuser device is not (its
 * registers have none) and cannot be mapped in the first place.
 *
 * Context: process; copies pinned pages, so it waits for nobody and touches no
 * user memory: a reader of the socket may call it.
 * Return: 0, -EFAULT where nothing is mapped, or -EACCES.
 */
int vuser_map_rw(struct vuser_dma_map *dmap, u64 iova, void *buf, size_t len,
		 bool write)
{
	u32 prot = write ? VFIO_DMA_MAP_FLAG_WRITE : VFIO_DMA_MAP_FLAG_READ;
	struct vuser_mapping *map;
	size_t part;
	int ret;

	down_read(&dmap->lock);
	ret = vuser_map_check_prot(dmap, iova, iova + len - 1, prot);
	while (!ret && len) {
		map = vuser_map_first(dmap, iova, iova);
		part = min_t(u64, len, map->node.last - iova + 1);
		ret = vuser_backing_copy(&map->back, iova - map->node.start,
					 buf, part, write);
		iova += part;
		buf += part;
		len -= part;
	}
	up_read(&dmap->lock);
	return ret;
}
