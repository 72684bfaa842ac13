// SPDX-License-Identifier: BSD-3-Clause
/* The start of a connection, the negotiation, and the event loop. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../libbase/abi.h"
#include "../libbase/unix.h"
#include "channel.h"
#include "connection.h"
#include "error.h"
#include "names.h"

static int copy_options(struct vhost_backend *b,
			const struct vhost_backend_options *opt)
{
	int ret = vu_abi_read(&b->opt, sizeof(b->opt), opt, sizeof(b->opt));

	if (ret)
		return ret;
	if (!b->opt.timeout_ms)
		b->opt.timeout_ms = VHOST_BACKEND_TIMEOUT_MS;
	return vu_abi_read(&b->ops, sizeof(b->ops), b->opt.ops, sizeof(b->ops));
}

int vhost_backend_new(const struct vhost_backend_options *opt,
		      struct vhost_backend **result)
{
	struct vhost_backend *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return -ENOMEM;
	b->fd = -1;
	b->req_fd = -1;
	ret = copy_options(b, opt);
	if (ret) {
		free(b);
		return ret;
	}
	*result = b;
	return 0;
}

void vhost_backend_free(struct vhost_backend *b)
{
	if (!b)
		return;
	vhu_connection_close(b);
	free(b);
}

static int settle_features(struct vhost_backend *b)
{
	uint64_t wanted = b->opt.wanted | b->opt.required;
	uint64_t missing;
	char names[160];
	int ret;

	if (b->features & 1ULL << VHOST_USER_F_PROTOCOL_FEATURES) {
		ret = vhost_backend_get_protocol_features(b, &b->offered);
		if (ret)
			return ret;
	}
	wanted = vhost_user_settle_protocol(b->offered & wanted);
	missing = b->opt.required & ~wanted;
	if (missing)
		return vhu_error(b, -EOPNOTSUPP,
				 "the back end lacks protocol features:%s",
				 vhu_names_list(missing, names, sizeof(names)));
	if (!(b->features & 1ULL << VHOST_USER_F_PROTOCOL_FEATURES))
		return 0;
	return vhost_backend_set_protocol_features(b, wanted);
}

static int negotiate(struct vhost_backend *b)
{
	int ret = vhost_backend_get_features(b, &b->features);

	if (!ret)
		ret = settle_features(b);
	if (!ret && vhost_backend_has(b, VHOST_USER_PROTOCOL(MQ)))
		ret = vhost_backend_get_queue_num(b, &b->queues);
	if (!ret &&
	    vhost_backend_has(b, VHOST_USER_PROTOCOL(CONFIGURE_MEM_SLOTS)))
		ret = vhost_backend_get_max_mem_slots(b, &b->slots);
	if (!ret && vhost_backend_has(b, VHOST_USER_PROTOCOL(BACKEND_REQ)))
		ret = vhost_backend_set_backend_req_fd(b);
	if (!ret)
		ret = vhost_backend_set_owner(b);
	return ret;
}

static int make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return -errno;
	return 0;
}

int vhost_backend_connect_fd(struct vhost_backend *b, int fd)
{
	int ret;

	if (b->fd >= 0) {
		close(fd);
		return vhu_error(b, -EISCONN, "already connected");
	}
	ret = make_nonblocking(fd);
	if (ret) {
		close(fd);
		return vhu_error(b, ret, "not a socket: %s", strerror(-ret));
	}
	b->fd = fd;
	b->features = 0;
	b->acked = 0;
	b->offered = 0;
	b->protocol = 0;
	b->queues = 0;
	b->slots = VHOST_USER_MAX_REGIONS;
	b->error[0] = '\0';
	ret = negotiate(b);
	if (ret)
		vhu_connection_close(b);
	else
		b->ready = true;
	return ret;
}

int vhost_backend_connect(struct vhost_backend *b, const char *path)
{
	int fd;

	if (b->fd >= 0)
		return vhu_error(b, -EISCONN, "already connected");
	fd = vu_unix_connect(path);
	if (fd < 0)
		return vhu_error(b, fd, "cannot connect to %s: %s", path,
				 strerror(-fd));
	return vhost_backend_connect_fd(b, fd);
}

/*
 * While no request waits, only the end of the connection can arrive on the
 * socket.
 */
static int check_end(struct vhost_backend *b)
{
	ssize_t got;
	char byte;

	do {
		got = recv(b->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got < 0)
		return vhu_connection_fail(b, -errno, "connection: %s",
					   strerror(errno));
	if (!got)
		return vhu_connection_fail(
			b, -ECONNRESET, "the back end closed the connection");
	return vhu_connection_fail(
		b, -EPROTO, "the back end sent an answer without a request");
}

int vhost_backend_process(struct vhost_backend *b)
{
	int ret;

	if (b->fd < 0)
		return -ENOTCONN;
	/*
	 * Called from a callback: the function that called the callback
	 * continues.
	 */
	if (b->waiting || b->serving)
		return 0;
	ret = check_end(b);
	return ret ?: vhu_channel_serve(b);
}
