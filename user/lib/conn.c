// SPDX-License-Identifier: BSD-3-Clause
/* A connection that several threads use. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../libbase/deadline.h"
#include "conn.h"
#include "out.h"

/*
 * Maximum size of the commands that a client may send without receiving the
 * replies, bytes.
 */
#define QUEUE_MAX (64 * 1024 * 1024)

/*
 * vu_conn_choose() and vu_conn_fill() read no further commands while the queue has more
 * bytes: a client that sends too many waits for room in its socket.
 */
#define CHOOSE_MAX (64 * 1024)

/* Time after which a thread checks again whether another thread reads. */
#define RETRY_MS 10

struct vu_waiter {
	struct vu_waiter *next;
	uint16_t id;
	uint16_t command;
	bool done;
	bool abandoned;
	struct vuser_msg reply;
};

struct vu_command {
	struct vu_command *next;
	struct vuser_msg msg;
};

struct vu_conn *vu_conn_new(int fd, int wake_fd, bool commands, size_t max_size,
			    uint32_t max_fds)
{
	struct vu_conn *conn = calloc(1, sizeof(*conn));
	pthread_condattr_t attr;

	if (!conn)
		return NULL;
	conn->fd = fd;
	conn->wake_fd = wake_fd;
	conn->commands = commands;
	conn->max_size = max_size;
	conn->max_fds = max_fds;
	conn->refs = 1;
	vuser_msg_init(&conn->rx);
	pthread_mutex_init(&conn->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&conn->cond, &attr);
	pthread_condattr_destroy(&attr);
	return conn;
}

static void conn_free(struct vu_conn *conn)
{
	struct vu_command *command;
	struct vu_waiter *waiter;

	while ((command = conn->first)) {
		conn->first = command->next;
		vuser_msg_clear(&command->msg);
		free(command);
	}
	/* Only abandoned waiters are left. */
	while ((waiter = conn->waiters)) {
		conn->waiters = waiter->next;
		free(waiter);
	}
	vuser_msg_clear(&conn->rx);
	close(conn->fd);
	pthread_cond_destroy(&conn->cond);
	pthread_mutex_destroy(&conn->lock);
	free(conn);
}

void vu_conn_get(struct vu_conn *conn)
{
	pthread_mutex_lock(&conn->lock);
	conn->refs++;
	pthread_mutex_unlock(&conn->lock);
}

void vu_conn_put(struct vu_conn *conn)
{
	bool last;

	pthread_mutex_lock(&conn->lock);
	last = !--conn->refs;
	pthread_mutex_unlock(&conn->lock);
	if (last)
		conn_free(conn);
}

static void fail_locked(struct vu_conn *conn, int error)
{
	if (!conn->error) {
		conn->error = error;
		/* Wake up threads that poll the socket. */
		shutdown(conn->fd, SHUT_RDWR);
		eventfd_write(conn->wake_fd, 1);
	}
	pthread_cond_broadcast(&conn->cond);
}

void vu_conn_fail(struct vu_conn *conn, int error)
{
	pthread_mutex_lock(&conn->lock);
	fail_locked(conn, error);
	pthread_mutex_unlock(&conn->lock);
}

int vu_conn_error(struct vu_conn *conn)
{
	int error;

	pthread_mutex_lock(&conn->lock);
	error = conn->error;
	pthread_mutex_unlock(&conn->lock);
	return error;
}

/* Move a message; copy only the used part of its long array of fds. */
static void move_message(struct vuser_msg *to, struct vuser_msg *from)
{
	to->hdr = from->hdr;
	to->payload = from->payload;
	to->len = from->len;
	to->nr_fds = from->nr_fds;
	to->got = from->got;
	memcpy(to->fds, from->fds, from->nr_fds * sizeof(from->fds[0]));
	vuser_msg_init(from);
}

