/* SPDX-License-Identifier: GPL-2.0 */
/* A virtio device whose rings a vhost-user back end serves. */
#ifndef VHOST_DEVICE_H
#define VHOST_DEVICE_H

#include "options.h"

struct sd_event;
struct vhost_device;

int vhost_device_new(const struct vhost_device_options *options,
		     struct vhost_device **device);
int vhost_device_serve(struct vhost_device *dev, const char *path,
		       struct sd_event *event);
int vhost_device_serve_listener(struct vhost_device *dev, int fd,
				struct sd_event *event);
int vhost_device_serve_fd(struct vhost_device *dev, int fd,
			  struct sd_event *event);
void vhost_device_free(struct vhost_device *dev);

#endif
