/* SPDX-License-Identifier: GPL-2.0 */
/* The regions of the device: BAR 0, BAR 1 and configuration space. */
#ifndef VHOST_REGIONS_H
#define VHOST_REGIONS_H

#include "parts.h"

bool vhost_regions_access_now(void *data, uint32_t index, uint64_t offset,
			      uint32_t count, bool write);
int vhost_regions_add(struct vhost_device *dev);
void vhost_regions_reset(struct vhost_device *dev);

#endif
