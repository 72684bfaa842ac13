// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../libvhost-user/wire.h"
#include "../../libbase/deadline.h"
#include "../../libbase/stream.h"
#include "fake.h"

#define PATIENCE_MS 20000

bool same_file(int a, int b)
{
	struct stat sa, sb;

	return !fstat(a, &sa) && !fstat(b, &sb) && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

static void close_fds(struct fake *fake)
{
	uint32_t i;

	for (i = 0; i < fake->nr_fds; i++)
		if (fake->fds[i] >= 0)
			close(fake->fds[i]);
	fake->nr_fds = 0;
}

int fake_init(struct fake *fake)
{
	int pair[2];

	memset(fake, 0, sizeof(*fake));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		abort();
	fake->fd = pair[0];
	fake->channel = -1;
	fake->reply_fd = -1;
	fake->features = UINT64_MAX;
	fake->protocol = UINT64_MAX;
	fake->queues = FAKE_QUEUES;
	fake->slots = FAKE_SLOTS;
	return pair[1];
}

/* Receive a complete message; return 0 or -errno. */
static int receive(int sock, struct vhu_wire_rx *rx, enum vhost_user_kind kind,
		   const char **rule)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	int64_t deadline = vu_deadline_after(PATIENCE_MS);
	int ret;

	for (;;) {
		ret = vhu_wire_recv(sock, rx, kind, rule);
		if (ret != -EAGAIN)
			return ret;
		ret = vu_deadline_poll(&pfd, 1, deadline);
		if (ret)
			return ret;
	}
}

/* Return the value of a reply that is a number. */
static uint64_t number(const struct fake *fake, bool *known)
{
	*known = true;
	switch (fake->msg.hdr.request) {
	case VHOST_USER_GET_FEATURES:
		return fake->features;
	case VHOST_USER_GET_PROTOCOL_FEATURES:
		return fake->protocol;
	case VHOST_USER_GET_QUEUE_NUM:
		return fake->queues;
	case VHOST_USER_GET_MAX_MEM_SLOTS:
		return fake->slots;
	case VHOST_USER_SET_DEVICE_STATE_FD:
		return VHOST_USER_STATE_NOFD;
	case VHOST_USER_GET_STATUS:
	case VHOST_USER_CHECK_DEVICE_STATE:
	case VHOST_USER_POSTCOPY_END:
	case VHOST_USER_SET_LOG_BASE:
	case VHOST_USER_GET_SHMEM_CONFIG:
		return 0;
	default:
		*known = false;
		return 0;
	}
}

static void send_reply(struct fake *fake, enum vhost_user_kind kind)
{
	const char *rule = "";

	fake->reply.hdr.request = fake->msg.hdr.request;
	/* A test that sets up an invalid reply must use fake_raw(). */
	if (vhost_user_encode(kind, &fake->reply, fake->reply_fd >= 0,
			      &fake->msg, &rule))
		abort();
	vhu_wire_send(fake->fd, &fake->reply, &fake->reply_fd,
		      fake->reply_fd >= 0, vu_deadline_after(PATIENCE_MS));
	if (fake->reply_fd >= 0)
		close(fake->reply_fd);
	fake->reply_fd = -1;
}

/* Reply with the bases of the regions, after POSTCOPY_LISTEN. */
static void send_bases(struct fake *fake)
{
	struct vhost_user_memory *memory = &fake->reply.payload.memory;
	uint32_t i;

	if (fake->msg.hdr.request == VHOST_USER_ADD_MEM_REG)
		fake->reply.payload.mem_reg.region.user_addr += FAKE_BASE;
	for (i = 0; fake->msg.hdr.request == VHOST_USER_SET_MEM_TABLE &&
		    i < memory->nr;
	     i++)
		memory->regions[i].user_addr += FAKE_BASE;
	send_reply(fake, VHOST_USER_POSTCOPY_ANSWER);
}

static void take_channel(struct fake *fake)
{
	if (fake->channel >= 0)
		close(fake->channel);
	fake->channel = dup(fake->fds[0]);
}

