// SPDX-License-Identifier: GPL-2.0
/*
 * A bitmap that two processes write at the same time. So bits are set and
 * cleared by atomic operations.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

#define PER_WORD 64

/* Bytes of a log for addresses below @end, in whole pages. 0: too many. */
static uint64_t size_for(uint64_t end)
{
	const uint64_t per_page = UINT64_C(8) * VHOST_LOG_PAGE * VHOST_LOG_PAGE;

	if (end > VHOST_LOG_END)
		return 0;
	return end ? ((end - 1) / per_page + 1) * VHOST_LOG_PAGE :
		     VHOST_LOG_PAGE;
}

/**
 * vhost_log_start - create an empty log
 * @log: filled in
 * @end: end of the addresses that are logged
 *
 * Return: 0; -E2BIG if @end is above VHOST_LOG_END; or an errno of
 * memfd_create(2), ftruncate(2), fcntl(2) or mmap(2).
 */
int vhost_log_start(struct vhost_log *log, uint64_t end)
{
	uint64_t size = size_for(end);
	void *map = MAP_FAILED;
	int fd, ret;

	if (!size)
		return -E2BIG;
	fd = memfd_create("vhost-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	/*
	 * Seal the size: an access to a truncated page would kill this process.
	 */
	if (!ftruncate(fd, size) && !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
	if (map == MAP_FAILED) {
		ret = -errno;
		close(fd);
		return ret;
	}
	*log = (struct vhost_log) { .fd = fd, .map = map, .size = size };
	return 0;
}

/**
 * vhost_log_grow - extend the log up to @end, and keep its bits
 * @log: a log after vhost_log_start()
 * @end: end of the addresses that are logged
 *
 * Return: as vhost_log_start(). After an error the log is unchanged.
 */
int vhost_log_grow(struct vhost_log *log, uint64_t end)
{
	uint64_t size = size_for(end);
	void *map;

	if (!size)
		return -E2BIG;
	if (size <= log->size)
		return 0;
	if (ftruncate(log->fd, size))
		return -errno;
	map = mremap(log->map, log->size, size, MREMAP_MAYMOVE);
	if (map == MAP_FAILED)
		return -errno;
	log->map = map;
	log->size = size;
	return 0;
}

/** vhost_log_stop - free the log */
void vhost_log_stop(struct vhost_log *log)
{
	if (!log->map)
		return;
	munmap(log->map, log->size);
	close(log->fd);
	log->map = NULL;
}

/*
 * Find the pages *@first to *@last of @len bytes at @iova that the log covers.
 * Return false if there are none.
 */
static bool pages(const struct vhost_log *log, uint64_t iova, uint64_t len,
		  uint64_t *first, uint64_t *last)
{
	const uint64_t nr = log->size * 8;

	if (!log->map || !len)
		return false;
	*first = iova / VHOST_LOG_PAGE;
	*last = (iova + (len - 1)) / VHOST_LOG_PAGE;
	if (*first >= nr)
		return false;
	if (*last >= nr || *last < *first)
		*last = nr - 1;
	return true;
}

/* The bits of a word that belong to the pages @first to @last. */
static uint64_t mask_of(uint64_t word, uint64_t first, uint64_t last)
{
	uint64_t mask = UINT64_MAX;

	if (word == first / PER_WORD)
		mask &= UINT64_MAX << first % PER_WORD;
	if (word == last / PER_WORD)
		mask &= UINT64_MAX >> (PER_WORD - 1 - last % PER_WORD);
	return mask;
}

/**
 * vhost_log_mark - log that @len bytes at @iova were written, if there is a log
 */
void vhost_log_mark(struct vhost_log *log, uint64_t iova, uint64_t len)
{
	uint64_t first, last, word;

	if (!pages(log, iova, len, &first, &last))
		return;
	for (word = first / PER_WORD; word <= last / PER_WORD; word++)
		__atomic_fetch_or(&log->map[word],
				  htole64(mask_of(word, first, last)),
				  __ATOMIC_RELEASE);
}

/**
 * vhost_log_take - move bits from the log to a bitmap
 * @log: a log after vhost_log_start()
 * @iova: first address, a multiple of VHOST_LOG_PAGE
 * @len: bytes, a multiple of VHOST_LOG_PAGE
 * @page_size: bytes for each bit of @bitmap, a multiple of VHOST_LOG_PAGE
 * @bitmap: bits are set, none is cleared
 */
void vhost_log_take(struct vhost_log *log, uint64_t iova, uint64_t len,
		    uint64_t page_size, uint64_t *bitmap)
{
	uint64_t per_bit = page_size / VHOST_LOG_PAGE;
	uint64_t first, last, word, mask, bits, bit;

	if (!pages(log, iova, len, &first, &last))
		return;
	for (word = first / PER_WORD; word <= last / PER_WORD; word++) {
		/* Most words are 0. Do not write to these. */
		if (!__atomic_load_n(&log->map[word], __ATOMIC_RELAXED))
			continue;
		mask = mask_of(word, first, last);
		bits = le64toh(__atomic_fetch_and(
			&log->map[word], htole64(~mask), __ATOMIC_ACQ_REL));
		for (bits &= mask; bits; bits &= bits - 1) {
			bit = word * PER_WORD + __builtin_ctzll(bits) - first;
			bit /= per_bit;
			bitmap[bit / PER_WORD] |= UINT64_C(1) << bit % PER_WORD;
		}
	}
}
