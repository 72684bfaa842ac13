/* SPDX-License-Identifier: GPL-2.0 */
/*
 * With --model: a device that honors its configuration space, as QEMU's device models
 * do.  Its registers answer only at addresses that were given to the BARs, and it
 * sends only interrupts that are enabled in its configuration space.
 */
#ifndef TESTDEV_MODEL_H
#define TESTDEV_MODEL_H

#include <stdbool.h>
#include <stdint.h>

struct device;

/* Add the capabilities that the model has besides those of the device. */
int model_init(struct device *dev);

/* Flags of a BAR, for vuser_pci_set_bar(). */
uint32_t model_bar_flags(uint32_t index);

/* Store to configuration space; return 1 for a reset, 0, or -errno. */
int model_write(struct device *dev, uint64_t offset, const void *buf,
		uint32_t count);

/* Whether the device decodes accesses to a region. */
bool model_decodes(const struct device *dev, uint32_t index);

/*
 * Send the interrupt of the device: by MSI-X, MSI or INTx, whichever is enabled.
 * Return its name, or "none" if the device sends nothing.
 */
const char *model_raise(struct device *dev, uint32_t vector);

/*
 * Break the copy of configuration space that a client reads, see testdev.h for the
 * kinds.  Return 0 or -EINVAL.
 */
int model_break(struct device *dev, const char *kind);

#endif /* TESTDEV_MODEL_H */
