/* SPDX-License-Identifier: GPL-2.0 */
/* A device: one mdev, and the state that each layer keeps for it. */
#ifndef VUSER_DEVICE_H
#define VUSER_DEVICE_H

#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include <linux/vfio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "dma/dma.h"
#include "region/regions.h"
#include "server/conn.h"
#include "server/desc.h"
#include "vuser.h"

struct eventfd_ctx;
struct file;
struct mdev_device;
struct vuser_channel;

/**
 * struct vuser_vector - one interrupt of an index
 * @file: the consumer's eventfd; a reference, or NULL
 * @trigger: context of the same eventfd; a reference, or NULL.  Signalled when
 *	the consumer itself triggers the interrupt with SET_IRQS
 * @server_file: the file by which the server signals @file, see irq_file.c; NULL if the
 *	server has none
 * @next_file: as @server_file, for the server that is about to serve the device
 * @unmask: the eventfd by which the consumer unmasks the interrupt at the server; a
 *	reference, or NULL
 */
struct vuser_vector {
	struct file *file;
	struct eventfd_ctx *trigger;
	struct file *server_file;
	struct file *next_file;
	struct file *unmask;
};

/**
 * struct vuser_intx_event - an eventfd that the kernel listens on
 * @file: the eventfd; a reference, or NULL while the kernel does not listen
 * @ctx: context of the same eventfd; a reference
 * @wqh: the eventfd's wait queue
 * @wait: entry on the wait queue.  Its function runs in any context under the
 *	lock of the wait queue and only queues @work: the signal may come from a
 *	thread that holds the lock of struct vuser_intx
 * @work: reads the eventfd's count and acts on the signal
 * @wq: the workqueue of @work; constant.  The work of an unmask waits for the server
 *
 * Written by SET_IRQS and close under the lock of struct vuser_irqs, while
 * neither @wait nor @work can run.
 */
struct vuser_intx_event {
	struct file *file;
	struct eventfd_ctx *ctx;
	wait_queue_head_t *wqh;
	wait_queue_entry_t wait;
	struct work_struct work;
	struct workqueue_struct *wq;
};

/**
 * struct vuser_intx - INTx of a server that cannot mask it: the kernel masks
 * @lock: protects @trigger, @masked, @pending, @asking and @quiet.  Taken in
 *	process context only, by SET_IRQS, close, the works of @server and @unmask, and
 *	the works that let another server serve the device.  The consumer's eventfd is
 *	signalled under it.  Innermost, except for the lock of an eventfd's wait queue
 * @trigger: the consumer's eventfd, whose reference the vector of INTx holds; NULL
 *	while INTx is disabled, or has no eventfd
 * @masked: the consumer gets no interrupt until it unmasks.  Each delivery sets it
 * @pending: the server has signalled and the consumer has not got the interrupt
 * @server: the eventfd of the description, which the server signals
 * @unmask: the consumer's eventfd that unmasks
 * @asking: number of threads that ask the server whether the device raises INTx
 * @quiet: no thread may begin to ask, because INTx is about to be disabled
 */
struct vuser_intx {
	spinlock_t lock;	/* trigger, masked, pending, asking, quiet */
	struct eventfd_ctx *trigger;
	bool masked;
	bool pending;
	struct vuser_intx_event server;
	struct vuser_intx_event unmask;
	unsigned int asking;
	bool quiet;
};

/**
 * struct vuser_irqs - the interrupts of an open device
 * @lock: serialises SET_IRQS and protects @vectors and @enabled.  Held while
 *	waiting for the server.  Only SET_IRQS and a change of the state of migration
 *	(killably), close and the work items that resume the device and replace its server
 *	take it
 * @vectors: for each index, an array with one element for each interrupt of
 *	the index, or NULL while the index is disabled
 * @enabled: bitmap of the indexes that are enabled at the server
 * @intx: masks of INTx, if the server has none; see struct vuser_intx
 * @signal_lock: protects @err_trigger and @req_trigger
 * @err_trigger: signalled when the server is lost; a reference, or NULL
 * @req_trigger: signalled when the device is to be removed; a reference, or
 *	NULL
 *
 * The triggers are written with both locks held.
 */
struct vuser_irqs {
	struct mutex lock;	/* SET_IRQS */
	struct vuser_vector *vectors[VUSER_MAX_IRQ_INDEXES];
	u32 enabled;
	struct vuser_intx intx;
	spinlock_t signal_lock;	/* err_trigger, req_trigger */
	struct eventfd_ctx *err_trigger;
	struct eventfd_ctx *req_trigger;
};

/**
 * struct vuser_replace - the replacement of the server of an open device
 * @state: one of VUSER_REPLACING_*
 * @no_state: the new server does not get the state of the device
 * @endpoint: absolute path of the new server's UNIX socket while @state is pending;
 *	allocated
 * @error: text that says why the last replacement failed, or NULL; allocated
 * @pause_us: how long accesses waited in the last replacement, microseconds
 * @running: a new server was attached, and @work will end the replacement.  Nothing else may
 *	begin or end a replacement before that
 * @chan: the channel to the new server, from attach until it serves the device or is ended;
 *	otherwise NULL
 * @old: the channel to the server in use when @chan was attached; a reference, which the
 *	work item drops
 * @first_fdmsg: id of the first fdmsg of @chan; the other channel has only lower ones
 * @work: lets the new server serve the device; see replace.c.  Queued with the device's
 *	lock held while the device is resumable, and counted in its @resumes
 *
 * The device's lock protects all fields.  Only the work item clears @chan and @running.
 */
