// SPDX-License-Identifier: GPL-2.0
/*
 * The XMM registers of the current task.  kernel_fpu_begin() saves all FPU
 * registers of the task to its save area.  The functions of this file read and
 * change the save area.  The kernel restores the registers from the save area
 * before the task returns to user space.
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
#include "x86/xmm.h"

/*
 * The layout of the save area (SDM volume 1, 13.4): the legacy region and the
 * header, then the extended components.
 */
#define XSAVE_EXTENDED_OFFSET	576
#define XSAVE_COMPACTED		BIT_ULL(63)
#define XSAVE_ALIGNED		BIT(1)

/* The offset of a component in the save area, from CPUID (13.4.2, 13.4.3). */
static u32 vuser_xmm_component_offset(const struct xregs_state *xsave, u32 nr)
{
	u64 xcomp_bv = xsave->header.xcomp_bv;
	u32 at = XSAVE_EXTENDED_OFFSET;
	u32 size, offset, flags, unused, i;

	for (i = XFEATURE_YMM; ; i++) {
		if (i != nr && !(xcomp_bv & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &size, &offset, &flags, &unused);
		if (flags & XSAVE_ALIGNED)
			at = ALIGN(at, 64);
		if (i == nr)
			break;
		at += size;
	}
	return xcomp_bv & XSAVE_COMPACTED ? at : offset;
}

/*
 * Clears the @size bytes of a register in a component.  A component in its
 * initial state is all zero already.
 */
static void vuser_xmm_clear_component(struct xregs_state *xsave, u32 nr,
				      u32 reg, u32 size)
{
	u8 *area = (u8 *)xsave;

	if (xsave->header.xfeatures & BIT_ULL(nr))
		memset(area + vuser_xmm_component_offset(xsave, nr) + reg * size,
		       0, size);
}

/*
 * While the XMM registers are in their initial state, the processor does not save
 * them, and clears their bit in the header.  When this bit is clear, the processor
 * does not load the registers from the save area either.  So write the initial
 * state to the save area and set the bit.
 */
static void vuser_xmm_init(struct xregs_state *xsave)
{
	if (xsave->header.xfeatures & XFEATURE_MASK_SSE)
		return;
	memset(xsave->i387.xmm_space, 0, sizeof(xsave->i387.xmm_space));
	if (xsave->header.xcomp_bv & XSAVE_COMPACTED)
		xsave->i387.mxcsr = MXCSR_DEFAULT;
	xsave->header.xfeatures |= XFEATURE_MASK_SSE;
}

/**
 * vuser_xmm_get() - read an XMM register
 * @reg: number of the register, 0 to 15
 * @val: set to the low 16 bytes of the register
 *
 * Context: process, in a user task; not inside kernel_fpu_begin().
 */
void vuser_xmm_get(u32 reg, u64 val[2])
{
	struct xregs_state *xsave;

	kernel_fpu_begin();
	xsave = &vuser_current_fpu()->fpstate->regs.xsave;
	if (cpu_feature_enabled(X86_FEATURE_XSAVE))
		vuser_xmm_init(xsave);
	memcpy(val, &xsave->i387.xmm_space[4 * reg], 16);
	kernel_fpu_end();
}

/**
 * vuser_xmm_set() - write an XMM register
 * @reg: number of the register, 0 to 15
 * @val: the new low 16 bytes of the register
 * @clear_above: clear the rest of the YMM and ZMM register
 *
 * Context: process, in a user task; not inside kernel_fpu_begin().
 */
void vuser_xmm_set(u32 reg, const u64 val[2], bool clear_above)
{
	struct xregs_state *xsave;
	struct fpu *fpu;

	kernel_fpu_begin();
	fpu = vuser_current_fpu();
	xsave = &fpu->fpstate->regs.xsave;
	if (cpu_feature_enabled(X86_FEATURE_XSAVE)) {
		vuser_xmm_init(xsave);
		if (clear_above) {
			vuser_xmm_clear_component(xsave, XFEATURE_YMM, reg, 16);
			vuser_xmm_clear_component(xsave, XFEATURE_ZMM_Hi256,
						  reg, 32);
		}
	}
	memcpy(&xsave->i387.xmm_space[4 * reg], val, 16);

	/* a processor that still has the old values must load the new ones */
	fpu->last_cpu = -1;
	kernel_fpu_end();
}
