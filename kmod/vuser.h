/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of vuser.ko share: the device and what the server said of
 * it.  Each part's own functions are in the header of its name.
 */
#ifndef VUSER_H
#define VUSER_H

#include <linux/atomic.h>
#include <linux/eventfd.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mdev.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include <linux/vfio.h>
#include <uapi/linux/vuser.h>

#include "compat.h"

struct vuser_access;
struct vuser_channel;
struct vuser_domain;
struct vuser_shared;
struct vuser_told;

/* A region's offset in the device file, as vfio-pci has it. */
#define VUSER_OFFSET_SHIFT	40
#define VUSER_OFFSET_MASK	(((u64)1 << VUSER_OFFSET_SHIFT) - 1)
#define VUSER_OFFSET_TO_INDEX(off)	((off) >> VUSER_OFFSET_SHIFT)
#define VUSER_INDEX_TO_OFFSET(index)	((u64)(index) << VUSER_OFFSET_SHIFT)

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

/* Counters that `vuserctl stats` shows; names are those of the spec. */
enum vuser_counter {
	VUSER_COUNT_REGION_READ,
	VUSER_COUNT_REGION_WRITE,
	VUSER_COUNT_POSTED_WRITE,
	VUSER_COUNT_POSTED_ERROR,
	VUSER_COUNT_TRAP_LOAD,
	VUSER_COUNT_TRAP_STORE,
	VUSER_COUNT_TRAP_REFUSED,
	VUSER_COUNT_IOEVENTFD,
	VUSER_COUNT_DMA_READ,
	VUSER_COUNT_DMA_WRITE,
	VUSER_COUNT_DMA_MAP,
	VUSER_COUNT_DMA_UNMAP,
	VUSER_COUNT_SET_IRQS,
	VUSER_COUNT_RESET,
	VUSER_COUNT_UNSENT,
	VUSER_NR_COUNTERS
};

enum vuser_mmap_policy {
	VUSER_MMAP_AUTO = VUSER_MMAP_POLICY_AUTO,
	VUSER_MMAP_TRAP = VUSER_MMAP_POLICY_TRAP,
	VUSER_MMAP_SPARSE = VUSER_MMAP_POLICY_SPARSE,
};

/**
 * struct vuser_settings - what the administrator chose for a device
 * @request_timeout_ms: a server must answer a message within this time
 * @close_timeout_ms: one deadline for reset and all unmaps of a close
 * @max_dma_maps: regions to tell the server at most, 0: as it announced
 * @mmap: policy for mapping regions
 * @reset_never: the server must not be sent DEVICE_RESET
 * @dma_memory_only: never hand the consumer's own files to the server
 *
 * Words that are read without a lock; writers hold the device's lock.
 */
struct vuser_settings {
	u32 request_timeout_ms;
	u32 close_timeout_ms;
	u32 max_dma_maps;
	u32 mmap;
	bool reset_never;
	bool dma_memory_only;
};

/**
 * struct vuser_vector - one interrupt of an index
 * @file: the consumer's eventfd, passed to the server, or NULL
 * @trigger: the same, for a TRIGGER by the consumer itself
 */
struct vuser_vector {
	struct file *file;
	struct eventfd_ctx *trigger;
};

/**
 * struct vuser_device - one mdev
 * @vdev: VFIO's half; its reference count is ours
 * @mdev: the mdev, valid from probe to remove
 * @uuid: the mdev's UUID
 * @group_id: of its VFIO group, the N of /dev/vfio/N; set by probe
 * @id: entry in the table of devices, never reused while the device lives
 * @lock: protects @state, @opened, @gone, @chan, @owner*, @endpoint, @error,
 *	@settings and @told; never held while waiting for a server or the
 *	helper; inside of @irq_lock and a told lock, outside of a channel's
 *	locks
 * @state: see vuser_device_set_state() for who may go where
 * @opened: a consumer has the device open, whatever became of the server
 * @gone: the mdev is being removed
 * @endpoint: path of the server's UNIX socket, or NULL
 * @error: why the last attach failed, for people; or NULL
 * @pci_address: alias by which programs open the device; under a lock of its
 *	own, in settings.c
 * @owner_portid: netlink port of the helper that serves the device, 0: none
 * @owner_token: what that helper got with its claim
 * @chan: the socket; set by attach, dropped by detach; neither happens while
 *	the device is open, so that the consumer's paths read it without lock
 * @settings: see there
 * @counters: see enum vuser_counter
 * @sparse: the open consumer may map shared areas only
 * @alias: number of the default @pci_address, from a table of those in use
 * @irq_lock: serialises SET_IRQS and protects @vectors and @irq_enabled; held
 *	while waiting for the server (only SET_IRQS itself and close take it,
 *	killably)
 * @vectors: by index, as many as the description says; NULL while disabled
 * @irq_enabled: indexes that the server was told of
 * @signal_lock: protects the two below
 * @err_trigger: fired when the server is lost
 * @req_trigger: fired when removal is asked for
 * @shared: pages of shared areas that the consumer touched, while open
 * @domain_sem: @domain changes with it held for writing; what the server asks
 *	of pinned memory is served with it held for reading, so never for long
 * @domain: the container's map while open
 * @told: what this device's server was told of the map, while open; open and
 *	close change it, and look at it without @lock
 * @access: that to the consumer's memory, from its coming by iommufd to its
 *	going, so all the while that it has the device open; else NULL
 */
struct vuser_device {
	struct vfio_device vdev;
	struct mdev_device *mdev;
	guid_t uuid;
	u32 group_id;
	u32 id;

	struct mutex lock;	/* state, owner, settings */
	u32 state;
	bool opened;
	bool gone;
	char *endpoint;
	char *error;
	char pci_address[16];
	u32 owner_portid;
	u64 owner_token;
	struct vuser_channel *chan;
	struct vuser_settings settings;
	atomic64_t counters[VUSER_NR_COUNTERS];

	bool sparse;
	int alias;

	struct mutex irq_lock;	/* SET_IRQS */
	struct vuser_vector *vectors[VUSER_MAX_IRQ_INDEXES];
	u32 irq_enabled;
	spinlock_t signal_lock;	/* the two triggers */
	struct eventfd_ctx *err_trigger;
	struct eventfd_ctx *req_trigger;

	struct vuser_shared *shared;

	struct rw_semaphore domain_sem;
	struct vuser_domain *domain;
	struct vuser_told *told;
	struct vuser_access *access;
};

static inline struct vuser_device *to_vuser(struct vfio_device *vdev)
{
	return container_of(vdev, struct vuser_device, vdev);
}

static inline void vuser_count(struct vuser_device *dev, enum vuser_counter c)
{
	atomic64_inc(&dev->counters[c]);
}

#endif /* VUSER_H */
