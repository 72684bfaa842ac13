// SPDX-License-Identifier: GPL-2.0
/*
 * MAP_DMA and UNMAP_DMA.  MAP_DMA puts a mapping into the container's DMA map, then
 * maps it in the server of each open device and waits for that; UNMAP_DMA does the
 * same in the other direction.  The map's lock is not held meanwhile: a server may
 * read a mapping before it answers.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "dma/domain.h"
#include "dma/map.h"
#include "dma/server_map.h"

/**
 * vuser_domain_alloc() - make a container with an empty DMA map
 * @v2: type1 version 2
 * @limit: mappings at most
 *
 * Return: the domain with one reference, or NULL.
 */
struct vuser_domain *vuser_domain_alloc(bool v2, unsigned int limit)
{
	struct vuser_domain *dom = kzalloc(sizeof(*dom), GFP_KERNEL_ACCOUNT);

	if (!dom)
		return NULL;
	kref_init(&dom->ref);
	vuser_map_init(&dom->map, limit);
	dom->v2 = v2;
	return dom;
}

static void vuser_domain_release(struct kref *ref)
{
	struct vuser_domain *dom = container_of(ref, struct vuser_domain, ref);

	vuser_map_destroy(&dom->map);
	kfree(dom);
}

/**
 * vuser_domain_put() - drop a reference; the last one releases all memory
 * @dom: the domain
 *
 * Context: process; waits for nobody.
 */
void vuser_domain_put(struct vuser_domain *dom)
{
	kref_put(&dom->ref, vuser_domain_release);
}

/**
 * vuser_domain_kill() - the container is gone
 * @dom: the domain; the caller's reference is dropped
 */
void vuser_domain_kill(struct vuser_domain *dom)
{
	down_write(&dom->map.lock);
	dom->map.dead = true;
	up_write(&dom->map.lock);
	vuser_domain_put(dom);
}

/**
 * vuser_domain_avail() - how many more mappings there may be
 * @dom: the domain
 */
unsigned int vuser_domain_avail(struct vuser_domain *dom)
{
	return READ_ONCE(dom->map.avail);
}

/* The server map of the open device after @seq, with a reference, or NULL. */
static struct vuser_server_map *
vuser_domain_next_server_map(struct vuser_domain *dom, u64 *seq)
{
	struct vuser_server_map *sm;

	down_read(&dom->map.lock);
	list_for_each_entry(sm, &dom->map.users, user.node) {
		if (sm->user.seq > *seq) {
			*seq = sm->user.seq;
			vuser_server_map_get(sm);
			up_read(&dom->map.lock);
			return sm;
		}
	}
	up_read(&dom->map.lock);
	return NULL;
}

/* Unmapping --------------------------------------------------------------- */

/*
 * Makes every server unmap the dying mappings, then releases their memory.  If
 * the caller is killed meanwhile, the mappings live again: those that a server was
 * asked to unmap are still in the map, and the close of the container ends them.
 */
static int vuser_domain_end_mappings(struct vuser_domain *dom,
				     struct list_head *dying)
{
	struct vuser_mapping *map, *next;
	struct vuser_server_map *sm;
	int ret = 0;
	u64 seq = 0;

	while (!ret && (sm = vuser_domain_next_server_map(dom, &seq))) {
		ret = vuser_server_map_unmap(sm, dying);
		vuser_server_map_put(sm);
	}

	down_write(&dom->map.lock);
	list_for_each_entry(map, dying, list) {
		if (ret) {
			map->state = VUSER_MAPPING_LIVE;
		} else {
			interval_tree_remove(&map->node, &dom->map.mappings);
			dom->map.avail++;
		}
	}
	up_write(&dom->map.lock);
	if (ret)
		return ret;

	list_for_each_entry_safe(map, next, dying, list) {
		vuser_map_free(map);
		cond_resched();
	}
	return 0;
}

/* Version 2: a range may not cut a mapping in two. */
static bool vuser_domain_bisects(struct vuser_domain *dom, unsigned long first,
				 unsigned long last)
{
	struct vuser_mapping *map;

	map = vuser_map_first(&dom->map, first, first);
	if (map && map->state == VUSER_MAPPING_LIVE && map->node.start != first)
		return true;
	map = vuser_map_first(&dom->map, last, last);
	return map && map->state == VUSER_MAPPING_LIVE &&
	       map->node.last != last;
}

/**
 * vuser_domain_unmap() - UNMAP_DMA
 * @dom: the domain
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
	down_write(&dom->map.lock);
	if (dom->v2 && !all && vuser_domain_bisects(dom, first, last)) {
		up_write(&dom->map.lock);
		return -EINVAL;
	}
	for (map = vuser_map_first(&dom->map, first, last); map;
	     map = vuser_map_next(map, first, last)) {
		if (map->state != VUSER_MAPPING_LIVE)
			continue;
		if (!dom->v2 && map->node.start < first)
			break;
		map->state = VUSER_MAPPING_DYING;
		list_add_tail(&map->list, &dying);
		size += vuser_mapping_size(map);
	}
	up_write(&dom->map.lock);

	if (list_empty(&dying))
		return 0;
	ret = vuser_domain_end_mappings(dom, &dying);
	if (!ret)
		*unmapped = size;
	return ret;
}

/* Mapping ------------------------------------------------------------------ */

/* Maps a mapping that is in the map in the server of every open device. */
static int vuser_domain_map_in_servers(struct vuser_domain *dom,
				       struct vuser_mapping *map)
{
	struct vuser_server_map *sm;
	LIST_HEAD(dying);
	int ret = 0;
	u64 seq = 0;

	while (!ret && (sm = vuser_domain_next_server_map(dom, &seq))) {
		ret = vuser_server_map_map(sm, map);
		vuser_server_map_put(sm);
	}
	if (!ret) {
		vuser_map_set_state(&dom->map, map, VUSER_MAPPING_LIVE);
		return 0;
	}
	/* One server refused: no server may keep it. */
	vuser_map_set_state(&dom->map, map, VUSER_MAPPING_DYING);
	list_add(&map->list, &dying);
	vuser_domain_end_mappings(dom, &dying);
	return ret;
}

/**
 * vuser_domain_map() - MAP_DMA
 * @dom: the domain
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

	down_read(&dom->map.lock);
	ret = vuser_map_check(&dom->map, iova, iova + size - 1);
	up_read(&dom->map.lock);
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
	ret = vuser_map_insert(&dom->map, map);
	if (ret)
		goto err_release;
	return vuser_domain_map_in_servers(dom, map);

err_release:
	vuser_backing_release(&map->back);
err_free:
	kfree(map);
	return ret;
}

/**
 * vuser_domain_alloc_unseen() - a domain whose map is in an iommufd
 * @access: of a device that opens by iommufd
 * @last: last IOVA that the server shall know
 *
 * iommufd does not report its map to an emulated device.  One mapping without a
 * file stands for all of it: the server may ask for DMA anywhere in it, and iommufd
 * decides about each access.
 *
 * Return: the domain with one reference, or NULL.
 */
struct vuser_domain *vuser_domain_alloc_unseen(struct vuser_iommufd_access *access,
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
	vuser_map_insert(&dom->map, map);
	vuser_map_set_state(&dom->map, map, VUSER_MAPPING_LIVE);
	dom->access = access;
	return dom;
}
