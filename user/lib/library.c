// SPDX-License-Identifier: BSD-3-Clause
#include <vuser/version.h>

uint32_t vuser_library_version(void)
{
	return VUSER_LIBRARY_VERSION;
}
