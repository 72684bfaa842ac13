// SPDX-License-Identifier: GPL-2.0
/* A connection that an event loop and a second thread use. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../lib/conn.h"
#include "../harness.h"
#include "../wire.h"

#define SOON_MS	 20000
#define MAX_SIZE 65536

/* A thread of a device that waits for a reply. */
struct caller {
	struct vu_conn *conn;
	int result;
};

static void *call(void *data)
{
	struct caller *caller = data;
	struct vuser_msg reply;

	caller->result = vu_conn_call(caller->conn, VFIO_USER_DMA_READ, NULL, 0,
				      -1, &reply);
	if (!caller->result)
		vuser_msg_clear(&reply);
	return NULL;
}

/* Return whether the event loop is notified. */
static bool is_woken(int wake_fd)
{
	struct pollfd pfd = { .fd = wake_fd, .events = POLLIN };
	eventfd_t count;

	return poll(&pfd, 1, SOON_MS) == 1 && !eventfd_read(wake_fd, &count);
}

/*
 * Take all commands in the queue, as the event loop does; return their number.
 */
static int serve(struct vu_conn *conn)
{
	struct vuser_msg msg;
	int nr = 0;

	while (!vu_conn_next(conn, &msg)) {
		vuser_msg_clear(&msg);
		nr++;
	}
	return nr;
}

/*
 * The thread reads all messages from the socket.  While it waits for its reply,
 * it queues the first command and the loop takes it; the second command must
 * notify the loop again.
 */
TEST(each_command_read_by_a_caller_wakes_the_loop)
{
	int fds[2], wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), i;
	struct caller caller;
	struct vuser_msg msg;
	pthread_t thread;

	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	caller.conn = vu_conn_new(fds[0], wake_fd, true, MAX_SIZE, 0);
	require(caller.conn);
	pthread_create(&thread, NULL, call, &caller);
	require(!wire_recv(fds[1], &msg));
	for (i = 0; i < 3; i++) {
		wire_send(fds[1], i, VFIO_USER_REGION_READ, 0, 0, NULL, 0, NULL,
			  0);
		check(is_woken(wake_fd));
		check_eq(serve(caller.conn), 1);
	}
	wire_send(fds[1], msg.hdr.msg_id, msg.hdr.command,
		  VFIO_USER_FLAGS_TYPE_REPLY, 0, NULL, 0, NULL, 0);
	pthread_join(thread, NULL);
	check_eq(caller.result, 0);
	vuser_msg_clear(&msg);
	vu_conn_put(caller.conn);
	close(wake_fd);
	close(fds[1]);
}
