// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sysfs.h"
#include "vfio.h"

int container_open(void)
{
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int group_open(const char *uuid)
{
	int nr = mdev_group(uuid);
	char path[64];
	int fd;

	if (nr < 0)
		return nr;
	snprintf(path, sizeof(path), "/dev/vfio/%d", nr);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int group_attach(int group, int container)
{
	return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ? -errno : 0;
}

int group_device(int group, const char *name)
{
	int fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);

	return fd < 0 ? -errno : fd;
}

static int dev_open(struct vfio_dev *dev, const char *uuid, int type)
{
	int ret;

	dev->group = group_open(uuid);
	if (dev->group < 0)
		return dev->group;
	ret = group_attach(dev->group, dev->container);
	if (ret)
		return ret;
	if (type && ioctl(dev->container, VFIO_SET_IOMMU, type))
		return -errno;
	dev->device = group_device(dev->group, uuid);
	return dev->device < 0 ? dev->device : 0;
}

int vfio_dev_open(struct vfio_dev *dev, const char *uuid, int type)
{
	int ret;

	*dev = (struct vfio_dev)VFIO_DEV_INIT;
	dev->container = container_open();
	if (dev->container < 0)
		return dev->container;
	ret = dev_open(dev, uuid, type);
	if (ret)
		vfio_dev_close(dev);
	return ret;
}

int vfio_dev_join(struct vfio_dev *dev, const char *uuid, int container)
{
	int ret;

	*dev = (struct vfio_dev)VFIO_DEV_INIT;
	dev->container = dup(container);
	if (dev->container < 0)
		return -errno;
	ret = dev_open(dev, uuid, 0);
	if (ret)
		vfio_dev_close(dev);
	return ret;
}

void vfio_dev_close(struct vfio_dev *dev)
{
	if (dev->device >= 0)
		close(dev->device);
	if (dev->group >= 0)
		close(dev->group);
	if (dev->container >= 0)
		close(dev->container);
	*dev = (struct vfio_dev)VFIO_DEV_INIT;
}

int region_info(int device, uint32_t index, struct vfio_region_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = index;
	return ioctl(device, VFIO_DEVICE_GET_REGION_INFO, info) ? -errno : 0;
}

uint64_t region_offset(int device, uint32_t index)
{
	struct vfio_region_info info;

	return region_info(device, index, &info) ?
		       (uint64_t)index << REGION_SHIFT :
		       info.offset;
}

void *region_mmap(int device, uint32_t index, uint64_t off, size_t size,
		  int prot)
{
	return mmap(NULL, size, prot, MAP_SHARED, device,
		    region_offset(device, index) + off);
}

int region_get(int device, uint32_t index, uint64_t off, void *buf, size_t size)
{
	ssize_t len =
		pread(device, buf, size, region_offset(device, index) + off);

	if (len < 0)
		return -errno;
	return len == (ssize_t)size ? 0 : -ENODATA;
}

int region_put(int device, uint32_t index, uint64_t off, const void *buf,
	       size_t size)
{
	ssize_t len =
		pwrite(device, buf, size, region_offset(device, index) + off);

	if (len < 0)
		return -errno;
	return len == (ssize_t)size ? 0 : -ENODATA;
}

int irq_info(int device, uint32_t index, struct vfio_irq_info *info)
{
	memset(info, 0, sizeof(*info));
	info->argsz = sizeof(*info);
	info->index = index;
	return ioctl(device, VFIO_DEVICE_GET_IRQ_INFO, info) ? -errno : 0;
}

int irq_set(int device, uint32_t flags, uint32_t index, uint32_t start,
	    uint32_t count, const void *data, size_t len)
{
	struct vfio_irq_set *set = calloc(1, sizeof(*set) + len);
	int ret;

	if (!set)
		return -ENOMEM;
	set->argsz = sizeof(*set) + len;
	set->flags = flags;
	set->index = index;
	set->start = start;
	set->count = count;
	if (len)
		memcpy(set->data, data, len);
	ret = ioctl(device, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
	free(set);
	return ret;
}

int irq_set_eventfds(int device, uint32_t index, uint32_t start, uint32_t count,
		     const int *fds)
{
	return irq_set(device,
		       VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		       index, start, count, fds, count * sizeof(*fds));
}

int irq_disable(int device, uint32_t index)
{
	return irq_set(device,
		       VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		       index, 0, 0, NULL, 0);
}

int dma_map(int container, void *vaddr, uint64_t iova, uint64_t size,
	    uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

int dma_unmap(int container, uint64_t iova, uint64_t size, uint32_t flags,
	      uint64_t *unmapped)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};

	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		return -errno;
	if (unmapped)
		*unmapped = unmap.size;
	return 0;
}

const struct vfio_info_cap_header *iommu_cap(int container, uint16_t id)
{
	static union {
		struct vfio_iommu_type1_info info;
		char room[4096];
	} buf;
	struct vfio_info_cap_header *cap;
	uint32_t off;

	memset(&buf, 0, sizeof(buf));
	buf.info.argsz = sizeof(buf);
	if (ioctl(container, VFIO_IOMMU_GET_INFO, &buf.info) ||
	    !(buf.info.flags & VFIO_IOMMU_INFO_CAPS))
		return NULL;
	for (off = buf.info.cap_offset; off; off = cap->next) {
		if (off + sizeof(*cap) > sizeof(buf))
			return NULL;
		cap = (void *)(buf.room + off);
		if (cap->id == id)
			return cap;
	}
	return NULL;
}

long dma_available(int container)
{
	const struct vfio_info_cap_header *cap =
		iommu_cap(container, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);

	if (!cap)
		return -ENOENT;
	return ((const struct vfio_iommu_type1_info_dma_avail *)cap)->avail;
}

void new_eventfds(int *fds, unsigned int nr)
{
	while (nr--)
		fds[nr] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

long eventfd_wait(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t count;
	int ret;

	do {
		ret = poll(&pfd, 1, ms);
	} while (ret < 0 && errno == EINTR);
	if (ret <= 0)
		return ret ? -errno : 0;
	return read(fd, &count, sizeof(count)) < 0 ? -errno : (long)count;
}
