/* SPDX-License-Identifier: GPL-2.0 */
/* The consumer's mappings of regions. */
#ifndef VUSER_MAPPING_H
#define VUSER_MAPPING_H

struct page;
struct vm_area_struct;
struct vuser_regions;

int vuser_mmap(struct vuser_regions *regions, struct vm_area_struct *vma);
struct page *vuser_mmap_page(struct vm_area_struct *vma, unsigned long addr);

#endif /* VUSER_MAPPING_H */
