/* SPDX-License-Identifier: GPL-2.0 */
/* One socket to the server: framing, and room to send. */
#ifndef VUSER_LINK_H
#define VUSER_LINK_H

#include <linux/mutex.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/vfio_user.h>
#include <uapi/linux/vuser.h>

struct msghdr;
struct vuser_channel;
struct socket;

/* The longest message either side may send: one skb of the socket. */
#define VUSER_MAX_MSG	(VUSER_MAX_XFER + 256)

/* AF_UNIX makes an skb of half of the buffer at most. */
#define VUSER_MIN_SNDBUF	(2 * (VUSER_MAX_MSG + 64))

/**
 * struct vuser_link - one UNIX socket to the server
 * @chan: whose link it is; outlives it
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
struct vuser_link {
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

/**
 * enum vuser_tx - how much of the socket's buffer a message may use
 * @VUSER_TX_POSTED: half of it, so that stores never starve replies
 * @VUSER_TX_ALL: all of it
 */
enum vuser_tx {
	VUSER_TX_POSTED,
	VUSER_TX_ALL,
};

int vuser_link_init(struct vuser_link *link, struct vuser_channel *chan,
		    struct socket *sock);
int vuser_link_start(struct vuser_link *link);
void vuser_link_stop(struct vuser_link *link);
void vuser_link_exit(struct vuser_link *link);
bool vuser_link_readable(struct vuser_link *link);
bool vuser_link_has_room(struct vuser_link *link);
void vuser_link_read(struct vuser_link *link, const bool *done);
int vuser_link_try_send(struct vuser_link *link, struct msghdr *msg,
			struct kvec *vec, size_t nr, size_t len,
			enum vuser_tx tx);
int vuser_link_send_now(struct vuser_link *link, struct msghdr *msg,
			struct kvec *vec);
int vuser_link_send(struct vuser_link *link, struct kvec *vec, size_t nr,
		    size_t len, enum vuser_tx tx, ktime_t deadline,
		    bool killable);
int vuser_link_reply(struct vuser_link *link, struct kvec *vec, size_t nr,
		     size_t len);

#endif /* VUSER_LINK_H */
