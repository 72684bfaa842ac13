// SPDX-License-Identifier: GPL-2.0
/*
 * Shared areas: parts of a region for which the server gave a file.  To show an
 * area means to insert pages of the file into the consumer's mappings.  A page of
 * the file is taken when the consumer first accesses it or maps it for DMA, and is
 * held until the device is closed.  No mapping is left at that time, because each mapping
 * holds the device file.
 *
 * When another server takes the place of a lost one, the mappings lose the pages of the
 * old files, and the next access takes a page of the new file.
 */
#include <linux/bitmap.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/pagemap.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "compat.h"
#include "dma/epoch.h"
#include "dma/file.h"
#include "region/regions.h"
#include "region/shared.h"
#include "server/conn.h"
#include "server/desc.h"
#include "vuser.h"

/**
 * struct vuser_usable - the areas that can be shown
 * @areas: for each region, a bitmap of its areas
 */
struct vuser_usable {
	DECLARE_BITMAP(areas[VUSER_MAX_REGIONS], VUSER_MAX_AREAS);
};

/**
 * struct vuser_shared - the shared areas of an open device
 * @lock: protects @desc, @epoch, @generation and @pages.  A fault holds it for reading
 *	from the lookup of a page until the page is mapped; vuser_shared_replace() holds it
 *	for writing.  Taken inside of the mmap lock and the lock of a VMA, and outside of
 *	those that a zap takes
 * @desc: the description with the files; a reference
 * @epoch: ends when @desc is replaced; a reference
 * @generation: counts the replacements of @desc
 * @pages: pages that the consumer has accessed, by page number in the device
 *	file; a reference to each
 * @nr_pages: number of pages that are in @pages or are being added
 * @usable: the areas that can be shown
 *
 * @usable is constant.  @nr_pages is atomic.
 */
struct vuser_shared {
	struct rw_semaphore lock;	/* desc, epoch, generation, pages */
	struct vuser_desc *desc;
	struct vuser_epoch *epoch;
	u64 generation;
	struct xarray pages;
	atomic_long_t nr_pages;
	struct vuser_usable usable;
};

static bool vuser_shared_writable(const struct vuser_region *region)
{
	return region->flags & VFIO_REGION_INFO_FLAG_WRITE;
}

/*
 * Prepares to show an area; returns false if the area cannot be shown.  The
 * consumer gets no more rights than mmap() would give the server: a file that
 * is open for reading only, or is sealed, cannot be shown in a writable region.
 * mapping_map_writable() keeps the file from being sealed while it is shown.
 */
static bool vuser_shared_open_area(const struct vuser_region *region,
				   const struct vuser_area *area)
{
	struct file *file = area->file;

	if (!file || !(file->f_mode & FMODE_READ))
		return false;
	if (!vuser_shared_writable(region))
		return true;
	if (!(file->f_mode & FMODE_WRITE) ||
	    mapping_map_writable(file->f_mapping))
		return false;
	if (vuser_file_sealed(file)) {
		mapping_unmap_writable(file->f_mapping);
		return false;
	}
	return true;
}

static void vuser_shared_close_area(const struct vuser_region *region,
				    const struct vuser_area *area)
{
	if (vuser_shared_writable(region))
		mapping_unmap_writable(area->file->f_mapping);
}

/* Prepares to show all areas; sets the bits of those that can be shown. */
static void vuser_shared_open_areas(struct vuser_desc *desc, struct vuser_usable *usable)
{
	struct vuser_region *region;
	u32 i, j;

	for (i = 0; i < desc->nr_regions; i++) {
		region = &desc->regions[i];
		for (j = 0; j < region->nr_areas; j++)
			if (vuser_shared_open_area(region, &region->areas[j]))
				__set_bit(j, usable->areas[i]);
	}
}

