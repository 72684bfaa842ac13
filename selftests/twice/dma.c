// SPDX-License-Identifier: GPL-2.0
/* Operations: the ioctls of the container. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "twice.h"

#define R VFIO_DMA_MAP_FLAG_READ
#define W VFIO_DMA_MAP_FLAG_WRITE

/* Memory ------------------------------------------------------------------- */

/* Addresses to map; the pages are at ARENA, one after the other. */
enum where {
	GOOD,
	GOOD_LAST, /* the page before READ_ONLY */
	READ_ONLY,
	NO_ACCESS,
	UNMAPPED,
	FILE_PAGE, /* of a memfd */
	UNALIGNED,
	ZERO,
	KERNEL,
	TOP, /* the last page of all addresses */
	NR_WHERE,
};

#define ARENA	   0x100000000UL
#define ARENA_GOOD 8

static char *at(unsigned int page)
{
	return (char *)ARENA + page * PAGE;
}

/* GOOD x 8, READ_ONLY, NO_ACCESS, UNMAPPED, FILE_PAGE x 2. */
static void arena_map(void)
{
	const int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS;
	static bool done;
	int fd;

	if (done)
		return;
	done = true;
	fd = memfd_create("twice", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 2 * PAGE) ||
	    mmap(at(0), ARENA_GOOD * PAGE, PROT_READ | PROT_WRITE, flags, -1,
		 0) == MAP_FAILED ||
	    mmap(at(8), PAGE, PROT_READ, flags, -1, 0) == MAP_FAILED ||
	    mmap(at(9), PAGE, PROT_NONE, flags, -1, 0) == MAP_FAILED ||
	    mmap(at(11), 2 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_SHARED, fd, 0) == MAP_FAILED)
		abort();
	memset(at(0), 1, ARENA_GOOD * PAGE);
}

static uint64_t address(uint64_t where)
{
	arena_map();
	switch (where % NR_WHERE) {
	case GOOD_LAST:
		return (uintptr_t)at(7);
	case READ_ONLY:
		return (uintptr_t)at(8);
	case NO_ACCESS:
		return (uintptr_t)at(9);
	case UNMAPPED:
		return (uintptr_t)at(10);
	case FILE_PAGE:
		return (uintptr_t)at(11);
	case UNALIGNED:
		return (uintptr_t)at(0) + 1;
	case ZERO:
		return 0;
	case KERNEL:
		return 0xffff888000000000;
	case TOP:
		return -PAGE;
	default:
		return (uintptr_t)at(0);
	}
}

/* Calls -------------------------------------------------------------------- */

static long map(struct side *side, const uint64_t *args, struct result *res)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = args[4],
		.flags = args[3],
		.vaddr = address(args[2]),
		.iova = args[0],
		.size = args[1],
	};

	return result_ret(res,
			  ioctl(side->dev.container, VFIO_IOMMU_MAP_DMA, &arg));
}

static long unmap(struct side *side, uint64_t iova, uint64_t size,
		  uint32_t flags, uint32_t argsz, struct result *res)
{
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = {
		.unmap = { argsz, flags, iova, size },
		.bitmap = { .pgsize = PAGE, .size = 8, .data = guarded(8) },
	};
	long ret;

	ret = result_ret(res, ioctl(side->dev.container, VFIO_IOMMU_UNMAP_DMA,
				    &arg));
	result_add(res, "size", arg.unmap.size);
	return ret;
}

static void map_dma(struct side *side, const uint64_t *args, struct result *res)
{
	struct vfio_iommu_type1_dma_unmap all = {
		.argsz = sizeof(all),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};

	if (map(side, args, res))
		return;
	result_add(res, "available", dma_available(side->dev.container));
	result_add(res, "unmap",
		   ioctl(side->dev.container, VFIO_IOMMU_UNMAP_DMA, &all));
	result_add(res, "unmapped", all.size);
}

/* What unmap_dma() finds: pages 0, 1 to 2, and 4, from LAYOUT on. */
#define LAYOUT 0x10000UL

