/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: vfio-user servers, for programs that implement devices.
 *
 * A struct vuser_server is one device at one socket. It has one client at a time:
 * further clients wait in the listen queue of the socket until the client
 * disconnects. A process may have any number of servers.
 *
 * Threads. One thread, the event loop's thread of a server, waits until
 * vuser_server_fd() is readable and then calls vuser_server_process(). All
 * callbacks are called in this thread. The library holds no lock during a
 * callback, so a callback may call all functions of this header except
 * vuser_server_process() and vuser_server_free(). A callback that must wait for
 * something else, such as another process, can meanwhile call
 * vuser_server_process_accesses(). Or it defers its answer, see "Deferred answers".
 * Other threads of the device may call the functions of "DMA" and "Interrupts" below,
 * and vuser_request_done(), at any time; all other functions belong to the event
 * loop's thread.
 *
 * When a callback returns a negative errno, the library sends it to the client in
 * an error reply.
 *
 * Deferred answers. The callbacks read and write of a region, reset, migrate, dma_unmap
 * and disconnected may defer their answer: they call vuser_server_defer(), return, and
 * any thread calls vuser_request_done() later. Meanwhile:
 *
 * - Commands are served in the order in which they arrived, so later commands of the
 *   client wait. Only accesses of regions for which the callback access_now returns
 *   true are made before the answer. Such an access may be deferred, too, so that the
 *   device has several requests; it may answer them in any order. A read may overtake
 *   all commands except accesses; a write overtakes only what has been deferred.
 * - Nothing overtakes a deferred write that has no reply (a posted write), or a deferred
 *   REGION_WRITE_MULTI: the client expects that a read sees the writes before it.
 * - When the client disconnects, the callback disconnected is called at once. Commands
 *   that wait are dropped. A request stays valid until it is answered, and its answer
 *   is dropped. The next client is accepted when all requests of the last one are
 *   answered, so a request always belongs to the present client.
 * - During vuser_server_free(), no callback can defer its answer. Requests stay valid
 *   after it until they are answered.
 *
 * The structures with a member struct_size follow the rules in
 * Documentation/library-abi.rst: set struct_size to sizeof() of the structure, and
 * all unused members to 0.
 */
#ifndef VUSER_SERVER_H
#define VUSER_SERVER_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <vuser/proto.h>
#include <vuser/vfio_user.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vuser_server;

