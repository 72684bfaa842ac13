/* SPDX-License-Identifier: GPL-2.0 */
/* The channel to a server: its sockets, its slots, and how it ends. */
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

#include "server/bulk.h"
#include "vuser.h"

struct device;
struct socket;
struct task_struct;
struct vuser_channel;
struct vuser_desc;
struct vuser_latency;

/*
 * The longest message that either side may send, in bytes.  It fits into one skb
 * of the socket.
 */
#define VUSER_MAX_MSG	(VUSER_MAX_XFER + 256)

/*
 * Size of a sock's own receive buffer, in bytes.  Most messages fit into it.  A buffer
 * of VUSER_MAX_MSG bytes is allocated for a longer one.
 */
#define VUSER_RX_SMALL	2048

/*
 * The smallest send buffer, in bytes.  An skb of AF_UNIX holds at most half of
 * the send buffer, and the longest message must fit into one skb.
 */
#define VUSER_MIN_SNDBUF	(2 * (VUSER_MAX_MSG + 64))

/**
 * enum vuser_rx_state - what a sock waits for
 * @VUSER_RX_IDLE: for the next message
 * @VUSER_RX_PARTIAL: for the rest of the message whose start is in the buffer
 * @VUSER_RX_MORE: for a reader: the buffer may hold complete messages
 * @VUSER_RX_PARKED: for room to send the reply @parked.  Nothing is read until then
 * @VUSER_RX_FULL: for room in the channel's list of DMA commands.  The next message in
 *	the buffer is such a command.  Nothing is read until then
 */
enum vuser_rx_state {
	VUSER_RX_IDLE,
	VUSER_RX_PARTIAL,
	VUSER_RX_MORE,
	VUSER_RX_PARKED,
	VUSER_RX_FULL,
};

/**
 * struct vuser_sock - one UNIX socket to the server
 * @chan: the channel that the sock belongs to; the channel contains the sock
 * @sock: connected stream socket; the sock holds a reference to its file.  NULL
 *	for the twin socket of a server that does not use one
 * @wait: entry on the socket's wait queue; reports data, room and hang-up
 * @wqh: the socket's wait queue, NULL before vuser_sock_start()
 * @room: threads that wait for room in the socket's send buffer
 * @tx_lock: serialises senders; held for one non-blocking sendmsg
 * @rx_lock: held by the thread that reads; protects the fields below.  No thread
 *	waits for it: all threads only try to take it
 * @rx_buf: bytes that were read and not yet parsed: @rx_small, or an allocated
 *	buffer of VUSER_MAX_MSG bytes.  The latter is used from the first long
 *	message on, until the consumer closes the device
 * @rx_size: size of @rx_buf in bytes
 * @rx_len: number of bytes in @rx_buf that are not parsed
 * @parked: a reply for which the send buffer had no room, or NULL
 * @parked_len: size of @parked in bytes
 * @rx_state: what the sock waits for; may be read without @rx_lock
 * @rx_deadline: when the server must have completed the message whose start is in
 *	the buffer, or have made room for @parked, on ktime_get()'s clock.  0 if the
 *	server is not waited for
 * @rx_copied: bytes that were copied for the message that is handled now, beside those
 *	of the message
 * @rx_work: reads the socket when no thread waits for a reply
 * @bulk_work: as @rx_work, in the turns of a server that makes the kernel do much
 * @turn: the turns of @bulk_work
 * @deadline_work: lets a work item read once more when @rx_deadline has passed
 * @rx_small: receive buffer for messages that are not long
 */
struct vuser_sock {
	struct vuser_channel *chan;
	struct socket *sock;
	wait_queue_entry_t wait;
	wait_queue_head_t *wqh;
	wait_queue_head_t room;

	struct mutex tx_lock;	/* serialises senders */

	struct mutex rx_lock;	/* the reading thread, and the fields below */
	u8 *rx_buf;
	size_t rx_size;
	size_t rx_len;
	void *parked;
	size_t parked_len;
	enum vuser_rx_state rx_state;
	ktime_t rx_deadline;
	size_t rx_copied;
	struct work_struct rx_work;
	struct work_struct bulk_work;
	struct vuser_turn turn;
	struct delayed_work deadline_work;
	u8 rx_small[VUSER_RX_SMALL];
};

/*
 * A message id has three parts: 7 bits for the number of the slot; 8 bits that
 * change with each use of the slot, so that a late or repeated reply is
 * detected; and one bit that marks a posted write, which has no slot.
 */
#define VUSER_NR_SLOTS		128
#define VUSER_ID_SLOT_MASK	(VUSER_NR_SLOTS - 1)
#define VUSER_ID_GEN_SHIFT	7
#define VUSER_ID_POSTED		0x8000

/**
 * enum vuser_slot_state - the states of a slot
 * @VUSER_SLOT_FREE: not in use
 * @VUSER_SLOT_BUSY: a thread waits for the reply
 * @VUSER_SLOT_ABANDONED: the message was sent, but its thread has stopped
 *	waiting; the reply frees the slot
 */
