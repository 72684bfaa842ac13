/* SPDX-License-Identifier: GPL-2.0 */
/* The description of a server's device, and the negotiated values. */
#ifndef VUSER_DESC_H
#define VUSER_DESC_H

#include <linux/kref.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/vfio.h>

struct eventfd_ctx;
struct file;

/* Limits of a description; checked at attach. */
#define VUSER_MAX_REGIONS	32
#define VUSER_MAX_AREAS		64
#define VUSER_MAX_IOEVENTFDS	1024
#define VUSER_MAX_IRQ_INDEXES	16
#define VUSER_MAX_IRQS		4096

/**
 * struct vuser_area - a shared area: part of a region, backed by a server's file
 * @offset: from the start of the region, bytes, page aligned
 * @size: bytes, page aligned, not 0
 * @file: the server's file, of shmem or hugetlbfs; the description holds a
 *	reference.  NULL if the server gave a file of another kind: accesses to the area
 *	are trapped
 * @file_offset: offset in @file where the area starts, bytes, page aligned
 */
struct vuser_area {
	u64 offset;
	u64 size;
	struct file *file;
	u64 file_offset;
};

/**
 * struct vuser_ioeventfd - an eventfd that a store to a register signals
 * @offset: offset of the register from the start of the region, bytes
 * @size: size of the store in bytes: 1, 2, 4 or 8; 0 matches every size
 * @flags: VFIO_USER_IOEVENTFD_* flags of the sub-region
 * @datamatch: value that the store must have if @flags has
 *	VFIO_USER_IOEVENTFD_DATAMATCH
 * @ctx: the eventfd; the description holds a reference
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
 * @size: bytes; 0 if the device does not have the region
 * @flags: VFIO_REGION_INFO_FLAG_READ, _WRITE and _MMAP
 * @type: type of the VFIO_REGION_INFO_CAP_TYPE capability, if @has_type
 * @subtype: subtype of this capability, if @has_type
 * @has_type: the server gave a VFIO_REGION_INFO_CAP_TYPE capability
 * @posted: stores are posted writes: they do not wait for the server's reply
 * @nr_areas: number of entries in @areas
 * @nr_ioeventfds: number of entries in @ioeventfds
 * @areas: the shared areas, sorted by offset; they do not overlap
 * @ioeventfds: the ioeventfds, in the order in which the helper gave them
 *
 * Does not change after attach, so it is read without a lock.
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
 * struct vuser_desc - the description of a server's device
 * @ref: held by the channel, and by the device while it is open
 * @flags: VFIO_DEVICE_FLAGS_* of DEVICE_GET_INFO
 * @minor: negotiated minor version; the major version is 0
 * @max_msg_fds: number of file descriptors that the server accepts in one
 *	message, at least 1
 * @max_data_xfer_size: bytes of data that the server accepts in one message
 * @max_dma_maps: number of dma regions that the server accepts, 0 if the server
 *	did not announce a limit
 * @nr_regions: number of entries in @regions
 * @nr_irqs: number of entries in @irqs
 * @regions: regions by index
 * @irqs: flags and count by interrupt index; the other fields are not used
 * @config: contents of configuration space at the time of attach, for dev-get;
 *	kmalloc'ed and freed with the description; NULL if the helper gave none
 * @config_size: size of @config in bytes, at most VUSER_CONFIG_MAX
 * @msix_region: index of the region that holds the MSI-X table; VUSER_MAX_REGIONS
 *	if the device has none.  Set by vuser_desc_check()
 * @intx_file: an eventfd for the server to signal, if the kernel masks INTx; the
 *	description holds a reference.  NULL if the server masks INTx
 * @server_pid: the process that called listen() on the server's socket; the
 *	description holds a reference.  NULL if it is not known
 * @server_uid: user of this process; INVALID_UID if it is not known
 * @server_gid: group of this process
 *
 * Does not change after attach, so it is read without a lock.
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
	u32 msix_region;
	struct file *intx_file;
	struct pid *server_pid;
	kuid_t server_uid;
	kgid_t server_gid;
};

struct vuser_desc *vuser_desc_alloc(void);
int vuser_desc_check(struct vuser_desc *desc);
u32 vuser_desc_find_cap(const struct vuser_desc *desc, u8 id, u32 size);
const char *vuser_desc_differs(const struct vuser_desc *opened,
			       const struct vuser_desc *desc);
void vuser_desc_get(struct vuser_desc *desc);
void vuser_desc_put(struct vuser_desc *desc);

#endif /* VUSER_DESC_H */
