/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: vfio-user clients.
 *
 * There are two interfaces. A struct vuser_handshake negotiates in steps, for a
 * program with an event loop. Its result is a description of the device with an idle
 * socket, which the program can pass on. A struct vuser_client is a synchronous
 * client for one thread.
 *
 * The structures with a member struct_size follow the rules in
 * Documentation/library-abi.rst: set struct_size to sizeof() of the structure, and
 * all unused members to 0.
 */
#ifndef VUSER_CLIENT_H
#define VUSER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <vuser/proto.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct vuser_area - a part of a region that the client can map
 * @offset: from the start of the region, bytes, page aligned
 * @size: bytes, page aligned, not 0
 * @file_offset: offset of the area in the file of the region, bytes, page aligned
 */
struct vuser_area {
	uint64_t offset;
	uint64_t size;
	uint64_t file_offset;
};

/**
 * struct vuser_io_fd - a part of a region to which writes signal an eventfd
 * @offset: from the start of the region, bytes
 * @size: of the write: 1, 2, 4 or 8 bytes, or 0 for all sizes
 * @flags: VFIO_USER_IOEVENTFD_*
 * @datamatch: the value to match with VFIO_USER_IOEVENTFD_DATAMATCH
 * @fd: the eventfd; @fds of the region owns it. Parts that share one eventfd have the
 *      same number here.
 *
 * The library ignores ioregionfds, since Linux does not implement them.
 */
struct vuser_io_fd {
	uint64_t offset;
	uint32_t size;
	uint32_t flags;
	uint64_t datamatch;
	int fd;
};

/**
 * struct vuser_region - a region, as the server described it
 * @size: bytes; 0: the region does not exist
 * @flags: VFIO_REGION_INFO_FLAG_READ, _WRITE and _MMAP; the last only if @fd is not
 *         -1
 * @has_type: the server sent @type and @subtype
 * @type: VFIO_REGION_TYPE_*
 * @subtype: VFIO_REGION_SUBTYPE_*
 * @fd: file with the memory of all areas, or -1
 * @nr_areas: entries of @areas
 * @areas: sorted by offset, without overlaps; one area when the whole region can be
 *         mapped
 * @nr_io_fds: entries of @io_fds
 * @io_fds: in the order of the server
 * @nr_fds: entries of @fds
 * @fds: the distinct file descriptors in @io_fds
 */
struct vuser_region {
	uint64_t size;
	uint32_t flags;
	bool has_type;
	uint32_t type;
	uint32_t subtype;
	int fd;
	uint32_t nr_areas;
	struct vuser_area *areas;
	uint32_t nr_io_fds;
	struct vuser_io_fd *io_fds;
	uint32_t nr_fds;
	int *fds;
};

/**
 * struct vuser_irq - an interrupt type
 * @flags: VFIO_IRQ_INFO_*
 * @count: number of interrupts; 0: the type does not exist
 */
struct vuser_irq {
	uint32_t flags;
	uint32_t count;
};

/**
 * struct vuser_description - the result of a handshake
 * @minor: the negotiated minor version
 * @flags: VFIO_DEVICE_FLAGS_*
 * @nr_regions: valid entries of @regions
 * @regions: by index
 * @nr_irqs: valid entries of @irqs
 * @irqs: by index
 * @sock: the main socket, at the boundary between two messages
 * @twin: the socket for the server's commands, or -1
 * @caps: the capabilities of the server; max_msg_fds and max_data_xfer_size are the
 *        limits of what the server accepts
 *
 * Allocated by the library; later releases may append members. The description owns
 * its file descriptors. To pass a file descriptor on, duplicate it, or take it and
 * set the member to -1.
 */
struct vuser_description {
	uint16_t minor;
	uint32_t flags;
	uint32_t nr_regions;
	struct vuser_region regions[VUSER_MAX_REGIONS];
	uint32_t nr_irqs;
	struct vuser_irq irqs[VUSER_MAX_IRQ_INDEXES];
	int sock;
	int twin;
	struct vuser_caps caps;
};