enum vuser_slot_state {
	VUSER_SLOT_FREE,
	VUSER_SLOT_BUSY,
	VUSER_SLOT_ABANDONED,
};

/**
 * struct vuser_slot - a command that waits for its reply
 * @task: the thread that waits
 * @since: when the message was sent, on ktime_get()'s clock
 * @node: entry in the channel's list of waiters or of sleepers while the thread
 *	waits
 * @state: whether the slot is in use
 * @gen: counts the uses of the slot; part of the message id
 * @done: the wait is over: the reply arrived, the helper refused the fdmsg, or
 *	the channel is lost
 * @sent: the message was sent, or a thread is sending it now
 * @command: VFIO_USER_*; the reply must have the same command
 * @min: minimum size of the reply's payload, bytes
 * @max: maximum size of the reply's payload, bytes
 * @bare: a reply without any payload is valid, too
 * @echo: bytes with which the reply's payload must start; memory of the thread
 *	that waits
 * @echo_len: number of bytes at @echo
 * @reply: where the reply's payload is copied to; memory of the thread that
 *	waits
 * @reply_len: number of bytes copied to @reply
 * @error: 0 or a negative errno; the server's errno if it sent an error reply
 *
 * The channel's lock protects all fields.  @done may be read without the lock.
 */
struct vuser_slot {
	struct task_struct *task;
	ktime_t since;
	struct list_head node;
	const void *echo;
	void *reply;
	enum vuser_slot_state state;
	u32 min;
	u32 max;
	u32 echo_len;
	u32 reply_len;
	int error;
	u16 command;
	u8 gen;
	bool done;
	bool sent;
	bool bare;
};

/**
 * struct vuser_call - one command and its reply
 * @command: VFIO_USER_*
 * @payload: the message after its header, in one or two pieces
 * @reply: buffer of @reply_max bytes for the reply's payload
 * @reply_min: minimum size of the reply's payload, bytes; a shorter one is a
 *	violation of the protocol and ends the channel
 * @reply_max: maximum size of the reply's payload, bytes; a longer one is a
 *	violation of the protocol and ends the channel
 * @reply_bare: a reply without any payload is valid, too
 * @reply_echo: the reply's payload must start with this many bytes of the first
 *	piece of @payload
 * @reply_len: set on success: size of the reply's payload, bytes
 * @sent: set on return: the server has the message, or may have it
 * @deadline: when to stop waiting, on ktime_get()'s clock
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
 * struct vuser_dma_caller - the origin and the time limit of an access to the
 *	consumer's memory
 * @chan: the channel on which the server's command arrived
 * @wait: the copy may wait for the servers of other devices, and for the memory of a
 *	consumer that uses iommufd
 * @memory: set by a copy without @wait that returns -EAGAIN: it may wait for memory,
 *	and not for the server of another device
 * @generation: set by a copy without @wait that returns -EAGAIN.  A copy with @wait
 *	fails if the device was closed or reset since then: DMA from before a close
 *	or a reset must not reach memory after it
 * @deadline: when a copy with @wait stops, on ktime_get()'s clock
 */
struct vuser_dma_caller {
	struct vuser_channel *chan;
	bool wait;
	bool memory;
	u64 generation;
	ktime_t deadline;
};

/**
 * struct vuser_server_ops - functions of the layers above that a channel calls
 * @lost: the channel is lost.  Called once, from a work item; not called if the
 *	device ended the channel first
 * @dma_read: copy @len bytes from the consumer's memory to @buf.  Returns 0, or
 *	a negative errno, which is sent to the server.  Called by the thread that
 *	reads the socket, with the sock's rx_lock held and @caller->wait false; may
 *	sleep.  Returns -EAGAIN if it must wait for the server of another device, or
 *	may have to wait for memory; nothing was copied then.  @dma_work calls it again
 *	with @caller->wait true
 * @dma_write: copy @len bytes from @buf to the consumer's memory; otherwise as
 *	@dma_read
 * @notify: notify the helper that an fdmsg waits; may sleep; called without
 *	the send lock
 * @release: the channel is being freed: drop the channel's reference to the
 *	context
 *
 * The channel has a reference while any of these runs, except @release.  The
 * first argument is always the context of struct vuser_server_user.
 */
struct vuser_server_ops {
	void (*lost)(void *context, struct vuser_channel *chan);
	int (*dma_read)(void *context, struct vuser_dma_caller *caller,
			u64 iova, void *buf, size_t len);
	int (*dma_write)(void *context, struct vuser_dma_caller *caller,
			 u64 iova, const void *buf, size_t len);
	void (*notify)(void *context, u64 fdmsg_id);
	void (*release)(void *context);
};

/**
 * struct vuser_server_user - the device that a channel belongs to
 * @ops: functions that the channel calls
 * @context: first argument of each function in @ops
 * @dev: device whose name appears in the kernel log
 * @id: number of the device, for the tracepoints
 * @request_timeout_ms: time within which the server must answer a message,
 *	milliseconds; read without a lock each time a deadline is computed
 * @counters: the device's counters of messages
 * @latency: the device's histograms of the time that servers take to answer
 * @send_lock: the caller of vuser_fdmsg_send() or vuser_fdmsg_refuse() holds
 *	this lock
 *
 * The pointers stay valid until @ops->release() is called.
 */
