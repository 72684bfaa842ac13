// SPDX-License-Identifier: GPL-2.0
/* The server with clients that misbehave, and the client with such servers. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vuser/client.h>

#include "device.h"
#include "../harness.h"
#include "../wire.h"

#define HELLO "{\"capabilities\":{\"max_msg_fds\":8}}"
#define TWIN                                    \
	"{\"capabilities\":{\"max_msg_fds\":8," \
	"\"twin_socket\":{\"supported\":true}}}"

/* Check that the device still serves a well-behaved client. */
static void check_alive(struct device *dev)
{
	struct vuser_client *client = device_client(dev, NULL, NULL, NULL);
	uint32_t val;

	require(client);
	check_eq(vuser_client_read(client, 7, 0, &val, 4), 0);
	check_eq(val, 0x15655);
	vuser_client_free(client);
}

static int hello(struct device *dev, const char *json)
{
	int fd = device_connect(dev);

	require(fd >= 0);
	require(!wire_hello(fd, json));
	return fd;
}

static void send_version(int fd, uint16_t major, uint32_t flags,
			 const char *json)
{
	char buf[256] = { 0 };
	struct vfio_user_version *version = (struct vfio_user_version *)buf;

	version->major = major;
	strcpy((char *)version->data, json);
	wire_send(fd, 1, VFIO_USER_VERSION, flags, 0, buf, 4 + strlen(json) + 1,
		  NULL, 0);
}

TEST(bad_first_message_closes_the_connection)
{
	struct device *dev = device_new(NULL, NULL);
	uint16_t command;
	int i, fd;

	require(dev);
	for (command = 0; command < 20; command++) {
		if (command == VFIO_USER_VERSION)
			continue;
		fd = device_connect(dev);
		wire_send(fd, 1, command, 0, 0, NULL, 0, NULL, 0);
		check(wire_is_closed(fd));
		close(fd);
	}
	for (i = 0; i < 6; i++) {
		fd = device_connect(dev);
		if (i == 0)
			send_version(fd, 1, 0, HELLO);
		else if (i == 1)
			send_version(fd, 0, VFIO_USER_FLAGS_NO_REPLY, HELLO);
		else if (i == 2)
			send_version(fd, 0, 0, "{");
		else if (i == 3)
			send_version(fd, 0, VFIO_USER_FLAGS_TYPE_REPLY, HELLO);
		else if (i == 4)
			wire_send(fd, 1, VFIO_USER_VERSION, 0, 0, NULL, 0, NULL,
				  0);
		else
			wire_send(fd, 1, VFIO_USER_VERSION, 0, 0, "\0\0\0", 3,
				  NULL, 0);
		check(wire_is_closed(fd));
		close(fd);
	}
	/* The device was not notified about any of these clients. */
	check_eq(dev->connects, 0);
	check_eq(dev->disconnects, 0);
	check_alive(dev);
	device_free(dev);
}

TEST(bad_header_closes_the_connection)
{
	static const struct {
		uint32_t size, flags;
		int error;
	} cases[] = {
		{ 0, 0, -EINVAL },
		{ 15, 0, -EINVAL },
		{ 16, 2, -EINVAL },
		{ 16, 15, -EINVAL },
		{ UINT32_MAX, 0, -EMSGSIZE },
		{ 2 << 20, 0, -EMSGSIZE },
		/* A reply without a command. */
		{ 16, VFIO_USER_FLAGS_TYPE_REPLY, -EPROTO },
	};
	struct device *dev = device_new(NULL, NULL);
	size_t i;
	int fd;

	require(dev);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fd = hello(dev, HELLO);
		wire_raw(fd, 1, VFIO_USER_REGION_READ, cases[i].size,
			 cases[i].flags, NULL, 0);
		check(wire_is_closed(fd));
		close(fd);
		check(device_await(&dev->disconnects, i + 1));
		check_eq(dev->last_error, cases[i].error);
	}
	check_alive(dev);
	device_free(dev);
}

TEST(truncated_message_closes_the_connection)
{
	struct device *dev = device_new(NULL, NULL);
	char buf[48] = { 0 };
	unsigned int i;
	int fd;

	require(dev);
	((struct vfio_user_header *)buf)->msg_size = sizeof(buf);
	for (i = 1; i < sizeof(buf); i++) {
		fd = hello(dev, HELLO);
		require(write(fd, buf, i) == (ssize_t)i);
		close(fd);
		check(device_await(&dev->disconnects, i));
		check_eq(dev->last_error, -ECONNRESET);
	}
	check_alive(dev);
	device_free(dev);
}

