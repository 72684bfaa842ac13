// SPDX-License-Identifier: GPL-2.0
/*
 * DMA regions are mapped at the back end when the device starts, and
 * immediately while it runs. So a client that maps many regions before the
 * start causes no messages. A region is unmapped at the back end before the
 * client gets the reply to its unmap request.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vuser/guard.h>

#include "dma.h"

#define UNUSED_SIZE 4096

/** vhost_dma_fini - free the list of regions */
void vhost_dma_fini(struct vhost_dma *m)
{
	free(m->regions);
	free(m->maps);
	free(m->mapped);
	memset(m, 0, sizeof(*m));
}

static int grow(struct vhost_dma *m)
{
	uint32_t max = m->max ? 2 * m->max : 16;
	struct vhost_region *regions;
	const void **maps;
	bool *mapped;

	regions = reallocarray(m->regions, max, sizeof(*regions));
	if (!regions)
		return -ENOMEM;
	m->regions = regions;
	maps = reallocarray(m->maps, max, sizeof(*maps));
	if (!maps)
		return -ENOMEM;
	m->maps = maps;
	mapped = reallocarray(m->mapped, max, sizeof(*mapped));
	if (!mapped)
		return -ENOMEM;
	m->mapped = mapped;
	m->max = max;
	return 0;
}

/**
 * vhost_dma_add - add a region that the client has mapped
 * @m: memory
 * @region: region of libvuser; its file must stay open until vhost_dma_remove()
 *
 * Regions without a file, and regions that are not readable and writable, are
 * left out: a back end maps each region for reading and writing.
 *
 * Return: 0 or -ENOMEM.
 */
int vhost_dma_add(struct vhost_dma *m, const struct vuser_dma_region *region)
{
	if (region->fd < 0 || region->prot != (PROT_READ | PROT_WRITE))
		return 0;
	if (m->nr == m->max && grow(m))
		return -ENOMEM;
	m->maps[m->nr] = region->map;
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

/*
 * Make a back end unmap all regions. rust-vmm's library takes an empty table
 * for an invalid message and disconnects, so the table has a page that nothing
 * uses.
 */
static int set_unused_page(struct vhost_backend *b)
{
	struct vhost_region page = { .region.size = UNUSED_SIZE };
	int ret;

	page.fd = memfd_create("unused", MFD_CLOEXEC);
	if (page.fd < 0)
		return -errno;
	ret = ftruncate(page.fd, UNUSED_SIZE) ? -errno : 0;
	ret = ret ?: vhost_backend_set_mem_table(b, &page, 1);
	close(page.fd);
	return ret;
}

/* Replace the complete memory table of the back end. */
static int set_table(struct vhost_dma *m, struct vhost_backend *b)
{
	uint32_t i;
	int ret;

	if (!m->nr)
		return set_unused_page(b);
	ret = vhost_backend_set_mem_table(b, m->regions, m->nr);
	for (i = 0; i < m->nr && !ret; i++)
		m->mapped[i] = true;
	return ret;
}

/**
 * vhost_dma_map - map all regions at the back end that it has not mapped yet
 * @m: memory
 * @b: back end
 *
 * Return: 0, or the error of the request to the back end.
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

/**
 * vhost_dma_repeat - send the memory table again, to a back end that may have lost it
 * @m: memory
 * @b: back end
 *
 * A back end with memory slots keeps them: other front ends send no slot again.
 *
 * Return: 0, or the error of the request to the back end.
 */
int vhost_dma_repeat(struct vhost_dma *m, struct vhost_backend *b)
{
	if (!m->nr ||
	    vhost_backend_has(b, VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS)))
		return 0;
	return set_table(m, b);
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
 * vhost_dma_remove - remove a region, and unmap it at the back end
 * @m: memory
 * @b: back end
 * @region: region of libvuser
 *
 * Return: 0, or the error of the request to the back end. After an error it is
 * unknown whether the back end has unmapped the region.
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
	memmove(&m->maps[i], &m->maps[i + 1], (m->nr - i) * sizeof(*m->maps));
	memmove(&m->mapped[i], &m->mapped[i + 1],
		(m->nr - i) * sizeof(*m->mapped));
	if (!mapped)
		return 0;
	if (vhost_backend_has(b, VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS)))
		return vhost_backend_rem_mem_reg(b, &gone.region);
	return set_table(m, b);
}

/**
 * vhost_dma_reset - note that the back end has mapped no region, because it is
 * new or was lost
 */
void vhost_dma_reset(struct vhost_dma *m)
{
	if (m->nr)
		memset(m->mapped, 0, m->nr * sizeof(*m->mapped));
}

/**
 * vhost_dma_end - end of the highest region; UINT64_MAX also for a region that
 * ends with the last address
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

/** vhost_dma_holds - whether @len bytes at @iova lie in one region */
bool vhost_dma_holds(const struct vhost_dma *m, uint64_t iova, uint64_t len)
{
	const struct vhost_user_region *r;
	uint32_t i = find(m, iova);

	if (i == m->nr)
		return false;
	r = &m->regions[i].region;
	return len <= r->size - (iova - r->guest_addr);
}

/**
 * vhost_dma_read - read memory of the client
 * @m: memory
 * @iova: address
 * @buf: result
 * @len: bytes
 *
 * In contrast to vuser_dma_read(), this function also reads a region for which the client waits
 * until it is unmapped.
 *
 * Return: 0; or -EFAULT if the memory is not in one region that is mapped here, or if the
 * client has truncated its file.
 */
int vhost_dma_read(const struct vhost_dma *m, uint64_t iova, void *buf,
		   size_t len)
{
	uint32_t i = find(m, iova);
	const char *from;

	if (!vhost_dma_holds(m, iova, len) || !m->maps[i])
		return -EFAULT;
	from = m->maps[i];
	from += iova - m->regions[i].region.guest_addr;
	return vuser_guard_copy(buf, from, len) ? -EFAULT : 0;
}
