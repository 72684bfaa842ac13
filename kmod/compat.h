/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the kernel versions that vuser supports.  Only this file of
 * the module tests the kernel version.
 */
#ifndef VUSER_COMPAT_H
#define VUSER_COMPAT_H

#include <linux/version.h>

/*
 * The kernels on which vuser is tested (lab/kernels.toml).  VFIO's internal interfaces
 * change without notice, so a module for another kernel may build and then fail.
 */
#define VUSER_IS_KERNEL(_major, _minor) \
	(LINUX_VERSION_MAJOR == (_major) && LINUX_VERSION_PATCHLEVEL == (_minor))
#if !VUSER_IS_KERNEL(6, 1) && !VUSER_IS_KERNEL(6, 12) && \
	!VUSER_IS_KERNEL(7, 2) && !defined(VUSER_ANY_KERNEL)
#error "vuser is tested on Linux 6.1, 6.12, 7.2; to try another: make VUSER_ANY_KERNEL=1"
#endif

#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sockptr.h>
#include <linux/vfio.h>
#include <net/af_unix.h>
#include <net/scm.h>
#include <net/sock.h>
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#include <linux/pfn_t.h>
#endif
/* 6.16 moved the CPUID functions out of asm/processor.h. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#include <asm/cpuid/api.h>
#else
#include <asm/processor.h>
#endif

/* 6.8 removed the count argument of eventfd_signal(). */
static inline void vuser_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

/* 6.13 added hrtimer_setup(), and 6.15 removed what it replaces. */
static inline void vuser_hrtimer_setup(struct hrtimer *timer,
				       enum hrtimer_restart (*fn)(struct hrtimer *timer))
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, fn, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	timer->function = fn;
#endif
}

/* 6.10 removed the second argument of __assign_str(). */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define vuser_assign_str(_name)		__assign_str(_name)
#else
#define vuser_assign_str(_name)		__assign_str(_name, _name)
#endif

/* 6.3 made vm_flags read-only and added vm_flags_mod(). */
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
 * True if a fault is handled under the lock of the VMA instead of the mmap lock.
 * Only 6.7 and later call a driver's fault handler with the lock of the VMA.
 */
static inline bool vuser_fault_has_vma_lock(const struct vm_fault *vmf)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return vmf->flags & FAULT_FLAG_VMA_LOCK;
#else
	return false;
#endif
}

/* Drops the lock under which a fault is handled: the VMA's or the mmap lock. */
static inline void vuser_fault_unlock(struct vm_fault *vmf)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	release_fault_lock(vmf);
#else
	mmap_read_unlock(vmf->vma->vm_mm);
#endif
}

/*
 * 6.19 and later handle VFIO_DEVICE_GET_REGION_INFO in VFIO's core, which calls
 * this callback.  Earlier kernels pass this ioctl to the driver.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#define VUSER_REGION_INFO_OPS(_caps)	.get_region_info_caps = (_caps),
#else
#define VUSER_REGION_INFO_OPS(_caps)
#endif

/*
 * 6.2 added the states PRE_COPY of migration, and a callback that tells the size of a
 * device's state.  Before, VFIO's core uses neither.
 */
#ifdef VFIO_MIGRATION_PRE_COPY
#define VUSER_MIGRATION_FLAGS	(VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P | \
				 VFIO_MIGRATION_PRE_COPY)
#define VUSER_MIGRATION_SIZE_OPS(_size)	.migration_get_data_size = (_size),
#else
#define VUSER_MIGRATION_FLAGS	(VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P)
#define VUSER_MIGRATION_SIZE_OPS(_size)
#define VFIO_DEVICE_STATE_PRE_COPY		6
#define VFIO_DEVICE_STATE_PRE_COPY_P2P		7
#define VFIO_DEVICE_FEATURE_MIG_DATA_SIZE	9
#define VFIO_MIG_GET_PRECOPY_INFO		_IO(VFIO_TYPE, VFIO_BASE + 21)

struct vfio_precopy_info {
	__u32 argsz;
	__u32 flags;
	__aligned_u64 initial_bytes;
	__aligned_u64 dirty_bytes;
};

struct vfio_device_feature_mig_data_size {
	__aligned_u64 stop_copy_length;
};
#endif

/* True in the states of migration in which the device runs and its state can be read. */
static inline bool vuser_migration_pre_copy(u32 state)
{
	return state == VFIO_DEVICE_STATE_PRE_COPY ||
	       state == VFIO_DEVICE_STATE_PRE_COPY_P2P;
}

