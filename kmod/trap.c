// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped regions.  Pages of shared areas are inserted as they are touched.
 * Everywhere else no page is ever present, so every load and store faults: the
 * fault handler decodes the instruction, drops the mmap lock, makes the access
 * to the region, and lets the program go on behind the instruction.
 *
 * What makes that possible in 6.1, 6.12 and 7.2 alike:
 *
 * - A VMA without ->map_pages has its ->fault called with the mmap lock held
 *   for reading, never with the VMA's own lock only (vmf_can_call_fault()).
 * - VM_FAULT_COMPLETED says that the lock was dropped and that all is done.
 *   Nothing looks at the VMA after ->fault returned it.
 * - vma->vm_file is the device file.  It is held by the VMA until that is
 *   gone (and by a forked child's, a split or moved one's likewise), and it
 *   holds the device open, which keeps the description and the shared pages.
 *   Once the lock is dropped, our own reference does.
 * - VM_PFNMAP | VM_IO | VM_DONTEXPAND keeps everyone else out: no GUP, no
 *   mlock, no populate, no reclaim, no NUMA hints, no growing by mremap.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>

#include "channel.h"
#include "device.h"
#include "insn.h"
#include "region.h"
#include "shared.h"
#include "trace.h"
#include "trap.h"
#include "vuser.h"
#include "xmm.h"

/**
 * struct vuser_trap - a fault, copied out of what the mmap lock protects
 * @dev: the device, open
 * @file: the device file; a reference of ours
 * @mm: whose mmap lock was held
 * @region: index
 * @off: from the start of the region, bytes
 * @addr: user address that was touched
 * @pgoff: page number in the device file
 * @write: it faulted as a store
 * @may_write: the mapping allows stores
 */
struct vuser_trap {
	struct vuser_device *dev;
	struct file *file;
	struct mm_struct *mm;
	u32 region;
	u64 off;
	unsigned long addr;
	pgoff_t pgoff;
	bool write;
	bool may_write;
};

/* Registers ----------------------------------------------------------------- */

static void vuser_regs_get(struct vuser_regs *regs, const struct pt_regs *pt)
{
	*regs = (struct vuser_regs){
		.gpr = {
			pt->ax, pt->cx, pt->dx, pt->bx,
			pt->sp, pt->bp, pt->si, pt->di,
			pt->r8, pt->r9, pt->r10, pt->r11,
			pt->r12, pt->r13, pt->r14, pt->r15,
		},
		.ip = pt->ip,
		.flags = pt->flags,
	};
}

static void vuser_regs_put(const struct vuser_regs *regs, struct pt_regs *pt)
{
	pt->ax = regs->gpr[VUSER_AX];
	pt->cx = regs->gpr[VUSER_CX];
	pt->dx = regs->gpr[VUSER_DX];
	pt->bx = regs->gpr[VUSER_BX];
	pt->sp = regs->gpr[VUSER_SP];
	pt->bp = regs->gpr[VUSER_BP];
	pt->si = regs->gpr[VUSER_SI];
	pt->di = regs->gpr[VUSER_DI];
	pt->r8 = regs->gpr[8];
	pt->r9 = regs->gpr[9];
	pt->r10 = regs->gpr[10];
	pt->r11 = regs->gpr[11];
	pt->r12 = regs->gpr[12];
	pt->r13 = regs->gpr[13];
	pt->r14 = regs->gpr[14];
	pt->r15 = regs->gpr[15];
	pt->ip = regs->ip;
	pt->flags = (pt->flags & ~(unsigned long)VUSER_FLAGS_STATUS) |
		    (regs->flags & VUSER_FLAGS_STATUS);
}

/*
 * What the processor does at the end of an instruction: it resumes looking
 * for breakpoints, and a debugger that steps gets its trap.
 */
static void vuser_insn_retire(struct pt_regs *pt)
{
	pt->flags &= ~X86_EFLAGS_RF;
	if (pt->flags & X86_EFLAGS_TF)
		send_sig(SIGTRAP, current, 0);
}

/* Accesses to the region ---------------------------------------------------- */

