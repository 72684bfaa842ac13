// SPDX-License-Identifier: BSD-3-Clause
#include <vhost-user/version.h>

uint32_t vhost_user_library_version(void)
{
	return VHOST_USER_LIBRARY_VERSION;
}
