/* SPDX-License-Identifier: GPL-2.0 */
/* Reads descriptors and carries them out. The engine has no thread of its own. */
#ifndef IOAT_ENGINE_H
#define IOAT_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dma.h"
#include "regs.h"

/* Bytes of a fill that are written at once: a multiple of a pattern's 8 bytes. */
#define IOAT_PATTERN_SIZE 4096

/*
 * The maximum number of descriptors that are read at once, and their distance.
 */
#define IOAT_AHEAD 16
#define IOAT_SLOT  IOAT_DESC_ALIGN

/**
 * struct ioat_ahead - descriptors that were read ahead
 * @next: IOVA of the first descriptor that was not taken yet
 * @left: number of descriptors that were not taken yet
 * @taken: number of @slots that were taken
 * @window: number of descriptors to read at once; it doubles as long as the
 *	chain continues without a jump
 * @slots: the descriptors, as they are in memory
 */
struct ioat_ahead {
	uint64_t next;
	unsigned int left;
	unsigned int taken;
	unsigned int window;
	uint8_t slots[IOAT_AHEAD][IOAT_SLOT];
};

/**
 * struct ioat_source - keeps the source of a copy onto itself
 * @data: room for IOAT_XFER_MAX bytes, in the state file
 * @loaded: @data has the whole source
 * @keep: called when @data has the whole source, before the destination is written
 * @ctx: for @keep
 *
 * A copy that was cut off is carried out again. If source and destination overlap,
 * the first try may have overwritten a part of the source. So the whole source is
 * read first.
 */
struct ioat_source {
	uint8_t *data;
	bool loaded;
	void (*keep)(void *ctx);
	void *ctx;
};

/**
 * struct ioat_engine - carries out one descriptor after the other
 * @dma: access to the client's memory
 * @ahead: descriptors that were read ahead, for the thread that fetches
 * @source: if set, descriptors may be carried out again after they were cut off
 * @stop: any thread may set it to stop the current descriptor
 * @bounce: buffer for data that is read and written by messages
 * @pattern: source of a fill
 */
struct ioat_engine {
	struct ioat_dma dma;
	struct ioat_ahead ahead;
	struct ioat_source *source;
	atomic_bool stop;
	uint8_t bounce[IOAT_XFER_MAX];
	uint8_t pattern[IOAT_PATTERN_SIZE];
};

void ioat_engine_discard(struct ioat_engine *e);
int ioat_engine_fetch(struct ioat_engine *e, uint64_t addr, bool first,
		      uint16_t due, struct ioat_desc *desc, uint32_t *chanerr);
int ioat_engine_run(struct ioat_engine *e, const struct ioat_desc *desc,
		    uint32_t *chanerr);
int ioat_engine_peek(struct ioat_engine *e, uint64_t addr, uint64_t *value);
int ioat_engine_complete(struct ioat_engine *e, uint64_t addr, uint64_t value,
			 uint32_t *chanerr);

#endif