/**
 * struct vuser_dma_region - memory of the client, as DMA_MAP described it
 * @iova: first address, bytes
 * @size: bytes
 * @prot: PROT_READ and PROT_WRITE, the accesses that the device may make
 * @map: where the memory is mapped in this process; NULL when DMA_MAP came without
 *       a file descriptor or the file could not be mapped: then only
 *       vuser_dma_read() and vuser_dma_write() reach the memory
 * @fd: the file that came with DMA_MAP, for a device that passes it to another
 *      process; -1 without a file, or when keep_dma_fds of struct
 *      vuser_server_config is not set. The library closes it with the region.
 * @fd_offset: offset of the region in @fd, bytes
 *
 * Allocated by the library; later releases may append members.
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
 * struct vuser_server_ops - the callbacks of a device; each may be NULL
 * @struct_size: sizeof(struct vuser_server_ops)
 * @connected: a client has connected, and the version is negotiated
 * @disconnected: the client has disconnected. @error is 0 when the client closed
 *                the socket, else a negative errno. The DMA regions and eventfds
 *                of the client still exist during the call. They are removed after
 *                it, with a call of dma_unmap for each region. The device keeps
 *                its state, except that its state of migration becomes RUNNING and
 *                logging of writes stops. The answer may be deferred; then the
 *                regions and eventfds exist until it. @result is ignored.
 * @reset: DEVICE_RESET. The answer may be deferred. The state of migration becomes
 *         RUNNING after the answer.
 *         Without this callback, the server reports to the client that the device
 *         cannot be reset.
 * @dma_map: a DMA region was added. If the callback fails, the region is removed
 *           and the client gets the error.
 * @dma_unmap: a DMA region is about to be removed. It is removed after this call, as
 *             soon as vuser_dma_put() has released all references of
 *             vuser_dma_get(). The client gets the reply to its DMA_UNMAP when the
 *             region is removed; the event loop does not wait for that. A device that
 *             holds a reference for a long time must release it soon. The answer may
 *             be deferred, e.g. until I/O in flight has ended; @result is ignored.
 *             The device can make no new reference to the region.
 * @irq_state: SET_IRQS changed @count interrupts from @start on: eventfds were set
 *             or removed, or masks changed
 * @feature: DEVICE_FEATURE, except for the features that the library implements
 *           itself because of the configuration. @flags is as in the command. @buf
 *           holds @len bytes of the command and has room for @size bytes. Return
 *           the length of the data of the reply, 0 for SET and PROBE, or -errno.
 *           Without this callback the client gets ENOTTY.
 * @migrate: with "migration" of the configuration: change the state of migration,
 *           in one of the "Direct State Transitions" of the specification. When it
 *           fails, the device stays in @from; but when @from is RESUMING, its state
 *           becomes ERROR, which only a reset ends. The answer may be deferred.
 * @mig_read: MIG_DATA_READ: write up to @count bytes to @buf and return their
 *            number. 0 means the end of the data; before STOP_COPY, the end of the data
 *            that the device has now. With "migration", called only in STOP_COPY, PRE_COPY
 *            and PRE_COPY_P2P.
 * @mig_write: MIG_DATA_WRITE: read @count bytes from @buf and return 0. With
 *             "migration", called only in RESUMING.
 * @log_start: with "dma_logging" of the configuration: from now on log which memory
 *             of the client the device writes. All writes must be logged: the
 *             library only checks the ranges that the client names. Set @page_size
 *             to the number of bytes that one bit of the log stands for, a power of
 *             two.
 * @log_stop: stop logging and discard the log
 * @log_report: set the bits in @bitmap, which is zeroed, for all memory between
 *              @iova and @iova + @len that was written, and remove this memory from
 *              the log. One bit stands for @page_size bytes. All three numbers are
 *              multiples of the page size that log_start set.
 * @log: a line of text for a log, e.g. about a client that broke the protocol;
 *       @level is a level of syslog(3)
 * @access_now: whether this access of a region may be made before an earlier command
 *              is complete: by vuser_server_process_accesses() while another callback
 *              runs, and while the device has requests. The access may lie
 *              outside of the region: then it fails, whatever the callback returns.
 *              Without this callback no access is made.
 * @mig_size: with "migration": set @size to about the number of bytes that the state of the
 *            device has now, i.e. that mig_read returns in STOP_COPY. Without this callback
 *            the client does not know; QEMU then assumes 100 GiB.
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
	bool (*access_now)(void *data, uint32_t region, uint64_t offset,
			   uint32_t count, bool write);
	int (*mig_size)(void *data, uint64_t *size);
};

/**
 * struct vuser_server_config - how the server negotiates; 0 means the default
 * @struct_size: sizeof(struct vuser_server_config)
 * @device_flags: VFIO_DEVICE_FLAGS_*; VFIO_DEVICE_FLAGS_RESET is added when the
 *                callback reset is set
 * @minor: the highest minor version to agree to; used only with @use_minor
 * @use_minor: use @minor; the default is VFIO_USER_MINOR
 * @no_twin: do not set up a twin socket
 * @no_write_multi: do not offer REGION_WRITE_MULTI
 * @no_dma_fds: do not map the files that come with DMA_MAP, but access the memory
 *              with DMA_READ and DMA_WRITE
 * @keep_dma_fds: keep the files that come with DMA_MAP open, as fd of struct
 *                vuser_dma_region
 * @max_msg_fds: file descriptors to accept with one message; the default is 16,
 *               since QEMU's client refuses more
 * @max_data_xfer_size: bytes of data to accept in one message; the default is 1 MiB
 * @max_dma_maps: DMA regions to accept at one time; the default is 65535. A further
 *                region is refused with ENOSPC.
 * @hide_max_dma_maps: do not report @max_dma_maps to the client
 * @dma_timeout_ms: milliseconds that the client may take to answer DMA_READ and
 *                  DMA_WRITE; the default is 30000; -1: no limit
 * @migration: the device can be migrated, with the states STOP, STOP_COPY and
 *             RESUMING, and those of @migration_flags. The callbacks migrate, mig_read
 *             and mig_write must be set.
 * @dma_logging: the device can log which memory it writes. The callbacks log_start,
 *               log_stop and log_report must be set. Or all three are NULL: then the
 *               library keeps the log, in pages of 4096 bytes. It logs each
 *               vuser_dma_write(), and the memory of each reference for writing: in each
 *               report while the device has the reference, and once after it. A device
 *               that keeps the log in the library must name in @len of vuser_dma_get()
 *               all bytes that it writes.
 * @max_deferred: requests that the device may have before further accesses of regions
 *                wait; the default is 64
 * @version_timeout_ms: milliseconds that a client may take to negotiate the version, so
 *                      that a silent client does not keep the others away; the default is
 *                      30000; -1: no limit
 * @no_sigbus: do not install a handler of SIGBUS. By default vuser_server_new() installs
 *             the handler of vuser_guard_init(), so that a client that truncates its file
 *             cannot kill the process. With @no_sigbus, vuser_dma_read(),
 *             vuser_dma_write() and the functions of scatter lists have the kernel copy,
 *             which costs a system call. The functions of <vuser/guard.h> and other
 *             accesses to the memory are then not protected.
 * @migration_flags: states that the device has in addition to those of @migration:
 *                   VFIO_MIGRATION_P2P for RUNNING_P2P, VFIO_MIGRATION_PRE_COPY for PRE_COPY,
 *                   and both for PRE_COPY_P2P, too
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
	size_t max_deferred;
	int version_timeout_ms;
	bool no_sigbus;
	uint64_t migration_flags;
};

/**
 * vuser_server_new - create a device without regions and interrupts
 * @ops: the callbacks; copied
 * @config: NULL for the defaults; copied
 * @data: passed to the callbacks
 * @server: result
 *
 * Calls vuser_guard_init(), unless no_sigbus of the configuration is set.
 *
 * Return: 0; -EINVAL or -E2BIG for a bad struct_size; -ENOMEM; or an errno of
 * epoll_create(2).
 */
