// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

int memory_add(struct memory *memory, const struct vhost_user_region *region,
	       int fd)
{
	uint64_t skip = region->mmap_offset % sysconf(_SC_PAGESIZE);
	struct memory_slot *slot;

	if (memory->nr == MEMORY_SLOTS)
		return -ENOSPC;
	slot = &memory->slots[memory->nr];
	slot->region = *region;
	slot->length = region->size + skip;
	slot->base = mmap(NULL, slot->length, PROT_READ | PROT_WRITE,
			  MAP_SHARED, fd, region->mmap_offset - skip);
	if (slot->base == MAP_FAILED)
		return -errno;
	slot->start = (uint8_t *)slot->base + skip;
	memory->nr++;
	return 0;
}

int memory_remove(struct memory *memory, const struct vhost_user_region *region)
{
	struct memory_slot *slot;
	uint32_t i;

	for (i = 0; i < memory->nr; i++) {
		slot = &memory->slots[i];
		if (slot->region.guest_addr != region->guest_addr ||
		    slot->region.user_addr != region->user_addr ||
		    slot->region.size != region->size)
			continue;
		munmap(slot->base, slot->length);
		*slot = memory->slots[--memory->nr];
		return 0;
	}
	return -ENOENT;
}

void memory_clear(struct memory *memory)
{
	while (memory->nr) {
		struct memory_slot *slot = &memory->slots[--memory->nr];

		munmap(slot->base, slot->length);
	}
}

static void *inside(const struct memory_slot *slot, uint64_t start,
		    uint64_t addr, uint64_t len)
{
	uint64_t offset = addr - start;

	if (addr < start || offset >= slot->region.size ||
	    len > slot->region.size - offset)
		return NULL;
	return slot->start + offset;
}

void *memory_guest(const struct memory *memory, uint64_t addr, uint64_t len)
{
	void *found = NULL;
	uint32_t i;

	for (i = 0; i < memory->nr && !found; i++)
		found = inside(&memory->slots[i],
			       memory->slots[i].region.guest_addr, addr, len);
	return found;
}

void *memory_user(const struct memory *memory, uint64_t addr, uint64_t len)
{
	void *found = NULL;
	uint32_t i;

	for (i = 0; i < memory->nr && !found; i++)
		found = inside(&memory->slots[i],
			       memory->slots[i].region.user_addr, addr, len);
	return found;
}
