/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vuser.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: Documentation/netlink/regen.sh */

#ifndef _LINUX_VUSER_GEN_H
#define _LINUX_VUSER_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/vuser.h>

/* Common nested types */
extern const struct nla_policy vuser_area_nl_policy[VUSER_A_AREA_FILE_OFFSET + 1];
extern const struct nla_policy vuser_ioeventfd_nl_policy[VUSER_A_IOEVENTFD_FD + 1];
extern const struct nla_policy vuser_irq_nl_policy[VUSER_A_IRQ_FD + 1];
extern const struct nla_policy vuser_region_nl_policy[VUSER_A_REGION_PAD + 1];

extern const struct nla_policy vuser_dev_get_nl_policy[VUSER_A_DEV_UUID + 1];

extern const struct nla_policy vuser_dev_set_nl_policy[VUSER_A_DEV_STATE_KEPT + 1];

extern const struct nla_policy vuser_dev_claim_nl_policy[VUSER_A_DEV_ID + 1];

extern const struct nla_policy vuser_dev_attach_nl_policy[VUSER_A_DEV_REPLACE + 1];

extern const struct nla_policy vuser_dev_detach_nl_policy[VUSER_A_DEV_REPLACE + 1];

extern const struct nla_policy vuser_fdmsg_get_nl_policy[VUSER_A_FDMSG_ID + 1];

extern const struct nla_policy vuser_fdmsg_send_nl_policy[VUSER_A_FDMSG_NULL_FD + 1];

extern const struct nla_policy vuser_fdmsg_done_nl_policy[VUSER_A_FDMSG_STATUS + 1];

extern const struct nla_policy vuser_dev_replace_nl_policy[VUSER_A_DEV_NO_STATE + 1];

/* Ops table for vuser */
extern const struct genl_ops vuser_nl_ops[9];

int vuser_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info);
int vuser_nl_dev_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vuser_nl_dev_set_doit(struct sk_buff *skb, struct genl_info *info);
int vuser_nl_dev_claim_doit(struct sk_buff *skb, struct genl_info *info);
int vuser_nl_dev_attach_doit(struct sk_buff *skb, struct genl_info *info);
int vuser_nl_dev_detach_doit(struct sk_buff *skb, struct genl_info *info);
int vuser_nl_fdmsg_get_doit(struct sk_buff *skb, struct genl_info *info);
int vuser_nl_fdmsg_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int vuser_nl_fdmsg_send_doit(struct sk_buff *skb, struct genl_info *info);
int vuser_nl_fdmsg_done_doit(struct sk_buff *skb, struct genl_info *info);
int vuser_nl_dev_replace_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	VUSER_NLGRP_DEVICES,
};

#endif /* _LINUX_VUSER_GEN_H */
