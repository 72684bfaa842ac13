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

/* A bad reply, and the command and index that it answers. */
struct lie {
	uint16_t command;
	uint32_t index;
	uint16_t id_off;
	uint16_t command_off;
	uint32_t flags;
	uint32_t error;
	const void *payload;
	size_t len;
	int fds[4];
	uint32_t nr_fds;
	bool hang_up;
	bool exact_flags; /* send @flags without the type of a reply */
};

/* A server with 9 regions, of which 0 and 2 exist, and 5 interrupt types. */
struct server {
	int fd;
	int memory;
	int event;
	const char *json;
	uint16_t minor;
	struct vfio_user_region_info region2;
	const struct vuser_region_caps *caps;
	const struct vfio_user_io_fd *io_fds;
	uint32_t nr_io_fds;
	const struct lie *lie;
	unsigned int io_fds_asked;
	unsigned int nr_commands;
};

static void init(struct server *server)
{
	memset(server, 0, sizeof(*server));
	server->minor = VFIO_USER_MINOR;
	server->json = "{\"capabilities\":{\"max_msg_fds\":8}}";
	server->memory = memfd_create("server", MFD_CLOEXEC);
	server->event = eventfd(0, EFD_CLOEXEC);
	server->region2 = (struct vfio_user_region_info) {
		.index = 2,
		.flags = VFIO_REGION_INFO_FLAG_READ |
			 VFIO_REGION_INFO_FLAG_WRITE |
			 VFIO_REGION_INFO_FLAG_MMAP,
		.size = 0x8000,
		.offset = 0x1000,
	};
}

static void fini(struct server *server)
{
	close(server->memory);
	close(server->event);
}

/* Return the index that a command asks about. */
static uint32_t index_of(const struct vuser_msg *msg)
{
	const uint32_t *words = msg->payload;

	switch (msg->hdr.command) {
	case VFIO_USER_DEVICE_GET_REGION_INFO:
	case VFIO_USER_DEVICE_GET_REGION_IO_FDS:
	case VFIO_USER_DEVICE_GET_IRQ_INFO:
		return words[2];
	}
	return 0;
}

static ssize_t good_version(struct server *server, void *buf)
{
	struct vfio_user_version *version = buf;

	version->major = 0;
	version->minor = server->minor;
	strcpy((char *)version->data, server->json);
	return sizeof(*version) + strlen(server->json) + 1;
}

static ssize_t good_region(struct server *server, const struct vuser_msg *msg,
			   void *buf, size_t size, int *fd)
{
	const struct vfio_user_region_info *req = msg->payload;
	struct vfio_user_region_info info = { .index = req->index };

	if (req->index == 0) {
		info.size = 0x1000;
		info.flags = 3;
	} else if (req->index == 2) {
		info = server->region2;
		if (info.flags & VFIO_REGION_INFO_FLAG_MMAP)
			*fd = server->memory;
		return vuser_encode_region_info_reply(buf, size, req->argsz,
						      &info, server->caps);
	}
	return vuser_encode_region_info_reply(buf, size, req->argsz, &info,
					      NULL);
}

static void good_reply(struct server *server, const struct vuser_msg *msg)
{
	uint16_t command = msg->hdr.command;
	uint32_t nr_io = 0, index = index_of(msg);
	char buf[8192] = { 0 };
	ssize_t len = 0;
	int fd = -1;

	switch (command) {
	case VFIO_USER_VERSION:
		len = good_version(server, buf);
		break;
	case VFIO_USER_DEVICE_GET_INFO:
		len = vuser_encode_device_info(buf, sizeof(buf), 3, 9, 5);
		break;
	case VFIO_USER_DEVICE_GET_REGION_INFO:
		len = good_region(server, msg, buf, sizeof(buf), &fd);
		break;
	case VFIO_USER_DEVICE_GET_REGION_IO_FDS:
		server->io_fds_asked++;
		if (index == 2)
			nr_io = server->nr_io_fds;
		if (nr_io)
			fd = server->event;
		len = vuser_encode_region_io_fds_reply(
			buf, sizeof(buf), 65536, index, server->io_fds, nr_io);
		break;
	case VFIO_USER_DEVICE_GET_IRQ_INFO:
		len = vuser_encode_irq_info(buf, sizeof(buf), index, 1, 2);
		break;
	}
	wire_send(server->fd, msg->hdr.msg_id, command,
		  VFIO_USER_FLAGS_TYPE_REPLY, 0, buf, len, &fd, fd >= 0);
}

