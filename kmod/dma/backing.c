// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a mapping.
 *
 * Memory with pages, including shared files, is pinned by MAP_DMA and counted
 * against RLIMIT_MEMLOCK.  So a server's DMA never faults, and it still works
 * after the process that mapped the memory has exited.
 *
 * For device memory, only the frame numbers are recorded, as in type1.  Shared
 * areas of a vuser device are an exception.  They are memory of a server and
 * may be used after that server has exited, so their pages are held and
 * counted.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "compat.h"
#include "dma/backing.h"
#include "dma/file.h"

/* The function @mapped_page of struct vuser_dma_ops. */
static struct page *(*vuser_backing_mapped_page)(struct vm_area_struct *vma,
						 unsigned long addr);

/* Maximum number of pages that one call pins: their pointers fill one page. */
#define VUSER_PIN_BATCH		(PAGE_SIZE / sizeof(struct page *))

/*
 * Adds @pages to the locked pages of the mm, which RLIMIT_MEMLOCK limits; or, if
 * @inc is false, subtracts them.
 */
static int vuser_backing_account(struct vuser_backing *back,
				 unsigned long pages, bool inc)
{
	int ret = 0;

	if (inc)
		ret = mmap_write_lock_killable(back->mm);
	else
		mmap_write_lock(back->mm);
	if (ret)
		return ret;
	ret = __account_locked_vm(back->mm, pages, inc, back->task,
				  back->lock_cap);
	mmap_write_unlock(back->mm);
	if (!ret)
		back->accounted = inc ? pages : 0;
	return ret;
}

/* Makes room for more runs. */
static int vuser_backing_grow(struct vuser_backing *back)
{
	size_t max = max_t(size_t, 4, back->max_runs * 2);
	struct vuser_run *runs;

	runs = kvmalloc_array(max, sizeof(*runs), GFP_KERNEL_ACCOUNT);
	if (!runs)
		return -ENOMEM;
	if (back->nr_runs)
		memcpy(runs, back->runs, back->nr_runs * sizeof(*runs));
	kvfree(back->runs);
	back->runs = runs;
	back->max_runs = max;
	return 0;
}

/* Appends a page to the runs. */
static int vuser_backing_add(struct vuser_backing *back, unsigned long pfn)
{
	struct vuser_run *last;
	int ret;

	if (back->nr_runs) {
		last = &back->runs[back->nr_runs - 1];
		if (last->pfn + (back->nr_pages - last->first) == pfn) {
			back->nr_pages++;
			return 0;
		}
	}
	if (back->nr_runs == back->max_runs) {
		ret = vuser_backing_grow(back);
		if (ret)
			return ret;
	}
	last = &back->runs[back->nr_runs++];
	last->first = back->nr_pages++;
	last->pfn = pfn;
	return 0;
}

/*
 * Before 6.2 a long-term pin fails with EFAULT when user space has yet to
 * provide a page (userfaultfd).  So access the page first, which waits until
 * the page is present, and pin again.
 */
static int vuser_backing_pin_retry(unsigned long vaddr, int nr, int flags,
				   struct page **pages)
{
	char __user *addr = (char __user *)vaddr;
	size_t left;

	if (flags & FOLL_WRITE)
		left = fault_in_safe_writeable(addr, PAGE_SIZE);
	else
		left = fault_in_readable(addr, PAGE_SIZE);
	return left ? -EFAULT : pin_user_pages_fast(vaddr, nr, flags, pages);
}

/*
 * Pins one batch of pages and adds them to the runs.  On failure, unpins the
 * pages that were not added.
 */
static int vuser_backing_pin_batch(struct vuser_backing *back,
				   unsigned long vaddr, unsigned long left,
				   struct page **pages)
{
	int flags = FOLL_LONGTERM | (back->write ? FOLL_WRITE : 0);
	int nr = min(left, VUSER_PIN_BATCH);
	int i, got, ret = 0;

	got = pin_user_pages_fast(vaddr, nr, flags, pages);
	if (got == -EFAULT)
		got = vuser_backing_pin_retry(vaddr, nr, flags, pages);
	if (got <= 0)
		return got ?: -EFAULT;
	for (i = 0; i < got && !ret; i++)
		ret = vuser_backing_add(back, page_to_pfn(pages[i]));
	if (ret)
		unpin_user_pages(pages + i - 1, got - i + 1);
	return ret;
}

