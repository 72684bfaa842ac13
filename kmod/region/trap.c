// SPDX-License-Identifier: GPL-2.0
/*
 * Trapped loads and stores on mapped regions.  No page is present, so every
 * access faults.  The fault handler drops its lock and calls
 * vuser_trap_emulate(), which decodes the instruction, makes its access to the
 * region and updates the registers.  The program then continues after the
 * instruction.
 */
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>

#include "region/region.h"
#include "region/regions.h"
#include "region/trap.h"
#include "server/channel.h"
#include "server/desc.h"
#include "trace.h"
#include "x86/decode.h"
#include "x86/emulate.h"
#include "x86/xmm.h"

/* Registers ---------------------------------------------------------------- */

/*
 * Returns the registers by value, so that the caller's variable is initialized
 * only once.  If the caller passed a pointer to its variable, a kernel that
 * initializes automatic variables (CONFIG_INIT_STACK_ALL_ZERO) would clear the
 * variable first.
 */
static struct vuser_regs vuser_trap_get_regs(const struct pt_regs *pt)
{
	return (struct vuser_regs){
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

static void vuser_trap_put_regs(const struct vuser_regs *regs,
				struct pt_regs *pt)
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
 * Does what the processor does at the end of an instruction: it clears RF, so
 * that breakpoints work again, and raises a trap for a debugger that
 * single-steps.
 */
static void vuser_trap_retire(struct pt_regs *pt)
{
	pt->flags &= ~X86_EFLAGS_RF;
	if (pt->flags & X86_EFLAGS_TF)
		send_sig(SIGTRAP, current, 0);
}

/* Accesses to the region --------------------------------------------------- */

/*
 * The size of the next piece of an access.  A device sees an unaligned access
 * as several aligned accesses, as large as possible.
 */
static u32 vuser_trap_piece(u64 off, u32 size)
{
	u32 piece = 8;

	while (piece > size || off % piece)
		piece /= 2;
	return piece;
}

/*
 * False for an access beyond the end of the region, in a last page that the
 * region fills only in part.  Loads there give all ones.
 */
static bool vuser_trap_in_region(const struct vuser_trap *trap, u64 off,
				 u32 size)
{
	u64 end = trap->regions->chan->desc->regions[trap->region].size;

	return off < end && size <= end - off;
}

/*
 * Loads and stores for the instruction.  If the server does not answer or refuses,
 * a load gives all ones and a store is dropped, as on a bus where no device
 * responds.  Only a fatal signal is an error.
 */
static int vuser_trap_load(const struct vuser_trap *trap, u64 *val, u32 size)
{
	u64 off = trap->off;
	u32 done = 0;

	memset(val, 0, round_up(size, 8));
	while (done < size) {
		u32 piece = vuser_trap_piece(off, size - done);
		u64 part = U64_MAX >> (64 - 8 * piece);
		int err = -ENXIO;

		if (vuser_trap_in_region(trap, off, piece))
			err = vuser_region_load(trap->regions, trap->region, off,
						&part, piece);
		trace_vuser_trap(trap->regions->chan->user.id, trap->region, off,
				 piece, false, part, err);
		if (err == -EINTR)
			return err;
		if (err)
			part = U64_MAX;
		memcpy((u8 *)val + done, &part, piece);
		off += piece;
		done += piece;
	}
	vuser_channel_count(trap->regions->chan, VUSER_COUNT_TRAP_LOAD);
	return 0;
}

static int vuser_trap_store(const struct vuser_trap *trap, const u64 *val,
			    u32 size)
{
	u64 off = trap->off;
	u32 done = 0;

	while (done < size) {
		u32 piece = vuser_trap_piece(off, size - done);
		int err = -ENXIO;
		u64 part = 0;

		memcpy(&part, (const u8 *)val + done, piece);
		if (vuser_trap_in_region(trap, off, piece))
			err = vuser_region_store(trap->regions, trap->region, off,
						 part, piece);
		trace_vuser_trap(trap->regions->chan->user.id, trap->region, off,
				 piece, true, part, err);
		if (err == -EINTR)
			return err;
		off += piece;
		done += piece;
	}
	vuser_channel_count(trap->regions->chan, VUSER_COUNT_TRAP_STORE);
	return 0;
}

/* Instructions ------------------------------------------------------------- */

/*
 * True if the access of the instruction is the access that faulted, and is on
 * one page.  An instruction that loads and stores may fault as a load or as a
 * store.
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

static int vuser_trap_exec_vec(const struct vuser_trap *trap,
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
	vuser_emulate_vec(insn, regs, xmm, val);
	if (insn->store)
		return vuser_trap_store(trap, val, insn->size);
	vuser_xmm_set(insn->reg, xmm, insn->vex);
	return 0;
}

/*
 * Moves one element between the region and memory.  If the memory is itself a
 * mapped region, the kernel cannot access it, and the instruction is refused.
 * A load may have side effects, so its value must not be lost: check first that
 * the destination is writable.
 */
static int vuser_trap_exec_movs(const struct vuser_trap *trap,
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
		vuser_emulate(insn, regs, &val);
	return err;
}

/*
 * Executes an instruction.  A locked instruction makes a load and a store, as
 * without the lock.  A real lock would have to keep the device from changing its
 * own register, and no bus can do this.
 */
static int vuser_trap_exec(const struct vuser_trap *trap,
			   const struct vuser_insn *insn,
			   struct vuser_regs *regs)
{
	u64 val = 0;
	int err = 0;

	if (insn->op == VUSER_INSN_VEC)
		return vuser_trap_exec_vec(trap, insn, regs);
	if (insn->op == VUSER_INSN_MOVS)
		return vuser_trap_exec_movs(trap, insn, regs);

	if (insn->load)
		err = vuser_trap_load(trap, &val, insn->size);
	if (!err && vuser_emulate(insn, regs, &val))
		err = vuser_trap_store(trap, &val, insn->size);
	return err;
}

/* Counts and reports an instruction that cannot be emulated. */
static void vuser_trap_refuse(const struct vuser_trap *trap,
			      const struct pt_regs *pt, const u8 *code,
			      u32 len)
{
	vuser_channel_count(trap->regions->chan, VUSER_COUNT_TRAP_REFUSED);
	dev_warn_ratelimited(trap->regions->chan->user.dev,
			     "%s[%d]: cannot emulate the instruction at %lx, which accesses region %u at offset 0x%llx: %*ph\n",
			     current->comm, task_pid_nr(current), pt->ip,
			     trap->region, trap->off, len, code);
}

/**
 * vuser_trap_emulate() - emulate the instruction that faulted
 * @trap: the fault, of the current task in user mode
 *
 * If the server does not answer or refuses, a load gives all ones and a store
 * is dropped, as on a bus where no device responds.
 *
 * Context: process; no lock is held; waits killably for the server.
 * Return: 0 if the instruction is done and the registers are updated; -EINTR
 * when killed; -EACCES for a store to a read-only mapping, to send SIGSEGV;
 * -EINVAL for an instruction that cannot be emulated, to send SIGBUS.
 */
int vuser_trap_emulate(const struct vuser_trap *trap)
{
	struct pt_regs *pt = task_pt_regs(current);
	struct vuser_regs regs = vuser_trap_get_regs(pt);
	u8 code[16]; /* not VUSER_INSN_MAX: whole words are copied faster */
	struct vuser_insn insn;
	u32 len = 0;
	int err;

	if (!user_64bit_mode(pt))
		goto refuse;
	len = sizeof(code) - copy_from_user(code, (void __user *)pt->ip,
					    sizeof(code));
	if (vuser_decode(&insn, code, len, &regs) ||
	    !vuser_trap_matches(trap, &insn))
		goto refuse;
	if (insn.store && insn.op != VUSER_INSN_MOVS && !trap->may_write)
		return -EACCES;

	err = vuser_trap_exec(trap, &insn, &regs);
	if (err == -EFAULT)
		goto refuse;
	if (err)
		return err;
	vuser_trap_put_regs(&regs, pt);
	vuser_trap_retire(pt);
	return 0;

refuse:
	if (!trap->may_retry)
		vuser_trap_refuse(trap, pt, code, len);
	return -EINVAL;
}