/* What a device sees of an unaligned access: the largest aligned pieces. */
static u32 vuser_piece(u64 off, u32 size)
{
	u32 piece = 8;

	while (piece > size || off % piece)
		piece /= 2;
	return piece;
}

/* The last page of a region that does not fill it reads as all ones. */
static bool vuser_trap_inside(const struct vuser_trap *trap, u64 off, u32 size)
{
	u64 end = trap->dev->chan->desc->regions[trap->region].size;

	return off < end && size <= end - off;
}

/*
 * As on a bus: where nobody answers, a load gives all ones and a store is
 * gone.  Only a fatal signal fails.
 */
static int vuser_trap_load(const struct vuser_trap *trap, u64 *val, u32 size)
{
	u64 off = trap->off;
	u32 done = 0;

	memset(val, 0, round_up(size, 8));
	while (done < size) {
		u32 piece = vuser_piece(off, size - done);
		u64 part = U64_MAX >> (64 - 8 * piece);
		int err = -ENXIO;

		if (vuser_trap_inside(trap, off, piece))
			err = vuser_region_load(trap->dev, trap->region, off,
						&part, piece);
		trace_vuser_trap(trap->dev, trap->region, off, piece, false,
				 part, err);
		if (err == -EINTR)
			return err;
		if (err)
			part = U64_MAX;
		memcpy((u8 *)val + done, &part, piece);
		off += piece;
		done += piece;
	}
	vuser_count(trap->dev, VUSER_COUNT_TRAP_LOAD);
	return 0;
}

static int vuser_trap_store(const struct vuser_trap *trap, const u64 *val,
			    u32 size)
{
	u64 off = trap->off;
	u32 done = 0;

	while (done < size) {
		u32 piece = vuser_piece(off, size - done);
		int err = -ENXIO;
		u64 part = 0;

		memcpy(&part, (const u8 *)val + done, piece);
		if (vuser_trap_inside(trap, off, piece))
			err = vuser_region_store(trap->dev, trap->region, off,
						 part, piece);
		trace_vuser_trap(trap->dev, trap->region, off, piece, true,
				 part, err);
		if (err == -EINTR)
			return err;
		off += piece;
		done += piece;
	}
	vuser_count(trap->dev, VUSER_COUNT_TRAP_STORE);
	return 0;
}

/* Instructions -------------------------------------------------------------- */

/*
 * Is the access that the instruction makes the one that faulted, and is it all
 * on one page?  One that loads and stores may fault as either.
 */
static bool vuser_trap_matches(const struct vuser_trap *trap,
			       const struct vuser_insn *insn)
{
	u64 addr = insn->addr;

	if (insn->op == VUSER_INSN_MOVS && !trap->write)
		addr = insn->from;
	else if (trap->write ? !insn->store : !insn->load)
		return false;
	return addr == trap->addr &&
	       offset_in_page(addr) + insn->size <= PAGE_SIZE;
}

static int vuser_exec_vec(const struct vuser_trap *trap,
			  const struct vuser_insn *insn,
			  struct vuser_regs *regs)
{
	u64 val[2] = {}, xmm[2];
	int err = 0;

	vuser_xmm_get(insn->reg, xmm);
	if (insn->load)
		err = vuser_trap_load(trap, val, insn->size);
	if (err)
		return err;
	vuser_insn_exec_vec(insn, regs, xmm, val);
	if (insn->store)
		return vuser_trap_store(trap, val, insn->size);
	vuser_xmm_set(insn->reg, xmm, insn->vex);
	return 0;
}

/*
 * One element between the region and memory.  A region on the other side, too,
 * cannot be touched by the kernel, so that it is refused.  The destination is
 * looked at first, so that nothing that was loaded is lost.
 */
static int vuser_exec_movs(const struct vuser_trap *trap,
			   const struct vuser_insn *insn,
			   struct vuser_regs *regs)
{
	u64 val = 0;
	int err;

