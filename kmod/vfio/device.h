/* SPDX-License-Identifier: GPL-2.0 */
/* A device's life, and what VFIO asks of it. */
#ifndef VUSER_DEVICE_H
#define VUSER_DEVICE_H

#include <linux/types.h>
#include <linux/uuid.h>

struct device;
struct mdev_device;
struct socket;
struct vuser_channel;
struct vuser_desc;
struct vuser_device;

/* The table of devices (mdev.c). */
struct vuser_device *vuser_device_find_get(u32 id);
struct vuser_device *vuser_device_find_uuid_get(const guid_t *uuid);
struct vuser_device *vuser_device_next_get(u32 *id);
void vuser_device_get(struct vuser_device *dev);
void vuser_device_put(struct vuser_device *dev);
bool vuser_is_vuser_device(struct device *dev);

/* States. */
int vuser_device_attach(struct vuser_device *dev, struct vuser_desc *desc,
			struct socket *sock, struct socket *twin);
int vuser_device_detach(struct vuser_device *dev, const char *error);
void vuser_device_lost(struct vuser_device *dev, struct vuser_channel *chan);
void vuser_device_gone(struct vuser_device *dev);

bool vuser_device_sparse(struct vuser_device *dev);
extern const struct vfio_device_ops vuser_device_ops;

#endif /* VUSER_DEVICE_H */
