// SPDX-License-Identifier: GPL-2.0
/* Converts UUIDs between the byte orders of a guid_t and of netlink. */
#include <uapi/linux/vuser.h>

#include "netlink/uuid.h"

/**
 * vuser_nl_uuid_swap() - convert between a guid_t and a UUID on netlink
 * @to: result, VUSER_UUID_LEN bytes; must not overlap @from
 * @from: UUID to convert, VUSER_UUID_LEN bytes
 *
 * The first three fields of a guid_t are little-endian.  On netlink the bytes of a
 * UUID have the order of its text.  The conversion is the same in both directions.
 *
 * Context: any.
 */
void vuser_nl_uuid_swap(u8 *to, const u8 *from)
{
	static const u8 order[VUSER_UUID_LEN] = {
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
	};
	int i;

	for (i = 0; i < VUSER_UUID_LEN; i++)
		to[i] = from[order[i]];
}
