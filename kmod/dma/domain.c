// SPDX-License-Identifier: GPL-2.0
/*
 * MAP_DMA and UNMAP_DMA.
 *
 * MAP_DMA adds a mapping to the container's DMA map, then maps it in the server
 * of each open device.  UNMAP_DMA first unmaps a mapping in each server, then
 * removes it from the DMA map.  Both wait for the servers' replies.  The lock
 * of the DMA map is not held during that wait, because a server may send DMA to
 * a mapping before it replies.
 *
 * UNMAP_DMA does not fail because of a server or for lack of memory.  If the caller is
 * killed while another thread waits for a server, a work item ends the mappings.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "dma/domain.h"
#include "dma/foreign.h"
#include "dma/map.h"
#include "dma/map_log.h"
#include "dma/server_map.h"
#include "dma/server_map_state.h"
#include "server/channel.h"

static void vuser_domain_end_work(struct work_struct *work);

/**
 * vuser_domain_alloc() - allocate a domain with an empty DMA map
 * @v2: the consumer chose version 2 of type1
 * @limit: maximum number of mappings in the DMA map
 *
 * Context: process; may sleep.
 * Return: the domain with one reference, or NULL if memory ran out.
 */
struct vuser_domain *vuser_domain_alloc(bool v2, unsigned int limit)
{
	struct vuser_domain *dom = kzalloc(sizeof(*dom), GFP_KERNEL_ACCOUNT);

	if (!dom)
		return NULL;
	kref_init(&dom->ref);
	vuser_map_init(&dom->map, limit);
	INIT_LIST_HEAD(&dom->dying);
	INIT_WORK(&dom->work, vuser_domain_end_work);
	init_waitqueue_head(&dom->unmapped);
	mutex_init(&dom->log_lock);
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
 * vuser_domain_put() - drop a reference
 * @dom: the domain
 *
 * The last reference releases all mappings and their memory.
 *
 * Context: process; may sleep, but does not wait for a server.
 */
void vuser_domain_put(struct vuser_domain *dom)
{
	kref_put(&dom->ref, vuser_domain_release);
}

/**
 * vuser_domain_kill() - mark a domain dead, because its container is released
 * @dom: the domain; the caller's reference is dropped
 *
 * A MAP_DMA that still runs fails with ENODEV if it has not added its mapping
 * yet.
 *
 * Context: process; may sleep, but does not wait for a server.
 */
void vuser_domain_kill(struct vuser_domain *dom)
{
	down_write(&dom->map.lock);
	dom->map.dead = true;
	up_write(&dom->map.lock);
	vuser_domain_put(dom);
}

/**
 * vuser_domain_avail() - get the number of mappings that can still be added
 * @dom: the domain
 *
 * Context: any.
 * Return: the number of mappings.
 */
unsigned int vuser_domain_avail(struct vuser_domain *dom)
{
	return READ_ONCE(dom->map.avail);
}

/**
 * vuser_domain_next_server_map() - find the server map of the next open device
 * @dom: the domain
 * @seq: sequence number of the previous one, 0 at first; set to that of the next one
 *
 * Context: process; may sleep; takes the lock of the DMA map.
 * Return: the server map with a reference, or NULL.
 */
struct vuser_server_map *vuser_domain_next_server_map(struct vuser_domain *dom, u64 *seq)
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
 * Ends the DMA to trapped pages of dying mappings: no access begins any more, and the
 * accesses that run have ended.  This takes at most as long as a server may take to
 * answer.
 */
static void vuser_domain_end_accesses(struct vuser_domain *dom,
				      struct list_head *dying)
{
	struct vuser_mapping *map;

	down_write(&dom->map.lock);
	list_for_each_entry(map, dying, list)
		vuser_foreign_stop(&map->back.foreign);
	up_write(&dom->map.lock);
	list_for_each_entry(map, dying, list)
		vuser_foreign_wait_idle(&map->back.foreign);
}

/*
 * Unmaps dying mappings in every server, removes them from the DMA map and releases
 * their memory.  Another UNMAP_DMA of the range waits until a mapping is removed, so
 * all accesses to the memory end before that.  Then all writes to the memory are known: if
 * @unmap is not NULL and has a bitmap, reports them to the consumer.
 *
 * Returns 0, or -EINTR if the caller was killed before all servers had unmapped the
 * mappings: then they are still dying, and the call must be repeated.
 */
static int vuser_domain_try_end(struct vuser_domain *dom, struct list_head *dying,
				struct vuser_domain_unmap *unmap)
{
	bool log = unmap && unmap->bitmap;
	struct vuser_mapping *map, *next;
	struct vuser_server_map *sm;
	int ret = 0;
	u64 seq = 0;

