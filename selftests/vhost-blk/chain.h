/* SPDX-License-Identifier: GPL-2.0 */
/* The buffers of one request. */
#ifndef VHOST_BLK_CHAIN_H
#define VHOST_BLK_CHAIN_H

#include <stdbool.h>
#include <sys/uio.h>

#include "memory.h"

#define CHAIN_MAX 256

/**
 * struct chain - the buffers
 * @iov: buffers that the device reads, then those that it writes
 * @nr: number of buffers
 * @nr_out: number of those that the device reads
 */
struct chain {
	struct iovec iov[CHAIN_MAX];
	unsigned int nr;
	unsigned int nr_out;
};

/* Add a buffer; return false if it is outside of memory or out of order. */
bool chain_add(struct chain *chain, const struct memory *memory, uint64_t addr,
	       uint32_t len, bool write);

/* Add the buffers of an indirect table, of a split or of a packed ring. */
bool chain_add_split_table(struct chain *chain, const struct memory *memory,
			   uint64_t addr, uint32_t len);
bool chain_add_packed_table(struct chain *chain, const struct memory *memory,
			    uint64_t addr, uint32_t len);

#endif /* VHOST_BLK_CHAIN_H */
