// SPDX-License-Identifier: GPL-2.0
/*
 * Compares layouts with the type information (BTF) of the kernel for which the module
 * is built: those that vuser copies, and those of structs that headers show, but that
 * belong to other parts of the kernel.  btf.py writes btf.h; it defines nothing if the
 * kernel has no BTF.  This file has no code: a layout that differs is a build error.
 */
#include <linux/build_bug.h>
#include <linux/hugetlb.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/stddef.h>
#include <linux/uprobes.h>
#include <asm/fpu/types.h>

#include "btf.h"
#include "compat.h"
#include "dma/backend.h"

/* sparse computes other sizes of structs that have aligned members */
#if defined(BTF_KERNEL) && !defined(__CHECKER__)

/* dma/backend.h: VFIO's core calls these functions. */
#ifdef BTF_SIZE_vfio_iommu_driver_ops
BTF_SAME_MEMBERS_vfio_iommu_driver_ops;
BTF_SAME_SIZE(vfio_iommu_driver_ops);
BTF_SAME_VALUE(VFIO_EMULATED_IOMMU);
#endif

/* compat.h: where the FPU state of a task is. */
BTF_SAME_SIZE(task_struct);
#ifdef VUSER_FPU_BEHIND_TASK
#ifdef BTF_OFFSET_thread_struct__fpu
#error "struct thread_struct of the kernel has the FPU state, unlike other kernels since 6.16"
#endif
static_assert(!(sizeof(struct task_struct) % SMP_CACHE_BYTES),
	      "the FPU state does not follow struct task_struct directly");
#else
BTF_SAME_OFFSET(task_struct, thread);
BTF_SAME_OFFSET(thread_struct, fpu);
#endif

/* x86/xstate.c */
BTF_SAME_OFFSET(fpu, last_cpu);
BTF_SAME_OFFSET(fpu, fpstate);
BTF_SAME_OFFSET(fpstate, user_xfeatures);
BTF_SAME_OFFSET(fpstate, regs);
BTF_SAME_OFFSET(xregs_state, i387);
BTF_SAME_OFFSET(xregs_state, header);
BTF_SAME_OFFSET(xregs_state, extended_state_area);
BTF_SAME_OFFSET(xstate_header, xfeatures);
BTF_SAME_OFFSET(xstate_header, xcomp_bv);

/* region/trap.c: single steps of debuggers and uprobes. */
BTF_SAME_OFFSET(thread_struct, virtual_dr6);
BTF_SAME_OFFSET(thread_struct, trap_nr);
BTF_SAME_OFFSET(thread_struct, error_code);
#ifdef CONFIG_UPROBES
BTF_SAME_OFFSET(task_struct, utask);
BTF_SAME_OFFSET(uprobe_task, state);
BTF_SAME_OFFSET(uprobe_task, active_uprobe);
BTF_SAME_OFFSET(uprobe_task, xol_vaddr);
BTF_SAME_VALUE(UTASK_SSTEP);
BTF_SAME_VALUE(UTASK_SSTEP_ACK);
#endif

/* dma/file.c */
BTF_SAME_OFFSET(shmem_inode_info, seals);
BTF_SAME_OFFSET(shmem_inode_info, vfs_inode);
#ifdef CONFIG_HUGETLBFS
BTF_SAME_OFFSET(hugetlbfs_inode_info, seals);
BTF_SAME_OFFSET(hugetlbfs_inode_info, vfs_inode);
#endif

#endif /* BTF_KERNEL */
