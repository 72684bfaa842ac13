/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The client's memory for the copy thread. Regions that are in use stay held
 * from one descriptor to the next, so that a lookup takes no lock.
 */
#ifndef IOAT_MEMORY_H
#define IOAT_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <vuser/pci.h>
#include <vuser/server.h>

#include "dma.h"

#define IOAT_HELD_MAX 8

/**
 * struct ioat_held - a region that is held
 * @ref: libvuser's hold on it; no region: a free entry
 * @users: spans of it that are in use
 */
struct ioat_held {
	struct vuser_dma_ref ref;
	unsigned int users;
};

/**
 * struct ioat_memory - the client's memory
 * @server: knows the regions
 * @pci: knows whether the device may use them
 * @release: a region is to be unmapped; set by the event loop
 * @victim: the entry to reuse next
 * @held: belongs to the copy thread
 */
struct ioat_memory {
	struct vuser_server *server;
	const struct vuser_pci *pci;
	atomic_bool release;
	unsigned int victim;
	struct ioat_held held[IOAT_HELD_MAX];
};

struct ioat_dma ioat_memory_dma(struct ioat_memory *memory);
void ioat_memory_release(struct ioat_memory *memory);

#endif
