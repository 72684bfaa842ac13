/* SPDX-License-Identifier: GPL-2.0 */
/* A device with a state file and without memory of a client. */
#ifndef VHOST_HOLD_H
#define VHOST_HOLD_H

#include "parts.h"

void vhost_hold_begin(struct vhost_device *dev);
void vhost_hold_end(struct vhost_device *dev);

#endif
