/* SPDX-License-Identifier: GPL-2.0 */
/* Feature bits of the device. */
#ifndef VHOST_FEATURES_H
#define VHOST_FEATURES_H

#include "parts.h"

uint64_t vhost_features_offer(const struct vhost_device *dev);
uint64_t vhost_features_pass(const struct vhost_device *dev);
bool vhost_features_can_log(const struct vhost_device *dev);

#endif
