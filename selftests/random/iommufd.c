// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer that uses iommufd, if the kernel and its headers have it.
 */
#include <fcntl.h>
#include <unistd.h>

#include "../lib/iommufd.h"
#include "random.h"

#ifdef HAVE_IOMMUFD

bool iommufd_exists(void)
{
	return !access("/dev/iommu", R_OK | W_OK);
}

int iommufd_open(const char *uuid, struct vfio_dev *dev, uint32_t *ioas)
{
	int ret;

	*dev = (struct vfio_dev)VFIO_DEV_INIT;
	dev->container = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	dev->device = cdev_open(uuid);
	ret = dev->device < 0 ? dev->device : 0;
	if (!ret)
		ret = cdev_bind(dev->device, dev->container);
	if (!ret)
		ret = ioas_alloc(dev->container, ioas);
	if (!ret)
		ret = cdev_attach(dev->device, *ioas);
	if (ret)
		vfio_dev_close(dev);
	return ret;
}

void ioas_step(struct dice *dice, const struct vfio_dev *dev, uint32_t ioas)
{
	size_t size = (1 + pick(dice, 8)) * PAGE;
	uint64_t iova = pick(dice, 64) * PAGE;
	enum memory kind;
	char *mem;

	if (once_in(dice, 10))
		iova = odd_number(dice);
	switch (pick(dice, 16)) {
	case 0:
		cdev_detach(dev->device);
		break;
	case 1 ... 3:
		cdev_attach(dev->device, ioas);
		break;
	case 4 ... 9:
		ioas_unmap(dev->container, ioas, iova, size);
		break;
	default:
		mem = memory_any(dice, size, &kind);
		if (mem)
			ioas_map(dev->container, ioas, mem, iova, size,
				 pick(dice, 4) ? ACCESS_R | ACCESS_W :
						 ACCESS_R);
	}
	did(DID_IOMMUFD);
}

#else

bool iommufd_exists(void)
{
	return false;
}

int iommufd_open(const char *uuid, struct vfio_dev *dev, uint32_t *ioas)
{
	return -1;
}

void ioas_step(struct dice *dice, const struct vfio_dev *dev, uint32_t ioas)
{
}

#endif