TEST(fds_of_refused_commands_are_closed)
{
	struct device *dev = device_new(NULL, NULL);
	int i, fd, before, fds[32] = { 0 };
	struct vfio_user_dma_map map;
	struct vuser_msg msg;
	char irqs[64];
	ssize_t len;

	require(dev);
	fd = hello(dev, HELLO);
	before = wire_count_fds();
	/* Commands that take no fds, commands that fail, unknown commands. */
	for (i = 0; i < 30; i++) {
		wire_send(fd, i, i, 0, 0, NULL, 0, fds, 3);
		require(!wire_recv(fd, &msg));
		check(msg.hdr.flags & VFIO_USER_FLAGS_ERROR);
		vuser_msg_clear(&msg);
	}
	vuser_encode_dma_map(&map, sizeof(map), 0, 0x1000, 0, 3);
	wire_send(fd, 1, VFIO_USER_DMA_MAP, 0, 0, &map, sizeof(map), fds, 2);
	len = vuser_encode_irq_set(irqs, sizeof(irqs), 4 | 32, 2, 0, 3, NULL);
	wire_send(fd, 2, VFIO_USER_DEVICE_SET_IRQS, 0, 0, irqs, len, fds, 2);
	wire_send(fd, 3, VFIO_USER_DEVICE_SET_IRQS, 0, 0, irqs, len, fds, 4);
	len = vuser_encode_irq_set(irqs, sizeof(irqs), 1 | 32, 2, 0, 3, NULL);
	wire_send(fd, 4, VFIO_USER_DEVICE_SET_IRQS, 0, 0, irqs, len, fds, 3);
	for (i = 0; i < 4; i++) {
		require(!wire_recv(fd, &msg));
		check_eq(msg.hdr.error_no, EINVAL);
		check_eq(msg.len, 0);
		vuser_msg_clear(&msg);
	}
	/* A command is served after the fds of the previous one are closed. */
	wire_send(fd, 5, VFIO_USER_DEVICE_RESET, 0, 0, NULL, 0, NULL, 0);
	require(!wire_recv(fd, &msg));
	vuser_msg_clear(&msg);
	check(wire_await_fds(before));
	/* More fds than negotiated close the connection. */
	wire_send(fd, 1, VFIO_USER_DMA_MAP, 0, 0, &map, sizeof(map), fds, 17);
	check(wire_is_closed(fd));
	close(fd);
	check(device_await(&dev->disconnects, 1));
	check_eq(dev->last_error, -EMFILE);
	device_free(dev);
}

TEST(command_with_no_reply_gets_none_even_on_error)
{
	struct device *dev = device_new(NULL, NULL);
	struct vfio_user_region_access access;
	struct vuser_msg msg;
	uint16_t command;
	int fd;

	require(dev);
	fd = hello(dev, HELLO);
	for (command = 0; command < 30; command++)
		wire_send(fd, command, command, VFIO_USER_FLAGS_NO_REPLY, 0,
			  NULL, 0, NULL, 0);
	vuser_encode_region_access(&access, sizeof(access), 0, 0, 8);
	wire_send(fd, 50, VFIO_USER_REGION_READ, VFIO_USER_FLAGS_NO_REPLY, 0,
		  &access, sizeof(access), NULL, 0);
	wire_send(fd, 77, VFIO_USER_DEVICE_RESET, 0, 0, NULL, 0, NULL, 0);
	require(!wire_recv(fd, &msg));
	check_eq(msg.hdr.msg_id, 77);
	check_eq(msg.hdr.command, VFIO_USER_DEVICE_RESET);
	check_eq(msg.hdr.flags, VFIO_USER_FLAGS_TYPE_REPLY);
	check_eq(dev->resets, 2);
	vuser_msg_clear(&msg);
	close(fd);
	device_free(dev);
}

TEST(repeated_message_ids_are_accepted)
{
	struct device *dev = device_new(NULL, NULL);
	struct vuser_msg msg;
	int i, fd;

	require(dev);
	fd = hello(dev, HELLO);
	for (i = 0; i < 3; i++)
		wire_send(fd, 0xffff, VFIO_USER_DEVICE_RESET, 0, 99, NULL, 0,
			  NULL, 0);
	for (i = 0; i < 3; i++) {
		require(!wire_recv(fd, &msg));
		check_eq(msg.hdr.msg_id, 0xffff);
		check_eq(msg.hdr.error_no, 0);
		vuser_msg_clear(&msg);
	}
	close(fd);
	device_free(dev);
}

