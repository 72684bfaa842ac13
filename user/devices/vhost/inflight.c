// SPDX-License-Identifier: GPL-2.0
/*
 * Requests in flight. A back end that tracks them does so in shared memory that
 * it has created. This file keeps a reference to this memory and passes it to
 * the next back end, which then completes the requests of the previous one. The
 * driver does not notice.
 */
#include <errno.h>
#include <unistd.h>

#include "inflight.h"

/**
 * vhost_inflight_set_up - have the back end track requests, from the start or
 *	from where the previous back end stopped
 * @dev: device
 *
 * Return: 0, also if the back end cannot track requests; or the error of the
 * request to it.
 */
int vhost_inflight_set_up(struct vhost_device *dev)
{
	struct vhost_backend *b = dev->conn.backend;
	int ret;

	if (!vhost_backend_has(b, VHOST_USER_PROTOCOL(INFLIGHT_SHMFD)))
		return 0;
	if (dev->inflight_fd < 0) {
		dev->inflight = (struct vhost_user_inflight) {
			.num_queues = dev->virtio.nr_queues,
			.queue_size = dev->virtio.max_size,
		};
		ret = vhost_backend_get_inflight_fd(b, &dev->inflight,
						    &dev->inflight_fd);
		if (ret == -ENODATA)
			return 0;
		if (ret)
			return ret;
	}
	return vhost_backend_set_inflight_fd(b, &dev->inflight,
					     dev->inflight_fd);
}

/**
 * vhost_inflight_release - drop the memory: after a reset no request is in
 * flight
 */
void vhost_inflight_release(struct vhost_device *dev)
{
	if (dev->inflight_fd >= 0)
		close(dev->inflight_fd);
	dev->inflight_fd = -1;
}

/**
 * vhost_inflight_can_resume - whether a new back end can continue with the
 * rings
 */
bool vhost_inflight_can_resume(const struct vhost_device *dev)
{
	return dev->inflight_fd >= 0 && virtio_running(&dev->virtio) &&
	       !(dev->virtio.status & VIRTIO_CONFIG_S_NEEDS_RESET);
}