static void vuser_shared_close_areas(struct vuser_desc *desc, struct vuser_usable *usable)
{
	u32 i, j;

	for (i = 0; i < desc->nr_regions; i++)
		for_each_set_bit(j, usable->areas[i], VUSER_MAX_AREAS)
			vuser_shared_close_area(&desc->regions[i],
						&desc->regions[i].areas[j]);
}

/**
 * vuser_shared_alloc() - prepare to show the shared areas of a device
 * @desc: description of a device that is being opened; the function takes its own
 *	reference
 *
 * Areas that cannot be shown are left out; accesses to them are trapped.
 *
 * Context: process; may sleep for memory.
 * Return: the shared areas, which the caller frees with vuser_shared_free(); or
 * NULL if there is no memory.
 */
struct vuser_shared *vuser_shared_alloc(struct vuser_desc *desc)
{
	struct vuser_shared *shared;

	shared = kzalloc(sizeof(*shared), GFP_KERNEL);
	if (!shared)
		return NULL;
	shared->epoch = vuser_epoch_alloc();
	if (!shared->epoch) {
		kfree(shared);
		return NULL;
	}
	init_rwsem(&shared->lock);
	xa_init(&shared->pages);
	vuser_desc_get(desc);
	shared->desc = desc;
	vuser_shared_open_areas(desc, &shared->usable);
	return shared;
}

/* Releases all pages; the lock is held for writing, or no other thread uses @shared. */
static void vuser_shared_put_pages(struct vuser_shared *shared)
{
	struct page *page;
	unsigned long i;

	xa_for_each(&shared->pages, i, page) {
		u32 index = i >> (VUSER_OFFSET_SHIFT - PAGE_SHIFT);

		if (vuser_shared_writable(&shared->desc->regions[index]))
			set_page_dirty_lock(page);
		put_page(page);
		xa_erase(&shared->pages, i);
		cond_resched();
	}
	atomic_long_set(&shared->nr_pages, 0);
}

/**
 * vuser_shared_free() - free the shared areas, and release all their pages
 * @shared: the shared areas of a device that is being closed, or NULL; no mapping is left
 *
 * Pages that the consumer may have written are marked dirty.
 *
 * Context: process; may sleep for page locks.
 */
void vuser_shared_free(struct vuser_shared *shared)
{
	if (!shared)
		return;
	vuser_shared_put_pages(shared);
	xa_destroy(&shared->pages);
	vuser_shared_close_areas(shared->desc, &shared->usable);
	vuser_desc_put(shared->desc);
	vuser_epoch_put(shared->epoch);
	kfree(shared);
}

/* Removes the pages of all shared areas from the consumer's mappings. */
static void vuser_shared_zap(struct vuser_shared *shared, struct address_space *mapping)
{
	struct vuser_area *area;
	u32 i, j;

	for (i = 0; i < shared->desc->nr_regions; i++)
		for_each_set_bit(j, shared->usable.areas[i], VUSER_MAX_AREAS) {
			area = &shared->desc->regions[i].areas[j];
			unmap_mapping_range(mapping,
					    VUSER_INDEX_TO_OFFSET(i) + area->offset,
					    area->size, 1);
		}
}

/*
 * vuser_shared_replace() with the lock held for writing.  Takes over the references to
 * @desc and @epoch on success.
 */
static int vuser_shared_replace_locked(struct vuser_shared *shared,
				       struct vuser_desc *desc,
				       struct vuser_epoch *epoch,
				       struct address_space *mapping)
{
	if (!xa_empty(&shared->pages)) {
		if (!mapping)
			return -EOPNOTSUPP;
		vuser_shared_zap(shared, mapping);
		vuser_shared_put_pages(shared);
	}
	vuser_epoch_end(shared->epoch);
	swap(shared->epoch, epoch);
	vuser_epoch_put(epoch);
	shared->generation++;
	swap(shared->desc, desc);
	vuser_shared_close_areas(desc, &shared->usable);
	vuser_desc_put(desc);
	return 0;
}

