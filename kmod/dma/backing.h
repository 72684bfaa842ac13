/* SPDX-License-Identifier: GPL-2.0 */
/* The memory behind a mapping: pinned pages, or device memory. */
#ifndef VUSER_BACKING_H
#define VUSER_BACKING_H

#include <linux/types.h>

struct file;
struct mm_struct;
struct page;
struct task_struct;
struct vm_area_struct;

/**
 * struct vuser_run - pages that follow each other physically
 * @first: index of the first one in the mapping; the run ends where the next
 *	one starts
 * @pfn: page frame number of the first one
 */
struct vuser_run {
	unsigned long first;
	unsigned long pfn;
};

/**
 * struct vuser_backing - the memory behind a mapping
 * @file: shared file that all of it comes from and that is open for writing;
 *	a reference of ours; or NULL
 * @offset: where in @file it starts, bytes
 * @nr_pages: pages; all of them held, but for device memory
 * @runs: sorted by index
 * @nr_runs: used entries of @runs
 * @max_runs: allocated entries of @runs
 * @opaque: device memory, known by its frame numbers only
 * @shared: that of a vuser device's shared areas, which are pages all the same;
 *	a reference of each is ours
 * @write: a device may write; then the pages were pinned for writing
 * @task: whose RLIMIT_MEMLOCK counts; a reference of ours
 * @mm: where the pages are counted; mmgrab'd, so that it can die before us
 * @lock_cap: the task had CAP_IPC_LOCK
 * @accounted: pages counted in @mm
 *
 * Does not change from vuser_backing_take() to vuser_backing_release(), so it
 * needs no lock: who uses it makes sure that the latter waits.
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
