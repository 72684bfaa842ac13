/* SPDX-License-Identifier: GPL-2.0 */
/* Notifications to subscribers and to the owner of a device. */
#ifndef VUSER_NL_NTF_H
#define VUSER_NL_NTF_H

#include <linux/types.h>

struct vuser_device;

void vuser_nl_ntf_changed(struct vuser_device *dev);
void vuser_nl_ntf_removed(struct vuser_device *dev);
void vuser_nl_ntf_fdmsg(struct vuser_device *dev, u64 fdmsg_id);

void vuser_nl_ntf_init(void);
void vuser_nl_ntf_exit(void);

#endif /* VUSER_NL_NTF_H */
