// SPDX-License-Identifier: BSD-3-Clause
#include <vuser/version.h>

_Static_assert(VUSER_LIBRARY_VERSION == VUSER_VERSION_NUMBER,
	       "the header has another version than vuser-version.h");

uint32_t vuser_library_version(void)
{
	return VUSER_LIBRARY_VERSION;
}
