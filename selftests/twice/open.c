// SPDX-License-Identifier: GPL-2.0
/* Operations: containers and groups, open and close. */
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "twice.h"

static void add(struct result *res, const char *name, int ret)
{
	result_add(res, name, ret < 0 ? -errno : 0);
}

/* Closes the device and opens it again in the same container. */
static void reopen(struct side *side, const uint64_t *args, struct result *res)
{
	close(side->dev.device);
	side->dev.device = group_device(side->dev.group, side->id);
	result_add(res, "open", side->dev.device < 0 ? side->dev.device : 0);
}

/* Everything again, with the other type of IOMMU. */
static void reopen_type(struct side *side, const uint64_t *args,
			struct result *res)
{
	side_close(side);
	side->type = args[0] % 2 ? VFIO_TYPE1_IOMMU : VFIO_TYPE1v2_IOMMU;
	result_add(res, "open", side_open(side));
}

/* Calls that an open device refuses or allows. */
static void while_open(struct side *side, const uint64_t *args,
		       struct result *res)
{
	struct vfio_dev *dev = &side->dev;
	int second;

	second = ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, side->id);
	add(res, "second device", second);
	if (second >= 0)
		close(second);
	add(res, "no device",
	    ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, "0000:ff:1f.7"));
	add(res, "no name", ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, NULL));
	add(res, "set container",
	    ioctl(dev->group, VFIO_GROUP_SET_CONTAINER, &dev->container));
	add(res, "unset container",
	    ioctl(dev->group, VFIO_GROUP_UNSET_CONTAINER));
	add(res, "set iommu",
	    ioctl(dev->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	add(res, "api", ioctl(dev->container, VFIO_GET_API_VERSION) - 1);
}

static void group_status(struct side *side, const uint64_t *args,
			 struct result *res)
{
	struct vfio_group_status status = { .argsz = args[0], .flags = 0x55 };

	if (!result_ret(res,
			ioctl(side->dev.group, VFIO_GROUP_GET_STATUS, &status)))
		result_add(res, "flags", status.flags);
}

/* A container whose group has not been added, and one without a type. */
static void without_iommu(struct side *side, const uint64_t *args,
			  struct result *res)
{
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map) };
	struct vfio_dev *dev = &side->dev;

	close(dev->device);
	dev->device = -1;
	add(res, "unset container",
	    ioctl(dev->group, VFIO_GROUP_UNSET_CONTAINER));
	add(res, "unset again", ioctl(dev->group, VFIO_GROUP_UNSET_CONTAINER));
	add(res, "no container",
	    ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, side->id));
	add(res, "type without group",
	    ioctl(dev->container, VFIO_SET_IOMMU, side->type));
	add(res, "container", group_attach(dev->group, dev->container));
	add(res, "no type",
	    ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, side->id));
	add(res, "map", ioctl(dev->container, VFIO_IOMMU_MAP_DMA, &map));
	add(res, "wrong type", ioctl(dev->container, VFIO_SET_IOMMU, 1000));
	add(res, "type", ioctl(dev->container, VFIO_SET_IOMMU, side->type));
	dev->device = group_device(dev->group, side->id);
	result_add(res, "open", dev->device < 0 ? dev->device : 0);
}

static const uint64_t once[] = { 0 };
static const uint64_t argsz[] = { 0, 4, 7, 8, 9 };
static const uint64_t types[] = { 1, 0 };

const struct op open_ops[] = {
	{ "while_open", while_open, { ARG("nothing", once) } },
	{ "group_status", group_status, { ARG("argsz", argsz) } },
	{ "without_iommu", without_iommu, { ARG("nothing", once) } },
	{ "while_open", while_open, { ARG("nothing", once) } },
	{ "reopen", reopen, { ARG("nothing", once) } },
	{ "reopen_type", reopen_type, { ARG("type", types) } },
	{}
};