int vuser_server_new(const struct vuser_server_ops *ops,
		     const struct vuser_server_config *config, void *data,
		     struct vuser_server **server) VUSER_MUST_CHECK;

/**
 * vuser_server_free - disconnect the client, remove the socket file, free all
 * @server: the device, or NULL
 *
 * No other thread may use the server during the call or after it, except to answer
 * requests by vuser_request_done(). Waits until all references of vuser_dma_get() are
 * released.
 */
void vuser_server_free(struct vuser_server *server);

/* The description of the device. Call these before the first client connects. */

/**
 * struct vuser_server_region - a region
 * @struct_size: sizeof(struct vuser_server_region)
 * @size: bytes
 * @flags: VFIO_REGION_INFO_FLAG_READ and _WRITE
 * @access_max: 0: the callbacks get each access as the client sent it; 1, 2, 4 or
 *              8: accesses are split into naturally aligned parts of at most this
 *              many bytes
 * @read: read @count bytes of the region into @buf; return 0 or -errno. The answer may be
 *        deferred; then write to vuser_request_data() instead of @buf.
 * @write: write the @count bytes of @buf to the region; return 0 or -errno. The answer may
 *         be deferred; then vuser_request_data() has a copy of @buf.
 * @fd: memory that the client may map, or -1; the caller keeps it open and owns it
 * @fd_offset: offset of the region in @fd, bytes, page aligned
 * @nr_areas: entries of @areas; 0: the client may map the whole region
 * @areas: the parts that the client may map, page aligned; copied
 * @has_type: send @type and @subtype to the client
 * @type: VFIO_REGION_TYPE_*
 * @subtype: VFIO_REGION_SUBTYPE_*
 *
 * The library refuses an access that exceeds the region or that @flags do not allow.
 * A client may also send messages for the parts that it can map, so the callbacks
 * must implement all of the region.
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
 * @index: less than VUSER_MAX_REGIONS. The client sees all regions up to the highest
 *         index. It sees at least VFIO_PCI_NUM_REGIONS regions of a PCI device.
 * @region: copied
 *
 * Return: 0; -EINVAL for an invalid region or a bad struct_size; -E2BIG for a bad
 * struct_size; -ENOMEM.
 */
