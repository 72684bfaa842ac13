/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device as PCI sees it: configuration space with virtio's capabilities,
 * and where the structures lie.  Each is on pages of its own, so that a client
 * may map one without another.
 */
#ifndef VHOST_PCI_H
#define VHOST_PCI_H

#include <stdbool.h>
#include <stdint.h>
#include <vuser/pci.h>

#include "type.h"

/* BAR 0: virtio's structures, a page each but the last. */
#define VHOST_BAR	 0
#define VHOST_BAR_COMMON 0x0000
#define VHOST_BAR_ISR	 0x1000
#define VHOST_BAR_DEVICE 0x2000
#define VHOST_BAR_NOTIFY 0x3000
#define VHOST_BAR_SIZE	 0x4000
#define VHOST_PAGE	 0x1000

/* An address for each queue. */
#define VHOST_NOTIFY_MULTIPLIER 4
#define VHOST_MAX_QUEUES	(VHOST_PAGE / VHOST_NOTIFY_MULTIPLIER)

/* BAR 1: the MSI-X table, and its pending bits behind it. */
#define VHOST_MSIX_BAR	    1
#define VHOST_MSIX_PBA	    0x8000
#define VHOST_MSIX_BAR_SIZE 0x10000
#define VHOST_MAX_VECTORS   (VHOST_MSIX_PBA / PCI_MSIX_ENTRY_SIZE)

/**
 * struct vhost_pci - configuration space
 * @pci: libvuser's
 * @window: where the capability that accesses BARs is
 */
struct vhost_pci {
	struct vuser_pci pci;
	uint32_t window;
};

/**
 * struct vhost_window - an access to BAR 0 asked for through the window
 * @offset: in BAR 0
 * @count: bytes: 1, 2 or 4
 * @data: where in configuration space the data is
 */
struct vhost_window {
	uint32_t offset;
	uint32_t count;
	uint8_t *data;
};

int vhost_pci_init(struct vhost_pci *vp, const struct vhost_type *type,
		   uint16_t vectors);
bool vhost_pci_window(struct vhost_pci *vp, uint64_t offset, uint32_t count,
		      struct vhost_window *window);

#endif
