// SPDX-License-Identifier: GPL-2.0
/*
 * Watches a range of a process's address space.  Memory that belongs to a device
 * cannot be pinned: its driver may use it for something else, or remove it, as
 * soon as it has unmapped it from the process.  So the module must not access such
 * memory on behalf of the process after that time.
 *
 * The kernel calls an MMU notifier before it removes pages from the page tables:
 * for munmap(), mremap(), the end of the process, and when a driver removes the
 * pages itself.  The notifier marks these pages as gone, under a lock that each
 * access holds for reading.  So once the notifier has returned, no access to these
 * pages is made any more.  A page that is gone stays gone, even if the process maps
 * memory at its address again.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "dma/watch.h"
#include "vuser.h"

/**
 * struct vuser_watch - a range that is watched
 * @notifier: called before pages of the range are unmapped
 * @seq: the notifier's sequence number when the watch was started; differs from
 *	the current number if pages were unmapped since then
 * @lock: protects @gone.  An access to one page holds it for reading; the notifier
 *	takes it for writing.  No memory is allocated while it is held, because the
 *	kernel may call the notifier to free memory.  Nothing is waited for
 * @first: number of the first page of the range: its address divided by PAGE_SIZE
 * @nr: number of pages
 * @gone: a bit for each page: set if the page was unmapped
 */
struct vuser_watch {
	struct mmu_interval_notifier notifier;
	unsigned long seq;
	struct rw_semaphore lock;
	unsigned long first;
	unsigned long nr;
	unsigned long *gone;
};

/* Whether an event leaves the pages in place, and changes only their protection. */
static bool vuser_watch_keeps_pages(const struct mmu_notifier_range *range)
{
	switch (range->event) {
	case MMU_NOTIFY_PROTECTION_VMA:
	case MMU_NOTIFY_PROTECTION_PAGE:
	case MMU_NOTIFY_SOFT_DIRTY:
		return true;
	default:
		return false;
	}
}

/*
 * Marks the pages as gone, and waits for accesses to them.  An access copies at
 * most one page, so the wait is short.  If the caller must not wait at all, and
 * an access runs now, returns false: the caller then keeps the pages.
 */
static bool vuser_watch_invalidate(struct mmu_interval_notifier *notifier,
				   const struct mmu_notifier_range *range,
				   unsigned long seq)
{
	struct vuser_watch *watch = container_of(notifier, struct vuser_watch,
						 notifier);
	unsigned long start = range->start >> PAGE_SHIFT;
	unsigned long last = (range->end - 1) >> PAGE_SHIFT;

	if (vuser_watch_keeps_pages(range))
		return true;
	if (mmu_notifier_range_blockable(range))
		down_write(&watch->lock);
	else if (!down_write_trylock(&watch->lock))
		return false;
	mmu_interval_set_seq(notifier, seq);
	start = max(start, watch->first) - watch->first;
	last = min(last - watch->first, watch->nr - 1);
	bitmap_set(watch->gone, start, last - start + 1);
	up_write(&watch->lock);
	return true;
}

static const struct mmu_interval_notifier_ops vuser_watch_ops = {
	.invalidate = vuser_watch_invalidate,
};

/**
 * vuser_watch_size() - compute the memory that a watch needs for its pages
 * @nr: number of pages
 *
 * Context: any.
 * Return: the number of whole pages of kernel memory.
 */
unsigned long vuser_watch_size(unsigned long nr)
{
	return nr / (BITS_PER_BYTE * PAGE_SIZE);
}

/**
 * vuser_watch_start() - start to watch a range of the caller's address space
 * @vaddr: start of the range, page aligned
 * @nr: number of pages, not 0; the range does not wrap
 *
 * Context: process; sleeps until pages of the range that are being unmapped now
 * are unmapped.  Takes the mmap lock, so the caller holds no lock that is taken
 * under the mmap lock.
 * Return: the watch, to be ended with vuser_watch_stop(); ERR_PTR(-ENOMEM);
 * ERR_PTR(-EOPNOTSUPP) if the kernel has no MMU notifiers; an error of
 * vuser_interrupted() if a signal is pending; or another error of
 * mmu_interval_notifier_insert().
 */
struct vuser_watch *vuser_watch_start(unsigned long vaddr, unsigned long nr)
{
	struct vuser_watch *watch;
	int ret = -ENOMEM;

	/* A bit is numbered by an int. */
	if (nr > INT_MAX)
		return ERR_PTR(-ENOMEM);
	watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);
	if (!watch)
		return ERR_PTR(-ENOMEM);
	watch->gone = kvcalloc(BITS_TO_LONGS(nr), sizeof(long),
			       GFP_KERNEL_ACCOUNT);
	if (!watch->gone)
		goto err_free;
	init_rwsem(&watch->lock);
	watch->first = vaddr >> PAGE_SHIFT;
	watch->nr = nr;
	ret = mmu_interval_notifier_insert(&watch->notifier, current->mm, vaddr,
					   nr << PAGE_SHIFT, &vuser_watch_ops);
	/* Any signal ends the first insertion into an mm. */
	if (ret == -EINTR)
		ret = vuser_interrupted();
	if (ret)
		goto err_free;
	watch->seq = mmu_interval_read_begin(&watch->notifier);
	return watch;

err_free:
	kvfree(watch->gone);
	kfree(watch);
	return ERR_PTR(ret);
}

/**
 * vuser_watch_untouched() - check that no page was unmapped while it was looked up
 * @watch: the watch
 *
 * A caller that looks up the pages of the range calls this function afterwards,
 * and uses the pages only if it returns true.
 *
 * Context: process; may sleep for a short time.
 * Return: true if no page was unmapped since vuser_watch_start() has returned, and
 * no page is being unmapped now.
 */
bool vuser_watch_untouched(struct vuser_watch *watch)
{
	bool untouched;

	down_read(&watch->lock);
	untouched = !mmu_interval_read_retry(&watch->notifier, watch->seq) &&
		    bitmap_empty(watch->gone, watch->nr);
	up_read(&watch->lock);
	return untouched;
}

/**
 * vuser_watch_lock() - keep a page from being unmapped
 * @watch: the watch
 * @index: number of the page in the range
 *
 * Context: process; may sleep for a short time.  Until it calls
 * vuser_watch_unlock(), the caller neither allocates memory nor waits for another
 * process.
 * Return: true if the page is still mapped; then the caller must call
 * vuser_watch_unlock().  False if the page is gone.
 */
bool vuser_watch_lock(struct vuser_watch *watch, unsigned long index)
{
	down_read(&watch->lock);
	if (!test_bit(index, watch->gone))
		return true;
	up_read(&watch->lock);
	return false;
}

/**
 * vuser_watch_unlock() - allow that pages are unmapped again
 * @watch: the watch, after vuser_watch_lock() has returned true
 *
 * Context: process.
 */
void vuser_watch_unlock(struct vuser_watch *watch)
{
	up_read(&watch->lock);
}

/**
 * vuser_watch_stop() - end a watch and free it
 * @watch: the watch; no other thread uses it any more
 *
 * Works also after the process has exited.
 *
 * Context: process; sleeps until a notifier that runs now has finished.  The
 * caller does not hold the mmap lock.
 */
void vuser_watch_stop(struct vuser_watch *watch)
{
	mmu_interval_notifier_remove(&watch->notifier);
	kvfree(watch->gone);
	kfree(watch);
}
