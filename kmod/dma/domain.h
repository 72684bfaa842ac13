/* SPDX-License-Identifier: GPL-2.0 */
/* A container, or an I/O address space: its DMA map, and who has it open. */
#ifndef VUSER_DOMAIN_H
#define VUSER_DOMAIN_H

#include <linux/kref.h>
#include <linux/types.h>

#include "dma/map.h"

struct vuser_iommufd_access;

/**
 * struct vuser_domain - a container
 * @ref: held by the backend's cookie, by each ioctl and each open device
 * @v2: type1 version 2 was asked for
 * @access: to the I/O address space that this stands for, where iommufd has
 *	the map and we do not see it; the open device's; else NULL
 * @map: its DMA map
 */
struct vuser_domain {
	struct kref ref;
	bool v2;
	struct vuser_iommufd_access *access;
	struct vuser_dma_map map;
};

struct vuser_domain *vuser_domain_alloc(bool v2, unsigned int limit);
struct vuser_domain *
vuser_domain_alloc_unseen(struct vuser_iommufd_access *access, u64 last);
void vuser_domain_kill(struct vuser_domain *dom);
void vuser_domain_put(struct vuser_domain *dom);
unsigned int vuser_domain_avail(struct vuser_domain *dom);

int vuser_domain_map(struct vuser_domain *dom, unsigned long iova,
		     unsigned long vaddr, unsigned long size, u32 prot);
int vuser_domain_unmap(struct vuser_domain *dom, unsigned long first,
		       unsigned long last, bool all, u64 *unmapped);

#endif /* VUSER_DOMAIN_H */
