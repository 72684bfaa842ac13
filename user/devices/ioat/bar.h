/* SPDX-License-Identifier: GPL-2.0 */
/*
 * BAR 0: maps accesses to registers. An access may have any size and alignment.
 * Only the thread that serves regions accesses the BAR.
 */
#ifndef IOAT_BAR_H
#define IOAT_BAR_H

#include <stdbool.h>
#include <stdint.h>
#include <vuser/pci.h>

#include "channel.h"
#include "regs.h"

/**
 * struct ioat_bar - BAR 0
 * @channel: the channel, which has the channel's registers
 * @msix: MSI-X table and pending bits
 * @genctrl: GENCTRL
 * @intrctrl: the stored bits of INTRCTRL
 * @intrdelay: INTRDELAY
 */
struct ioat_bar {
	struct ioat_channel *channel;
	struct vuser_msix msix;
	uint8_t genctrl;
	uint8_t intrctrl;
	uint16_t intrdelay;
};

/* Whether a write changes one register at most. */
bool ioat_bar_is_one(uint64_t offset, uint32_t count);

/* Whether an access touches only registers of the channel. */
static inline bool ioat_bar_of_channel(uint64_t offset, uint32_t count)
{
	return offset >= IOAT_CHANCTRL && offset < IOAT_REGS_END &&
	       count <= IOAT_REGS_END - offset;
}

void ioat_bar_reset(struct ioat_bar *bar);
void ioat_bar_read(struct ioat_bar *bar, uint64_t offset, void *buf,
		   uint32_t count);
void ioat_bar_write(struct ioat_bar *bar, uint64_t offset, const void *buf,
		    uint32_t count);

#endif
