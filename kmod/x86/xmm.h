/* SPDX-License-Identifier: GPL-2.0 */
/* The XMM registers of the current task. */
#ifndef VUSER_XMM_H
#define VUSER_XMM_H

#include <linux/types.h>

void vuser_xmm_get(u32 reg, u64 val[2]);
void vuser_xmm_set(u32 reg, const u64 val[2], bool clear_above);

#endif /* VUSER_XMM_H */
