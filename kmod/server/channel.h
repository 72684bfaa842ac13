/* SPDX-License-Identifier: GPL-2.0 */
/* The channel to a device's server: messages, their replies, and its end. */
#ifndef VUSER_CHANNEL_H
#define VUSER_CHANNEL_H

#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/vfio_user.h>

#include "server/fdmsg.h"
#include "server/sock.h"

struct vuser_desc;
struct vuser_device;

/*
 * A message id: 7 bits of slot, 8 bits that change with each use of the slot
 * so that a late or doubled reply is seen, and one bit for posted writes,
 * which have no slot.
 */
#define VUSER_NR_SLOTS		128
#define VUSER_ID_SLOT_MASK	(VUSER_NR_SLOTS - 1)
#define VUSER_ID_GEN_SHIFT	7
#define VUSER_ID_POSTED		0x8000

/**
 * enum vuser_slot_state - what a slot is doing
 * @VUSER_SLOT_FREE: nothing
 * @VUSER_SLOT_BUSY: a thread waits for the reply
 * @VUSER_SLOT_ABANDONED: nobody waits any more; the reply frees the slot
 */
enum vuser_slot_state {
	VUSER_SLOT_FREE,
	VUSER_SLOT_BUSY,
	VUSER_SLOT_ABANDONED,
};

/**
 * struct vuser_slot - a message that a reply is awaited for
 * @wait: wakes the thread; its ->private is the task
 * @node: among the channel's waiters while the thread sleeps
 * @state: see there
 * @gen: counts uses
 * @done: the reply came, or the channel is lost
 * @sent: the server has the message, or may be getting it just now
 * @command: that the reply must name
 * @min: payload of the reply, least bytes
 * @max: payload of the reply, most bytes
 * @bare: a reply may also have no payload at all
 * @echo: what the reply's payload starts with; the waiter's own memory
 * @echo_len: bytes of @echo
 * @reply: where the payload goes; the waiter's own memory
 * @reply_len: bytes that came
 * @error: 0 or a negative errno, the server's own where it sent one
 *
 * All under the channel's lock, but for @done, which may be read without.
 */
struct vuser_slot {
	wait_queue_entry_t wait;
	struct list_head node;
	enum vuser_slot_state state;
	u8 gen;
	bool done;
	bool sent;
	u16 command;
	u32 min;
	u32 max;
	bool bare;
	const void *echo;
	u32 echo_len;
	void *reply;
	u32 reply_len;
	int error;
};

/**
 * struct vuser_channel - a connected server
 * @ref: held by the device from attach to detach, by requests, and by the
 *	work that ends it
 * @dev: the device; its reference is held as long as the channel is
 * @desc: what the server said; a reference is held
 * @main: the socket that was handed over
 * @twin: the server's own command socket, its ->sock NULL without
 * @lock: protects the slots, the waiters and the requests; taken by the
 *	socket's wake-up, so always with interrupts off; innermost
 * @slots: see struct vuser_slot
 * @waiters: slots of threads that wait, first come first
 * @slot_room: threads that wait for a free slot
 * @posted: counts posted writes, for their ids
 * @requests: messages that need the helper, oldest first
 * @next_request: id of the next one, never 0
 * @ring: requests found no room in the socket: ring again when there is
 * @lost: nothing is sent or read any more; never false again
 * @lost_work: tells device, consumer and helper
 * @ring_work: rings the helper's bell
 * @end_work: ends the links and drops the channel
 */
struct vuser_channel {
	struct kref ref;
	struct vuser_device *dev;
	struct vuser_desc *desc;
	struct vuser_link main;
	struct vuser_link twin;

	spinlock_t lock;	/* of slots, waiters and requests */
	struct vuser_slot slots[VUSER_NR_SLOTS];
	struct list_head waiters;
	wait_queue_head_t slot_room;
	atomic_t posted;
	struct list_head requests;
	u64 next_request;
	bool ring;
	bool lost;

	struct work_struct lost_work;
	struct work_struct ring_work;
	struct work_struct end_work;
};

/**
 * struct vuser_call - one command and its reply
 * @command: VFIO_USER_*
 * @payload: what follows the header, in one or two pieces
 * @reply: where the reply's payload goes, @reply_max bytes
 * @reply_min: fewer bytes end the channel
 * @reply_max: more bytes end the channel
 * @reply_bare: a reply without payload is as good
 * @reply_echo: bytes of the first payload that the reply must start with
 * @reply_len: bytes that came, after success
 * @sent: the server has the message, or may have it; set on return
 * @deadline: when to give up
 * @killable: a fatal signal ends the wait
 */
struct vuser_call {
	u16 command;
	struct kvec payload[2];
	void *reply;
	u32 reply_min;
	u32 reply_max;
	bool reply_bare;
	u32 reply_echo;
	u32 reply_len;
	bool sent;
	ktime_t deadline;
	bool killable;
};

struct vuser_channel *vuser_channel_open(struct vuser_device *dev,
					 struct vuser_desc *desc,
					 struct socket *sock,
					 struct socket *twin);
int vuser_channel_start(struct vuser_channel *chan);
void vuser_channel_get(struct vuser_channel *chan);
void vuser_channel_put(struct vuser_channel *chan);
void vuser_channel_end(struct vuser_channel *chan);
void vuser_channels_wait(void);

static inline bool vuser_channel_lost(struct vuser_channel *chan)
{
	return READ_ONCE(chan->lost);
}

ktime_t vuser_request_deadline(struct vuser_device *dev);
ktime_t vuser_close_deadline(struct vuser_device *dev);
int vuser_channel_call(struct vuser_channel *chan, struct vuser_call *call);
int vuser_channel_post(struct vuser_channel *chan, u16 command,
		       struct kvec *payload, size_t nr, ktime_t deadline);
int vuser_slot_get(struct vuser_channel *chan, struct vuser_call *call,
		   struct vfio_user_header *hdr, struct vuser_slot **slot);
int vuser_slot_wait(struct vuser_channel *chan, struct vuser_slot *slot,
		    struct vuser_call *call);
void vuser_slot_free(struct vuser_channel *chan, struct vuser_slot *slot);
bool vuser_slot_sending(struct vuser_channel *chan, u16 msg_id);
bool vuser_slot_unsent(struct vuser_channel *chan, u16 msg_id);
void vuser_slot_complete(struct vuser_channel *chan, u16 msg_id, int error);

/* Called by the links. */
int vuser_channel_message(struct vuser_link *link,
			  const struct vfio_user_header *hdr,
			  const void *payload, size_t len);
void vuser_channel_readable(struct vuser_link *link, int wake_flags);
void vuser_channel_room(struct vuser_channel *chan);
void vuser_channel_fail(struct vuser_channel *chan, int error,
			const char *why);
void vuser_channel_hang_up(struct vuser_channel *chan, int error,
			   const char *why);
void vuser_channel_timeout(struct vuser_channel *chan, const char *why,
			   const struct vfio_user_header *hdr);
void vuser_channel_violation(struct vuser_channel *chan, const char *why,
			     const struct vfio_user_header *hdr);

/* serve_dma.c: what the server asks of us. */
int vuser_serve_dma(struct vuser_link *link,
		    const struct vfio_user_header *hdr, const void *payload,
		    size_t len);

#endif /* VUSER_CHANNEL_H */
