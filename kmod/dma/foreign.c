// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of devices that a consumer has mapped into its address space, and maps for
 * DMA from there (peer-to-peer DMA).  Servers get no file for it: they access it
 * with DMA_READ and DMA_WRITE.
 *
 * Memory of a device of another driver is known by its frame numbers only.  The
 * driver may unmap it at any time and then use it for something else.  So the range
 * is watched, and a page is accessed only as long as the consumer has it mapped.
 *
 * Regions of vuser devices have two kinds of pages.  A page of a shared area is
 * memory of a server: it is taken as a page fault would take it, and held.  All
 * other pages are trapped: an access to such a page is an access to the region,
 * and the caller waits for the server of that device.  These pages are watched, too.
 */
#include <linux/bitops.h>
#include <linux/file.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/wait_bit.h>

#include "compat.h"
#include "dma/copy.h"
#include "dma/epoch.h"
#include "dma/foreign.h"
#include "dma/ops.h"
#include "dma/runs.h"
#include "dma/watch.h"

static const struct vuser_dma_ops *vuser_foreign_ops;

/* Taking ------------------------------------------------------------------- */

/*
 * Is this a page frame of device memory?  A frame of ordinary memory is not
 * usable, because a frame number does not keep the page from being freed.
 */
static bool vuser_foreign_is_device_pfn(unsigned long pfn)
{
	if (page_is_ram(pfn))
		return false;
	return !pfn_valid(pfn) || PageReserved(pfn_to_page(pfn));
}

/*
 * Adds the frames that are mapped now.  Does not fault pages in, since a fault may
 * wait for a server or a file system.  The caller holds the mmap lock.
 */
static int vuser_foreign_follow_locked(struct vuser_runs *runs,
				       unsigned long vaddr, unsigned long nr,
				       bool write)
{
	struct vm_area_struct *vma;
	unsigned long pfn;
	int ret = 0;

	for (; nr && !ret; nr--, vaddr += PAGE_SIZE) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		vma = vma_lookup(current->mm, vaddr);
		if (!vma || !(vma->vm_flags & VM_PFNMAP) ||
		    vuser_foreign_ops->regions(vma))
			return -EFAULT;
		if (vuser_follow_pfn(vma, vaddr, write, &pfn) ||
		    !vuser_foreign_is_device_pfn(pfn))
			return -EFAULT;
		ret = vuser_runs_add(runs, pfn);
	}
	return ret;
}

/* Adds the frames of memory of another driver. */
static int vuser_foreign_follow(struct vuser_runs *runs, unsigned long vaddr,
				unsigned long nr, bool write)
{
	int ret;

	if (mmap_read_lock_killable(current->mm))
		return -EINTR;
	ret = vuser_foreign_follow_locked(runs, vaddr, nr, write);
	mmap_read_unlock(current->mm);
	return ret;
}

/*
 * Finds the device file that is mapped at @vaddr; it must be that of the device
 * with @fm->regions.  Sets *@pgoff to the page number in the file, and *@count to
 * the number of pages up to the end of the VMA.  Returns the file with a reference,
 * or an ERR_PTR().
 */
static struct file *vuser_foreign_get_file(const struct vuser_foreign *fm,
					   unsigned long vaddr, bool write,
					   pgoff_t *pgoff,
					   unsigned long *count)
{
	struct file *file = ERR_PTR(-EFAULT);
	struct vm_area_struct *vma;

	if (mmap_read_lock_killable(current->mm))
		return ERR_PTR(-EINTR);
	vma = vma_lookup(current->mm, vaddr);
	if (vma && vuser_foreign_ops->regions(vma) == fm->regions &&
	    (!write || (vma->vm_flags & VM_WRITE))) {
		file = get_file(vma->vm_file);
		*pgoff = vma->vm_pgoff + ((vaddr - vma->vm_start) >> PAGE_SHIFT);
		*count = (vma->vm_end - vaddr) >> PAGE_SHIFT;
	}
	mmap_read_unlock(current->mm);
	return file;
}

/* Adds a page of a region: takes the page, or marks it as trapped. */
static int vuser_foreign_add_page(struct vuser_foreign *fm,
				  struct vuser_runs *runs, pgoff_t pgoff)
{
	struct page *page = vuser_foreign_ops->take_page(fm->regions, pgoff);
	int ret;

	if (IS_ERR(page))
		return PTR_ERR(page);
	if (!page)
		return vuser_runs_add(runs, pgoff | VUSER_FOREIGN_TRAPPED);
	ret = vuser_runs_add(runs, page_to_pfn(page));
	if (ret)
		put_page(page);
	else
		fm->held++;
	return ret;
}

