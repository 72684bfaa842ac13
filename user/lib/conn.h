/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection that several threads use: the server's end of the main socket
 * or of the twin socket.
 *
 * Who waits for a reply reads the socket itself when nobody else does: replies
 * go to those who wait for them, commands to a queue.  Who waits for room to
 * send reads meanwhile, too.  So no thread depends on another one to read, and
 * both sides may send at once without a deadlock.
 */
#ifndef VUSER_CONN_H
#define VUSER_CONN_H

#include <pthread.h>
#include <stdbool.h>

#include <vuser/sock.h>

struct vu_waiter;
struct vu_command;

/**
 * struct vu_conn - a connection
 * @fd: the socket
 * @wake_fd: eventfd of the event loop: there is something in the queue, or an
 *           error; the server's
 * @commands: the peer may send commands, not just replies
 * @max_size: largest message taken
 * @max_fds: most fds taken with one message
 * @lock: for all that follows
 * @cond: broadcast when anything below changed
 * @refs: threads that use it, and the server
 * @error: why it is of no more use, 0 while it is
 * @tx_busy: a thread sends a message
 * @rx_busy: a thread reads, or waits to
 * @next_id: for the next command
 * @rx: message that is coming in; belongs to who set @rx_busy
 * @waiters: commands sent whose replies are to come
 * @first: commands received, not handled
 * @last: the last of them
 * @queued: bytes in them
 */
struct vu_conn {
	int fd;
	int wake_fd;
	bool commands;
	size_t max_size;
	uint32_t max_fds;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int refs;
	int error;
	bool tx_busy;
	bool rx_busy;
	uint16_t next_id;
	struct vuser_msg rx;
	struct vu_waiter *waiters;
	struct vu_command *first;
	struct vu_command *last;
	size_t queued;
};

/* Takes @fd over, unless it returns NULL for want of memory. */
struct vu_conn *vu_conn_new(int fd, int wake_fd, bool commands, size_t max_size,
			    uint32_t max_fds);
void vu_conn_get(struct vu_conn *conn);
/* Closes the socket when nobody uses it any more. */
void vu_conn_put(struct vu_conn *conn);

/* End it: all who wait return @error. */
void vu_conn_fail(struct vu_conn *conn, int error);
int vu_conn_error(struct vu_conn *conn);

/*
 * The next command, without waiting: 0, -EAGAIN (also while another thread
 * reads), or why the connection ended.
 */
int vu_conn_next(struct vu_conn *conn, struct vuser_msg *msg);

/* Send; a failure ends the connection. */
int vu_conn_send(struct vu_conn *conn, const struct vfio_user_header *hdr,
		 const struct iovec *iov, int iovcnt, const int *fds,
		 uint32_t nr_fds, int timeout_ms);

/*
 * Send a command and wait for its reply.  -ETIMEDOUT leaves the connection in
 * use: a reply that comes later is dropped.
 */
int vu_conn_call(struct vu_conn *conn, uint16_t command,
		 const struct iovec *iov, int iovcnt, int timeout_ms,
		 struct vuser_msg *reply);

#endif /* VUSER_CONN_H */
