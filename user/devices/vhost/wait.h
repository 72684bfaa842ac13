/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wait for the back end. The client's accesses to registers that do not need the back
 * end are served meanwhile.
 */
#ifndef VHOST_WAIT_H
#define VHOST_WAIT_H

#include <poll.h>

#include "parts.h"

void vhost_wait_stop_fd(int fd);
void vhost_wait_begin(struct vhost_device *dev);
int vhost_wait_first(struct vhost_device *dev, struct pollfd *fd);
int vhost_wait(struct vhost_device *dev, struct pollfd *fds, unsigned int nr,
	       int timeout_ms);
int vhost_wait_moment(struct vhost_device *dev, struct pollfd *fds,
		      unsigned int nr, int ms);

#endif
