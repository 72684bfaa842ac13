/* SPDX-License-Identifier: GPL-2.0 */
/* Loads and stores on mapped registers, where there is no page. */
#ifndef VUSER_TRAP_H
#define VUSER_TRAP_H

#include <linux/types.h>

struct file;
struct mm_struct;
struct vuser_regions;

/**
 * struct vuser_trap - a fault, copied out of what its lock protects
 * @regions: of the device, open
 * @file: the device file; a reference of ours
 * @mm: of the mapping
 * @region: index
 * @off: from the start of the region, bytes
 * @addr: user address that was touched
 * @pgoff: page number in the device file
 * @write: it faulted as a store
 * @may_write: the mapping allows stores
 * @may_retry: an error is not reported: the fault is made again
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
