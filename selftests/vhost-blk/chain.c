// SPDX-License-Identifier: GPL-2.0
#include <linux/virtio_ring.h>

#include "chain.h"

bool chain_add(struct chain *chain, const struct memory *memory, uint64_t addr,
	       uint32_t len, bool write)
{
	void *found = memory_guest(memory, addr, len);

	if (!found || chain->nr == CHAIN_MAX)
		return false;
	/* Readable buffers come first. */
	if (!write && chain->nr != chain->nr_out)
		return false;
	chain->iov[chain->nr].iov_base = found;
	chain->iov[chain->nr].iov_len = len;
	chain->nr++;
	if (!write)
		chain->nr_out++;
	return true;
}

bool chain_add_split_table(struct chain *chain, const struct memory *memory,
			   uint64_t addr, uint32_t len)
{
	const struct vring_desc *table = memory_guest(memory, addr, len);
	uint32_t nr = len / sizeof(*table), seen, i = 0;
	struct vring_desc desc;

	if (!table || !nr || len % sizeof(*table))
		return false;
	for (seen = 0; seen < nr && i < nr; seen++) {
		desc = table[i];
		if (desc.flags & VRING_DESC_F_INDIRECT ||
		    !chain_add(chain, memory, desc.addr, desc.len,
			       desc.flags & VRING_DESC_F_WRITE))
			return false;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return true;
		i = desc.next;
	}
	return false;
}

bool chain_add_packed_table(struct chain *chain, const struct memory *memory,
			    uint64_t addr, uint32_t len)
{
	const struct vring_packed_desc *table = memory_guest(memory, addr, len);
	uint32_t nr = len / sizeof(*table), i;
	struct vring_packed_desc desc;

	if (!table || !nr || len % sizeof(*table))
		return false;
	for (i = 0; i < nr; i++) {
		desc = table[i];
		if (!chain_add(chain, memory, desc.addr, desc.len,
			       desc.flags & VRING_DESC_F_WRITE))
			return false;
	}
	return true;
}