/* A client sends commands without end and never reads a reply. */
TEST(client_that_reads_no_replies_is_disconnected)
{
	struct vuser_server_config config = {
		.struct_size = sizeof(config),
		.dma_timeout_ms = 100,
	};
	struct device *dev = device_new(&config, NULL);
	struct vfio_user_region_access access;
	struct vfio_user_header hdr = { .command = VFIO_USER_REGION_READ };
	struct iovec iov = { &access, sizeof(access) };
	int fd, ret;

	require(dev);
	fd = hello(dev, HELLO);
	vuser_encode_region_access(&access, sizeof(access), 2, 0,
				   DEVICE_REGION_SIZE);
	do {
		ret = vuser_msg_send(fd, &hdr, &iov, 1, NULL, 0, 20000);
	} while (!ret && !dev->disconnects);
	check(device_await(&dev->disconnects, 1));
	/* The reply did not fit, or too many commands were queued after it. */
	check(dev->last_error == -ETIMEDOUT || dev->last_error == -ENOBUFS);
	close(fd);
	check_alive(dev);
	device_free(dev);
}

struct reader {
	struct device *dev;
	int result;
	uint64_t val;
};

static void *dma_read(void *data)
{
	struct reader *reader = data;

	reader->result = vuser_dma_read(reader->dev->server, 0x1000,
					&reader->val, sizeof(reader->val));
	return NULL;
}

/* A reply to DMA_READ, and the result that the device must see. */
struct dma_lie {
	uint16_t id_off;
	uint16_t command;
	uint32_t flags;
	uint32_t error;
	uint64_t address;
	uint64_t count;
	size_t len;
	int want;
	bool stays_open;
};

static void answer_dma_read(struct device *dev, const struct dma_lie *lie)
{
	struct {
		struct vfio_user_dma_access access;
		uint64_t data[2];
	} reply = { .access = { lie->address, lie->count }, .data = { 42 } };
	struct reader reader = { .dev = dev };
	struct vfio_user_dma_map map;
	struct vuser_msg msg;
	unsigned int ends = dev->disconnects;
	pthread_t thread;
	int fd;

	fd = hello(dev, HELLO);
	vuser_encode_dma_map(&map, sizeof(map), 0x1000, 0x1000, 0, 3);
	wire_send(fd, 1, VFIO_USER_DMA_MAP, 0, 0, &map, sizeof(map), NULL, 0);
	require(!wire_recv(fd, &msg));
	vuser_msg_clear(&msg);
	pthread_create(&thread, NULL, dma_read, &reader);
	require(!wire_recv(fd, &msg));
	check_eq(msg.hdr.command, VFIO_USER_DMA_READ);
	wire_send(fd, msg.hdr.msg_id + lie->id_off, lie->command, lie->flags,
		  lie->error, &reply, lie->len, NULL, 0);
	vuser_msg_clear(&msg);
	pthread_join(thread, NULL);
	check_eq(reader.result, lie->want);
	if (lie->stays_open) {
		wire_send(fd, 9, VFIO_USER_DEVICE_RESET, 0, 0, NULL, 0, NULL,
			  0);
		check(!wire_recv(fd, &msg));
		vuser_msg_clear(&msg);
	} else {
		check(wire_is_closed(fd));
	}
	close(fd);
	check(device_await(&dev->disconnects, ends + 1));
	check_eq(dev->last_error, lie->stays_open ? 0 : -EPROTO);
}

TEST(wrong_reply_to_dma_read_closes_the_connection)
{
	const uint16_t cmd = VFIO_USER_DMA_READ;
	const uint32_t reply = VFIO_USER_FLAGS_TYPE_REPLY;
	const uint32_t error = reply | VFIO_USER_FLAGS_ERROR;
	const struct dma_lie lies[] = {
		/* id, command, flags, error, address, count, length, result */
		{ 0, cmd, reply, 0, 0x1000, 8, 24, 0, true },
		{ 0, cmd, error, EFAULT, 0, 0, 0, -EFAULT, true },
		{ 0, cmd, error, 0, 0, 0, 0, -EIO, true },
		{ 0, cmd, error, UINT32_MAX, 0, 0, 0, -EIO, true },
		{ 1, cmd, reply, 0, 0x1000, 8, 24, -ENOTCONN, false },
		{ 0, cmd + 1, reply, 0, 0x1000, 8, 24, -ENOTCONN, false },
		{ 0, cmd, reply, 0, 0x1001, 8, 24, -ENOTCONN, false },
		{ 0, cmd, reply, 0, 0x1000, 9, 24, -ENOTCONN, false },
		{ 0, cmd, reply, 0, 0x1000, 16, 32, -ENOTCONN, false },
		{ 0, cmd, reply, 0, 0x1000, 8, 23, -ENOTCONN, false },
		{ 0, cmd, reply, 0, 0x1000, 8, 25, -ENOTCONN, false },
		{ 0, cmd, reply, 0, 0x1000, 8, 16, -ENOTCONN, false },
		{ 0, cmd, reply, 0, 0x1000, 8, 0, -ENOTCONN, false },
	};
	struct device *dev = device_new(NULL, NULL);
	size_t i;

	require(dev);
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		answer_dma_read(dev, &lies[i]);
	check_alive(dev);
	device_free(dev);
}

