// SPDX-License-Identifier: GPL-2.0
/* The order of a UUID's bytes. */
#include <uapi/linux/vuser.h>

#include "netlink/uuid.h"

/**
 * vuser_nl_uuid_swap() - convert between a guid_t and a UUID on netlink
 * @to: VUSER_UUID_LEN bytes
 * @from: VUSER_UUID_LEN bytes
 *
 * A guid_t keeps its first three fields little-endian; on netlink a UUID is in
 * the order in which it is written.  The conversion is the same in both directions.
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
