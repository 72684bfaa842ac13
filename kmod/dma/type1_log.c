// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls with which a consumer logs the writes to its memory: VFIO_IOMMU_DIRTY_PAGES, and
 * the bitmap of VFIO_IOMMU_UNMAP_DMA.  They check their arguments as type1 does.
 */
#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "dma/dirty.h"
#include "dma/domain.h"
#include "dma/domain_log.h"
#include "dma/type1_log.h"

/* The length of a bitmap for @pages pages, bytes. */
#define VUSER_BITMAP_BYTES(pages)	(ALIGN(pages, BITS_PER_TYPE(u64)) / BITS_PER_BYTE)

/* The largest bitmap that a consumer may pass, bytes. */
#define VUSER_BITMAP_MAX		VUSER_BITMAP_BYTES(VUSER_DIRTY_PAGES_MAX)

/* Checks a bitmap for a range of @size bytes. */
static int vuser_type1_log_check(const struct vfio_bitmap *bitmap, u64 size)
{
	if (!access_ok((void __user *)bitmap->data, bitmap->size))
		return -EINVAL;
	/* Only the smallest page size of GET_INFO is allowed. */
	if (bitmap->pgsize != PAGE_SIZE || size < PAGE_SIZE)
		return -EINVAL;
	if (bitmap->size > VUSER_BITMAP_MAX ||
	    bitmap->size < VUSER_BITMAP_BYTES(size >> PAGE_SHIFT))
		return -EINVAL;
	return 0;
}

/* @arg: what follows struct vfio_iommu_type1_dirty_bitmap; @len: its length. */
static int vuser_type1_log_get_bitmap(struct vuser_domain *dom, void __user *arg, size_t len)
{
	struct vfio_iommu_type1_dirty_bitmap_get range;
	u64 last;
	int ret;

	if (len < sizeof(range))
		return -EINVAL;
	if (copy_from_user(&range, arg, sizeof(range)))
		return -EFAULT;
	if (!range.size)
		return -EINVAL;
	if (check_add_overflow(range.iova, range.size - 1, &last))
		return -EOVERFLOW;
	ret = vuser_type1_log_check(&range.bitmap, range.size);
	if (ret)
		return ret;
	if (range.iova & ~PAGE_MASK)
		return -EINVAL;
	/*
	 * type1 refuses a size that is not a multiple of the page size.  QEMU without KVM passes
	 * one for the part of a BAR after the MSI-X table, of which it has mapped the whole pages.
	 */
	last = range.iova + (range.size & PAGE_MASK) - 1;
	return vuser_domain_log_get(dom, range.iova, last, range.bitmap.data);
}

/**
 * vuser_type1_log_ioctl() - VFIO_IOMMU_DIRTY_PAGES
 * @dom: the domain
 * @arg: struct vfio_iommu_type1_dirty_bitmap of the consumer
 *
 * Context: process; sleeps killably until the servers have replied.
 * Return: 0; -EACCES with version 1 of type1; -EFAULT; -EINVAL; -EOVERFLOW when a range wraps;
 * -ENOMEM; or -EINTR when killed.
 */
int vuser_type1_log_ioctl(struct vuser_domain *dom, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dirty_bitmap, flags);
	struct vfio_iommu_type1_dirty_bitmap dirty;

	if (!dom->v2)
		return -EACCES;
	if (copy_from_user(&dirty, arg, minsz))
		return -EFAULT;
	if (dirty.argsz < minsz)
		return -EINVAL;
	/* Exactly one flag. */
	switch (dirty.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		return vuser_domain_log_start(dom);
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		return vuser_domain_log_stop(dom);
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return vuser_type1_log_get_bitmap(dom, arg + minsz, dirty.argsz - minsz);
	default:
		return -EINVAL;
	}
}

/**
 * vuser_type1_log_get_unmap() - get the bitmap of an UNMAP_DMA
 * @unmap: the argument of the ioctl, with VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP
 * @arg: this argument in the consumer's memory
 * @bitmap: set on success
 *
 * Context: process; accesses user memory.
 * Return: 0; -EINVAL; or -EFAULT.
 */
int vuser_type1_log_get_unmap(const struct vfio_iommu_type1_dma_unmap *unmap, void __user *arg,
			      struct vfio_bitmap *bitmap)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap, size);

	if (unmap->flags & (VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR))
		return -EINVAL;
	if (unmap->argsz < minsz + sizeof(*bitmap))
		return -EINVAL;
	if (copy_from_user(bitmap, arg + minsz, sizeof(*bitmap)))
		return -EFAULT;
	return vuser_type1_log_check(bitmap, unmap->size);
}

/**
 * vuser_type1_log_add_cap() - add the capability of GET_INFO that announces the log
 * @caps: the capabilities
 *
 * Context: process; may sleep for memory.
 * Return: 0 or -ENOMEM.
 */
int vuser_type1_log_add_cap(struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_migration cap = {
		.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
		.header.version = 1,
		.pgsize_bitmap = PAGE_SIZE,
		.max_dirty_bitmap_size = VUSER_BITMAP_MAX,
	};

	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}
