/* SPDX-License-Identifier: GPL-2.0 */
/* The dirty bitmap of a mapping: which of its pages were written. */
#ifndef VUSER_DIRTY_H
#define VUSER_DIRTY_H

#include <linux/limits.h>
#include <linux/types.h>

/* The largest mapping whose writes can be logged, in pages; the limit of type1. */
#define VUSER_DIRTY_PAGES_MAX	((u64)INT_MAX)

/**
 * struct vuser_dirty - the dirty bitmap of a mapping
 * @bits: a bit for each page, set if the page was written since its bit was copied to the
 *	consumer; NULL while writes are not logged
 * @nr: number of bits
 *
 * The lock of the DMA map protects @bits and @nr.  Threads that hold it for reading may read
 * and set bits; a thread that clears bits holds it for writing.
 */
struct vuser_dirty {
	unsigned long *bits;
	u64 nr;
};

int vuser_dirty_alloc(struct vuser_dirty *dirty, u64 nr);
void vuser_dirty_free(struct vuser_dirty *dirty);
void vuser_dirty_mark(struct vuser_dirty *dirty, u64 first, u64 last);
void vuser_dirty_read(const struct vuser_dirty *dirty, u64 first, u64 nr,
		      unsigned long *words, unsigned int shift);
void vuser_dirty_clear(struct vuser_dirty *dirty, u64 first, u64 nr,
		       const unsigned long *words, unsigned int shift);

#endif /* VUSER_DIRTY_H */
