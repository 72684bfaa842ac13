// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's use of the socket to the server: a server that stopped reading
 * causes no signal for the consumer, a message survives the kill of its reader,
 * long messages are read wherever they start in the receive buffer, and unexpected
 * descriptors are refused or dropped.  The test acts as the
 * helper and as the server.
 */
#include <linux/vfio_user.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <kselftest_harness.h>

#include "lib/clock.h"
#include "lib/control.h"
#include "lib/task.h"
#include "lib/vfio.h"
#include "lib/unix.h"

#define PAGE 0x1000UL
#define BAR0 VFIO_PCI_BAR0_REGION_INDEX

/* Some labs' headers lack this definition. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* A command of the kernel, or the reply to a command of the test. */
struct message {
	struct vfio_user_header hdr;
	struct vfio_user_region_access access;
	uint64_t value;
} __attribute__((packed));

/* A device that this test owns. */
struct peer {
	struct control c;
	int server; /* our end of the socket */
};

static int peer_start(struct peer *p)
{
	int ret = control_start(&p->c);

	p->server = p->c.sock[1];
	if (!ret)
		ret = control_claim(&p->c.nl, p->c.id, &p->c.token);
	/* No process replies to the messages of a close. */
	if (!ret)
		ret = mdev_set(p->c.uuid, "close_timeout_ms", "100");
	return ret ? ret :
		     control_attach(&p->c.nl, p->c.id, p->c.token,
				    p->c.sock[0]);
}

/* Receives the next message of the kernel. */
static int take(int server, struct message *msg)
{
	ssize_t len = recv(server, &msg->hdr, sizeof(msg->hdr), MSG_WAITALL);

	if (len != sizeof(msg->hdr))
		return -ENOTCONN;
	len = msg->hdr.msg_size - sizeof(msg->hdr);
	if (len < 0 || len > (ssize_t)(sizeof(*msg) - sizeof(msg->hdr)))
		return -EMSGSIZE;
	if (len && recv(server, &msg->access, len, MSG_WAITALL) != len)
		return -ENOTCONN;
	return 0;
}

/* Turns @msg, a REGION_READ, into its reply with @value. */
static void answer(struct message *msg, uint64_t value)
{
	msg->value = value;
	msg->hdr.flags = VFIO_USER_FLAGS_TYPE_REPLY;
	msg->hdr.msg_size =
		sizeof(msg->hdr) + sizeof(msg->access) + msg->access.count;
}

/* A server that stops reading, writing, or both ---------------------------- */

FIXTURE(stops)
{
	struct peer peer;
};

FIXTURE_VARIANT(stops)
{
	int how;
};
FIXTURE_VARIANT_ADD(stops, reading) { .how = SHUT_RD };
FIXTURE_VARIANT_ADD(stops, writing) { .how = SHUT_WR };
FIXTURE_VARIANT_ADD(stops, both) { .how = SHUT_RDWR };

FIXTURE_SETUP(stops)
{
	ASSERT_EQ(0, peer_start(&self->peer));
}

FIXTURE_TEARDOWN(stops)
{
	EXPECT_EQ(0, control_stop(&self->peer.c));
}

/* Uses the device after its loss, like a consumer that does not notice it. */
static int use_lost_device(const char *uuid, int ready, int go)
{
	volatile uint32_t *bar;
	struct vfio_dev dev;
	uint16_t command = 4;
	char c;

	/* The default action ends the process. */
	signal(SIGPIPE, SIG_DFL);
	if (vfio_dev_open(&dev, uuid, VFIO_TYPE1v2_IOMMU))
		return 1;
	bar = region_mmap(dev.device, BAR0, 0, PAGE, PROT_READ | PROT_WRITE);
	if (bar == MAP_FAILED || write(ready, "", 1) != 1 ||
	    read(go, &c, 1) != 1)
		return 2;
	bar[0] = 1; /* posted */
	bar[1] = 2;
	(void)bar[2];
	if (!region_put(dev.device, VFIO_PCI_CONFIG_REGION_INDEX, 4, &command,
			2))
		return 3;
	return 0;
}

