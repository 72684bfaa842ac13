// SPDX-License-Identifier: GPL-2.0
/*
 * The IOMMU mode of the VFIO selftests that have no option for it.
 *
 * The kernel's selftests default to iommufd, which Debian's kernels do not
 * have.  To keep their sources unmodified, this object is linked into each of
 * them and sets the default from VUSER_IOMMU_MODE before main() runs.
 */
#include <stdlib.h>

extern const char *default_iommu_mode;

static void __attribute__((constructor)) set_default_iommu_mode(void)
{
	const char *mode = getenv("VUSER_IOMMU_MODE");

	if (mode)
		default_iommu_mode = mode;
}
