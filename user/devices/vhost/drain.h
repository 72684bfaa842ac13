/* SPDX-License-Identifier: GPL-2.0 */
/* The requests in flight of a ring that stops. */
#ifndef VHOST_DRAIN_H
#define VHOST_DRAIN_H

#include "parts.h"

int vhost_drain_ring(struct vhost_device *dev, uint16_t queue);

#endif
