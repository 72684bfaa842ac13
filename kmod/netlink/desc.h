/* SPDX-License-Identifier: GPL-2.0 */
/* Parses the description of a server's device, which the helper sends. */
#ifndef VUSER_NL_DESC_H
#define VUSER_NL_DESC_H

struct genl_info;
struct vuser_desc;

struct vuser_desc *vuser_nl_desc_parse(struct genl_info *info);

#endif /* VUSER_NL_DESC_H */
