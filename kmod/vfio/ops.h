/* SPDX-License-Identifier: GPL-2.0 */
/* The callbacks of VFIO. */
#ifndef VUSER_OPS_H
#define VUSER_OPS_H

struct vfio_device_ops;

extern const struct vfio_device_ops vuser_ops;

#endif /* VUSER_OPS_H */
