/* SPDX-License-Identifier: GPL-2.0 */
/* The client's memory, and what of it the back-end was told. */
#ifndef VHOST_MEMORY_H
#define VHOST_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <vuser/server.h>
#include <vhost-user/backend.h>

/**
 * struct vhost_mem - all regions that a back-end can map
 * @regions: their files stay libvuser's
 * @told: of each: the back-end has it
 * @nr: of both
 * @max: there is room for
 */
struct vhost_mem {
	struct vhost_region *regions;
	bool *told;
	uint32_t nr;
	uint32_t max;
};

void vhost_mem_fini(struct vhost_mem *m);
int vhost_mem_add(struct vhost_mem *m, const struct vuser_dma_region *region);
int vhost_mem_tell(struct vhost_mem *m, struct vhost_backend *b);
int vhost_mem_remove(struct vhost_mem *m, struct vhost_backend *b,
		     const struct vuser_dma_region *region);
void vhost_mem_forget(struct vhost_mem *m);
uint64_t vhost_mem_end(const struct vhost_mem *m);
bool vhost_mem_holds(const struct vhost_mem *m, uint64_t iova, uint64_t len);

#endif