TEST_F(stops, stopped_server_causes_no_sigpipe)
{
	int ready[2], go[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(use_lost_device(self->peer.c.uuid, ready[1], go[0]));
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(0, shutdown(self->peer.server, variant->how));
	ASSERT_EQ(1, write(go[1], "", 1));
	status = task_wait_end(pid, SOON_MS);
	EXPECT_EQ(0, status)
	{
		TH_LOG("signal %d", WTERMSIG(status));
	}
	EXPECT_EQ(0, mdev_wait(self->peer.c.uuid, "state", "lost", SOON_MS));
}

/* Half a message ----------------------------------------------------------- */

FIXTURE(half)
{
	struct peer peer;
	struct vfio_dev dev;
};

/* The number of bytes of the reply before the reading thread is killed. */
FIXTURE_VARIANT(half)
{
	size_t part;
};
FIXTURE_VARIANT_ADD(half, header) { .part = 7 };
FIXTURE_VARIANT_ADD(half, payload) { .part = sizeof(struct message) - 9 };

FIXTURE_SETUP(half)
{
	ASSERT_EQ(0, peer_start(&self->peer));
	ASSERT_EQ(0, vfio_dev_open(&self->dev, self->peer.c.uuid,
				   VFIO_TYPE1v2_IOMMU));
}

FIXTURE_TEARDOWN(half)
{
	vfio_dev_close(&self->dev);
	EXPECT_EQ(0, control_stop(&self->peer.c));
}

/* Starts a process that reads 8 bytes at @off and expects @value. */
static pid_t reader(int device, uint64_t off, uint64_t value)
{
	uint64_t got = 0;
	pid_t pid = fork();

	if (pid)
		return pid;
	_exit(region_get(device, BAR0, off, &got, 8) || got != value);
}

TEST_F(half, half_read_message_survives_its_reader)
{
	const uint64_t value = 0x0123456789abcdef;
	struct message first, second;
	int server = self->peer.server;
	pid_t killed, other;

	/*
	 * The thread that waits longest reads from the socket, including the
	 * reply to the other thread.
	 */
	killed = reader(self->dev.device, 0x10, 0);
	ASSERT_LE(0, killed);
	ASSERT_EQ(0, take(server, &first));
	ASSERT_EQ(0, task_wait_in(killed, "vuser_call_wait", SOON_MS));
	other = reader(self->dev.device, 0x20, value);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, take(server, &second));
	ASSERT_EQ(0x20, second.access.offset);
	ASSERT_EQ(0, task_wait_in(other, "vuser_call_wait", SOON_MS));

	answer(&second, value);
	ASSERT_EQ(variant->part, send(server, &second, variant->part, 0));
	ASSERT_EQ(0, control_wait_read(server));
	ASSERT_EQ(0, task_wait_in(killed, "vuser_call_wait", SOON_MS));
	ASSERT_EQ(0, kill(killed, SIGKILL));
	EXPECT_EQ(SIGKILL, task_wait_end(killed, SOON_MS));

	ASSERT_EQ(sizeof(second) - variant->part,
		  send(server, (char *)&second + variant->part,
		       sizeof(second) - variant->part, 0));
	EXPECT_EQ(0, task_wait_end(other, SOON_MS));

	/*
	 * The reply to the killed process arrives late and is dropped; then the
	 * device works as before.
	 */
	answer(&first, 0);
	ASSERT_EQ(sizeof(first), send(server, &first, sizeof(first), 0));
	other = reader(self->dev.device, 0x30, 5);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, take(server, &second));
	answer(&second, 5);
	ASSERT_EQ(sizeof(second), send(server, &second, sizeof(second), 0));
	EXPECT_EQ(0, task_wait_end(other, SOON_MS));
	EXPECT_EQ(0, mdev_wait(self->peer.c.uuid, "state", "open", SOON_MS));
}

/* Long messages ------------------------------------------------------------ */

/* The size of the kernel's small receive buffer. */
#define RX_SMALL 2048

struct dma_write {
	struct vfio_user_header hdr;
	struct vfio_user_dma_access dma;
	uint8_t data[VUSER_MAX_XFER];
} __attribute__((packed));

/* Writes a DMA_WRITE of @len bytes to @buf; returns its size. */
static size_t put_write(uint8_t *buf, uint16_t id, size_t len, uint32_t flags)
{
	struct dma_write *msg = (struct dma_write *)buf;

	memset(msg, 0, sizeof(msg->hdr) + sizeof(msg->dma) + len);
	msg->hdr.msg_id = id;
	msg->hdr.command = VFIO_USER_DMA_WRITE;
	msg->hdr.msg_size = sizeof(msg->hdr) + sizeof(msg->dma) + len;
	msg->hdr.flags = flags;
	msg->dma.count = len;
	return msg->hdr.msg_size;
}

/*
 * Sends a message without a reply, and directly after it one of @len bytes of data
 * whose reply is expected.  The second one starts @at bytes after the first.  No
 * consumer has memory, so the reply is an error.
 */