static int take_reply(struct vu_conn *conn)
{
	const struct vfio_user_header *hdr = &conn->rx.hdr;
	struct vu_waiter **pos, *waiter;

	for (pos = &conn->waiters; (waiter = *pos); pos = &waiter->next)
		if (waiter->id == hdr->msg_id && !waiter->done)
			break;
	if (!waiter || waiter->command != hdr->command)
		return -EPROTO;
	if (waiter->abandoned) {
		*pos = waiter->next;
		free(waiter);
		vuser_msg_clear(&conn->rx);
		return 0;
	}
	move_message(&waiter->reply, &conn->rx);
	waiter->done = true;
	return 0;
}

static int take_command(struct vu_conn *conn)
{
	struct vu_command *command;

	if (!conn->commands)
		return -EPROTO;
	if (conn->queued > QUEUE_MAX)
		return -ENOBUFS;
	command = malloc(sizeof(*command));
	if (!command)
		return -ENOMEM;
	move_message(&command->msg, &conn->rx);
	command->next = NULL;
	if (conn->first)
		conn->last->next = command;
	else
		conn->first = command;
	conn->last = command;
	conn->queued += sizeof(*command) + command->msg.len;
	return 0;
}

/* Receive what has arrived, one message at most. @lock is held; no thread reads. */
static int read_locked(struct vu_conn *conn)
{
	int ret;

	conn->rx_busy = true;
	pthread_mutex_unlock(&conn->lock);
	ret = vuser_msg_recv(conn->fd, &conn->rx, conn->max_size,
			     conn->max_fds);
	pthread_mutex_lock(&conn->lock);
	conn->rx_busy = false;
	if (!ret) {
		if ((conn->rx.hdr.flags & VFIO_USER_FLAGS_TYPE_MASK) ==
		    VFIO_USER_FLAGS_TYPE_REPLY)
			ret = take_reply(conn);
		else
			ret = take_command(conn);
	}
	if (ret && ret != -EAGAIN)
		fail_locked(conn, ret);
	pthread_cond_broadcast(&conn->cond);
	return ret;
}

/* Poll the socket, then receive. @lock is held; no thread reads. */
static int wait_locked(struct vu_conn *conn, short events, int64_t deadline)
{
	struct pollfd pfd = { .fd = conn->fd, .events = events };
	int ret;

	conn->rx_busy = true;
	pthread_mutex_unlock(&conn->lock);
	ret = vu_deadline_poll(&pfd, 1, deadline);
	pthread_mutex_lock(&conn->lock);
	conn->rx_busy = false;
	pthread_cond_broadcast(&conn->cond);
	if (ret)
		return ret;
	if (pfd.revents & ~POLLOUT)
		ret = read_locked(conn);
	/*
	 * The event loop's thread must handle the commands that this thread
	 * received. Wake it up each time: it may have consumed an earlier wake-up
	 * already.
	 */
	if (conn->first)
		eventfd_write(conn->wake_fd, 1);
	return ret == -EAGAIN ? 0 : ret;
}

/* Wait until another thread changes the connection. @lock is held. */
static int sleep_locked(struct vu_conn *conn, int64_t deadline)
{
	struct timespec ts = {
		.tv_sec = deadline / 1000,
		.tv_nsec = deadline % 1000 * 1000000,
	};

	if (deadline < 0)
		return -pthread_cond_wait(&conn->cond, &conn->lock);
	return -pthread_cond_timedwait(&conn->cond, &conn->lock, &ts);
}

