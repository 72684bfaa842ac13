/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device's way into the consumer's memory. The engine knows nothing more of
 * it, so that it can be tried without a socket.
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
 * struct ioat_span - a contiguous piece of the consumer's memory, in use
 * @ptr: where it is mapped here, or NULL where only messages reach it
 * @len: bytes from the IOVA that was asked for, at least 1
 * @ref: the provider's own
 */
struct ioat_span {
	void *ptr;
	size_t len;
	void *ref;
};

/**
 * struct ioat_dma_ops - memory provider
 * @get: look up at most @len bytes at @iova for @dir and keep them mapped until
 *	@put. Fills @span and returns 0; or -EFAULT where nothing is mapped,
 *	-EACCES where the mapping forbids @dir. Never waits.
 * @put: give a span back. The provider may keep its memory at hand.
 * @release: keep nothing at hand any more: nothing will be looked up for long.
 * @read: copy @len bytes at @iova to @buf by message. May wait for the peer.
 *	0, or a negative errno.
 * @write: the same, the other way.
 *
 * All are called from the copy thread only. @release must not wait: it is called
 * with the channel's lock held.
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
