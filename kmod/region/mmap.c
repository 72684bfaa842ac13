// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped regions.  Pages of shared areas are inserted at the first access.
 * Outside shared areas no page is ever present, and every load and store traps:
 * the fault handler drops the lock that it was called with, and calls
 * vuser_trap_emulate() to emulate the instruction.
 *
 * The following rules make this possible.  They hold in 6.1, 6.12 and 7.2:
 *
 * - The kernel calls ->fault with the mmap lock held for reading.  A kernel with
 *   per-VMA locks may hold the VMA's lock instead, but only if the VMA has a
 *   ->map_pages (vmf_can_call_fault()).  Without a ->map_pages, such a kernel
 *   would first find the VMA under its lock, then drop this lock and walk the
 *   page tables again under the mmap lock, for every access.
 * - VM_FAULT_COMPLETED says that ->fault has dropped the lock, the mmap lock or
 *   the VMA's, and that the fault is done.  The kernel does not use the VMA after
 *   that.
 * - VM_FAULT_RETRY says that ->fault has dropped the lock, and that the fault
 *   must be repeated with the mmap lock.  An error must be returned with the
 *   lock held, but the VMA's lock cannot be taken again.  So an instruction
 *   that cannot be emulated is refused only when the fault is repeated.
 * - vma->vm_file is the device file.  The VMA holds a reference to it, and so
 *   does each VMA that a fork, a split or an mremap() makes from it.  The file
 *   keeps the device open, and the open device keeps the description and the
 *   shared pages.  After the lock is dropped, our own reference keeps the file.
 * - VM_PFNMAP | VM_IO | VM_DONTEXPAND keep the rest of the kernel away: no
 *   get_user_pages(), no mlock(), no MAP_POPULATE, no reclaim, no NUMA hints, no
 *   growing by mremap().
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
#include "server/conn.h"
#include "server/desc.h"
#include "vuser.h"

/* Faults ------------------------------------------------------------------- */

/* True if the handler of this fault may drop the fault's lock. */
static bool vuser_mmap_may_drop_lock(const struct vm_fault *vmf)
{
	return (vmf->flags & FAULT_FLAG_ALLOW_RETRY) &&
	       !(vmf->flags & FAULT_FLAG_RETRY_NOWAIT);
}

/*
 * True for loads and stores that the current task itself makes in user mode:
 * its registers are available, and no lock is held except the fault's.
 */
static bool vuser_mmap_may_trap(const struct vm_fault *vmf)
{
	return (vmf->flags & FAULT_FLAG_USER) &&
	       !(vmf->flags & (FAULT_FLAG_INSTRUCTION | FAULT_FLAG_REMOTE)) &&
	       vuser_mmap_may_drop_lock(vmf);
}

/*
 * Allocates the page table for the faulting address; its entries stay empty.
 * Without this table, the kernel would allocate a table before each ->fault and
 * free it afterwards.  The table stays until the range is unmapped.  If memory
 * runs out now, the next fault tries again.
 */
static void vuser_mmap_alloc_table(const struct vm_fault *vmf)
{
	if (pmd_none(*vmf->pmd))
		apply_to_page_range(vmf->vma->vm_mm, vmf->address, PAGE_SIZE,
				    NULL, NULL);
}

/*
 * Copies what the trap needs from the fault, and drops the fault's lock.
 * Neither the fault nor its VMA may be used after this.  The caller drops the
 * reference to the file.
 */
static struct vuser_trap vuser_mmap_drop_lock(struct vm_fault *vmf)
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
 * Reports an error of a fault whose lock was dropped.  When ->fault returns an
 * error, its caller expects that the lock is held, and drops it.  The VMA's lock
 * cannot be taken again.  So repeat a fault that had the VMA's lock; it fails with
 * the mmap lock.
 */
static vm_fault_t vuser_mmap_fault_error(const struct vuser_trap *trap,
					 vm_fault_t error)
{
	if (trap->may_retry)
		return VM_FAULT_RETRY;
	mmap_read_lock(trap->mm);
	return error;
}

static vm_fault_t vuser_mmap_fault_trap(const struct vuser_trap *trap)
{
	switch (vuser_trap_emulate(trap)) {
	case 0:
	case -EINTR:
		/* emulated; or killed: the task never returns to user mode */
		return VM_FAULT_NOPAGE | VM_FAULT_COMPLETED;
	case -EACCES:
		return vuser_mmap_fault_error(trap, VM_FAULT_SIGSEGV);
	default:
		return vuser_mmap_fault_error(trap, VM_FAULT_SIGBUS);
	}
}

/*
 * Handles the first access to a page of a shared area.  Takes the page and
 * repeats the fault, which then inserts the page.  An access to a page that cannot
 * be shown is trapped.
 */
static vm_fault_t vuser_mmap_fault_shared(const struct vuser_trap *trap,
					  struct vuser_area *area,
					  bool may_trap)
{
	switch (vuser_shared_take(trap->regions, area, trap->pgoff)) {
	case -EINTR:
		/* a system call would fault forever: the signal stays pending */
		if (!may_trap)
			break;
		fallthrough;
	case 0:
	case -EAGAIN:
		return VM_FAULT_RETRY;
	case -ENOMEM:
		return vuser_mmap_fault_error(trap, VM_FAULT_OOM);
	default:
		break;
	}
	return may_trap ? vuser_mmap_fault_trap(trap) :
			  vuser_mmap_fault_error(trap, VM_FAULT_SIGBUS);
}