struct vuser_replace {
	u32 state;
	bool no_state;
	bool running;
	char *endpoint;
	char *error;
	u64 pause_us;
	struct vuser_channel *chan;
	struct vuser_channel *old;
	u64 first_fdmsg;
	struct work_struct work;
};

/**
 * struct vuser_mig - the migration of an open device by its consumer
 * @lock: one thread changes @state, uses @file, or resets the device.  Held while waiting for
 *	the server.  Taken killably, outside the lock of struct vuser_pci
 * @state: one of VFIO_DEVICE_STATE_*.  Written with @lock held by a thread that uses the
 *	connection; by the work item that resumes the device while no thread uses it; and by open
 *	and close
 * @loaded: the device has loaded a state and has not run since
 * @file: the file of this state, by which the consumer reads or writes the state of the
 *	device; a reference, or NULL
 * @usable: functions of files may run: there was a file since the device was opened
 * @users: number of functions of files that run now; close waits for 0
 */
struct vuser_mig {
	struct mutex lock;	/* state, file */
	u32 state;
	bool loaded;
	struct file *file;
	bool usable;
	atomic_t users;
};

/**
 * struct vuser_device - one mdev
 * @vdev: the VFIO device; its reference count is that of this struct
 * @mdev: the mdev, valid from probe to remove
 * @uuid: the mdev's UUID
 * @group_id: number of the VFIO group, the N of /dev/vfio/N; set by probe
 * @id: key in the table of devices; not reused while the device is in the table
 * @uuid_node: entry in the table of devices by UUID; protected by the table's lock
 * @lock: protects @state, @opened, @resumable, @resumed, @gone, @chan, @owner_portid,
 *	@owner_token, @endpoint, @error and @settings.  Never held while waiting for a server
 *	or the helper.  Taken inside @irqs.lock and the lock of a server map,
 *	outside @dma.lock and the locks of a channel
 * @state: one of VUSER_STATE_*; state.c has the table of transitions
 * @opened: a consumer has the device open; true also after the server is lost
 * @resumable: the device is open, and neither being opened nor closed: another server
 *	may be attached after the loss of its server
 * @resumed: the server that was attached to the open device is ready.  In state
 *	resuming, the device waits for the consumer to reset it
 * @gone: the mdev is being removed, so no server can be attached, and the device
 *	gets no new PCI address
 * @endpoint: absolute path of the server's UNIX socket, or NULL; allocated
 * @error: text for the administrator that says why the device has no server, or
 *	NULL; allocated
 * @pci_address: a second name by which programs open the device.  Written with
 *	@lock and the address lock of settings.c held; either is enough to read
 * @address_node: entry in the table of devices by @pci_address in settings.c;
 *	protected by the address lock
 * @alias: number of the default @pci_address, which mdev.c allocates; -1 until
 *	then
 * @owner_portid: netlink port of the helper that owns the device, 0 for none
 * @owner_token: token that the helper got when it claimed the device
 * @chan: the channel to the server, or NULL.  Attach sets it and detach drops
 *	it.  While the device is open, detach is refused, and attach is refused unless
 *	the server is lost.  The consumer's paths use @conn instead
 * @settings: see struct vuser_settings
 * @counters: see enum vuser_counter
 * @latency: histograms of the time that servers take to answer; allocated
 * @conn: the device as opened, and the connection that the consumer's paths use
 * @ending: channel of a lost server whose DMA the device waits for before another server
 *	serves it, or NULL.  Written with @lock held
 * @resumes: number of times that @resume_work and @replace.work are queued or run; close
 *	waits for 0.  They hold @irqs.lock while they change @conn
 * @resume_work: makes a new server serve the open device; see resume.c
 * @loss_work: lets accesses fail when no server came back in time; see resume.c.  Both
 *	works are queued with @lock held while @resumable is true
 * @replace: the replacement of the server
 * @mig: the migration by the consumer
 * @irqs: the interrupts
 * @regions: the regions; valid while the device is open
 * @dma: the state that dma/ keeps for the device
 */
struct vuser_device {
	struct vfio_device vdev;
	struct mdev_device *mdev;
	guid_t uuid;
	u32 group_id;
	u32 id;
	struct hlist_node uuid_node;

	struct mutex lock;	/* state, owner, settings */
	u32 state;
	bool opened;
	bool resumable;
	bool resumed;
	bool gone;
	char *endpoint;
	char *error;
	char pci_address[16];
	struct hlist_node address_node;
	int alias;
	u32 owner_portid;
	u64 owner_token;
	struct vuser_channel *chan;
	struct vuser_settings settings;
	struct vuser_counters counters;
	struct vuser_latency __percpu *latency;

	struct vuser_conn conn;
	struct vuser_channel *ending;
	atomic_t resumes;
	struct work_struct resume_work;
	struct delayed_work loss_work;
	struct vuser_replace replace;
	struct vuser_mig mig;
	struct vuser_irqs irqs;
	struct vuser_regions regions;
	struct vuser_dma dma;
};

/* Returns the device that contains a VFIO device of vuser. */
static inline struct vuser_device *to_vuser(struct vfio_device *vdev)
{
	return container_of(vdev, struct vuser_device, vdev);
}

/* Takes a reference.  Context: any; the caller keeps the device alive. */
static inline void vuser_device_get(struct vuser_device *dev)
{
	get_device(&dev->vdev.device);
}

/* Drops a reference; the last one frees the device.  Context: process. */
static inline void vuser_device_put(struct vuser_device *dev)
{
	put_device(&dev->vdev.device);
}

#endif /* VUSER_DEVICE_H */
