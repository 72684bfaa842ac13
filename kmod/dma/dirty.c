// SPDX-License-Identifier: GPL-2.0
/* The dirty bitmap of a mapping: which of its pages were written. */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/mm.h>

#include "dma/dirty.h"

/**
 * vuser_dirty_alloc() - allocate a bitmap without dirty pages
 * @dirty: a bitmap that no other thread knows
 * @nr: number of pages, not 0
 *
 * The memory counts against the memory control group of the caller.
 *
 * Context: process; may sleep for memory.
 * Return: 0; -EINVAL when type1 could not log so many pages either; -ENOMEM.
 */
int vuser_dirty_alloc(struct vuser_dirty *dirty, u64 nr)
{
	if (nr > VUSER_DIRTY_PAGES_MAX)
		return -EINVAL;
	dirty->bits = kvcalloc(BITS_TO_LONGS(nr), sizeof(*dirty->bits), GFP_KERNEL_ACCOUNT);
	if (!dirty->bits)
		return -ENOMEM;
	dirty->nr = nr;
	return 0;
}

/**
 * vuser_dirty_free() - free a bitmap
 * @dirty: a bitmap that no other thread uses; may have no memory
 *
 * Context: process; may sleep.
 */
void vuser_dirty_free(struct vuser_dirty *dirty)
{
	kvfree(dirty->bits);
	dirty->bits = NULL;
}

/**
 * vuser_dirty_mark() - mark pages as dirty
 * @dirty: the bitmap; nothing is done if it has no memory
 * @first: first page
 * @last: last page, less than the number of bits
 *
 * Context: any; the caller holds the lock of the DMA map, for reading at least.
 */
void vuser_dirty_mark(struct vuser_dirty *dirty, u64 first, u64 last)
{
	u64 i;

	if (!dirty->bits)
		return;
	for (i = first; i <= last; i++) {
		/* Whole words: no thread clears a bit meanwhile. */
		if (!(i % BITS_PER_LONG) && last - i >= BITS_PER_LONG - 1) {
			WRITE_ONCE(dirty->bits[BIT_WORD(i)], ~0UL);
			i += BITS_PER_LONG - 1;
		} else {
			set_bit(i, dirty->bits);
		}
	}
}

/**
 * vuser_dirty_read() - add bits of the bitmap to another bitmap
 * @dirty: the bitmap, which has memory
 * @first: first page
 * @nr: number of pages
 * @words: gets the bits, from bit @shift on
 * @shift: bit of @words for @first
 *
 * Context: any; the caller holds the lock of the DMA map, for reading at least.
 */
void vuser_dirty_read(const struct vuser_dirty *dirty, u64 first, u64 nr,
		      unsigned long *words, unsigned int shift)
{
	unsigned long end = first + nr, from, to;

	for (from = find_next_bit(dirty->bits, end, first); from < end;
	     from = find_next_bit(dirty->bits, end, to)) {
		to = find_next_zero_bit(dirty->bits, end, from);
		bitmap_set(words, shift + (from - first), to - from);
	}
}

/**
 * vuser_dirty_clear() - clear the bits that are set in another bitmap
 * @dirty: the bitmap; nothing is done if it has no memory
 * @first: first page
 * @nr: number of pages
 * @words: the other bitmap
 * @shift: bit of @words for @first
 *
 * Context: any; the caller holds the lock of the DMA map for writing.
 */
void vuser_dirty_clear(struct vuser_dirty *dirty, u64 first, u64 nr,
		       const unsigned long *words, unsigned int shift)
{
	unsigned long end = shift + nr, from, to;

	if (!dirty->bits)
		return;
	for (from = find_next_bit(words, end, shift); from < end;
	     from = find_next_bit(words, end, to)) {
		to = find_next_zero_bit(words, end, from);
		bitmap_clear(dirty->bits, first + (from - shift), to - from);
	}
}