	if (trap->write) {
		if (copy_from_user(&val, (void __user *)insn->from,
				   insn->size))
			return -EFAULT;
		err = vuser_trap_store(trap, &val, insn->size);
	} else {
		if (fault_in_safe_writeable((char __user *)insn->addr,
					    insn->size))
			return -EFAULT;
		err = vuser_trap_load(trap, &val, insn->size);
		if (!err && copy_to_user((void __user *)insn->addr, &val,
					 insn->size))
			return -EFAULT;
	}
	if (!err)
		vuser_insn_exec(insn, regs, &val);
	return err;
}

/*
 * A locked instruction is a load and a store like any other: what it is to
 * exclude is the device, and no bus locks that.
 */
static int vuser_exec(const struct vuser_trap *trap,
		      const struct vuser_insn *insn, struct vuser_regs *regs)
{
	u64 val = 0;
	int err = 0;

	if (insn->op == VUSER_INSN_VEC)
		return vuser_exec_vec(trap, insn, regs);
	if (insn->op == VUSER_INSN_MOVS)
		return vuser_exec_movs(trap, insn, regs);

	if (insn->load)
		err = vuser_trap_load(trap, &val, insn->size);
	if (!err && vuser_insn_exec(insn, regs, &val))
		err = vuser_trap_store(trap, &val, insn->size);
	return err;
}

static void vuser_trap_refuse(const struct vuser_trap *trap,
			      const struct pt_regs *pt, const u8 *code,
			      u32 len)
{
	vuser_count(trap->dev, VUSER_COUNT_TRAP_REFUSED);
	dev_warn_ratelimited(trap->dev->vdev.dev,
			     "%s[%d]: cannot emulate the instruction at %lx, touching region %u at 0x%llx: %*ph\n",
			     current->comm, task_pid_nr(current), pt->ip,
			     trap->region, trap->off, len, code);
}

/* Returns 0, -EINTR, -EACCES for a SIGSEGV, or -EINVAL for a SIGBUS. */
static int vuser_trap_emulate(const struct vuser_trap *trap)
{
	struct pt_regs *pt = task_pt_regs(current);
	u8 code[VUSER_INSN_MAX];
	struct vuser_regs regs;
	struct vuser_insn insn;
	u32 len = 0;
	int err;

	if (!user_64bit_mode(pt))
		goto refuse;
	len = sizeof(code) - copy_from_user(code, (void __user *)pt->ip,
					    sizeof(code));
	vuser_regs_get(&regs, pt);
	if (vuser_insn_decode(&insn, code, len, &regs) ||
	    !vuser_trap_matches(trap, &insn))
		goto refuse;
	if (insn.store && insn.op != VUSER_INSN_MOVS && !trap->may_write)
		return -EACCES;

	err = vuser_exec(trap, &insn, &regs);
	if (err == -EFAULT)
		goto refuse;
	if (err)
		return err;
	vuser_regs_put(&regs, pt);
	vuser_insn_retire(pt);
	return 0;

refuse:
	vuser_trap_refuse(trap, pt, code, len);
	return -EINVAL;
}

/* Faults -------------------------------------------------------------------- */

static bool vuser_fault_may_drop(const struct vm_fault *vmf)
{
	return (vmf->flags & FAULT_FLAG_ALLOW_RETRY) &&
	       !(vmf->flags & FAULT_FLAG_RETRY_NOWAIT);
}

/*
 * Only the task's own loads and stores in user mode: its registers are at
 * hand, and nothing but the mmap lock is held.
 */
static bool vuser_fault_may_trap(const struct vm_fault *vmf)
{
	return (vmf->flags & FAULT_FLAG_USER) &&
	       !(vmf->flags & (FAULT_FLAG_INSTRUCTION | FAULT_FLAG_REMOTE)) &&
	       vuser_fault_may_drop(vmf);
}

/* After this neither the fault nor its VMA may be looked at. */
static void vuser_fault_drop(struct vuser_trap *trap,
			     const struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	u64 pos = (u64)vmf->pgoff << PAGE_SHIFT;

	*trap = (struct vuser_trap){
		.dev = vma->vm_private_data,
		.file = get_file(vma->vm_file),
		.mm = vma->vm_mm,
		.region = VUSER_OFFSET_TO_INDEX(pos),
		.off = (pos & VUSER_OFFSET_MASK) +
		       offset_in_page(vmf->real_address),
		.addr = vmf->real_address,
		.pgoff = vmf->pgoff,
		.write = vmf->flags & FAULT_FLAG_WRITE,
		.may_write = vma->vm_flags & VM_WRITE,
	};
	mmap_read_unlock(trap->mm);
}