static void layout(struct side *side)
{
	static const struct {
		unsigned int page, nr;
	} maps[] = { { 0, 1 }, { 1, 2 }, { 4, 1 } };
	unsigned int i;

	dma_unmap(side->dev.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
	for (i = 0; i < NR(maps); i++)
		dma_map(side->dev.container, (void *)address(GOOD),
			LAYOUT + maps[i].page * PAGE, maps[i].nr * PAGE,
			DMA_RW);
}

/* True if the pages are mapped as layout() leaves them. */
static bool layout_is_whole(struct side *side)
{
	static const unsigned int firsts[] = { 0, 1, 4 };
	unsigned int i;

	if (dma_available(side->dev.container) != 65535 - NR(firsts))
		return false;
	for (i = 0; i < NR(firsts); i++)
		if (dma_map(side->dev.container, (void *)address(GOOD),
			    LAYOUT + firsts[i] * PAGE, PAGE, DMA_RW) != -EEXIST)
			return false;
	return true;
}

static void unmap_dma(struct side *side, const uint64_t *args,
		      struct result *res)
{
	if (!layout_is_whole(side))
		layout(side);
	unmap(side, args[0], args[1], args[2], args[3], res);
	result_add(res, "available", dma_available(side->dev.container));
}

/* Maps on top of what layout() mapped. */
static void map_overlap(struct side *side, const uint64_t *args,
			struct result *res)
{
	if (!layout_is_whole(side))
		layout(side);
	map(side, args, res);
	layout(side);
}

static void map_keep(struct side *side, const uint64_t *args,
		     struct result *res)
{
	map(side, args, res);
}

static void unmap_keep(struct side *side, const uint64_t *args,
		       struct result *res)
{
	if (!unmap(side, args[0], args[1], args[2], args[3], res))
		result_add(res, "available",
			   dma_available(side->dev.container));
}

/* Takes the address of a mapping away, and gives it back. */
static void update_vaddr(struct side *side, const uint64_t *args,
			 struct result *res)
{
	if (!layout_is_whole(side))
		layout(side);
	unmap(side, LAYOUT, PAGE, VFIO_DMA_UNMAP_FLAG_VADDR, args[0], res);
	result_add(res, "map",
		   dma_map(side->dev.container, (void *)address(GOOD), LAYOUT,
			   PAGE, VFIO_DMA_MAP_FLAG_VADDR));
}

static void check_extension(struct side *side, const uint64_t *args,
			    struct result *res)
{
	result_ret(res,
		   ioctl(side->dev.container, VFIO_CHECK_EXTENSION, args[0]));
}

static void iommu_info(struct side *side, const uint64_t *args,
		       struct result *res)
{
	uint32_t buf[64];

	memset(buf, 0x55, sizeof(buf));
	buf[0] = args[0];
	if (!result_ret(res,
			ioctl(side->dev.container, VFIO_IOMMU_GET_INFO, buf)))
		result_words(res, buf, 6 * sizeof(*buf));
}

static void dirty_pages(struct side *side, const uint64_t *args,
			struct result *res)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} arg = {
		.head = { args[1], args[0] },
		.get = { LAYOUT, PAGE, { PAGE, 8, guarded(8) } },
	};

	result_ret(res,
		   ioctl(side->dev.container, VFIO_IOMMU_DIRTY_PAGES, &arg));
}

static const unsigned long commands[] = {
	VFIO_IOMMU_GET_INFO,
	VFIO_IOMMU_MAP_DMA,
	VFIO_IOMMU_UNMAP_DMA,
};

static void container_ioctl_of_short_memory(struct side *side,
					    const uint64_t *args,
					    struct result *res)
{
	size_t room = args[1] % (PAGE + 1);
	void *buf = guarded(room);

	memset(buf, 0, room);
	if (room >= 4)
		memcpy(buf, &(uint32_t) { PAGE }, 4);
	result_ret(res, ioctl(side->dev.container,
			      commands[args[0] % NR(commands)], buf));
}

/* Arguments ---------------------------------------------------------------- */

#define GB 0x40000000UL

static const uint64_t iovas[] = {
	0,	   PAGE,  GB,	1,	   PAGE - 1,  0xfee00000,
	1UL << 57, -PAGE, -1UL, 1UL << 40, 1UL << 48,
};
static const uint64_t map_sizes[] = { 0,	 1,	   PAGE - 1,
				      PAGE,	 2 * PAGE, 1UL << 63,
				      -2 * PAGE, -PAGE,	   -1UL };
static const uint64_t wheres[] = { GOOD,     GOOD_LAST, READ_ONLY, NO_ACCESS,
				   UNMAPPED, FILE_PAGE, UNALIGNED, ZERO,
				   KERNEL,   TOP };
