// SPDX-License-Identifier: BSD-3-Clause
/* The log of writes that the library keeps itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "server-dirty.h"

#define CHUNK_PAGES 4096
#define CHUNK_WORDS (CHUNK_PAGES / 64)

/* A part of the log: 16 MiB of addresses. */
struct vu_dirty_chunk {
	uint64_t index;
	uint64_t bits[CHUNK_WORDS];
};

/* A reference of the device. */
struct vu_dirty_hold {
	struct vu_dirty_hold *next;
	const void *ptr;
	uint64_t iova;
	uint64_t len;
	bool write;
};

bool vu_server_dirty_is_used(const struct vuser_server *server)
{
	return server->config.dma_logging && !server->ops.log_start;
}

/* The first chunk with this index or a larger one. dirty_lock is held. */
static size_t find_chunk(const struct vu_dirty *dirty, uint64_t index)
{
	size_t low = 0, high = dirty->nr, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (dirty->chunks[mid]->index < index)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Find the chunk, or add it. Return: NULL without memory. */
static struct vu_dirty_chunk *get_chunk(struct vu_dirty *dirty, uint64_t index)
{
	size_t pos = find_chunk(dirty, index), max;
	struct vu_dirty_chunk **chunks, *chunk;

	if (pos < dirty->nr && dirty->chunks[pos]->index == index)
		return dirty->chunks[pos];
	if (dirty->nr == dirty->max) {
		max = dirty->max ? dirty->max * 2 : 16;
		chunks = realloc(dirty->chunks, max * sizeof(*chunks));
		if (!chunks)
			return NULL;
		dirty->chunks = chunks;
		dirty->max = max;
	}
	chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return NULL;
	chunk->index = index;
	memmove(&dirty->chunks[pos + 1], &dirty->chunks[pos],
		(dirty->nr - pos) * sizeof(*dirty->chunks));
	dirty->chunks[pos] = chunk;
	dirty->nr++;
	return chunk;
}

/* dirty_lock is held. */
static void mark_locked(struct vu_dirty *dirty, uint64_t iova, uint64_t len)
{
	uint64_t page = iova / VU_DIRTY_PAGE;
	const uint64_t last = (iova + (len - 1)) / VU_DIRTY_PAGE;
	struct vu_dirty_chunk *chunk = NULL;
	uint64_t bit;

	if (!dirty->on)
		return;
	for (; page <= last; page++) {
		bit = page % CHUNK_PAGES;
		if (!chunk || !bit)
			chunk = get_chunk(dirty, page / CHUNK_PAGES);
		if (!chunk) {
			/* Report all memory as written. */
			dirty->lost = true;
			return;
		}
		chunk->bits[bit / 64] |= 1ULL << bit % 64;
	}
}

void vu_server_dirty_mark(struct vuser_server *server, uint64_t iova,
			  uint64_t len)
{
	if (!vu_server_dirty_is_used(server))
		return;
	pthread_mutex_lock(&server->dirty.lock);
	mark_locked(&server->dirty, iova, len);
	pthread_mutex_unlock(&server->dirty.lock);
}

int vu_server_dirty_hold(struct vuser_server *server, const void *ptr,
			 uint64_t iova, uint64_t len, int prot)
{
	struct vu_dirty_hold *hold;

	if (!vu_server_dirty_is_used(server) || !len)
		return 0;
	hold = malloc(sizeof(*hold));
	if (!hold)
		return -ENOMEM;
	hold->ptr = ptr;
	hold->iova = iova;
	hold->len = len;
	hold->write = prot & PROT_WRITE;
	pthread_mutex_lock(&server->dirty.lock);
	hold->next = server->dirty.holds;
	server->dirty.holds = hold;
	pthread_mutex_unlock(&server->dirty.lock);
	return 0;
}

/* Whether @a is to be removed rather than @b, which may be NULL. */
static bool is_less(const struct vu_dirty_hold *a,
		    const struct vu_dirty_hold *b)
{
	if (!b || a->write != b->write)
		return !b || !a->write;
	return a->len < b->len;
}

/*
 * A reference does not tell which of several holds with the same pointer is its own. So
 * log the writes of all of them, and keep the hold that covers most.
 */
void vu_server_dirty_release(struct vuser_server *server, const void *ptr)
{
	struct vu_dirty *dirty = &server->dirty;
	struct vu_dirty_hold **pos, **least = NULL, *hold;

	if (!vu_server_dirty_is_used(server))
		return;
	pthread_mutex_lock(&dirty->lock);
	for (pos = &dirty->holds; (hold = *pos); pos = &hold->next) {
		if (hold->ptr != ptr)
			continue;
		if (hold->write)
			mark_locked(dirty, hold->iova, hold->len);
		if (is_less(hold, least ? *least : NULL))
			least = pos;
	}
	if (least) {
		hold = *least;
		*least = hold->next;
		free(hold);
	}
	pthread_mutex_unlock(&dirty->lock);
}

static void clear_chunks(struct vu_dirty *dirty)
{
	size_t i;

	for (i = 0; i < dirty->nr; i++)
		free(dirty->chunks[i]);
	dirty->nr = 0;
	dirty->lost = false;
}

void vu_server_dirty_start(struct vuser_server *server)
{
	pthread_mutex_lock(&server->dirty.lock);
	server->dirty.on = true;
	pthread_mutex_unlock(&server->dirty.lock);
}

void vu_server_dirty_stop(struct vuser_server *server)
{
	pthread_mutex_lock(&server->dirty.lock);
	server->dirty.on = false;
	clear_chunks(&server->dirty);
	pthread_mutex_unlock(&server->dirty.lock);
}

/* A report that is being made: the bits of @bitmap are for @iova to @last. */
struct report {
	uint64_t iova;
	uint64_t last;
	uint64_t page_size;
	uint64_t *bitmap;
};

/* Set the bits for the part of @first to @last that the report covers. */
static void report_range(const struct report *r, uint64_t first, uint64_t last)
{
	uint64_t bit, end;

	if (first > r->last || last < r->iova)
		return;
	if (first < r->iova)
		first = r->iova;
	if (last > r->last)
		last = r->last;
	end = (last - r->iova) / r->page_size;
	for (bit = (first - r->iova) / r->page_size; bit <= end; bit++)
		r->bitmap[bit / 64] |= 1ULL << bit % 64;
}

/* Report the pages of a chunk, and remove them from the log. */
static void report_chunk(const struct report *r, struct vu_dirty_chunk *chunk)
{
	uint64_t page, start;
	uint32_t bit;

	for (bit = 0; bit < CHUNK_PAGES; bit++) {
		if (!chunk->bits[bit / 64]) {
			bit |= 63;
			continue;
		}
		if (!(chunk->bits[bit / 64] >> bit % 64 & 1))
			continue;
		page = chunk->index * CHUNK_PAGES + bit;
		start = page * VU_DIRTY_PAGE;
		if (start < r->iova || start > r->last)
			continue;
		report_range(r, start, start + (VU_DIRTY_PAGE - 1));
		chunk->bits[bit / 64] &= ~(1ULL << bit % 64);
	}
}

void vu_server_dirty_report(struct vuser_server *server, uint64_t iova,
			    uint64_t len, uint64_t page_size, uint64_t *bitmap)
{
	const struct report r = {
		.iova = iova,
		.last = iova + (len - 1),
		.page_size = page_size,
		.bitmap = bitmap,
	};
	const uint64_t last = r.last / VU_DIRTY_PAGE / CHUNK_PAGES;
	struct vu_dirty *dirty = &server->dirty;
	const struct vu_dirty_hold *hold;
	size_t i;

	pthread_mutex_lock(&dirty->lock);
	i = find_chunk(dirty, iova / VU_DIRTY_PAGE / CHUNK_PAGES);
	for (; i < dirty->nr && dirty->chunks[i]->index <= last; i++)
		report_chunk(&r, dirty->chunks[i]);
	/* The device may write these at any time. */
	for (hold = dirty->holds; hold; hold = hold->next)
		if (hold->write)
			report_range(&r, hold->iova,
				     hold->iova + (hold->len - 1));
	if (dirty->lost)
		report_range(&r, r.iova, r.last);
	pthread_mutex_unlock(&dirty->lock);
}

void vu_server_dirty_free(struct vuser_server *server)
{
	struct vu_dirty *dirty = &server->dirty;
	struct vu_dirty_hold *hold;

	clear_chunks(dirty);
	free(dirty->chunks);
	while ((hold = dirty->holds)) {
		dirty->holds = hold->next;
		free(hold);
	}
	pthread_mutex_destroy(&dirty->lock);
}