int vuser_server_set_region(struct vuser_server *server, uint32_t index,
			    const struct vuser_server_region *region)
	VUSER_MUST_CHECK;

/**
 * vuser_server_add_ioeventfd - have writes to an address signal an eventfd
 * @server: the device
 * @region: index of a region that is set
 * @offset: from the start of the region, bytes
 * @size: of the write: 1, 2, 4 or 8 bytes, or 0 for all sizes
 * @flags: VFIO_USER_IOEVENTFD_*
 * @datamatch: the value to match with VFIO_USER_IOEVENTFD_DATAMATCH
 * @fd: eventfd; the caller keeps it open and owns it
 *
 * A client that does not support ioeventfds sends such a write as a message, so the
 * write callback of the region must handle it, too.
 *
 * Return: 0; -EINVAL; -ENOSPC; -ENOMEM.
 */
int vuser_server_add_ioeventfd(struct vuser_server *server, uint32_t region,
			       uint64_t offset, uint32_t size, uint32_t flags,
			       uint64_t datamatch, int fd) VUSER_MUST_CHECK;

/**
 * vuser_server_set_irqs - add an interrupt type
 * @server: the device
 * @index: less than VUSER_MAX_IRQ_INDEXES, e.g. VFIO_PCI_MSIX_IRQ_INDEX
 * @flags: VFIO_IRQ_INFO_*. With VFIO_IRQ_INFO_AUTOMASKED an interrupt masks itself
 *         when it fires.
 * @count: number of interrupts, VUSER_MAX_IRQS at most
 *
 * With VFIO_IRQ_INFO_MASKABLE the client may mask and unmask. The library refuses
 * eventfds for these two actions with ENOTSUP, since the specification and VFIO
 * contradict each other about which side signals them; clients work without them.
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int vuser_server_set_irqs(struct vuser_server *server, uint32_t index,
			  uint32_t flags, uint32_t count) VUSER_MUST_CHECK;

/* Clients. */

/**
 * vuser_server_listen - wait for clients at a path
 * @server: the device
 * @path: path of the socket file; a socket file on which no process listens is replaced
 *
 * Return: 0; or as vuser_sock_listen().
 */
int vuser_server_listen(struct vuser_server *server,
			const char *path) VUSER_MUST_CHECK;

/**
 * vuser_server_listen_mode - wait for clients at a path, with a mode of the socket file
 * @server: the device
 * @path: as for vuser_server_listen()
 * @mode: mode of the socket file, e.g. 0660, whatever the umask is. A client needs write
 *        permission to connect.
 *
 * Return: 0; -EINVAL for an invalid mode; or as vuser_sock_listen().
 */
int vuser_server_listen_mode(struct vuser_server *server, const char *path,
			     mode_t mode) VUSER_MUST_CHECK;

/**
 * vuser_server_listen_fd - wait for clients on a listening socket
 * @server: the device
 * @fd: the socket; the library owns it, also after an error
 *
 * Return: 0; -EBUSY when the server listens already; -ENOMEM; or an errno.
 */
int vuser_server_listen_fd(struct vuser_server *server,
			   int fd) VUSER_MUST_CHECK;

/**
 * vuser_server_serve - serve a client on a connected socket
 * @server: the device
 * @fd: the socket; the library owns it, also after an error
 *
 * Return: 0; -EBUSY when the server has a client, or the device has requests or
 * references of the last client; -ENOMEM; or an errno.
 */