/*
 * Counts and pins @nr pages.  On failure, vuser_backing_release() undoes what
 * was done.
 */
static int vuser_backing_pin(struct vuser_backing *back, unsigned long vaddr,
			     unsigned long nr)
{
	struct page **pages;
	int ret;

	ret = vuser_backing_account(back, nr, true);
	if (ret)
		return ret;

	pages = (struct page **)__get_free_page(GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	while (back->nr_pages < nr && !ret) {
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		cond_resched();
		ret = vuser_backing_pin_batch(back,
					      vaddr + back->nr_pages * PAGE_SIZE,
					      nr - back->nr_pages, pages);
	}
	free_page((unsigned long)pages);
	return ret;
}

/*
 * Is this a page frame of device memory?  A frame of ordinary memory is not
 * usable, because a frame number does not keep the page from being freed.
 */
static bool vuser_backing_is_device_pfn(unsigned long pfn)
{
	if (page_is_ram(pfn))
		return false;
	return !pfn_valid(pfn) || PageReserved(pfn_to_page(pfn));
}

/*
 * Adds a page of a shared area of a vuser device.  Only used if the mapping
 * starts in a shared area: then all of the mapping must be in shared areas.
 */
static int vuser_backing_follow_shared(struct vuser_backing *back,
				       struct vm_area_struct *vma,
				       unsigned long vaddr)
{
	struct page *page;
	int ret;

	if (back->write && !(vma->vm_flags & VM_WRITE))
		return -EFAULT;
	page = vuser_backing_mapped_page(vma, vaddr);
	if (!page)
		return -EFAULT;
	ret = vuser_backing_add(back, page_to_pfn(page));
	if (ret)
		put_page(page);
	return ret;
}

/* Adds a page of device memory that is not in a shared area. */
static int vuser_backing_follow_device(struct vuser_backing *back,
				       struct vm_area_struct *vma,
				       unsigned long vaddr)
{
	unsigned long pfn;

	if (vuser_follow_pfn(vma, vaddr, back->write, &pfn) ||
	    !vuser_backing_is_device_pfn(pfn))
		return -EFAULT;
	return vuser_backing_add(back, pfn);
}

/*
 * Records the page frames of device memory that are mapped now.  Does not
 * fault pages in, since a fault may wait for a server or a file system.  The
 * caller holds the mmap lock.
 */
static int vuser_backing_follow(struct vuser_backing *back,
				struct mm_struct *mm, unsigned long vaddr,
				unsigned long nr)
{
	struct vm_area_struct *vma = vma_lookup(mm, vaddr);
	struct page *page = vuser_backing_mapped_page(vma, vaddr);
	int ret = 0;

	if (page)
		put_page(page);
	back->shared = page;
	back->opaque = true;
	while (back->nr_pages < nr && !ret) {
		if (fatal_signal_pending(current))
			return -EINTR;
		vma = vma_lookup(mm, vaddr);
		if (!vma || !(vma->vm_flags & VM_PFNMAP))
			return -EFAULT;
		ret = back->shared ?
		      vuser_backing_follow_shared(back, vma, vaddr) :
		      vuser_backing_follow_device(back, vma, vaddr);
		vaddr += PAGE_SIZE;
	}
	return ret;
}

/*
 * Can a server map this file instead of a memory fd?  Only files of shmem and
 * hugetlbfs qualify.  Two kinds of them must not be passed to another process:
 * System V shared memory, whose files have no read_iter, and files that
 * overlayfs opened for its own use, which are marked as backing files.
 *
 * Check the address space and not the file system: /dev is a tmpfs, but a
 * device node in it may be a whole disk.
 */
static bool vuser_backing_file_usable(struct file *file)
{
	if (vuser_is_backing_file(file) || !file->f_op->read_iter)
		return false;
	return shmem_mapping(file->f_mapping) || vuser_file_is_hugetlb(file);
}

/*
 * Takes a reference to the file of a range, if a server can map the file
 * instead of the range.  The range must be in one VMA, which is shared and may
 * be made writable.  The range must consist of whole blocks of the file,
 * because a server cannot map less than a block.  (A block of hugetlbfs is a
 * huge page.)
 */
static void vuser_backing_take_file(struct vuser_backing *back,
				    struct vm_area_struct *vma,
				    unsigned long vaddr, size_t size)
{
	const vm_flags_t need = VM_SHARED | VM_MAYWRITE;
	struct file *file = vma->vm_file;
	u64 offset;

	if (!file || (vma->vm_flags & need) != need ||
	    vma->vm_end - vaddr < size || !vuser_backing_file_usable(file))
		return;
	offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) + (vaddr - vma->vm_start);
	if (!IS_ALIGNED(offset | size, i_blocksize(file_inode(file))))
		return;
	back->file = get_file(file);
	back->offset = offset;
}