static void send_lie(struct server *server, const struct vuser_msg *msg)
{
	const struct lie *lie = server->lie;

	if (lie->hang_up) {
		if (lie->len)
			(void)!write(server->fd, lie->payload, lie->len);
		close(server->fd);
		server->fd = -1;
		return;
	}
	wire_send(server->fd, msg->hdr.msg_id + lie->id_off,
		  msg->hdr.command + lie->command_off,
		  lie->exact_flags ? lie->flags :
				     VFIO_USER_FLAGS_TYPE_REPLY | lie->flags,
		  lie->error, lie->payload, lie->len, lie->fds, lie->nr_fds);
}

/* Answer one command.  Return false if the client has hung up. */
static bool answer(struct server *server)
{
	const struct lie *lie = server->lie;
	struct vuser_msg msg;

	if (server->fd < 0 || wire_recv(server->fd, &msg))
		return false;
	server->nr_commands++;
	if (lie && lie->command == msg.hdr.command &&
	    lie->index == index_of(&msg))
		send_lie(server, &msg);
	else
		good_reply(server, &msg);
	vuser_msg_clear(&msg);
	return true;
}

/* The text of the last error of run(). */
static char last_error[256];

/* Run a handshake to its end; the caller frees the description. */
static int run(struct server *server, const struct vuser_client_options *opt,
	       struct vuser_description **desc)
{
	struct vuser_handshake *hs;
	int ret, fds[2];

	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	server->fd = fds[0];
	require(!vuser_handshake_new(fds[1], opt, &hs));
	while ((ret = vuser_handshake_step(hs, desc)) == -EAGAIN) {
		if (!answer(server) && server->fd >= 0) {
			ret = -ECONNABORTED;
			break;
		}
	}
	if (ret) {
		snprintf(last_error, sizeof(last_error), "%s",
			 vuser_handshake_error(hs));
		printf("# %s\n", last_error);
		check(*last_error);
	}
	vuser_handshake_free(hs);
	if (server->fd >= 0)
		close(server->fd);
	return ret;
}

/* Return the result of a handshake with a server that sends @lie. */
static int result_of(const struct lie *lie)
{
	struct vuser_description *desc = NULL;
	int ret, before = wire_count_fds();
	struct server server;

	init(&server);
	server.lie = lie;
	ret = run(&server, NULL, &desc);
	if (!ret)
		vuser_description_free(desc);
	fini(&server);
	check(wire_await_fds(before));
	return ret;
}

TEST(handshake_with_a_good_server_returns_its_description)
{
	struct vuser_description *desc;
	int before = wire_count_fds();
	struct server server;

	init(&server);
	require(!run(&server, NULL, &desc));
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
	fini(&server);
	check(wire_await_fds(before));
}

TEST(server_with_minor_0_is_not_asked_for_io_fds)
{
	struct vuser_description *desc;
	struct server server;

	init(&server);
	server.minor = 0;
	server.json = "{\"capabilities\":{}}";
	require(!run(&server, NULL, &desc));
	check_eq(desc->minor, 0);
	check_eq(server.io_fds_asked, 0);
	vuser_description_free(desc);
	fini(&server);
}

TEST(handshake_reads_nothing_after_its_last_reply)
{
	struct vuser_description *desc;
	struct vuser_handshake *hs;
	struct server server;
	int fds[2], ret;
	char c;

	/* Later bytes belong to the next user of the socket. */
	init(&server);
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	server.fd = fds[0];
	require(!vuser_handshake_new(fds[1], NULL, &hs));
	check_eq(vuser_handshake_fd(hs), fds[1]);
	/* 1 version, 1 info, 9 regions, 2 io fds, 5 interrupts. */
	while ((ret = vuser_handshake_step(hs, &desc)) == -EAGAIN) {
		require(answer(&server));
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
	fini(&server);
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

		check_eq(result_of(&lie), -EPROTO);
		lie.id_off = 0;
		lie.command_off = 1;
		check_eq(result_of(&lie), -EPROTO);
		lie.command_off = 0;
		lie.exact_flags = true;
		lie.flags = VFIO_USER_FLAGS_TYPE_COMMAND;
		check_eq(result_of(&lie), -EPROTO);
		lie.flags = 2;
		check_eq(result_of(&lie), -EINVAL);
	}
}

