/* SPDX-License-Identifier: GPL-2.0 */
/* The consumer's mappings of regions. */
#ifndef VUSER_MAPPING_H
#define VUSER_MAPPING_H

struct page;
struct vm_area_struct;
struct vuser_device;

int vuser_mmap(struct vuser_device *dev, struct vm_area_struct *vma);
struct page *vuser_mapped_page(struct vm_area_struct *vma, unsigned long addr);
int vuser_trap_open(struct vuser_device *dev);
void vuser_trap_close(struct vuser_device *dev);

#endif /* VUSER_MAPPING_H */
