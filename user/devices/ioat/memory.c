// SPDX-License-Identifier: GPL-2.0
/* Access to the client's memory through libvuser. */
#include <errno.h>
#include <sys/mman.h>

#include "memory.h"

static void put_held(struct ioat_memory *m, struct ioat_held *held)
{
	vuser_dma_put(m->server, &held->ref);
	held->ref.region = NULL;
}

/* Release all dma regions that no span uses. Return false if one is in use. */
static bool release_unused(struct ioat_memory *m)
{
	bool all = true;
	unsigned int i;

	for (i = 0; i < IOAT_HELD_MAX; i++) {
		if (m->held[i].users)
			all = false;
		else if (m->held[i].ref.region)
			put_held(m, &m->held[i]);
	}
	return all;
}

/*
 * During an unmap, the client waits until the dma region is released. So release it
 * before the next piece.
 */
static void release_on_unmap(struct ioat_memory *m)
{
	if (!atomic_load_explicit(&m->release, memory_order_relaxed))
		return;
	atomic_store(&m->release, false);
	if (!release_unused(m))
		atomic_store(&m->release, true);
}

static bool covers(const struct ioat_held *held, uint64_t iova, int prot)
{
	const struct vuser_dma_region *region = held->ref.region;

	return region && iova - region->iova < region->size &&
	       region->prot & prot;
}

static struct ioat_held *find_held(struct ioat_memory *m, uint64_t iova,
				   int prot)
{
	unsigned int i;

	for (i = 0; i < IOAT_HELD_MAX; i++)
		if (covers(&m->held[i], iova, prot))
			return &m->held[i];
	return NULL;
}

/* Find an entry to reuse. Spans use at most two entries, so one is free. */
static struct ioat_held *take_entry(struct ioat_memory *m)
{
	struct ioat_held *held;

	do {
		held = &m->held[m->victim];
		m->victim = (m->victim + 1) % IOAT_HELD_MAX;
	} while (held->users);
	if (held->ref.region)
		put_held(m, held);
	return held;
}

/*
 * Get memory without a file, which is accessed by messages. A message can access
 * only one dma region, so find out how many bytes lie in the dma region.
 */
static int get_unmapped(struct ioat_memory *m, uint64_t iova, size_t len,
			int prot, struct ioat_span *span)
{
	struct vuser_dma_ref ref;
	int ret;

	for (;;) {
		ret = vuser_dma_get(m->server, iova, len, prot, &ref);
		if (ret != -EFAULT || len == 1)
			break;
		len = (len + 1) / 2;
	}
	if (ret && ret != -EOPNOTSUPP)
		return ret;
	/*
	 * The memory was mapped meanwhile. Messages work with mapped memory,
	 * too.
	 */
	if (!ret)
		vuser_dma_put(m->server, &ref);
	*span = (struct ioat_span) { .len = len };
	return 0;
}

static int memory_get(void *ctx, uint64_t iova, size_t len,
		      enum ioat_dma_dir dir, struct ioat_span *span)
{
	int prot = dir == IOAT_DMA_READ ? PROT_READ : PROT_WRITE;
	struct ioat_memory *m = ctx;
	struct ioat_held *held;
	uint64_t offset, left;
	int ret;

	release_on_unmap(m);
	if (!vuser_pci_bus_master(m->pci))
		return -EFAULT;
	held = find_held(m, iova, prot);
	if (!held) {
		held = take_entry(m);
		ret = vuser_dma_get(m->server, iova, 1, prot, &held->ref);
		if (ret) {
			held->ref.region = NULL;
			return ret == -EOPNOTSUPP ?
				       get_unmapped(m, iova, len, prot, span) :
				       ret;
		}
	}
	held->users++;
	offset = iova - held->ref.region->iova;
	left = held->ref.region->size - offset;
	*span = (struct ioat_span) {
		.ptr = (uint8_t *)held->ref.region->map + offset,
		.len = len < left ? len : left,
		.ref = held,
	};
	return 0;
}

static void memory_put(void *ctx, struct ioat_span *span)
{
	struct ioat_held *held = span->ref;

	(void)ctx;
	if (held)
		held->users--;
}

static void memory_release(void *ctx)
{
	release_unused(ctx);
}

static int memory_read(void *ctx, uint64_t iova, void *buf, size_t len)
{
	struct ioat_memory *m = ctx;

	release_unused(m);
	return vuser_dma_read(m->server, iova, buf, len);
}

static int memory_write(void *ctx, uint64_t iova, const void *buf, size_t len)
{
	struct ioat_memory *m = ctx;

	release_unused(m);
	return vuser_dma_write(m->server, iova, buf, len);
}

/**
 * ioat_memory_dma - the memory as the interface that the channel uses
 * @memory: must stay valid as long as the channel exists
 *
 * Return: operations and their context.
 */
struct ioat_dma ioat_memory_dma(struct ioat_memory *memory)
{
	static const struct ioat_dma_ops ops = {
		.get = memory_get,
		.put = memory_put,
		.release = memory_release,
		.read = memory_read,
		.write = memory_write,
	};

	return (struct ioat_dma) { &ops, memory };
}

/**
 * ioat_memory_release - have the copy thread release dma regions soon
 * @memory: the client's memory
 *
 * Call this in the callback of libvuser that announces an unmap. After the
 * callback, libvuser replies as soon as the dma region is released. The thread releases
 * dma regions before the next piece of a copy. An idle thread holds none.
 */
void ioat_memory_release(struct ioat_memory *memory)
{
	atomic_store(&memory->release, true);
}
