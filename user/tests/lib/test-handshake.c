// SPDX-License-Identifier: GPL-2.0
/* The client's handshake with servers that send arbitrary replies. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vuser/client.h>

#include "../harness.h"
#include "../wire.h"
#include "liar.h"

TEST(handshake_with_a_good_server_returns_its_description)
{
	struct vuser_description *desc;
	int before = wire_count_fds();
	struct liar server;

	liar_init(&server);
	require(!liar_run(&server, NULL, &desc));
	check_eq(desc->minor, VFIO_USER_MINOR);
	check_eq(desc->caps.max_msg_fds, 8);
	check_eq(desc->twin, -1);
	check_eq(desc->nr_regions, 9);
	check_eq(desc->nr_irqs, 5);
	check_eq(desc->regions[0].size, 0x1000);
	check_eq(desc->regions[1].size, 0);
	check_eq(desc->regions[2].flags, 7);
	require(desc->regions[2].fd >= 0 && desc->regions[2].nr_areas == 1);
	check_eq(desc->regions[2].areas[0].offset, 0);
	check_eq(desc->regions[2].areas[0].size, 0x8000);
	check_eq(desc->regions[2].areas[0].file_offset, 0x1000);
	check_eq(desc->irqs[4].count, 2);
	/* The client asks about existing BARs only. */
	check_eq(server.io_fds_asked, 2);
	vuser_description_free(desc);
	liar_fini(&server);
	check(wire_await_fds(before));
}

TEST(server_with_minor_0_is_not_asked_for_io_fds)
{
	struct vuser_description *desc;
	struct liar server;

	liar_init(&server);
	server.minor = 0;
	server.json = "{\"capabilities\":{}}";
	require(!liar_run(&server, NULL, &desc));
	check_eq(desc->minor, 0);
	check_eq(server.io_fds_asked, 0);
	vuser_description_free(desc);
	liar_fini(&server);
}

TEST(handshake_reads_nothing_after_its_last_reply)
{
	struct vuser_description *desc;
	struct vuser_handshake *hs;
	struct liar server;
	int fds[2], ret;
	char c;

	/* Later bytes belong to the next user of the socket. */
	liar_init(&server);
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	server.fd = fds[0];
	require(!vuser_handshake_new(fds[1], NULL, &hs));
	check_eq(vuser_handshake_fd(hs), fds[1]);
	/* 1 version, 1 info, 9 regions, 2 io fds, 5 interrupts. */
	while ((ret = vuser_handshake_step(hs, &desc)) == -EAGAIN) {
		require(liar_answer(&server));
		if (server.nr_commands == 18)
			require(write(fds[0], "!", 1) == 1);
	}
	check_eq(ret, 0);
	check_eq(server.nr_commands, 18);
	check_eq(vuser_handshake_fd(hs), -1);
	check_eq(vuser_handshake_step(hs, &desc), -EINVAL);
	vuser_handshake_free(hs);
	check_eq(read(desc->sock, &c, 1), 1);
	check_eq(c, '!');
	vuser_description_free(desc);
	close(fds[0]);
	liar_fini(&server);
}

TEST(reply_with_a_wrong_header_fails_the_handshake)
{
	static const uint16_t commands[] = {
		VFIO_USER_VERSION,
		VFIO_USER_DEVICE_GET_INFO,
		VFIO_USER_DEVICE_GET_REGION_INFO,
		VFIO_USER_DEVICE_GET_REGION_IO_FDS,
		VFIO_USER_DEVICE_GET_IRQ_INFO,
	};
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct lie lie = { .command = commands[i], .id_off = 1 };

		check_eq(liar_result(&lie), -EPROTO);
		lie.id_off = 0;
		lie.command_off = 1;
		check_eq(liar_result(&lie), -EPROTO);
		lie.command_off = 0;
		lie.exact_flags = true;
		lie.flags = VFIO_USER_FLAGS_TYPE_COMMAND;
		check_eq(liar_result(&lie), -EPROTO);
		lie.flags = 2;
		check_eq(liar_result(&lie), -EINVAL);
	}
}

