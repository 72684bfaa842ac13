// SPDX-License-Identifier: BSD-3-Clause
/*
 * The handshake: a sequence of commands for the version, the device, each region, the
 * io fds of each region, and each interrupt type. Only one command is sent at a time, so
 * a step never has to wait for room in the socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vuser/client.h>
#include <vuser/sock.h>

#include "../libbase/abi.h"
#include "description.h"

/* argsz of the first DEVICE_GET_REGION_INFO for a region, bytes. */
#define REGION_ARGSZ 4096
/* The size of the longest reply to accept, bytes. */
#define REPLY_MAX (64 * 1024)
/*
 * File descriptors to accept with a reply that needs one. Some servers send more, for
 * example one for each area.
 */
#define FEW_FDS 8

/**
 * struct vuser_handshake - a handshake
 * @opt: the options, with all defaults set
 * @desc: the description so far; NULL when the handshake is complete
 * @command: the command that waits for its reply
 * @msg_id: the ID of this command
 * @minor: the minor version to propose
 * @index: the region or the interrupt type that @command is about
 * @argsz: argsz of the last DEVICE_GET_REGION_INFO
 * @io_fds: buffer for the entries of a reply to DEVICE_GET_REGION_IO_FDS
 * @nr_io_fds: file descriptors received with these replies so far
 * @msg: the reply that is being received
 * @error: text of the last error
 */
struct vuser_handshake {
	struct vuser_client_options opt;
	struct vuser_description *desc;
	uint16_t command;
	uint16_t msg_id;
	uint16_t minor;
	uint32_t index;
	uint32_t argsz;
	struct vfio_user_io_fd *io_fds;
	uint32_t nr_io_fds;
	struct vuser_msg msg;
	char error[200];
};

static int fail(struct vuser_handshake *hs, int ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(hs->error, sizeof(hs->error), fmt, ap);
	va_end(ap);
	return ret;
}

/* Report a reply that cannot be decoded. */
static int bad_reply(struct vuser_handshake *hs, int ret)
{
	return fail(hs, -EPROTO, "malformed reply to %s %u (%zu bytes): %s",
		    vuser_command_name(hs->command), hs->index, hs->msg.len,
		    ret == -EMSGSIZE ? "wrong size" : strerror(-ret));
}

static int ask(struct vuser_handshake *hs, uint16_t command, void *payload,
	       ssize_t len)
{
	struct vfio_user_header hdr = {
		.msg_id = ++hs->msg_id,
		.command = command,
	};
	struct iovec iov = { .iov_base = payload, .iov_len = len };
	int ret;

	hs->command = command;
	memset(&hs->msg.hdr, 0, sizeof(hs->msg.hdr));
	if (len < 0)
		return fail(hs, len, "cannot encode %s: %s",
			    vuser_command_name(command), strerror(-len));
	ret = vuser_msg_send(hs->desc->sock, &hdr, &iov, 1, NULL, 0, 0);
	/* The socket must have room for one command. */
	if (ret == -EAGAIN)
		ret = -ENOBUFS;
	if (ret)
		return fail(hs, ret, "cannot send %s: %s",
			    vuser_command_name(command), strerror(-ret));
	return -EAGAIN;
}

static int ask_version(struct vuser_handshake *hs)
{
	struct vuser_version version = { .struct_size = sizeof(version) };
	char buf[sizeof(struct vfio_user_version) + VFIO_USER_VERSION_DATA_MAX];

	vuser_version_default(&version);
	version.minor = hs->minor;
	version.caps.max_msg_fds = hs->opt.max_msg_fds;
	version.caps.max_data_xfer_size = hs->opt.max_data_xfer_size;
	version.caps.twin_supported = !hs->opt.no_twin;
	version.caps.write_multiple = true;
	return ask(hs, VFIO_USER_VERSION, buf,
		   vuser_encode_version(buf, sizeof(buf), &version));
}

static int ask_info(struct vuser_handshake *hs)
{
	char buf[sizeof(struct vfio_user_device_info)];

	return ask(hs, VFIO_USER_DEVICE_GET_INFO, buf,
		   vuser_encode_device_info(buf, sizeof(buf), 0, 0, 0));
}

