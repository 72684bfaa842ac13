/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink family "vuser". */
#ifndef VUSER_NL_FAMILY_H
#define VUSER_NL_FAMILY_H

struct genl_family;
struct netlink_callback;

extern struct genl_family vuser_nl_family;

int vuser_nl_family_register(int (*start_dev_get)(struct netlink_callback *cb));

#endif /* VUSER_NL_FAMILY_H */