/* Negotiate a twin socket and return the client's ends. */
static int twin_hello(struct device *dev, int *twin)
{
	int fd = device_connect(dev);
	struct vuser_msg msg;

	send_version(fd, 0, 0, TWIN);
	require(!wire_recv(fd, &msg));
	*twin = vuser_msg_take_fd(&msg, 0);
	require(*twin >= 0);
	vuser_msg_clear(&msg);
	return fd;
}

TEST(command_on_the_twin_socket_closes_the_connection)
{
	struct device *dev = device_new(NULL, NULL);
	struct reader reader = { .dev = dev };
	struct vfio_user_dma_map map;
	struct vuser_msg msg;
	pthread_t thread;
	int fd, twin;

	require(dev);
	fd = twin_hello(dev, &twin);
	vuser_encode_dma_map(&map, sizeof(map), 0x1000, 0x1000, 0, 3);
	wire_send(fd, 1, VFIO_USER_DMA_MAP, 0, 0, &map, sizeof(map), NULL, 0);
	require(!wire_recv(fd, &msg));
	vuser_msg_clear(&msg);
	pthread_create(&thread, NULL, dma_read, &reader);
	require(!wire_recv(twin, &msg));
	vuser_msg_clear(&msg);
	wire_send(twin, 1, VFIO_USER_DEVICE_RESET, 0, 0, NULL, 0, NULL, 0);
	pthread_join(thread, NULL);
	check_eq(reader.result, -ENOTCONN);
	check(wire_is_closed(fd));
	check(device_await(&dev->disconnects, 1));
	check_eq(dev->resets, 0);
	close(fd);
	close(twin);
	check_alive(dev);
	device_free(dev);
}

TEST(closed_twin_socket_ends_dma_and_the_connection)
{
	struct device *dev = device_new(NULL, NULL);
	struct reader reader = { .dev = dev };
	struct vfio_user_dma_map map;
	struct vuser_msg msg;
	int fd, twin;

	require(dev);
	fd = twin_hello(dev, &twin);
	vuser_encode_dma_map(&map, sizeof(map), 0x1000, 0x1000, 0, 3);
	wire_send(fd, 1, VFIO_USER_DMA_MAP, 0, 0, &map, sizeof(map), NULL, 0);
	require(!wire_recv(fd, &msg));
	vuser_msg_clear(&msg);
	close(twin);
	dma_read(&reader);
	check_eq(reader.result, -ENOTCONN);
	check(wire_is_closed(fd));
	close(fd);
	check_alive(dev);
	device_free(dev);
}

/* A thread that waits for a reply on the twin socket must return at once. */
TEST(disconnect_wakes_a_waiter_on_the_twin_socket)
{
	struct device *dev = device_new(NULL, NULL);
	struct reader reader = { .dev = dev };
	struct vfio_user_dma_map map;
	struct vuser_msg msg;
	pthread_t thread;
	int fd, twin;

	require(dev);
	fd = twin_hello(dev, &twin);
	vuser_encode_dma_map(&map, sizeof(map), 0x1000, 0x1000, 0, 3);
	wire_send(fd, 1, VFIO_USER_DMA_MAP, 0, 0, &map, sizeof(map), NULL, 0);
	require(!wire_recv(fd, &msg));
	vuser_msg_clear(&msg);
	pthread_create(&thread, NULL, dma_read, &reader);
	require(!wire_recv(twin, &msg));
	vuser_msg_clear(&msg);
	device_pause(dev);
	vuser_server_disconnect(dev->server);
	pthread_join(thread, NULL);
	check_eq(reader.result, -ENOTCONN);
	device_resume(dev);
	check(wire_is_closed(fd));
	check(device_await(&dev->disconnects, 1));
	close(fd);
	close(twin);
	check_alive(dev);
	device_free(dev);
}

