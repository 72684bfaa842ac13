/* SPDX-License-Identifier: GPL-2.0 */
/* The control plane: generic netlink family "vuser". */
#ifndef VUSER_NETLINK_H
#define VUSER_NETLINK_H

#include <linux/types.h>

struct vuser_device;

int vuser_netlink_init(void);
void vuser_netlink_exit(void);

void vuser_netlink_notify(struct vuser_device *dev);
void vuser_netlink_notify_del(struct vuser_device *dev);
int vuser_netlink_ring(struct vuser_device *dev, u64 request_id);

#endif /* VUSER_NETLINK_H */
