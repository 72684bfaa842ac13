/* SPDX-License-Identifier: GPL-2.0 */
/* What a server said of the device, and what was negotiated. */
#ifndef VUSER_DESC_H
#define VUSER_DESC_H

#include <linux/kref.h>
#include <linux/types.h>
#include <linux/vfio.h>

struct eventfd_ctx;
struct file;

/* What a server may claim at most; checked at attach. */
#define VUSER_MAX_REGIONS	32
#define VUSER_MAX_AREAS		64
#define VUSER_MAX_IOEVENTFDS	1024
#define VUSER_MAX_IRQ_INDEXES	16
#define VUSER_MAX_IRQS		4096

/**
 * struct vuser_area - part of a region that the server shares as memory
 * @offset: from the start of the region, bytes, page aligned
 * @size: bytes, page aligned, not 0
 * @file: shmem or hugetlbfs file behind it; a reference of ours
 * @file_offset: where in @file the area starts, bytes, page aligned
 */
struct vuser_area {
	u64 offset;
	u64 size;
	struct file *file;
	u64 file_offset;
};

/**
 * struct vuser_ioeventfd - a store that the kernel turns into an event
 * @offset: from the start of the region, bytes
 * @size: of the store in bytes: 1, 2, 4 or 8; 0 matches every size
 * @flags: VFIO_USER_IO_FD_* flags of the sub-region
 * @datamatch: value the store must have where @flags says so
 * @ctx: signalled by the store; a reference of ours
 */
struct vuser_ioeventfd {
	u64 offset;
	u32 size;
	u32 flags;
	u64 datamatch;
	struct eventfd_ctx *ctx;
};

/**
 * struct vuser_region - one region as the server described it
 * @size: bytes; 0 for a region that is not there
 * @flags: VFIO_REGION_INFO_FLAG_READ, _WRITE and _MMAP
 * @type: of VFIO_REGION_INFO_CAP_TYPE where @has_type
 * @subtype: likewise
 * @has_type: the server gave a type capability
 * @posted: stores need not wait for the server's reply
 * @nr_areas: entries of @areas, sorted by offset, none overlapping
 * @nr_ioeventfds: entries of @ioeventfds
 *
 * Does not change from attach to detach; read without a lock while open.
 */
struct vuser_region {
	u64 size;
	u32 flags;
	u32 type;
	u32 subtype;
	bool has_type;
	bool posted;
	u32 nr_areas;
	u32 nr_ioeventfds;
	struct vuser_area *areas;
	struct vuser_ioeventfd *ioeventfds;
};

/**
 * struct vuser_desc - a server's description and what was negotiated
 * @ref: held by the channel and by every open device file's mapping
 * @flags: VFIO_DEVICE_FLAGS_* of DEVICE_GET_INFO
 * @minor: negotiated minor version
 * @max_msg_fds: the peer takes so many file descriptors in one message
 * @max_data_xfer_size: the peer takes so many bytes of data in one message
 * @max_dma_maps: regions the server announced that it takes, 0: it did not say
 * @nr_regions: entries of @regions
 * @nr_irqs: entries of @irqs
 * @regions: by index
 * @irqs: flags and count by index; other fields unused
 * @config: configuration space as it was at attach, for dev-get; kmalloc'ed
 *	and freed with the description, NULL where the helper gave none
 * @config_size: bytes of @config, at most VUSER_CONFIG_MAX
 */
struct vuser_desc {
	struct kref ref;
	u32 flags;
	u32 minor;
	u32 max_msg_fds;
	u32 max_data_xfer_size;
	u32 max_dma_maps;
	u32 nr_regions;
	u32 nr_irqs;
	struct vuser_region regions[VUSER_MAX_REGIONS];
	struct vfio_irq_info irqs[VUSER_MAX_IRQ_INDEXES];
	u8 *config;
	u32 config_size;
};

struct vuser_desc *vuser_desc_alloc(void);
int vuser_desc_check(struct vuser_desc *desc);
void vuser_desc_put(struct vuser_desc *desc);

#endif /* VUSER_DESC_H */
