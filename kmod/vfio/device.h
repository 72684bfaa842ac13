/* SPDX-License-Identifier: GPL-2.0 */
/* A device: one mdev, and what each layer has of it. */
#ifndef VUSER_DEVICE_H
#define VUSER_DEVICE_H

#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include <linux/vfio.h>

#include "dma/dma.h"
#include "region/regions.h"
#include "server/desc.h"
#include "vuser.h"

struct eventfd_ctx;
struct file;
struct mdev_device;
struct vuser_channel;

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
 * struct vuser_irqs - the interrupts of an open device
 * @lock: serialises SET_IRQS and protects @vectors and @enabled; held while
 *	waiting for the server (only SET_IRQS itself and close take it, SET_IRQS
 *	killably)
 * @vectors: by index, as many as the description says; NULL while disabled
 * @enabled: indexes that are enabled in the server
 * @signal_lock: protects the two below
 * @err_trigger: fired when the server is lost
 * @req_trigger: fired when removal is asked for
 */
struct vuser_irqs {
	struct mutex lock;	/* SET_IRQS */
	struct vuser_vector *vectors[VUSER_MAX_IRQ_INDEXES];
	u32 enabled;
	spinlock_t signal_lock;	/* the two triggers */
	struct eventfd_ctx *err_trigger;
	struct eventfd_ctx *req_trigger;
};

/**
 * struct vuser_device - one mdev
 * @vdev: VFIO's half; its reference count is ours
 * @mdev: the mdev, valid from probe to remove
 * @uuid: the mdev's UUID
 * @group_id: of its VFIO group, the N of /dev/vfio/N; set by probe
 * @id: entry in the table of devices, never reused while the device lives
 * @lock: protects @state, @opened, @gone, @chan, @owner*, @endpoint, @error and
 *	@settings; never held while waiting for a server or the helper; inside of
 *	@irqs.lock and the lock of a server map, outside of @dma.lock and of a
 *	channel's locks
 * @state: see state.c for the states that may follow
 * @opened: a consumer has the device open, whatever became of the server
 * @gone: the mdev is being removed
 * @endpoint: path of the server's UNIX socket, or NULL
 * @error: why the last attach failed, for people; or NULL
 * @pci_address: alias by which programs open the device; under a lock of its
 *	own, in settings.c
 * @alias: number of the default @pci_address, from a table of those in use
 * @owner_portid: netlink port of the helper that serves the device, 0: none
 * @owner_token: what that helper got with its claim
 * @chan: the channel to the server; set by attach, dropped by detach; neither
 *	happens while the device is open, so that the consumer's paths read it
 *	without a lock
 * @settings: see there
 * @counters: see enum vuser_counter
 * @irqs: interrupts
 * @regions: regions, while open
 * @dma: DMA
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
	int alias;
	u32 owner_portid;
	u64 owner_token;
	struct vuser_channel *chan;
	struct vuser_settings settings;
	struct vuser_counters counters;

	struct vuser_irqs irqs;
	struct vuser_regions regions;
	struct vuser_dma dma;
};

static inline struct vuser_device *to_vuser(struct vfio_device *vdev)
{
	return container_of(vdev, struct vuser_device, vdev);
}

static inline void vuser_device_get(struct vuser_device *dev)
{
	get_device(&dev->vdev.device);
}

static inline void vuser_device_put(struct vuser_device *dev)
{
	put_device(&dev->vdev.device);
}

#endif /* VUSER_DEVICE_H */
