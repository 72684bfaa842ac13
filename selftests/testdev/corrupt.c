// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vuser/sock.h>

#include "corrupt.h"

static const char *const names[] = {
	[CORRUPT_ID] = "id",
	[CORRUPT_COMMAND] = "command",
	[CORRUPT_TYPE] = "type",
	[CORRUPT_LONG] = "long",
	[CORRUPT_SHORT] = "short",
	[CORRUPT_HUGE] = "huge",
	[CORRUPT_TINY] = "tiny",
	[CORRUPT_COUNT] = "count",
	[CORRUPT_TWICE] = "twice",
	[CORRUPT_HALF] = "half",
	[CORRUPT_CUT] = "cut",
	[CORRUPT_FD] = "fd",
	[CORRUPT_LESS] = "less",
	[CORRUPT_ZEROS] = "zeros",
	[CORRUPT_ONES] = "ones",
	[CORRUPT_ODD_PAGE] = "odd-page",
	[CORRUPT_HUGE_PAGE] = "huge-page",
};

enum corrupt_kind corrupt_kind_by_name(const char *name)
{
	unsigned int i;

	for (i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i], name))
			return i;
	}
	return CORRUPT_NONE;
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

static void corrupt_header(struct vfio_user_header *hdr, enum corrupt_kind kind)
{
	switch (kind) {
	case CORRUPT_ID:
		hdr->msg_id ^= 0x5555;
		break;
	case CORRUPT_COMMAND:
		hdr->command++;
		break;
	case CORRUPT_TYPE:
		hdr->flags |= VFIO_USER_FLAGS_TYPE_MASK;
		break;
	case CORRUPT_LONG:
		hdr->msg_size += 4;
		break;
	case CORRUPT_SHORT:
		hdr->msg_size--;
		break;
	case CORRUPT_HUGE:
		hdr->msg_size = ~0U;
		break;
	case CORRUPT_TINY:
		hdr->msg_size = sizeof(*hdr) - 1;
		break;
	default:
		break;
	}
}

/* The payload of a DEVICE_FEATURE about the log of writes, @len bytes; its new length. */
static size_t corrupt_log(char *payload, size_t len, enum corrupt_kind kind)
{
	const size_t head = sizeof(struct vfio_user_device_feature);
	const size_t bitmap = head + sizeof(struct vfio_user_log_report);
	const uint64_t page = kind == CORRUPT_ODD_PAGE ? 3 : 2 << 20;

	if (kind == CORRUPT_LESS && len > bitmap)
		return len - 8;
	if ((kind == CORRUPT_ZEROS || kind == CORRUPT_ONES) && len > bitmap)
		memset(payload + bitmap, kind == CORRUPT_ONES ? 0xff : 0,
		       len - bitmap);
	/* The first member of struct vfio_user_log_control. */
	if ((kind == CORRUPT_ODD_PAGE || kind == CORRUPT_HUGE_PAGE) &&
	    len >= head + sizeof(page))
		memcpy(payload + head, &page, sizeof(page));
	return len;
}

int corrupt_send(int fd, struct vuser_msg *msg, enum corrupt_kind kind)
{
	size_t len = sizeof(msg->hdr) + msg->len;
	struct vfio_user_region_access *acc;
	struct vfio_user_header *hdr;
	char *buf;
	int ret;

	if (kind == CORRUPT_FD)
		return send_with_fd(fd, msg);
	/* Space for the bytes that CORRUPT_LONG adds. */
	buf = calloc(1, len + 4);
	if (!buf)
		return -ENOMEM;
	hdr = (struct vfio_user_header *)buf;
	acc = (struct vfio_user_region_access *)(hdr + 1);
	*hdr = msg->hdr;
	if (msg->len)
		memcpy(hdr + 1, msg->payload, msg->len);
	len = sizeof(*hdr) + corrupt_log((char *)(hdr + 1), msg->len, kind);
	hdr->msg_size = len;
	corrupt_header(hdr, kind);
	if (kind == CORRUPT_LONG)
		len += 4;
	if (kind == CORRUPT_SHORT)
		len--;
	if (kind == CORRUPT_COUNT && msg->len >= sizeof(*acc))
		acc->count++;
	if (kind == CORRUPT_HALF || kind == CORRUPT_CUT)
		len /= 2;
	ret = send_all(fd, buf, len);
	if (!ret && kind == CORRUPT_TWICE)
		ret = send_all(fd, buf, len);
	if (!ret && kind == CORRUPT_CUT)
		ret = -ECONNRESET;
	free(buf);
	return ret;
}
