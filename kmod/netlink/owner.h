/* SPDX-License-Identifier: GPL-2.0 */
/* The owner of a device: the helper that claimed it. */
#ifndef VUSER_NL_OWNER_H
#define VUSER_NL_OWNER_H

#include <linux/types.h>

struct genl_info;
struct vuser_device;

struct vuser_device *vuser_nl_owner_get(struct genl_info *info, int id_attr,
					int token_attr);
void vuser_nl_owner_put(struct vuser_device *dev);
int vuser_nl_owner_claim(struct vuser_device *dev, u32 portid, u64 *token);

int vuser_nl_owner_init(void);
void vuser_nl_owner_exit(void);

#endif /* VUSER_NL_OWNER_H */
