/* SPDX-License-Identifier: GPL-2.0 */
/* The page frames of a mapping, as a list of contiguous runs. */
#ifndef VUSER_RUNS_H
#define VUSER_RUNS_H

#include <linux/types.h>

/**
 * struct vuser_run - contiguous pages of a mapping
 * @first: index of the first page in the mapping; the run ends where the next
 *	run starts, or at the end of the mapping
 * @frame: page frame number of the first page.  Device memory may have numbers of
 *	another kind here, see struct vuser_foreign
 */
struct vuser_run {
	unsigned long first;
	unsigned long frame;
};

/**
 * struct vuser_runs - the page frames of a mapping
 * @nr_pages: number of pages
 * @runs: the runs, sorted by index
 * @nr: used entries of @runs
 * @max: allocated entries of @runs
 */
struct vuser_runs {
	unsigned long nr_pages;
	struct vuser_run *runs;
	size_t nr;
	size_t max;
};

int vuser_runs_add(struct vuser_runs *runs, unsigned long frame);
unsigned long vuser_runs_length(const struct vuser_runs *runs, size_t i);
unsigned long vuser_runs_frame(const struct vuser_runs *runs,
			       unsigned long index, unsigned long *count);
void vuser_runs_free(struct vuser_runs *runs);

#endif /* VUSER_RUNS_H */
