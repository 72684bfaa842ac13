// SPDX-License-Identifier: GPL-2.0
/*
 * Posted writes that a lost server may not have carried out.
 *
 * A server that is killed does not read the messages in its socket.  A server that keeps
 * its state knows which posted write it carried out last (VFIO_USER_FEATURE_LAST_WRITE).
 * So the writes of a device whose setting state_kept is set are recorded, and the next
 * server gets those that the lost one did not carry out, with the same message ids.
 */
#include <linux/device.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "server/call.h"
#include "server/channel.h"
#include "server/replay.h"

/*
 * Posted writes may use half of the send buffer of a socket.  With the kernel's default size
 * of the buffer, that is about 140 writes.
 */
#define VUSER_REPLAY_WRITES	512

/**
 * struct vuser_replay_write - a posted write
 * @id: its message id
 * @len: bytes of @msg
 * @msg: the message after its header
 */
struct vuser_replay_write {
	u16 id;
	u16 len;
	u8 msg[sizeof(struct vfio_user_region_access) + sizeof(u64)];
};

/**
 * vuser_replay_init() - initialise the record of a new device
 * @replay: the record, zeroed
 *
 * Context: any.
 */
void vuser_replay_init(struct vuser_replay *replay)
{
	mutex_init(&replay->lock);
}

/**
 * vuser_replay_open() - begin to record, because the device is opened
 * @replay: the record of the device
 * @chan: channel of the device
 * @record: record posted writes
 *
 * Message ids go on where the last channel of the device ended, so that a server that
 * keeps its state does not find an id again.  If memory runs out, nothing is recorded.
 *
 * Context: process; may sleep; no access uses the channel yet.
 */
void vuser_replay_open(struct vuser_replay *replay, struct vuser_channel *chan,
		       bool record)
{
	struct vuser_replay_write *writes = NULL;

	if (!chan->replay) {
		atomic64_set(&chan->posted, replay->sent);
		chan->posted_before = replay->sent;
	}
	chan->replay = replay;
	if (record)
		writes = kvcalloc(VUSER_REPLAY_WRITES, sizeof(*writes), GFP_KERNEL);
	if (record && !writes)
		dev_warn(chan->user.dev,
			 "no memory to record stores: a lost server loses some\n");
	mutex_lock(&replay->lock);
	replay->nr = 0;
	WRITE_ONCE(replay->writes, writes);
	mutex_unlock(&replay->lock);
}

/**
 * vuser_replay_close() - stop recording, because the device is closed
 * @replay: the record of the device
 * @chan: channel of the device
 *
 * Context: process; may sleep; no access uses the channel any more.
 */
void vuser_replay_close(struct vuser_replay *replay, struct vuser_channel *chan)
{
	struct vuser_replay_write *writes;

	mutex_lock(&replay->lock);
	writes = replay->writes;
	WRITE_ONCE(replay->writes, NULL);
	replay->sent = atomic64_read(&chan->posted);
	mutex_unlock(&replay->lock);
	kvfree(writes);
}

/**
 * vuser_replay_move() - go on with another channel
 * @replay: the record of the device
 * @from: the lost channel
 * @to: the new channel, on which nothing was posted yet
 *
 * Context: process; may sleep; no access uses either channel.
 */
void vuser_replay_move(struct vuser_replay *replay, struct vuser_channel *from,
		       struct vuser_channel *to)
{
	to->posted_before = atomic64_read(&from->posted);
	atomic64_set(&to->posted, to->posted_before);
	to->replay = replay;
}

static struct vuser_replay_write *vuser_replay_at(struct vuser_replay *replay, u64 nr)
{
	return &replay->writes[nr % VUSER_REPLAY_WRITES];
}

/* Records a write that was posted; the lock is held. */
static void vuser_replay_add(struct vuser_replay *replay, u16 id, const void *msg,
			     size_t len)
{
	struct vuser_replay_write *write;

	if (!replay->writes)
		return;
	write = vuser_replay_at(replay, replay->nr++);
	write->id = id;
	write->len = len;
	memcpy(write->msg, msg, len);
}

