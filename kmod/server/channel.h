/* SPDX-License-Identifier: GPL-2.0 */
/* The channel to a device's server: its sockets, its slots, and its end. */
#ifndef VUSER_CHANNEL_H
#define VUSER_CHANNEL_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/vfio_user.h>
#include <uapi/linux/vuser.h>

#include "vuser.h"

struct device;
struct socket;
struct vuser_channel;
struct vuser_desc;

/* The longest message either side may send: one skb of the socket. */
#define VUSER_MAX_MSG	(VUSER_MAX_XFER + 256)

/* AF_UNIX makes an skb of half of the buffer at most. */
#define VUSER_MIN_SNDBUF	(2 * (VUSER_MAX_MSG + 64))

/**
 * struct vuser_sock - one UNIX socket to the server
 * @chan: the channel that the socket belongs to; outlives it
 * @sock: connected stream socket; a reference of ours to its file
 * @wait: entry on the socket's wait queue: data, room, hang-up
 * @wqh: that wait queue
 * @room: threads that wait for room to send
 * @tx_lock: one message at a time; held over one non-blocking sendmsg only
 * @rx_lock: the reading thread holds it; protects the fields below.  Only
 *	tried, never waited for, except by the close and the deadline
 * @rx_buf: bytes read and not yet taken, VUSER_MAX_MSG of them at most
 * @rx_len: how many
 * @rx_messages: how many messages were taken, to see that one is stuck
 * @parked: a reply that found no room; nothing is read while it waits
 * @parked_len: its size in bytes
 * @stalled: @parked is set, readable without the lock
 * @partial: an incomplete message has been there since @partial_seen
 * @rx_work: reads when no thread waits
 * @partial_work: the deadline of an incomplete message
 * @partial_seen: @rx_messages when the deadline was started
 */
struct vuser_sock {
	struct vuser_channel *chan;
	struct socket *sock;
	wait_queue_entry_t wait;
	wait_queue_head_t *wqh;
	wait_queue_head_t room;

	struct mutex tx_lock;	/* one sendmsg */

	struct mutex rx_lock;	/* who reads, and what was read */
	u8 *rx_buf;
	size_t rx_len;
	u64 rx_messages;
	void *parked;
	size_t parked_len;
	bool stalled;
	bool partial;
	u64 partial_seen;
	struct work_struct rx_work;
	struct delayed_work partial_work;
};

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

/**
 * struct vuser_server_ops - what a channel asks of the layers above
 * @lost: the server is lost; called once, from a work item, unless the device
 *	ended the channel before
 * @dma_read: copy from the consumer's memory; 0 or a negative errno for the reply.
 *	Called by the reading thread
 * @dma_write: copy to the consumer's memory; otherwise as @dma_read
 * @notify: tell the helper that an fdmsg waits
 * @release: the channel is freed; drop the reference that the context holds
 *
 * All but @release are called only while the channel has a reference.  The context
 * is that of struct vuser_server_user.
 */
struct vuser_server_ops {
	void (*lost)(void *context, struct vuser_channel *chan);
	int (*dma_read)(void *context, u64 iova, void *buf, size_t len);
	int (*dma_write)(void *context, u64 iova, const void *buf, size_t len);
	void (*notify)(void *context, u64 fdmsg_id);
	void (*release)(void *context);
};

/**
 * struct vuser_server_user - the device that a channel belongs to
 * @ops: what the channel asks of it
 * @context: given to @ops
 * @dev: named by messages to the kernel's log
 * @id: number of the device in traces
 * @request_timeout_ms: a server must answer a message within this time; read
 *	without a lock each time it is needed
 * @counters: counts what is sent and received
 * @send_lock: held by the callers of vuser_fdmsg_send() and vuser_fdmsg_refuse()
 *
 * The pointers stay valid until @ops->release().
 */
struct vuser_server_user {
	const struct vuser_server_ops *ops;
	void *context;
	struct device *dev;
	u32 id;
	const u32 *request_timeout_ms;
	struct vuser_counters *counters;
	struct mutex *send_lock;	/* the lock of the device */
};

/**
 * struct vuser_channel - a connected server
 * @ref: held by the device from attach to detach, and by the work that ends the
 *	channel
 * @user: the device
 * @desc: what the server said; a reference is held
 * @main: the socket that was handed over
 * @twin: the server's own command socket; its ->sock is NULL when there is none
 * @lock: protects the slots, the waiters and the fdmsgs; taken by the socket's
 *	wake-up, so always with interrupts off; innermost
 * @slots: see struct vuser_slot
 * @waiters: slots of threads that wait, first come first
 * @slot_room: threads that wait for a free slot
 * @posted: counts posted writes, for their ids
 * @fdmsgs: messages that the helper has to send, oldest first
 * @next_fdmsg: id of the next one, never 0
 * @notify: fdmsgs found no room in the socket: notify the helper when there is
 * @lost: nothing is sent or read any more; never false again
 * @lost_work: calls @user.ops->lost()
 * @notify_work: notifies the helper
 * @end_work: stops the sockets and drops the device's reference
 */
struct vuser_channel {
	struct kref ref;
	struct vuser_server_user user;
	struct vuser_desc *desc;
	struct vuser_sock main;
	struct vuser_sock twin;

	spinlock_t lock;	/* of slots, waiters and fdmsgs */
	struct vuser_slot slots[VUSER_NR_SLOTS];
	struct list_head waiters;
	wait_queue_head_t slot_room;
	atomic_t posted;
	struct list_head fdmsgs;
	u64 next_fdmsg;
	bool notify;
	bool lost;

	struct work_struct lost_work;
	struct work_struct notify_work;
	struct work_struct end_work;
};

extern struct workqueue_struct *vuser_wq;
extern const struct cred *vuser_cred;

static inline bool vuser_channel_lost(struct vuser_channel *chan)
{
	return READ_ONCE(chan->lost);
}

static inline void vuser_channel_count(struct vuser_channel *chan,
				       enum vuser_counter counter)
{
	vuser_count(chan->user.counters, counter);
}

int vuser_channel_init(void);
void vuser_channel_exit(void);
void vuser_channel_wait(void);

struct vuser_channel *vuser_channel_alloc(const struct vuser_server_user *user,
					  struct vuser_desc *desc,
					  struct socket *sock,
					  struct socket *twin);
void vuser_channel_get(struct vuser_channel *chan);
void vuser_channel_put(struct vuser_channel *chan);
void vuser_channel_close(struct vuser_channel *chan);
ktime_t vuser_channel_deadline(struct vuser_channel *chan);

void vuser_channel_readable(struct vuser_sock *vsk, int wake_flags);
void vuser_channel_room(struct vuser_channel *chan);
void vuser_channel_fail(struct vuser_channel *chan, int error,
			const char *why);
void vuser_channel_hang_up(struct vuser_channel *chan, int error,
			   const char *why);
void vuser_channel_timeout(struct vuser_channel *chan, const char *why,
			   const struct vfio_user_header *hdr);
void vuser_channel_violation(struct vuser_channel *chan, const char *why,
			     const struct vfio_user_header *hdr);

#endif /* VUSER_CHANNEL_H */
