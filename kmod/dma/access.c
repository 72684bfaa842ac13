// SPDX-License-Identifier: GPL-2.0
/*
 * DMA that may wait for the server of another device, because the memory includes
 * trapped registers of that device.  No lock is held during the wait.
 */
#include <linux/mm.h>
#include <linux/rwsem.h>
#include <linux/vfio.h>

#include "dma/access.h"
#include "dma/backing.h"
#include "dma/foreign.h"
#include "dma/map.h"
#include "dma/map_log.h"
#include "server/channel.h"

/*
 * Whether the DMA may continue; @generation is the device's current one.  Returns 0;
 * -EFAULT if the device was closed or reset since the command arrived, or its server
 * is lost; -EIO if the time is over.
 */
static int vuser_access_check(const u64 *generation,
			      const struct vuser_dma_caller *caller)
{
	if (READ_ONCE(*generation) != caller->generation ||
	    vuser_channel_lost(caller->chan))
		return -EFAULT;
	return ktime_after(ktime_get(), caller->deadline) ? -EIO : 0;
}

/*
 * Copies within one page, under the lock of the map.  If the page is trapped, copies
 * nothing and begins an access to it: sets *@trapped to its memory.
 */
static int vuser_access_copy(struct vuser_mapping *map, u64 offset, void *buf,
			     size_t len, bool write,
			     struct vuser_backing **trapped)
{
	struct vuser_backing *back = &map->back;
	int ret;

	if (!(map->prot & (write ? VFIO_DMA_MAP_FLAG_WRITE :
				   VFIO_DMA_MAP_FLAG_READ)))
		return -EACCES;
	if (!vuser_backing_traps(back, offset, len)) {
		ret = vuser_backing_copy(back, offset, buf, len, write);
		if (write)
			vuser_dirty_mark(&map->dirty, offset >> PAGE_SHIFT,
					 offset >> PAGE_SHIFT);
		return ret;
	}
	ret = vuser_foreign_begin(&back->foreign, offset >> PAGE_SHIFT);
	if (!ret)
		*trapped = back;
	return ret;
}

/* Makes the accesses to a part of a trapped page, between begin and end. */
static int vuser_access_trapped(struct vuser_backing *back,
				const u64 *generation,
				const struct vuser_dma_caller *caller,
				u64 offset, void *buf, size_t len, bool write)
{
	int ret;

	while (len) {
		ret = vuser_access_check(generation, caller);
		if (ret)
			return ret;
		ret = vuser_foreign_access(&back->foreign, &back->runs,
					   caller->chan, offset, buf, len,
					   write);
		if (ret < 0)
			return ret;
		offset += ret;
		buf += ret;
		len -= ret;
		/* A posted store does not sleep. */
		cond_resched();
	}
	return 0;
}

/* Copies within one page. */
static int vuser_access_page(struct vuser_dma_map *dmap, const u64 *generation,
			     const struct vuser_dma_caller *caller, u64 iova,
			     void *buf, size_t len, bool write)
{
	struct vuser_backing *trapped = NULL;
	struct vuser_mapping *map;
	u64 offset = 0;
	int ret = -EFAULT;

	down_read(&dmap->lock);
	map = vuser_map_first(dmap, iova, iova);
	if (map) {
		offset = iova - map->node.start;
		ret = vuser_access_copy(map, offset, buf, len, write, &trapped);
	}
	up_read(&dmap->lock);
	if (!trapped)
		return ret;
	ret = vuser_access_trapped(trapped, generation, caller, offset, buf,
				   len, write);
	/* After an error, a part of the data may have been written. */
	if (write)
		vuser_map_log_mark(dmap, iova, iova);
	vuser_foreign_end(&trapped->foreign);
	return ret;
}

/**
 * vuser_access_rw() - copy from or to the mapped memory, and wait if needed
 * @dmap: the map of a container; not the map of a domain for iommufd.  The caller
 *	has a reference to its domain
 * @generation: current generation of the device that makes the access
 * @caller: the channel of that device, the generation of its command, and the
 *	deadline
 * @iova: address of the memory
 * @buf: kernel memory
 * @len: bytes, not 0; the range does not wrap; it may cover several mappings
 * @write: true copies from @buf to the memory, false from the memory to @buf
 *
 * For ranges for which vuser_map_rw() has returned -EAGAIN.
 *
 * Context: process, without locks; waits for the servers of the devices whose
 * registers are in the range.  Begins no access after the deadline, and waits for
 * one access at most as long as its server may take to answer.  Takes the map's lock
 * for reading.
 * Return: 0; -EFAULT when an address is not mapped any more, or the device that makes
 * the access was closed, reset or lost; -EACCES when the mapping or the region does
 * not allow the access; -EDEADLK when a page belongs to the device that makes the
 * access; -EIO when another server refused, did not answer in time, or is lost, or
 * the deadline has passed.  After an error, the bytes before the access that failed
 * have been copied.
 */
int vuser_access_rw(struct vuser_dma_map *dmap, const u64 *generation,
		    const struct vuser_dma_caller *caller, u64 iova, void *buf,
		    size_t len, bool write)
{
	size_t part;
	int ret = 0;

	while (len && !ret) {
		part = min_t(size_t, len, PAGE_SIZE - offset_in_page(iova));
		ret = vuser_access_check(generation, caller);
		if (!ret)
			ret = vuser_access_page(dmap, generation, caller, iova,
						buf, part, write);
		iova += part;
		buf += part;
		len -= part;
	}
	return ret;
}
