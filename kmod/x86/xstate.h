/* SPDX-License-Identifier: GPL-2.0 */
/* The vector, mask and x87 registers of the current task. */
#ifndef VUSER_XSTATE_H
#define VUSER_XSTATE_H

#include <linux/types.h>

struct vuser_x87;

bool vuser_xstate_has(u32 reg, u32 len, bool mask);
void vuser_xstate_get_vec(u32 reg, u64 val[8]);
void vuser_xstate_set_vec(u32 reg, const u64 val[8], bool whole);
u64 vuser_xstate_get_mask(u32 reg);
void vuser_xstate_set_mask(u32 reg, u64 val);
void vuser_xstate_get_x87(struct vuser_x87 *fpu);
void vuser_xstate_set_x87(const struct vuser_x87 *fpu);

#endif /* VUSER_XSTATE_H */
