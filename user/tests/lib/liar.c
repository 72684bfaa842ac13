// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../harness.h"
#include "../wire.h"
#include "liar.h"

void liar_init(struct liar *server)
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

void liar_fini(struct liar *server)
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

static ssize_t good_version(struct liar *server, void *buf)
{
	struct vfio_user_version *version = buf;

	version->major = 0;
	version->minor = server->minor;
	strcpy((char *)version->data, server->json);
	return sizeof(*version) + strlen(server->json) + 1;
}

static ssize_t good_region(struct liar *server, const struct vuser_msg *msg,
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

static void good_reply(struct liar *server, const struct vuser_msg *msg)
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

static void send_lie(struct liar *server, const struct vuser_msg *msg)
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
bool liar_answer(struct liar *server)
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

char liar_error[256];

/* Run a handshake to its end; the caller frees the description. */
int liar_run(struct liar *server, const struct vuser_client_options *opt,
	     struct vuser_description **desc)
{
	struct vuser_handshake *hs;
	int ret, fds[2];

	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	server->fd = fds[0];
	require(!vuser_handshake_new(fds[1], opt, &hs));
	while ((ret = vuser_handshake_step(hs, desc)) == -EAGAIN) {
		if (!liar_answer(server) && server->fd >= 0) {
			ret = -ECONNABORTED;
			break;
		}
	}
	if (ret) {
		snprintf(liar_error, sizeof(liar_error), "%s",
			 vuser_handshake_error(hs));
		printf("# %s\n", liar_error);
		check(*liar_error);
	}
	vuser_handshake_free(hs);
	if (server->fd >= 0)
		close(server->fd);
	return ret;
}

/* Return the result of a handshake with a server that sends @lie. */
int liar_result(const struct lie *lie)
{
	struct vuser_description *desc = NULL;
	int ret, before = wire_count_fds();
	struct liar server;

	liar_init(&server);
	server.lie = lie;
	ret = liar_run(&server, NULL, &desc);
	if (!ret)
		vuser_description_free(desc);
	liar_fini(&server);
	check(wire_await_fds(before));
	return ret;
}
