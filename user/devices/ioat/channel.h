/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The DMA channel of the device, as the registers access it.
 *
 * Every function may be called from any thread. Functions wait for a copy only
 * if their description says so.
 */
#ifndef IOAT_CHANNEL_H
#define IOAT_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "dma.h"
#include "irq.h"

struct ioat_channel;
struct ioat_kept;
struct ioat_kept_channel;

/**
 * struct ioat_channel_regs - the registers of the channel at one point in time
 *
 * Members have the names of the registers. @attention is the channel's bit of
 * ATTNSTATUS.
 */
struct ioat_channel_regs {
	uint16_t chanctrl;
	uint8_t chancmd;
	uint16_t dmacount;
	uint64_t chansts;
	uint64_t chainaddr;
	uint64_t chancmp;
	uint64_t cdar;
	uint32_t chanerr;
	uint32_t chanerrmask;
	uint32_t attention;
};

int ioat_channel_new(struct ioat_channel **channel, struct ioat_dma dma,
		     struct ioat_irq irq);
void ioat_channel_keep(struct ioat_channel *c, struct ioat_kept *kept,
		       bool restore);
void ioat_channel_free(struct ioat_channel *c);

void ioat_channel_read(struct ioat_channel *c, struct ioat_channel_regs *regs);
void ioat_channel_set_ctrl(struct ioat_channel *c, uint16_t value);
void ioat_channel_command(struct ioat_channel *c, uint8_t command);
void ioat_channel_set_count(struct ioat_channel *c, uint16_t count);
void ioat_channel_set_chain(struct ioat_channel *c, uint64_t addr);
void ioat_channel_set_completion(struct ioat_channel *c, uint64_t addr);
void ioat_channel_clear_error(struct ioat_channel *c, uint32_t bits);
void ioat_channel_set_error_mask(struct ioat_channel *c, uint32_t mask);

uint32_t ioat_channel_error_int(struct ioat_channel *c);
void ioat_channel_clear_error_int(struct ioat_channel *c, uint32_t bits);
void ioat_channel_set_error_int_mask(struct ioat_channel *c, uint32_t mask);

void ioat_channel_reset(struct ioat_channel *c);
void ioat_channel_quiesce(struct ioat_channel *c);
void ioat_channel_hold(struct ioat_channel *c);
bool ioat_channel_pause(struct ioat_channel *c, void (*fn)(void *ctx),
			void *ctx);
void ioat_channel_save(struct ioat_channel *c,
		       struct ioat_kept_channel *record);
void ioat_channel_load(struct ioat_channel *c,
		       const struct ioat_kept_channel *record);
void ioat_channel_begin_write(struct ioat_channel *c, uint16_t id);
void ioat_channel_end_write(struct ioat_channel *c, uint16_t id);
int ioat_channel_last_write(struct ioat_channel *c);
void ioat_channel_forget_writes(struct ioat_channel *c);
void ioat_channel_go(struct ioat_channel *c);
bool ioat_channel_is_quiet(struct ioat_channel *c);
bool ioat_channel_when_quiet(struct ioat_channel *c, void (*fn)(void *ctx),
			     void *ctx);

#endif