/**
 * vuser_description_free - close all file descriptors and free the description
 * @desc: the description, or NULL
 */
void vuser_description_free(struct vuser_description *desc);

/**
 * struct vuser_client_options - how to negotiate; 0 means the default
 * @struct_size: sizeof(struct vuser_client_options)
 * @no_twin: do not offer a twin socket
 * @minor_0: propose version 0.0, as QEMU does, instead of the newest version
 * @max_msg_fds: file descriptors to accept with one message; the default is
 *               VUSER_MAX_MSG_FDS
 * @max_data_xfer_size: bytes of data to accept in one message; the default is 1 MiB
 */
struct vuser_client_options {
	size_t struct_size;
	bool no_twin;
	bool minor_0;
	uint32_t max_msg_fds;
	uint32_t max_data_xfer_size;
};

struct vuser_handshake;

/**
 * vuser_handshake_new - start a handshake
 * @sock: connected socket; the library owns it, also after an error, and sets it to
 *        non-blocking
 * @opt: NULL for the defaults
 * @hs: result, for vuser_handshake_free()
 *
 * Sends the first message. Then call vuser_handshake_step() each time that @sock is
 * readable (POLLIN). The library does not limit the time that the server takes, so
 * the caller must have a deadline.
 *
 * Return: 0; -EINVAL or -E2BIG for a bad struct_size; -ENOMEM; or an errno of
 * vuser_msg_send().
 */
int vuser_handshake_new(int sock, const struct vuser_client_options *opt,
			struct vuser_handshake **hs) VUSER_MUST_CHECK;

/**
 * vuser_handshake_step - receive what has arrived, and send the next message
 * @hs: the handshake
 * @desc: result when the handshake is complete; the caller owns it
 *
 * Never waits. Call it until it returns something other than -EAGAIN.
 *
 * Return: 0 when the handshake is complete: the description now owns the socket;
 * -EAGAIN: wait for POLLIN and call again; -EPROTO when the server broke the
 * protocol; -EPROTONOSUPPORT when the server has another major version; -ENODATA and
 * -ECONNRESET when it closed the socket; or another errno, e.g. one that the server
 * replied. vuser_handshake_error() has the details.
 */
int vuser_handshake_step(struct vuser_handshake *hs,
			 struct vuser_description **desc) VUSER_MUST_CHECK;

/**
 * vuser_handshake_fd - the socket to wait on for POLLIN
 * @hs: the handshake
 *
 * Return: the socket; -1 after the handshake is complete.
 */
int vuser_handshake_fd(const struct vuser_handshake *hs);

/**
 * vuser_handshake_error - the text of the last error
 * @hs: the handshake
 *
 * Return: the text, valid until vuser_handshake_free(); never NULL.
 */
const char *vuser_handshake_error(const struct vuser_handshake *hs);

/**
 * vuser_handshake_free - free the handshake, in any state
 * @hs: the handshake, or NULL. If it is not complete, its socket is closed.
 */
void vuser_handshake_free(struct vuser_handshake *hs);

struct vuser_client;

/**
 * struct vuser_client_ops - commands that the server sends
 * @struct_size: sizeof(struct vuser_client_ops)
 * @dma_read: read @count bytes at @address into @buf; return 0 or -errno
 * @dma_write: write @count bytes of @buf to @address; return 0 or -errno
 *
 * The functions vuser_client_*() call the callbacks. A callback must not call these
 * functions. If a callback is NULL, the server gets ENOTSUP.
 */
struct vuser_client_ops {
	size_t struct_size;
	int (*dma_read)(void *data, uint64_t address, void *buf, size_t count);
	int (*dma_write)(void *data, uint64_t address, const void *buf,
			 size_t count);
};

