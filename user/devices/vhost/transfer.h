/* SPDX-License-Identifier: GPL-2.0 */
/* The transfer of the back end's internal state, over a pipe. */
#ifndef VHOST_TRANSFER_H
#define VHOST_TRANSFER_H

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>
#include <vhost-user/backend.h>

/**
 * struct vhost_transfer - a transfer
 * @fd: our end of the pipe, -1 without a transfer
 * @wait: wait until @fd is ready, as poll(2) does; 0 or -errno
 * @ctx: for @wait
 */
struct vhost_transfer {
	int fd;
	int (*wait)(void *ctx, struct pollfd *fd);
	void *ctx;
};

int vhost_transfer_start(struct vhost_transfer *t, struct vhost_backend *b,
			 uint32_t direction, const char **why);
ssize_t vhost_transfer_read(struct vhost_transfer *t, void *buf, size_t len);
int vhost_transfer_write(struct vhost_transfer *t, const void *buf, size_t len);
int vhost_transfer_finish(struct vhost_transfer *t, struct vhost_backend *b);
void vhost_transfer_abort(struct vhost_transfer *t);

#endif