TEST(error_reply_fails_the_handshake_unless_it_is_about_an_index)
{
	struct lie lie = { .flags = VFIO_USER_FLAGS_ERROR, .error = EPERM };

	lie.command = VFIO_USER_VERSION;
	check_eq(liar_result(&lie), -EPERM);
	lie.error = 0;
	check_eq(liar_result(&lie), -EIO);
	lie.error = UINT32_MAX;
	check_eq(liar_result(&lie), -EIO);
	lie.error = 1u << 31;
	check_eq(liar_result(&lie), -EIO);
	/* EAGAIN would mean "call step again". */
	lie.error = EAGAIN;
	check_eq(liar_result(&lie), -EIO);
	lie.error = ENODEV;
	lie.command = VFIO_USER_DEVICE_GET_INFO;
	check_eq(liar_result(&lie), -ENODEV);
	/* The handshake continues without this region or interrupt type. */
	lie.command = VFIO_USER_DEVICE_GET_REGION_INFO;
	check_eq(liar_result(&lie), 0);
	lie.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS;
	check_eq(liar_result(&lie), 0);
	lie.command = VFIO_USER_DEVICE_GET_IRQ_INFO;
	check_eq(liar_result(&lie), 0);
}

/* Old versions of the Rust crate vfio_user send such replies. */
TEST(error_reply_may_be_typed_as_a_command)
{
	struct lie lie = {
		.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS,
		.exact_flags = true,
		.flags = VFIO_USER_FLAGS_TYPE_COMMAND | VFIO_USER_FLAGS_ERROR,
	};

	check_eq(liar_result(&lie), 0);
	lie.command = VFIO_USER_DEVICE_GET_INFO;
	lie.error = ENODEV;
	check_eq(liar_result(&lie), -ENODEV);
	/* It has no payload, and the id of the command. */
	lie.payload = "1234";
	lie.len = 4;
	check_eq(liar_result(&lie), -EPROTO);
	lie.len = 0;
	lie.id_off = 1;
	check_eq(liar_result(&lie), -EPROTO);
}

TEST(short_reply_fails_the_handshake)
{
	static const struct {
		uint16_t command;
		size_t full;
	} cases[] = {
		{ VFIO_USER_VERSION, 4 },
		{ VFIO_USER_DEVICE_GET_INFO, 16 },
		{ VFIO_USER_DEVICE_GET_REGION_INFO, 32 },
		{ VFIO_USER_DEVICE_GET_REGION_IO_FDS, 16 },
		{ VFIO_USER_DEVICE_GET_IRQ_INFO, 16 },
	};
	const char zeroes[64] = { 0 };
	size_t i, len;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (len = 0; len <= cases[i].full; len++) {
			struct lie lie = { .command = cases[i].command,
					   .payload = zeroes,
					   .len = len };

			check_eq(liar_result(&lie),
				 len < cases[i].full ? -EPROTO : 0);
		}
}

TEST(hang_up_at_any_command_fails_the_handshake)
{
	static const uint16_t commands[] = {
		VFIO_USER_VERSION,
		VFIO_USER_DEVICE_GET_INFO,
		VFIO_USER_DEVICE_GET_REGION_INFO,
		VFIO_USER_DEVICE_GET_REGION_IO_FDS,
		VFIO_USER_DEVICE_GET_IRQ_INFO,
	};
	struct vfio_user_header hdr = { 1, 1, 32, 1, 0 };
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct lie lie = { .command = commands[i], .hang_up = true };

		check_eq(liar_result(&lie), -ENODATA);
		lie.payload = &hdr;
		lie.len = 7;
		check_eq(liar_result(&lie), -ECONNRESET);
		lie.len = sizeof(hdr);
		check_eq(liar_result(&lie), -ECONNRESET);
	}
}

TEST(reply_that_is_too_long_fails_the_handshake)
{
	static char zeroes[70000];
	struct lie lie = { .command = VFIO_USER_DEVICE_GET_INFO,
			   .payload = zeroes,
			   .len = sizeof(zeroes) };

	check_eq(liar_result(&lie), -EMSGSIZE);
}