TEST(error_reply_fails_the_handshake_unless_it_is_about_an_index)
{
	struct lie lie = { .flags = VFIO_USER_FLAGS_ERROR, .error = EPERM };

	lie.command = VFIO_USER_VERSION;
	check_eq(result_of(&lie), -EPERM);
	lie.error = 0;
	check_eq(result_of(&lie), -EIO);
	lie.error = UINT32_MAX;
	check_eq(result_of(&lie), -EIO);
	lie.error = 1u << 31;
	check_eq(result_of(&lie), -EIO);
	/* EAGAIN would mean "call step again". */
	lie.error = EAGAIN;
	check_eq(result_of(&lie), -EIO);
	lie.error = ENODEV;
	lie.command = VFIO_USER_DEVICE_GET_INFO;
	check_eq(result_of(&lie), -ENODEV);
	/* The handshake continues without this region or interrupt type. */
	lie.command = VFIO_USER_DEVICE_GET_REGION_INFO;
	check_eq(result_of(&lie), 0);
	lie.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS;
	check_eq(result_of(&lie), 0);
	lie.command = VFIO_USER_DEVICE_GET_IRQ_INFO;
	check_eq(result_of(&lie), 0);
}

/* Old versions of the Rust crate vfio_user send such replies. */
TEST(error_reply_may_be_typed_as_a_command)
{
	struct lie lie = {
		.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS,
		.exact_flags = true,
		.flags = VFIO_USER_FLAGS_TYPE_COMMAND | VFIO_USER_FLAGS_ERROR,
	};

	check_eq(result_of(&lie), 0);
	lie.command = VFIO_USER_DEVICE_GET_INFO;
	lie.error = ENODEV;
	check_eq(result_of(&lie), -ENODEV);
	/* It has no payload, and the id of the command. */
	lie.payload = "1234";
	lie.len = 4;
	check_eq(result_of(&lie), -EPROTO);
	lie.len = 0;
	lie.id_off = 1;
	check_eq(result_of(&lie), -EPROTO);
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

			check_eq(result_of(&lie),
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

		check_eq(result_of(&lie), -ENODATA);
		lie.payload = &hdr;
		lie.len = 7;
		check_eq(result_of(&lie), -ECONNRESET);
		lie.len = sizeof(hdr);
		check_eq(result_of(&lie), -ECONNRESET);
	}
}

TEST(reply_that_is_too_long_fails_the_handshake)
{
	static char zeroes[70000];
	struct lie lie = { .command = VFIO_USER_DEVICE_GET_INFO,
			   .payload = zeroes,
			   .len = sizeof(zeroes) };

	check_eq(result_of(&lie), -EMSGSIZE);
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

	check_eq(result_of(&lie), 0);
	msg.head.minor = 2;
	check_eq(result_of(&lie), -EPROTO);
	msg.head.minor = 0;
	check_eq(result_of(&lie), 0);
	msg.head.major = 1;
	check_eq(result_of(&lie), -EPROTONOSUPPORT);
	msg.head.major = 0;
	strcpy(msg.json, "{]");
	check_eq(result_of(&lie), -EPROTO);
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
	struct server server;

	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks));
	sock = socks[0];
