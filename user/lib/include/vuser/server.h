/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: the server's side of vfio-user, for those who write devices.
 *
 * A struct vuser_server is one device at one socket.  It has one client at a
 * time; who else connects waits in the queue of the socket until that one is
 * gone.  A process may have any number of servers.
 *
 * Threads.  One thread, that of the event loop, calls vuser_server_process()
 * in an event loop of its own; every callback is called in that thread and
 * with no lock of the library held, so a callback may call any function here
 * but vuser_server_process() and vuser_server_free().  Other threads of the
 * device may call the functions of "DMA" and "Interrupts" below at any time;
 * all else belongs to the event loop's thread.
 *
 * A callback that returns a negative errno has it sent in an error reply.
 */
#ifndef VUSER_SERVER_H
#define VUSER_SERVER_H

#include <linux/vfio.h>
#include <vuser/vfio_user.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <vuser/proto.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vuser_server;

/**
 * struct vuser_dma_region - memory of the client, as DMA_MAP gave it
 * @iova: first address, bytes
 * @size: bytes
 * @prot: PROT_READ and PROT_WRITE, what the device may do
 * @map: where it is in this process, NULL when it came without an fd (or its
 *       fd could not be mapped): then it takes messages to reach it
 * @fd: the file it came with, to be given to another process; -1 without one,
 *      and without keep_dma_fds of struct vuser_server_config.  Stays the
 *      library's, as long as the region is there.
 * @fd_offset: where in @fd it starts, bytes
 */
struct vuser_dma_region {
	uint64_t iova;
	uint64_t size;
	int prot;
	void *map;
	int fd;
	uint64_t fd_offset;
};

/**
 * struct vuser_server_ops - what a device does; every one may be NULL
 * @struct_size: sizeof(struct vuser_server_ops)
 * @connected: a client has come and its version was negotiated
 * @disconnected: it has gone: @error is 0 when it just closed, else -errno.
 *                Its DMA regions and eventfds are still there during the call
 *                and go after it, with a dma_unmap call for each region.  The
 *                device keeps its state, but for that of migration: it is
 *                RUNNING, and nothing is to be logged any more.
 * @reset: DEVICE_RESET.  Without it the device does not say it can reset.  It
 *         is RUNNING then, whatever its state of migration was.
 * @dma_map: a region was added.  An error refuses and removes it.
 * @dma_unmap: a region will go when this returned and all who hold it with
 *             vuser_dma_get() have put it.  A device that holds regions for
 *             long lets go of this one here.
 * @irq_state: SET_IRQS changed the given interrupts: eventfds came or went, or
 *             masks changed
 * @feature: DEVICE_FEATURE, but for those that the configuration has the
 *           library serve.  @flags as on the wire; @data holds @len bytes of
 *           the command and has room for @size.  Return the length of the
 *           reply's data (0 for SET and PROBE) or -errno.  Without it: ENOTTY.
 * @migrate: with "migration": go from one state to the next, by one of "Direct
 *           State Transitions".  An error leaves the device in @from, but for
 *           RESUMING: then its state is ERROR, and only a reset mends it.
 * @mig_read: MIG_DATA_READ: fill up to @count bytes, return how many; fewer
 *            than @count: that was the end.  With "migration" only in STOP_COPY.
 * @mig_write: MIG_DATA_WRITE: take @count bytes, return 0.  With "migration"
 *             only in RESUMING.
 * @log_start: with "dma_logging": from now on take note of what the device
 *             writes of the client's memory, all of it: the ranges that the
 *             client names are only checked.  Set @page_size to the bytes that
 *             one bit of the log stands for, a power of two.
 * @log_stop: no longer
 * @log_report: set the bits in @bitmap, which is zeroed, of all that was
 *              written from @iova on, and forget it.  A bit is for @page_size
 *              bytes, @len in all.  All are multiples of the log's page.
 * @log: a line for a person about a misbehaving client; @level as in syslog
 */