/* An error is reported with the lock held: the caller drops it. */
static vm_fault_t vuser_fault_fail(const struct vuser_trap *trap,
				   vm_fault_t error)
{
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
	switch (vuser_shared_take(trap->dev, area, trap->pgoff)) {
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

static vm_fault_t vuser_fault(struct vm_fault *vmf)
{
	struct vuser_device *dev = vmf->vma->vm_private_data;
	u64 pos = (u64)vmf->pgoff << PAGE_SHIFT;
	bool may_trap = vuser_fault_may_trap(vmf);
	struct vuser_area *area;
	struct vuser_trap trap;
	struct page *page;
	vm_fault_t ret;

	area = vuser_shared_area(dev, VUSER_OFFSET_TO_INDEX(pos),
				 pos & VUSER_OFFSET_MASK);
	page = area ? vuser_shared_lookup(dev, vmf->pgoff) : NULL;
	if (page)
		return vmf_insert_pfn(vmf->vma, vmf->address,
				      page_to_pfn(page));
	if (area ? !vuser_fault_may_drop(vmf) : !may_trap)
		return VM_FAULT_SIGBUS;

	vuser_fault_drop(&trap, vmf);
	if (area)
		ret = vuser_fault_take(&trap, area, may_trap);
	else
		ret = vuser_fault_trap(&trap);
	fput(trap.file);
	return ret;
}

static const struct vm_operations_struct vuser_vm_ops = {
	.fault = vuser_fault,
};

/**
 * vuser_mapped_page() - the page that a consumer's mapping of a region shows
 * @vma: any; the mmap lock is held
 * @addr: in it
 *
 * Return: the page of a shared area, with a reference, or NULL where loads and
 * stores are trapped, where it was not touched yet, and in other mappings.
 */
struct page *vuser_mapped_page(struct vm_area_struct *vma, unsigned long addr)
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
static bool vuser_all_shared(struct vuser_device *dev, u32 index, u64 off,
			     u64 size)
{
	u64 end = off + size;

	while (off < end) {
		struct vuser_area *area = vuser_shared_area(dev, index, off);

		if (!area)
			return false;
		off = area->offset + area->size;
	}
	return true;
}

/**
 * vuser_mmap() - map a part of a region
 * @dev: open
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
int vuser_mmap(struct vuser_device *dev, struct vm_area_struct *vma)
{
	u64 pos = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 index = VUSER_OFFSET_TO_INDEX(pos);
	u64 off = pos & VUSER_OFFSET_MASK;
	u64 size = vma->vm_end - vma->vm_start;
	struct vuser_desc *desc = dev->chan->desc;
	struct vuser_region *region;
	vm_flags_t clear = VM_MAYEXEC;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (index >= desc->nr_regions || !vuser_region_mappable(dev, index))
		return -EINVAL;
	region = &desc->regions[index];
	if (off >= region->size || size > PAGE_ALIGN(region->size - off))
		return -EINVAL;
	if (vuser_device_sparse(dev) &&
	    !vuser_all_shared(dev, index, off, size))
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
	vma->vm_private_data = dev;
	vma->vm_ops = &vuser_vm_ops;
	return 0;
}

/**
 * vuser_trap_open() - get ready for mappings
 * @dev: being opened, attached; its description stays until it is closed
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int vuser_trap_open(struct vuser_device *dev)
{
	dev->shared = vuser_shared_alloc(dev);
	return dev->shared ? 0 : -ENOMEM;
}

/**
 * vuser_trap_close() - drop what mappings needed
 * @dev: being closed; every mapping is gone, since each holds the file
 *
 * Context: process, may sleep, but does not wait for the server.
 */
void vuser_trap_close(struct vuser_device *dev)
{
	vuser_shared_free(dev, dev->shared);
	dev->shared = NULL;
}
