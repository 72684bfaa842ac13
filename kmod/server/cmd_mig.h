/* SPDX-License-Identifier: GPL-2.0 */
/* The vfio-user commands that migrate a device; each is one function. */
#ifndef VUSER_CMD_MIG_H
#define VUSER_CMD_MIG_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vuser_channel;

int vuser_cmd_mig_read(struct vuser_channel *chan, void *buf, size_t size, size_t *done);
int vuser_cmd_mig_write(struct vuser_channel *chan, const void *buf, size_t size);
int vuser_cmd_mig_state(struct vuser_channel *chan, u32 state);
int vuser_cmd_mig_state_until(struct vuser_channel *chan, u32 state, ktime_t deadline,
			      bool killable);
int vuser_cmd_mig_get_state(struct vuser_channel *chan, u32 *state);
int vuser_cmd_mig_flags(struct vuser_channel *chan, u64 *flags);
int vuser_cmd_mig_copies(struct vuser_channel *chan);
int vuser_cmd_mig_size(struct vuser_channel *chan, u64 *size);

#endif /* VUSER_CMD_MIG_H */
