/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VFIO as a consumer uses it: containers, groups, devices.  Functions return 0
 * (or the value they document) or -errno.
 */
#ifndef SELFTESTS_VFIO_H
#define SELFTESTS_VFIO_H

#include <linux/vfio.h>
#include <stddef.h>
#include <stdint.h>

#define BAR(n) (VFIO_PCI_BAR0_REGION_INDEX + (n))

struct vfio_dev {
	int container;
	int group;
	int device;
};

#define VFIO_DEV_INIT { -1, -1, -1 }

int container_open(void);
/* Opens /dev/vfio/N of @uuid. */
int group_open(const char *uuid);
int group_attach(int group, int container);
int group_device(int group, const char *name);

/*
 * Opens a device as a consumer does: opens container and group, sets the IOMMU
 * type, opens the device.
 */
int vfio_dev_open(struct vfio_dev *dev, const char *uuid, int type);
/* Opens the device in an existing container, whose IOMMU type is set. */
int vfio_dev_join(struct vfio_dev *dev, const char *uuid, int container);
void vfio_dev_close(struct vfio_dev *dev);

int region_info(int device, uint32_t index, struct vfio_region_info *info);
/* vfio-pci and vuser place region N at N << REGION_SHIFT in the device file. */
#define REGION_SHIFT 40
/*
 * The offset of the region in the device file; also of a region that the device
 * does not have.
 */
uint64_t region_offset(int device, uint32_t index);
/* Returns MAP_FAILED and sets errno, as mmap() does. */
void *region_mmap(int device, uint32_t index, uint64_t off, size_t size,
		  int prot);
/* One access of @size bytes by pread or pwrite; 0 or -errno. */
int region_get(int device, uint32_t index, uint64_t off, void *buf,
	       size_t size);
int region_put(int device, uint32_t index, uint64_t off, const void *buf,
	       size_t size);

int irq_info(int device, uint32_t index, struct vfio_irq_info *info);
/* VFIO_DEVICE_SET_IRQS with @len bytes of @data after the header. */
int irq_set(int device, uint32_t flags, uint32_t index, uint32_t start,
	    uint32_t count, const void *data, size_t len);
int irq_set_eventfds(int device, uint32_t index, uint32_t start, uint32_t count,
		     const int *fds);
int irq_disable(int device, uint32_t index);

int dma_map(int container, void *vaddr, uint64_t iova, uint64_t size,
	    uint32_t flags);
#define DMA_RW (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)
/* @unmapped may be NULL. */
int dma_unmap(int container, uint64_t iova, uint64_t size, uint32_t flags,
	      uint64_t *unmapped);

/*
 * The capability @id of VFIO_IOMMU_GET_INFO, in a buffer that is valid until
 * the next call; NULL if there is none.
 */
const struct vfio_info_cap_header *iommu_cap(int container, uint16_t id);
/* The number of entries that VFIO_IOMMU_MAP_DMA would still take, or -errno. */
long dma_available(int container);

/* Opens @nr eventfds that do not block. */
void new_eventfds(int *fds, unsigned int nr);
/* Waits for the eventfd @fd; returns its count, 0 after @ms, or -errno. */
long eventfd_wait(int fd, int ms);

#endif /* SELFTESTS_VFIO_H */