static int ask_region(struct vuser_handshake *hs, uint32_t argsz)
{
	char buf[sizeof(struct vfio_user_region_info)];

	hs->argsz = argsz;
	return ask(hs, VFIO_USER_DEVICE_GET_REGION_INFO, buf,
		   vuser_encode_region_info(buf, sizeof(buf), hs->index,
					    argsz));
}

static int ask_io_fds(struct vuser_handshake *hs)
{
	char buf[sizeof(struct vfio_user_region_io_fds)];

	return ask(hs, VFIO_USER_DEVICE_GET_REGION_IO_FDS, buf,
		   vuser_encode_region_io_fds(buf, sizeof(buf), hs->index,
					      VUSER_MAX_IO_FDS_SIZE));
}

static int ask_irq(struct vuser_handshake *hs)
{
	char buf[sizeof(struct vfio_user_irq_info)];

	return ask(hs, VFIO_USER_DEVICE_GET_IRQ_INFO, buf,
		   vuser_encode_irq_info(buf, sizeof(buf), hs->index, 0, 0));
}

/* Ask for the interrupt type hs->index, after all regions. */
static int next_irq(struct vuser_handshake *hs)
{
	return hs->index < hs->desc->nr_irqs ? ask_irq(hs) : 0;
}

static int next_region(struct vuser_handshake *hs)
{
	if (hs->index < hs->desc->nr_regions)
		return ask_region(hs, REGION_ARGSZ);
	hs->index = 0;
	return next_irq(hs);
}

static int got_version(struct vuser_handshake *hs)
{
	struct vuser_description *desc = hs->desc;
	struct vuser_version version = { .struct_size = sizeof(version) };
	int ret;

	ret = vuser_decode_version(hs->msg.payload, hs->msg.len, &version);
	if (ret == -EPROTONOSUPPORT)
		return fail(hs, ret, "the server has version %u.%u",
			    version.major, version.minor);
	if (ret)
		return bad_reply(hs, ret);
	if (version.minor > hs->minor)
		return fail(hs, -EPROTO, "asked for 0.%u, got 0.%u", hs->minor,
			    version.minor);
	desc->minor = version.minor;
	desc->caps = version.caps;
	ret = vu_description_twin(desc, !hs->opt.no_twin, &hs->msg);
	if (ret)
		return fail(hs, ret, "twin_socket: fd_index %d is not a socket",
			    desc->caps.twin_fd_index);
	return ask_info(hs);
}

static int got_info(struct vuser_handshake *hs)
{
	struct vfio_user_device_info info;
	int ret = vuser_decode_device_info_reply(hs->msg.payload, hs->msg.len,
						 &info);

	if (ret)
		return bad_reply(hs, ret);
	hs->desc->flags = info.flags;
	hs->desc->nr_regions = info.num_regions;
	hs->desc->nr_irqs = info.num_irqs;
	hs->index = 0;
	return next_region(hs);
}

/*
 * Whether to send DEVICE_GET_REGION_IO_FDS. A server that does not know the command may
 * not read its payload, and then finds no further header.
 */
static bool wants_io_fds(const struct vuser_handshake *hs)
{
	const struct vuser_region *region = &hs->desc->regions[hs->index];

	if (hs->desc->minor < VFIO_USER_MINOR_EXTENDED || !region->size)
		return false;
	return hs->index <= VFIO_PCI_BAR5_REGION_INDEX ||
	       hs->index >= VFIO_PCI_NUM_REGIONS;
}

static int got_region(struct vuser_handshake *hs)
{
	struct vfio_user_region_info info;
	struct vuser_region_caps caps = { .struct_size = sizeof(caps) };
	int ret = vuser_decode_region_info_reply(hs->msg.payload, hs->msg.len,
						 hs->index, &info, &caps);

	/* Ask a second time, with the argsz that the server needs. */
	if (ret > 0 && hs->argsz == REGION_ARGSZ && ret > REGION_ARGSZ &&
	    ret < REPLY_MAX)
		return ask_region(hs, ret);
	if (ret)
		return bad_reply(hs, ret < 0 ? ret : -E2BIG);
	ret = vu_description_region(hs->desc, hs->index, &info, &caps,
				    &hs->msg);
	if (ret)
		return bad_reply(hs, ret);
	if (wants_io_fds(hs))
		return ask_io_fds(hs);
	hs->index++;
	return next_region(hs);
}

