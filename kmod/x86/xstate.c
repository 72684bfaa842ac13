// SPDX-License-Identifier: GPL-2.0
/*
 * The vector, mask and x87 registers of the current task.  kernel_fpu_begin() saves
 * all FPU registers of the task to its save area.  The functions of this file
 * read and change the save area.  The kernel restores the registers from the save
 * area before the task returns to user space.
 *
 * This file has all that vuser knows of the layout of the save area (SDM volume
 * 1, chapter 13).  A register consists of parts in several components:
 *
 *	registers 0 to 15	SSE (16 bytes), YMM (16), ZMM_Hi256 (32)
 *	registers 16 to 31	Hi16_ZMM (64)
 *	mask registers		OPMASK (8)
 *
 * The x87 state is one component, at the start of the save area.
 */
#include <linux/align.h>
#include <linux/bits.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/processor.h>

#include "compat.h"
#include "x86/emulate_x87.h"
#include "x86/xstate.h"

/* The extended components come after the legacy region and the header. */
#define XSAVE_EXTENDED_OFFSET	576
#define XSAVE_COMPACTED		BIT_ULL(63)
#define XSAVE_ALIGNED		BIT(1)

#define XSTATE_ZMM_MASK	(XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | \
			 XFEATURE_MASK_Hi16_ZMM)

/* A part of a register in a component. */
struct vuser_xstate_part {
	u8 nr;		/* the component */
	u8 at;		/* offset in the register, bytes */
	u8 size;	/* bytes */
};

static const struct vuser_xstate_part vuser_xstate_upper[] = {
	{ XFEATURE_YMM, 16, 16 },
	{ XFEATURE_ZMM_Hi256, 32, 32 },
};

static struct xregs_state *vuser_xstate_area(void)
{
	return &vuser_current_fpu()->fpstate->regs.xsave;
}

/*
 * True if the task has the components.  The compacted format has room for those
 * only that its header names.
 */
static bool vuser_xstate_enabled(u64 components)
{
	u64 xcomp_bv = vuser_xstate_area()->header.xcomp_bv;

	if (!cpu_feature_enabled(X86_FEATURE_XSAVE))
		return false;
	if (xcomp_bv & XSAVE_COMPACTED && components & ~xcomp_bv)
		return false;
	return !(components & ~vuser_current_fpu()->fpstate->user_xfeatures);
}