TEST(version_reply_is_accepted_up_to_our_minor)
{
	struct {
		struct vfio_user_version head;
		char json[128];
	} msg = { .head = { 0, 1 }, .json = "{}" };
	struct lie lie = { .command = VFIO_USER_VERSION,
			   .payload = &msg,
			   .len = 7 };

	check_eq(liar_result(&lie), 0);
	msg.head.minor = 2;
	check_eq(liar_result(&lie), -EPROTO);
	msg.head.minor = 0;
	check_eq(liar_result(&lie), 0);
	msg.head.major = 1;
	check_eq(liar_result(&lie), -EPROTONOSUPPORT);
	msg.head.major = 0;
	strcpy(msg.json, "{]");
	check_eq(liar_result(&lie), -EPROTO);
}

TEST(invalid_twin_socket_fails_the_handshake)
{
	struct {
		struct vfio_user_version head;
		char json[128];
	} msg = { .head = { 0, 1 } };
	struct lie lie = { .command = VFIO_USER_VERSION, .payload = &msg };
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.no_twin = true,
	};
	int sock, socks[2], event = eventfd(0, EFD_CLOEXEC);
	struct vuser_description *desc;
	struct liar server;

	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks));
	sock = socks[0];
#define say(text)                                                           \
	(strcpy(msg.json, "{\"capabilities\":{\"twin_socket\":" text "}}"), \
	 lie.len = 4 + strlen(msg.json) + 1)
	/* No fds at all; no fd at this index; no index. */
	say("{\"supported\":true,\"fd_index\":0}");
	check_eq(liar_result(&lie), -EPROTO);
	lie.fds[0] = event;
	lie.fds[1] = sock;
	lie.nr_fds = 2;
	say("{\"supported\":true,\"fd_index\":2}");
	check_eq(liar_result(&lie), -EPROTO);
	say("{\"supported\":true}");
	check_eq(liar_result(&lie), -EPROTO);
	/* The fd is not a socket. */
	say("{\"supported\":true,\"fd_index\":0}");
	check_eq(liar_result(&lie), -EPROTO);
	/* The index may be other than 0. */
	say("{\"supported\":true,\"fd_index\":1}");
	check_eq(liar_result(&lie), 0);
	liar_init(&server);
	server.lie = &lie;
	require(!liar_run(&server, NULL, &desc));
	check(desc->twin >= 0);
	vuser_description_free(desc);
	/* The client did not ask for a twin socket. */
	check_eq(liar_run(&server, &opt, &desc), -EPROTO);
	liar_fini(&server);
	say("{\"supported\":false,\"fd_index\":1}");
	check_eq(liar_result(&lie), 0);
#undef say
	close(socks[0]);
	close(socks[1]);
	close(event);
}

TEST(more_regions_or_interrupts_than_the_limit_fail_the_handshake)
{
	struct vfio_user_device_info info = { 16, 3, VUSER_MAX_REGIONS + 1, 5 };
	struct lie lie = { .command = VFIO_USER_DEVICE_GET_INFO,
			   .payload = &info,
			   .len = sizeof(info) };
	struct vfio_user_irq_info irq = { 16, 1, 0, VUSER_MAX_IRQS + 1 };

	check_eq(liar_result(&lie), -EPROTO);
	info.num_regions = 0;
	info.num_irqs = VUSER_MAX_IRQ_INDEXES + 1;
	check_eq(liar_result(&lie), -EPROTO);
	info.num_irqs = 0;
	check_eq(liar_result(&lie), 0);
	info.num_regions = VUSER_MAX_REGIONS;
	info.num_irqs = VUSER_MAX_IRQ_INDEXES;
	check_eq(liar_result(&lie), 0);
	lie.command = VFIO_USER_DEVICE_GET_IRQ_INFO;
	lie.payload = &irq;
	check_eq(liar_result(&lie), -EPROTO);
	irq.count--;
	check_eq(liar_result(&lie), 0);
	irq.index = 1;
	check_eq(liar_result(&lie), -EPROTO);
}

