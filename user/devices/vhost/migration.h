/* SPDX-License-Identifier: GPL-2.0 */
/* Migration of the device. */
#ifndef VHOST_MIGRATION_H
#define VHOST_MIGRATION_H

#include "parts.h"

bool vhost_migration_possible(const struct vhost_device *dev);
int vhost_migration_step(void *data, enum vfio_device_mig_state from,
			 enum vfio_device_mig_state to);
int vhost_migration_size(void *data, uint64_t *size);
ssize_t vhost_migration_read(void *data, void *buf, size_t count);
int vhost_migration_write(void *data, const void *buf, size_t count);
void vhost_migration_reset(struct vhost_device *dev);

#endif
