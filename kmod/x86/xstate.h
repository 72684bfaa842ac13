/* SPDX-License-Identifier: GPL-2.0 */
/* The vector and mask registers of the current task. */
#ifndef VUSER_XSTATE_H
#define VUSER_XSTATE_H

#include <linux/types.h>

bool vuser_xstate_has(u32 reg, u32 len, bool mask);
void vuser_xstate_get_vec(u32 reg, u64 val[8]);
void vuser_xstate_set_vec(u32 reg, const u64 val[8], bool whole);
u64 vuser_xstate_get_mask(u32 reg);
void vuser_xstate_set_mask(u32 reg, u64 val);

#endif /* VUSER_XSTATE_H */