/* Report a reply whose length does not follow from its entries. */
static int bad_io_fds_size(struct vuser_handshake *hs)
{
	struct vfio_user_region_io_fds head;

	if (hs->msg.len < sizeof(head))
		return bad_reply(hs, -EMSGSIZE);
	memcpy(&head, hs->msg.payload, sizeof(head));
	return fail(
		hs, -EPROTO,
		"malformed reply to %s %u (%zu bytes): argsz %u, count %u: an entry has %zu or %zu bytes",
		vuser_command_name(hs->command), hs->index, hs->msg.len,
		head.argsz, head.count, sizeof(struct vfio_user_io_fd),
		sizeof(struct vfio_user_io_fd_shadow));
}

static int got_io_fds(struct vuser_handshake *hs)
{
	int ret;

	hs->nr_io_fds += hs->msg.nr_fds;
	ret = vuser_decode_region_io_fds_reply(
		hs->msg.payload, hs->msg.len, hs->index,
		hs->desc->regions[hs->index].size, hs->msg.nr_fds, hs->io_fds,
		VUSER_MAX_IOEVENTFDS);
	if (ret == -EMSGSIZE)
		return bad_io_fds_size(hs);
	if (ret < 0)
		return bad_reply(hs, ret);
	ret = vu_description_io_fds(hs->desc, hs->index, hs->io_fds, ret,
				    &hs->msg);
	if (ret)
		return bad_reply(hs, ret);
	hs->index++;
	return next_region(hs);
}

static int got_irq(struct vuser_handshake *hs)
{
	struct vuser_irq *irq = &hs->desc->irqs[hs->index];
	struct vfio_user_irq_info info;
	int ret = vuser_decode_irq_info_reply(hs->msg.payload, hs->msg.len,
					      hs->index, &info);

	if (ret)
		return bad_reply(hs, ret);
	irq->flags = info.flags;
	irq->count = info.count;
	hs->index++;
	return next_irq(hs);
}

/*
 * The errno that the server sent; EIO for errnos with which this library reports its own
 * errors.
 */
static int server_error(uint32_t error)
{
	switch (error) {
	case 0:
	case EAGAIN:
	case ETIMEDOUT:
	case ENODATA:
	case ECONNRESET:
	case EPIPE:
	case EPROTO:
	case EPROTONOSUPPORT:
	case EMSGSIZE:
	case EMFILE:
		return EIO;
	}
	return error > 4095 ? EIO : error;
}

/*
 * When the server refuses to describe a region or an interrupt type, the region or type
 * does not exist. vfio-pci replies in this way, too.
 */
static int got_error(struct vuser_handshake *hs)
{
	int error = server_error(hs->msg.hdr.error_no);

	switch (hs->command) {
	case VFIO_USER_DEVICE_GET_REGION_INFO:
	case VFIO_USER_DEVICE_GET_REGION_IO_FDS:
		hs->index++;
		return next_region(hs);
	case VFIO_USER_DEVICE_GET_IRQ_INFO:
		hs->index++;
		return next_irq(hs);
	}
	return fail(hs, -error, "the server refused %s: %s",
		    vuser_command_name(hs->command), strerror(error));
}

static int got_reply(struct vuser_handshake *hs)
{
	const struct vfio_user_header *hdr = &hs->msg.hdr;

	if (!vuser_header_is_reply(hdr) || hdr->msg_id != hs->msg_id ||
	    hdr->command != hs->command)
		return fail(hs, -EPROTO, "not a reply to %s id 0x%04x",
			    vuser_command_name(hs->command), hs->msg_id);
	if (hdr->flags & VFIO_USER_FLAGS_ERROR)
		return got_error(hs);
	switch (hs->command) {
	case VFIO_USER_VERSION:
		return got_version(hs);
	case VFIO_USER_DEVICE_GET_INFO:
		return got_info(hs);
	case VFIO_USER_DEVICE_GET_REGION_INFO:
		return got_region(hs);
	case VFIO_USER_DEVICE_GET_REGION_IO_FDS:
		return got_io_fds(hs);
	default:
		return got_irq(hs);
	}
}

