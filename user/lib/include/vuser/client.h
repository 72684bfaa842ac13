/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: the client's side of vfio-user.
 *
 * Two ways in: struct vuser_handshake, which is stepped by an event loop and
 * ends with a description of the device and an idle socket to hand on; and
 * struct vuser_client, a synchronous client for one thread.
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
 * struct vuser_area - part of a region that the server shares as memory
 * @offset: from the start of the region, bytes, page aligned
 * @size: bytes, page aligned, not 0
 * @file_offset: where in the region's fd the area starts, bytes, page aligned
 */
struct vuser_area {
	uint64_t offset;
	uint64_t size;
	uint64_t file_offset;
};

/**
 * struct vuser_io_fd - a sub-region that is signalled through an fd
 * @offset: from the start of the region, bytes
 * @size: of the access: 1, 2, 4, 8, or 0 for every size
 * @flags: VFIO_USER_IOEVENTFD_*
 * @datamatch: value to match with VFIO_USER_IOEVENTFD_DATAMATCH
 * @fd: eventfd; sub-regions may share one (then the very same number); it is
 *      owned by the region's @fds
 *
 * Ioregionfds are not kept: nothing in Linux implements them.
 */
struct vuser_io_fd {
	uint64_t offset;
	uint32_t size;
	uint32_t flags;
	uint64_t datamatch;
	int fd;
};

/**
 * struct vuser_region - a region as the server described it
 * @size: bytes; 0: the region is not there
 * @flags: VFIO_REGION_INFO_FLAG_READ, _WRITE, _MMAP (only with @fd)
 * @has_type: @type and @subtype were given
 * @type: VFIO_REGION_TYPE_*
 * @subtype: VFIO_REGION_SUBTYPE_*
 * @fd: memory of all areas, -1 when there are none
 * @nr_areas: entries of @areas, sorted by offset, none overlapping
 * @areas: a region that can be mapped as a whole has one
 * @nr_io_fds: entries of @io_fds
 * @io_fds: in the server's order
 * @nr_fds: entries of @fds
 * @fds: the distinct fds of @io_fds
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
 * @count: interrupts; 0: the type is not there
 */
struct vuser_irq {
	uint32_t flags;
	uint32_t count;
};

/**
 * struct vuser_description - all that the handshake learned
 * @minor: negotiated minor version
 * @flags: VFIO_DEVICE_FLAGS_*
 * @nr_regions: entries of @regions that are valid
 * @regions: by index
 * @nr_irqs: entries of @irqs that are valid
 * @irqs: by index
 * @sock: the main socket; no byte of a next message was read from it
 * @twin: the socket of the server's commands, -1 without one
 * @caps: the server's; max_msg_fds and max_data_xfer_size are what it takes
 *
 * Owns every fd in it.  To hand one on, dup it or replace it by -1.
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

/** vuser_description_free - close what it owns and free it; NULL is fine */
void vuser_description_free(struct vuser_description *desc);

/**
 * struct vuser_client_options - how to negotiate; zeroes are the defaults
 * @struct_size: sizeof(struct vuser_client_options)
 * @no_twin: do not offer a twin socket
 * @minor_0: propose version 0.0 in place of the newest, as QEMU does
 * @max_msg_fds: fds taken in one message, 0 for VUSER_MAX_MSG_FDS
 * @max_data_xfer_size: bytes taken in one message, 0 for the default (1 MiB)
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
 * vuser_handshake_new - start to learn what is behind a socket
 * @sock: connected; taken over, also on an error; made non-blocking
 * @opt: NULL for the defaults
 * @hs: result, free it with vuser_handshake_free()
 *
 * Sends the first message.  Afterwards wait for POLLIN on @sock and call
 * vuser_handshake_step() each time, and see to a deadline: a server may take as
 * long as it likes, and only the caller knows how long that may be.
 *
 * Return: 0; -ENOMEM; or an errno of sending.
 */
int vuser_handshake_new(int sock, const struct vuser_client_options *opt,
			struct vuser_handshake **hs);

/**
 * vuser_handshake_step - take what has arrived, ask for the next thing
 * @hs: the handshake
 * @desc: the result, the caller's, when done
 *
 * Never waits.  Call until it returns something else than -EAGAIN.
 *
 * Return: 0: done, @desc is set and the socket is in it; -EAGAIN: wait for
 * POLLIN, then step again; -EPROTO: the server broke the protocol;
 * -EPROTONOSUPPORT: its version; -ENODATA, -ECONNRESET: it went away; or
 * another errno, e.g. the one it answered.  vuser_handshake_error() tells more.
 */
int vuser_handshake_step(struct vuser_handshake *hs,
			 struct vuser_description **desc);

/** vuser_handshake_fd - the socket to poll for POLLIN; not after the end */
int vuser_handshake_fd(const struct vuser_handshake *hs);

/** vuser_handshake_error - what went wrong, for a person; never NULL */
const char *vuser_handshake_error(const struct vuser_handshake *hs);

/** vuser_handshake_free - at any time; closes the socket unless it was done */
void vuser_handshake_free(struct vuser_handshake *hs);

struct vuser_client;

/**
 * struct vuser_client_ops - commands that the server sends
 * @struct_size: sizeof(struct vuser_client_ops)
 * @dma_read: fill @buf from @address; return 0 or -errno for the reply
 * @dma_write: store @buf at @address; return 0 or -errno for the reply
 *
 * Called from inside of any function of the client, which they must not call
 * themselves.  Without one the server is told ENOTSUP.
 */
