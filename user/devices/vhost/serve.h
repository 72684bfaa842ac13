/* SPDX-License-Identifier: GPL-2.0 */
/* The device as a vfio-user server. */
#ifndef VHOST_SERVE_H
#define VHOST_SERVE_H

#include "parts.h"

int vhost_serve_init(struct vhost_device *dev);

#endif
