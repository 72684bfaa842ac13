/* SPDX-License-Identifier: GPL-2.0 */
/* The domain of a container or of an I/O address space: its DMA map. */
#ifndef VUSER_DOMAIN_H
#define VUSER_DOMAIN_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "dma/map.h"

struct vuser_iommufd_access;
struct vuser_server_map;

/**
 * struct vuser_domain - the mappings of a container
 * @ref: held by the container (in the table of cookies), by each running ioctl,
 *	by each open device and by @work
 * @v2: the consumer chose version 2 of type1
 * @access: access to the memory of an I/O address space of iommufd.  The device
 *	that is open in this domain holds the reference.  NULL for a container
 * @map: the DMA map
 * @dying: mappings in state dying of threads that were killed in UNMAP_DMA;
 *	protected by the lock of @map
 * @nr_dying: number of the last UNMAP_DMA; protected by the lock of @map
 * @work: ends the mappings in @dying
 * @unmapped: UNMAP_DMA waits here until no mapping in its range is dying
 * @log_lock: serialises START, STOP and GET_BITMAP of the log of writes, and UNMAP_DMA with a
 *	bitmap.  Taken killably, and only by these.  Held while waiting for servers, which have a
 *	deadline for each reply.  Taken outside of the lock of a server map
 */
struct vuser_domain {
	struct kref ref;
	bool v2;
	struct vuser_iommufd_access *access;
	struct vuser_dma_map map;
	struct list_head dying;
	u64 nr_dying;
	struct work_struct work;
	wait_queue_head_t unmapped;
	struct mutex log_lock;	/* START, STOP and GET_BITMAP of the log */
};

/**
 * struct vuser_domain_unmap - an UNMAP_DMA
 * @first: first IOVA
 * @last: last IOVA
 * @all: the range covers all addresses; do not check whether it cuts a mapping
 * @bitmap: the consumer's bitmap, which gets a bit for each page of the range that was
 *	written; NULL if the consumer does not want to know.  The caller then holds the domain's
 *	@log_lock
 * @unmapped: set to the number of bytes that were unmapped; 0 after an error
 * @put: result of copying to @bitmap
 */
struct vuser_domain_unmap {
	unsigned long first;
	unsigned long last;
	bool all;
	u64 __user *bitmap;
	u64 unmapped;
	int put;
};

struct vuser_domain *vuser_domain_alloc(bool v2, unsigned int limit);
struct vuser_domain *
vuser_domain_alloc_iommufd(struct vuser_iommufd_access *access, u64 last);
void vuser_domain_kill(struct vuser_domain *dom);
void vuser_domain_put(struct vuser_domain *dom);
unsigned int vuser_domain_avail(struct vuser_domain *dom);

int vuser_domain_map(struct vuser_domain *dom, unsigned long iova,
		     unsigned long vaddr, unsigned long size, u32 prot);
int vuser_domain_unmap(struct vuser_domain *dom, struct vuser_domain_unmap *unmap);
bool vuser_domain_bisects(struct vuser_domain *dom, unsigned long first, unsigned long last);
struct vuser_server_map *vuser_domain_next_server_map(struct vuser_domain *dom, u64 *seq);

#endif /* VUSER_DOMAIN_H */
