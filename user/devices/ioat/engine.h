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

/**
 * struct ioat_engine - carries out one descriptor at a time
 * @dma: the consumer's memory
 * @stop: set by anybody to cut the running descriptor short
 * @bounce: where data rests on its way from message to message
 * @pattern: what a fill copies from
 */
struct ioat_engine {
	struct ioat_dma dma;
	atomic_bool stop;
	uint8_t bounce[IOAT_XFER_MAX];
	uint8_t pattern[IOAT_PATTERN_SIZE];
};

int ioat_engine_fetch(struct ioat_engine *e, uint64_t addr, bool first,
		      struct ioat_desc *desc, uint32_t *chanerr);
int ioat_engine_run(struct ioat_engine *e, const struct ioat_desc *desc,
		    uint32_t *chanerr);
int ioat_engine_complete(struct ioat_engine *e, uint64_t addr, uint64_t value,
			 uint32_t *chanerr);

#endif
