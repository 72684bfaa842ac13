/* SPDX-License-Identifier: GPL-2.0 */
/* The state of a device: collect it, and take it over. */
#ifndef VHOST_SNAPSHOT_H
#define VHOST_SNAPSHOT_H

#include <stdbool.h>

#include "parts.h"
#include "state.h"

bool vhost_snapshot_has_backend(const struct vhost_device *dev);
int vhost_snapshot_take(const struct vhost_device *dev, struct vhost_state *s);
void vhost_snapshot_apply(struct vhost_device *dev,
			  const struct vhost_state *s);

#endif
