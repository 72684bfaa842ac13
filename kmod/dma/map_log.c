// SPDX-License-Identifier: GPL-2.0
/*
 * The log of writes to the memory of a container.
 *
 * Each mapping has a dirty bitmap while writes are logged.  A thread that writes to the memory,
 * or learns that a server has written, sets bits after the data are there.  A thread that
 * copies bits to the consumer clears them after that.  So each write before the copy returns is
 * either in a page whose bit the consumer has got, and the consumer reads the page later; or
 * its bit is still set.
 */
#include <linux/bitmap.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "dma/dirty.h"
#include "dma/map.h"
#include "dma/map_log.h"

/* Bitmaps -------------------------------------------------------------------- */

static u64 vuser_map_log_pages(const struct vuser_mapping *map)
{
	return vuser_mapping_size(map) >> PAGE_SHIFT;
}

/*
 * The size in pages of the first mapping at or after *@iova that has no bitmap; 0 if each
 * mapping has one.  Sets *@iova to its address.
 */
static u64 vuser_map_log_missing(struct vuser_dma_map *dmap, u64 *iova)
{
	struct vuser_mapping *map;
	u64 pages = 0;

	down_read(&dmap->lock);
	for (map = vuser_map_first(dmap, *iova, ULONG_MAX); map;
	     map = vuser_map_next(map, *iova, ULONG_MAX)) {
		if (map->node.start < *iova || map->dirty.bits)
			continue;
		*iova = map->node.start;
		pages = vuser_map_log_pages(map);
		break;
	}
	up_read(&dmap->lock);
	return pages;
}

/* Gives a bitmap to the mapping at @iova, if it is still there and has none. */
static void vuser_map_log_attach(struct vuser_dma_map *dmap, u64 iova,
				 struct vuser_dirty *dirty)
{
	struct vuser_mapping *map;

	down_write(&dmap->lock);
	map = vuser_map_first(dmap, iova, iova);
	if (map && map->node.start == iova && !map->dirty.bits &&
	    vuser_map_log_pages(map) == dirty->nr) {
		map->dirty = *dirty;
		dirty->bits = NULL;
	}
	up_write(&dmap->lock);
	vuser_dirty_free(dirty);
}

static void vuser_map_log_set(struct vuser_dma_map *dmap, bool logged)
{
	down_write(&dmap->lock);
	WRITE_ONCE(dmap->logged, logged);
	up_write(&dmap->lock);
}

/**
 * vuser_map_log_start() - start to log writes
 * @dmap: the map of a container
 *
 * After 0, each mapping has a bitmap, also those that are made later.
 *
 * Context: process; may sleep for memory; takes the map's lock.  The caller serialises the
 * calls of this function and of vuser_map_log_stop().
 * Return: 0; -EINVAL when a mapping is too large; -ENOMEM.
 */
int vuser_map_log_start(struct vuser_dma_map *dmap)
{
	struct vuser_dirty dirty;
	u64 iova = 0, pages;
	int ret;

	vuser_map_log_set(dmap, true);
	while ((pages = vuser_map_log_missing(dmap, &iova))) {
		ret = vuser_dirty_alloc(&dirty, pages);
		if (ret) {
			vuser_map_log_stop(dmap);
			return ret;
		}
		vuser_map_log_attach(dmap, iova, &dirty);
		cond_resched();
	}
	return 0;
}

/* Takes the bitmap of the first mapping at or after *@iova that has one; or NULL. */
static unsigned long *vuser_map_log_detach(struct vuser_dma_map *dmap, u64 *iova)
{
	struct vuser_mapping *map;
	unsigned long *bits = NULL;

	down_write(&dmap->lock);
	for (map = vuser_map_first(dmap, *iova, ULONG_MAX); map && !bits;
	     map = vuser_map_next(map, *iova, ULONG_MAX)) {
		bits = map->dirty.bits;
		map->dirty.bits = NULL;
		*iova = map->node.start;
	}
	up_write(&dmap->lock);
	return bits;
}

