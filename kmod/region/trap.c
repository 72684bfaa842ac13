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
#include <linux/uprobes.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>
#include <asm/text-patching.h>
#include <asm/trapnr.h>

#include "region/region.h"
#include "region/regions.h"
#include "region/trap.h"
#include "server/conn.h"
#include "server/desc.h"
#include "trace.h"
#include "vuser.h"
#include "x86/decode.h"
#include "x86/decode_plain.h"
#include "x86/emulate.h"
#include "x86/emulate_vec.h"
#include "x86/emulate_x87.h"
#include "x86/xstate.h"

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

/* Debuggers ---------------------------------------------------------------- */

/*
 * Tells uprobes that their single step is done; false if the step is not theirs.
 *
 * A probed instruction that must be executed runs from a page of the kernel's
 * ("[uprobes]"), with TF set.  After one instruction, uprobes expect the processor's
 * debug exception; then they move RIP behind the probed instruction in the program.
 * Without this function, the next bytes on that page would be executed, too.
 */
static bool vuser_trap_end_uprobe(unsigned long ip)
{
#ifdef CONFIG_UPROBES
	struct uprobe_task *utask = current->utask;

	if (!utask || !utask->active_uprobe || utask->state != UTASK_SSTEP ||
	    utask->xol_vaddr != ip)
		return false;
	/* as uprobe_post_sstep_notifier(), which is not exported */
	utask->state = UTASK_SSTEP_ACK;
	set_thread_flag(TIF_UPROBE);
	return true;
#else
	return false;
#endif
}

/*
 * Sends the signal of a single step, as the kernel's handler of the debug exception
 * does.  That one uses force_sig_fault(), which is not exported.  So a program that
 * blocks or ignores SIGTRAP gets the signal without its reason.
 */
static void vuser_trap_send_sigtrap(unsigned long ip)
{
	/* the current task's, so it does not change */
	struct sighand_struct *sighand = rcu_dereference_raw(current->sighand);
	struct kernel_siginfo info;

	current->thread.virtual_dr6 = DR_STEP;
	current->thread.trap_nr = X86_TRAP_DB;
	current->thread.error_code = 0;
	if (sigismember(&current->blocked, SIGTRAP) ||
	    sighand->action[SIGTRAP - 1].sa.sa_handler == SIG_IGN) {
		force_sig(SIGTRAP);
		return;
	}
	clear_siginfo(&info);
	info.si_signo = SIGTRAP;
	info.si_code = TRAP_TRACE;
	info.si_addr = (void __user *)ip;
	send_sig_info(SIGTRAP, &info, current);
}

/*
 * Does what the processor does at the end of an instruction that was at @ip: it clears
 * RF, so that breakpoints work again, and raises a debug exception if TF is set.  With
 * TIF_BLOCKSTEP, a debugger waits for the next branch.
 */
static void vuser_trap_retire(struct pt_regs *pt, unsigned long ip)
{
	pt->flags &= ~X86_EFLAGS_RF;
	if (!(pt->flags & X86_EFLAGS_TF) || vuser_trap_end_uprobe(ip) ||
	    test_thread_flag(TIF_BLOCKSTEP))
		return;
	vuser_trap_send_sigtrap(pt->ip);
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
	u64 end = trap->regions->conn->desc->regions[trap->region].size;

	return off < end && size <= end - off;
}

/*
 * Loads @size bytes at @off of the region.  If the server does not answer or
 * refuses, a load gives all ones and a store is dropped, as on a bus where no
 * device responds.  Only a fatal signal is an error.
 */
static int vuser_trap_load_bytes(const struct vuser_trap *trap, u64 off,
				 void *val, u32 size)
{
	u32 done = 0;

	while (done < size) {
		u32 piece = vuser_trap_piece(off, size - done);
		u64 part = U64_MAX >> (64 - 8 * piece);
		int err = -ENXIO;

		if (vuser_trap_in_region(trap, off, piece))
			err = vuser_region_load(trap->regions, trap->region, off,
						&part, piece);
		trace_vuser_trap(trap->regions->conn->id, trap->region, off,
				 piece, false, part, err);
		if (err == -EINTR)
			return err;
		if (err)
			part = U64_MAX;
		memcpy((u8 *)val + done, &part, piece);
		off += piece;
		done += piece;
	}
	return 0;
}

