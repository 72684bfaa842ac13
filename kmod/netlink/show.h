/* SPDX-License-Identifier: GPL-2.0 */
/* Builds the messages that show a device. */
#ifndef VUSER_NL_SHOW_H
#define VUSER_NL_SHOW_H

#include <linux/types.h>

struct sk_buff;
struct vuser_device;

int vuser_nl_show_dev(struct sk_buff *skb, struct vuser_device *dev,
		      u32 portid, u32 seq, int flags, u8 cmd, bool details);
int vuser_nl_show_removed(struct sk_buff *skb, struct vuser_device *dev);

#endif /* VUSER_NL_SHOW_H */