/**
 * vuser_client_new - connect to a server and do the handshake
 * @path: path of the server's socket file
 * @opt: NULL for the defaults
 * @timeout_ms: for this call and for all later calls; -1: no limit
 * @ops: the callbacks, copied; NULL: refuse all commands of the server
 * @data: passed to the callbacks
 * @client: result
 *
 * Return: 0; -EINVAL or -E2BIG for a bad struct_size; -ENOMEM; -ETIMEDOUT; or an
 * errno of vuser_sock_connect() or vuser_handshake_step().
 */
int vuser_client_new(const char *path, const struct vuser_client_options *opt,
		     int timeout_ms, const struct vuser_client_ops *ops,
		     void *data, struct vuser_client **client) VUSER_MUST_CHECK;

/**
 * vuser_client_new_fd - do the handshake on a connected socket
 * @sock: the socket; the library owns it, also after an error
 * @opt: NULL for the defaults
 * @timeout_ms: for this call and for all later calls; -1: no limit
 * @ops: the callbacks, copied; NULL: refuse all commands of the server
 * @data: passed to the callbacks
 * @client: result
 *
 * Return: as vuser_client_new().
 */
int vuser_client_new_fd(int sock, const struct vuser_client_options *opt,
			int timeout_ms, const struct vuser_client_ops *ops,
			void *data,
			struct vuser_client **client) VUSER_MUST_CHECK;

/**
 * vuser_client_free - disconnect
 * @client: the client, or NULL
 */
void vuser_client_free(struct vuser_client *client);

/**
 * vuser_client_description - the result of the handshake
 * @client: the client
 *
 * Return: the description, which the client owns.
 */
const struct vuser_description *
vuser_client_description(const struct vuser_client *client);

/*
 * Commands. Each of these functions sends a command, waits for the reply, and serves
 * the commands of the server while it waits. It returns 0, or the negative errno that
 * the server replied (-EIO if the reply has none), or -ETIMEDOUT, -EPROTO, -ENODATA,
 * -ECONNRESET or -EPIPE, after which the client must be freed.
 */

/**
 * vuser_client_read - REGION_READ
 * @client: the client
 * @region: index of the region
 * @offset: from the start of the region, bytes
 * @buf: result
 * @count: bytes
 *
 * Return: as all commands; -EINVAL when @count is 0 or more than the server accepts.
 */
int vuser_client_read(struct vuser_client *client, uint32_t region,
		      uint64_t offset, void *buf, uint32_t count);

/**
 * vuser_client_write - REGION_WRITE, with a reply
 * @client: the client
 * @region: index of the region
 * @offset: from the start of the region, bytes
 * @buf: the data
 * @count: bytes
 *
 * Return: as all commands; -EINVAL when @count is 0 or more than the server accepts.
 */
int vuser_client_write(struct vuser_client *client, uint32_t region,
		       uint64_t offset, const void *buf, uint32_t count);

/**
 * vuser_client_post - REGION_WRITE without a reply
 * @client: the client
 * @region: index of the region
 * @offset: from the start of the region, bytes
 * @buf: the data
 * @count: bytes
 *
 * Does not wait for the server, which cannot report an error.
 *
 * Return: as all commands; -EINVAL when @count is 0 or more than the server accepts.
 */
int vuser_client_post(struct vuser_client *client, uint32_t region,
		      uint64_t offset, const void *buf, uint32_t count);

/**
 * vuser_client_write_multi - REGION_WRITE_MULTI
 * @client: the client
 * @wrs: the writes
 * @count: entries of @wrs
 * @done: result: number of writes that the server completed
 *
 * Return: as all commands; -EOPNOTSUPP when the server does not support the command;
 * -EINVAL when @count is 0 or more than the server accepts; -ENOMEM.
 */
int vuser_client_write_multi(struct vuser_client *client,
			     const struct vfio_user_single_write *wrs,
			     uint64_t count, uint64_t *done);

/**
 * vuser_client_set_irqs - SET_IRQS
 * @client: the client
 * @flags: one VFIO_IRQ_SET_DATA_* and one VFIO_IRQ_SET_ACTION_*
 * @index: the interrupt type
 * @start: the first interrupt
 * @count: number of interrupts
 * @bools: with DATA_BOOL @count bytes, else NULL
 * @fds: with DATA_EVENTFD @count eventfds, or NULL to remove the eventfds
 *
 * Return: as all commands; -EINVAL for invalid arguments, or more eventfds than the
 * server accepts with one message.
 */