/* Adds @count pages of regions from page number @pgoff of the device file on. */
static int vuser_foreign_add_pages(struct vuser_foreign *fm,
				   struct vuser_runs *runs, pgoff_t pgoff,
				   unsigned long count)
{
	int ret = 0;

	for (; count && !ret; count--, pgoff++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		ret = vuser_foreign_add_page(fm, runs, pgoff);
	}
	return ret;
}

/*
 * Adds the pages of regions.  Taking a page may wait for memory and for locks of the
 * server's file, so the mmap lock is not held.  The reference to the device file
 * keeps the device open meanwhile.
 */
static int vuser_foreign_add_regions(struct vuser_foreign *fm,
				     struct vuser_runs *runs,
				     unsigned long vaddr, unsigned long nr,
				     bool write)
{
	unsigned long count;
	struct file *file;
	pgoff_t pgoff;
	int ret = 0;

	while (runs->nr_pages < nr && !ret) {
		file = vuser_foreign_get_file(fm, vaddr +
					      runs->nr_pages * PAGE_SIZE, write,
					      &pgoff, &count);
		if (IS_ERR(file))
			return PTR_ERR(file);
		if (!fm->epoch)
			fm->epoch = vuser_foreign_ops->epoch(fm->regions);
		ret = vuser_foreign_add_pages(fm, runs, pgoff,
					      min(count, nr - runs->nr_pages));
		fput(file);
	}
	if (ret || !fm->held)
		return ret;
	/* The server that gave the pages may have been replaced meanwhile. */
	if (!vuser_foreign_lock(fm))
		return -ESTALE;
	vuser_foreign_unlock(fm);
	return 0;
}

/**
 * vuser_foreign_inspect() - check whether a VMA maps device memory
 * @fm: zeroed; @fm->regions is set
 * @vma: the first VMA of the range that will be taken
 *
 * Context: process; the mmap lock is held.
 * Return: true if vuser_foreign_take() must be used to take the range.
 */
bool vuser_foreign_inspect(struct vuser_foreign *fm, struct vm_area_struct *vma)
{
	fm->regions = vuser_foreign_ops->regions(vma);
	return vma->vm_flags & VM_PFNMAP;
}

/**
 * vuser_foreign_check() - check that all of a range is device memory
 * @vaddr: address in the caller's address space, page aligned
 * @nr: number of pages, not 0; the range does not wrap
 *
 * Checks before memory is allocated for each page of the range: the consumer must
 * have mapped all of them.
 *
 * Context: process; takes the mmap lock.
 * Return: 0; -EFAULT when a part of the range is not mapped, or is not device memory;
 * -EINTR when killed.
 */
int vuser_foreign_check(unsigned long vaddr, unsigned long nr)
{
	unsigned long last = vaddr + (nr << PAGE_SHIFT) - 1;
	struct vm_area_struct *vma;
	int ret = 0;

	if (mmap_read_lock_killable(current->mm))
		return -EINTR;
	do {
		vma = vma_lookup(current->mm, vaddr);
		if (!vma || !(vma->vm_flags & VM_PFNMAP))
			ret = -EFAULT;
		else
			vaddr = vma->vm_end;
	} while (!ret && vaddr <= last);
	mmap_read_unlock(current->mm);
	return ret;
}

/**
 * vuser_foreign_take() - take a range of device memory of the caller
 * @fm: after vuser_foreign_inspect() has returned true
 * @runs: empty; the pages are added
 * @vaddr: address in the caller's address space, page aligned
 * @nr: number of pages, not 0; the range does not wrap
 * @write: a device may write to the memory
 *
 * All of the range must be memory of devices of other drivers, or all of it must be
 * in regions of one vuser device.  On failure, too, the caller must call
 * vuser_foreign_release().
 *
 * Context: process; may sleep for memory and for locks of a server's file.  Takes
 * the mmap lock.
 * Return: 0; -EFAULT when a part of the range is not mapped or cannot be used for
 * DMA, or was unmapped meanwhile; -ESTALE when the files of shared areas were replaced
 * meanwhile: try again after vuser_foreign_release(); -ENOMEM; or an error of
 * vuser_interrupted() when a signal is pending.
 */
int vuser_foreign_take(struct vuser_foreign *fm, struct vuser_runs *runs,
		       unsigned long vaddr, unsigned long nr, bool write)
{
	struct vuser_watch *watch = vuser_watch_start(vaddr, nr);
	int ret = -EFAULT;

	if (!IS_ERR(watch))
		fm->watch = watch;
	else if (PTR_ERR(watch) != -EOPNOTSUPP)
		return PTR_ERR(watch);
	if (fm->regions)
		ret = vuser_foreign_add_regions(fm, runs, vaddr, nr, write);
	else if (fm->watch)
		ret = vuser_foreign_follow(runs, vaddr, nr, write);
	if (ret)
		return ret;
	if (fm->held < nr)
		return fm->watch && vuser_watch_untouched(watch) ? 0 : -EFAULT;
	if (fm->watch)
		vuser_watch_stop(watch);
	fm->watch = NULL;
	return 0;
}

