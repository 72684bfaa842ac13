/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink family "vuser". */
#ifndef VUSER_NL_FAMILY_H
#define VUSER_NL_FAMILY_H

struct genl_family;

extern struct genl_family vuser_nl_family;

#endif /* VUSER_NL_FAMILY_H */
