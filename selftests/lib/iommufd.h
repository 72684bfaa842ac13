/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iommufd as a consumer uses it, if the kernel headers declare it (those of
 * Debian 12 do not).  Functions return 0 (or the value they document) or
 * -errno.
 */
#ifndef SELFTESTS_IOMMUFD_H
#define SELFTESTS_IOMMUFD_H

#include <linux/vfio.h>
#include <stdint.h>

#if __has_include(<linux/iommufd.h>) && defined(VFIO_DEVICE_BIND_IOMMUFD)
#include <linux/iommufd.h>

#define HAVE_IOMMUFD

#define ACCESS_R IOMMU_IOAS_MAP_READABLE
#define ACCESS_W IOMMU_IOAS_MAP_WRITEABLE

int ioas_alloc(int iommufd, uint32_t *ioas);
/* @access: ACCESS_R, ACCESS_W or both. */
int ioas_map(int iommufd, uint32_t ioas, void *mem, uint64_t iova,
	     uint64_t size, uint32_t access);
int ioas_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t size);

/*
 * Opens the device's own node; finds it by the name that the kernel assigned.
 */
int cdev_open(const char *uuid);
int cdev_bind(int device, int iommufd);
int cdev_attach(int device, uint32_t ioas);
int cdev_detach(int device);

#endif

#endif /* SELFTESTS_IOMMUFD_H */
