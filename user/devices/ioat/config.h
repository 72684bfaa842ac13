/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Configuration space: a PCI Express device with MSI-X, and the error registers
 * that this one has in extended space. Belongs to the thread that serves
 * regions.
 */
#ifndef IOAT_CONFIG_H
#define IOAT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <vuser/pci.h>

#include "channel.h"

int ioat_config_init(struct vuser_pci *pci);
int ioat_config_read(struct vuser_pci *pci, struct ioat_channel *channel,
		     uint64_t offset, void *buf, uint32_t count);
int ioat_config_write(struct vuser_pci *pci, struct ioat_channel *channel,
		      uint64_t offset, const void *buf, uint32_t count);

#endif
