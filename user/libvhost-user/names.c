// SPDX-License-Identifier: BSD-3-Clause
/* Lists of protocol features, for error texts. */
#include <stdio.h>

#include "names.h"

const char *vhu_names_list(uint64_t mask, char *buf, size_t size)
{
	unsigned int bit;
	size_t len = 0;

	buf[0] = '\0';
	for (bit = 0; bit < 64 && len < size; bit++)
		if (mask & 1ULL << bit)
			len += snprintf(buf + len, size - len, " %s",
					vhost_user_protocol_name(bit));
	return buf;
}
