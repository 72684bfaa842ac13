/* SPDX-License-Identifier: GPL-2.0 */
/* A position in the chain. */
#ifndef IOAT_PLACE_H
#define IOAT_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "regs.h"

/**
 * struct ioat_place - a position in the chain
 * @next: the next descriptor
 * @current: the descriptor that was started last
 * @completed: the last completed descriptor
 * @cmp_addr: IOVA of the completion, with @complete
 * @cmp_value: the completion, with @complete
 * @cmp_before: the 8 bytes at @cmp_addr before the completion is written
 * @desc: the descriptor at @next, with @started; otherwise the last one
 * @chanerr: errors of the last descriptor that the channel does not know yet
 * @done: number of completed descriptors since the chain was armed, modulo 65536
 * @first: the next descriptor is the one at CHAINADDR
 * @started: the descriptor at @next was read, and a part of it may have been
 *	carried out
 * @loaded: with @started: its whole source was read, see struct ioat_source
 * @complete: the completion must be written, and may have been written already
 * @interrupt: the last descriptor raises the interrupt, and the channel does not
 *	know it yet
 */
struct ioat_place {
	uint64_t next;
	uint64_t current;
	uint64_t completed;
	uint64_t cmp_addr;
	uint64_t cmp_value;
	uint64_t cmp_before;
	struct ioat_desc desc;
	uint32_t chanerr;
	uint16_t done;
	bool first;
	bool started;
	bool loaded;
	bool complete;
	bool interrupt;
};

#endif
