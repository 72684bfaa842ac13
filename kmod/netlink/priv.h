/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the control plane share among themselves. */
#ifndef VUSER_NETLINK_PRIV_H
#define VUSER_NETLINK_PRIV_H

#include <net/genetlink.h>
#include <uapi/linux/vuser.h>

#include "netlink/gen.h"

struct vuser_desc;
struct vuser_device;

extern struct genl_family vuser_nl_family;

struct vuser_desc *vuser_nl_desc_parse(struct genl_info *info);

int vuser_nl_dev_fill(struct sk_buff *skb, struct vuser_device *dev,
		      u32 portid, u32 seq, int flags, u8 cmd, bool whole);
int vuser_nl_dev_fill_del(struct sk_buff *skb, struct vuser_device *dev);

struct vuser_device *vuser_nl_find_get(struct genl_info *info, int id_attr);
struct vuser_device *vuser_nl_owned_get(struct genl_info *info, int id_attr,
					int token_attr);
void vuser_nl_owned_put(struct vuser_device *dev);

int vuser_nl_ntf_init(void);
void vuser_nl_ntf_exit(void);

#endif /* VUSER_NETLINK_PRIV_H */