static const uint64_t map_flags[] = {
	R | W,
	R,
	W,
	0,
	VFIO_DMA_MAP_FLAG_VADDR,
	VFIO_DMA_MAP_FLAG_VADDR | R,
	8,
	R | W | 1U << 31,
};
static const uint64_t map_argsz[] = { 32, 31, 0, 64 };
static const uint64_t good_argsz[] = { 32 };
static const uint64_t good[] = { GOOD };
static const uint64_t overlap_flags[] = { R | W, VFIO_DMA_MAP_FLAG_VADDR };
static const uint64_t unmap_iovas[] = {
	LAYOUT,
	LAYOUT + PAGE,
	LAYOUT + 2 * PAGE,
	LAYOUT + 3 * PAGE,
	LAYOUT + 4 * PAGE,
	LAYOUT + 1,
	0,
	LAYOUT - PAGE,
	LAYOUT + GB,
	-PAGE,
	-1UL,
};
static const uint64_t unmap_sizes[] = {
	0,	  1,	     PAGE,	2 * PAGE, 3 * PAGE, 4 * PAGE,
	5 * PAGE, 1UL << 63, -2 * PAGE, -PAGE,	  -1UL,
};
static const uint64_t unmap_flags[] = {
	0,
	VFIO_DMA_UNMAP_FLAG_ALL,
	VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
	VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP | VFIO_DMA_UNMAP_FLAG_ALL,
	VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP | VFIO_DMA_UNMAP_FLAG_VADDR,
	VFIO_DMA_UNMAP_FLAG_VADDR | VFIO_DMA_UNMAP_FLAG_ALL,
	8,
	1U << 31,
};
static const uint64_t unmap_argsz[] = { 24, 23, 0, 32, 48, 64 };
static const uint64_t extensions[] = { 0, 1, 2,	 3,  4,	 5,    6,   7,
				       8, 9, 10, 11, 12, 1000, -1U, -1UL };
static const uint64_t info_argsz[] = { 0, 15, 16, 17, 20, 24, 32, -1U };
static const uint64_t dirty_flags[] = { 1, 2, 3, 4, 5, 8, 1U << 31 };
static const uint64_t dirty_argsz[] = { 0, 7, 8, 9, 32, 48, 64 };
static const uint64_t three[] = { 0, 1, 2 };
static const uint64_t rooms[] = { 0, 4, 7, 8, 15, 16, 20, 23, 24, 31, 32, 40 };

const struct op dma_ops[] = {
	{ "check_extension", check_extension, { ARG("extension", extensions) } },
	{ "iommu_info", iommu_info, { ARG("argsz", info_argsz) } },
	{ "container_ioctl_of_short_memory",
	  container_ioctl_of_short_memory,
	  { ARG("ioctl", three), ARG("room", rooms) } },
	{ "map_dma",
	  map_dma,
	  { ARG("iova", iovas), ARG("size", map_sizes), ARG("where", wheres),
	    ARG("flags", map_flags), ARG("argsz", map_argsz) } },
	{ "map_overlap",
	  map_overlap,
	  { ARG("iova", unmap_iovas), ARG("size", unmap_sizes),
	    ARG("where", good), ARG("flags", overlap_flags),
	    ARG("argsz", good_argsz) } },
	{ "unmap_dma",
	  unmap_dma,
	  { ARG("iova", unmap_iovas), ARG("size", unmap_sizes),
	    ARG("flags", unmap_flags), ARG("argsz", unmap_argsz) } },
	{ "update_vaddr", update_vaddr, { ARG("argsz", good_argsz) } },
	{ "dirty_pages",
	  dirty_pages,
	  { ARG("flags", dirty_flags), ARG("argsz", dirty_argsz) } },
	{}
};

const struct op dma_state_ops[] = {
	{ "map_keep",
	  map_keep,
	  { ARG("iova", unmap_iovas), ARG("size", unmap_sizes),
	    ARG("where", wheres), ARG("flags", map_flags),
	    ARG("argsz", map_argsz) } },
	{ "unmap_keep",
	  unmap_keep,
	  { ARG("iova", unmap_iovas), ARG("size", unmap_sizes),
	    ARG("flags", unmap_flags), ARG("argsz", unmap_argsz) } },
	{}
};