	while (!ret && (sm = vuser_domain_next_server_map(dom, &seq))) {
		ret = vuser_server_map_unmap(sm, dying, log);
		vuser_server_map_put(sm);
	}
	if (ret)
		return ret;

	vuser_domain_end_accesses(dom, dying);
	if (log)
		unmap->put = vuser_map_log_put(&dom->map, unmap->first, unmap->last,
					       unmap->bitmap, false);
	down_write(&dom->map.lock);
	list_for_each_entry(map, dying, list) {
		interval_tree_remove(&map->node, &dom->map.mappings);
		dom->map.avail++;
	}
	up_write(&dom->map.lock);
	wake_up_all(&dom->unmapped);

	list_for_each_entry_safe(map, next, dying, list) {
		vuser_map_free(map);
		cond_resched();
	}
	return 0;
}

/* Ends dying mappings; if the caller is killed, lets the work item end them. */
static void vuser_domain_end_mappings(struct vuser_domain *dom, struct list_head *dying,
				      struct vuser_domain_unmap *unmap)
{
	if (!vuser_domain_try_end(dom, dying, unmap))
		return;
	down_write(&dom->map.lock);
	list_splice_tail(dying, &dom->dying);
	up_write(&dom->map.lock);
	kref_get(&dom->ref);
	if (!queue_work(vuser_wait_wq, &dom->work))
		vuser_domain_put(dom);
}

/* The work item: a worker is never killed. */
static void vuser_domain_end_work(struct work_struct *work)
{
	struct vuser_domain *dom = container_of(work, struct vuser_domain, work);
	LIST_HEAD(dying);

	down_write(&dom->map.lock);
	list_splice_init(&dom->dying, &dying);
	up_write(&dom->map.lock);
	if (!list_empty(&dying))
		WARN_ON_ONCE(vuser_domain_try_end(dom, &dying, NULL));
	vuser_domain_put(dom);
}

/* Is a mapping in the range dying because of UNMAP_DMA number @nr or an earlier one? */
static bool vuser_domain_has_dying(struct vuser_domain *dom, unsigned long first,
				   unsigned long last, u64 nr)
{
	struct vuser_mapping *map;
	bool dying = false;

	down_read(&dom->map.lock);
	for (map = vuser_map_first(&dom->map, first, last); map && !dying;
	     map = vuser_map_next(map, first, last))
		dying = map->state == VUSER_MAPPING_DYING && map->dying <= nr;
	up_read(&dom->map.lock);
	return dying;
}

/*
 * Waits until the mappings in the range have ended that other threads unmap since
 * before UNMAP_DMA number @nr, or until the current thread is killed.
 */
static void vuser_domain_wait_unmapped(struct vuser_domain *dom,
				       unsigned long first, unsigned long last,
				       u64 nr)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(&dom->unmapped, &wait);
	while (vuser_domain_has_dying(dom, first, last, nr) &&
	       !fatal_signal_pending(current))
		wait_woken(&wait, TASK_KILLABLE, MAX_SCHEDULE_TIMEOUT);
	remove_wait_queue(&dom->unmapped, &wait);
}

/**
 * vuser_domain_bisects() - check whether a range cuts a mapping in two
 * @dom: the domain
 * @first: first IOVA
 * @last: last IOVA
 *
 * Version 2 of type1 refuses that.
 *
 * Context: process; the lock of the DMA map is held.
 * Return: true if it cuts a mapping that is live.
 */
bool vuser_domain_bisects(struct vuser_domain *dom, unsigned long first, unsigned long last)
{
	struct vuser_mapping *map;

	map = vuser_map_first(&dom->map, first, first);
	if (map && map->state == VUSER_MAPPING_LIVE && map->node.start != first)
		return true;
	map = vuser_map_first(&dom->map, last, last);
	return map && map->state == VUSER_MAPPING_LIVE &&
	       map->node.last != last;
}

/*
 * Marks the mappings of a range as dying and adds them to @dying.  Returns the number of this
 * UNMAP_DMA.
 */
