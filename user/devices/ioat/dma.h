/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Access to the memory of the client. The engine uses only this interface, so
 * that tests can run it without a socket.
 */
#ifndef IOAT_DMA_H
#define IOAT_DMA_H

#include <stddef.h>
#include <stdint.h>

enum ioat_dma_dir {
	IOAT_DMA_READ,
	IOAT_DMA_WRITE,
};

/**
 * struct ioat_span - a contiguous piece of the client's memory, in use
 * @ptr: the mapped memory, or NULL if it is accessible by messages only
 * @len: bytes from the requested IOVA on, at least 1
 * @ref: for the provider
 */
struct ioat_span {
	void *ptr;
	size_t len;
	void *ref;
};

/**
 * struct ioat_dma_ops - memory provider
 * @get: look up at most @len bytes at @iova for @dir and keep them mapped until
 *	@put. Fills @span and returns 0; or returns -EFAULT if nothing is mapped
 *	at @iova, -EACCES if the mapping forbids @dir. Never waits.
 * @put: return a span. The provider may keep its memory mapped.
 * @release: unmap all memory that is kept, because no lookup is expected soon.
 * @read: copy @len bytes at @iova to @buf by message. May wait for the peer.
 *	Returns 0 or a negative errno.
 * @write: copy @len bytes from @buf to @iova by message. May wait for the peer.
 *	Returns 0 or a negative errno.
 *
 * All functions are called from the copy thread only. @release must not wait,
 * because it is called with the channel's lock held.
 */
struct ioat_dma_ops {
	int (*get)(void *ctx, uint64_t iova, size_t len, enum ioat_dma_dir dir,
		   struct ioat_span *span);
	void (*put)(void *ctx, struct ioat_span *span);
	void (*release)(void *ctx);
	int (*read)(void *ctx, uint64_t iova, void *buf, size_t len);
	int (*write)(void *ctx, uint64_t iova, const void *buf, size_t len);
};

struct ioat_dma {
	const struct ioat_dma_ops *ops;
	void *ctx;
};

#endif
