/* SPDX-License-Identifier: GPL-2.0 */
/* Posted writes that a lost server may not have carried out. */
#ifndef VUSER_REPLAY_H
#define VUSER_REPLAY_H

#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct vuser_channel;
struct vuser_replay_write;

/**
 * struct vuser_replay - the last posted writes of an open device
 * @lock: held while a posted write is sent and recorded, so that the writes are recorded
 *	in the order in which the server gets them; protects the other members.  Its holder
 *	may wait for room in the send buffer.  An access takes it killably
 * @writes: the last VUSER_REPLAY_WRITES writes; NULL if no write is recorded.  May be
 *	compared with NULL without @lock
 * @nr: number of writes that were recorded
 * @sent: value of @posted of the last channel when the device was closed
 */
struct vuser_replay {
	struct mutex lock;	/* the record, and the order of posted writes */
	struct vuser_replay_write *writes;
	u64 nr;
	u64 sent;
};

void vuser_replay_init(struct vuser_replay *replay);
void vuser_replay_open(struct vuser_replay *replay, struct vuser_channel *chan,
		       bool record);
void vuser_replay_close(struct vuser_replay *replay, struct vuser_channel *chan);
void vuser_replay_move(struct vuser_replay *replay, struct vuser_channel *from,
		       struct vuser_channel *to);
int vuser_replay_post(struct vuser_channel *chan, const void *msg, size_t len,
		      ktime_t deadline);
int vuser_replay_clear(struct vuser_channel *chan);
int vuser_replay_resume(struct vuser_channel *chan, u32 last);

#endif /* VUSER_REPLAY_H */