static u64 vuser_domain_set_dying(struct vuser_domain *dom, struct vuser_domain_unmap *unmap,
				  struct list_head *dying)
{
	unsigned long first = unmap->first, last = unmap->last;
	u64 nr = ++dom->nr_dying;
	struct vuser_mapping *map;

	for (map = vuser_map_first(&dom->map, first, last); map;
	     map = vuser_map_next(map, first, last)) {
		if (map->state != VUSER_MAPPING_LIVE)
			continue;
		if (!dom->v2 && map->node.start < first)
			break;
		map->state = VUSER_MAPPING_DYING;
		map->dying = nr;
		list_add_tail(&map->list, dying);
		unmap->unmapped += vuser_mapping_size(map);
	}
	return nr;
}

/**
 * vuser_domain_unmap() - UNMAP_DMA
 * @dom: the domain
 * @unmap: the range
 *
 * Version 2 of type1 refuses a range that cuts a mapping.  Version 1 unmaps
 * each mapping that starts in the range, to its end.  If the range starts
 * inside of a mapping, version 1 unmaps nothing.
 *
 * Waits until no mapping in the range is dying, so that another thread's UNMAP_DMA
 * of the range has ended, too.  That thread waits at most until the deadlines of the
 * servers.
 *
 * Context: process; sleeps killably until the servers have replied.  Holds no lock
 * of the DMA map during that time.
 * Return: 0, also when nothing was mapped; -EINVAL when the range cuts a
 * mapping.
 */
int vuser_domain_unmap(struct vuser_domain *dom, struct vuser_domain_unmap *unmap)
{
	LIST_HEAD(dying);
	u64 nr;

	unmap->unmapped = 0;
	unmap->put = 0;
	down_write(&dom->map.lock);
	if (dom->v2 && !unmap->all &&
	    vuser_domain_bisects(dom, unmap->first, unmap->last)) {
		up_write(&dom->map.lock);
		return -EINVAL;
	}
	nr = vuser_domain_set_dying(dom, unmap, &dying);
	up_write(&dom->map.lock);

	if (!list_empty(&dying))
		vuser_domain_end_mappings(dom, &dying, unmap);
	vuser_domain_wait_unmapped(dom, unmap->first, unmap->last, nr);
	return 0;
}

/* Mapping ------------------------------------------------------------------ */

/* Maps a mapping of the DMA map in the server of every open device. */
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
	/* A server refused the mapping, so unmap it in the other servers. */
	vuser_map_set_state(&dom->map, map, VUSER_MAPPING_DYING);
	list_add(&map->list, &dying);
	vuser_domain_end_mappings(dom, &dying, NULL);
	return ret;
}

/**
 * vuser_domain_map() - MAP_DMA
 * @dom: the domain
 * @iova: first IOVA, page aligned
 * @vaddr: address in the caller's address space, page aligned
 * @size: bytes, page aligned, not 0; neither range wraps
 * @prot: VFIO_DMA_MAP_FLAG_READ and _WRITE
 *
 * Returns after the server of every open device has mapped the memory.
 *
 * Context: process; sleeps until the servers have replied, and until user space
 * provides the memory.
 * Return: 0; -EEXIST when another mapping overlaps; -ENOSPC when the DMA map is
 * full, or a server accepts no more dma regions; -EINVAL when the range ends
 * after VUSER_LAST_IOVA; -ENODEV when the container was released; -EINTR when
 * killed; -ETIMEDOUT when a server did not answer; the errno with which a server
 * refused; or an error of vuser_backing_take().
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
	do {
		ret = vuser_map_log_prepare(&dom->map, map) ?: vuser_map_insert(&dom->map, map);
	} while (ret == -EAGAIN);
	if (ret)
		goto err_release;
	return vuser_domain_map_in_servers(dom, map);

err_release:
	vuser_map_free(map);
	return ret;
err_free:
	kfree(map);
	return ret;
}

/**
 * vuser_domain_alloc_iommufd() - allocate a domain for iommufd
 * @access: access to the memory of the consumer; its owner keeps it until the
 *	device is closed
 * @last: last IOVA of the dma region that the server will get
 *
 * iommufd does not report its mappings to an emulated device.  One mapping
 * without a file represents all addresses.  The server may send DMA to any of
 * them, and iommufd checks each access.
 *
 * Context: process; may sleep.
 * Return: the domain with one reference, or NULL if memory ran out.
 */
struct vuser_domain *vuser_domain_alloc_iommufd(struct vuser_iommufd_access *access,
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