/* Inlined: the store that matches an ioeventfd must be fast. */
static __always_inline int
vuser_trap_store_bytes(const struct vuser_trap *trap, u64 off, const void *val,
		       u32 size)
{
	u32 done = 0;

	while (done < size) {
		u32 piece = vuser_trap_piece(off, size - done);
		int err = -ENXIO;
		u64 part = 0;

		memcpy(&part, (const u8 *)val + done, piece);
		if (vuser_trap_in_region(trap, off, piece))
			err = vuser_region_store(trap->regions, trap->region, off,
						 part, piece);
		trace_vuser_trap(trap->regions->conn->id, trap->region, off,
				 piece, true, part, err);
		if (err == -EINTR)
			return err;
		off += piece;
		done += piece;
	}
	return 0;
}

/* Loads; the rest of the last word of @val becomes 0. */
static int vuser_trap_load(const struct vuser_trap *trap, u64 *val, u32 size)
{
	int err;

	memset(val, 0, round_up(size, 8));
	err = vuser_trap_load_bytes(trap, trap->off, val, size);
	if (!err)
		vuser_count(trap->regions->conn->counters, VUSER_COUNT_TRAP_LOAD);
	return err;
}

static int vuser_trap_store(const struct vuser_trap *trap, const u64 *val,
			    u32 size)
{
	int err = vuser_trap_store_bytes(trap, trap->off, val, size);

	if (!err)
		vuser_count(trap->regions->conn->counters, VUSER_COUNT_TRAP_STORE);
	return err;
}

/* Instructions ------------------------------------------------------------- */

/* True if the access at @addr is the access that faulted, and is on one page. */
static bool vuser_trap_matches(const struct vuser_trap *trap,
			       const struct vuser_insn *insn, u64 addr)
{
	return (trap->write ? insn->store : insn->load) && addr == trap->addr &&
	       offset_in_page(addr) + insn->size <= PAGE_SIZE;
}

/*
 * The address at which the instruction may have faulted, if it has two operands in
 * memory: an instruction that copies faults as a load at its source, and as a store
 * at its destination; CMPS faults as a load at either operand.
 */
static u64 vuser_trap_faulting_addr(const struct vuser_trap *trap,
				    const struct vuser_insn *insn)
{
	if (!trap->write && vuser_insn_copies(insn))
		return insn->from;
	if (insn->op == VUSER_INSN_CMPS && insn->addr != trap->addr)
		return insn->from;
	return insn->addr;
}

/*
 * True if the access contains the address that faulted, and is on one page.  @bytes
 * has one bit for each byte from the address of the operand on; bytes without their
 * bit are not accessed.
 */
static bool vuser_trap_matches_bytes(const struct vuser_trap *trap,
				     const struct vuser_insn *insn, u64 bytes)
{
	u64 first = insn->addr + __ffs64(bytes);
	u64 last = insn->addr + fls64(bytes) - 1;

	return (trap->write ? insn->store : insn->load) &&
	       trap->addr >= first && trap->addr <= last &&
	       first >> PAGE_SHIFT == last >> PAGE_SHIFT;
}

/*
 * Makes the accesses of a vector instruction: one for each run of bytes that take
 * part, in ascending order.
 */
