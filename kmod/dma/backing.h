/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of a mapping: pinned pages or device memory. */
#ifndef VUSER_BACKING_H
#define VUSER_BACKING_H

#include <linux/types.h>

#include "dma/foreign.h"
#include "dma/runs.h"

struct file;
struct mm_struct;
struct task_struct;

/**
 * struct vuser_backing - the memory of a mapping
 * @file: the shared file that contains all of the memory and is open for
 *	writing; the backing holds a reference; NULL if there is no such file
 * @offset: offset of the memory in @file, in bytes
 * @nr_pages: number of pages; the backing holds each page, except the pages of
 *	device memory outside of shared areas
 * @runs: the pages
 * @opaque: device memory; servers get no file for it and access it with
 *	DMA_READ and DMA_WRITE
 * @foreign: the device memory, if @opaque is true
 * @write: a device may write to the memory; pages are then pinned for writing
 * @task: the task whose RLIMIT_MEMLOCK applies; the backing holds a reference
 * @mm: the mm in which the pages are counted; held with mmgrab(), so the
 *	process may exit before the backing is released
 * @lock_cap: the task had CAP_IPC_LOCK when it mapped the memory
 * @accounted: number of pages counted in @mm
 *
 * A backing does not change between vuser_backing_take() and
 * vuser_backing_release(), so it needs no lock.  (Pages of device memory may become
 * inaccessible; @foreign has its own lock.)  Its users make sure that it is
 * not released while they use it.
 */
struct vuser_backing {
	struct file *file;
	u64 offset;
	unsigned long nr_pages;
	struct vuser_runs runs;
	bool opaque;
	struct vuser_foreign foreign;
	bool write;
	struct task_struct *task;
	struct mm_struct *mm;
	bool lock_cap;
	unsigned long accounted;
};

int vuser_backing_take(struct vuser_backing *back, unsigned long vaddr,
		       size_t size, bool write);
void vuser_backing_release(struct vuser_backing *back);
unsigned long vuser_backing_pfn(const struct vuser_backing *back,
				unsigned long index, unsigned long *count);
int vuser_backing_copy(const struct vuser_backing *back, u64 offset, void *buf,
		       size_t len, bool write);
bool vuser_backing_traps(const struct vuser_backing *back, u64 offset,
			 size_t len);

#endif /* VUSER_BACKING_H */
