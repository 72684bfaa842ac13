/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of a mapping: pinned pages or device memory. */
#ifndef VUSER_BACKING_H
#define VUSER_BACKING_H

#include <linux/types.h>

struct file;
struct mm_struct;
struct page;
struct task_struct;
struct vm_area_struct;

/**
 * struct vuser_run - physically contiguous pages of a mapping
 * @first: index of the first page in the mapping; the run ends where the next
 *	run starts, or at the end of the mapping
 * @pfn: page frame number of the first page
 */
struct vuser_run {
	unsigned long first;
	unsigned long pfn;
};

/**
 * struct vuser_backing - the memory of a mapping
 * @file: the shared file that contains all of the memory and is open for
 *	writing; the backing holds a reference; NULL if there is no such file
 * @offset: offset of the memory in @file, in bytes
 * @nr_pages: number of pages; the backing holds each page, except the pages of
 *	device memory outside of shared areas
 * @runs: the pages, sorted by index
 * @nr_runs: used entries of @runs
 * @max_runs: allocated entries of @runs
 * @opaque: device memory; servers get no file for it and access it with
 *	DMA_READ and DMA_WRITE
 * @shared: the device memory consists of shared areas of a vuser device; these
 *	have pages, and the backing holds a reference to each page
 * @write: a device may write to the memory; pages are then pinned for writing
 * @task: the task whose RLIMIT_MEMLOCK applies; the backing holds a reference
 * @mm: the mm in which the pages are counted; held with mmgrab(), so the
 *	process may exit before the backing is released
 * @lock_cap: the task had CAP_IPC_LOCK when it mapped the memory
 * @accounted: number of pages counted in @mm
 *
 * A backing does not change between vuser_backing_take() and
 * vuser_backing_release(), so it needs no lock.  Its users make sure that it is
 * not released while they use it.
 */
struct vuser_backing {
	struct file *file;
	u64 offset;
	unsigned long nr_pages;
	struct vuser_run *runs;
	size_t nr_runs;
	size_t max_runs;
	bool opaque;
	bool shared;
	bool write;
	struct task_struct *task;
	struct mm_struct *mm;
	bool lock_cap;
	unsigned long accounted;
};

void vuser_backing_init(struct page *(*mapped_page)(struct vm_area_struct *vma,
						    unsigned long addr));
int vuser_backing_take(struct vuser_backing *back, unsigned long vaddr,
		       size_t size, bool write);
void vuser_backing_release(struct vuser_backing *back);
unsigned long vuser_backing_pfn(const struct vuser_backing *back,
				unsigned long index, unsigned long *count);
int vuser_backing_copy(const struct vuser_backing *back, u64 offset, void *buf,
		       size_t len, bool write);

#endif /* VUSER_BACKING_H */
