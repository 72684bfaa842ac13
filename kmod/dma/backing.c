// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a mapping.
 *
 * Memory with pages, including shared files, is pinned by MAP_DMA and counted
 * against RLIMIT_MEMLOCK.  So a server's DMA never faults, and it still works
 * after the process that mapped the memory has exited.
 *
 * Device memory cannot be pinned; foreign.c handles it.  Of device memory, only
 * pages of shared areas are held and counted.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "compat.h"
#include "dma/backing.h"
#include "dma/copy.h"
#include "dma/file.h"
#include "dma/watch.h"

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
		back->accounted += inc ? pages : -pages;
	return ret;
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
		ret = vuser_runs_add(&back->runs, page_to_pfn(pages[i]));
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
	unsigned long done;
	int ret;

	ret = vuser_backing_account(back, nr, true);
	if (ret)
		return ret;

	pages = (struct page **)__get_free_page(GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	while ((done = back->runs.nr_pages) < nr && !ret) {
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		cond_resched();
		ret = vuser_backing_pin_batch(back, vaddr + done * PAGE_SIZE,
					      nr - done, pages);
	}
	free_page((unsigned long)pages);
	return ret;
}

/*
 * Can a server map this file instead of a memory fd?  Only files of shmem and
 * hugetlbfs qualify.  Two kinds of them must not be passed to another process:
 * System V shared memory, whose files have no read_iter, and files that
 * overlayfs opened for its own use, which are marked as backing files.
 */
static bool vuser_backing_file_usable(struct file *file)
{
	if (vuser_is_backing_file(file) || !file->f_op->read_iter)
		return false;
	return vuser_file_is_memory(file);
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

/* Checks for device memory, or takes the file of a range, under the mmap lock. */
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
	else if (vuser_foreign_inspect(&back->foreign, vma))
		back->opaque = true;
	else if (back->write)
		vuser_backing_take_file(back, vma, vaddr, size);
	mmap_read_unlock(mm);
	return ret;
}

/*
 * Takes device memory.  Counts the pages that are held, and the memory that is
 * needed to watch the other ones.
 */
static int vuser_backing_take_foreign(struct vuser_backing *back,
				      unsigned long vaddr)
{
	unsigned long size = vuser_watch_size(back->nr_pages);
	int ret;

	ret = vuser_foreign_check(vaddr, back->nr_pages);
	if (!ret && size)
		ret = vuser_backing_account(back, size, true);
	if (!ret)
		ret = vuser_foreign_take(&back->foreign, &back->runs, vaddr,
					 back->nr_pages, back->write);
	if (!ret && size && !back->foreign.watch)
		ret = vuser_backing_account(back, size, false);
	if (!ret && back->foreign.held)
		ret = vuser_backing_account(back, back->foreign.held, true);
	return ret;
}

/*
 * vuser_backing_take() once.  Returns -ESTALE if the files of shared areas were replaced
 * meanwhile, because another server serves their device.
 */