#define say(text)                                                           \
	(strcpy(msg.json, "{\"capabilities\":{\"twin_socket\":" text "}}"), \
	 lie.len = 4 + strlen(msg.json) + 1)
	/* No fds at all; no fd at this index; no index. */
	say("{\"supported\":true,\"fd_index\":0}");
	check_eq(result_of(&lie), -EPROTO);
	lie.fds[0] = event;
	lie.fds[1] = sock;
	lie.nr_fds = 2;
	say("{\"supported\":true,\"fd_index\":2}");
	check_eq(result_of(&lie), -EPROTO);
	say("{\"supported\":true}");
	check_eq(result_of(&lie), -EPROTO);
	/* The fd is not a socket. */
	say("{\"supported\":true,\"fd_index\":0}");
	check_eq(result_of(&lie), -EPROTO);
	/* The index may be other than 0. */
	say("{\"supported\":true,\"fd_index\":1}");
	check_eq(result_of(&lie), 0);
	init(&server);
	server.lie = &lie;
	require(!run(&server, NULL, &desc));
	check(desc->twin >= 0);
	vuser_description_free(desc);
	/* The client did not ask for a twin socket. */
	check_eq(run(&server, &opt, &desc), -EPROTO);
	fini(&server);
	say("{\"supported\":false,\"fd_index\":1}");
	check_eq(result_of(&lie), 0);
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

	check_eq(result_of(&lie), -EPROTO);
	info.num_regions = 0;
	info.num_irqs = VUSER_MAX_IRQ_INDEXES + 1;
	check_eq(result_of(&lie), -EPROTO);
	info.num_irqs = 0;
	check_eq(result_of(&lie), 0);
	info.num_regions = VUSER_MAX_REGIONS;
	info.num_irqs = VUSER_MAX_IRQ_INDEXES;
	check_eq(result_of(&lie), 0);
	lie.command = VFIO_USER_DEVICE_GET_IRQ_INFO;
	lie.payload = &irq;
	check_eq(result_of(&lie), -EPROTO);
	irq.count--;
	check_eq(result_of(&lie), 0);
	irq.index = 1;
	check_eq(result_of(&lie), -EPROTO);
}

/* Run the handshake and return region 2. */
static struct vuser_region region2(struct server *server,
				   struct vuser_description **desc)
{
	require(!run(server, NULL, desc));
	return (*desc)->regions[2];
}

TEST(region_that_cannot_be_mapped_is_trapped)
{
	struct vuser_description *desc;
	struct vuser_region region;
	struct server server;
	int before = wire_count_fds();

	/* A size below a page, and an unaligned offset: trapped. */
	init(&server);
	server.region2.size = 0xfff;
	region = region2(&server, &desc);
	check_eq(region.flags, 3);
	check_eq(region.fd, -1);
	vuser_description_free(desc);
	server.region2.size = 0x8000;
	server.region2.offset = 0x1001;
	region = region2(&server, &desc);
	check_eq(region.nr_areas, 0);
	check_eq(region.fd, -1);
	vuser_description_free(desc);
	/* The partial page at the end is trapped. */
	server.region2.offset = 0;
	server.region2.size = 0x1801;
	region = region2(&server, &desc);
	require(region.nr_areas == 1);
	check_eq(region.areas[0].size, 0x1000);
	vuser_description_free(desc);
	/* Beyond the largest file offset. */
	server.region2.offset = INT64_MAX & ~0xfffll;
	check_eq(run(&server, NULL, &desc), -EPROTO);
	server.region2.offset = UINT64_MAX & ~0xfffull;
	check_eq(run(&server, NULL, &desc), -EPROTO);
	fini(&server);
	check(wire_await_fds(before));
}

TEST(region_fd_without_mmap_flag_or_mmap_flag_without_fd_is_ignored)
{
	struct vfio_user_region_info info = { 32, 7, 2, 0, 0x1000, 0 };
	struct lie lie = { .command = VFIO_USER_DEVICE_GET_REGION_INFO,
			   .index = 2,
			   .payload = &info,
			   .len = 32 };
	struct vuser_description *desc;
	struct server server;
	int before;

	/* No fd despite the flag; an fd without the flag; several fds. */
	before = wire_count_fds();
	init(&server);
	server.lie = &lie;
	check_eq(region2(&server, &desc).flags, 3);
	vuser_description_free(desc);
	lie.fds[0] = server.memory;
	lie.fds[1] = server.event;
	lie.nr_fds = 2;
	info.flags = 3;
	check_eq(region2(&server, &desc).fd, -1);
	vuser_description_free(desc);
	info.flags = 7;
	check(region2(&server, &desc).fd >= 0);
	vuser_description_free(desc);
	fini(&server);
	check(wire_await_fds(before));
}

