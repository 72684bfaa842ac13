// SPDX-License-Identifier: GPL-2.0
/*
 * The memory behind a mapping.  Whatever has pages is pinned when it is mapped
 * and counted against RLIMIT_MEMLOCK, shared files too: so a server's DMA never
 * faults, and goes on after the process that mapped it.  Device memory is only
 * remembered by its frame numbers, as type1 does; that of a vuser device's shared
 * areas is held and counted, for it is a server's memory and may outlive that.
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

/* The page of a mapped region; see struct vuser_dma_ops. */
static struct page *(*vuser_backing_mapped_page)(struct vm_area_struct *vma,
						 unsigned long addr);

/* Pages pinned at once: one page of pointers. */
#define VUSER_PIN_BATCH		(PAGE_SIZE / sizeof(struct page *))

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

/* Adds the mapping's next page. */
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
 * Before 6.2 a long-term pin does not wait for user space to bring a page in
 * (userfaultfd), but fails.  Then this waits, and the pin finds the page.
 */
static int vuser_pin_retry(unsigned long vaddr, int nr, int flags,
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

/* One batch of pages; on failure those that were not added are unpinned. */
static int vuser_pin_batch(struct vuser_backing *back, unsigned long vaddr,
			   unsigned long left, struct page **pages)
{
	int flags = FOLL_LONGTERM | (back->write ? FOLL_WRITE : 0);
	int nr = min(left, VUSER_PIN_BATCH);
	int i, got, ret = 0;

	got = pin_user_pages_fast(vaddr, nr, flags, pages);
	if (got == -EFAULT)
		got = vuser_pin_retry(vaddr, nr, flags, pages);
	if (got <= 0)
		return got ?: -EFAULT;
	for (i = 0; i < got && !ret; i++)
		ret = vuser_backing_add(back, page_to_pfn(pages[i]));
	if (ret)
		unpin_user_pages(pages + i - 1, got - i + 1);
	return ret;
}

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
		ret = vuser_pin_batch(back,
				      vaddr + back->nr_pages * PAGE_SIZE,
				      nr - back->nr_pages, pages);
	}
	free_page((unsigned long)pages);
	return ret;
}

/* Frames of ordinary memory are refused: nothing keeps them from being freed. */
static bool vuser_pfn_is_device(unsigned long pfn)
{
	if (page_is_ram(pfn))
		return false;
	return !pfn_valid(pfn) || PageReserved(pfn_to_page(pfn));
}

/*
 * A page of a shared area of a vuser device, which has a page as ordinary
 * memory has.  Only a mapping that starts in such an area has any.
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

static int vuser_backing_follow_device(struct vuser_backing *back,
				       struct vm_area_struct *vma,
				       unsigned long vaddr)
{
	unsigned long pfn;

	if (vuser_follow_pfn(vma, vaddr, back->write, &pfn) ||
	    !vuser_pfn_is_device(pfn))
		return -EFAULT;
	return vuser_backing_add(back, pfn);
}

/*
 * Device memory: frame numbers of what is mapped now, without faulting (which
 * would ask a server, or a file system, and wait).
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
 * Files that a server can map instead of our pages: shmem and hugetlbfs.  What
 * has no read_iter is System V shared memory, what is marked a backing file
 * belongs to an overlay: those are not meant to be passed on.  The pages tell,
 * not the file system: that of /dev is a tmpfs, whose nodes are whole disks.
 */
static bool vuser_file_fits(struct file *file)
{
	if (vuser_is_backing_file(file) || !file->f_op->read_iter)
		return false;
	return shmem_mapping(file->f_mapping) || vuser_file_is_hugetlb(file);
}

/*
 * Takes the file of a mapping that is shared, may be written, lies in one VMA
 * and is of whole blocks of it, which are the huge pages in hugetlbfs: nothing
 * smaller can be mapped by the server.
 */
