/* SPDX-License-Identifier: GPL-2.0 */
/* Maps regions into the consumer's address space. */
#ifndef VUSER_MMAP_H
#define VUSER_MMAP_H

struct vm_area_struct;
struct vuser_regions;

int vuser_mmap(struct vuser_regions *regions, struct vm_area_struct *vma);
struct vuser_regions *vuser_mmap_regions(struct vm_area_struct *vma);

#endif /* VUSER_MMAP_H */
