/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The client's memory, for the copy thread. The thread holds dma regions from one
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
 * struct ioat_held - a dma region that is held
 * @ref: reference of libvuser; its region is NULL in a free entry
 * @users: number of spans in use
 */
struct ioat_held {
	struct vuser_dma_ref ref;
	unsigned int users;
};

/**
 * struct ioat_memory - the client's memory
 * @server: has the dma regions
 * @pci: has the bus master bit
 * @release: a dma region is being unmapped; set by the event loop
 * @victim: index of the entry to reuse next
 * @held: dma regions that the copy thread holds; only the thread uses this array
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
