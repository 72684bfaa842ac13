/* SPDX-License-Identifier: GPL-2.0 */
/* The rights that a message of the control plane needs. */
#ifndef VUSER_NL_RIGHTS_H
#define VUSER_NL_RIGHTS_H

#include <linux/types.h>

struct netlink_ext_ack;
struct sk_buff;

bool vuser_nl_rights_full(const struct sk_buff *skb);
int vuser_nl_rights_check(const struct sk_buff *skb,
			  struct netlink_ext_ack *extack);

#endif /* VUSER_NL_RIGHTS_H */
