// SPDX-License-Identifier: GPL-2.0
/*
 * The IOMMU mode of those VFIO selftests that take none.
 *
 * The kernel's selftests default to iommufd, which Debian's kernels do not
 * have.  Their sources stay as they are: this object is linked into each of
 * them and sets the default before main() runs, from VUSER_IOMMU_MODE.
 */
#include <stdlib.h>

extern const char *default_iommu_mode;

static void __attribute__((constructor)) set_default_iommu_mode(void)
{
	const char *mode = getenv("VUSER_IOMMU_MODE");

	if (mode)
		default_iommu_mode = mode;
}