struct vuser_server_ops {
	size_t struct_size;
	void (*connected)(void *data);
	void (*disconnected)(void *data, int error);
	int (*reset)(void *data);
	int (*dma_map)(void *data, const struct vuser_dma_region *region);
	void (*dma_unmap)(void *data, const struct vuser_dma_region *region);
	void (*irq_state)(void *data, uint32_t index, uint32_t start,
			  uint32_t count);
	ssize_t (*feature)(void *data, uint32_t flags, void *buf, size_t len,
			   size_t size);
	int (*migrate)(void *data, enum vfio_device_mig_state from,
		       enum vfio_device_mig_state to);
	ssize_t (*mig_read)(void *data, void *buf, size_t count);
	int (*mig_write)(void *data, const void *buf, size_t count);
	int (*log_start)(void *data, uint64_t *page_size);
	void (*log_stop)(void *data);
	int (*log_report)(void *data, uint64_t iova, uint64_t len,
			  uint64_t page_size, uint64_t *bitmap);
	void (*log)(void *data, int level, const char *line);
};

/**
 * struct vuser_server_config - how the server negotiates; zeroes are defaults
 * @struct_size: sizeof(struct vuser_server_config)
 * @device_flags: VFIO_DEVICE_FLAGS_*; FLAGS_RESET is added where there is a
 *                reset callback
 * @minor: highest minor version to agree to; @use_minor must be set
 * @use_minor: @minor counts, else VFIO_USER_MINOR
 * @no_twin: never set up a twin socket
 * @no_write_multi: REGION_WRITE_MULTI is not offered
 * @no_dma_fds: map no file that comes with DMA_MAP: use messages only
 * @keep_dma_fds: keep the files that come with DMA_MAP open, as the fd of
 *                struct vuser_dma_region
 * @max_msg_fds: fds taken in one message, 0 for 16: QEMU's client refuses more
 * @max_data_xfer_size: bytes taken in one message, 0 for 1 MiB
 * @max_dma_maps: DMA regions taken at one time, 0 for 65535.  The next one is
 *                refused with ENOSPC.
 * @hide_max_dma_maps: do not tell the client about @max_dma_maps
 * @dma_timeout_ms: how long the client may take to answer DMA_READ and
 *                  DMA_WRITE, 0 for 30000, -1 for ever
 * @migration: the device migrates: STOP, STOP_COPY and RESUMING, without
 *             PRE_COPY.  Its callbacks migrate, mig_read and mig_write are set.
 * @dma_logging: the device can say what it wrote.  Its callbacks log_start,
 *               log_stop and log_report are set.
 */
struct vuser_server_config {
	size_t struct_size;
	uint32_t device_flags;
	uint16_t minor;
	bool use_minor;
	bool no_twin;
	bool no_write_multi;
	bool no_dma_fds;
	bool keep_dma_fds;
	uint32_t max_msg_fds;
	uint32_t max_data_xfer_size;
	uint32_t max_dma_maps;
	bool hide_max_dma_maps;
	int dma_timeout_ms;
	bool migration;
	bool dma_logging;
};

/**
 * vuser_server_new - a device without regions and interrupts
 * @ops: the callbacks; copied
 * @config: NULL for the defaults; copied
 * @data: for the callbacks
 * @server: result
 *
 * The first one sets the handler of vuser_guard_init().
 *
 * Return: 0; -EINVAL or -E2BIG for a bad struct_size; -ENOMEM; or an errno of
 * epoll_create(2).
 */
int vuser_server_new(const struct vuser_server_ops *ops,
		     const struct vuser_server_config *config, void *data,
		     struct vuser_server **server);

/** vuser_server_free - disconnect, remove the socket file; NULL is fine.  No
 * thread may use the server any more.
 */
void vuser_server_free(struct vuser_server *server);

/* The device.  Before the first client comes. */