int vuser_handshake_new(int sock, const struct vuser_client_options *opt,
			struct vuser_handshake **result)
{
	struct vuser_handshake *hs = calloc(1, sizeof(*hs));
	int ret = -ENOMEM;

	if (!hs)
		goto close;
	hs->desc = vu_description_new();
	if (!hs->desc)
		goto free;
	hs->io_fds = calloc(VUSER_MAX_IOEVENTFDS, sizeof(*hs->io_fds));
	if (!hs->io_fds)
		goto free;
	vuser_msg_init(&hs->msg);
	ret = vu_abi_read(&hs->opt, sizeof(hs->opt), opt, sizeof(hs->opt));
	if (ret)
		goto free;
	if (!hs->opt.max_msg_fds || hs->opt.max_msg_fds > VUSER_MAX_MSG_FDS)
		hs->opt.max_msg_fds = VUSER_MAX_MSG_FDS;
	if (!hs->opt.max_data_xfer_size)
		hs->opt.max_data_xfer_size =
			VFIO_USER_DEFAULT_MAX_DATA_XFER_SIZE;
	hs->minor = hs->opt.minor_0 ? 0 : VFIO_USER_MINOR;
	ret = fcntl(sock, F_GETFL);
	if (ret < 0 || fcntl(sock, F_SETFL, ret | O_NONBLOCK) < 0) {
		ret = -errno;
		goto free;
	}
	hs->desc->sock = sock;
	ret = ask_version(hs);
	if (ret != -EAGAIN) {
		vuser_handshake_free(hs);
		return ret;
	}
	*result = hs;
	return 0;
free:
	vuser_handshake_free(hs);
close:
	close(sock);
	return ret;
}

/*
 * Add the header of the message to the text of the error, if a part of it was received.
 */
static int name_message(struct vuser_handshake *hs, int ret)
{
	static const struct vfio_user_header none;
	size_t len = strlen(hs->error);

	if (!memcmp(&hs->msg.hdr, &none, sizeof(none)))
		return ret;
	len += snprintf(hs->error + len, sizeof(hs->error) - len, ": ");
	if (len < sizeof(hs->error))
		vuser_header_text(hs->error + len, sizeof(hs->error) - len,
				  &hs->msg.hdr);
	return ret;
}

/*
 * How many file descriptors the description can need from the next reply. A server
 * that sends more would only make this process keep them.
 */
static uint32_t max_fds(const struct vuser_handshake *hs)
{
	uint32_t max;

	switch (hs->command) {
	case VFIO_USER_VERSION:
	case VFIO_USER_DEVICE_GET_REGION_INFO:
		max = FEW_FDS;
		break;
	case VFIO_USER_DEVICE_GET_REGION_IO_FDS:
		max = VUSER_MAX_IOEVENTFDS - hs->nr_io_fds;
		break;
	default:
		max = 0;
	}
	return max < hs->opt.max_msg_fds ? max : hs->opt.max_msg_fds;
}

int vuser_handshake_step(struct vuser_handshake *hs,
			 struct vuser_description **desc)
{
	int ret;

	if (!hs->desc)
		return -EINVAL;
	ret = vuser_msg_recv(hs->desc->sock, &hs->msg, REPLY_MAX, max_fds(hs));
	if (ret == -EAGAIN)
		return ret;
	if (ret)
		return name_message(
			hs, fail(hs, ret, "no reply to %s: %s",
				 vuser_command_name(hs->command),
				 ret == -ENODATA ?
					 "the server closed the connection" :
					 strerror(-ret)));
	/*
	 * Handle one reply in a step, so that other fds of the event loop get their
	 * turn.
	 */
	ret = got_reply(hs);
	vuser_msg_clear(&hs->msg);
	if (ret)
		return ret == -EAGAIN ? ret : name_message(hs, ret);
	*desc = hs->desc;
	hs->desc = NULL;
	return 0;
}

int vuser_handshake_fd(const struct vuser_handshake *hs)
{
	return hs->desc ? hs->desc->sock : -1;
}

const char *vuser_handshake_error(const struct vuser_handshake *hs)
{
	return hs->error;
}

void vuser_handshake_free(struct vuser_handshake *hs)
{
	if (!hs)
		return;
	vuser_msg_clear(&hs->msg);
	vuser_description_free(hs->desc);
	free(hs->io_fds);
	free(hs);
}
