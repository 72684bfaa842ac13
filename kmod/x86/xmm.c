// SPDX-License-Identifier: GPL-2.0
/*
 * XMM registers of the current task.  kernel_fpu_begin() puts all of its
 * registers into its save area, which is what is read and changed here; they
 * are loaded from there again on the way back to user space.
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

/* SDM volume 1, 13.4: the legacy region and the header, then components. */
#define XSAVE_EXTENDED_OFFSET	576
#define XSAVE_COMPACTED		BIT_ULL(63)
#define XSAVE_ALIGNED		BIT(1)

/* Where a component is in the save area, by CPUID as 13.4.3 says. */
static u32 vuser_xstate_offset(const struct xregs_state *xsave, u32 nr)
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

/* A register's @size bytes in a component that is not in its initial state. */
static void vuser_xstate_clear(struct xregs_state *xsave, u32 nr, u32 reg,
			       u32 size)
{
	u8 *area = (u8 *)xsave;

	if (xsave->header.xfeatures & BIT_ULL(nr))
		memset(area + vuser_xstate_offset(xsave, nr) + reg * size, 0,
		       size);
}

/*
 * The processor does not save registers in their initial state, and then does
 * not load them either, until a bit says that there is something to load.
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
 * @reg: 0 to 15
 * @val: its low 16 bytes
 *
 * Context: process, for a user task.
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
 * @reg: 0 to 15
 * @val: its low 16 bytes
 * @clear_above: clear the rest of the YMM and ZMM register
 *
 * Context: process, for a user task.
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
			vuser_xstate_clear(xsave, XFEATURE_YMM, reg, 16);
			vuser_xstate_clear(xsave, XFEATURE_ZMM_Hi256, reg, 32);
		}
	}
	memcpy(&xsave->i387.xmm_space[4 * reg], val, 16);

	/* registers that a processor may still have are old now */
	fpu->last_cpu = -1;
	kernel_fpu_end();
}
