/* SPDX-License-Identifier: GPL-2.0 */
/* The front end's memory, mapped in this process. */
#ifndef VHOST_BLK_MEMORY_H
#define VHOST_BLK_MEMORY_H

#include <vhost-user/proto.h>

#define MEMORY_SLOTS 64

struct memory_slot {
	struct vhost_user_region region;
	void *base; /* of the mapping */
	uint8_t *start; /* of the region within the mapping */
	size_t length; /* of the mapping */
};

struct memory {
	struct memory_slot slots[MEMORY_SLOTS];
	uint32_t nr;
};

/* Map a region; the caller keeps the fd; return 0 or -errno. */
int memory_add(struct memory *memory, const struct vhost_user_region *region,
	       int fd);
/* Unmap the region with these addresses and size; return 0 or -ENOENT. */
int memory_remove(struct memory *memory,
		  const struct vhost_user_region *region);
void memory_clear(struct memory *memory);

/* Return @len bytes at a guest or user address within one region, or NULL. */
void *memory_guest(const struct memory *memory, uint64_t addr, uint64_t len);
void *memory_user(const struct memory *memory, uint64_t addr, uint64_t len);

#endif /* VHOST_BLK_MEMORY_H */