static int vuser_backing_try_take(struct vuser_backing *back, unsigned long vaddr,
				  size_t size, bool write)
{
	int ret;

	back->nr_pages = size >> PAGE_SHIFT;
	back->write = write;
	back->task = get_task_struct(current->group_leader);
	back->lock_cap = capable(CAP_IPC_LOCK);
	back->mm = current->mm;
	mmgrab(back->mm);

	ret = vuser_backing_inspect(back, vaddr, size);
	if (!ret && back->opaque)
		ret = vuser_backing_take_foreign(back, vaddr);
	else if (!ret)
		ret = vuser_backing_pin(back, vaddr, back->nr_pages);
	if (ret)
		vuser_backing_release(back);
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
 * -ERESTARTNOINTR when another signal interrupted the call: the kernel then repeats
 * the system call; -ENODEV when the caller is a kernel thread; or an error of
 * pin_user_pages_fast().
 */
int vuser_backing_take(struct vuser_backing *back, unsigned long vaddr,
		       size_t size, bool write)
{
	int ret;

	if (!current->mm)
		return -ENODEV;
	do {
		ret = vuser_backing_try_take(back, vaddr, size, write);
	} while (ret == -ESTALE);
	return ret;
}

/* Unpins the pages. */
static void vuser_backing_unpin(struct vuser_backing *back)
{
	size_t i;

	for (i = 0; i < back->runs.nr; i++) {
		unpin_user_page_range_dirty_lock(pfn_to_page(back->runs.runs[i].frame),
						 vuser_runs_length(&back->runs, i),
						 back->write);
		cond_resched();
	}
}

/**
 * vuser_backing_release() - release the memory
 * @back: no server and no other thread can access its pages any more, and no access
 *	to a trapped page runs
 *
 * Unpins the pages and zeroes @back.  No access to the memory runs after this
 * function returns.
 *
 * Context: process; sleeps, but does not wait for a server.  Takes the mmap lock for
 * writing, unless the process that mapped the memory has exited.
 */
void vuser_backing_release(struct vuser_backing *back)
{
	if (back->opaque)
		vuser_foreign_release(&back->foreign, &back->runs, back->write);
	else
		vuser_backing_unpin(back);
	vuser_runs_free(&back->runs);

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
	return vuser_runs_frame(&back->runs, index, count);
}

/* Copies to or from ordinary memory, within one page. */
static void vuser_backing_copy_page(unsigned long pfn, size_t offset, void *buf,
				    size_t len, bool write)
{
	void *page = kmap_local_page(pfn_to_page(pfn));

	if (write)
		vuser_copy_to(page + offset, buf, len);
	else
		vuser_copy_from(buf, page + offset, len);
	kunmap_local(page);
}

/* Copies to or from the memory, within one page. */
static int vuser_backing_copy_part(const struct vuser_backing *back, u64 offset,
				   void *buf, size_t len, bool write)
{
	unsigned long index = offset >> PAGE_SHIFT;
	unsigned long frame = vuser_runs_frame(&back->runs, index, NULL);
	size_t skip = offset_in_page(offset);

	if (!back->opaque) {
		vuser_backing_copy_page(frame, skip, buf, len, write);
		return 0;
	}
	if (vuser_foreign_holds(&back->foreign, frame)) {
		if (!vuser_foreign_lock(&back->foreign))
			return -EFAULT;
		vuser_backing_copy_page(frame, skip, buf, len, write);
		vuser_foreign_unlock(&back->foreign);
		return 0;
	}
	if (vuser_foreign_traps(&back->foreign, &back->runs, index))
		return -EAGAIN;
	return vuser_foreign_copy(&back->foreign, &back->runs, index, skip, buf,
				  len, write);
}

/**
 * vuser_backing_copy() - copy from or to the memory
 * @back: the memory; the caller makes sure that it is not released meanwhile
 * @offset: start in the memory, in bytes
 * @buf: kernel memory
 * @len: bytes; the range ends within the memory
 * @write: true copies from @buf to the memory, false from the memory to @buf
 *
 * The memory is accessed in ascending order, in aligned words; see copy.c.
 *
 * Context: process; may sleep to map device memory, but never waits for user
 * space.
 * Return: 0; -EFAULT when a page of device memory was unmapped by the consumer, cannot be
 * mapped into the kernel, or belongs to a server that another one has replaced; -EAGAIN
 * when accesses to a page are trapped, see vuser_backing_traps().  After an error, the
 * bytes before this page have been copied.
 */
int vuser_backing_copy(const struct vuser_backing *back, u64 offset, void *buf,
		       size_t len, bool write)
{
	size_t part;
	int ret = 0;

	while (len && !ret) {
		part = min_t(size_t, len, PAGE_SIZE - offset_in_page(offset));
		ret = vuser_backing_copy_part(back, offset, buf, part, write);
		offset += part;
		buf += part;
		len -= part;
	}
	return ret;
}

/**
 * vuser_backing_traps() - check whether an access must wait for a server
 * @back: the memory; the caller makes sure that it is not released meanwhile
 * @offset: start in the memory, in bytes
 * @len: bytes, not 0; the range ends within the memory
 *
 * Context: any.
 * Return: true if the range has pages whose accesses are trapped: registers of a
 * vuser device.
 */
bool vuser_backing_traps(const struct vuser_backing *back, u64 offset,
			 size_t len)
{
	unsigned long index = offset >> PAGE_SHIFT;
	unsigned long last = (offset + len - 1) >> PAGE_SHIFT;

	if (!back->foreign.regions)
		return false;
	for (; index <= last; index++)
		if (vuser_foreign_traps(&back->foreign, &back->runs, index))
			return true;
	return false;
}
