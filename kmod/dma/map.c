// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA map of a container: its mappings by IOVA, and the copies that DMA_READ
 * and DMA_WRITE make from and to the mapped memory.
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
 * vuser_map_first() - find the first mapping that overlaps a range
 * @dmap: the map
 * @first: first IOVA
 * @last: last IOVA
 *
 * Context: the caller holds the map's lock.
 * Return: the mapping, which may start before the range and end after it; or
 * NULL.
 */
struct vuser_mapping *vuser_map_first(struct vuser_dma_map *dmap,
				      unsigned long first,
				      unsigned long last)
{
	return vuser_map_entry(interval_tree_iter_first(&dmap->mappings, first,
							last));
}

/**
 * vuser_map_next() - find the next mapping that overlaps a range
 * @map: the mapping that vuser_map_first() or vuser_map_next() returned
 * @first: first IOVA
 * @last: last IOVA
 *
 * Context: the caller holds the map's lock.
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
 * vuser_map_free() - release a mapping's memory and free the mapping
 * @map: a mapping that was removed from its map
 *
 * Also frees the mapping of a domain for iommufd, which has no memory.
 *
 * Context: process; sleeps; see vuser_backing_release().
 */
void vuser_map_free(struct vuser_mapping *map)
{
	if (map->back.mm)
		vuser_backing_release(&map->back);
	vuser_dirty_free(&map->dirty);
	kfree(map);
}

/**
 * vuser_map_init() - initialise an empty map
 * @dmap: zeroed
 * @limit: maximum number of mappings
 *
 * Context: any.
 */
void vuser_map_init(struct vuser_dma_map *dmap, unsigned int limit)
{
	init_rwsem(&dmap->lock);
	INIT_LIST_HEAD(&dmap->users);
	dmap->mappings = RB_ROOT_CACHED;
	dmap->avail = limit;
}

/**
 * vuser_map_destroy() - free all mappings
 * @dmap: the map; no other thread uses it any more, and no user is in its list
 *
 * Context: process; sleeps; see vuser_backing_release().
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
 * vuser_map_add_user() - add a server map to the list
 * @dmap: the map
 * @user: the entry in the server map; the list takes over a reference to the
 *	server map from the caller
 *
 * MAP_DMA and UNMAP_DMA will update the server map.
 *
 * Context: process; may sleep; takes the map's lock.
 */
void vuser_map_add_user(struct vuser_dma_map *dmap, struct vuser_map_user *user)
{
	down_write(&dmap->lock);
	user->seq = ++dmap->seq;
	list_add_tail(&user->node, &dmap->users);
	up_write(&dmap->lock);
}

/**
 * vuser_map_del_user() - remove a server map from the list
 * @dmap: the map
 * @user: the entry in the server map; the caller takes over the list's
 *	reference to the server map
 *
 * Context: process; may sleep; takes the map's lock.
 */
void vuser_map_del_user(struct vuser_dma_map *dmap, struct vuser_map_user *user)
{
	down_write(&dmap->lock);
	list_del(&user->node);
	up_write(&dmap->lock);
}

/* Mappings ----------------------------------------------------------------- */

/*
 * Copies pointers to the mappings that are not dying to @maps, @max at most.
 * Returns the number of these mappings, which may be larger than @max.
 */
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
 * vuser_map_snapshot() - list the mappings that a server should have mapped
 * @dmap: the map
 * @first: first IOVA
 * @last: last IOVA
 * @nr: set to the number of mappings
 *
 * Leaves out mappings that are dying.
 *
 * Context: process; may sleep; takes the map's lock.  A caller that uses the
 * mappings holds the lock of a server map: until that lock is dropped, the
 * mappings are not freed.
 * Return: pointers to the mappings that overlap the range, sorted by IOVA, in
 * an array that the caller frees with kvfree(); or ERR_PTR(-ENOMEM).
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
 * vuser_map_check() - check whether a range can be mapped
 * @dmap: the map
 * @first: first IOVA
 * @last: last IOVA
 *
 * Context: the caller holds the map's lock.
 * Return: 0; -ENODEV when the container was released; -EEXIST when a mapping
 * overlaps the range; -ENOSPC when the map is full; -EINVAL when the range ends
 * after VUSER_LAST_IOVA.
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
 * vuser_map_insert() - add a mapping, in state pending
 * @dmap: the map
 * @map: the mapping; after 0, the map owns it
 *
 * Context: process; may sleep; takes the map's lock.
 * Return: 0; -EAGAIN when writes are logged now, and the mapping has no dirty bitmap; or an
 * error of vuser_map_check().
 */
int vuser_map_insert(struct vuser_dma_map *dmap,
		     struct vuser_mapping *map)
{
	int ret;

	down_write(&dmap->lock);
	ret = vuser_map_check(dmap, map->node.start, map->node.last);
	if (!ret && dmap->logged && !map->dirty.bits)
		ret = -EAGAIN;
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
 * @map: a mapping in @dmap
 * @state: the new state
 *
 * Context: process; may sleep; takes the map's lock.
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

/*
 * Checks that all of a range is mapped and allows the access @prot.  Returns -EAGAIN
 * if so, but an access to the range must wait for a server.  The caller holds the
 * map's lock.
 */
static int vuser_map_check_prot(struct vuser_dma_map *dmap, u64 iova, u64 last,
				u32 prot)
{
	struct vuser_mapping *map;
	bool traps = false;
	u64 end;

	for (;;) {
		map = vuser_map_first(dmap, iova, iova);
		if (!map)
			return -EFAULT;
		if (!(map->prot & prot))
			return -EACCES;
		end = min_t(u64, map->node.last, last);
		traps |= vuser_backing_traps(&map->back, iova - map->node.start,
					     end - iova + 1);
		if (end == last)
			return traps ? -EAGAIN : 0;
		iova = end + 1;
	}
}

/**
 * vuser_map_rw() - copy from or to the mapped memory
 * @dmap: the map of a container; not the map of a domain for iommufd
 * @iova: address of the memory
 * @buf: kernel memory
 * @len: bytes, not 0; the range does not wrap; it may cover several mappings
 * @write: true copies from @buf to the memory, false from the memory to @buf
 *
 * If an address is not mapped or does not allow the access, nothing is copied.
 *
 * Device memory is accessed at the physical address that it had when it was
 * mapped, as long as the consumer has it mapped.  Trapped registers of a vuser
 * device have no physical address: vuser_access_rw() must be used for them.
 *
 * Context: process; may sleep, but does not wait for user space: it accesses
 * pinned pages and device memory, not user addresses.  So the thread that reads
 * the socket may call it.  Takes the map's lock for reading.
 * Return: 0; -EFAULT when an address is not mapped or device memory cannot be
 * accessed; -EACCES when a mapping does not allow the access; -EAGAIN when the range
 * includes trapped registers: nothing was copied.
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
		if (write)
			vuser_dirty_mark(&map->dirty, (iova - map->node.start) >> PAGE_SHIFT,
					 (iova - map->node.start + part - 1) >> PAGE_SHIFT);
		iova += part;
		buf += part;
		len -= part;
	}
	up_read(&dmap->lock);
	return ret;
}