static void vuser_backing_take_file(struct vuser_backing *back,
				    struct vm_area_struct *vma,
				    unsigned long vaddr, size_t size)
{
	const vm_flags_t need = VM_SHARED | VM_MAYWRITE;
	struct file *file = vma->vm_file;
	u64 offset;

	if (!file || (vma->vm_flags & need) != need ||
	    vma->vm_end - vaddr < size || !vuser_file_fits(file))
		return;
	offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) + (vaddr - vma->vm_start);
	if (!IS_ALIGNED(offset | size, i_blocksize(file_inode(file))))
		return;
	back->file = get_file(file);
	back->offset = offset;
}

/* Looks at what is mapped there: device memory, a file, or neither. */
static int vuser_backing_look(struct vuser_backing *back, unsigned long vaddr,
			      size_t size)
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
 * vuser_backing_take() - hold a range of the caller's memory
 * @back: zeroed; on success to be given to vuser_backing_release()
 * @vaddr: of the caller, page aligned
 * @size: bytes, page aligned, not 0, does not wrap
 * @write: a device may write to it
 *
 * Context: process, with an mm; no lock held that mmap or a fault takes.
 * Return: 0, -EFAULT where nothing suitable is mapped, -ENOMEM over
 * RLIMIT_MEMLOCK too, or -EINTR when killed.
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

	ret = vuser_backing_look(back, vaddr, size);
	if (!ret && !back->opaque)
		ret = vuser_backing_pin(back, vaddr, size >> PAGE_SHIFT);
	else if (!ret && back->shared)
		ret = vuser_backing_account(back, back->nr_pages, true);
	if (ret)
		vuser_backing_release(back);
	return ret;
}

static unsigned long vuser_run_length(const struct vuser_backing *back,
				      size_t i)
{
	unsigned long end = i + 1 < back->nr_runs ? back->runs[i + 1].first :
						    back->nr_pages;

	return end - back->runs[i].first;
}

static void vuser_run_release(const struct vuser_backing *back, size_t i)
{
	unsigned long nr = vuser_run_length(back, i);
	unsigned long pfn = back->runs[i].pfn;

	if (!back->opaque) {
		unpin_user_page_range_dirty_lock(pfn_to_page(pfn), nr,
						 back->write);
		return;
	}
	/* Shared areas are in memory file systems: no page lock is needed. */
	for (; back->shared && nr; nr--, pfn++) {
		if (back->write)
			set_page_dirty(pfn_to_page(pfn));
		put_page(pfn_to_page(pfn));
	}
}

/**
 * vuser_backing_release() - release the memory
 * @back: nobody looks at its pages any more
 *
 * Context: process; takes the mm's lock where that process still lives.
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

/* The run that page @index of the mapping is in. */
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
 * vuser_backing_pfn() - the frame of a page of the mapping
 * @back: the memory
 * @index: of the page, below nr_pages
 * @count: set to how many pages follow physically, this one included; or NULL
 *
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

/* Device memory, one page at most. */
static int vuser_copy_io(unsigned long pfn, size_t offset, void *buf,
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

static void vuser_copy_page(unsigned long pfn, size_t offset, void *buf,
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
 * @back: the memory; cannot be released meanwhile
 * @offset: from its start, bytes
 * @buf: kernel memory
 * @len: bytes; does not go beyond the end
 * @write: to the memory; else from it
 *
 * Context: process; never waits for user space.
 * Return: 0, or -EFAULT for device memory that cannot be reached.
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
			ret = vuser_copy_io(pfn, skip, buf, part, write);
			if (ret)
				return ret;
		} else {
			vuser_copy_page(pfn, skip, buf, part, write);
		}
		offset += part;
		buf += part;
		len -= part;
	}
	return 0;
}

/**
 * vuser_backing_init() - set how to find the pages of mapped regions
 * @mapped_page: see struct vuser_dma_ops
 */
void __init vuser_backing_init(struct page *(*mapped_page)(struct vm_area_struct *vma,
							   unsigned long addr))
{
	vuser_backing_mapped_page = mapped_page;
}