static int write_after(int server, size_t at, size_t len, uint16_t id)
{
	static uint8_t buf[RX_SMALL + sizeof(struct dma_write)];
	size_t size, head = sizeof(struct vfio_user_header) +
			    sizeof(struct vfio_user_dma_access);
	struct message reply;
	int ret;

	size = put_write(buf, 0, at - head, VFIO_USER_FLAGS_NO_REPLY);
	size += put_write(buf + size, id, len, 0);
	if (send(server, buf, size, MSG_NOSIGNAL) != (ssize_t)size)
		return -errno;
	ret = take(server, &reply);
	if (ret)
		return ret;
	return reply.hdr.msg_id == id &&
			       reply.hdr.flags & VFIO_USER_FLAGS_ERROR ?
		       0 :
		       -EPROTO;
}

FIXTURE(long_message)
{
	struct peer peer;
};

FIXTURE_SETUP(long_message)
{
	ASSERT_EQ(0, peer_start(&self->peer));
}

FIXTURE_TEARDOWN(long_message)
{
	EXPECT_EQ(0, control_stop(&self->peer.c));
}

/* The header of the long message is at the end of the buffer, or beyond it. */
TEST_F(long_message, is_read_wherever_it_starts)
{
	struct control *c = &self->peer.c;
	size_t at;

	for (at = RX_SMALL - 40; at <= RX_SMALL; at += 4) {
		ASSERT_EQ(0, write_after(self->peer.server, at, 4096, at));
		/* A new channel has the small buffer again. */
		ASSERT_EQ(0, control_detach(&c->nl, c->id, c->token, NULL));
		ASSERT_EQ(0, mdev_wait(c->uuid, "state", "created", SOON_MS));
		close(c->sock[0]);
		close(c->sock[1]);
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
					c->sock));
		self->peer.server = c->sock[1];
		ASSERT_EQ(0,
			  control_attach(&c->nl, c->id, c->token, c->sock[0]));
	}
}

TEST_F(long_message, may_have_each_size_around_the_buffers)
{
	static const size_t sizes[] = { RX_SMALL - 33,	    RX_SMALL - 32,
					RX_SMALL - 31,	    4096,
					VUSER_MAX_XFER - 1, VUSER_MAX_XFER };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		ASSERT_EQ(0, write_after(self->peer.server, 64, sizes[i], i));
	EXPECT_EQ(0,
		  mdev_wait(self->peer.c.uuid, "state", "attached", SOON_MS));
}

/* Descriptors -------------------------------------------------------------- */

struct dma_read {
	struct vfio_user_header hdr;
	struct vfio_user_dma_access dma;
};

/* A DMA_READ of unmapped memory. */
static const struct dma_read unmapped = {
	.hdr = {
		.msg_id = 1,
		.command = VFIO_USER_DMA_READ,
		.msg_size = sizeof(unmapped),
	},
	.dma = { .count = 8 },
};

static int send_with_fd(int server)
{
	return unix_send_files(server, &unmapped, sizeof(unmapped), server, 1);
}

/* Whether the kernel can refuse descriptors. */
static bool can_refuse(int sock)
{
	socklen_t len = sizeof(int);
	int on;

	return !getsockopt(sock, SOL_SOCKET, SO_PASSRIGHTS, &on, &len);
}

/*
 * The kernel refuses descriptors if it can, so that a server cannot fill the
 * socket with them; otherwise it drops them when it reads.
 */
TEST(unexpected_descriptors_are_refused_or_dropped)
{
	struct peer peer;
	struct message reply;
	int fds[2];
	bool refuses;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	refuses = can_refuse(fds[0]);
	TH_LOG("this kernel %s refuse descriptors", refuses ? "can" : "cannot");
	/* A socket that the kernel module does not use accepts descriptors. */
	EXPECT_EQ(0, send_with_fd(fds[1]));
	close(fds[0]);
	close(fds[1]);

	ASSERT_EQ(0, peer_start(&peer));
	EXPECT_EQ(refuses ? -EPERM : 0, send_with_fd(peer.server));
	if (!refuses) {
		ASSERT_EQ(0, take(peer.server, &reply));
		EXPECT_TRUE(reply.hdr.flags & VFIO_USER_FLAGS_ERROR);
	}
	EXPECT_EQ(0, mdev_wait(peer.c.uuid, "state", "attached", SOON_MS));
	EXPECT_EQ(0, control_stop(&peer.c));
}

/* A TCP connection whose end lasts an hour, because the other end reads nothing. */
struct lingering {
	int fd;
	int other;
	unsigned int port; /* of @fd */
};

static int lo_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ret;

	ret = ioctl(fd, SIOCSIFFLAGS, &req) ? -errno : 0;
	close(fd);
	return ret;
}

