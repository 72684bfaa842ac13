/* SPDX-License-Identifier: GPL-2.0 */
/* The shared areas of an open device, and their pages. */
#ifndef VUSER_SHARED_H
#define VUSER_SHARED_H

#include <linux/types.h>

struct address_space;
struct page;
struct vuser_area;
struct vuser_desc;
struct vuser_epoch;
struct vuser_regions;
struct vuser_shared;

/*
 * The maximum number of pages that are held for one device.  Accesses to further
 * pages are trapped.
 */
#define VUSER_SHARED_MAX_PAGES	((1UL << 30) >> PAGE_SHIFT)

struct vuser_shared *vuser_shared_alloc(struct vuser_desc *desc);
void vuser_shared_free(struct vuser_shared *shared);
int vuser_shared_replace(struct vuser_regions *regions, struct vuser_desc *desc,
			 struct address_space *mapping);
bool vuser_shared_used(struct vuser_regions *regions);
void vuser_shared_lock(struct vuser_regions *regions);
void vuser_shared_unlock(struct vuser_regions *regions);
struct vuser_area *vuser_shared_area(struct vuser_regions *regions, u32 index,
				     u64 off);
u32 vuser_shared_count(struct vuser_regions *regions, u32 index);
struct vuser_area *vuser_shared_next(struct vuser_regions *regions, u32 index,
				     u32 *i);
struct page *vuser_shared_lookup(struct vuser_regions *regions, pgoff_t pgoff);
int vuser_shared_take(struct vuser_regions *regions, struct vuser_area *area,
		      pgoff_t pgoff);
struct vuser_epoch *vuser_shared_epoch(struct vuser_regions *regions);
struct page *vuser_shared_get(struct vuser_regions *regions, pgoff_t pgoff);

#endif /* VUSER_SHARED_H */
