// SPDX-License-Identifier: GPL-2.0
/* Finds the device that a netlink message names. */
#include <linux/err.h>
#include <net/genetlink.h>

#include "netlink/find.h"
#include "netlink/uuid.h"
#include "vfio/device.h"
#include "vfio/table.h"

/**
 * vuser_nl_find_get() - find the device that a message names by its number
 * @info: the netlink message; an error is explained in its extack
 * @id_attr: attribute with the number of the device
 *
 * Context: process; without the device's lock.
 * Return: the device with a reference; or an error pointer: -EINVAL when the
 * attribute is missing, -ENODEV when there is no such device.
 */
struct vuser_device *vuser_nl_find_get(struct genl_info *info, int id_attr)
{
	struct vuser_device *dev;

	if (GENL_REQ_ATTR_CHECK(info, id_attr))
		return ERR_PTR(-EINVAL);
	dev = vuser_table_find_get(nla_get_u32(info->attrs[id_attr]));
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[id_attr],
				    "no such device");
		return ERR_PTR(-ENODEV);
	}
	return dev;
}

/**
 * vuser_nl_find_dev_get() - find the device that a message names by number or UUID
 * @info: the netlink message; an error is explained in its extack
 *
 * Context: process; without the device's lock.
 * Return: the device with a reference; or an error pointer: -EINVAL when the
 * message has both attributes or neither, -ENODEV when there is no such device.
 */
struct vuser_device *vuser_nl_find_dev_get(struct genl_info *info)
{
	struct nlattr *id = info->attrs[VUSER_A_DEV_ID];
	struct nlattr *uuid = info->attrs[VUSER_A_DEV_UUID];
	struct vuser_device *dev;
	guid_t guid;

	if (!id == !uuid) {
		NL_SET_ERR_MSG(info->extack,
			       "exactly one of id and uuid must be given");
		return ERR_PTR(-EINVAL);
	}
	if (id) {
		dev = vuser_table_find_get(nla_get_u32(id));
	} else {
		vuser_nl_uuid_swap(guid.b, nla_data(uuid));
		dev = vuser_table_find_uuid_get(&guid);
	}
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(info->extack, id ?: uuid, "no such device");
		return ERR_PTR(-ENODEV);
	}
	return dev;
}