/* Valid headers with random payloads, over many connections. */
TEST(random_payloads_leave_the_server_working)
{
	struct device *dev = device_new(NULL, NULL);
	int round, i, fd, before = wire_count_fds(), null = 0;
	struct vuser_msg msg;
	char buf[64];
	size_t j, len;

	require(dev);
	srandom(20261120);
	for (round = 0; round < 200; round++) {
		fd = hello(dev, HELLO);
		for (i = 0; i < 20; i++) {
			len = random() % sizeof(buf);
			for (j = 0; j < len; j++)
				buf[j] = random() % 3 ? 0 : random();
			wire_send(fd, i, random() % 20, 0, 0, buf, len, &null,
				  random() % 4 == 0);
			/* The server replies or closes the connection. */
			if (wire_recv(fd, &msg))
				break;
			vuser_msg_clear(&msg);
		}
		close(fd);
		check(device_await(&dev->disconnects, round + 1));
	}
	check_alive(dev);
	check(device_await(&dev->disconnects, round + 1));
	device_free(dev);
	check(wire_await_fds(before));
}

/*
 * The reverse case: a server misbehaves.  A device answers the handshake; this
 * thread relays its messages and then sends other replies.
 */
struct victim {
	int fd;
	int server;
	struct device *dev;
	struct vuser_client *client;
	pthread_t thread;
	int result;
	int sock;
	bool use_twin;
};

static void *handshake(void *data)
{
	struct victim *victim = data;
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.no_twin = !victim->use_twin,
	};

	victim->result = vuser_client_new_fd(victim->sock, &opt, 20000, NULL,
					     NULL, &victim->client);
	return NULL;
}

/* Relay the handshake message by message, up to its last reply. */
static void begin(struct victim *victim, bool use_twin)
{
	struct vuser_msg msg;
	int fds[2], irqs = 0;

	memset(victim, 0, sizeof(*victim));
	victim->use_twin = use_twin;
	victim->dev = device_new(NULL, NULL);
	require(victim->dev);
	victim->server = device_connect(victim->dev);
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	victim->fd = fds[0];
	victim->sock = fds[1];
	pthread_create(&victim->thread, NULL, handshake, victim);
	while (irqs < VFIO_PCI_NUM_IRQS) {
		require(!wire_recv(victim->fd, &msg));
		wire_send(victim->server, msg.hdr.msg_id, msg.hdr.command, 0, 0,
			  msg.payload, msg.len, NULL, 0);
		vuser_msg_clear(&msg);
		require(!wire_recv(victim->server, &msg));
		wire_send(victim->fd, msg.hdr.msg_id, msg.hdr.command,
			  msg.hdr.flags, msg.hdr.error_no, msg.payload, msg.len,
			  msg.fds, msg.nr_fds);
		vuser_msg_clear(&msg);
		irqs += msg.hdr.command == VFIO_USER_DEVICE_GET_IRQ_INFO;
	}
	pthread_join(victim->thread, NULL);
	check_eq(victim->result, 0);
	require(victim->client);
}

static void end(struct victim *victim)
{
	vuser_client_free(victim->client);
	close(victim->fd);
	close(victim->server);
	device_free(victim->dev);
}

static void *read_word(void *data)
{
	struct victim *victim = data;
	uint32_t val;

	victim->result = vuser_client_read(victim->client, 0, 0x40, &val, 4);
	if (!victim->result)
		victim->result = val;
	return NULL;
}

/* Answer the client's read with this reply; return the client's result. */
static int answer(struct victim *victim, uint16_t id_off, uint16_t command_off,
		  uint32_t flags, uint32_t error, const void *payload,
		  size_t len)
{
	struct vuser_msg msg;

	pthread_create(&victim->thread, NULL, read_word, victim);
	require(!wire_recv(victim->fd, &msg));
	wire_send(victim->fd, msg.hdr.msg_id + id_off,
		  msg.hdr.command + command_off, flags, error, payload, len,
		  NULL, 0);
	vuser_msg_clear(&msg);
	pthread_join(victim->thread, NULL);
	return victim->result;
}

