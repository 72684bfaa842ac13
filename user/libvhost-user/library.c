// SPDX-License-Identifier: BSD-3-Clause
#include <vhost-user/version.h>

_Static_assert(VHOST_USER_LIBRARY_VERSION == VUSER_VERSION_NUMBER,
	       "the header has another version than vuser-version.h");

uint32_t vhost_user_library_version(void)
{
	return VHOST_USER_LIBRARY_VERSION;
}
