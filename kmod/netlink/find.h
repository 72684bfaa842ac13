/* SPDX-License-Identifier: GPL-2.0 */
/* Finds the device that a netlink message names. */
#ifndef VUSER_NL_FIND_H
#define VUSER_NL_FIND_H

struct genl_info;
struct vuser_device;

struct vuser_device *vuser_nl_find_get(struct genl_info *info, int id_attr);
struct vuser_device *vuser_nl_find_dev_get(struct genl_info *info);

#endif /* VUSER_NL_FIND_H */