/**
 * vuser_replay_post() - post a write, and record it if necessary
 * @chan: channel of an open device
 * @msg: the message after its header
 * @len: bytes of @msg, at most as many as struct vuser_replay_write has room for
 * @deadline: when to stop waiting for room in the send buffer
 *
 * Context: process; sleeps, killably, until the send buffer has room.
 * Return: as vuser_call_post().
 */
int vuser_replay_post(struct vuser_channel *chan, const void *msg, size_t len,
		      ktime_t deadline)
{
	struct vuser_replay *replay = chan->replay;
	struct kvec vec = { (void *)msg, len };
	u16 id;
	int ret;

	if (!replay || !READ_ONCE(replay->writes))
		return vuser_call_post(chan, VFIO_USER_REGION_WRITE,
				       vuser_call_next_posted(chan), &vec, 1, deadline);
	if (mutex_lock_killable(&replay->lock))
		return -EINTR;
	id = vuser_call_next_posted(chan);
	ret = vuser_call_post(chan, VFIO_USER_REGION_WRITE, id, &vec, 1, deadline);
	/* After an error, nothing was sent. */
	if (!ret)
		vuser_replay_add(replay, id, msg, len);
	mutex_unlock(&replay->lock);
	return ret;
}

/**
 * vuser_replay_clear() - drop the recorded writes: they will not be repeated
 * @chan: channel of an open device
 *
 * Context: process; sleeps, killably, while another thread posts a write.
 * Return: 0; or -EINTR when killed: then nothing was dropped.
 */
int vuser_replay_clear(struct vuser_channel *chan)
{
	struct vuser_replay *replay = chan->replay;

	if (!replay || !READ_ONCE(replay->writes))
		return 0;
	if (mutex_lock_killable(&replay->lock))
		return -EINTR;
	replay->nr = 0;
	mutex_unlock(&replay->lock);
	return 0;
}

/*
 * Finds the first write that the lost server has not carried out.  Returns -ENODATA if
 * it is not recorded any more.
 */
static int vuser_replay_find(struct vuser_replay *replay, u32 last, u64 *first)
{
	u64 oldest = 0, i;

	if (replay->nr > VUSER_REPLAY_WRITES)
		oldest = replay->nr - VUSER_REPLAY_WRITES;
	for (i = replay->nr; i > oldest; i--)
		if (vuser_replay_at(replay, i - 1)->id == last)
			break;
	*first = i;
	return i == oldest && oldest ? -ENODATA : 0;
}

/*
 * Lets the server answer the writes from @id on, which it gets again; @id was the message
 * id of a posted write, after which others may have failed.
 */
static void vuser_replay_expect(struct vuser_channel *chan, u16 id)
{
	u64 later = (chan->posted_before - id) & (VUSER_ID_POSTED - 1);

	WRITE_ONCE(chan->posted_before, chan->posted_before - later - 1);
}

/**
 * vuser_replay_resume() - post the writes that the lost server has not carried out
 * @chan: channel of the next server, which no access uses yet
 * @last: message id of the last posted write that the server's state contains;
 *	VFIO_USER_NO_WRITE if it contains none since the last reset
 *
 * Context: process; sleeps, killably, until the send buffer has room.
 * Return: 0; -ENODATA if too many writes were on their way; or as vuser_call_post().
 */
int vuser_replay_resume(struct vuser_channel *chan, u32 last)
{
	struct vuser_replay *replay = chan->replay;
	struct vuser_replay_write *write;
	struct kvec vec;
	int ret = 0;
	u64 i;

	mutex_lock(&replay->lock);
	if (replay->writes)
		ret = vuser_replay_find(replay, last, &i);
	if (ret || !replay->writes)
		goto out_unlock;
	if (i < replay->nr)
		vuser_replay_expect(chan, vuser_replay_at(replay, i)->id);
	for (; i < replay->nr && !ret; i++) {
		write = vuser_replay_at(replay, i);
		vec = (struct kvec){ write->msg, write->len };
		ret = vuser_call_post(chan, VFIO_USER_REGION_WRITE, write->id, &vec, 1,
				      vuser_channel_deadline(chan));
	}
out_unlock:
	mutex_unlock(&replay->lock);
	return ret;
}