int vuser_server_serve(struct vuser_server *server, int fd) VUSER_MUST_CHECK;

/**
 * vuser_server_fd - the file descriptor to wait on
 * @server: the device
 *
 * Return: a file descriptor, which the library owns and which never changes. When it
 * is readable (POLLIN), call vuser_server_process().
 */
int vuser_server_fd(const struct vuser_server *server);

/**
 * vuser_server_process - accept clients, serve commands, handle disconnects
 * @server: the device
 *
 * Does not wait for commands. It may wait for a client that does not receive its
 * replies: after dma_timeout_ms the client is disconnected.
 *
 * Return: 0, also when a client was disconnected, or could not be accepted yet
 * because the process has no file descriptors or memory left; or an errno of the
 * listening socket, after which no client can connect any more.
 */
int vuser_server_process(struct vuser_server *server);

/**
 * vuser_server_write_id - the message ID of the posted write that is being made
 * @server: the device
 *
 * For a device that keeps its state in a file, see VFIO_USER_FEATURE_LAST_WRITE in
 * <vuser/vfio_user.h>. Call this in the write callback of a region.
 *
 * Return: the ID of the REGION_WRITE without reply; -1 outside of such a write.
 */
int vuser_server_write_id(const struct vuser_server *server);

/**
 * vuser_server_client_fd - the socket of the client
 * @server: the device
 *
 * Return: the socket, to wait on for POLLIN before vuser_server_process_accesses(); -1
 * when no client is connected.
 */
int vuser_server_client_fd(const struct vuser_server *server);

/**
 * vuser_server_peer - the credentials of the client
 * @server: the device
 * @pid: result: the process that connected
 * @uid: result: its effective user ID
 * @gid: result: its effective group ID
 *
 * A device can check them in the callback connected and call vuser_server_disconnect().
 * For a client in the kernel module of vuser, the process is vuserd. For a socket pair,
 * it is the process that created the pair.
 *
 * Return: 0; -ENOTCONN without a client; or an errno of getsockopt(2).
 */
int vuser_server_peer(const struct vuser_server *server, pid_t *pid, uid_t *uid,
		      gid_t *gid);

/**
 * vuser_server_process_accesses - make accesses of regions while a callback waits
 * @server: the device
 *
 * Serves REGION_READ and REGION_WRITE of up to 64 bytes for which the callback
 * access_now returns true. All other commands are left for vuser_server_process().
 * An access is made only when all writes that arrived before it are made, but not
 * while a callback runs for a write without a reply. A write is made only when all
 * commands that arrived before it are served or have a callback that waits.
 *
 * At most 64 accesses are made in one call. Does not wait for commands, but may wait for
 * a client that does not receive its replies, as vuser_server_process() does.
 *
 * Return: 0; 1 when other commands are left for vuser_server_process(); -EBUSY when no
 * access can be made before those commands are served; -ENOTCONN without a client; or
 * the errno that ended the connection, which vuser_server_process() handles. After a
 * negative errno do not wait on vuser_server_client_fd() again while the same callback
 * waits: the socket may stay readable.
 */
int vuser_server_process_accesses(struct vuser_server *server);

/**
 * vuser_server_connected - whether a client is connected
 * @server: the device
 *
 * Return: true from the negotiation of the version until the client disconnects.
 */
bool vuser_server_connected(const struct vuser_server *server);

/**
 * vuser_server_disconnect - close the connection to the client
 * @server: the device
 *
 * The callback disconnected() is called later, by vuser_server_process().
 */
void vuser_server_disconnect(struct vuser_server *server);

/* Deferred answers; the rules are at the top of this file. */

struct vuser_request;

/**
 * vuser_server_defer - answer the callback that runs later
 * @server: the device
 *
 * Call this in one of the callbacks that may defer their answer, in the event loop's
 * thread. The library then ignores the return value of the callback.
 *
 * Return: the request, for vuser_request_done(); NULL when the callback must answer now:
 * during vuser_server_free(), without memory, in other callbacks, or when the callback
 * has deferred already.
 */