/* Reply as a correct back end does. */
static void reply_correctly(struct fake *fake)
{
	uint32_t request = fake->msg.hdr.request;
	bool acked = fake->msg.hdr.flags & VHOST_USER_NEED_REPLY;
	bool known;

	fake->reply.payload = fake->msg.payload;
	if (fake->postcopy && !acked &&
	    vhost_user_has_answer(VHOST_USER_POSTCOPY_ANSWER, request)) {
		if (fake->nr_fds)
			send_bases(fake);
		return;
	}
	if (request == VHOST_USER_POSTCOPY_LISTEN)
		fake->postcopy = true;
	if (request == VHOST_USER_SET_BACKEND_REQ_FD)
		take_channel(fake);
	fake->reply.payload.u64 = number(fake, &known);
	if (!known && vhost_user_has_answer(VHOST_USER_REQUEST, request))
		fake->reply.payload = fake->msg.payload;
	if (request == VHOST_USER_GET_INFLIGHT_FD) {
		fake->reply.payload.inflight.mmap_size = FAKE_INFLIGHT;
		fake->reply_fd = memfd_create("inflight", MFD_CLOEXEC);
		if (ftruncate(fake->reply_fd, FAKE_INFLIGHT))
			abort();
	}
	if (request == VHOST_USER_POSTCOPY_ADVISE)
		fake->reply_fd = eventfd(0, EFD_CLOEXEC);
	if (acked || vhost_user_has_answer(VHOST_USER_REQUEST, request))
		send_reply(fake, VHOST_USER_ANSWER);
}

/* Decode the received request into @fake->msg; return false if it is invalid. */
static bool take(struct fake *fake, struct vhu_wire_rx *rx)
{
	close_fds(fake);
	if (vhost_user_decode(VHOST_USER_REQUEST, rx->buf, rx->got, rx->nr_fds,
			      NULL, &fake->msg, &fake->rule))
		return false;
	memcpy(fake->fds, rx->fds, sizeof(fake->fds));
	fake->nr_fds = rx->nr_fds;
	rx->nr_fds = 0;
	rx->got = 0;
	fake->seen[fake->msg.hdr.request]++;
	fake->count++;
	memset(&fake->reply, 0, sizeof(fake->reply));
	return true;
}

static bool serve(struct fake *fake)
{
	switch (fake->hook ? fake->hook(fake) : FAKE_DEFAULT) {
	case FAKE_DEFAULT:
		reply_correctly(fake);
		return true;
	case FAKE_SEND:
		send_reply(fake, VHOST_USER_ANSWER);
		return true;
	case FAKE_NOTHING:
		return true;
	case FAKE_HANG_UP:
		break;
	}
	return false;
}

static void *run(void *arg)
{
	struct vhu_wire_rx rx = { .got = 0 };
	struct fake *fake = arg;

	while (!receive(fake->fd, &rx, VHOST_USER_REQUEST, &fake->rule) &&
	       take(fake, &rx) && serve(fake))
		;
	vhu_wire_clear(&rx);
	shutdown(fake->fd, SHUT_RDWR);
	return NULL;
}

void fake_start(struct fake *fake)
{
	if (pthread_create(&fake->thread, NULL, run, fake))
		abort();
}

void fake_stop(struct fake *fake)
{
	pthread_join(fake->thread, NULL);
	close_fds(fake);
	close(fake->fd);
	if (fake->channel >= 0)
		close(fake->channel);
	fake->channel = -1;
}

void fake_raw(int sock, const void *buf, size_t len, int fd)
{
	struct iovec iov = { (void *)buf, len };

	if (vu_stream_send(sock, &iov, 1, &fd, fd >= 0) != (ssize_t)len)
		abort();
}

void fake_ask(int channel, struct vhost_user_msg *msg, int fd)
{
	const char *rule = "";

	if (vhost_user_encode(VHOST_USER_BACKEND_REQUEST, msg, fd >= 0, NULL,
			      &rule) ||
	    vhu_wire_send(channel, msg, &fd, fd >= 0,
			  vu_deadline_after(PATIENCE_MS)))
		abort();
}

int fake_answer(int channel, const struct vhost_user_msg *asked,
		struct vhost_user_msg *answer, int *fd)
{
	struct vhu_wire_rx rx = { .got = 0 };
	const char *rule = "";
	int ret = receive(channel, &rx, VHOST_USER_BACKEND_ANSWER, &rule);

	if (!ret)
		ret = vhost_user_decode(VHOST_USER_BACKEND_ANSWER, rx.buf,
					rx.got, rx.nr_fds, asked, answer,
					&rule);
	*fd = -1;
	if (!ret && rx.nr_fds) {
		*fd = rx.fds[0];
		rx.nr_fds = 0;
	}
	vhu_wire_clear(&rx);
	return ret;
}
