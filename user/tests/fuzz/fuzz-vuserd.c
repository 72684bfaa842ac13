// SPDX-License-Identifier: GPL-2.0
/*
 * The complete helper except main(), and except the process that connects: connection.c
 * in this directory does the work of that process.  A kernel sends anything on the
 * control plane, and a server behind each endpoint sends anything.  The input's first
 * part is the kernel's, the rest the servers'.
 */
#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "../../vuserd/device.h"
#include "../../vuserd/endpoint.h"
#include "../../vuserd/helper.h"
#include "../../vuserd/log.h"
#include "netlink.h"
#include "stream.h"

#define MAX_SERVERS 4
#define MAX_ROUNDS  512

static struct fuzz_in replies;
static struct stream_peer servers[MAX_SERVERS];
static unsigned int nr_servers;
static int ready_fd;

/* Replacements for libnl's functions, without sockets. */
int genl_connect(struct nl_sock *sk)
{
	(void)sk;
	return 0;
}

int genl_ctrl_resolve(struct nl_sock *sk, const char *name)
{
	(void)sk;
	(void)name;
	return NETLINK_FAMILY;
}

int genl_ctrl_resolve_grp(struct nl_sock *sk, const char *family,
			  const char *group)
{
	(void)sk;
	(void)family;
	(void)group;
	return 1;
}

int nl_socket_add_membership(struct nl_sock *sk, int group)
{
	(void)sk;
	(void)group;
	return 0;
}

int nl_socket_set_nonblocking(const struct nl_sock *sk)
{
	(void)sk;
	return 0;
}

/* An fd can be in an event loop only once, so each socket gets its own. */
#define MAX_SOCKETS 64

static struct {
	const struct nl_sock *sk;
	int fd;
} sockets[MAX_SOCKETS];

int nl_socket_get_fd(const struct nl_sock *sk)
{
	int i;

	for (i = 0; i < MAX_SOCKETS && sockets[i].sk; i++)
		if (sockets[i].sk == sk)
			return sockets[i].fd;
	FUZZ_CHECK(i < MAX_SOCKETS);
	sockets[i].sk = sk;
	sockets[i].fd = dup(ready_fd);
	return sockets[i].fd;
}

static void close_sockets(void)
{
	int i;

	for (i = 0; i < MAX_SOCKETS && sockets[i].sk; i++)
		close(sockets[i].fd);
	memset(sockets, 0, sizeof(sockets));
}

/* The controller of generic netlink sends nothing. */
int nl_recvmsgs_default(struct nl_sock *sk)
{
	(void)sk;
	return 0;
}

void log_line(const char *level, const char *fmt, ...)
{
	static char line[1024];
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
}

/* Replaces vuserd's function, which accesses the file system. */
int endpoint_connect(const char *path)
{
	int fds[2];

	if (path[0] != '/')
		return -ECONNREFUSED;
	if (nr_servers == MAX_SERVERS)
		return -EAGAIN;
	FUZZ_CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	stream_peer_init(&servers[nr_servers++], fds[0]);
	return fds[1];
}

/* The newest server replies to a message, or sends an unsolicited one. */
static void answer(void)
{
	struct fuzz_in next = replies;
	struct stream_peer *peer;
	struct record rec;

	if (!nr_servers || !stream_next(&next, &rec))
		return;
	peer = &servers[nr_servers - 1];
	stream_drain(peer);
	if (!peer->seen && !(rec.flags & RECORD_MORE))
		return;
	peer->seen = 0;
	replies = next;
	stream_send(peer, &rec);
}

static void check_helper(const struct helper *helper)
{
	const struct device *dev;

	for (dev = helper->devices.first; dev; dev = dev->next) {
		FUZZ_CHECK(strlen(dev->uuid) == 36);
		FUZZ_CHECK(dev->phase != PHASE_CONNECT || dev->conn);
		FUZZ_CHECK(dev->phase != PHASE_IDLE || !dev->conn);
		FUZZ_CHECK(!dev->next || dev->next->id != dev->id);
	}
	FUZZ_CHECK(helper->fdmsgs.nr <= helper->fdmsgs.max);
}

/*
 * Let the control plane be readable or not. vuserd handles it before it handles servers,
 * which would never have their turn if it were always readable.
 */
static void set_ready(bool ready)
{
	eventfd_t count;

	eventfd_read(ready_fd, &count);
	if (ready)
		eventfd_write(ready_fd, 1);
}

static void run(const uint8_t *data, size_t size, uint8_t flags)
{
	struct helper helper;
	sd_event *event = NULL;
	int i;

	netlink_feed(data, size);
	FUZZ_CHECK(sd_event_new(&event) >= 0);
	FUZZ_CHECK(!helper_start(&helper, event));
	for (i = 0; i < MAX_ROUNDS && (replies.left || netlink_left()); i++) {
		answer();
		set_ready(i % 2 == 0);
		FUZZ_CHECK(sd_event_run(event, 0) >= 0);
		check_helper(&helper);
		if (i == flags)
			helper_retry(&helper);
	}
	helper_stop(&helper);
	sd_event_unref(event);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stream_init();
	ready_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	uint8_t flags = fuzz_u8(&in);
	size_t len = fuzz_u16(&in);
	const uint8_t *kernel = fuzz_bytes(&in, &len);

	replies = in;
	fuzz_fds_begin();
	run(kernel, len, flags);
	while (nr_servers)
		stream_peer_close(&servers[--nr_servers]);
	close_sockets();
	fuzz_fds_end();
	return 0;
}