static int vuser_trap_vec_access(const struct vuser_trap *trap,
				 const struct vuser_insn *insn, u64 bytes,
				 u64 *val)
{
	struct vuser_counters *counters = trap->regions->conn->counters;
	u64 off = trap->off + insn->addr - trap->addr;
	u32 at, size;
	int err;

	for (; bytes; bytes &= ~GENMASK_ULL(at + size - 1, at)) {
		u64 rest;
		u8 *part;

		at = __ffs64(bytes);
		rest = ~(bytes >> at);
		size = min_t(u32, rest ? __ffs64(rest) : 64, 64 - at);
		part = (u8 *)val + at;
		if (insn->store)
			err = vuser_trap_store_bytes(trap, off + at, part, size);
		else
			err = vuser_trap_load_bytes(trap, off + at, part, size);
		if (err)
			return err;
	}
	vuser_count(counters, insn->store ? VUSER_COUNT_TRAP_STORE :
					    VUSER_COUNT_TRAP_LOAD);
	return 0;
}

/* Reads the registers of a vector instruction; false if the task lacks one. */
static bool vuser_trap_get_vec(const struct vuser_insn *insn,
			       struct vuser_vec *vec)
{
	if (!vuser_xstate_has(insn->reg, insn->vec_len,
			      insn->mask || insn->to_mask) ||
	    !vuser_xstate_has(insn->reg2, insn->vec_len, false))
		return false;
	vuser_xstate_get_vec(insn->reg, vec->reg);
	if (insn->reg2 == insn->reg)
		memcpy(vec->src, vec->reg, sizeof(vec->src));
	else
		vuser_xstate_get_vec(insn->reg2, vec->src);
	vec->mask = insn->mask ? vuser_xstate_get_mask(insn->mask) : U64_MAX;
	return true;
}

static int vuser_trap_exec_vec(const struct vuser_trap *trap,
			       const struct vuser_insn *insn,
			       struct vuser_regs *regs)
{
	u64 val[VUSER_VEC_WORDS] = {};
	struct vuser_vec vec;
	u64 bytes;
	int err;

	if (!vuser_trap_get_vec(insn, &vec))
		return -EFAULT;
	bytes = vuser_emulate_vec_bytes(insn, &vec);
	if (bytes && !vuser_trap_matches_bytes(trap, insn, bytes))
		return -EFAULT;
	if (insn->store) {
		vuser_emulate_vec_store(insn, regs, &vec, val);
		return vuser_trap_vec_access(trap, insn, bytes, val);
	}
	err = vuser_trap_vec_access(trap, insn, bytes, val);
	if (err)
		return err;
	vuser_emulate_vec_load(insn, regs, &vec, val);
	if (insn->to_mask)
		vuser_xstate_set_mask(insn->reg, vec.reg[0]);
	else if (insn->vec_op != VUSER_VEC_TEST)
		vuser_xstate_set_vec(insn->reg, vec.reg, insn->vex);
	return 0;
}

/* The processor may make the access to 10 bytes in two parts, in any order. */
static int vuser_trap_exec_x87(const struct vuser_trap *trap,
			       const struct vuser_insn *insn,
			       struct vuser_regs *regs)
{
	u64 off = trap->off + insn->addr - trap->addr;
	struct vuser_x87 fpu;
	u64 val[2] = {};
	int err = 0;

	if (!vuser_trap_matches_bytes(trap, insn,
				      GENMASK_ULL(insn->size - 1, 0)))
		return -EFAULT;
	vuser_xstate_get_x87(&fpu);
	if (insn->store) {
		if (vuser_emulate_x87_store(insn, regs, &fpu, val))
			err = vuser_trap_store_bytes(trap, off, val, insn->size);
	} else {
		err = vuser_trap_load_bytes(trap, off, val, insn->size);
		if (!err)
			vuser_emulate_x87_load(insn, regs, &fpu, val);
	}
	if (err)
		return err;
	vuser_xstate_set_x87(&fpu);
	vuser_count(trap->regions->conn->counters,
		    insn->store ? VUSER_COUNT_TRAP_STORE : VUSER_COUNT_TRAP_LOAD);
	return 0;
}

/*
 * Copies between the region and memory.  If the memory is itself a mapped region,
 * the kernel cannot access it, and the instruction is refused.  A load may have side
 * effects, so its value must not be lost: check first that the destination is
 * writable.  Another thread may unmap the destination after this check; so make the
 * load only in a fault that is not repeated.
 */
