/* SPDX-License-Identifier: GPL-2.0 */
/* The DMA of a device. */
#ifndef VUSER_DMA_H
#define VUSER_DMA_H

#include <linux/ktime.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct device;
struct page;
struct vm_area_struct;
struct vuser_channel;
struct vuser_domain;
struct vuser_iommufd_access;
struct vuser_server_map;
struct vuser_settings;

/**
 * struct vuser_dma_ops - what this layer asks of those above
 * @owns: is a device one of ours?
 * @mapped_page: the page that a consumer's mapping of a region has at an address,
 *	with a reference; or NULL.  Called with the mmap lock held
 */
struct vuser_dma_ops {
	bool (*owns)(struct device *dev);
	struct page *(*mapped_page)(struct vm_area_struct *vma,
				    unsigned long addr);
};

/**
 * struct vuser_dma - the DMA of a device
 * @settings: of the device
 * @chan: the device's channel; only open and close look at it
 * @lock: @domain and @server_map change with it held for writing; what the server
 *	asks of pinned memory is served with it held for reading, so never for long
 * @domain: the container, while the device is open
 * @server_map: what the server has mapped, while the device is open; open and
 *	close change it, and look at it without @lock
 * @access: to the memory of a consumer that came by iommufd, from bind to unbind,
 *	so all the while that it has the device open; else NULL
 */
struct vuser_dma {
	const struct vuser_settings *settings;
	struct vuser_channel *chan;
	struct rw_semaphore lock;
	struct vuser_domain *domain;
	struct vuser_server_map *server_map;
	struct vuser_iommufd_access *access;
};

int vuser_dma_init(const struct vuser_dma_ops *ops);
void vuser_dma_exit(void);

void vuser_dma_prepare(struct vuser_dma *dma,
		       const struct vuser_settings *settings);
int vuser_dma_open(struct vuser_dma *dma, struct vuser_channel *chan);
void vuser_dma_close(struct vuser_dma *dma, ktime_t deadline);
int vuser_dma_read(struct vuser_dma *dma, u64 iova, void *buf, size_t len);
int vuser_dma_write(struct vuser_dma *dma, u64 iova, const void *buf,
		    size_t len);
u32 vuser_dma_nr_regions(struct vuser_dma *dma);

#endif /* VUSER_DMA_H */
