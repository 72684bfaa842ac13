// SPDX-License-Identifier: BSD-3-Clause
/* Copy payloads of messages, with a check of their length. */
#include <errno.h>
#include <string.h>

#include "payload.h"

int vu_payload_exact(const void *buf, size_t len, void *out, size_t size)
{
	if (len != size)
		return -EMSGSIZE;
	memcpy(out, buf, size);
	return 0;
}

int vu_payload_at_least(const void *buf, size_t len, void *out, size_t size)
{
	if (len < size)
		return -EMSGSIZE;
	memcpy(out, buf, size);
	return 0;
}

ssize_t vu_payload_put(void *buf, size_t size, const void *in, size_t len)
{
	if (len > size)
		return -ENOBUFS;
	memcpy(buf, in, len);
	return len;
}