/* Handles a fault that cannot be handled under its lock; @area may be NULL. */
static vm_fault_t vuser_mmap_fault_unlocked(struct vm_fault *vmf,
					    struct vuser_area *area,
					    bool may_trap)
{
	struct vuser_trap trap = vuser_mmap_drop_lock(vmf);
	vm_fault_t ret;

	if (area)
		ret = vuser_mmap_fault_shared(&trap, area, may_trap);
	else
		ret = vuser_mmap_fault_trap(&trap);
	fput(trap.file);
	return ret;
}

/* Inserts the page of a shared area into the mapping; false if it was not taken yet. */
static bool vuser_mmap_insert(struct vm_fault *vmf, struct vuser_regions *regions,
			      vm_fault_t *ret)
{
	struct page *page;

	vuser_shared_lock(regions);
	page = vuser_shared_lookup(regions, vmf->pgoff);
	if (page)
		*ret = vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(page));
	vuser_shared_unlock(regions);
	return page;
}

static vm_fault_t vuser_mmap_fault(struct vm_fault *vmf)
{
	struct vuser_regions *regions = vmf->vma->vm_private_data;
	u64 pos = (u64)vmf->pgoff << PAGE_SHIFT;
	bool may_trap = vuser_mmap_may_trap(vmf);
	struct vuser_area *area;
	vm_fault_t ret;

	area = vuser_shared_area(regions, VUSER_OFFSET_TO_INDEX(pos),
				 pos & VUSER_OFFSET_MASK);
	if (area && vuser_mmap_insert(vmf, regions, &ret))
		return ret;
	if (area ? !vuser_mmap_may_drop_lock(vmf) : !may_trap)
		return VM_FAULT_SIGBUS;

	vuser_mmap_alloc_table(vmf);
	return vuser_mmap_fault_unlocked(vmf, area, may_trap);
}

/* Maps no pages.  The top of this file says why the VMA needs a ->map_pages. */
static vm_fault_t vuser_mmap_map_pages(struct vm_fault *vmf, pgoff_t start,
				       pgoff_t end)
{
	return 0;
}

static const struct vm_operations_struct vuser_vm_ops = {
	.fault = vuser_mmap_fault,
	.map_pages = vuser_mmap_map_pages,
};

/**
 * vuser_mmap_regions() - find the regions that a VMA maps
 * @vma: any VMA
 *
 * Context: process; the mmap lock of @vma is held.
 * Return: the regions of the device, which is open as long as the VMA or another
 * reference to its file exists; NULL if @vma does not map a region of a vuser
 * device.
 */
struct vuser_regions *vuser_mmap_regions(struct vm_area_struct *vma)
{
	return vma->vm_ops == &vuser_vm_ops ? vma->vm_private_data : NULL;
}

/* mmap --------------------------------------------------------------------- */

/* True if one or several shared areas cover the whole range. */
static bool vuser_mmap_all_shared(struct vuser_regions *regions, u32 index,
				  u64 off, u64 size)
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
 * @regions: the regions of an open device
 * @vma: the new mapping; the region and the offset are in its vm_pgoff
 *
 * If all accesses can be trapped, the consumer may map all pages of a region
 * whose region info has VFIO_REGION_INFO_FLAG_MMAP, including a last page that
 * the region fills only in part.  If regions->sparse is set, the consumer may
 * map shared areas only.
 *
 * Context: process; the mmap lock is held for writing.
 * Return: 0; -EINVAL for a private mapping, for a region that does not exist or
 * cannot be mapped, for a range outside the region, or for an access that the
 * region does not allow; -EPERM for an executable mapping.
 */
int vuser_mmap(struct vuser_regions *regions, struct vm_area_struct *vma)
{
	u64 pos = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 index = VUSER_OFFSET_TO_INDEX(pos);
	u64 off = pos & VUSER_OFFSET_MASK;
	u64 size = vma->vm_end - vma->vm_start;
	struct vuser_desc *desc = regions->conn->desc;
	struct vuser_region *region;
	vm_flags_t clear = VM_MAYEXEC;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (index >= desc->nr_regions)
		return -EINVAL;
	index = array_index_nospec(index, desc->nr_regions);
	if (!vuser_region_mappable(regions, index))
		return -EINVAL;
	region = &desc->regions[index];
	if (off >= region->size || size > PAGE_ALIGN(region->size - off))
		return -EINVAL;
	if (regions->sparse &&
	    !vuser_mmap_all_shared(regions, index, off, size))
		return -EINVAL;

	if (!(region->flags & VFIO_REGION_INFO_FLAG_READ))
		clear |= VM_READ | VM_MAYREAD;
	if (!(region->flags & VFIO_REGION_INFO_FLAG_WRITE))
		clear |= VM_WRITE | VM_MAYWRITE;
	if (vma->vm_flags & clear & (VM_READ | VM_WRITE))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;

	vuser_vm_flags_mod(vma,
			   VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP,
			   clear);
	vma->vm_private_data = regions;
	vma->vm_ops = &vuser_vm_ops;
	return 0;
}
