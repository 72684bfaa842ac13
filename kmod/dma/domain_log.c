// SPDX-License-Identifier: GPL-2.0
/*
 * The log of writes to the memory of a container, as its consumer uses it: START, STOP,
 * GET_BITMAP, and UNMAP_DMA with a bitmap.
 *
 * The servers write to the memory without the kernel, so the kernel asks each server.  Writes
 * that the kernel makes for a server are in the dirty bitmaps already.
 *
 * START sets vuser_dma_map.logged before it looks for open devices, and open adds a device to
 * the list before it reads that flag: so each server gets DMA_LOGGING_START.
 */
#include <linux/mutex.h>
#include <linux/rwsem.h>

#include "dma/domain.h"
#include "dma/domain_log.h"
#include "dma/map_log.h"
#include "dma/server_log.h"
#include "dma/server_map.h"

/**
 * vuser_domain_log_start() - START: log the writes to the memory
 * @dom: the domain
 *
 * Does nothing if writes are logged already.
 *
 * Context: process; sleeps killably until the servers have replied.
 * Return: 0, also when a server cannot log: its writable memory counts as written; -EINVAL when
 * a mapping is too large; -ENOMEM: then writes are not logged; -EINTR when killed.
 */
int vuser_domain_log_start(struct vuser_domain *dom)
{
	struct vuser_server_map *sm;
	int ret = 0;
	u64 seq = 0;

	if (mutex_lock_killable(&dom->log_lock))
		return -EINTR;
	if (dom->map.logged)
		goto out;
	ret = vuser_map_log_start(&dom->map);
	while (!ret && (sm = vuser_domain_next_server_map(dom, &seq))) {
		ret = vuser_server_log_start(sm);
		vuser_server_map_put(sm);
	}
out:
	mutex_unlock(&dom->log_lock);
	return ret;
}

/**
 * vuser_domain_log_stop() - STOP: stop logging the writes to the memory
 * @dom: the domain
 *
 * Context: process; sleeps killably until the servers have replied.
 * Return: 0, also when writes are not logged; -EINTR when killed.
 */
int vuser_domain_log_stop(struct vuser_domain *dom)
{
	struct vuser_server_map *sm;
	int ret = 0;
	u64 seq = 0;

	if (mutex_lock_killable(&dom->log_lock))
		return -EINTR;
	vuser_map_log_stop(&dom->map);
	while (!ret && (sm = vuser_domain_next_server_map(dom, &seq))) {
		ret = vuser_server_log_stop(sm);
		vuser_server_map_put(sm);
	}
	mutex_unlock(&dom->log_lock);
	return ret;
}

/* Adds the writes of all servers to the dirty bitmaps. */
static int vuser_domain_log_collect(struct vuser_domain *dom, u64 first, u64 last)
{
	struct vuser_server_map *sm;
	int ret = 0;
	u64 seq = 0;

	while (!ret && (sm = vuser_domain_next_server_map(dom, &seq))) {
		ret = vuser_server_log_report(sm, first, last);
		vuser_server_map_put(sm);
	}
	return ret;
}

/* Can the bits of a range be copied?  As in type1, the range must not cut a mapping. */
static int vuser_domain_log_check(struct vuser_domain *dom, u64 first, u64 last)
{
	int ret = 0;

	down_read(&dom->map.lock);
	if (!dom->map.logged || vuser_domain_bisects(dom, first, last))
		ret = -EINVAL;
	up_read(&dom->map.lock);
	return ret;
}

/**
 * vuser_domain_log_get() - GET_BITMAP: copy the bits of a range to the consumer, and clear them
 * @dom: the domain
 * @first: first IOVA, page aligned
 * @last: last IOVA
 * @bitmap: the consumer's bitmap, with a bit for each page of the range
 *
 * Context: process; sleeps killably until the servers have replied; accesses user memory.
 * Return: 0; -EINVAL when writes are not logged, or the range cuts a mapping; -ENOMEM;
 * -EINTR when killed; or -EFAULT.
 */
int vuser_domain_log_get(struct vuser_domain *dom, u64 first, u64 last, u64 __user *bitmap)
{
	int ret;

	if (mutex_lock_killable(&dom->log_lock))
		return -EINTR;
	ret = vuser_domain_log_check(dom, first, last);
	if (!ret)
		ret = vuser_domain_log_collect(dom, first, last);
	if (!ret)
		ret = vuser_map_log_put(&dom->map, first, last, bitmap, true);
	mutex_unlock(&dom->log_lock);
	return ret;
}

/**
 * vuser_domain_log_unmap() - UNMAP_DMA with a bitmap
 * @dom: the domain
 * @unmap: the range and the bitmap
 *
 * Context: process; sleeps killably until the servers have replied; accesses user memory.
 * Return: as vuser_domain_log_get().  Nothing is unmapped after an error, unless the consumer
 * changes the memory of the bitmap meanwhile, or memory ran out.
 */
int vuser_domain_log_unmap(struct vuser_domain *dom, struct vuser_domain_unmap *unmap)
{
	int ret;

	if (mutex_lock_killable(&dom->log_lock))
		return -EINTR;
	ret = vuser_domain_log_check(dom, unmap->first, unmap->last);
	/* Find out whether the bits can be copied before anything is unmapped. */
	if (!ret)
		ret = vuser_map_log_put(&dom->map, unmap->first, unmap->last,
					unmap->bitmap, false);
	if (!ret)
		ret = vuser_domain_unmap(dom, unmap) ?: unmap->put;
	mutex_unlock(&dom->log_lock);
	return ret;
}
