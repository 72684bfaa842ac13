/* SPDX-License-Identifier: GPL-2.0 */
/* A consumer's memory without a consumer, for the tests. */
#ifndef FAKE_MEMORY_H
#define FAKE_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../devices/ioat/dma.h"

#define FAKE_REGIONS 8

/**
 * struct fake_region - a piece of it
 * @iova: where the device sees it
 * @size: bytes
 * @ptr: its bytes
 * @direct: it is mapped; else messages reach it
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
 * struct fake_memory - all of it
 * @regions: in any order
 * @nr: how many
 * @held: spans not yet given back
 * @reads: DMA_READ messages so far
 * @writes: DMA_WRITE messages so far
 * @message_error: what messages answer
 * @lock: guards the rest
 * @changed: @waiting or @hold changed
 * @hold: messages wait while this is set
 * @waiting: one does
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
	bool hold;
	bool waiting;
};

void fake_memory_init(struct fake_memory *m);
void fake_memory_fini(struct fake_memory *m);
uint8_t *fake_memory_add(struct fake_memory *m, uint64_t iova, size_t size,
			 bool direct);
struct fake_region *fake_memory_region(struct fake_memory *m, uint64_t iova);
void *fake_memory_at(struct fake_memory *m, uint64_t iova);
struct ioat_dma fake_memory_dma(struct fake_memory *m);

void fake_memory_hold(struct fake_memory *m, bool hold);
void fake_memory_await_message(struct fake_memory *m);

#endif