/**
 * vuser_map_log_stop() - stop logging writes, and free the bitmaps
 * @dmap: the map of a container
 *
 * Context: as vuser_map_log_start().
 */
void vuser_map_log_stop(struct vuser_dma_map *dmap)
{
	unsigned long *bits;
	u64 iova = 0;

	vuser_map_log_set(dmap, false);
	while ((bits = vuser_map_log_detach(dmap, &iova))) {
		kvfree(bits);
		cond_resched();
	}
}

/**
 * vuser_map_log_prepare() - give a new mapping a bitmap if writes are logged
 * @dmap: the map of a container
 * @map: a mapping that is not in @dmap yet
 *
 * Context: process; may sleep for memory.
 * Return: as vuser_map_log_start().
 */
int vuser_map_log_prepare(struct vuser_dma_map *dmap, struct vuser_mapping *map)
{
	if (!READ_ONCE(dmap->logged) || map->dirty.bits)
		return 0;
	return vuser_dirty_alloc(&map->dirty, vuser_map_log_pages(map));
}

/* Writes --------------------------------------------------------------------- */

/**
 * vuser_map_log_mark() - mark the writable pages of a range as written
 * @dmap: the map of a container
 * @first: first IOVA
 * @last: last IOVA
 *
 * The data are in memory already.  Does nothing while writes are not logged.
 *
 * Context: process; may sleep; takes the map's lock for reading.
 */
void vuser_map_log_mark(struct vuser_dma_map *dmap, u64 first, u64 last)
{
	struct vuser_mapping *map;
	u64 from, to;

	if (!READ_ONCE(dmap->logged))
		return;
	down_read(&dmap->lock);
	for (map = vuser_map_first(dmap, first, last); map;
	     map = vuser_map_next(map, first, last)) {
		if (!(map->prot & VFIO_DMA_MAP_FLAG_WRITE))
			continue;
		from = max_t(u64, first, map->node.start) - map->node.start;
		to = min_t(u64, last, map->node.last) - map->node.start;
		vuser_dirty_mark(&map->dirty, from >> PAGE_SHIFT, to >> PAGE_SHIFT);
	}
	up_read(&dmap->lock);
}

/**
 * vuser_map_log_next() - find the next logged address
 * @dmap: the map of a container
 * @iova: where to start; set to the first address from there on that is mapped
 * @last: last IOVA
 *
 * Context: process; may sleep; takes the map's lock for reading.
 * Return: true if there is one until @last.
 */
bool vuser_map_log_next(struct vuser_dma_map *dmap, u64 *iova, u64 last)
{
	struct vuser_mapping *map;

	if (*iova > last)
		return false;
	down_read(&dmap->lock);
	map = vuser_map_first(dmap, *iova, last);
	if (map)
		*iova = max_t(u64, *iova, map->node.start);
	up_read(&dmap->lock);
	return map;
}

/* Copying to the consumer ------------------------------------------------------ */

/**
 * struct vuser_map_log_piece - bits that are copied at once: a part of one mapping
 * @iova: address of the first page
 * @nr: number of pages
 * @to: the word of the consumer's bitmap that has the bit of the first page
 * @shift: this bit in the word
 * @words: a page of memory; has the bits from bit @shift on
 */
struct vuser_map_log_piece {
	u64 iova;
	u64 nr;
	u64 __user *to;
	unsigned int shift;
	unsigned long *words;
};

/* Room for the bits before the first page. */
#define VUSER_PIECE_PAGES	(PAGE_SIZE * BITS_PER_BYTE - BITS_PER_LONG)

/*
 * Reads the bits of the first pages from @piece->iova to @last that a mapping with a bitmap
 * has; bit 0 of @bitmap is for @base.  Returns false if there are none.
 */