/**
 * vuser_shared_replace() - show the files of another server
 * @regions: the regions of an open device
 * @desc: the description of the other server's device, with the same areas; the function
 *	takes its own reference
 * @mapping: all mappings of the device file are in it; NULL on a kernel where the device
 *	file shares it with other files
 *
 * The consumer's mappings lose the pages of the old files, and DMA of other devices does
 * not reach these pages any more.
 *
 * Context: process, the work item that resumes the device; may sleep for page locks, but
 * does not wait for a server.
 * Return: 0; -ENOTUNIQ when other areas can be shown; -EOPNOTSUPP when pages are mapped
 * and @mapping is NULL; or -ENOMEM.
 */
int vuser_shared_replace(struct vuser_regions *regions, struct vuser_desc *desc,
			 struct address_space *mapping)
{
	struct vuser_shared *shared = regions->shared;
	struct vuser_epoch *epoch = vuser_epoch_alloc();
	struct vuser_usable *usable;
	int ret = -ENOTUNIQ;

	usable = kzalloc(sizeof(*usable), GFP_KERNEL);
	if (!usable || !epoch) {
		kfree(usable);
		vuser_epoch_put(epoch);
		return -ENOMEM;
	}
	vuser_shared_open_areas(desc, usable);
	if (!memcmp(usable, &shared->usable, sizeof(*usable))) {
		vuser_desc_get(desc);
		down_write(&shared->lock);
		ret = vuser_shared_replace_locked(shared, desc, epoch, mapping);
		up_write(&shared->lock);
		if (ret)
			vuser_desc_put(desc);
	}
	if (ret) {
		vuser_shared_close_areas(desc, usable);
		vuser_epoch_put(epoch);
	}
	kfree(usable);
	return ret;
}

/**
 * vuser_shared_used() - tell whether the consumer may access shared areas without a fault
 * @regions: the regions of an open device
 *
 * Context: process; may sleep for page locks.
 * Return: true if pages of shared areas are in mappings of the consumer, or were.
 */
bool vuser_shared_used(struct vuser_regions *regions)
{
	bool used;

	vuser_shared_lock(regions);
	used = !xa_empty(&regions->shared->pages);
	vuser_shared_unlock(regions);
	return used;
}

/**
 * vuser_shared_lock() - keep the pages of shared areas from being replaced
 * @regions: the regions of an open device
 *
 * Context: process; may sleep for page locks.
 */
void vuser_shared_lock(struct vuser_regions *regions)
{
	down_read(&regions->shared->lock);
}

/**
 * vuser_shared_unlock() - allow that pages of shared areas are replaced
 * @regions: the regions of an open device, after vuser_shared_lock()
 *
 * Context: process.
 */
void vuser_shared_unlock(struct vuser_regions *regions)
{
	up_read(&regions->shared->lock);
}

/**
 * vuser_shared_area() - find the shared area at an offset
 * @regions: the regions of an open device
 * @index: index of the region, below VUSER_MAX_REGIONS
 * @off: offset from the start of the region in bytes
 *
 * Context: any.
 * Return: the area, or NULL if loads and stores at @off are trapped.
 */
struct vuser_area *vuser_shared_area(struct vuser_regions *regions, u32 index,
				     u64 off)
{
	struct vuser_region *region = &regions->conn->desc->regions[index];
	u32 i;

	for_each_set_bit(i, regions->shared->usable.areas[index], region->nr_areas) {
		struct vuser_area *area = &region->areas[i];

		if (off >= area->offset && off - area->offset < area->size)
			return area;
	}
	return NULL;
}

/**
 * vuser_shared_count() - count the areas of a region that can be shown
 * @regions: the regions of an open device
 * @index: index of the region, below VUSER_MAX_REGIONS
 *
 * Context: any.
 * Return: the number of areas.
 */
