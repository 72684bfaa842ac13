// SPDX-License-Identifier: GPL-2.0
/*
 * A container's DMA map.  MAP_DMA puts a mapping into the tree, then tells the
 * server of each open device and waits for it; UNMAP_DMA does the same the
 * other way.  The tree's lock is not held meanwhile: a server may read by the
 * map before it answers.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "dma/domain.h"
#include "dma/server_map.h"
#include "dma/type1.h"

static struct vuser_mapping *vuser_mapping_of(struct interval_tree_node *node)
{
	return node ? container_of(node, struct vuser_mapping, node) : NULL;
}

static struct vuser_mapping *vuser_mapping_first(struct vuser_domain *dom,
						 unsigned long first,
						 unsigned long last)
{
	return vuser_mapping_of(interval_tree_iter_first(&dom->mappings, first,
							 last));
}

static struct vuser_mapping *vuser_mapping_next(struct vuser_mapping *map,
						unsigned long first,
						unsigned long last)
{
	return vuser_mapping_of(interval_tree_iter_next(&map->node, first,
							last));
}

/* The one that stands for a map of iommufd's has no memory. */
static void vuser_mapping_free(struct vuser_mapping *map)
{
	if (map->back.mm)
		vuser_backing_release(&map->back);
	kfree(map);
}

/**
 * vuser_domain_alloc() - make an empty map
 * @v2: type1 version 2
 * @limit: mappings at most
 *
 * Return: the map with one reference, or NULL.
 */
struct vuser_domain *vuser_domain_alloc(bool v2, unsigned int limit)
{
	struct vuser_domain *dom = kzalloc(sizeof(*dom), GFP_KERNEL_ACCOUNT);

	if (!dom)
		return NULL;
	kref_init(&dom->ref);
	init_rwsem(&dom->lock);
	INIT_LIST_HEAD(&dom->devices);
	dom->mappings = RB_ROOT_CACHED;
	dom->avail = limit;
	dom->v2 = v2;
	return dom;
}

static void vuser_domain_release(struct kref *ref)
{
	struct vuser_domain *dom = container_of(ref, struct vuser_domain, ref);
	struct vuser_mapping *map;

	WARN_ON_ONCE(!list_empty(&dom->devices));
	while ((map = vuser_mapping_first(dom, 0, ULONG_MAX))) {
		interval_tree_remove(&map->node, &dom->mappings);
		vuser_mapping_free(map);
		cond_resched();
	}
	kfree(dom);
}

/**
 * vuser_domain_put() - drop a reference; the last one lets all memory go
 * @dom: the map
 *
 * Context: process; waits for nobody.
 */
void vuser_domain_put(struct vuser_domain *dom)
{
	kref_put(&dom->ref, vuser_domain_release);
}

/**
 * vuser_domain_kill() - the container is gone
 * @dom: the map; the caller's reference is dropped
 */
void vuser_domain_kill(struct vuser_domain *dom)
{
	down_write(&dom->lock);
	dom->dead = true;
	up_write(&dom->lock);
	vuser_domain_put(dom);
}

/**
 * vuser_domain_avail() - how many more mappings there may be
 * @dom: the map
 */
unsigned int vuser_domain_avail(struct vuser_domain *dom)
{
	return READ_ONCE(dom->avail);
}

/* Devices ----------------------------------------------------------------- */

/**
 * vuser_domain_add_device() - a device is open
 * @dom: the map
 * @told: what its server is told; its lock is held
 */
void vuser_domain_add_device(struct vuser_domain *dom, struct vuser_told *told)
{
	down_write(&dom->lock);
	told->seq = ++dom->seq;
	vuser_told_get(told);
	list_add_tail(&told->node, &dom->devices);
	up_write(&dom->lock);
}

/**
 * vuser_domain_del_device() - a device is closed
 * @dom: the map
 * @told: nothing is told any more
 */
void vuser_domain_del_device(struct vuser_domain *dom, struct vuser_told *told)
{
	down_write(&dom->lock);
	list_del(&told->node);
	up_write(&dom->lock);
	vuser_told_put(told);
}

/* The open device after @seq, with a reference; NULL after the last one. */
static struct vuser_told *vuser_domain_next_device(struct vuser_domain *dom,
						   u64 *seq)
{
	struct vuser_told *told;

	down_read(&dom->lock);
	list_for_each_entry(told, &dom->devices, node) {
		if (told->seq > *seq) {
			*seq = told->seq;
			vuser_told_get(told);
			up_read(&dom->lock);
			return told;
		}
	}
	up_read(&dom->lock);
	return NULL;
}

/* Copies what is not dying to @maps, as far as it fits; counts all of it. */
static size_t vuser_domain_collect(struct vuser_domain *dom,
				   unsigned long first, unsigned long last,
				   struct vuser_mapping **maps, size_t max)
{
	struct vuser_mapping *map;
	size_t n = 0;

	down_read(&dom->lock);
	for (map = vuser_mapping_first(dom, first, last); map;
	     map = vuser_mapping_next(map, first, last)) {
		if (map->state == VUSER_MAPPING_DYING)
			continue;
		if (n < max)
			maps[n] = map;
		n++;
	}
	up_read(&dom->lock);
	return n;
}

