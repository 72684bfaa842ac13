/* SPDX-License-Identifier: GPL-2.0 */
/* The domain of a container or of an I/O address space: its DMA map. */
#ifndef VUSER_DOMAIN_H
#define VUSER_DOMAIN_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "dma/map.h"

struct vuser_iommufd_access;

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
};

struct vuser_domain *vuser_domain_alloc(bool v2, unsigned int limit);
struct vuser_domain *
vuser_domain_alloc_iommufd(struct vuser_iommufd_access *access, u64 last);
void vuser_domain_kill(struct vuser_domain *dom);
void vuser_domain_put(struct vuser_domain *dom);
unsigned int vuser_domain_avail(struct vuser_domain *dom);

int vuser_domain_map(struct vuser_domain *dom, unsigned long iova,
		     unsigned long vaddr, unsigned long size, u32 prot);
int vuser_domain_unmap(struct vuser_domain *dom, unsigned long first,
		       unsigned long last, bool all, u64 *unmapped);

#endif /* VUSER_DOMAIN_H */
