/* SPDX-License-Identifier: GPL-2.0 */
/* The log of writes to the memory of a container, as a consumer uses it. */
#ifndef SELFTESTS_DIRTY_H
#define SELFTESTS_DIRTY_H

#include <errno.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define PAGE 0x1000UL

#define LOG_START VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define LOG_STOP  VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define LOG_GET	  VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

struct dirty_get {
	struct vfio_iommu_type1_dirty_bitmap head;
	struct vfio_iommu_type1_dirty_bitmap_get range;
};

/* START or STOP. */
static inline int log_set(int container, uint32_t flags)
{
	struct vfio_iommu_type1_dirty_bitmap arg = { sizeof(arg), flags };

	return ioctl(container, VFIO_IOMMU_DIRTY_PAGES, &arg) ? -errno : 0;
}

/* GET_BITMAP into @bits, which has @bytes bytes. */
static inline int log_get(int container, uint64_t iova, uint64_t size,
			  void *bits, uint64_t bytes)
{
	struct dirty_get arg = {
		.head = { sizeof(arg), LOG_GET },
		.range = { iova, size, { PAGE, bytes, bits } },
	};

	return ioctl(container, VFIO_IOMMU_DIRTY_PAGES, &arg) ? -errno : 0;
}

struct dirty_unmap {
	struct vfio_iommu_type1_dma_unmap head;
	struct vfio_bitmap bitmap;
};

/* UNMAP_DMA with a bitmap. */
static inline int log_unmap(int container, uint64_t iova, uint64_t size,
			    void *bits, uint64_t bytes, uint64_t *unmapped)
{
	struct dirty_unmap arg = {
		.head = { sizeof(arg), VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			  iova, size },
		.bitmap = { PAGE, bytes, bits },
	};
	int ret = ioctl(container, VFIO_IOMMU_UNMAP_DMA, &arg) ? -errno : 0;

	*unmapped = arg.head.size;
	return ret;
}

static inline bool has_bit(const uint64_t *bits, unsigned int nr)
{
	return bits[nr / 64] >> nr % 64 & 1;
}

static inline unsigned int count_bits(const uint64_t *bits, unsigned int words)
{
	unsigned int nr = 0;

	while (words--)
		nr += __builtin_popcountll(bits[words]);
	return nr;
}

#endif /* SELFTESTS_DIRTY_H */
