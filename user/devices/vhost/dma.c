// SPDX-License-Identifier: GPL-2.0
/*
 * Regions are told when the device starts, and at once while it runs: a client
 * that maps piece by piece before it starts costs no messages.  What was told
 * is taken back before the client hears that it is unmapped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dma.h"

/** vhost_dma_fini - free it */
void vhost_dma_fini(struct vhost_dma *m)
{
	free(m->regions);
	free(m->mapped);
	memset(m, 0, sizeof(*m));
}

static int grow(struct vhost_dma *m)
{
	uint32_t max = m->max ? 2 * m->max : 16;
	struct vhost_region *regions;
	bool *mapped;

	regions = reallocarray(m->regions, max, sizeof(*regions));
	if (!regions)
		return -ENOMEM;
	m->regions = regions;
	mapped = reallocarray(m->mapped, max, sizeof(*mapped));
	if (!mapped)
		return -ENOMEM;
	m->mapped = mapped;
	m->max = max;
	return 0;
}

/**
 * vhost_dma_add - a region came
 * @m: memory
 * @region: of libvuser; its file is used as long as the region is there
 *
 * Memory without a file, or that may not be written, is of no use to a
 * back-end: it maps whatever it is mapped, for both.
 *
 * Return: 0 or -ENOMEM.
 */
int vhost_dma_add(struct vhost_dma *m, const struct vuser_dma_region *region)
{
	if (region->fd < 0 || region->prot != (PROT_READ | PROT_WRITE))
		return 0;
	if (m->nr == m->max && grow(m))
		return -ENOMEM;
	m->mapped[m->nr] = false;
	m->regions[m->nr++] = (struct vhost_region) {
		.region = {
			.guest_addr = region->iova,
			.size = region->size,
			.user_addr = region->iova,
			.mmap_offset = region->fd_offset,
		},
		.fd = region->fd,
	};
	return 0;
}

/* All of the table anew. */
static int set_table(struct vhost_dma *m, struct vhost_backend *b)
{
	int ret = vhost_backend_set_mem_table(b, m->regions, m->nr);
	uint32_t i;

	for (i = 0; i < m->nr && !ret; i++)
		m->mapped[i] = true;
	return ret;
}

/**
 * vhost_dma_map - tell the back-end of all regions
 * @m: memory
 * @b: back-end
 *
 * Return: 0, or as a request of the back-end.
 */
int vhost_dma_map(struct vhost_dma *m, struct vhost_backend *b)
{
	uint32_t i, news = 0;
	int ret = 0;

	for (i = 0; i < m->nr; i++)
		news += !m->mapped[i];
	if (!news)
		return 0;
	if (!vhost_backend_has(b, VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS)))
		return set_table(m, b);
	for (i = 0; i < m->nr && !ret; i++) {
		if (m->mapped[i])
			continue;
		ret = vhost_backend_add_mem_reg(b, &m->regions[i]);
		m->mapped[i] = !ret;
	}
	return ret;
}

static uint32_t find(const struct vhost_dma *m, uint64_t iova)
{
	uint32_t i;

	for (i = 0; i < m->nr; i++)
		if (iova - m->regions[i].region.guest_addr <
		    m->regions[i].region.size)
			break;
	return i;
}

/**
 * vhost_dma_remove - a region goes: the back-end lets go of it now
 * @m: memory
 * @b: back-end
 * @region: of libvuser
 *
 * Return: 0, or as a request of the back-end, whose memory may then be other
 * than it should be.
 */
int vhost_dma_remove(struct vhost_dma *m, struct vhost_backend *b,
		     const struct vuser_dma_region *region)
{
	uint32_t i = find(m, region->iova);
	struct vhost_region gone;
	bool mapped;

	if (i == m->nr)
		return 0;
	gone = m->regions[i];
	mapped = m->mapped[i];
	m->nr--;
	memmove(&m->regions[i], &m->regions[i + 1],
		(m->nr - i) * sizeof(*m->regions));
	memmove(&m->mapped[i], &m->mapped[i + 1],
		(m->nr - i) * sizeof(*m->mapped));
	if (!mapped)
		return 0;
	if (vhost_backend_has(b, VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS)))
		return vhost_backend_rem_mem_reg(b, &gone.region);
	return set_table(m, b);
}

/** vhost_dma_reset - a new back-end, or none: it was told nothing */
void vhost_dma_reset(struct vhost_dma *m)
{
	if (m->nr)
		memset(m->mapped, 0, m->nr * sizeof(*m->mapped));
}

/** vhost_dma_end - where the highest region ends, UINT64_MAX for all that is
 * near the end of addresses
 */
uint64_t vhost_dma_end(const struct vhost_dma *m)
{
	const struct vhost_user_region *r;
	uint64_t last, end = 0;
	uint32_t i;

	for (i = 0; i < m->nr; i++) {
		r = &m->regions[i].region;
		last = r->guest_addr + (r->size - 1);
		if (last >= end)
			end = last == UINT64_MAX ? last : last + 1;
	}
	return end;
}

/** vhost_dma_holds - whether @len bytes at @iova are in one region */
bool vhost_dma_holds(const struct vhost_dma *m, uint64_t iova, uint64_t len)
{
	const struct vhost_user_region *r;
	uint32_t i = find(m, iova);

	if (i == m->nr)
		return false;
	r = &m->regions[i].region;
	return len <= r->size - (iova - r->guest_addr);
}
