/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PCI side of the device: configuration space with the capabilities of
 * virtio, and the layout of the BARs. Each structure has its own page, so that
 * a client can map one without the others.
 */
#ifndef VHOST_PCI_H
#define VHOST_PCI_H

#include <stdbool.h>
#include <stdint.h>
#include <vuser/pci.h>

#include "type.h"

/* BAR 0: the structures of virtio, one page each. */
#define VHOST_BAR	 0
#define VHOST_BAR_COMMON 0x0000
#define VHOST_BAR_ISR	 0x1000
#define VHOST_BAR_DEVICE 0x2000
#define VHOST_BAR_NOTIFY 0x3000
#define VHOST_BAR_SIZE	 0x4000
#define VHOST_PAGE	 0x1000

/* Each queue has its own notification address. */
#define VHOST_NOTIFY_MULTIPLIER 4
#define VHOST_MAX_QUEUES	(VHOST_PAGE / VHOST_NOTIFY_MULTIPLIER)

/* BAR 1: the MSI-X table, followed by the pending bits. */
#define VHOST_MSIX_BAR	    1
#define VHOST_MSIX_PBA	    0x8000
#define VHOST_MSIX_BAR_SIZE 0x10000
#define VHOST_MAX_VECTORS   (VHOST_MSIX_PBA / PCI_MSIX_ENTRY_SIZE)

/**
 * struct vhost_pci - configuration space
 * @pci: configuration space of libvuser
 * @window: offset of the capability that gives access to the BARs
 */
struct vhost_pci {
	struct vuser_pci pci;
	uint32_t window;
};

/**
 * struct vhost_window - an access to BAR 0 through the window
 * @offset: offset in BAR 0
 * @count: bytes: 1, 2 or 4
 * @data: the data field in configuration space
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