/**
 * struct vuser_server_region - a region
 * @struct_size: sizeof(struct vuser_server_region)
 * @size: bytes
 * @flags: VFIO_REGION_INFO_FLAG_READ and _WRITE
 * @access_max: 0: callbacks get each access just as the client sent it; 1, 2,
 *              4, 8: cut into naturally aligned pieces of this size at most
 * @read: fill @buf
 * @write: @buf holds the data
 * @fd: memory the client may map, -1 for none; stays the caller's
 * @fd_offset: where in @fd the region starts, page aligned
 * @nr_areas: 0: the whole region can be mapped; else only @areas
 * @areas: page aligned; copied
 * @has_type: @type and @subtype are given to the client
 * @type: VFIO_REGION_TYPE_*
 * @subtype: VFIO_REGION_SUBTYPE_*
 *
 * An access that leaves the region, or that @flags do not allow, never reaches
 * the callbacks.  A client may always read and write shared areas by message
 * too, and the callbacks must serve it.
 */
struct vuser_server_region {
	size_t struct_size;
	uint64_t size;
	uint32_t flags;
	uint32_t access_max;
	int (*read)(void *data, uint32_t index, uint64_t offset, void *buf,
		    uint32_t count);
	int (*write)(void *data, uint32_t index, uint64_t offset,
		     const void *buf, uint32_t count);
	int fd;
	uint64_t fd_offset;
	uint32_t nr_areas;
	const struct vfio_user_sparse_area *areas;
	bool has_type;
	uint32_t type;
	uint32_t subtype;
};

/**
 * vuser_server_set_region - add a region
 * @server: the device
 * @index: less than VUSER_MAX_REGIONS; there are as many regions as the highest
 *         index says, for a PCI device VFIO_PCI_NUM_REGIONS at least
 * @region: copied
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int vuser_server_set_region(struct vuser_server *server, uint32_t index,
			    const struct vuser_server_region *region);

/**
 * vuser_server_add_ioeventfd - have writes signalled by an eventfd
 * @server: the device
 * @region: index of a region that is set
 * @offset: from the start of the region
 * @size: of the write: 1, 2, 4, 8, or 0 for any
 * @flags: VFIO_USER_IOEVENTFD_*
 * @datamatch: value with VFIO_USER_IOEVENTFD_DATAMATCH
 * @fd: eventfd, stays the caller's
 *
 * A client that does not use it writes the region: the callback must act then.
 *
 * Return: 0, -EINVAL, -ENOSPC, -ENOMEM.
 */
int vuser_server_add_ioeventfd(struct vuser_server *server, uint32_t region,
			       uint64_t offset, uint32_t size, uint32_t flags,
			       uint64_t datamatch, int fd);

/**
 * vuser_server_set_irqs - add an interrupt type
 * @server: the device
 * @index: less than VUSER_MAX_IRQ_INDEXES, e.g. VFIO_PCI_MSIX_IRQ_INDEX
 * @flags: VFIO_IRQ_INFO_*.  With VFIO_IRQ_INFO_AUTOMASKED an interrupt masks
 *         itself when it fires.
 * @count: interrupts, VUSER_MAX_IRQS at most
 *
 * With VFIO_IRQ_INFO_MASKABLE the client may mask and unmask.  Eventfds for
 * these two actions are refused with ENOTSUP, whereupon clients do without: the
 * specification has the server signal them, VFIO the client.
 */
int vuser_server_set_irqs(struct vuser_server *server, uint32_t index,
			  uint32_t flags, uint32_t count);

/* Serving. */

/**
 * vuser_server_listen - wait for clients at a path
 * @server: the device
 * @path: a socket nobody listens on any more is replaced
 *
 * Return: 0 or as vuser_sock_listen().
 */
int vuser_server_listen(struct vuser_server *server, const char *path);

/** vuser_server_listen_fd - the same on a listening socket, taken over */
int vuser_server_listen_fd(struct vuser_server *server, int fd);

/** vuser_server_serve - serve one client on a connected socket, taken over;
 * -EBUSY when there is one already
 */
int vuser_server_serve(struct vuser_server *server, int fd);

/** vuser_server_fd - poll it for POLLIN, then vuser_server_process() */
int vuser_server_fd(const struct vuser_server *server);