static bool vuser_map_log_read(struct vuser_dma_map *dmap, u64 base, u64 last,
			       u64 __user *bitmap, struct vuser_map_log_piece *piece)
{
	u64 first = piece->iova, bit;
	struct vuser_mapping *map;

	if (first > last)
		return false;
	memset(piece->words, 0, PAGE_SIZE);
	down_read(&dmap->lock);
	map = vuser_map_first(dmap, first, last);
	while (map && !map->dirty.bits)
		map = vuser_map_next(map, first, last);
	if (map) {
		piece->iova = max_t(u64, first, map->node.start);
		last = min_t(u64, last, map->node.last);
		piece->nr = min_t(u64, ((last - piece->iova) >> PAGE_SHIFT) + 1,
				  VUSER_PIECE_PAGES);
		bit = (piece->iova - base) >> PAGE_SHIFT;
		piece->to = bitmap + bit / BITS_PER_LONG;
		piece->shift = bit % BITS_PER_LONG;
		vuser_dirty_read(&map->dirty, (piece->iova - map->node.start) >> PAGE_SHIFT,
				 piece->nr, piece->words, piece->shift);
	}
	up_read(&dmap->lock);
	return map;
}

/*
 * Copies a piece to the consumer.  As in type1, the bits before the piece in its first word
 * are kept, and those after the piece in its last word are cleared.
 */
static int vuser_map_log_write(const struct vuser_map_log_piece *piece)
{
	size_t words = BITS_TO_LONGS(piece->shift + piece->nr);
	u64 before;

	if (piece->shift) {
		if (get_user(before, piece->to))
			return -EFAULT;
		piece->words[0] |= before & (BIT(piece->shift) - 1);
	}
	return copy_to_user(piece->to, piece->words, words * sizeof(u64)) ? -EFAULT : 0;
}

/* Clears the bits of a piece. */
static void vuser_map_log_clear(struct vuser_dma_map *dmap,
				const struct vuser_map_log_piece *piece)
{
	struct vuser_mapping *map;
	u64 nr;

	down_write(&dmap->lock);
	map = vuser_map_first(dmap, piece->iova, piece->iova);
	if (map) {
		/* Another mapping may be there since the bits were read. */
		nr = min_t(u64, piece->nr, ((map->node.last - piece->iova) >> PAGE_SHIFT) + 1);
		vuser_dirty_clear(&map->dirty, (piece->iova - map->node.start) >> PAGE_SHIFT, nr,
				  piece->words, piece->shift);
	}
	up_write(&dmap->lock);
}

/**
 * vuser_map_log_put() - copy the bits of a range to the consumer
 * @dmap: the map of a container
 * @first: first IOVA, page aligned
 * @last: last IOVA
 * @bitmap: the consumer's bitmap, with a bit for each page of the range
 * @clear: clear the bits that were copied
 *
 * Words of @bitmap for which nothing is mapped are not written.
 *
 * Context: process; accesses user memory; takes the map's lock.
 * Return: 0; -ENOMEM; -EFAULT: then no page is lost from the log, but pages that were not
 * written may be in it; -EINTR when killed.
 */
int vuser_map_log_put(struct vuser_dma_map *dmap, u64 first, u64 last, u64 __user *bitmap,
		      bool clear)
{
	struct vuser_map_log_piece piece = { .iova = first };
	int ret = 0;

	piece.words = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!piece.words)
		return -ENOMEM;
	while (!ret && vuser_map_log_read(dmap, first, last, bitmap, &piece)) {
		ret = fatal_signal_pending(current) ? -EINTR : vuser_map_log_write(&piece);
		if (!ret && clear)
			vuser_map_log_clear(dmap, &piece);
		piece.iova += piece.nr << PAGE_SHIFT;
		cond_resched();
	}
	kfree(piece.words);
	if (ret && clear)
		vuser_map_log_mark(dmap, first, last);
	return ret;
}
