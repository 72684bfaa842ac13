// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped regions.  Pages of shared areas are inserted as they are touched.
 * Everywhere else no page is ever present, and every load and store is
 * trapped: the fault handler drops the lock it was called with and has it
 * emulated.
 *
 * What makes that possible in 6.1, 6.12 and 7.2 alike:
 *
 * - ->fault is called with the mmap lock held for reading, or with no more
 *   than the VMA's own lock where the kernel has those and the VMA has a
 *   ->map_pages (vmf_can_call_fault()).  Without one the kernel would find the
 *   VMA, give up its lock and walk the tables a second time with the mmap lock,
 *   for every single access.
 * - VM_FAULT_COMPLETED says that the lock, whichever it was, was dropped and
 *   that all is done.  Nothing looks at the VMA after ->fault returned it.
 * - VM_FAULT_RETRY says that it was dropped and that the fault is to be made
 *   again, with the mmap lock.  An error must be returned with the lock held, and
 *   the VMA's cannot be taken again: so an instruction that cannot be emulated
 *   is refused the second time.
 * - vma->vm_file is the device file.  It is held by the VMA until that is
 *   gone (and by a forked child's, a split or moved one's likewise), and it
 *   holds the device open, which keeps the description and the shared pages.
 *   Once the lock is dropped, our own reference does.
 * - VM_PFNMAP | VM_IO | VM_DONTEXPAND keeps everyone else out: no GUP, no
 *   mlock, no populate, no reclaim, no NUMA hints, no growing by mremap.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/nospec.h>

#include "compat.h"
#include "region/mmap.h"
#include "region/region.h"
#include "region/regions.h"
#include "region/shared.h"
#include "region/trap.h"
#include "server/channel.h"
#include "server/desc.h"

/* Faults -------------------------------------------------------------------- */

static bool vuser_fault_may_drop(const struct vm_fault *vmf)
{
	return (vmf->flags & FAULT_FLAG_ALLOW_RETRY) &&
	       !(vmf->flags & FAULT_FLAG_RETRY_NOWAIT);
}

/*
 * Only the task's own loads and stores in user mode: its registers are at
 * hand, and nothing but the fault's lock is held.
 */
static bool vuser_fault_may_trap(const struct vm_fault *vmf)
{
	return (vmf->flags & FAULT_FLAG_USER) &&
	       !(vmf->flags & (FAULT_FLAG_INSTRUCTION | FAULT_FLAG_REMOTE)) &&
	       vuser_fault_may_drop(vmf);
}

/*
 * A table for the entry that is to stay empty: where there is none, the kernel
 * allocates one before each ->fault and frees it afterwards.  It stays until the
 * mapping goes.  Where there is no memory for it now, the next fault tries again.
 */
static void vuser_fault_table(const struct vm_fault *vmf)
{
	if (pmd_none(*vmf->pmd))
		apply_to_page_range(vmf->vma->vm_mm, vmf->address, PAGE_SIZE,
				    NULL, NULL);
}

/* After this neither the fault nor its VMA may be looked at. */
static struct vuser_trap vuser_fault_drop(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	u64 pos = (u64)vmf->pgoff << PAGE_SHIFT;
	struct vuser_trap trap = {
		.regions = vma->vm_private_data,
		.file = get_file(vma->vm_file),
		.mm = vma->vm_mm,
		.region = VUSER_OFFSET_TO_INDEX(pos),
		.off = (pos & VUSER_OFFSET_MASK) +
		       offset_in_page(vmf->real_address),
		.addr = vmf->real_address,
		.pgoff = vmf->pgoff,
		.write = vmf->flags & FAULT_FLAG_WRITE,
		.may_write = vma->vm_flags & VM_WRITE,
		.may_retry = vuser_fault_has_vma_lock(vmf),
	};

	vuser_fault_unlock(vmf);
	return trap;
}

/*
 * An error is reported with the lock held: the caller drops it.  The VMA's own
 * lock cannot be had again, so that there the fault is made again to fail with
 * the mmap lock.
 */
static vm_fault_t vuser_fault_fail(const struct vuser_trap *trap,
				   vm_fault_t error)
{
	if (trap->may_retry)
		return VM_FAULT_RETRY;
	mmap_read_lock(trap->mm);
	return error;
}

static vm_fault_t vuser_fault_trap(const struct vuser_trap *trap)
{
	switch (vuser_trap_emulate(trap)) {
	case 0:
	case -EINTR:
		/* done, or never to be seen in user mode again */
		return VM_FAULT_NOPAGE | VM_FAULT_COMPLETED;
	case -EACCES:
		return vuser_fault_fail(trap, VM_FAULT_SIGSEGV);
	default:
		return vuser_fault_fail(trap, VM_FAULT_SIGBUS);
	}
}

/* First touch of a page of a shared area; it is inserted the next time. */
static vm_fault_t vuser_fault_take(const struct vuser_trap *trap,
				   struct vuser_area *area, bool may_trap)
{
	switch (vuser_shared_take(trap->regions, area, trap->pgoff)) {
	case -EINTR:
		/* in a system call the signal would still be there */
		if (!may_trap)
			break;
		fallthrough;
	case 0:
	case -EAGAIN:
		return VM_FAULT_RETRY;
	case -ENOMEM:
		return vuser_fault_fail(trap, VM_FAULT_OOM);
	default:
		break;
	}
	return may_trap ? vuser_fault_trap(trap) :
			  vuser_fault_fail(trap, VM_FAULT_SIGBUS);
}

