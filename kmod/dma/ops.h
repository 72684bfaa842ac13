/* SPDX-License-Identifier: GPL-2.0 */
/* Functions of the layers above that dma/ calls. */
#ifndef VUSER_DMA_OPS_H
#define VUSER_DMA_OPS_H

#include <linux/types.h>

struct device;
struct page;
struct vm_area_struct;
struct vuser_channel;
struct vuser_epoch;
struct vuser_regions;

/**
 * struct vuser_dma_ops - functions that the layers above provide
 * @owns: returns true if a device is a vuser device
 * @regions: returns the regions of the vuser device that a VMA maps, or NULL if it
 *	maps something else.  Called with the mmap lock held.  As long as the VMA
 *	or another reference to its file exists, the device is open
 * @take_page: returns the page at a page number of the device file, with a
 *	reference; NULL if accesses to it are trapped; or an ERR_PTR().  May sleep
 *	for memory and for locks of the server's file.  The device is open
 * @epoch: returns the epoch of the pages that @take_page returns now, with a reference.
 *	The device is open
 * @begin: keeps an open device from being closed.  Does not sleep
 * @access: makes one access: reads from a position of the device file to kernel
 *	memory or, if @write is true, writes kernel memory to it; within one page.
 *	@chan is the channel of the device that makes the access.  Waits for the
 *	server, at most as long as the server may take to answer.  Called between
 *	@begin and @end.  Returns the number of bytes of the access, which may be
 *	less than @len; -EACCES; -EDEADLK if @chan is the channel of the accessed
 *	device itself; or -EIO
 * @end: ends what @begin has begun
 */
struct vuser_dma_ops {
	bool (*owns)(struct device *dev);
	struct vuser_regions *(*regions)(struct vm_area_struct *vma);
	struct page *(*take_page)(struct vuser_regions *regions, pgoff_t pgoff);
	struct vuser_epoch *(*epoch)(struct vuser_regions *regions);
	void (*begin)(struct vuser_regions *regions);
	int (*access)(struct vuser_regions *regions,
		      struct vuser_channel *chan, u64 pos, void *buf,
		      size_t len, bool write);
	void (*end)(struct vuser_regions *regions);
};

#endif /* VUSER_DMA_OPS_H */