/* 6.13 made the argument of MODULE_IMPORT_NS() a string. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define VUSER_IMPORT_IOMMUFD	MODULE_IMPORT_NS("IOMMUFD")
#else
#define VUSER_IMPORT_IOMMUFD	MODULE_IMPORT_NS(IOMMUFD)
#endif

/*
 * Frees a VFIO device at the end of the driver's release callback.  In 6.2 and
 * later VFIO's core frees the device, and this function does nothing.
 */
static inline void vuser_vfio_free_device(struct vfio_device *vdev)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	vfio_free_device(vdev);
#endif
}

/*
 * True if the consumer opened the device's own node, and not the device of a group.
 * VFIO has these nodes since 6.6.
 */
static inline bool vuser_cdev_opened(struct vfio_device *vdev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	return vfio_device_cdev_opened(vdev);
#else
	return false;
#endif
}

/*
 * Makes a socket refuse file descriptors that the peer sends from now on, as
 * SO_PASSRIGHTS does.  Does not take the socket's lock: the caller makes sure that
 * no other process has the socket.  Kernels before 6.16 cannot refuse file
 * descriptors; there, vuser_files() finds them.
 */
static inline void vuser_refuse_fds(struct sock *sk)
{
#ifdef SO_PASSRIGHTS
	sk->sk_scm_rights = 0;
#endif
}

/*
 * Returns the files in a message that a UNIX socket has received, or NULL.  Where
 * vuser_refuse_fds() refuses them, messages have none.
 */
static inline struct scm_fp_list *vuser_files(struct sk_buff *skb)
{
#ifdef SO_PASSRIGHTS
	return NULL;
#else
	return UNIXCB(skb).fp;
#endif
}

/*
 * Returns what all mappings of a VFIO device's file are in, or NULL before 6.10: there
 * the file shares it with files of other kinds.
 */
static inline struct address_space *vuser_vfio_mapping(struct vfio_device *vdev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	return vdev->inode->i_mapping;
#else
	return NULL;
#endif
}

/* 6.2 changed the type of the first argument of pre_doit in a genetlink family. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define vuser_genl_ops		genl_split_ops
#else
#define vuser_genl_ops		genl_ops
#endif

/* 6.3 changed the type of the first argument of inode operations. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define vuser_mnt_idmap		mnt_idmap
#else
#define vuser_mnt_idmap		user_namespace
#endif

/*
 * True if an overlay file system opened this file in one of its layers.  Only 6.5
 * and later mark such files.
 */
static inline bool vuser_is_backing_file(struct file *file)
{
#ifdef FMODE_BACKING
	return file->f_mode & FMODE_BACKING;
#else
	return false;
#endif
}

/*
 * Looks up the page frame that a VM_PFNMAP VMA maps at @addr, without a fault.
 * The caller holds the mmap lock.  Returns 0, or -EFAULT if nothing is mapped
 * there, or if @write is set and the mapping is read-only.  6.12 replaced
 * follow_pte() by follow_pfnmap_start().
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
	spinlock_t *ptl;	/* lock of the page table */
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
 * Inserts a huge page into a VM_PFNMAP VMA, for the fault @vmf.  Returns a vm_fault_t.
 * Defined only if the kernel marks such entries as special: otherwise
 * get_user_pages_fast() would take references to the page.  6.17 removed pfn_t.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0) && \
	defined(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP)
#define VUSER_INSERT_HUGE
static inline vm_fault_t vuser_insert_huge(struct vm_fault *vmf,
					   unsigned long pfn)
{
	bool write = vmf->flags & FAULT_FLAG_WRITE;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	return vmf_insert_pfn_pmd(vmf, pfn, write);
#else
	return vmf_insert_pfn_pmd(vmf, __pfn_to_pfn_t(pfn, PFN_DEV), write);
#endif
}
#endif

/* 6.3 removed the last function of VFIO's IOMMU backends; vuser never needs it. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define VUSER_BACKEND_NOTIFY
#endif

/*
 * Returns the FPU state of the current task.  6.16 moved the FPU state from the
 * thread_struct to the memory directly after the task_struct.  x86_task_fpu()
 * cannot be used: with CONFIG_X86_DEBUG_FPU it is a function that is not exported.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define VUSER_FPU_BEHIND_TASK
#endif
static inline struct fpu *vuser_current_fpu(void)
{
#ifdef VUSER_FPU_BEHIND_TASK
	return (void *)current + sizeof(*current);
#else
	return &current->thread.fpu;
#endif
}

/*
 * Returns the page of a hugetlbfs file at @off (bytes) with a reference, or NULL
 * if the page cache does not have it.  Before 6.7 the page cache was indexed in
 * huge pages instead of pages.
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
