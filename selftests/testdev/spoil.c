// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vuser/sock.h>

#include "spoil.h"

static const char *const names[] = {
	[SPOIL_ID] = "id",	 [SPOIL_COMMAND] = "command",
	[SPOIL_TYPE] = "type",	 [SPOIL_LONG] = "long",
	[SPOIL_SHORT] = "short", [SPOIL_HUGE] = "huge",
	[SPOIL_TINY] = "tiny",	 [SPOIL_COUNT] = "count",
	[SPOIL_TWICE] = "twice", [SPOIL_HALF] = "half",
	[SPOIL_CUT] = "cut",	 [SPOIL_FD] = "fd",
};

enum spoil_kind spoil_by_name(const char *name)
{
	unsigned int i;

	for (i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i], name))
			return i;
	}
	return SPOIL_NOT;
}

static int send_all(int fd, const void *buf, size_t len)
{
	ssize_t sent = send(fd, buf, len, MSG_NOSIGNAL);

	if (sent < 0)
		return -errno;
	return (size_t)sent == len ? 0 : -EAGAIN;
}

static int send_with_fd(int fd, struct vuser_msg *msg)
{
	struct iovec iov = { msg->payload, msg->len };
	int extra = STDERR_FILENO;

	return vuser_msg_send(fd, &msg->hdr, &iov, 1, &extra, 1, -1);
}

static void spoil_header(struct vfio_user_header *hdr, enum spoil_kind kind)
{
	switch (kind) {
	case SPOIL_ID:
		hdr->msg_id ^= 0x5555;
		break;
	case SPOIL_COMMAND:
		hdr->command++;
		break;
	case SPOIL_TYPE:
		hdr->flags |= VFIO_USER_FLAGS_TYPE_MASK;
		break;
	case SPOIL_LONG:
		hdr->msg_size += 4;
		break;
	case SPOIL_SHORT:
		hdr->msg_size--;
		break;
	case SPOIL_HUGE:
		hdr->msg_size = ~0U;
		break;
	case SPOIL_TINY:
		hdr->msg_size = sizeof(*hdr) - 1;
		break;
	default:
		break;
	}
}

int spoil_send(int fd, struct vuser_msg *msg, enum spoil_kind kind)
{
	size_t len = sizeof(msg->hdr) + msg->len;
	struct vfio_user_region_access *acc;
	struct vfio_user_header *hdr;
	char *buf;
	int ret;

	if (kind == SPOIL_FD)
		return send_with_fd(fd, msg);
	/* Room for the bytes that SPOIL_LONG adds. */
	buf = calloc(1, len + 4);
	if (!buf)
		return -ENOMEM;
	hdr = (struct vfio_user_header *)buf;
	acc = (struct vfio_user_region_access *)(hdr + 1);
	*hdr = msg->hdr;
	hdr->msg_size = len;
	if (msg->len)
		memcpy(hdr + 1, msg->payload, msg->len);
	spoil_header(hdr, kind);
	if (kind == SPOIL_LONG)
		len += 4;
	if (kind == SPOIL_SHORT)
		len--;
	if (kind == SPOIL_COUNT && msg->len >= sizeof(*acc))
		acc->count++;
	if (kind == SPOIL_HALF || kind == SPOIL_CUT)
		len /= 2;
	ret = send_all(fd, buf, len);
	if (!ret && kind == SPOIL_TWICE)
		ret = send_all(fd, buf, len);
	if (!ret && kind == SPOIL_CUT)
		ret = -ECONNRESET;
	free(buf);
	return ret;
}
