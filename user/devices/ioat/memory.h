/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The client's memory, for the copy thread. The thread holds regions from one
 * descriptor to the next, so that a lookup needs no lock.
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
 * @ref: reference of libvuser; without a region, the entry is free
 * @users: number of spans of the region that are in use
 */
struct ioat_held {
	struct vuser_dma_ref ref;
	unsigned int users;
};

/**
 * struct ioat_memory - the client's memory
 * @server: has the regions
 * @pci: has the bit that lets the device access memory
 * @release: a region is being unmapped; set by the event loop
 * @victim: index of the entry to reuse next
 * @held: regions that the copy thread holds; only the thread uses it
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