u32 vuser_shared_count(struct vuser_regions *regions, u32 index)
{
	return bitmap_weight(regions->shared->usable.areas[index], VUSER_MAX_AREAS);
}

/**
 * vuser_shared_next() - find the next area that can be shown
 * @regions: the regions of an open device
 * @index: index of the region, below VUSER_MAX_REGIONS
 * @i: number of the first area to consider; set to the number of the area that
 *	is found
 *
 * Context: any.
 * Return: the area, or NULL if no area is left.
 */
struct vuser_area *vuser_shared_next(struct vuser_regions *regions, u32 index,
				     u32 *i)
{
	struct vuser_region *region = &regions->conn->desc->regions[index];

	*i = find_next_bit(regions->shared->usable.areas[index], region->nr_areas, *i);
	return *i < region->nr_areas ? &region->areas[*i] : NULL;
}

/**
 * vuser_shared_lookup() - find a page that vuser_shared_take() has taken
 * @regions: the regions of an open device
 * @pgoff: page number in the device file
 *
 * Context: any; vuser_shared_lock() was called.
 * Return: the page, or NULL if it was not taken.  The caller gets no reference; the page
 * is held until vuser_shared_unlock().
 */
struct page *vuser_shared_lookup(struct vuser_regions *regions, pgoff_t pgoff)
{
	return xa_load(&regions->shared->pages, pgoff);
}

/*
 * Gets a page of a hugetlbfs file, with a reference.  If the server has not
 * accessed the huge page yet, allocates it, as a fault of the server would do.
 */
static struct page *vuser_shared_hugetlb_page(struct file *file, u64 off)
{
	u64 size = huge_page_size(hstate_inode(file_inode(file)));
	struct page *page;
	long err;

	page = vuser_find_hugetlb_page(file->f_mapping, off);
	if (page)
		return page;
	if (round_down(off, size) + size > i_size_read(file_inode(file)))
		return ERR_PTR(-EINVAL);
	err = vfs_fallocate(file, FALLOC_FL_KEEP_SIZE, round_down(off, size),
			    size);
	if (err)
		return ERR_PTR(err);
	page = vuser_find_hugetlb_page(file->f_mapping, off);
	return page ?: ERR_PTR(-EAGAIN);
}

/* Gets the page at @off (bytes) of the server's file, with a reference. */
static struct page *vuser_shared_file_page(struct file *file, u64 off)
{
	struct address_space *mapping = file->f_mapping;

	if (vuser_file_is_hugetlb(file))
		return vuser_shared_hugetlb_page(file, off);
	return shmem_read_mapping_page_gfp(mapping, off >> PAGE_SHIFT,
					   mapping_gfp_mask(mapping));
}

/* Adds a page; the lock is held for reading.  Returns 0, -EBUSY, -ENOSPC or -ENOMEM. */
static int vuser_shared_insert(struct vuser_shared *shared, pgoff_t pgoff,
			       struct page *page)
{
	int err = -ENOSPC;

	if (atomic_long_inc_return(&shared->nr_pages) <= VUSER_SHARED_MAX_PAGES)
		err = xa_insert(&shared->pages, pgoff, page, GFP_KERNEL);
	if (err)
		atomic_long_dec(&shared->nr_pages);
	return err;
}

/* Gets a page that was taken, with a reference; NULL if it was not taken. */
static struct page *vuser_shared_find(struct vuser_regions *regions, pgoff_t pgoff)
{
	struct page *page;

	vuser_shared_lock(regions);
	page = vuser_shared_lookup(regions, pgoff);
	if (page)
		get_page(page);
	vuser_shared_unlock(regions);
	return page;
}

/**
 * vuser_shared_take() - take a page of a shared area and hold it until close
 * @regions: the regions of an open device
 * @area: the area, from vuser_shared_area()
 * @pgoff: page number in the device file, inside @area
 *
 * vuser_shared_lookup() finds the page after this succeeds.
 *
 * Context: process; no lock is held, because this may sleep for memory, for
 * swap and for the locks of the server's file.
 * Return: 0, also if another thread has taken the page meanwhile; -EINTR or
 * -EAGAIN if the caller must try again; -ENOMEM.  After any other error, such
 * as -ENOSPC for too many pages, the page cannot be shown: trap the access.
 */