static int vuser_trap_exec_copy(const struct vuser_trap *trap,
				const struct vuser_insn *insn,
				struct vuser_regs *regs)
{
	u64 val[8] = {};
	int err;

	if (trap->write) {
		if (copy_from_user(val, (void __user *)insn->from, insn->size))
			return -EFAULT;
		err = vuser_trap_store(trap, val, insn->size);
	} else {
		if (trap->may_retry ||
		    fault_in_safe_writeable((char __user *)insn->addr,
					    insn->size))
			return -EFAULT;
		err = vuser_trap_load(trap, val, insn->size);
		if (!err && copy_to_user((void __user *)insn->addr, val,
					 insn->size))
			return -EFAULT;
	}
	if (!err)
		vuser_emulate(insn, regs, val);
	return err;
}

/* CMPS: compares an element of the region with one of memory. */
static int vuser_trap_exec_cmps(const struct vuser_trap *trap,
				const struct vuser_insn *insn,
				struct vuser_regs *regs)
{
	bool second = insn->addr == trap->addr;
	u64 other = second ? insn->from : insn->addr;
	u64 val[2] = {};
	int err;

	if (copy_from_user(&val[second ? 0 : 1], (void __user *)other,
			   insn->size))
		return -EFAULT;
	err = vuser_trap_load(trap, &val[second ? 1 : 0], insn->size);
	if (!err)
		vuser_emulate(insn, regs, val);
	return err;
}

/* The instructions with other operands than one of at most 8 bytes in memory. */
static int vuser_trap_exec_other(const struct vuser_trap *trap,
				 const struct vuser_insn *insn,
				 struct vuser_regs *regs)
{
	u64 val[2] = {};
	int err;

	if (insn->op == VUSER_INSN_VEC)
		return vuser_trap_exec_vec(trap, insn, regs);
	if (insn->op == VUSER_INSN_X87)
		return vuser_trap_exec_x87(trap, insn, regs);
	/*
	 * A flush makes no access, so its address does not matter: it may have
	 * faulted at the start of the cache line.
	 */
	if (insn->op == VUSER_INSN_NOP && !trap->write) {
		vuser_emulate(insn, regs, val);
		return 0;
	}
	if (!vuser_trap_matches(trap, insn,
				vuser_trap_faulting_addr(trap, insn)))
		return -EFAULT;
	if (vuser_insn_copies(insn))
		return vuser_trap_exec_copy(trap, insn, regs);
	if (insn->op == VUSER_INSN_CMPS)
		return vuser_trap_exec_cmps(trap, insn, regs);

	/* the only other operation is CMPXCHG_PAIR */
	err = vuser_trap_load(trap, val, insn->size);
	if (!err && vuser_emulate(insn, regs, val))
		err = vuser_trap_store(trap, val, insn->size);
	return err;
}

/*
 * Executes an instruction.  A locked instruction makes a load and a store, as
 * without the lock.  A real lock would have to keep the device from changing its
 * own register, and no bus can do this.  Returns -EFAULT for an instruction that
 * cannot be emulated.
 */
static int vuser_trap_exec(const struct vuser_trap *trap,
			   const struct vuser_insn *insn,
			   struct vuser_regs *regs)
{
	u64 val = 0;
	int err = 0;

	if (insn->op >= VUSER_INSN_NOP)
		return vuser_trap_exec_other(trap, insn, regs);
	/* an instruction that loads and stores may fault as a load or as a store */
	if (!vuser_trap_matches(trap, insn, insn->addr))
		return -EFAULT;

	if (insn->load)
		err = vuser_trap_load(trap, &val, insn->size);
	if (!err && vuser_emulate(insn, regs, &val))
		err = vuser_trap_store(trap, &val, insn->size);
	return err;
}

/*
 * Decodes and executes any instruction.  Returns 0, -EINTR or -EACCES; or -EFAULT for
 * an instruction that cannot be emulated.
 */