TEST(configuration_space_without_flags_can_be_read_and_written)
{
	struct vfio_user_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
		.size = 256,
	};
	struct lie lie = { .command = VFIO_USER_DEVICE_GET_REGION_INFO,
			   .index = VFIO_PCI_CONFIG_REGION_INDEX,
			   .payload = &info,
			   .len = sizeof(info) };
	struct vuser_description *desc;
	struct server server;

	init(&server);
	server.lie = &lie;
	require(!run(&server, NULL, &desc));
	check_eq(desc->regions[VFIO_PCI_CONFIG_REGION_INDEX].flags,
		 VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE);
	vuser_description_free(desc);
	/* Flags that the server reports are kept. */
	info.flags = VFIO_REGION_INFO_FLAG_READ;
	require(!run(&server, NULL, &desc));
	check_eq(desc->regions[VFIO_PCI_CONFIG_REGION_INDEX].flags,
		 VFIO_REGION_INFO_FLAG_READ);
	vuser_description_free(desc);
	/* A region that does not exist gets no flags. */
	info.flags = info.size = 0;
	require(!run(&server, NULL, &desc));
	check_eq(desc->regions[VFIO_PCI_CONFIG_REGION_INDEX].flags, 0);
	vuser_description_free(desc);
	fini(&server);
}

TEST(sparse_areas_are_sorted_and_unaligned_ones_dropped)
{
	static const struct vuser_region_caps caps = {
		.struct_size = sizeof(caps),
		.has_sparse = true,
		.nr_areas = 4,
		/* The second and the last area cannot be mapped. */
		.areas = { { 0x7000, 0x1000 },
			   { 0x4800, 0x1000 },
			   { 0x1000, 0x1000 },
			   { 0x3000, 0x800 } },
		.has_type = true,
		.type = 3,
	};
	static const struct vuser_region_caps none = {
		.struct_size = sizeof(none),
		.has_sparse = true,
	};
	struct vuser_description *desc;
	struct vuser_region region;
	struct server server;

	init(&server);
	server.caps = &caps;
	region = region2(&server, &desc);
	require(region.nr_areas == 2);
	check_eq(region.areas[0].offset, 0x1000);
	check_eq(region.areas[0].file_offset, 0x2000);
	check_eq(region.areas[1].offset, 0x7000);
	check_eq(region.type, 3);
	vuser_description_free(desc);
	server.caps = &none;
	region = region2(&server, &desc);
	check_eq(region.nr_areas, 0);
	check_eq(region.flags, 3);
	check_eq(region.fd, -1);
	vuser_description_free(desc);
	fini(&server);
}

TEST(capabilities_larger_than_the_limit_fail_the_handshake)
{
	struct vfio_user_region_info info = {
		.argsz = 8192,
		.index = 2,
		.size = 0x1000,
		.flags = 3 | VFIO_REGION_INFO_FLAG_CAPS,
	};
	struct lie lie = { .command = VFIO_USER_DEVICE_GET_REGION_INFO,
			   .index = 2,
			   .payload = &info,
			   .len = 32 };

	/* The client asks once more, and then fails. */
	check_eq(result_of(&lie), -EPROTO);
	info.argsz = UINT32_MAX;
	check_eq(result_of(&lie), -EPROTO);
	info.argsz = 1 << 20;
	check_eq(result_of(&lie), -EPROTO);
	info.argsz = 33;
	check_eq(result_of(&lie), -EPROTO);
}

TEST(io_fds_that_the_kernel_cannot_use_are_dropped)
{
	struct vfio_user_io_fd io[5] = {
		{ .offset = 0x10, .size = 4 },
		{ .offset = 0x20, .size = 3 },
		{ .offset = 0x30,
		  .size = 8,
		  .type = VFIO_USER_IO_FD_TYPE_IOREGIONFD },
		{ .offset = 0x40, .size = 0, .flags = 1, .data = 5 },
		{ .offset = 0x50, .size = 8, .flags = 8 },
	};
	struct vuser_description *desc;
	struct vuser_region region;
	struct server server;
	int before = wire_count_fds();

	/* The kernel supports only the first and the fourth entry. */
	init(&server);
	server.io_fds = io;
	server.nr_io_fds = 5;
	region = region2(&server, &desc);
	require(region.nr_io_fds == 2);
	check_eq(region.io_fds[0].offset, 0x10);
	check_eq(region.io_fds[1].offset, 0x40);
	check_eq(region.io_fds[1].datamatch, 5);
	check_eq(region.nr_fds, 1);
	check_eq(region.io_fds[0].fd, region.fds[0]);
	vuser_description_free(desc);
	io[4].fd_index = 1;
	check_eq(run(&server, NULL, &desc), -EPROTO);
	io[4].fd_index = 0;
	io[4].offset = 0x8000;
	check_eq(run(&server, NULL, &desc), -EPROTO);
	fini(&server);
	check(wire_await_fds(before));
}

