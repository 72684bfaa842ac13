/* SPDX-License-Identifier: GPL-2.0 */
#ifndef IOAT_IRQ_H
#define IOAT_IRQ_H

/**
 * struct ioat_irq - where the channel's interrupt goes
 * @raise: raise MSI-X vector 0. Called from the copy thread, with no lock held.
 * @ctx: passed to @raise
 */
struct ioat_irq {
	void (*raise)(void *ctx);
	void *ctx;
};

#endif