static noinline int vuser_trap_exec_any(const struct vuser_trap *trap,
					struct pt_regs *pt, const u8 *code,
					u32 len)
{
	struct vuser_regs regs = vuser_trap_get_regs(pt);
	unsigned long ip = pt->ip;
	struct vuser_insn insn;
	int err;

	if (vuser_decode(&insn, code, len, &regs))
		return -EFAULT;
	if (insn.store && !trap->may_write && !vuser_insn_copies(&insn))
		return -EACCES;
	err = vuser_trap_exec(trap, &insn, &regs);
	if (err)
		return err;
	vuser_trap_put_regs(&regs, pt);
	vuser_trap_retire(pt, ip);
	return 0;
}

/* A general register by its number in instructions. */
static u64 vuser_trap_gpr(const void *regs, u32 nr)
{
	static const u8 offsets[VUSER_NR_GPRS] = {
		offsetof(struct pt_regs, ax), offsetof(struct pt_regs, cx),
		offsetof(struct pt_regs, dx), offsetof(struct pt_regs, bx),
		offsetof(struct pt_regs, sp), offsetof(struct pt_regs, bp),
		offsetof(struct pt_regs, si), offsetof(struct pt_regs, di),
		offsetof(struct pt_regs, r8), offsetof(struct pt_regs, r9),
		offsetof(struct pt_regs, r10), offsetof(struct pt_regs, r11),
		offsetof(struct pt_regs, r12), offsetof(struct pt_regs, r13),
		offsetof(struct pt_regs, r14), offsetof(struct pt_regs, r15),
	};

	return *(const unsigned long *)(regs + offsets[nr]);
}

/*
 * True if the instruction is a store that vuser_decode_plain() knows, at the address
 * that faulted and on one page.  @code has at least VUSER_PLAIN_MAX bytes.
 */
static bool vuser_trap_is_plain(const struct vuser_trap *trap,
				const struct pt_regs *pt, const u8 *code,
				struct vuser_plain *plain)
{
	return trap->write && trap->may_write &&
	       vuser_decode_plain(plain, code, pt, vuser_trap_gpr) &&
	       plain->addr == trap->addr &&
	       offset_in_page(plain->addr) + plain->size <= PAGE_SIZE;
}

/* Executes a store that vuser_trap_is_plain() has decoded.  It changes only RIP. */
static int vuser_trap_exec_plain(const struct vuser_trap *trap,
				 struct pt_regs *pt,
				 const struct vuser_plain *plain)
{
	int err = vuser_trap_store(trap, &plain->val, plain->size);

	if (err)
		return err;
	pt->ip += plain->len;
	vuser_trap_retire(pt, pt->ip - plain->len);
	return 0;
}

/* Counts and reports an instruction that cannot be emulated. */
static void vuser_trap_refuse(const struct vuser_trap *trap,
			      const struct pt_regs *pt, const u8 *code,
			      u32 len)
{
	vuser_count(trap->regions->conn->counters, VUSER_COUNT_TRAP_REFUSED);
	dev_warn_ratelimited(trap->regions->conn->dev,
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
	u8 code[16]; /* not VUSER_INSN_MAX: whole words are copied faster */
	struct vuser_plain plain;
	u32 len = 0;
	int err;

	if (!user_64bit_mode(pt))
		goto refuse;
	len = sizeof(code) - copy_from_user(code, (void __user *)pt->ip,
					    sizeof(code));
	if (len == sizeof(code) && vuser_trap_is_plain(trap, pt, code, &plain))
		return vuser_trap_exec_plain(trap, pt, &plain);
	/*
	 * A debugger or a uprobe has set a breakpoint on the instruction after the
	 * fault: let the processor execute the breakpoint.
	 */
	if (len && code[0] == INT3_INSN_OPCODE)
		return 0;
	err = vuser_trap_exec_any(trap, pt, code, len);
	if (err != -EFAULT)
		return err;

refuse:
	if (!trap->may_retry)
		vuser_trap_refuse(trap, pt, code, len);
	return -EINVAL;
}
