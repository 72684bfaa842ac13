/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOAT_ENGINE_H
#define IOAT_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dma.h"
#include "regs.h"

/* A pattern repeats every 8 bytes, so a whole number of them fits. */
#define IOAT_PATTERN_SIZE 4096

/* As many descriptors as are read at once, and their distance. */
#define IOAT_AHEAD 16
#define IOAT_SLOT  IOAT_DESC_ALIGN

/**
 * struct ioat_ahead - descriptors that were read before their turn
 * @next: IOVA of the first that was not taken yet
 * @left: how many there are
 * @taken: how many of @slots were taken
 * @window: how many to read at once; doubled as long as one follows the other
 * @slots: as they are in memory
 */
struct ioat_ahead {
	uint64_t next;
	unsigned int left;
	unsigned int taken;
	unsigned int window;
	uint8_t slots[IOAT_AHEAD][IOAT_SLOT];
};

/**
 * struct ioat_engine - carries out one descriptor at a time
 * @dma: the consumer's memory
 * @ahead: the next descriptors, for the thread that fetches
 * @stop: set by anybody to cut the running descriptor short
 * @bounce: where data rests on its way from message to message
 * @pattern: what a fill copies from
 */
struct ioat_engine {
	struct ioat_dma dma;
	struct ioat_ahead ahead;
	atomic_bool stop;
	uint8_t bounce[IOAT_XFER_MAX];
	uint8_t pattern[IOAT_PATTERN_SIZE];
};

void ioat_engine_discard(struct ioat_engine *e);
int ioat_engine_fetch(struct ioat_engine *e, uint64_t addr, bool first,
		      uint16_t due, struct ioat_desc *desc, uint32_t *chanerr);
int ioat_engine_run(struct ioat_engine *e, const struct ioat_desc *desc,
		    uint32_t *chanerr);
int ioat_engine_complete(struct ioat_engine *e, uint64_t addr, uint64_t value,
			 uint32_t *chanerr);

#endif
