/* SPDX-License-Identifier: GPL-2.0 */
/* Trapped loads and stores: emulating the instruction that faulted. */
#ifndef VUSER_TRAP_H
#define VUSER_TRAP_H

#include <linux/types.h>

struct file;
struct mm_struct;
struct vuser_regions;

/**
 * struct vuser_trap - a copy of a fault, for use without the fault's lock
 * @regions: the regions of the device, which is open
 * @file: the device file; holds a reference, which keeps the device open
 * @mm: mm of the mapping
 * @region: index of the region
 * @off: offset of the access from the start of the region, bytes
 * @addr: user address of the access
 * @pgoff: page number in the device file
 * @write: the access faulted as a store, otherwise as a load
 * @may_write: the mapping allows stores
 * @may_retry: a fault that fails is repeated, so do not report the error yet
 */
struct vuser_trap {
	struct vuser_regions *regions;
	struct file *file;
	struct mm_struct *mm;
	u32 region;
	u64 off;
	unsigned long addr;
	pgoff_t pgoff;
	bool write;
	bool may_write;
	bool may_retry;
};

int vuser_trap_emulate(const struct vuser_trap *trap);

#endif /* VUSER_TRAP_H */
