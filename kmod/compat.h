/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that vuser is built for.  Every test of a
 * kernel version in the module stands here, and nowhere else.
 */
#ifndef VUSER_COMPAT_H
#define VUSER_COMPAT_H

#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sockptr.h>
#include <linux/version.h>
#include <linux/vfio.h>
#include <net/sock.h>
/* 6.16 moved CPUID out of asm/processor.h. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#include <asm/cpuid/api.h>
#else
#include <asm/processor.h>
#endif

/* 6.8 dropped the count of eventfd_signal(). */
static inline void vuser_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

/* 6.10 and later remember where a trace event's string comes from. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define vuser_assign_str(_name)		__assign_str(_name)
#else
#define vuser_assign_str(_name)		__assign_str(_name, _name)
#endif

/* 6.3 made vm_flags read-only. */
static inline void vuser_vm_flags_mod(struct vm_area_struct *vma,
				      vm_flags_t set, vm_flags_t clear)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

/*
 * 6.7 and later let a fault be handled with only the lock of the VMA, not the
 * mmap lock.
 */
static inline bool vuser_fault_has_vma_lock(const struct vm_fault *vmf)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return vmf->flags & FAULT_FLAG_VMA_LOCK;
#else
	return false;
#endif
}

/* Drops the lock that a fault is handled with. */
static inline void vuser_fault_unlock(struct vm_fault *vmf)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	release_fault_lock(vmf);
#else
	mmap_read_unlock(vmf->vma->vm_mm);
#endif
}

/*
 * 7.0 and later answer VFIO_DEVICE_GET_REGION_INFO through a callback and do
 * not pass that ioctl on any more.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define VUSER_REGION_INFO_OPS(_caps)	.get_region_info_caps = (_caps),
#else
#define VUSER_REGION_INFO_OPS(_caps)
#endif

/* 6.13 made the name of a namespace a string. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define VUSER_IMPORT_IOMMUFD	MODULE_IMPORT_NS("IOMMUFD")
#else
#define VUSER_IMPORT_IOMMUFD	MODULE_IMPORT_NS(IOMMUFD)
#endif

/* Up to 6.1 a driver's release frees the device, later the core does. */
static inline void vuser_vfio_free_device(struct vfio_device *vdev)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	vfio_free_device(vdev);
#endif
}

/*
 * 6.16 and later can refuse file descriptors that the peer sends; before,
 * they are dropped as they are read, since we pass no control buffer.
 */
static inline void vuser_refuse_fds(struct socket *sock)
{
#ifdef SO_PASSRIGHTS
	int off = 0;

	sock_setsockopt(sock, SOL_SOCKET, SO_PASSRIGHTS, KERNEL_SOCKPTR(&off),
			sizeof(off));
#endif
}

/* The DMA map ------------------------------------------------------------- */

/* 6.3: what inode operations get of the mount. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define vuser_mnt_idmap		mnt_idmap
#else
#define vuser_mnt_idmap		user_namespace
#endif

/* 6.5 and later mark a file that an overlay opened below itself. */
static inline bool vuser_is_backing_file(struct file *file)
{
#ifdef FMODE_BACKING
	return file->f_mode & FMODE_BACKING;
#else
	return false;
#endif
}

/*
 * The frame that a VM_PFNMAP area has at @addr now, without faulting; the mmap
 * lock is held.  6.12 replaced follow_pte().
 */
static inline int vuser_follow_pfn(struct vm_area_struct *vma,
				   unsigned long addr, bool write,
				   unsigned long *pfn)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };
	bool writable;

	if (follow_pfnmap_start(&args))
		return -EFAULT;
	*pfn = args.pfn;
	writable = args.writable;
	follow_pfnmap_end(&args);
#else
	spinlock_t *ptl;	/* of the page table */
	bool writable;
	pte_t *pte;

	if (follow_pte(vma->vm_mm, addr, &pte, &ptl))
		return -EFAULT;
	__acquire(ptl);
	*pfn = pte_pfn(*pte);
	writable = pte_write(*pte);
	pte_unmap_unlock(pte, ptl);
#endif
	return write && !writable ? -EFAULT : 0;
}

/*
 * 6.16 moved a task's FPU state out of its thread_struct, to where the
 * task_struct ends: x86_task_fpu(), a function that is not exported where
 * CONFIG_X86_DEBUG_FPU makes it one.
 */
static inline struct fpu *vuser_current_fpu(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	return (void *)current + sizeof(*current);
#else
	return &current->thread.fpu;
#endif
}

/*
 * A page of hugetlbfs at @off if it is there, with a reference.  Before 6.7
 * the page cache counted huge pages, not pages.
 */
static inline struct page *vuser_find_hugetlb_page(struct address_space *map,
						   u64 off)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return pagecache_get_page(map, off >> PAGE_SHIFT, 0, 0);
#else
	struct hstate *h = hstate_inode(map->host);
	struct page *page = pagecache_get_page(map, off >> huge_page_shift(h),
					       0, 0);

	if (!page)
		return NULL;
	return nth_page(page, (off & ~huge_page_mask(h)) >> PAGE_SHIFT);
#endif
}

#endif /* VUSER_COMPAT_H */
