// SPDX-License-Identifier: GPL-2.0
/* Send records as messages on a socket, and receive messages. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vuser/proto.h>

#include "stream.h"

#define NR_KINDS 8

/* Size of memory that can be mapped for DMA or as an area. */
#define MEMORY_SIZE 0x20000

/*
 * The file descriptors that records send: an eventfd, memory of MEMORY_SIZE, a
 * device that can be mapped, one end of a socket pair, memory of 100 bytes, an O_PATH
 * descriptor, a device opened for reading, and the other end of the socket pair.
 */
static int kinds[NR_KINDS];

static int memory(size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && !ftruncate(fd, size));
	return fd;
}

void stream_init(void)
{
	int i;

	kinds[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	kinds[1] = memory(MEMORY_SIZE);
	kinds[2] = open("/dev/zero", O_RDWR | O_CLOEXEC);
	kinds[4] = memory(100);
	kinds[5] = open("/", O_PATH | O_CLOEXEC);
	kinds[6] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	kinds[3] = kinds[7] = -1;
	stream_new_pair();
	for (i = 0; i < NR_KINDS; i++)
		FUZZ_CHECK(kinds[i] >= 0);
}

int stream_new_pair(void)
{
	int pair[2];

	close(kinds[3]);
	close(kinds[7]);
	FUZZ_CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
	kinds[3] = pair[0];
	kinds[7] = pair[1];
	return pair[1];
}

bool stream_next(struct fuzz_in *in, struct record *rec)
{
	if (!in->left)
		return false;
	rec->command = fuzz_u8(in);
	rec->flags = fuzz_u8(in);
	rec->fds = fuzz_u8(in);
	rec->adjust = fuzz_u8(in);
	rec->len = fuzz_u16(in);
	rec->data = fuzz_bytes(in, &rec->len);
	return true;
}

void stream_peer_init(struct stream_peer *peer, int fd)
{
	memset(peer, 0, sizeof(*peer));
	peer->fd = fd;
	peer->twin = -1;
}

void stream_peer_close(struct stream_peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	if (peer->twin >= 0)
		close(peer->twin);
	peer->fd = -1;
	peer->twin = -1;
}

void stream_take_fds(struct stream_peer *peer, const struct msghdr *mh)
{
	struct msghdr copy = *mh;
	struct cmsghdr *cmsg;
	size_t i, nr;
	int fd;

	for (cmsg = CMSG_FIRSTHDR(&copy); cmsg;
	     cmsg = CMSG_NXTHDR(&copy, cmsg)) {
		if (cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < nr; i++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd),
			       sizeof(fd));
			if (peer->twin < 0)
				peer->twin = fd;
			else
				close(fd);
		}
	}
}

static void take_message(struct stream_peer *peer,
			 const struct vfio_user_header *hdr)
{
	peer->command = hdr->command;
	peer->msg_id = hdr->msg_id;
	peer->seen++;
	memset(peer->payload, 0, sizeof(peer->payload));
}

/* Parse messages up to the first bytes of their payload. */
static void take_bytes(struct stream_peer *peer, const uint8_t *buf, size_t len)
{
	const size_t head = sizeof(struct vfio_user_header);
	struct vfio_user_header hdr;
	size_t part;

	while (len) {
		if (peer->got < head) {
			part = head - peer->got < len ? head - peer->got : len;
			memcpy(peer->buf + peer->got, buf, part);
			peer->got += part;
			buf += part;
			len -= part;
			if (peer->got < head)
				return;
			memcpy(&hdr, peer->buf, head);
			take_message(peer, &hdr);
			peer->skip = hdr.msg_size - head;
		}
		part = peer->skip < len ? peer->skip : len;
		if (part && peer->got < head + sizeof(peer->payload)) {
			size_t at = peer->got - head;
			size_t room = sizeof(peer->payload) - at;
			size_t keep = part < room ? part : room;

			memcpy(peer->payload + at, buf, keep);
			peer->got += keep;
		}
		peer->skip -= part;
		buf += part;
		len -= part;
		if (!peer->skip)
			peer->got = 0;
	}
}

