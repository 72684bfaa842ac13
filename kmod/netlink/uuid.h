/* SPDX-License-Identifier: GPL-2.0 */
/* Converts UUIDs between the byte orders of a guid_t and of netlink. */
#ifndef VUSER_NL_UUID_H
#define VUSER_NL_UUID_H

#include <linux/types.h>

void vuser_nl_uuid_swap(u8 *to, const u8 *from);

#endif /* VUSER_NL_UUID_H */
