/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of a client, for tests that have no client. */
#ifndef FAKE_MEMORY_H
#define FAKE_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../devices/ioat/dma.h"

#define FAKE_REGIONS 8

/**
 * struct fake_region - a dma region
 * @iova: address for the device
 * @size: bytes
 * @ptr: the memory itself
 * @direct: the region is mapped; otherwise the device sends messages
 * @readonly: the device may not write
 */
struct fake_region {
	uint64_t iova;
	size_t size;
	uint8_t *ptr;
	bool direct;
	bool readonly;
};

/**
 * struct fake_memory - all dma regions
 * @regions: the regions, in any order
 * @nr: number of @regions
 * @held: number of spans in use
 * @reads: number of DMA_READ messages
 * @writes: number of DMA_WRITE messages
 * @message_error: errno that messages return, or 0
 * @lock: guards the members below, and @held
 * @changed: signalled when @waiting or @block changes
 * @block: messages wait while this is set
 * @waiting: a message waits
 */
struct fake_memory {
	struct fake_region regions[FAKE_REGIONS];
	unsigned int nr;
	unsigned int held;
	unsigned int reads;
	unsigned int writes;
	int message_error;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool block;
	bool waiting;
};

void fake_memory_init(struct fake_memory *m);
void fake_memory_fini(struct fake_memory *m);
uint8_t *fake_memory_add(struct fake_memory *m, uint64_t iova, size_t size,
			 bool direct);
struct fake_region *fake_memory_region(struct fake_memory *m, uint64_t iova);
void *fake_memory_at(struct fake_memory *m, uint64_t iova);
struct ioat_dma fake_memory_dma(struct fake_memory *m);

void fake_memory_block(struct fake_memory *m, bool block);
void fake_memory_await_message(struct fake_memory *m);

#endif
