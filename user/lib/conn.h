/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A connection that several threads use: the server's end of the main socket or of the
 * twin socket.
 *
 * A thread that waits for a reply reads the socket itself, unless another thread reads.
 * The reader passes replies to the threads that wait for them, and puts commands in a
 * queue. A thread that waits for room to send reads meanwhile, too. So no thread depends
 * on another thread to read, and both sides may send at once without a deadlock.
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
 * @wake_fd: eventfd that wakes up the event loop for the queue or for an error; owned
 *           by the server
 * @commands: the peer may send commands, not only replies
 * @max_size: largest message to accept, bytes
 * @max_fds: most file descriptors to accept with a message
 * @lock: protects all members below
 * @cond: broadcast when a member below has changed
 * @refs: references: of the server, and of threads that use the connection
 * @error: 0; or the errno that ended the connection
 * @tx_busy: a thread sends a message
 * @rx_busy: a thread reads or polls the socket
 * @next_id: ID of the next command
 * @rx: message that is being received; used only by the thread that set @rx_busy
 * @waiters: commands whose replies have not arrived
 * @first: queue of received commands
 * @last: last entry of the queue
 * @queued: bytes in the queue
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

/*
 * Create a connection, with one reference. It owns @fd. Return: NULL without memory;
 * then the caller still owns @fd.
 */
struct vu_conn *vu_conn_new(int fd, int wake_fd, bool commands, size_t max_size,
			    uint32_t max_fds);
/* Take a reference. */
void vu_conn_get(struct vu_conn *conn);
/* Release a reference. The last release closes the socket. */
void vu_conn_put(struct vu_conn *conn);

/* End the connection: all waiting functions return @error. */
void vu_conn_fail(struct vu_conn *conn, int error);
/* Return: 0; or the errno that ended the connection. */
int vu_conn_error(struct vu_conn *conn);

/*
 * Get the next command, without waiting for one. Return: 0; -EAGAIN when there is none,
 * or another thread reads; or the errno that ended the connection.
 */
int vu_conn_next(struct vu_conn *conn, struct vuser_msg *msg);

/* What to do with a command that has arrived. */
enum vu_conn_choice {
	VU_CONN_TAKE,
	VU_CONN_SKIP,
	VU_CONN_STOP,
};

/*
 * Receive all commands that have arrived into the queue, without taking one. Return:
 * -EAGAIN when no more commands have arrived; -EBUSY when the queue is long; or the
 * errno that ended the connection.
 */
int vu_conn_fill(struct vu_conn *conn);

/* Wake up the event loop if commands are in the queue: the socket does not show them. */
void vu_conn_wake(struct vu_conn *conn);

/*
 * Get the next command that @choose takes, without waiting for one. The commands that
 * are skipped keep their places in the queue. Return: 0; -EAGAIN when there is none, or
 * another thread reads; -EBUSY when @choose stopped, or the queue is long; or the errno
 * that ended the connection.
 */
int vu_conn_choose(struct vu_conn *conn,
		   enum vu_conn_choice (*choose)(void *data,
						 const struct vuser_msg *msg),
		   void *data, struct vuser_msg *msg);

/*
 * Send a message. A failure of the socket or a timeout ends the connection. Return: 0 or
 * a negative errno.
 */
int vu_conn_send(struct vu_conn *conn, const struct vfio_user_header *hdr,
		 const struct iovec *iov, int iovcnt, const int *fds,
		 uint32_t nr_fds, int timeout_ms);

/*
 * Send a command and wait for its reply. After -ETIMEDOUT the connection can still be
 * used: a reply that arrives later is discarded.
 */
int vu_conn_call(struct vu_conn *conn, uint16_t command,
		 const struct iovec *iov, int iovcnt, int timeout_ms,
		 struct vuser_msg *reply);

#endif /* VUSER_CONN_H */