/**
 * vuser_domain_snapshot() - the mappings that a server should know
 * @dom: the map
 * @first: first IOVA
 * @last: last IOVA
 * @nr: set to how many there are
 *
 * Context: process; a told lock is held, until which is dropped the mappings
 * stay.
 * Return: those in the range in order of IOVA, to be given to kvfree(), or an
 * ERR_PTR().
 */
struct vuser_mapping **vuser_domain_snapshot(struct vuser_domain *dom,
					     unsigned long first,
					     unsigned long last, size_t *nr)
{
	struct vuser_mapping **maps;
	size_t max = 16;

	for (;;) {
		maps = kvmalloc_array(max, sizeof(*maps), GFP_KERNEL);
		if (!maps)
			return ERR_PTR(-ENOMEM);
		*nr = vuser_domain_collect(dom, first, last, maps, max);
		if (*nr <= max)
			return maps;
		kvfree(maps);
		max = *nr + 16;
	}
}

/* Unmapping --------------------------------------------------------------- */

/*
 * Makes every server let go of the dying mappings, then lets the memory go.
 * Killed meanwhile, they live again: what a server was asked to forget is
 * still in the map, and the close of the container ends it.
 */
static int vuser_domain_end(struct vuser_domain *dom, struct list_head *dying)
{
	struct vuser_mapping *map, *next;
	struct vuser_told *told;
	int ret = 0;
	u64 seq = 0;

	while (!ret && (told = vuser_domain_next_device(dom, &seq))) {
		ret = vuser_told_unmap(told, dying);
		vuser_told_put(told);
	}

	down_write(&dom->lock);
	list_for_each_entry(map, dying, list) {
		if (ret) {
			map->state = VUSER_MAPPING_LIVE;
		} else {
			interval_tree_remove(&map->node, &dom->mappings);
			dom->avail++;
		}
	}
	up_write(&dom->lock);
	if (ret)
		return ret;

	list_for_each_entry_safe(map, next, dying, list) {
		vuser_mapping_free(map);
		cond_resched();
	}
	return 0;
}

/* Version 2: a range may not cut a mapping in two. */
static bool vuser_domain_bisects(struct vuser_domain *dom, unsigned long first,
				 unsigned long last)
{
	struct vuser_mapping *map;

	map = vuser_mapping_first(dom, first, first);
	if (map && map->state == VUSER_MAPPING_LIVE && map->node.start != first)
		return true;
	map = vuser_mapping_first(dom, last, last);
	return map && map->state == VUSER_MAPPING_LIVE &&
	       map->node.last != last;
}

/**
 * vuser_domain_unmap() - UNMAP_DMA
 * @dom: the map
 * @first: first IOVA
 * @last: last IOVA
 * @all: everything, whatever the version
 * @unmapped: set to how many bytes were mapped there
 *
 * Version 2 takes only whole mappings.  Version 1 unmaps a mapping whole when
 * its start is in the range, and nothing from the first one on of which only
 * a later part is.
 *
 * Context: process; sleeps for servers.
 * Return: 0, -EINVAL when the range cuts a mapping, or -EINTR when killed.
 */
int vuser_domain_unmap(struct vuser_domain *dom, unsigned long first,
		       unsigned long last, bool all, u64 *unmapped)
{
	struct vuser_mapping *map;
	LIST_HEAD(dying);
	u64 size = 0;
	int ret;

	*unmapped = 0;
	down_write(&dom->lock);
	if (dom->v2 && !all && vuser_domain_bisects(dom, first, last)) {
		up_write(&dom->lock);
		return -EINVAL;
	}
	for (map = vuser_mapping_first(dom, first, last); map;
	     map = vuser_mapping_next(map, first, last)) {
		if (map->state != VUSER_MAPPING_LIVE)
			continue;
		if (!dom->v2 && map->node.start < first)
			break;
		map->state = VUSER_MAPPING_DYING;
		list_add_tail(&map->list, &dying);
		size += vuser_mapping_size(map);
	}
	up_write(&dom->lock);

	if (list_empty(&dying))
		return 0;
	ret = vuser_domain_end(dom, &dying);
	if (!ret)
		*unmapped = size;
	return ret;
}

/* Mapping ----------------------------------------------------------------- */

/* May this be mapped?  Under the domain's lock. */
static int vuser_domain_may_map(struct vuser_domain *dom, unsigned long first,
				unsigned long last)
{
	if (dom->dead)
		return -ENODEV;
	if (vuser_mapping_first(dom, first, last))
		return -EEXIST;
	if (!dom->avail)
		return -ENOSPC;
	return last > VUSER_LAST_IOVA ? -EINVAL : 0;
}

static int vuser_domain_insert(struct vuser_domain *dom,
			       struct vuser_mapping *map)
{
	int ret;

