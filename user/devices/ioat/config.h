/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Configuration space of a PCI Express device with MSI-X, and with the error
 * registers of the engine in extended space. Only the thread that serves
 * regions accesses it.
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