/* Records device memory, or takes the file of a range, under the mmap lock. */
static int vuser_backing_inspect(struct vuser_backing *back,
				 unsigned long vaddr, size_t size)
{
	struct mm_struct *mm = back->mm;
	struct vm_area_struct *vma;
	int ret = 0;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, vaddr);
	if (!vma)
		ret = -EFAULT;
	else if (vma->vm_flags & VM_PFNMAP)
		ret = vuser_backing_follow(back, mm, vaddr, size >> PAGE_SHIFT);
	else if (back->write)
		vuser_backing_take_file(back, vma, vaddr, size);
	mmap_read_unlock(mm);
	return ret;
}

/**
 * vuser_backing_take() - pin and count a range of the caller's memory
 * @back: zeroed; on success, the caller must release it with
 *	vuser_backing_release()
 * @vaddr: address in the caller's address space, page aligned
 * @size: bytes, page aligned, not 0; the range does not wrap
 * @write: a device may write to the memory
 *
 * Context: process; may sleep until user space provides the memory, so the
 * caller holds no lock that mmap or a fault takes.
 * Return: 0; -EFAULT when part of the range is not mapped, or cannot be used
 * for DMA; -ENOMEM, also when RLIMIT_MEMLOCK is exceeded; -EINTR when killed;
 * -ENODEV when the caller is a kernel thread; or an error of
 * pin_user_pages_fast().
 */
int vuser_backing_take(struct vuser_backing *back, unsigned long vaddr,
		       size_t size, bool write)
{
	int ret;

	if (!current->mm)
		return -ENODEV;

	back->write = write;
	back->task = get_task_struct(current->group_leader);
	back->lock_cap = capable(CAP_IPC_LOCK);
	back->mm = current->mm;
	mmgrab(back->mm);

	ret = vuser_backing_inspect(back, vaddr, size);
	if (!ret && !back->opaque)
		ret = vuser_backing_pin(back, vaddr, size >> PAGE_SHIFT);
	else if (!ret && back->shared)
		ret = vuser_backing_account(back, back->nr_pages, true);
	if (ret)
		vuser_backing_release(back);
	return ret;
}

/* The number of pages in run @i. */
static unsigned long vuser_run_length(const struct vuser_backing *back,
				      size_t i)
{
	unsigned long end = i + 1 < back->nr_runs ? back->runs[i + 1].first :
						    back->nr_pages;

	return end - back->runs[i].first;
}

/* Releases the pages of run @i, if the backing holds them. */
static void vuser_run_release(const struct vuser_backing *back, size_t i)
{
	unsigned long nr = vuser_run_length(back, i);
	unsigned long pfn = back->runs[i].pfn;

	if (!back->opaque) {
		unpin_user_page_range_dirty_lock(pfn_to_page(pfn), nr,
						 back->write);
		return;
	}
	/*
	 * Shared areas are files of shmem or hugetlbfs, so their pages can be
	 * marked dirty without the page lock.
	 */
	for (; back->shared && nr; nr--, pfn++) {
		if (back->write)
			set_page_dirty(pfn_to_page(pfn));
		put_page(pfn_to_page(pfn));
	}
}

/**
 * vuser_backing_release() - release the memory
 * @back: no server and no other thread can access its pages any more
 *
 * Unpins the pages and zeroes @back.
 *
 * Context: process; sleeps.  Takes the mmap lock for writing, unless the
 * process that mapped the memory has exited.
 */
