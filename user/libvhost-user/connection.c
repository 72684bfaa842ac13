// SPDX-License-Identifier: BSD-3-Clause
/* The end of a connection. */
#include <unistd.h>

#include "connection.h"
#include "error.h"

static void reset(struct vhost_backend *b)
{
	b->fd = -1;
	b->req_fd = -1;
	vhu_wire_clear(&b->rx);
	vhu_wire_clear(&b->req_rx);
	b->connection++;
	b->channel++;
	b->waiting = false;
}

static void close_both(int fd, int req_fd)
{
	if (fd >= 0)
		close(fd);
	if (req_fd >= 0)
		close(req_fd);
}

void vhu_connection_close(struct vhost_backend *b)
{
	close_both(b->fd, b->req_fd);
	reset(b);
}

static void lose(struct vhost_backend *b, int why)
{
	int fd = b->fd, req_fd = b->req_fd;
	bool ready = b->ready;

	reset(b);
	b->ready = false;
	/*
	 * Call lost() before close(2): other files can get the numbers after
	 * close(2).
	 */
	if (ready && b->ops.lost)
		b->ops.lost(b->opt.data, why);
	close_both(fd, req_fd);
}

void vhost_backend_disconnect(struct vhost_backend *b)
{
	if (b->fd >= 0)
		lose(b, 0);
}

int vhu_connection_fail(struct vhost_backend *b, int err, const char *format,
			...)
{
	va_list ap;

	va_start(ap, format);
	vhu_error_set(b, format, ap);
	va_end(ap);
	lose(b, err);
	return err;
}