TEST(more_fds_than_announced_fail_the_handshake)
{
	struct lie lie = { .command = VFIO_USER_DEVICE_GET_INFO, .nr_fds = 3 };
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.max_msg_fds = 2,
	};
	struct vuser_description *desc;
	struct liar server;
	int before = wire_count_fds();

	liar_init(&server);
	server.lie = &lie;
	check_eq(liar_run(&server, &opt, &desc), -EMFILE);
	liar_fini(&server);
	check(wire_await_fds(before));
}

TEST(freed_handshake_closes_its_descriptors)
{
	struct vuser_handshake *hs;
	int fds[2], before = wire_count_fds();

	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	require(!vuser_handshake_new(fds[1], NULL, &hs));
	check(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
	vuser_handshake_free(hs);
	close(fds[0]);
	vuser_handshake_free(NULL);
	vuser_description_free(NULL);
	check(wire_await_fds(before));
	/* A new handshake on a socket without a peer, and on no descriptor. */
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	close(fds[0]);
	check_eq(vuser_handshake_new(fds[1], NULL, &hs), -EPIPE);
	check_eq(vuser_handshake_new(-1, NULL, &hs), -EBADF);
	check(wire_await_fds(before));
}

static void answer_early(int fd, uint16_t id, uint16_t command,
			 const void *payload, size_t len)
{
	wire_send(fd, id, command, VFIO_USER_FLAGS_TYPE_REPLY, 0, payload, len,
		  NULL, 0);
}

/* Begin a handshake; the client's next command asks for region 0. */
static struct vuser_handshake *begin(int fds[2])
{
	char buf[64], version[64] = { 0, 0, VFIO_USER_MINOR };
	struct vuser_description *desc;
	struct vuser_handshake *hs;
	ssize_t len;
	int left;

	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	require(!vuser_handshake_new(fds[1], NULL, &hs));
	/*
	 * Message IDs count up, so the server can send all replies in advance.
	 */
	strcpy(version + 4, "{\"capabilities\":{}}");
	answer_early(fds[0], 1, VFIO_USER_VERSION, version,
		     4 + strlen(version + 4) + 1);
	len = vuser_encode_device_info(buf, sizeof(buf), 0, 9, 5);
	answer_early(fds[0], 2, VFIO_USER_DEVICE_GET_INFO, buf, len);

	/* Each step reads one reply, so that an event loop can serve others. */
	check_eq(vuser_handshake_step(hs, &desc), -EAGAIN);
	require(!ioctl(fds[1], FIONREAD, &left));
	check_eq(left, (int)sizeof(struct vfio_user_header) + len);
	check_eq(vuser_handshake_step(hs, &desc), -EAGAIN);
	require(!ioctl(fds[1], FIONREAD, &left));
	check_eq(left, 0);
	check_eq(vuser_handshake_step(hs, &desc), -EAGAIN);
	return hs;
}

TEST(each_step_reads_one_reply)
{
	struct vuser_handshake *hs;
	int fds[2];

	hs = begin(fds);
	vuser_handshake_free(hs);
	close(fds[0]);
}

/* The server asks for more space in each reply. */
TEST(region_that_grows_with_each_reply_is_asked_about_twice)
{
	struct vfio_user_region_info info = {
		.flags = VFIO_REGION_INFO_FLAG_CAPS,
		.size = 0x1000,
		.cap_offset = sizeof(info),
	};
	struct vuser_description *desc;
	struct vuser_handshake *hs;
	int fds[2], ret, asked = 0;

	hs = begin(fds);
	do {
		info.argsz = 4096 + 8 * ++asked;
		answer_early(fds[0], 2 + asked,
			     VFIO_USER_DEVICE_GET_REGION_INFO, &info,
			     sizeof(info));
		ret = vuser_handshake_step(hs, &desc);
	} while (ret == -EAGAIN && asked < 100);
	check_eq(ret, -EPROTO);
	check_eq(asked, 2);
	vuser_handshake_free(hs);
	close(fds[0]);
}