/* Releases the held pages of run @i. */
static void vuser_foreign_release_run(struct vuser_runs *runs, size_t i,
				      bool dirty)
{
	unsigned long nr = vuser_runs_length(runs, i);
	unsigned long pfn = runs->runs[i].frame;

	if (pfn & VUSER_FOREIGN_TRAPPED)
		return;
	for (; nr; nr--, pfn++) {
		if (dirty)
			set_page_dirty_lock(pfn_to_page(pfn));
		put_page(pfn_to_page(pfn));
	}
}

/**
 * vuser_foreign_release() - release device memory
 * @fm: no other thread uses it any more, and no access to it runs
 * @runs: the pages; the caller frees the list
 * @dirty: mark held pages dirty
 *
 * Context: process; sleeps for page locks.  The mmap lock is not held.
 */
void vuser_foreign_release(struct vuser_foreign *fm, struct vuser_runs *runs,
			   bool dirty)
{
	size_t i;

	if (fm->watch)
		vuser_watch_stop(fm->watch);
	for (i = 0; fm->regions && i < runs->nr; i++) {
		vuser_foreign_release_run(runs, i, dirty);
		cond_resched();
	}
	vuser_epoch_put(fm->epoch);
}

/* Copies ------------------------------------------------------------------- */

/**
 * vuser_foreign_holds() - check whether a page is held
 * @fm: the device memory
 * @frame: frame of a page, from the runs
 *
 * Context: any.
 * Return: true if @frame is the number of a page that has a struct page and is held.
 */
bool vuser_foreign_holds(const struct vuser_foreign *fm, unsigned long frame)
{
	return fm->regions && !(frame & VUSER_FOREIGN_TRAPPED);
}

/**
 * vuser_foreign_lock() - begin a copy from or to a held page
 * @fm: the device memory, which has held pages
 *
 * Context: process; may sleep for a short time.
 * Return: true, and the caller must call vuser_foreign_unlock(); false if the page is not
 * the device's any more, because another server serves the device.
 */
bool vuser_foreign_lock(const struct vuser_foreign *fm)
{
	return vuser_epoch_lock(fm->epoch);
}

/**
 * vuser_foreign_unlock() - end a copy from or to a held page
 * @fm: the device memory, after vuser_foreign_lock() has returned true
 *
 * Context: process.
 */
void vuser_foreign_unlock(const struct vuser_foreign *fm)
{
	vuser_epoch_unlock(fm->epoch);
}

/**
 * vuser_foreign_traps() - check whether accesses to a page are trapped
 * @fm: the device memory, or zeroed
 * @runs: the pages
 * @index: index of the page in the mapping
 *
 * Context: any.
 * Return: true if an access to this page must use vuser_foreign_access(), which
 * waits for a server.
 */
bool vuser_foreign_traps(const struct vuser_foreign *fm,
			 const struct vuser_runs *runs, unsigned long index)
{
	return fm->regions && fm->watch &&
	       (vuser_runs_frame(runs, index, NULL) & VUSER_FOREIGN_TRAPPED);
}

/*
 * Copies while the page is still mapped by the consumer.  Device memory is accessed
 * with ordinary loads and stores, as readq() and writeq() do on x86.
 */
static int vuser_foreign_copy_io(const struct vuser_foreign *fm,
				 unsigned long index, void __iomem *io,
				 void *buf, size_t len, bool write)
{
	if (!vuser_watch_lock(fm->watch, index))
		return -EFAULT;
	if (write)
		vuser_copy_to((void __force *)io, buf, len);
	else
		vuser_copy_from(buf, (const void __force *)io, len);
	vuser_watch_unlock(fm->watch);
	return 0;
}

/**
 * vuser_foreign_copy() - copy from or to a page of another driver's device
 * @fm: the device memory; the caller makes sure that it is not released meanwhile
 * @runs: the pages
 * @index: index of the page in the mapping; the page is neither held nor trapped
 * @offset: start in the page, in bytes
 * @buf: kernel memory
 * @len: bytes; the range ends within the page
 * @write: true copies from @buf to the page, false from the page to @buf
 *
 * Context: process; may sleep to map the page, but never waits for user space.
 * Return: 0, or -EFAULT when the consumer has unmapped the page, or the page cannot
 * be mapped into the kernel.
 */