int vuser_client_set_irqs(struct vuser_client *client, uint32_t flags,
			  uint32_t index, uint32_t start, uint32_t count,
			  const uint8_t *bools, const int *fds);

/**
 * vuser_client_dma_map - DMA_MAP
 * @client: the client
 * @address: first address
 * @size: bytes
 * @flags: VFIO_USER_DMA_MAP_READ and _WRITE
 * @fd: file that the server can map; -1: it must use DMA_READ and DMA_WRITE
 * @offset: offset of the memory in @fd, bytes
 *
 * Return: as all commands.
 */
int vuser_client_dma_map(struct vuser_client *client, uint64_t address,
			 uint64_t size, uint32_t flags, int fd,
			 uint64_t offset);

/**
 * vuser_client_dma_unmap - DMA_UNMAP of exactly one DMA region
 * @client: the client
 * @address: first address of the DMA region
 * @size: size of the DMA region, bytes
 *
 * Return: as all commands.
 */
int vuser_client_dma_unmap(struct vuser_client *client, uint64_t address,
			   uint64_t size);

/**
 * vuser_client_reset - DEVICE_RESET
 * @client: the client
 *
 * Return: as all commands.
 */
int vuser_client_reset(struct vuser_client *client);

/**
 * vuser_client_feature - DEVICE_FEATURE
 * @client: the client
 * @flags: VFIO_DEVICE_FEATURE_GET, _SET, _PROBE and the index of the feature
 * @buf: the data of SET or the arguments of GET; overwritten with the received data
 * @len: bytes to send
 * @size: size of @buf, bytes
 *
 * Return: length of the received data; or as all commands; -EOPNOTSUPP below minor
 * version 1; -ENOSPC when @buf is too small for the reply.
 */
ssize_t vuser_client_feature(struct vuser_client *client, uint32_t flags,
			     void *buf, size_t len, size_t size);

/**
 * vuser_client_mig_read - MIG_DATA_READ
 * @client: the client
 * @buf: result
 * @count: size of @buf, at most max_data_xfer_size of the server
 *
 * Return: number of bytes received, fewer than @count at the end of the data; or as
 * all commands; -EOPNOTSUPP below minor version 1; -EINVAL for too large a @count.
 */
ssize_t vuser_client_mig_read(struct vuser_client *client, void *buf,
			      uint32_t count);

/**
 * vuser_client_mig_write - MIG_DATA_WRITE
 * @client: the client
 * @buf: the data
 * @count: bytes, at most max_data_xfer_size of the server
 *
 * Return: 0 when the server accepted all bytes; or as all commands; -EOPNOTSUPP below
 * minor version 1; -EINVAL for too large a @count.
 */
int vuser_client_mig_write(struct vuser_client *client, const void *buf,
			   uint32_t count);

/**
 * vuser_client_process - wait for a command of the server and serve it
 * @client: the client
 * @timeout_ms: -1 for no limit
 *
 * Return: 1 after a command was served; 0 when no command arrived in time; or as all
 * commands.
 */
int vuser_client_process(struct vuser_client *client, int timeout_ms);

/**
 * vuser_client_command - send any command, for tests
 * @client: the client
 * @command: VFIO_USER_*
 * @payload: to send
 * @len: length of @payload, bytes
 * @fds: file descriptors to send; the caller keeps them
 * @nr_fds: entries of @fds
 * @reply: result: the payload of the reply
 * @size: size of @reply, bytes
 *
 * Return: length of the payload of the reply; or as all commands; -EMSGSIZE when it
 * is longer than @size.
 */
ssize_t vuser_client_command(struct vuser_client *client, uint16_t command,
			     const void *payload, size_t len, const int *fds,
			     uint32_t nr_fds, void *reply, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_CLIENT_H */