/* The offset of a component in the save area, from CPUID (13.4.2, 13.4.3). */
static u32 vuser_xstate_offset(const struct xregs_state *xsave, u32 nr)
{
	u64 xcomp_bv = xsave->header.xcomp_bv;
	u32 at = XSAVE_EXTENDED_OFFSET;
	u32 size, offset, flags, unused, i;

	if (!(xcomp_bv & XSAVE_COMPACTED)) {
		cpuid_count(0xd, nr, &size, &offset, &flags, &unused);
		return offset;
	}
	for (i = XFEATURE_YMM; ; i++) {
		if (i != nr && !(xcomp_bv & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &size, &offset, &flags, &unused);
		if (flags & XSAVE_ALIGNED)
			at = ALIGN(at, 64);
		if (i == nr)
			return at;
		at += size;
	}
}

static u32 vuser_xstate_size(u32 nr)
{
	u32 size, offset, flags, unused;

	cpuid_count(0xd, nr, &size, &offset, &flags, &unused);
	return size;
}

/* A component in its initial state is not in the save area; it is all zero. */
static void vuser_xstate_get_part(const struct xregs_state *xsave, u32 nr,
				  u32 at, void *val, u32 size)
{
	if (xsave->header.xfeatures & BIT_ULL(nr))
		memcpy(val, (const u8 *)xsave + vuser_xstate_offset(xsave, nr) + at,
		       size);
	else
		memset(val, 0, size);
}

/*
 * A component in its initial state stays so if 0 is written.  Otherwise all of
 * it must be valid before its bit is set.
 */
static void vuser_xstate_set_part(struct xregs_state *xsave, u32 nr, u32 at,
				  const void *val, u32 size)
{
	u8 *component;

	if (!(xsave->header.xfeatures & BIT_ULL(nr)) &&
	    !memchr_inv(val, 0, size))
		return;
	component = (u8 *)xsave + vuser_xstate_offset(xsave, nr);
	if (!(xsave->header.xfeatures & BIT_ULL(nr))) {
		memset(component, 0, vuser_xstate_size(nr));
		xsave->header.xfeatures |= BIT_ULL(nr);
	}
	memcpy(component + at, val, size);
}

/*
 * While the XMM registers are in their initial state, the processor does not save
 * them, and clears their bit in the header.  When this bit is clear, the processor
 * does not load the registers from the save area either.  So write the initial
 * state to the save area and set the bit.
 */
static void vuser_xstate_init_sse(struct xregs_state *xsave)
{
	if (!cpu_feature_enabled(X86_FEATURE_XSAVE) ||
	    xsave->header.xfeatures & XFEATURE_MASK_SSE)
		return;
	memset(xsave->i387.xmm_space, 0, sizeof(xsave->i387.xmm_space));
	if (xsave->header.xcomp_bv & XSAVE_COMPACTED)
		xsave->i387.mxcsr = MXCSR_DEFAULT;
	xsave->header.xfeatures |= XFEATURE_MASK_SSE;
}

/* A processor that still has the old values must load the new ones. */
static void vuser_xstate_changed(void)
{
	vuser_current_fpu()->last_cpu = -1;
}

/**
 * vuser_xstate_has() - check that the current task has a register
 * @reg: number of the vector register
 * @len: bytes of it that are used, up to 64
 * @mask: mask registers are used, too
 *
 * The processor raises an exception without a memory access if the kernel has
 * not enabled a register.  The check is for a program that changes the
 * instruction after the fault.
 *
 * Context: process, in a user task.
 * Return: true if the other functions of this file may be called.
 */
bool vuser_xstate_has(u32 reg, u32 len, bool mask)
{
	u64 components = 0;

	if (len > 16)
		components |= XFEATURE_MASK_YMM;
	if (reg >= 16 || len > 32 || mask)
		components |= XFEATURE_MASK_YMM | XSTATE_ZMM_MASK;
	return !components || vuser_xstate_enabled(components);
}

/**
 * vuser_xstate_get_vec() - read a vector register
 * @reg: number of the register, 0 to 31
 * @val: set to the register; parts that the task does not have are 0
 *
 * Context: process, in a user task; not inside kernel_fpu_begin().
 */
void vuser_xstate_get_vec(u32 reg, u64 val[8])
{
	struct xregs_state *xsave;
	u32 i;

	kernel_fpu_begin();
	xsave = vuser_xstate_area();
	memset(val, 0, 64);
	if (reg >= 16) {
		vuser_xstate_get_part(xsave, XFEATURE_Hi16_ZMM, (reg - 16) * 64,
				      val, 64);
		goto out;
	}
	vuser_xstate_init_sse(xsave);
	memcpy(val, &xsave->i387.xmm_space[4 * reg], 16);
	for (i = 0; i < ARRAY_SIZE(vuser_xstate_upper); i++) {
		const struct vuser_xstate_part *part = &vuser_xstate_upper[i];

		if (vuser_xstate_enabled(BIT_ULL(part->nr)))
			vuser_xstate_get_part(xsave, part->nr, reg * part->size,
					      (u8 *)val + part->at, part->size);
	}
out:
	kernel_fpu_end();
}

/**
 * vuser_xstate_set_vec() - write a vector register
 * @reg: number of the register, 0 to 31
 * @val: the new value
 * @whole: write the whole register; otherwise its low 16 bytes, @reg is below 16
 *
 * Context: process, in a user task; not inside kernel_fpu_begin().
 */
void vuser_xstate_set_vec(u32 reg, const u64 val[8], bool whole)
{
	struct xregs_state *xsave;
	u32 i;

	kernel_fpu_begin();
	xsave = vuser_xstate_area();
	vuser_xstate_init_sse(xsave);
	if (reg >= 16) {
		vuser_xstate_set_part(xsave, XFEATURE_Hi16_ZMM, (reg - 16) * 64,
				      val, 64);
		goto out;
	}
	memcpy(&xsave->i387.xmm_space[4 * reg], val, 16);
	for (i = 0; whole && i < ARRAY_SIZE(vuser_xstate_upper); i++) {
		const struct vuser_xstate_part *part = &vuser_xstate_upper[i];

		if (vuser_xstate_enabled(BIT_ULL(part->nr)))
			vuser_xstate_set_part(xsave, part->nr, reg * part->size,
					      (const u8 *)val + part->at,
					      part->size);
	}
out:
	vuser_xstate_changed();
	kernel_fpu_end();
}

/**
 * vuser_xstate_get_mask() - read a mask register
 * @reg: number of the register, 0 to 7
 *
 * Context: process, in a user task; not inside kernel_fpu_begin().
 * Return: the value.
 */
u64 vuser_xstate_get_mask(u32 reg)
{
	u64 val;

	kernel_fpu_begin();
	vuser_xstate_get_part(vuser_xstate_area(), XFEATURE_OPMASK, 8 * reg, &val,
			      8);
	kernel_fpu_end();
	return val;
}

/**
 * vuser_xstate_set_mask() - write a mask register
 * @reg: number of the register, 0 to 7
 * @val: the new value
 *
 * Context: process, in a user task; not inside kernel_fpu_begin().
 */
void vuser_xstate_set_mask(u32 reg, u64 val)
{
	struct xregs_state *xsave;

	kernel_fpu_begin();
	xsave = vuser_xstate_area();
	vuser_xstate_init_sse(xsave);
	vuser_xstate_set_part(xsave, XFEATURE_OPMASK, 8 * reg, &val, 8);
	vuser_xstate_changed();
	kernel_fpu_end();
}

/*
 * As vuser_xstate_init_sse(), for the x87 state: its initial values are those of
 * FNINIT.
 */
static void vuser_xstate_init_x87(struct xregs_state *xsave)
{
	struct fxregs_state *fx = &xsave->i387;

	if (!cpu_feature_enabled(X86_FEATURE_XSAVE) ||
	    xsave->header.xfeatures & XFEATURE_MASK_FP)
		return;
	fx->cwd = 0x37f;
	fx->swd = 0;
	fx->twd = 0;
	fx->fop = 0;
	fx->rip = 0;
	fx->rdp = 0;
	memset(fx->st_space, 0, sizeof(fx->st_space));
	xsave->header.xfeatures |= XFEATURE_MASK_FP;
}

/* The place of a register in the save area, which starts with ST(0). */
static void *vuser_xstate_st(struct fxregs_state *fx, u32 reg, u16 status)
{
	u32 top = status >> 11 & 7;

	return &fx->st_space[4 * ((reg - top) & 7)];
}

/**
 * vuser_xstate_get_x87() - read the x87 state
 * @fpu: set to the state
 *
 * Context: process, in a user task; not inside kernel_fpu_begin().
 */
void vuser_xstate_get_x87(struct vuser_x87 *fpu)
{
	struct fxregs_state *fx;
	u32 i;

	kernel_fpu_begin();
	fx = &vuser_xstate_area()->i387;
	vuser_xstate_init_x87(vuser_xstate_area());
	fpu->control = fx->cwd;
	fpu->status = fx->swd;
	fpu->tags = fx->twd;
	fpu->ip = fx->rip;
	fpu->addr = fx->rdp;
	for (i = 0; i < VUSER_X87_REGS; i++) {
		const u8 *st = vuser_xstate_st(fx, i, fx->swd);

		memcpy(&fpu->reg[i].mant, st, 8);
		memcpy(&fpu->reg[i].exp, st + 8, 2);
	}
	kernel_fpu_end();
}

/**
 * vuser_xstate_set_x87() - write the x87 state
 * @fpu: the state
 *
 * Context: process, in a user task; not inside kernel_fpu_begin().
 */
void vuser_xstate_set_x87(const struct vuser_x87 *fpu)
{
	struct fxregs_state *fx;
	u32 i;

	kernel_fpu_begin();
	fx = &vuser_xstate_area()->i387;
	vuser_xstate_init_x87(vuser_xstate_area());
	fx->cwd = fpu->control;
	fx->swd = fpu->status;
	fx->twd = fpu->tags;
	fx->rip = fpu->ip;
	fx->rdp = fpu->addr;
	for (i = 0; i < VUSER_X87_REGS; i++) {
		u8 *st = vuser_xstate_st(fx, i, fpu->status);

		memset(st, 0, 16);
		memcpy(st, &fpu->reg[i].mant, 8);
		memcpy(st + 8, &fpu->reg[i].exp, 2);
	}
	vuser_xstate_changed();
	kernel_fpu_end();
}