/**
 * vuser_server_process - do all there is to do now
 * @server: the device
 *
 * Takes in clients, serves commands, notices the end.  Does not wait for a
 * client to send; may wait for a thread that holds a region that is unmapped,
 * and for a client that does not take its replies (dma_timeout_ms, then it is
 * disconnected).
 *
 * Return: 0, also when a client had to be disconnected, or could not be taken
 * in yet for want of fds or memory; or an errno of the listening socket, after
 * which nobody will connect any more.
 */
int vuser_server_process(struct vuser_server *server);

/** vuser_server_connected - there is a client and its version was negotiated */
bool vuser_server_connected(const struct vuser_server *server);

/** vuser_server_disconnect - send the client away */
void vuser_server_disconnect(struct vuser_server *server);

/* DMA.  Any thread. */

/**
 * vuser_dma_read - read the client's memory
 * @server: the device
 * @iova: may span regions that touch
 * @buf: for @len bytes
 * @len: bytes, any number
 *
 * Copies from mapped memory, or sends DMA_READ and waits.
 *
 * Return: 0; -EFAULT where no region is; -EACCES where it is write-only; -EIO
 * where the client cut the file short that it mapped; -ENOTCONN without a
 * client, or it went meanwhile; -ETIMEDOUT; or what the client answered.
 */
int vuser_dma_read(struct vuser_server *server, uint64_t iova, void *buf,
		   size_t len);

/** vuser_dma_write - write the client's memory; as vuser_dma_read() */
int vuser_dma_write(struct vuser_server *server, uint64_t iova, const void *buf,
		    size_t len);

/**
 * struct vuser_dma_ref - a hold on mapped memory
 * @ptr: the memory
 * @region: what it lies in, held as a whole
 */
struct vuser_dma_ref {
	void *ptr;
	const struct vuser_dma_region *region;
};

/**
 * vuser_dma_get - a pointer to the client's memory
 * @server: the device
 * @iova: first address
 * @len: bytes, all of which must lie in one region
 * @prot: PROT_READ, PROT_WRITE or both
 * @ref: result
 *
 * A DMA_UNMAP of the region is answered only after vuser_dma_put(), so be
 * quick.  Never wait for the event loop's thread with a reference held.
 *
 * The client can cut its file short at any time; then a touch raises SIGBUS,
 * but for those by <vuser/guard.h>.
 *
 * Return: 0; -EFAULT where no region is, or one ends; -EACCES; -EOPNOTSUPP
 * where the region has no mapping: use vuser_dma_read() and vuser_dma_write();
 * -ENOTCONN.
 */
int vuser_dma_get(struct vuser_server *server, uint64_t iova, size_t len,
		  int prot, struct vuser_dma_ref *ref);

/** vuser_dma_put - end a hold */
void vuser_dma_put(struct vuser_server *server, struct vuser_dma_ref *ref);

/* Interrupts.  Any thread. */

/**
 * vuser_irq_trigger - fire an interrupt
 * @server: the device
 * @index: of the interrupt type
 * @subindex: less than its count
 *
 * While masked the interrupt is kept and fires when it is unmasked.
 *
 * Return: 0, also when it was kept; -ENOENT when the client gave no eventfd;
 * -EINVAL.
 */
int vuser_irq_trigger(struct vuser_server *server, uint32_t index,
		      uint32_t subindex);

/** vuser_irq_enabled - the client gave an eventfd for this interrupt */
bool vuser_irq_enabled(struct vuser_server *server, uint32_t index,
		       uint32_t subindex);

/**
 * vuser_irq_eventfd - the eventfd that the client gave for an interrupt
 * @server: the device
 * @index: of the interrupt type
 * @subindex: less than its count
 *
 * For a device that has another process fire the interrupt.  The event loop's
 * thread only.  It stays the library's, and goes with the next SET_IRQS or the
 * client: irq_state() and disconnected() tell.
 *
 * Return: the eventfd; -ENOENT when the client gave none; -EINVAL.
 */
int vuser_irq_eventfd(struct vuser_server *server, uint32_t index,
		      uint32_t subindex);

/** vuser_irq_clear - forget an interrupt that was kept while masked */
void vuser_irq_clear(struct vuser_server *server, uint32_t index,
		     uint32_t subindex);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_SERVER_H */
