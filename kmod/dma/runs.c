// SPDX-License-Identifier: GPL-2.0
/*
 * The page frames of a mapping.  Contiguous frames are one run, so that a huge
 * page needs one entry.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "dma/runs.h"

/* Makes room for more runs. */
static int vuser_runs_grow(struct vuser_runs *runs)
{
	size_t max = max_t(size_t, 4, runs->max * 2);
	struct vuser_run *new;

	new = kvmalloc_array(max, sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	if (runs->nr)
		memcpy(new, runs->runs, runs->nr * sizeof(*new));
	kvfree(runs->runs);
	runs->runs = new;
	runs->max = max;
	return 0;
}

/**
 * vuser_runs_add() - append a page
 * @runs: the runs; zeroed before the first page
 * @frame: page frame number
 *
 * Context: process; may sleep for memory.
 * Return: 0 or -ENOMEM.
 */
int vuser_runs_add(struct vuser_runs *runs, unsigned long frame)
{
	struct vuser_run *last;
	int ret;

	if (runs->nr) {
		last = &runs->runs[runs->nr - 1];
		if (last->frame + (runs->nr_pages - last->first) == frame) {
			runs->nr_pages++;
			return 0;
		}
	}
	if (runs->nr == runs->max) {
		ret = vuser_runs_grow(runs);
		if (ret)
			return ret;
	}
	last = &runs->runs[runs->nr++];
	last->first = runs->nr_pages++;
	last->frame = frame;
	return 0;
}

/**
 * vuser_runs_length() - count the pages of a run
 * @runs: the runs
 * @i: number of the run, less than @runs->nr
 *
 * Context: any.
 * Return: the number of pages.
 */
unsigned long vuser_runs_length(const struct vuser_runs *runs, size_t i)
{
	unsigned long end = i + 1 < runs->nr ? runs->runs[i + 1].first :
					       runs->nr_pages;

	return end - runs->runs[i].first;
}

/* The number of the run that contains page @index. */
static size_t vuser_runs_find(const struct vuser_runs *runs,
			      unsigned long index)
{
	size_t low = 0, high = runs->nr, mid;

	while (high - low > 1) {
		mid = low + (high - low) / 2;
		if (runs->runs[mid].first <= index)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/**
 * vuser_runs_frame() - find the frame of a page
 * @runs: the runs
 * @index: index of the page, less than @runs->nr_pages
 * @count: set to the number of contiguous pages that start at this page; may be
 *	NULL
 *
 * Context: any.
 * Return: the page frame number.
 */
unsigned long vuser_runs_frame(const struct vuser_runs *runs,
			       unsigned long index, unsigned long *count)
{
	size_t i = vuser_runs_find(runs, index);
	unsigned long skip = index - runs->runs[i].first;

	if (count)
		*count = vuser_runs_length(runs, i) - skip;
	return runs->runs[i].frame + skip;
}

/**
 * vuser_runs_free() - free the runs
 * @runs: the runs; the pages were released before
 *
 * Context: process; may sleep.
 */
void vuser_runs_free(struct vuser_runs *runs)
{
	kvfree(runs->runs);
	memset(runs, 0, sizeof(*runs));
}