/* The payload of libvfio-user's reply: one entry of 48 bytes. */
struct shadow_reply {
	struct vfio_user_region_io_fds head;
	struct vfio_user_io_fd_shadow io_fd;
};

TEST(shadow_ioeventfd_of_libvfio_user_is_left_out)
{
	/* As libvfio-user sends it, little endian. */
	static const uint8_t payload[64] = {
		64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, /* head */
		0,  0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, /* range */
		0,  0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, /* type 2 */
		0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	struct vuser_description *desc;
	int before = wire_count_fds();
	struct server server;
	struct lie lie = {
		.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS,
		.payload = payload,
		.len = sizeof(payload),
		.nr_fds = 2,
	};

	init(&server);
	lie.fds[0] = server.event;
	lie.fds[1] = server.memory;
	server.lie = &lie;
	require(!run(&server, NULL, &desc));
	check_eq(desc->regions[0].nr_io_fds, 0);
	/* The handshake goes on to the last command. */
	check_eq(desc->regions[2].size, 0x8000);
	check_eq(desc->irqs[4].count, 2);
	vuser_description_free(desc);
	fini(&server);
	check(wire_await_fds(before));
}

TEST(datamatch_of_libvfio_user_is_read_at_its_offset)
{
	struct shadow_reply reply = {
		.head = { .argsz = sizeof(reply), .count = 1 },
		.io_fd = {
			.offset = 8,
			.size = 4,
			.type = VFIO_USER_IO_FD_TYPE_IOEVENTFD,
			.flags = VFIO_USER_IOEVENTFD_DATAMATCH,
			.data = 7,
		},
	};
	struct vuser_description *desc;
	struct server server;
	struct lie lie = {
		.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS,
		.payload = &reply,
		.len = sizeof(reply),
		.nr_fds = 1,
	};

	init(&server);
	lie.fds[0] = server.event;
	server.lie = &lie;
	require(!run(&server, NULL, &desc));
	require(desc->regions[0].nr_io_fds == 1);
	check_eq(desc->regions[0].io_fds[0].offset, 8);
	check_eq(desc->regions[0].io_fds[0].size, 4);
	check_eq(desc->regions[0].io_fds[0].flags,
		 VFIO_USER_IOEVENTFD_DATAMATCH);
	check_eq(desc->regions[0].io_fds[0].datamatch, 7);
	vuser_description_free(desc);
	fini(&server);
}

TEST(error_about_the_size_of_io_fds_names_the_sizes)
{
	struct shadow_reply reply = {
		.head = { .argsz = sizeof(reply.head) + 44, .count = 1 },
	};
	struct vuser_description *desc;
	struct server server;
	struct lie lie = {
		.command = VFIO_USER_DEVICE_GET_REGION_IO_FDS,
		.payload = &reply,
		.len = sizeof(reply.head) + 44,
	};

	init(&server);
	server.lie = &lie;
	check_eq(run(&server, NULL, &desc), -EPROTO);
	check(strstr(last_error, "malformed reply to DEVICE_GET_REGION_IO_FDS 0"
				 " (60 bytes): argsz 60, count 1:"
				 " an entry has 40 or 48 bytes"));
	fini(&server);
}

TEST(more_fds_than_announced_fail_the_handshake)
{
	struct lie lie = { .command = VFIO_USER_DEVICE_GET_INFO, .nr_fds = 3 };
	struct vuser_client_options opt = {
		.struct_size = sizeof(opt),
		.max_msg_fds = 2,
	};
	struct vuser_description *desc;
	struct server server;
	int before = wire_count_fds();

	init(&server);
	server.lie = &lie;
	check_eq(run(&server, &opt, &desc), -EMFILE);
	fini(&server);
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