struct vuser_request *
vuser_server_defer(struct vuser_server *server) VUSER_MUST_CHECK;

/**
 * vuser_request_data - the data of a deferred access of a region
 * @request: of vuser_server_defer()
 *
 * Any thread may use the data until vuser_request_done().
 *
 * Return: for a read: where to write the data, as many bytes as the callback's @count,
 * aligned for all types; for a write: the data. NULL for the other callbacks.
 */
void *vuser_request_data(struct vuser_request *request);

/**
 * vuser_request_done - answer a request
 * @request: of vuser_server_defer(); it is not valid any more after the call
 * @result: 0 or -errno, as the callback would return it
 *
 * Any thread may call this, also in the callback itself, and also after
 * vuser_server_free(). vuser_server_process() sends the reply: vuser_server_fd() becomes
 * readable.
 */
void vuser_request_done(struct vuser_request *request, int result);

/* DMA. Any thread. */

/**
 * vuser_dma_read - read memory of the client
 * @server: the device
 * @iova: first address; the range may cross from one DMA region to the next
 * @buf: result
 * @len: bytes, any number
 *
 * Copies from mapped memory, or sends DMA_READ and waits for the reply.
 *
 * Return: 0; -EFAULT when no region contains the range; -EACCES when a region does
 * not allow reading; -EIO when the client truncated the mapped file; -ENOTCONN when
 * there is no client or it disconnected meanwhile; -ETIMEDOUT; or the error that
 * the client replied.
 */
int vuser_dma_read(struct vuser_server *server, uint64_t iova, void *buf,
		   size_t len);

/**
 * vuser_dma_write - write memory of the client
 * @server: the device
 * @iova: first address; the range may cross from one DMA region to the next
 * @buf: the data
 * @len: bytes, any number
 *
 * Return: as vuser_dma_read().
 */
int vuser_dma_write(struct vuser_server *server, uint64_t iova, const void *buf,
		    size_t len);

/**
 * struct vuser_dma_ref - a reference to mapped memory
 * @ptr: the memory
 * @region: the DMA region that contains it; the reference holds all of the region
 */
struct vuser_dma_ref {
	void *ptr;
	const struct vuser_dma_region *region;
};

/**
 * vuser_dma_get - get a pointer to memory of the client
 * @server: the device
 * @iova: first address
 * @len: bytes, all of which must be in one DMA region
 * @prot: PROT_READ, PROT_WRITE or both
 * @ref: result
 *
 * The client gets no reply to a DMA_UNMAP of the region before vuser_dma_put(), so
 * hold the reference for a short time only. Do not wait for the event loop's thread
 * while holding it.
 *
 * The client can truncate its file at any time. Then an access raises SIGBUS, except
 * for the accesses of <vuser/guard.h>.
 *
 * Return: 0; -EFAULT when no single region contains the range; -EACCES; -EOPNOTSUPP
 * when the region is not mapped: use vuser_dma_read() and vuser_dma_write();
 * -ENOTCONN; -ENOMEM when the library logs writes.
 */
int vuser_dma_get(struct vuser_server *server, uint64_t iova, size_t len,
		  int prot, struct vuser_dma_ref *ref);

/**
 * vuser_dma_put - release a reference
 * @server: the device
 * @ref: of vuser_dma_get()
 */
void vuser_dma_put(struct vuser_server *server, struct vuser_dma_ref *ref);

/**
 * vuser_dma_sg_get - get pointers to a range that may span several DMA regions
 * @server: the device
 * @iova: first address; the regions must be adjacent
 * @len: bytes
 * @prot: PROT_READ, PROT_WRITE or both
 * @refs: result: one reference for each region, for vuser_dma_sg_put()
 * @iov: result: the memory, for vuser_dma_sg_read(), vuser_dma_sg_write() and for
 *       functions such as preadv(2); with as many entries as @refs
 * @max: entries of @refs and of @iov
 *
 * The rules of vuser_dma_get() apply to each reference. On an error no reference is
 * held.
 *
 * Return: the number of entries; -ENOBUFS when the range has more than @max parts;
 * otherwise as vuser_dma_get().
 */