void stream_receive(struct stream_peer *peer, stream_take_fn take)
{
	static uint8_t buf[0x40000];
	union {
		char buf[CMSG_SPACE(VUSER_MAX_MSG_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { buf, sizeof(buf) };
	ssize_t got;

	for (;;) {
		struct msghdr mh = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.buf,
			.msg_controllen = sizeof(control.buf),
		};

		got = recvmsg(peer->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (!got || (got < 0 && errno != EAGAIN))
			peer->closed = true;
		if (got <= 0)
			return;
		take(&mh, buf, got);
	}
}

static struct stream_peer *draining;

static void drain(const struct msghdr *mh, const uint8_t *buf, size_t got)
{
	stream_take_fds(draining, mh);
	take_bytes(draining, buf, got);
}

void stream_drain(struct stream_peer *peer)
{
	draining = peer;
	stream_receive(peer, drain);
}

/* Copy the fields that must be the same in a command and its reply. */
static void echo(const struct stream_peer *peer, uint8_t *payload, size_t len)
{
	const size_t index = 8;

	switch (peer->command) {
	case VFIO_USER_REGION_READ:
	case VFIO_USER_REGION_WRITE:
	case VFIO_USER_DMA_READ:
	case VFIO_USER_DMA_WRITE:
		memcpy(payload, peer->payload, len < 16 ? len : 16);
		break;
	case VFIO_USER_DEVICE_GET_REGION_INFO:
	case VFIO_USER_DEVICE_GET_REGION_IO_FDS:
	case VFIO_USER_DEVICE_GET_IRQ_INFO:
		if (len >= index + 4)
			memcpy(payload + index, peer->payload + index, 4);
		break;
	}
}

static size_t put_header(const struct stream_peer *peer,
			 const struct record *rec, uint8_t *buf)
{
	struct vfio_user_header hdr = {
		.msg_id = rec->flags & RECORD_REPLY ? peer->msg_id : 0,
		.command = rec->command,
		.msg_size = sizeof(hdr) + rec->len,
	};

	if (rec->flags & RECORD_RAW)
		return 0;
	if (rec->flags & RECORD_ECHO)
		hdr.command = peer->command;
	if (rec->flags & RECORD_REPLY)
		hdr.flags |= VFIO_USER_FLAGS_TYPE_REPLY;
	if (rec->flags & RECORD_NO_REPLY)
		hdr.flags |= VFIO_USER_FLAGS_NO_REPLY;
	if (rec->flags & RECORD_ERROR) {
		hdr.flags |= VFIO_USER_FLAGS_ERROR;
		hdr.error_no = rec->adjust;
	} else if (rec->flags & RECORD_SIZE) {
		hdr.msg_size += (int8_t)rec->adjust;
	} else {
		hdr.msg_id += rec->adjust;
	}
	memcpy(buf, &hdr, sizeof(hdr));
	return sizeof(hdr);
}

static size_t put_fds(const struct record *rec, int *fds)
{
	size_t i, nr = rec->fds & 15;

	if (nr == 15)
		nr = VUSER_MAX_MSG_FDS;
	for (i = 0; i < nr; i++)
		fds[i] = kinds[(rec->fds >> 4) % NR_KINDS];
	return nr;
}

void stream_send_bytes(int fd, void *buf, size_t len, const struct record *rec)
{
	union {
		char buf[CMSG_SPACE(VUSER_MAX_MSG_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { buf, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[VUSER_MAX_MSG_FDS];
	size_t nr = put_fds(rec, fds);
	struct cmsghdr *cmsg;

	if (!len)
		return;
	if (nr) {
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&mh);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nr * sizeof(int));
	}
	/*
	 * A peer that hung up, or whose socket is full, does not get the
	 * message.
	 */
	(void)!sendmsg(fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void stream_send(struct stream_peer *peer, const struct record *rec)
{
	static uint8_t buf[sizeof(struct vfio_user_header) + UINT16_MAX];
	size_t len = put_header(peer, rec, buf);

	if (rec->len)
		memcpy(buf + len, rec->data, rec->len);
	if (rec->flags & RECORD_ECHO)
		echo(peer, buf + len, rec->len);
	stream_send_bytes(peer->fd, buf, len + rec->len, rec);
}

bool (*stream_on_wait)(void);

int __real_poll(struct pollfd *fds, nfds_t nr, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t nr, int timeout);

/* The linker replaces poll() with this function. */
int __wrap_poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	bool more = timeout && stream_on_wait;
	int ret;

	while (more) {
		more = stream_on_wait();
		ret = __real_poll(fds, nr, 0);
		if (ret)
			return ret;
	}
	return __real_poll(fds, nr, timeout);
}
