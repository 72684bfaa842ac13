// SPDX-License-Identifier: BSD-3-Clause
/* Structures that programs and libraries of different versions exchange. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "abi.h"

static size_t struct_size(const void *structure)
{
	size_t size;

	memcpy(&size, structure, sizeof(size));
	return size;
}

static bool is_zero(const char *from, const char *end)
{
	while (from < end)
		if (*from++)
			return false;
	return true;
}

int vu_abi_read(void *to, size_t size, const void *from, size_t min)
{
	size_t given = from ? struct_size(from) : 0;

	if (from && given < min)
		return -EINVAL;
	if (given > size &&
	    !is_zero((const char *)from + size, (const char *)from + given))
		return -E2BIG;
	memset(to, 0, size);
	if (from)
		memcpy(to, from, given < size ? given : size);
	memcpy(to, &size, sizeof(size));
	return 0;
}

int vu_abi_write(void *to, const void *from, size_t size, size_t min)
{
	size_t given = struct_size(to);

	if (given < min)
		return -EINVAL;
	memset(to, 0, given);
	memcpy(to, from, given < size ? given : size);
	memcpy(to, &given, sizeof(given));
	return 0;
}