struct vuser_server_user {
	const struct vuser_server_ops *ops;
	void *context;
	struct device *dev;
	u32 id;
	const u32 *request_timeout_ms;
	struct vuser_counters *counters;
	struct vuser_latency __percpu *latency;
	struct mutex *send_lock;	/* the device's lock */
};

/**
 * struct vuser_channel - the connection to an attached server
 * @ref: held by the device from attach to detach (@end_work drops this
 *	reference), by @lost_work and @dma_work while they are queued, and by each
 *	caller of vuser_channel_get()
 * @user: the device that the channel belongs to
 * @desc: the server's description; the channel holds a reference
 * @main: the main socket: commands of the kernel and their replies; commands of
 *	the server, too, if the server has no twin socket
 * @twin: the twin socket: commands of the server and their replies; its ->sock
 *	is NULL if the server does not use one
 * @lock: protects the slots, the waiters, the sleepers, the fdmsgs and @dma_cmds.
 *	The socket's wake-up takes it in any context, so interrupts are always off
 *	under it.  No other lock of vuser is taken under it except that of
 *	bulk.c
 * @slots: the commands that wait for their replies
 * @waiters: slots whose threads wait, oldest first; the thread of the first slot
 *	reads the main socket
 * @sleepers: slots whose threads wait and are threads of the kernel, which do not read
 *	a socket while they wait
 * @slot_room: threads that wait for a free slot
 * @posted: number of posted writes; its low bits are their message ids
 * @posted_before: number of posted writes that were not sent on this channel but on
 *	earlier channels of the device
 * @replay: records posted writes; NULL before the device is opened
 * @posted_replies: number of replies to posted writes.  0 for a server that
 *	answers no posted write; a server that has answered one answers all later
 *	ones.  Protected by @main.rx_lock
 * @fdmsgs: fdmsgs that the helper has to send, oldest first
 * @next_fdmsg: id of the next fdmsg, never 0
 * @notify: the send buffer had no room for an fdmsg: notify the helper when the
 *	send buffer has room again
 * @dma_cmds: DMA commands of the server that may have to wait, oldest first
 * @nr_dma_cmds: number of entries in @dma_cmds, and the command that @dma_work
 *	serves now; @dma_work is queued or runs while this is not 0
 * @dma_idle: threads that wait until @nr_dma_cmds is 0
 * @dma_turn: the turns of @dma_work
 * @budget: what the work items that read the sockets and @dma_work have used
 * @lost: the channel is lost: nothing is sent or read any more.  Never becomes
 *	false again
 * @ended: vuser_server_end() was called
 * @lost_work: calls @user.ops->lost()
 * @notify_work: notifies the helper of all fdmsgs that wait
 * @dma_work: serves @dma_cmds
 * @end_work: stops the sockets and drops the device's reference
 */
struct vuser_channel {
	struct kref ref;
	struct vuser_server_user user;
	struct vuser_desc *desc;
	struct vuser_sock main;
	struct vuser_sock twin;

	spinlock_t lock;	/* slots and the lists */
	struct vuser_slot slots[VUSER_NR_SLOTS];
	struct list_head waiters;
	struct list_head sleepers;
	wait_queue_head_t slot_room;
	atomic64_t posted;
	u64 posted_before;
	struct vuser_replay *replay;
	u64 posted_replies;
	struct list_head fdmsgs;
	u64 next_fdmsg;
	bool notify;
	struct list_head dma_cmds;
	u32 nr_dma_cmds;
	wait_queue_head_t dma_idle;
	struct vuser_turn dma_turn;
	struct vuser_budget budget;
	bool lost;
	atomic_t ended;

	struct work_struct lost_work;
	struct work_struct notify_work;
	struct work_struct dma_work;
	struct work_struct end_work;
};

extern struct workqueue_struct *vuser_wq;
extern struct workqueue_struct *vuser_wait_wq;
extern const struct cred *vuser_cred;

/* Whether the channel is lost.  Context: any; no lock. */
static inline bool vuser_channel_lost(struct vuser_channel *chan)
{
	return READ_ONCE(chan->lost);
}

/* Increments a counter of the channel's device.  Context: any; no lock. */
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

void vuser_channel_wake_slot(struct vuser_slot *slot, int wake_flags);
void vuser_channel_wake_reader(struct vuser_sock *vsk, int wake_flags);
void vuser_channel_queue_reader(struct vuser_sock *vsk);
void vuser_channel_room_freed(struct vuser_channel *chan);
void vuser_channel_fail(struct vuser_channel *chan, int error,
			const char *why);
void vuser_channel_hang_up(struct vuser_channel *chan, int error,
			   const char *why);
void vuser_channel_timeout(struct vuser_channel *chan, const char *why,
			   const struct vfio_user_header *hdr);
void vuser_channel_violation(struct vuser_channel *chan, const char *why,
			     const struct vfio_user_header *hdr);

#endif /* VUSER_CHANNEL_H */