int vuser_dma_sg_get(struct vuser_server *server, uint64_t iova, size_t len,
		     int prot, struct vuser_dma_ref *refs, struct iovec *iov,
		     int max);

/**
 * vuser_dma_sg_put - release the references of a scatter list
 * @server: the device
 * @refs: of vuser_dma_sg_get()
 * @nr: entries of @refs
 */
void vuser_dma_sg_put(struct vuser_server *server, struct vuser_dma_ref *refs,
		      int nr);

/**
 * vuser_dma_sg_read - copy from a scatter list
 * @server: the device
 * @iov: of vuser_dma_sg_get()
 * @nr: entries of @iov
 * @offset: from the start of the list, bytes
 * @buf: result
 * @len: bytes
 *
 * Return: 0; -EINVAL when the range exceeds the list; -EIO when the client truncated
 * the mapped file.
 */
int vuser_dma_sg_read(struct vuser_server *server, const struct iovec *iov,
		      int nr, size_t offset, void *buf, size_t len);

/**
 * vuser_dma_sg_write - copy to a scatter list
 * @server: the device
 * @iov: of vuser_dma_sg_get()
 * @nr: entries of @iov
 * @offset: from the start of the list, bytes
 * @buf: the data
 * @len: bytes
 *
 * Return: as vuser_dma_sg_read().
 */
int vuser_dma_sg_write(struct vuser_server *server, const struct iovec *iov,
		       int nr, size_t offset, const void *buf, size_t len);

/* Interrupts. Any thread. */

/**
 * vuser_irq_fire - fire an interrupt of the type that the client has enabled
 * @server: the device
 * @vector: the interrupt, from 0 on
 *
 * Fires the vector of MSI-X if the client has set an eventfd of MSI-X; otherwise of MSI;
 * otherwise INTx. If the client has enabled fewer vectors of MSI than the device has,
 * vectors share an interrupt. All vectors share INTx.
 *
 * Return: as vuser_irq_trigger(); -ENOENT also when the client has enabled no interrupt.
 */
int vuser_irq_fire(struct vuser_server *server, uint32_t vector);

/**
 * vuser_irq_trigger - fire an interrupt
 * @server: the device
 * @index: the interrupt type
 * @subindex: the interrupt, less than the number of interrupts of this type
 *
 * A masked interrupt becomes pending, and fires when it is unmasked.
 *
 * Return: 0, also for a masked interrupt; -ENOENT when the client has set no
 * eventfd; -EINVAL when the interrupt does not exist.
 */
int vuser_irq_trigger(struct vuser_server *server, uint32_t index,
		      uint32_t subindex);

/**
 * vuser_irq_enabled - whether the client has set an eventfd for an interrupt
 * @server: the device
 * @index: the interrupt type
 * @subindex: the interrupt
 *
 * Return: true if the client has set an eventfd.
 */
bool vuser_irq_enabled(struct vuser_server *server, uint32_t index,
		       uint32_t subindex);

/**
 * vuser_irq_eventfd - the eventfd that the client has set for an interrupt
 * @server: the device
 * @index: the interrupt type
 * @subindex: the interrupt
 *
 * For a device whose interrupts are fired by another process. Only the event loop's
 * thread may call this. The library owns the eventfd and closes it when SET_IRQS
 * replaces it and when the client disconnects: the callbacks irq_state() and
 * disconnected() report that.
 *
 * Return: the eventfd; -ENOENT when the client has set no eventfd; -EINVAL when the
 * interrupt does not exist.
 */
int vuser_irq_eventfd(struct vuser_server *server, uint32_t index,
		      uint32_t subindex);

/**
 * vuser_irq_clear - clear an interrupt that is pending because it is masked
 * @server: the device
 * @index: the interrupt type
 * @subindex: the interrupt
 */
void vuser_irq_clear(struct vuser_server *server, uint32_t index,
		     uint32_t subindex);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_SERVER_H */