static vm_fault_t vuser_fault_unlocked(struct vm_fault *vmf,
				       struct vuser_area *area, bool may_trap)
{
	struct vuser_trap trap = vuser_fault_drop(vmf);
	vm_fault_t ret;

	if (area)
		ret = vuser_fault_take(&trap, area, may_trap);
	else
		ret = vuser_fault_trap(&trap);
	fput(trap.file);
	return ret;
}

static vm_fault_t vuser_fault(struct vm_fault *vmf)
{
	struct vuser_regions *regions = vmf->vma->vm_private_data;
	u64 pos = (u64)vmf->pgoff << PAGE_SHIFT;
	bool may_trap = vuser_fault_may_trap(vmf);
	struct vuser_area *area;
	struct page *page;

	area = vuser_shared_area(regions, VUSER_OFFSET_TO_INDEX(pos),
				 pos & VUSER_OFFSET_MASK);
	page = area ? vuser_shared_lookup(regions, vmf->pgoff) : NULL;
	if (page)
		return vmf_insert_pfn(vmf->vma, vmf->address,
				      page_to_pfn(page));
	if (area ? !vuser_fault_may_drop(vmf) : !may_trap)
		return VM_FAULT_SIGBUS;

	vuser_fault_table(vmf);
	return vuser_fault_unlocked(vmf, area, may_trap);
}

/* No pages are brought in around a fault. */
static vm_fault_t vuser_map_pages(struct vm_fault *vmf, pgoff_t start,
				  pgoff_t end)
{
	return 0;
}

static const struct vm_operations_struct vuser_vm_ops = {
	.fault = vuser_fault,
	.map_pages = vuser_map_pages,
};

/**
 * vuser_mmap_page() - the page that a consumer's mapping of a region shows
 * @vma: any; the mmap lock is held
 * @addr: in it
 *
 * Return: the page of a shared area, with a reference, or NULL where loads and
 * stores are trapped, where it was not touched yet, and in other mappings.
 */
struct page *vuser_mmap_page(struct vm_area_struct *vma, unsigned long addr)
{
	struct page *page;

	if (vma->vm_ops != &vuser_vm_ops)
		return NULL;
	/* The VMA holds the device open, and that the page. */
	page = vuser_shared_lookup(vma->vm_private_data, vma->vm_pgoff +
				   ((addr - vma->vm_start) >> PAGE_SHIFT));
	if (page)
		get_page(page);
	return page;
}

/* mmap ---------------------------------------------------------------------- */

/* Is all of it in shared areas?  They need not be one. */
static bool vuser_all_shared(struct vuser_regions *regions, u32 index, u64 off,
			     u64 size)
{
	u64 end = off + size;

	while (off < end) {
		struct vuser_area *area = vuser_shared_area(regions, index, off);

		if (!area)
			return false;
		off = area->offset + area->size;
	}
	return true;
}

/**
 * vuser_mmap() - map a part of a region
 * @regions: of a device that is open
 * @vma: the mapping to be, with the region and the offset in its vm_pgoff
 *
 * A consumer of which every access can be trapped may map all of a region that
 * says so in its VFIO_REGION_INFO_FLAG_MMAP, page by page up to the end of the
 * page where it ends.  One with a sparse policy may map shared areas only.
 *
 * Context: process, the mmap lock held for writing.
 * Return: 0; -EINVAL for a private mapping, no such region, a range outside of
 * it, or an access that it does not allow; -EPERM for one to be executed.
 */
int vuser_mmap(struct vuser_regions *regions, struct vm_area_struct *vma)
{
	u64 pos = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 index = VUSER_OFFSET_TO_INDEX(pos);
	u64 off = pos & VUSER_OFFSET_MASK;
	u64 size = vma->vm_end - vma->vm_start;
	struct vuser_desc *desc = regions->chan->desc;
	struct vuser_region *region;
	vm_flags_t clear = VM_MAYEXEC;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (index >= desc->nr_regions || !vuser_region_mappable(regions, index))
		return -EINVAL;
	region = &desc->regions[array_index_nospec(index, desc->nr_regions)];
	if (off >= region->size || size > PAGE_ALIGN(region->size - off))
		return -EINVAL;
	if (regions->sparse &&
	    !vuser_all_shared(regions, index, off, size))
		return -EINVAL;

	if (!(region->flags & VFIO_REGION_INFO_FLAG_READ))
		clear |= VM_READ | VM_MAYREAD;
	if (!(region->flags & VFIO_REGION_INFO_FLAG_WRITE))
		clear |= VM_WRITE | VM_MAYWRITE;
	if (vma->vm_flags & clear & (VM_READ | VM_WRITE))
		return -EINVAL;

	vuser_vm_flags_mod(vma,
			   VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP,
			   clear);
	vma->vm_private_data = regions;
	vma->vm_ops = &vuser_vm_ops;
	return 0;
}