int vuser_foreign_copy(const struct vuser_foreign *fm,
		       const struct vuser_runs *runs, unsigned long index,
		       size_t offset, void *buf, size_t len, bool write)
{
	unsigned long pfn = vuser_runs_frame(runs, index, NULL);
	void __iomem *io;
	int ret;

	/* Do not even map a page that is gone: it may be memory now. */
	if (!vuser_watch_lock(fm->watch, index))
		return -EFAULT;
	vuser_watch_unlock(fm->watch);
	io = ioremap(PFN_PHYS(pfn), PAGE_SIZE);
	if (!io)
		return -EFAULT;
	ret = vuser_foreign_copy_io(fm, index, io + offset, buf, len, write);
	iounmap(io);
	return ret;
}

/* Accesses to trapped pages ------------------------------------------------ */

/**
 * vuser_foreign_stop() - let no further access to a trapped page begin
 * @fm: the device memory, or zeroed
 *
 * A sequence of accesses that runs now ends after its current access.
 *
 * Context: process; the caller holds the lock under which accesses begin, for
 * writing.
 */
void vuser_foreign_stop(struct vuser_foreign *fm)
{
	WRITE_ONCE(fm->ending, true);
}

/**
 * vuser_foreign_wait_idle() - wait until no access to a trapped page runs
 * @fm: the device memory, after vuser_foreign_stop()
 *
 * Context: process, without locks; sleeps, not interruptible, at most as long as
 * the server of the pages may take to answer.
 */
void vuser_foreign_wait_idle(struct vuser_foreign *fm)
{
	wait_var_event(&fm->accesses, !atomic_read(&fm->accesses));
}

/**
 * vuser_foreign_begin() - begin an access to a trapped page
 * @fm: the device memory; the caller makes sure that it is not released meanwhile
 * @index: index of the page in the mapping; vuser_foreign_traps() is true for it
 *
 * Until vuser_foreign_end(), @fm is not released and the device is not closed.
 *
 * Context: process; the caller holds the lock of vuser_foreign_stop() for reading;
 * may sleep for a short time.
 * Return: 0; -EFAULT when the consumer has unmapped the page, or after
 * vuser_foreign_stop().
 */
int vuser_foreign_begin(struct vuser_foreign *fm, unsigned long index)
{
	if (fm->ending || !vuser_watch_lock(fm->watch, index))
		return -EFAULT;
	vuser_foreign_ops->begin(fm->regions);
	vuser_watch_unlock(fm->watch);
	atomic_inc(&fm->accesses);
	return 0;
}

/* Whether the page is still mapped, by the consumer and for DMA. */
static bool vuser_foreign_is_mapped(struct vuser_foreign *fm,
				    unsigned long index)
{
	if (READ_ONCE(fm->ending) || !vuser_watch_lock(fm->watch, index))
		return false;
	vuser_watch_unlock(fm->watch);
	return true;
}

/**
 * vuser_foreign_access() - make one access to a trapped page
 * @fm: the device memory, after vuser_foreign_begin()
 * @runs: the pages
 * @chan: channel of the device that makes the access
 * @offset: start in the mapping, in bytes
 * @buf: kernel memory
 * @len: bytes, not 0; the range ends within the page
 * @write: true writes @buf to the page, false reads the page to @buf
 *
 * The access may be shorter than @len: the caller repeats the call for the rest.
 *
 * Context: process, without locks; waits for the server of the page, at most as
 * long as that server may take to answer.
 * Return: the number of bytes of the access; -EFAULT when the consumer has unmapped
 * the page, or after vuser_foreign_stop(); -EACCES when the region does not allow the
 * access; -EDEADLK when the page belongs to the device that makes the access; -EIO
 * when the server refused, did not answer in time, or is lost.
 */
int vuser_foreign_access(struct vuser_foreign *fm,
			 const struct vuser_runs *runs,
			 struct vuser_channel *chan, u64 offset, void *buf,
			 size_t len, bool write)
{
	unsigned long frame = vuser_runs_frame(runs, offset >> PAGE_SHIFT, NULL);
	u64 pos = (u64)(frame & ~VUSER_FOREIGN_TRAPPED) << PAGE_SHIFT |
		  offset_in_page(offset);

	if (!vuser_foreign_is_mapped(fm, offset >> PAGE_SHIFT))
		return -EFAULT;
	return vuser_foreign_ops->access(fm->regions, chan, pos, buf, len,
					 write);
}

/**
 * vuser_foreign_end() - end an access to a trapped page
 * @fm: the device memory; the caller does not use it after this function
 *
 * Context: process.
 */
void vuser_foreign_end(struct vuser_foreign *fm)
{
	vuser_foreign_ops->end(fm->regions);
	if (atomic_dec_and_test(&fm->accesses))
		wake_up_var(&fm->accesses);
}

/**
 * vuser_foreign_init() - set the functions of the layers above
 * @ops: the functions
 *
 * Context: process, once, when the module is loaded.
 */
void __init vuser_foreign_init(const struct vuser_dma_ops *ops)
{
	vuser_foreign_ops = ops;
}
