// SPDX-License-Identifier: GPL-2.0
#include <vuser/version.h>

uint32_t vuser_library_version(void)
{
	return VUSER_LIBRARY_VERSION;
}
