/* SPDX-License-Identifier: GPL-2.0 */
/* The interrupt of the channel, so that tests can run the channel without a server. */
#ifndef IOAT_IRQ_H
#define IOAT_IRQ_H

/**
 * struct ioat_irq - raises the interrupt of the channel
 * @raise: raise MSI-X vector 0. Called from the copy thread without locks.
 * @ctx: for @raise
 */
struct ioat_irq {
	void (*raise)(void *ctx);
	void *ctx;
};

#endif