int vuser_shared_take(struct vuser_regions *regions, struct vuser_area *area,
		      pgoff_t pgoff)
{
	u64 off = ((u64)pgoff << PAGE_SHIFT & VUSER_OFFSET_MASK) - area->offset;
	u32 index = (u64)pgoff >> (VUSER_OFFSET_SHIFT - PAGE_SHIFT);
	u32 nr = area - regions->conn->desc->regions[index].areas;
	struct vuser_shared *shared = regions->shared;
	struct vuser_desc *desc;
	struct page *page;
	u64 generation;
	int err;

	if (atomic_long_read(&shared->nr_pages) >= VUSER_SHARED_MAX_PAGES)
		return -ENOSPC;
	down_read(&shared->lock);
	desc = shared->desc;
	vuser_desc_get(desc);
	generation = shared->generation;
	up_read(&shared->lock);
	area = &desc->regions[index].areas[nr];
	page = vuser_shared_file_page(area->file, area->file_offset + off);
	vuser_desc_put(desc);
	if (IS_ERR(page))
		return PTR_ERR(page);
	down_read(&shared->lock);
	err = shared->generation == generation ?
	      vuser_shared_insert(shared, pgoff, page) : -EAGAIN;
	up_read(&shared->lock);
	if (err)
		put_page(page);
	/* another thread has taken the page meanwhile */
	return err == -EBUSY ? 0 : err;
}

/**
 * vuser_shared_epoch() - get the epoch of the pages that vuser_shared_get() returns now
 * @regions: the regions of an open device
 *
 * Context: process; may sleep for page locks.
 * Return: the epoch, with a reference for the caller.
 */
struct vuser_epoch *vuser_shared_epoch(struct vuser_regions *regions)
{
	struct vuser_shared *shared = regions->shared;
	struct vuser_epoch *epoch;

	down_read(&shared->lock);
	epoch = shared->epoch;
	vuser_epoch_get(epoch);
	up_read(&shared->lock);
	return epoch;
}

/**
 * vuser_shared_get() - get a page of a region for DMA
 * @regions: the regions of an open device
 * @pgoff: page number in the device file, inside a region
 *
 * Takes the page as the consumer's first access to it would.
 *
 * Context: process, without locks; may sleep for memory, for swap and for the locks
 * of the server's file.
 * Return: the page, with a reference for the caller; NULL if accesses to it are
 * trapped; ERR_PTR(-EINTR) when killed; ERR_PTR(-ERESTARTNOINTR) when another signal
 * is pending: the system call must end with this error, so that the kernel delivers
 * the signal and repeats the call; or ERR_PTR(-ENOMEM).
 */
struct page *vuser_shared_get(struct vuser_regions *regions, pgoff_t pgoff)
{
	u64 pos = (u64)pgoff << PAGE_SHIFT;
	struct vuser_area *area;
	struct page *page;
	int ret = 0;

	area = vuser_shared_area(regions, VUSER_OFFSET_TO_INDEX(pos),
				 pos & VUSER_OFFSET_MASK);
	if (!area)
		return NULL;
	while (!(page = vuser_shared_find(regions, pgoff))) {
		if (fatal_signal_pending(current))
			return ERR_PTR(-EINTR);
		cond_resched();
		ret = vuser_shared_take(regions, area, pgoff);
		/* Any signal ends the allocation of a huge page. */
		if (ret == -EINTR)
			return ERR_PTR(vuser_interrupted());
		if (ret == -ENOMEM)
			return ERR_PTR(ret);
		if (ret && ret != -EAGAIN)
			return NULL;
	}
	return page;
}