struct vuser_client_ops {
	size_t struct_size;
	int (*dma_read)(void *data, uint64_t address, void *buf, size_t count);
	int (*dma_write)(void *data, uint64_t address, const void *buf,
			 size_t count);
};

/**
 * vuser_client_new - connect to a server and learn all about its device
 * @path: of its socket
 * @opt: NULL for the defaults
 * @timeout_ms: for this and for every later call, -1 for none
 * @ops: NULL: every command of the server is refused
 * @data: for @ops
 * @client: result
 *
 * Return: 0; -ETIMEDOUT; or as vuser_sock_connect(), vuser_handshake_step().
 */
int vuser_client_new(const char *path, const struct vuser_client_options *opt,
		     int timeout_ms, const struct vuser_client_ops *ops,
		     void *data, struct vuser_client **client);

/** vuser_client_new_fd - the same on a connected socket, which is taken over */
int vuser_client_new_fd(int sock, const struct vuser_client_options *opt,
			int timeout_ms, const struct vuser_client_ops *ops,
			void *data, struct vuser_client **client);

/** vuser_client_free - disconnect; NULL is fine */
void vuser_client_free(struct vuser_client *client);

/** vuser_client_description - what the server said; owned by the client */
const struct vuser_description *
vuser_client_description(const struct vuser_client *client);

/*
 * Each of these sends its command, waits for the reply and meanwhile serves
 * what the server asks.  They return 0, or the errno that the server replied
 * (-EIO where it gave none), or -ETIMEDOUT, -EPROTO, -ENODATA, -ECONNRESET,
 * -EPIPE after which the client can only be freed.
 */

/** vuser_client_read - REGION_READ; longer ones than the server takes: EINVAL */
int vuser_client_read(struct vuser_client *client, uint32_t region,
		      uint64_t offset, void *buf, uint32_t count);

/** vuser_client_write - REGION_WRITE, answered */
int vuser_client_write(struct vuser_client *client, uint32_t region,
		       uint64_t offset, const void *buf, uint32_t count);

/** vuser_client_post - REGION_WRITE with No_reply: errors remain unseen */
int vuser_client_post(struct vuser_client *client, uint32_t region,
		      uint64_t offset, const void *buf, uint32_t count);

/** vuser_client_write_multi - REGION_WRITE_MULTI; *@done: writes completed */
int vuser_client_write_multi(struct vuser_client *client,
			     const struct vfio_user_single_write *wrs,
			     uint64_t count, uint64_t *done);

/**
 * vuser_client_set_irqs - SET_IRQS
 * @client: the client
 * @flags: one VFIO_IRQ_SET_DATA_* and one VFIO_IRQ_SET_ACTION_*
 * @index: of the interrupt type
 * @start: first interrupt
 * @count: number of them
 * @bools: @count bytes with DATA_BOOL
 * @fds: with DATA_EVENTFD @count eventfds (max_msg_fds at most), or NULL to
 *       take them back
 */
int vuser_client_set_irqs(struct vuser_client *client, uint32_t flags,
			  uint32_t index, uint32_t start, uint32_t count,
			  const uint8_t *bools, const int *fds);

/** vuser_client_dma_map - DMA_MAP; @fd is -1 for memory that has none */
int vuser_client_dma_map(struct vuser_client *client, uint64_t address,
			 uint64_t size, uint32_t flags, int fd,
			 uint64_t offset);

/** vuser_client_dma_unmap - DMA_UNMAP of exactly one mapped region */
int vuser_client_dma_unmap(struct vuser_client *client, uint64_t address,
			   uint64_t size);

/** vuser_client_reset - DEVICE_RESET */
int vuser_client_reset(struct vuser_client *client);

/**
 * vuser_client_feature - DEVICE_FEATURE
 * @client: the client
 * @flags: VFIO_DEVICE_FEATURE_GET, _SET, _PROBE and the index
 * @buf: data sent (SET, or the arguments of a GET), then data received (GET)
 * @len: of what is sent
 * @size: of @buf
 *
 * Return: length of the data received; -EOPNOTSUPP below minor version 1;
 * -ENOSPC when @buf is too small for the reply.
 */
ssize_t vuser_client_feature(struct vuser_client *client, uint32_t flags,
			     void *buf, size_t len, size_t size);

/**
 * vuser_client_mig_read - MIG_DATA_READ
 * @client: the client
 * @buf: result
 * @count: of @buf, the server's max_data_xfer_size at most
 *
 * Return: how many bytes came; fewer than @count: there are no more.
 * -EOPNOTSUPP below minor version 1.
 */
ssize_t vuser_client_mig_read(struct vuser_client *client, void *buf,
			      uint32_t count);

/** vuser_client_mig_write - MIG_DATA_WRITE of all of @count bytes, likewise; 0 */
int vuser_client_mig_write(struct vuser_client *client, const void *buf,
			   uint32_t count);

/** vuser_client_process - serve the server's commands for @timeout_ms at most;
 * returns 1 after one was served, 0 when none came, or -errno
 */
int vuser_client_process(struct vuser_client *client, int timeout_ms);

/**
 * vuser_client_command - any command, for tests and for what has no function
 * @client: the client
 * @command: VFIO_USER_*
 * @payload: to send
 * @len: of it
 * @fds: to go along
 * @nr_fds: number of them
 * @reply: for the payload of the reply
 * @size: of @reply
 *
 * Return: length of the reply's payload; -EMSGSIZE when it is more than @size.
 */
ssize_t vuser_client_command(struct vuser_client *client, uint16_t command,
			     const void *payload, size_t len, const int *fds,
			     uint32_t nr_fds, void *reply, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_CLIENT_H */
