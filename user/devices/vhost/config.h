/* SPDX-License-Identifier: GPL-2.0 */
/* The device configuration. */
#ifndef VHOST_CONFIG_H
#define VHOST_CONFIG_H

#include "parts.h"

bool vhost_config_of_backend(const struct vhost_device *dev);
int vhost_config_init(struct vhost_device *dev);
int vhost_config_refresh(struct vhost_device *dev);
void vhost_config_changed(struct vhost_device *dev);
void vhost_config_read(struct vhost_device *dev, uint64_t offset, void *buf,
		       uint32_t count);
void vhost_config_write(struct vhost_device *dev, uint64_t offset,
			const void *buf, uint32_t count);

#endif
