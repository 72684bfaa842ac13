/* SPDX-License-Identifier: GPL-2.0 */
/* The back-end's own state, on its way from one or to one: a pipe. */
#ifndef VHOST_TRANSFER_H
#define VHOST_TRANSFER_H

#include <stddef.h>
#include <sys/types.h>
#include <vhost-user/backend.h>

#define VHOST_TRANSFER_MS 10000

/**
 * struct vhost_transfer - what is on its way
 * @fd: our end, -1 when nothing is
 * @timeout_ms: without a byte for so long, the back-end is given up
 */
struct vhost_transfer {
	int fd;
	int timeout_ms;
};

int vhost_transfer_start(struct vhost_transfer *t, struct vhost_backend *b,
			 uint32_t direction, const char **why);
ssize_t vhost_transfer_read(struct vhost_transfer *t, void *buf, size_t len);
int vhost_transfer_write(struct vhost_transfer *t, const void *buf, size_t len);
int vhost_transfer_finish(struct vhost_transfer *t, struct vhost_backend *b);
void vhost_transfer_abort(struct vhost_transfer *t);

#endif
