/* SPDX-License-Identifier: GPL-2.0 */
/* Sends a command and waits for its reply. */
#ifndef VUSER_CALL_H
#define VUSER_CALL_H

#include <linux/ktime.h>
#include <linux/types.h>
#include <linux/uio.h>

struct vuser_call;
struct vuser_channel;
struct vuser_slot;

int vuser_call(struct vuser_channel *chan, struct vuser_call *call);
u16 vuser_call_next_posted(struct vuser_channel *chan);
int vuser_call_post(struct vuser_channel *chan, u16 command, u16 id,
		    struct kvec *payload, size_t nr, ktime_t deadline);
int vuser_call_wait(struct vuser_channel *chan, struct vuser_slot *slot,
		    struct vuser_call *call);

#endif /* VUSER_CALL_H */
