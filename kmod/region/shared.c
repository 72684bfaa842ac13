// SPDX-License-Identifier: GPL-2.0
/*
 * Shared areas: parts of a region that the server gave a file for.  A page of
 * the file is taken when the consumer first touches it, and held until the
 * device is closed: every mapping holds the device file, so none is left then.
 */
#include <linux/bitmap.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "compat.h"
#include "dma/file.h"
#include "region/regions.h"
#include "region/shared.h"
#include "server/channel.h"
#include "server/desc.h"

/**
 * struct vuser_shared - what is held of a device's shared areas while open
 * @pages: by page number in the device file; a reference each
 * @nr_pages: in @pages or about to be
 * @usable: by region, a bit for each of its areas that may be shown at all
 */
struct vuser_shared {
	struct xarray pages;
	atomic_long_t nr_pages;
	DECLARE_BITMAP(usable[VUSER_MAX_REGIONS], VUSER_MAX_AREAS);
};

static bool vuser_region_writable(const struct vuser_region *region)
{
	return region->flags & VFIO_REGION_INFO_FLAG_WRITE;
}

/*
 * The consumer gets from us what mmap would give the server, no more: a file
 * that is open for reading only, or sealed, cannot be mapped for writing.
 * mapping_map_writable() keeps it from being sealed while we show it.
 */