	down_write(&dom->lock);
	ret = vuser_domain_may_map(dom, map->node.start, map->node.last);
	if (!ret) {
		map->state = VUSER_MAPPING_PENDING;
		interval_tree_insert(&map->node, &dom->mappings);
		dom->avail--;
	}
	up_write(&dom->lock);
	return ret;
}

static void vuser_domain_set_state(struct vuser_domain *dom,
				   struct vuser_mapping *map,
				   enum vuser_mapping_state state)
{
	down_write(&dom->lock);
	map->state = state;
	up_write(&dom->lock);
}

/* Tells every open device of a mapping that is in the tree. */
static int vuser_domain_tell(struct vuser_domain *dom,
			     struct vuser_mapping *map)
{
	struct vuser_told *told;
	LIST_HEAD(dying);
	int ret = 0;
	u64 seq = 0;

	while (!ret && (told = vuser_domain_next_device(dom, &seq))) {
		ret = vuser_told_map(told, map);
		vuser_told_put(told);
	}
	if (!ret) {
		vuser_domain_set_state(dom, map, VUSER_MAPPING_LIVE);
		return 0;
	}
	/* One refused: nobody shall have it. */
	vuser_domain_set_state(dom, map, VUSER_MAPPING_DYING);
	list_add(&map->list, &dying);
	vuser_domain_end(dom, &dying);
	return ret;
}

/**
 * vuser_domain_map() - MAP_DMA
 * @dom: the map
 * @iova: page aligned
 * @vaddr: of the caller, page aligned
 * @size: bytes, page aligned, not 0; neither address wraps
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE
 *
 * Returns when the server of every open device has acknowledged.
 *
 * Context: process; sleeps for servers.
 * Return: 0; -EEXIST, -ENOSPC, -EINVAL (beyond the last IOVA), -EFAULT,
 * -ENOMEM (RLIMIT_MEMLOCK too), -EINTR when killed, or why a server refused.
 */
int vuser_domain_map(struct vuser_domain *dom, unsigned long iova,
		     unsigned long vaddr, unsigned long size, u32 prot)
{
	struct vuser_mapping *map;
	int ret;

	down_read(&dom->lock);
	ret = vuser_domain_may_map(dom, iova, iova + size - 1);
	up_read(&dom->lock);
	if (ret)
		return ret;

	map = kzalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map)
		return -ENOMEM;
	map->node.start = iova;
	map->node.last = iova + size - 1;
	map->prot = prot;
	ret = vuser_backing_take(&map->back, vaddr, size,
				 prot & VFIO_DMA_MAP_FLAG_WRITE);
	if (ret)
		goto err_free;
	ret = vuser_domain_insert(dom, map);
	if (ret)
		goto err_release;
	return vuser_domain_tell(dom, map);

err_release:
	vuser_backing_release(&map->back);
err_free:
	kfree(map);
	return ret;
}

/**
 * vuser_domain_alloc_unseen() - a map that is iommufd's
 * @access: of a device that opens by iommufd
 * @last: last IOVA that the server shall know
 *
 * What is mapped there nobody tells an emulated device.  One mapping without
 * a file stands for all of it: the server may ask for DMA anywhere in it, and
 * iommufd says what becomes of that.
 *
 * Return: the map with one reference, or NULL.
 */
struct vuser_domain *vuser_domain_alloc_unseen(struct vuser_access *access,
					       u64 last)
{
	struct vuser_domain *dom = vuser_domain_alloc(true, 1);
	struct vuser_mapping *map;

	if (!dom)
		return NULL;
	map = kzalloc(sizeof(*map), GFP_KERNEL_ACCOUNT);
	if (!map) {
		vuser_domain_put(dom);
		return NULL;
	}
	map->node.last = last;
	map->prot = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	map->back.opaque = true;
	vuser_domain_insert(dom, map);
	vuser_domain_set_state(dom, map, VUSER_MAPPING_LIVE);
	dom->access = access;
	return dom;
}

/* DMA --------------------------------------------------------------------- */

/* Is all of the range mapped, with that access?  Under the domain's lock. */
static int vuser_domain_check(struct vuser_domain *dom, u64 iova, u64 last,
			      u32 prot)
{
	struct vuser_mapping *map;

	for (;;) {
		map = vuser_mapping_first(dom, iova, iova);
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
 * vuser_domain_rw() - DMA by message
 * @dom: the map, not one of iommufd's
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
int vuser_domain_rw(struct vuser_domain *dom, u64 iova, void *buf, size_t len,
		    bool write)
{
	u32 prot = write ? VFIO_DMA_MAP_FLAG_WRITE : VFIO_DMA_MAP_FLAG_READ;
	struct vuser_mapping *map;
	size_t part;
	int ret;

	down_read(&dom->lock);
	ret = vuser_domain_check(dom, iova, iova + len - 1, prot);
	while (!ret && len) {
		map = vuser_mapping_first(dom, iova, iova);
		part = min_t(u64, len, map->node.last - iova + 1);
		ret = vuser_backing_copy(&map->back, iova - map->node.start,
					 buf, part, write);
		iova += part;
		buf += part;
		len -= part;
	}
	up_read(&dom->lock);
	return ret;
}
