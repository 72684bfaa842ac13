// SPDX-License-Identifier: GPL-2.0
/* A dma region: its file, and the pages of its mappings. */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "dma/dma_region.h"
#include "dma/map.h"
#include "dma/memory.h"

/**
 * vuser_dma_region_alloc() - allocate a dma region and open its file
 * @layout: describes the dma region
 * @map: its first mapping
 * @guard: an access to a hole of a memory fd is SIGBUS; see vuser_memory_open()
 *
 * A memory fd is empty.
 *
 * Context: process; may sleep.
 * Return: the dma region, to be freed with vuser_dma_region_free(); or an
 * ERR_PTR() of vuser_memory_open().
 */
struct vuser_dma_region *
vuser_dma_region_alloc(const struct vuser_layout_region *layout,
		       const struct vuser_mapping *map, bool guard)
{
	struct vuser_dma_region *region;
	int ret;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return ERR_PTR(-ENOMEM);
	region->node.start = layout->start;
	region->node.last = layout->last;
	region->kind = layout->kind;
	region->prot = layout->prot;
	if (layout->kind == VUSER_DMA_REGION_FILE) {
		region->file = get_file(map->back.file);
		region->offset = map->back.offset;
	} else if (layout->kind == VUSER_DMA_REGION_MEMORY) {
		region->file = vuser_memory_open(vuser_dma_region_size(region),
						 layout->prot &
						 VFIO_DMA_MAP_FLAG_WRITE,
						 guard);
		if (IS_ERR(region->file)) {
			ret = PTR_ERR(region->file);
			kfree(region);
			return ERR_PTR(ret);
		}
	}
	return region;
}

/**
 * vuser_dma_region_free() - empty the memory fd, close the file and free
 * @region: the dma region
 *
 * Context: process; may sleep.
 */
void vuser_dma_region_free(struct vuser_dma_region *region)
{
	vuser_dma_region_empty(region);
	if (region->file)
		fput(region->file);
	kfree(region);
}

/**
 * vuser_dma_region_fill() - add the pages of a mapping
 * @region: the dma region
 * @map: a mapping that overlaps the dma region
 *
 * Adds the part of the mapping that is in the dma region.  Does nothing if the dma
 * region has no memory fd, or has the pages already.
 *
 * Context: process; may sleep.
 * Return: 0, or an error of vuser_memory_add().
 */
int vuser_dma_region_fill(struct vuser_dma_region *region,
			  struct vuser_mapping *map)
{
	u64 first = max(map->node.start, region->node.start);
	u64 last = min(map->node.last, region->node.last);

	if (region->kind != VUSER_DMA_REGION_MEMORY)
		return 0;
	return vuser_memory_add(region->file, first - region->node.start,
				&map->back, first - map->node.start,
				last - first + 1);
}

/**
 * vuser_dma_region_remove() - remove the pages of a mapping
 * @region: the dma region
 * @map: a mapping that overlaps the dma region
 *
 * After this function returns, the server cannot access the pages through a memory
 * fd.
 *
 * Context: process; may sleep, but does not wait for the server.
 * Return: true if the dma region has no other mapping.
 */
bool vuser_dma_region_remove(struct vuser_dma_region *region,
			     const struct vuser_mapping *map)
{
	u64 first = max(map->node.start, region->node.start);
	u64 last = min(map->node.last, region->node.last);

	if (region->kind != VUSER_DMA_REGION_MEMORY)
		return true;
	return vuser_memory_del(region->file, first - region->node.start,
				last - first + 1);
}

/**
 * vuser_dma_region_empty() - remove all pages from the memory fd, if there is one
 * @region: the dma region
 *
 * Context: process; may sleep, but does not wait for the server.
 */
void vuser_dma_region_empty(struct vuser_dma_region *region)
{
	if (region->kind == VUSER_DMA_REGION_MEMORY)
		vuser_memory_del(region->file, 0, vuser_dma_region_size(region));
}

/**
 * vuser_dma_region_fits() - check whether a dma region can have a mapping
 * @region: the dma region
 * @map: a mapping that overlaps the dma region
 *
 * Context: any.
 * Return: true if the part of the mapping that is in the dma region can be added, or
 * if the mapping is the only mapping of the dma region.
 */
bool vuser_dma_region_fits(const struct vuser_dma_region *region,
			   const struct vuser_mapping *map)
{
	if (region->leaving || region->prot != map->prot)
		return false;
	if (region->kind == VUSER_DMA_REGION_MEMORY)
		return !map->back.opaque;
	return region->node.start == map->node.start &&
	       region->node.last == map->node.last;
}

/**
 * vuser_dma_region_matches() - check whether a dma region is as a layout describes it
 * @region: the dma region
 * @layout: the dma region in the layout
 * @map: its first mapping
 *
 * Context: any.
 * Return: true if the server's dma region can be kept.
 */
bool vuser_dma_region_matches(const struct vuser_dma_region *region,
			      const struct vuser_layout_region *layout,
			      const struct vuser_mapping *map)
{
	if (region->leaving || region->kind != layout->kind ||
	    region->prot != layout->prot ||
	    region->node.start != layout->start ||
	    region->node.last != layout->last)
		return false;
	if (layout->kind != VUSER_DMA_REGION_FILE)
		return true;
	return file_inode(region->file) == file_inode(map->back.file) &&
	       region->offset == map->back.offset;
}