static int lingering_start(struct lingering *l)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct linger linger = { .l_onoff = 1, .l_linger = 3600 };
	socklen_t len = sizeof(addr);
	static char data[65536];
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (lo_up() || bind(fd, (struct sockaddr *)&addr, len) ||
	    listen(fd, 1) || getsockname(fd, (struct sockaddr *)&addr, &len) ||
	    connect(l->fd, (struct sockaddr *)&addr, len) ||
	    getsockname(l->fd, (struct sockaddr *)&addr, &len) ||
	    setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return -errno;
	l->other = accept(fd, NULL, NULL);
	l->port = ntohs(addr.sin_port);
	close(fd);
	while (send(l->fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	return l->other < 0 ? -errno : 0;
}

/*
 * Waits until no process closes the connection any more: in /proc/net/tcp it has no
 * inode then.  Returns 0 or -ETIMEDOUT.
 */
static int lingering_wait_closed(const struct lingering *l)
{
	long long end = clock_ms() + SOON_MS;
	unsigned int port, peer;
	unsigned long inode;
	char line[256];
	FILE *f;

	do {
		inode = 0;
		f = fopen("/proc/net/tcp", "re");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line,
				   " %*d: %*x:%x %*x:%x %*x %*s %*s %*s %*d %*d %lu",
				   &port, &peer, &inode) == 3 &&
			    port == l->port)
				break;
			else
				inode = 0;
		if (f)
			fclose(f);
		if (!inode)
			return 0;
		usleep(1000);
	} while (clock_ms() < end);
	return -ETIMEDOUT;
}

FIXTURE(files)
{
	struct peer peer;
	struct lingering l;
};

FIXTURE_SETUP(files)
{
	ASSERT_EQ(0, peer_start(&self->peer));
	if (can_refuse(self->peer.server))
		SKIP(return, "this kernel refuses descriptors");
	ASSERT_EQ(0, lingering_start(&self->l));
}

FIXTURE_TEARDOWN(files)
{
	close(self->l.other);
	EXPECT_EQ(0, control_stop(&self->peer.c));
}

/*
 * Sends a message with a file.  The caller closes the file before it writes to @go, so that
 * only the message has it.  This process has it until its end, which does not linger.
 */
static pid_t start_sender(int sock, struct message *msg, int file, int go[2])
{
	pid_t pid = fork();
	char byte;

	if (pid)
		return pid;
	close(go[1]);
	_exit(read(go[0], &byte, 1) != 1 ||
	      unix_send_files(sock, msg, sizeof(*msg), file, 1));
}

/* The thread that reads the reply does not wait for the end of its files. */
TEST_F(files, consumer_does_not_wait_for_the_end_of_a_file_in_a_reply)
{
	pid_t sender;
	int go[2];
	struct vfio_dev dev;
	struct message msg;
	uint64_t got = 0;
	pid_t pid;

	ASSERT_EQ(0,
		  vfio_dev_open(&dev, self->peer.c.uuid, VFIO_TYPE1v2_IOMMU));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* The connection must end with the message. */
		close(self->l.fd);
		_exit(region_get(dev.device, BAR0, 0x18, &got, 8) || got != 9);
	}
	ASSERT_EQ(0, take(self->peer.server, &msg));
	ASSERT_EQ(0, task_wait_in(pid, "vuser_call_wait", SOON_MS));
	answer(&msg, 9);
	ASSERT_EQ(0, pipe(go));
	sender = start_sender(self->peer.server, &msg, self->l.fd, go);
	ASSERT_LE(0, sender);
	close(self->l.fd);
	ASSERT_EQ(1, write(go[1], "", 1));
	EXPECT_EQ(0, task_wait_end(sender, SOON_MS));
	EXPECT_EQ(0, task_wait_end(pid, SOON_MS));
	EXPECT_EQ(0, lingering_wait_closed(&self->l));
	vfio_dev_close(&dev);
}

/*
 * The server reads no replies, so the kernel does not read the last message.  Its file
 * does not linger either when the server is detached.
 */
TEST_F(files, file_in_an_unread_message_does_not_linger_after_detach)
{
	static struct dma_read reads[1300];
	struct control *c = &self->peer.c;
	size_t i;

	for (i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
		reads[i] = unmapped;
	ASSERT_EQ(sizeof(reads), send(c->sock[1], reads, sizeof(reads), 0));
	ASSERT_EQ(0, unix_send_files(c->sock[1], &unmapped, sizeof(unmapped),
				     self->l.fd, 1));
	close(self->l.fd);
	EXPECT_EQ(0, control_detach(&c->nl, c->id, c->token, NULL));
	EXPECT_EQ(0, lingering_wait_closed(&self->l));
}

TEST_HARNESS_MAIN