TEST(wrong_reply_to_a_read_breaks_the_client)
{
	const struct {
		struct vfio_user_region_access access;
		uint32_t data[2];
	} good = { .access = { 0x40, 0, 4 }, .data = { 42 } };
	const uint32_t reply = VFIO_USER_FLAGS_TYPE_REPLY;
	struct victim victim;
	size_t len;

	begin(&victim, false);
	check_eq(answer(&victim, 0, 0, reply, 0, &good, 20), 42);
	check_eq(answer(&victim, 0, 0, reply | VFIO_USER_FLAGS_ERROR, EPERM,
			NULL, 0),
		 -EPERM);
	check_eq(answer(&victim, 0, 0, reply | VFIO_USER_FLAGS_ERROR, 0, NULL,
			0),
		 -EIO);
	check_eq(answer(&victim, 0, 0, reply, 0, &good, 20), 42);
	/* After a protocol violation the client stays broken. */
	check_eq(answer(&victim, 1, 0, reply, 0, &good, 20), -EPROTO);
	read_word(&victim);
	check_eq(victim.result, -EPROTO);
	end(&victim);

	begin(&victim, false);
	check_eq(answer(&victim, 0, 1, reply, 0, &good, 20), -EPROTO);
	end(&victim);
	for (len = 0; len < sizeof(good); len += 3) {
		if (len == 20)
			continue;
		begin(&victim, false);
		check_eq(answer(&victim, 0, 0, reply, 0, &good, len), -EPROTO);
		end(&victim);
	}
}

/* The servers of rust-vmm reply to posted writes. */
TEST(replies_to_posted_writes_are_ignored)
{
	const uint32_t reply = VFIO_USER_FLAGS_TYPE_REPLY;
	const struct {
		struct vfio_user_region_access access;
		uint32_t data;
	} good = { .access = { 0x40, 0, 4 }, .data = 42 };
	struct vuser_msg msg;
	struct victim victim;
	uint32_t val = 1;

	begin(&victim, false);
	check_eq(vuser_client_post(victim.client, 0, 0x40, &val, 4), 0);
	require(!wire_recv(victim.fd, &msg));
	check_eq(msg.hdr.flags, VFIO_USER_FLAGS_NO_REPLY);
	wire_send(victim.fd, msg.hdr.msg_id, msg.hdr.command,
		  reply | VFIO_USER_FLAGS_ERROR, EIO, NULL, 0, NULL, 0);
	wire_send(victim.fd, msg.hdr.msg_id, msg.hdr.command, reply, 0, &good,
		  16, NULL, 0);
	vuser_msg_clear(&msg);
	check_eq(answer(&victim, 0, 0, reply, 0, &good, 20), 42);
	end(&victim);
}

TEST(unsolicited_reply_breaks_the_client)
{
	struct victim victim;

	begin(&victim, false);
	wire_send(victim.fd, 1, VFIO_USER_REGION_READ,
		  VFIO_USER_FLAGS_TYPE_REPLY, 0, NULL, 0, NULL, 0);
	check_eq(vuser_client_process(victim.client, 10000), -EPROTO);
	end(&victim);
}

TEST(commands_to_a_client_without_memory_are_refused)
{
	struct vfio_user_dma_access access = { 0x1000, 2 << 20 };
	struct vuser_msg msg;
	struct victim victim;
	uint16_t command;

	/* This client offers no memory: it replies with an error. */
	begin(&victim, false);
	for (command = 0; command < 30; command++) {
		wire_send(victim.fd, command, command, 0, 0, &access,
			  sizeof(access), NULL, 0);
		check_eq(vuser_client_process(victim.client, 10000), 1);
		require(!wire_recv(victim.fd, &msg));
		check_eq(msg.hdr.command, command);
		check_eq(msg.hdr.msg_id, command);
		check_eq(msg.hdr.flags,
			 VFIO_USER_FLAGS_TYPE_REPLY | VFIO_USER_FLAGS_ERROR);
		check_eq(msg.len, 0);
		vuser_msg_clear(&msg);
	}
	check_eq(vuser_client_process(victim.client, 0), 0);
	end(&victim);
	/* With a twin socket, commands must not arrive on the main socket. */
	begin(&victim, true);
	wire_send(victim.fd, 1, VFIO_USER_DMA_READ, 0, 0, &access,
		  sizeof(access), NULL, 0);
	check_eq(vuser_client_process(victim.client, 10000), -EPROTO);
	end(&victim);
}

TEST(read_fails_if_the_server_hangs_up)
{
	struct victim victim;

	begin(&victim, false);
	shutdown(victim.fd, SHUT_RDWR);
	read_word(&victim);
	check(victim.result == -ENODATA || victim.result == -EPIPE);
	end(&victim);
}