static bool is_readable(const struct vu_conn *conn)
{
	struct pollfd pfd = { .fd = conn->fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/*
 * Another thread reads. If the socket is readable, wait until this thread has read:
 * otherwise the event loop would call vu_conn_next() again and again until then.
 */
static int wait_for_reader(struct vu_conn *conn)
{
	if (!is_readable(conn))
		return -EAGAIN;
	return sleep_locked(conn, -1);
}

/* Receive one message, if one has arrived. @lock is held. */
static int receive_locked(struct vu_conn *conn)
{
	return conn->rx_busy ? wait_for_reader(conn) : read_locked(conn);
}

/* Take the command after @prev out of the queue; NULL: the first command. */
static void take_after(struct vu_conn *conn, struct vu_command *prev,
		       struct vuser_msg *msg)
{
	struct vu_command *command = prev ? prev->next : conn->first;

	if (prev)
		prev->next = command->next;
	else
		conn->first = command->next;
	if (conn->last == command)
		conn->last = prev;
	conn->queued -= sizeof(*command) + command->msg.len;
	move_message(msg, &command->msg);
	free(command);
}

/*
 * The lock is released while @choose runs. Only this thread, the event loop's, takes
 * commands out of the queue. Other threads only append to it.
 */
int vu_conn_choose(struct vu_conn *conn,
		   enum vu_conn_choice (*choose)(void *data,
						 const struct vuser_msg *msg),
		   void *data, struct vuser_msg *msg)
{
	struct vu_command *prev = NULL, *command;
	enum vu_conn_choice choice = VU_CONN_SKIP;
	int ret = 0;

	pthread_mutex_lock(&conn->lock);
	while (!ret && choice == VU_CONN_SKIP) {
		command = prev ? prev->next : conn->first;
		if (!command) {
			ret = conn->queued > CHOOSE_MAX ? -EBUSY :
			      conn->error		? conn->error :
							  receive_locked(conn);
			continue;
		}
		pthread_mutex_unlock(&conn->lock);
		choice = choose(data, &command->msg);
		pthread_mutex_lock(&conn->lock);
		if (choice == VU_CONN_TAKE)
			take_after(conn, prev, msg);
		else if (choice == VU_CONN_STOP)
			ret = -EBUSY;
		prev = command;
	}
	pthread_mutex_unlock(&conn->lock);
	return ret;
}

int vu_conn_fill(struct vu_conn *conn)
{
	int ret = 0;

	pthread_mutex_lock(&conn->lock);
	while (!ret) {
		if (conn->error)
			ret = conn->error;
		else if (conn->queued > CHOOSE_MAX)
			ret = -EBUSY;
		else
			ret = receive_locked(conn);
	}
	pthread_mutex_unlock(&conn->lock);
	return ret;
}

void vu_conn_wake(struct vu_conn *conn)
{
	pthread_mutex_lock(&conn->lock);
	if (conn->first)
		eventfd_write(conn->wake_fd, 1);
	pthread_mutex_unlock(&conn->lock);
}

int vu_conn_next(struct vu_conn *conn, struct vuser_msg *msg)
{
	int ret = 0;

	pthread_mutex_lock(&conn->lock);
	while (!conn->first && !conn->error && !ret)
		ret = receive_locked(conn);
	if (conn->first) {
		take_after(conn, NULL, msg);
		ret = 0;
	} else if (conn->error) {
		ret = conn->error;
	}
	pthread_mutex_unlock(&conn->lock);
	return ret;
}

/* Wait for room to send, and receive messages meanwhile. */
static int wait_room(struct vu_conn *conn, int64_t deadline)
{
	struct pollfd pfd = { .fd = conn->fd, .events = POLLOUT };
	int64_t retry;
	int ret;

	pthread_mutex_lock(&conn->lock);
	if (conn->error)
		ret = conn->error;
	else if (!conn->rx_busy)
		ret = wait_locked(conn, POLLIN | POLLOUT, deadline);
	else
		ret = 1;
	pthread_mutex_unlock(&conn->lock);
	if (ret <= 0)
		return ret;

	/* Another thread reads, but it may stop reading while we wait. */
	retry = vu_deadline_after(RETRY_MS);
	if (deadline >= 0 && deadline < retry)
		retry = deadline;
	ret = vu_deadline_poll(&pfd, 1, retry);
	if (ret == -ETIMEDOUT && vu_deadline_left(deadline))
		ret = 0;
	return ret;
}

int vu_conn_send(struct vu_conn *conn, const struct vfio_user_header *hdr,
		 const struct iovec *iov, int iovcnt, const int *fds,
		 uint32_t nr_fds, int timeout_ms)
{
	int64_t deadline = vu_deadline_after(timeout_ms);
	struct vu_out out;
	int ret;

	ret = vu_out_init(&out, hdr, iov, iovcnt, fds, nr_fds);
	if (ret)
		return ret;
	pthread_mutex_lock(&conn->lock);
	while (conn->tx_busy && !conn->error && !ret)
		ret = sleep_locked(conn, deadline);
	if (conn->error)
		ret = conn->error;
	if (!ret)
		conn->tx_busy = true;
	pthread_mutex_unlock(&conn->lock);
	if (ret)
		return ret;

	for (;;) {
		ret = vu_out_step(conn->fd, &out);
		if (ret != -EAGAIN)
			break;
		ret = wait_room(conn, deadline);
		if (ret)
			break;
	}

	pthread_mutex_lock(&conn->lock);
	conn->tx_busy = false;
	if (ret)
		fail_locked(conn, ret);
	else if (conn->waiters)
		pthread_cond_broadcast(&conn->cond);
	pthread_mutex_unlock(&conn->lock);
	return ret;
}

static bool id_in_use(const struct vu_conn *conn, uint16_t id)
{
	const struct vu_waiter *waiter;

	for (waiter = conn->waiters; waiter; waiter = waiter->next)
		if (waiter->id == id)
			return true;
	return false;
}

static struct vu_waiter *add_waiter(struct vu_conn *conn, uint16_t command)
{
	struct vu_waiter *waiter = malloc(sizeof(*waiter));

	if (!waiter)
		return NULL;
	waiter->command = command;
	waiter->done = false;
	waiter->abandoned = false;
	vuser_msg_init(&waiter->reply);
	pthread_mutex_lock(&conn->lock);
	while (id_in_use(conn, conn->next_id))
		conn->next_id++;
	waiter->id = conn->next_id++;
	waiter->next = conn->waiters;
	conn->waiters = waiter;
	pthread_mutex_unlock(&conn->lock);
	return waiter;
}

static void remove_waiter(struct vu_conn *conn, struct vu_waiter *waiter)
{
	struct vu_waiter **pos = &conn->waiters;

	while (*pos != waiter)
		pos = &(*pos)->next;
	*pos = waiter->next;
	vuser_msg_clear(&waiter->reply);
	free(waiter);
}

static int await_reply(struct vu_conn *conn, struct vu_waiter *waiter,
		       int64_t deadline)
{
	int ret = 0;

	while (!waiter->done && !conn->error && !ret) {
		if (conn->rx_busy)
			ret = sleep_locked(conn, deadline);
		else
			ret = wait_locked(conn, POLLIN, deadline);
	}
	if (waiter->done)
		return 0;
	return conn->error ? conn->error : ret;
}

int vu_conn_call(struct vu_conn *conn, uint16_t command,
		 const struct iovec *iov, int iovcnt, int timeout_ms,
		 struct vuser_msg *reply)
{
	struct vfio_user_header hdr = { .command = command };
	int64_t deadline = vu_deadline_after(timeout_ms);
	struct vu_waiter *waiter = add_waiter(conn, command);
	int ret;

	if (!waiter)
		return -ENOMEM;
	hdr.msg_id = waiter->id;
	ret = vu_conn_send(conn, &hdr, iov, iovcnt, NULL, 0, timeout_ms);
	pthread_mutex_lock(&conn->lock);
	if (!ret)
		ret = await_reply(conn, waiter, deadline);
	if (!ret)
		move_message(reply, &waiter->reply);
	/*
	 * The reply may still arrive: keep the waiter, so that the reply is
	 * discarded.
	 */
	if (ret == -ETIMEDOUT && !conn->error)
		waiter->abandoned = true;
	else
		remove_waiter(conn, waiter);
	pthread_mutex_unlock(&conn->lock);
	return ret;
}