static bool vuser_area_open(const struct vuser_region *region,
			    const struct vuser_area *area)
{
	struct file *file = area->file;

	if (!vuser_file_is_hugetlb(file) && !shmem_mapping(file->f_mapping))
		return false;
	if (!(file->f_mode & FMODE_READ))
		return false;
	if (!vuser_region_writable(region))
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

static void vuser_area_close(const struct vuser_region *region,
			     const struct vuser_area *area)
{
	if (vuser_region_writable(region))
		mapping_unmap_writable(area->file->f_mapping);
}

/**
 * vuser_shared_alloc() - get ready to show a device's shared areas
 * @desc: of a device that is being opened; stays until vuser_shared_free()
 *
 * Areas whose files cannot be shown are left out: they are trapped.
 *
 * Context: process.
 * Return: what to give to vuser_shared_free(), or NULL without memory.
 */
struct vuser_shared *vuser_shared_alloc(struct vuser_desc *desc)
{
	struct vuser_shared *shared;
	u32 i, j;

	shared = kzalloc(sizeof(*shared), GFP_KERNEL);
	if (!shared)
		return NULL;
	xa_init(&shared->pages);
	for (i = 0; i < desc->nr_regions; i++) {
		struct vuser_region *region = &desc->regions[i];

		for (j = 0; j < region->nr_areas; j++)
			if (vuser_area_open(region, &region->areas[j]))
				__set_bit(j, shared->usable[i]);
	}
	return shared;
}

/**
 * vuser_shared_free() - release all shared pages
 * @desc: of a device whose last file is being closed, so that no mapping is left
 * @shared: of vuser_shared_alloc(), or NULL
 *
 * Pages that may have been written to are marked dirty.
 *
 * Context: process; may sleep for page locks.
 */
void vuser_shared_free(struct vuser_desc *desc, struct vuser_shared *shared)
{
	struct page *page;
	unsigned long i;
	u32 j;

	if (!shared)
		return;
	xa_for_each(&shared->pages, i, page) {
		u32 index = i >> (VUSER_OFFSET_SHIFT - PAGE_SHIFT);

		if (vuser_region_writable(&desc->regions[index]))
			set_page_dirty_lock(page);
		put_page(page);
		cond_resched();
	}
	xa_destroy(&shared->pages);
	for (i = 0; i < desc->nr_regions; i++)
		for_each_set_bit(j, shared->usable[i], VUSER_MAX_AREAS)
			vuser_area_close(&desc->regions[i],
					 &desc->regions[i].areas[j]);
	kfree(shared);
}

/**
 * vuser_shared_area() - the shared area at an offset
 * @regions: of a device that is open
 * @index: of the region, below VUSER_MAX_REGIONS
 * @off: from the start of the region, bytes
 *
 * Context: any.
 * Return: the area, or NULL where loads and stores are trapped.
 */
struct vuser_area *vuser_shared_area(struct vuser_regions *regions, u32 index,
				     u64 off)
{
	struct vuser_region *region = &regions->chan->desc->regions[index];
	u32 i;

	for_each_set_bit(i, regions->shared->usable[index], region->nr_areas) {
		struct vuser_area *area = &region->areas[i];

		if (off >= area->offset && off - area->offset < area->size)
			return area;
	}
	return NULL;
}

/**
 * vuser_shared_count() - how many of a region's areas can be shown
 * @regions: of a device that is open
 * @index: of the region, below VUSER_MAX_REGIONS
 *
 * Context: any.
 */
u32 vuser_shared_count(struct vuser_regions *regions, u32 index)
{
	return bitmap_weight(regions->shared->usable[index], VUSER_MAX_AREAS);
}

/**
 * vuser_shared_next() - the next area that can be shown
 * @regions: of a device that is open
 * @index: of the region, below VUSER_MAX_REGIONS
 * @i: number of the first area to look at; that of the area on return
 *
 * Context: any.
 * Return: the area, or NULL when there is none any more.
 */
struct vuser_area *vuser_shared_next(struct vuser_regions *regions, u32 index,
				     u32 *i)
{
	struct vuser_region *region = &regions->chan->desc->regions[index];

	*i = find_next_bit(regions->shared->usable[index], region->nr_areas, *i);
	return *i < region->nr_areas ? &region->areas[*i] : NULL;
}

/**
 * vuser_shared_lookup() - a page that is already held
 * @regions: of a device that is open
 * @pgoff: page number in the device file
 *
 * Context: any.
 * Return: the page, or NULL.
 */
struct page *vuser_shared_lookup(struct vuser_regions *regions, pgoff_t pgoff)
{
	return xa_load(&regions->shared->pages, pgoff);
}

/*
 * A page of hugetlbfs, with a reference.  One that the server has not touched
 * yet is allocated, as its own fault would do.
 */
static struct page *vuser_hugetlb_page(struct file *file, u64 off)
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

static struct page *vuser_file_page(struct file *file, u64 off)
{
	struct address_space *mapping = file->f_mapping;

	if (vuser_file_is_hugetlb(file))
		return vuser_hugetlb_page(file, off);
	return shmem_read_mapping_page_gfp(mapping, off >> PAGE_SHIFT,
					   mapping_gfp_mask(mapping));
}

/**
 * vuser_shared_take() - take a page of a shared area and hold it
 * @regions: of a device that is open
 * @area: of vuser_shared_area()
 * @pgoff: page number in the device file, inside of @area
 *
 * Context: process, no lock held: may sleep for memory, swap and the locks of
 * the server's file.
 * Return: 0; -EINTR or -EAGAIN: try again; -ENOMEM; else the page cannot be
 * shown and is trapped.
 */
int vuser_shared_take(struct vuser_regions *regions, struct vuser_area *area,
		      pgoff_t pgoff)
{
	u64 off = ((u64)pgoff << PAGE_SHIFT & VUSER_OFFSET_MASK) - area->offset;
	struct vuser_shared *shared = regions->shared;
	struct page *page;
	int err = -ENOSPC;

	if (atomic_long_inc_return(&shared->nr_pages) > VUSER_SHARED_MAX_PAGES)
		goto err_count;
	page = vuser_file_page(area->file, area->file_offset + off);
	if (IS_ERR(page)) {
		err = PTR_ERR(page);
		goto err_count;
	}
	err = xa_insert(&shared->pages, pgoff, page, GFP_KERNEL);
	if (err)
		goto err_page;
	return 0;

err_page:
	put_page(page);
err_count:
	atomic_long_dec(&shared->nr_pages);
	/* another thread took it meanwhile */
	return err == -EBUSY ? 0 : err;
}