void vuser_backing_release(struct vuser_backing *back)
{
	size_t i;

	for (i = 0; i < back->nr_runs; i++) {
		vuser_run_release(back, i);
		cond_resched();
	}
	kvfree(back->runs);

	if (back->accounted && mmget_not_zero(back->mm)) {
		vuser_backing_account(back, back->accounted, false);
		mmput(back->mm);
	}
	mmdrop(back->mm);
	put_task_struct(back->task);
	if (back->file)
		fput(back->file);
	memset(back, 0, sizeof(*back));
}

/* The index of the run that contains page @index of the mapping. */
static size_t vuser_run_find(const struct vuser_backing *back,
			     unsigned long index)
{
	size_t low = 0, high = back->nr_runs, mid;

	while (high - low > 1) {
		mid = low + (high - low) / 2;
		if (back->runs[mid].first <= index)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/**
 * vuser_backing_pfn() - find the page frame of a page of the mapping
 * @back: the memory
 * @index: index of the page, less than @back->nr_pages
 * @count: set to the number of physically contiguous pages that start at this
 *	page; may be NULL
 *
 * Context: any; the caller makes sure that @back is not released meanwhile.
 * Return: the page frame number.
 */
unsigned long vuser_backing_pfn(const struct vuser_backing *back,
				unsigned long index, unsigned long *count)
{
	size_t i = vuser_run_find(back, index);
	unsigned long skip = index - back->runs[i].first;

	if (count)
		*count = vuser_run_length(back, i) - skip;
	return back->runs[i].pfn + skip;
}

/* Copies to or from device memory, within one page. */
static int vuser_backing_copy_io(unsigned long pfn, size_t offset, void *buf,
				 size_t len, bool write)
{
	void __iomem *io = ioremap(PFN_PHYS(pfn), PAGE_SIZE);

	if (!io)
		return -EFAULT;
	if (write)
		memcpy_toio(io + offset, buf, len);
	else
		memcpy_fromio(buf, io + offset, len);
	iounmap(io);
	return 0;
}

/* Copies to or from ordinary memory, within one page. */
static void vuser_backing_copy_page(unsigned long pfn, size_t offset, void *buf,
				    size_t len, bool write)
{
	void *page = kmap_local_page(pfn_to_page(pfn));

	if (write)
		memcpy(page + offset, buf, len);
	else
		memcpy(buf, page + offset, len);
	kunmap_local(page);
}

/**
 * vuser_backing_copy() - copy from or to the memory
 * @back: the memory; the caller makes sure that it is not released meanwhile
 * @offset: start in the memory, in bytes
 * @buf: kernel memory
 * @len: bytes; the range ends within the memory
 * @write: true copies from @buf to the memory, false from the memory to @buf
 *
 * Context: process; may sleep to map device memory, but never waits for user
 * space.
 * Return: 0, or -EFAULT when a page of device memory cannot be mapped into the
 * kernel; the bytes before this page have been copied.
 */
int vuser_backing_copy(const struct vuser_backing *back, u64 offset, void *buf,
		       size_t len, bool write)
{
	size_t part, skip;
	unsigned long pfn;
	int ret;

	while (len) {
		skip = offset_in_page(offset);
		part = min_t(size_t, len, PAGE_SIZE - skip);
		pfn = vuser_backing_pfn(back, offset >> PAGE_SHIFT, NULL);
		if (back->opaque && !back->shared) {
			ret = vuser_backing_copy_io(pfn, skip, buf, part,
						    write);
			if (ret)
				return ret;
		} else {
			vuser_backing_copy_page(pfn, skip, buf, part, write);
		}
		offset += part;
		buf += part;
		len -= part;
	}
	return 0;
}

/**
 * vuser_backing_init() - set the function that finds pages of mapped regions
 * @mapped_page: see struct vuser_dma_ops
 *
 * Context: process, once, when the module is loaded.
 */
void __init vuser_backing_init(struct page *(*mapped_page)(struct vm_area_struct *vma,
							   unsigned long addr))
{
	vuser_backing_mapped_page = mapped_page;
}
