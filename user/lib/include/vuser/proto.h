/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: vfio-user messages as typed structures.
 *
 * The functions of this header convert between a payload and a checked structure.
 * They do no I/O, have no state and log nothing. The payload is the part of a message
 * after its header. Names in quotes are titles of the specification.
 *
 * Decoders return 0 or a negative errno: -EMSGSIZE when the payload is shorter or
 * longer than the command allows, -EINVAL when a field is invalid. They never read
 * beyond the end of the payload. After an error, the results are undefined. Pointers
 * in results point into the payload.
 *
 * Encoders return the length of the payload that they wrote, -ENOBUFS when the buffer
 * is too small, or -EINVAL when the peer would have to refuse the message.
 *
 * The structures with a member struct_size follow the rules in
 * Documentation/library-abi.rst: set struct_size to sizeof() of the structure, also
 * when the structure is a result. For a bad struct_size the functions return -EINVAL or
 * -E2BIG.
 */
#ifndef VUSER_PROTO_H
#define VUSER_PROTO_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <vuser/vfio_user.h>

/* Migration in <linux/vfio.h> of Linux 6.2 and later. */
#ifndef VFIO_MIGRATION_PRE_COPY
#define VFIO_MIGRATION_PRE_COPY		  (1 << 2)
#define VFIO_DEVICE_STATE_PRE_COPY	  6
#define VFIO_DEVICE_STATE_PRE_COPY_P2P	  7
#define VFIO_DEVICE_FEATURE_MIG_DATA_SIZE 9
struct vfio_device_feature_mig_data_size {
	__aligned_u64 stop_copy_length;
};
#endif

/* The compiler warns about a caller that ignores the result of the function. */
#if defined(__GNUC__)
#define VUSER_MUST_CHECK __attribute__((warn_unused_result))
#else
#define VUSER_MUST_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Limits of a server's device. The kernel module has the same limits. */
#define VUSER_MAX_REGIONS     32
#define VUSER_MAX_AREAS	      64
#define VUSER_MAX_IOEVENTFDS  1024
#define VUSER_MAX_IRQ_INDEXES 16
#define VUSER_MAX_IRQS	      4096

/* SCM_MAX_FD of the kernel: one message cannot carry more file descriptors. */
#define VUSER_MAX_MSG_FDS 253

/* The most bytes of data accepted in one message, whatever was negotiated. */
#define VUSER_MAX_XFER_SIZE (16 * 1024 * 1024)

/* The longest payload of a reply to "VFIO_USER_DEVICE_GET_REGION_IO_FDS" */
#define VUSER_MAX_IO_FDS_SIZE                     \
	(sizeof(struct vfio_user_region_io_fds) + \
	 VUSER_MAX_IOEVENTFDS * sizeof(struct vfio_user_io_fd_shadow))

/**
 * vuser_command_name - the name of a command, for messages
 * @command: VFIO_USER_*
 *
 * Return: e.g. "REGION_READ"; "?" for an unknown command.
 */
const char *vuser_command_name(uint16_t command);

/* "Header" */

/**
 * vuser_header_text - describe a header, in the words of the kernel module's log
 * @buf: result: the text with its NUL, truncated to @size
 * @size: size of @buf, bytes
 * @hdr: any header
 */
void vuser_header_text(char *buf, size_t size,
		       const struct vfio_user_header *hdr);

/**
 * vuser_header_is_reply - tell whether a server's message is a reply
 * @hdr: the header
 *
 * Version 0.1.3 of the Rust crate vfio_user, and older ones, mark error replies as
 * commands. They consist of a header only, and are replies here. A command of a server
 * has no error flag.
 *
 * Return: whether the message is a reply.
 */
bool vuser_header_is_reply(const struct vfio_user_header *hdr);

/**
 * vuser_decode_header - check the header of a message
 * @buf: sizeof(struct vfio_user_header) bytes, as received
 * @max_size: largest msg_size to accept, bytes
 * @hdr: result
 *
 * Ignores reserved bits of the flags.
 *
 * Return: 0; -EINVAL when the type is neither command nor reply, or msg_size is
 * smaller than a header; -EMSGSIZE when msg_size is larger than @max_size.
 */
int vuser_decode_header(const void *buf, uint32_t max_size,
			struct vfio_user_header *hdr);

/* "VFIO_USER_VERSION" */

/**
 * struct vuser_caps - the capabilities in the JSON of a version message
 * @max_msg_fds: file descriptors that the sender accepts with one message
 * @max_data_xfer_size: bytes of data that the sender accepts in one message
 * @max_dma_maps: DMA regions that the sender accepts at one time
 * @pgsizes: page sizes of DMA maps, one bit for each
 * @migration_pgsize: smallest page size of dirty tracking; 0: not sent
 * @twin_supported: twin_socket.supported
 * @twin_fd_index: twin_socket.fd_index; -1: not sent
 * @write_multiple: the sender supports REGION_WRITE_MULTI
 * @has_max_dma_maps: @max_dma_maps was sent; otherwise it is the default
 */
struct vuser_caps {
	uint32_t max_msg_fds;
	uint32_t max_data_xfer_size;
	uint32_t max_dma_maps;
	uint64_t pgsizes;
	uint64_t migration_pgsize;
	bool twin_supported;
	int twin_fd_index;
	bool write_multiple;
	bool has_max_dma_maps;
};

/**
 * struct vuser_version - a version message
 * @struct_size: sizeof(struct vuser_version)
 * @major: 0
 * @minor: any
 * @caps: with the defaults for all capabilities that were not sent
 */
struct vuser_version {
	size_t struct_size;
	uint16_t major;
	uint16_t minor;
	struct vuser_caps caps;
};

/**
 * vuser_version_default - the version of a sender that sent no JSON
 * @version: result; struct_size must be set
 *
 * Return: 0; -EINVAL for a bad struct_size.
 */
int vuser_version_default(struct vuser_version *version);

/**
 * vuser_encode_version - encode a version message, command or reply
 * @buf: result: the payload
 * @size: size of @buf, bytes; sizeof(struct vfio_user_version) +
 *        VFIO_USER_VERSION_DATA_MAX is always enough
 * @version: the version; JSON is always written
 *
 * Return: as all encoders; -ENOMEM.
 */
ssize_t vuser_encode_version(void *buf, size_t size,
			     const struct vuser_version *version);

/**
 * vuser_decode_version - decode a version message, command or reply
 * @buf: the payload
 * @len: length of @buf, bytes
 * @version: result; struct_size must be set
 *
 * Ignores unknown capabilities. Numbers that are too large for their member are
 * reduced to its maximum; max_data_xfer_size to VUSER_MAX_XFER_SIZE.
 *
 * Return: 0; -EMSGSIZE; -EINVAL when the text has no NUL at its end or is not a
 * JSON object, or a value has the wrong type, is negative, or is 0 where 0 is
 * not allowed; -EPROTONOSUPPORT when major is not 0; -ENOMEM.
 */
int vuser_decode_version(const void *buf, size_t len,
			 struct vuser_version *version);

/* "VFIO_USER_DMA_MAP", "VFIO_USER_DMA_UNMAP" */

/**
 * vuser_encode_dma_map - encode a DMA_MAP command
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @address: first address
 * @length: bytes
 * @offset: offset in the file, bytes
 * @flags: VFIO_USER_DMA_MAP_*
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_dma_map(void *buf, size_t size, uint64_t address,
			     uint64_t length, uint64_t offset, uint32_t flags);

/**
 * vuser_decode_dma_map - decode a DMA_MAP command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @map: result
 *
 * Return: as all decoders.
 */
int vuser_decode_dma_map(const void *buf, size_t len,
			 struct vfio_user_dma_map *map);

/**
 * vuser_encode_dma_unmap - encode a DMA_UNMAP command
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @address: first address
 * @length: bytes
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_dma_unmap(void *buf, size_t size, uint64_t address,
			       uint64_t length);

/**
 * vuser_decode_dma_unmap - decode a DMA_UNMAP command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @unmap: result
 *
 * Return: as all decoders.
 */
int vuser_decode_dma_unmap(const void *buf, size_t len,
			   struct vfio_user_dma_unmap *unmap);

/**
 * vuser_decode_dma_unmap_reply - decode a reply to DMA_UNMAP
 * @buf: the payload
 * @len: length of @buf, bytes
 * @want: the command; the reply must be empty or repeat its address and size
 *
 * Return: as all decoders.
 */
int vuser_decode_dma_unmap_reply(const void *buf, size_t len,
				 const struct vfio_user_dma_unmap *want);

/* "VFIO_USER_DEVICE_GET_INFO" */

/**
 * vuser_encode_device_info - encode a DEVICE_GET_INFO command or reply
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @flags: VFIO_DEVICE_FLAGS_*; 0 in the command
 * @num_regions: number of regions; 0 in the command
 * @num_irqs: number of interrupt types; 0 in the command
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_device_info(void *buf, size_t size, uint32_t flags,
				 uint32_t num_regions, uint32_t num_irqs);

/**
 * vuser_decode_device_info - decode a DEVICE_GET_INFO command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @info: result
 *
 * Return: as all decoders.
 */
int vuser_decode_device_info(const void *buf, size_t len,
			     struct vfio_user_device_info *info);

/**
 * vuser_decode_device_info_reply - decode a reply to DEVICE_GET_INFO
 * @buf: the payload
 * @len: length of @buf, bytes
 * @info: result
 *
 * Return: as all decoders.
 */
int vuser_decode_device_info_reply(const void *buf, size_t len,
				   struct vfio_user_device_info *info);

/* "VFIO_USER_DEVICE_GET_REGION_INFO" */

/**
 * struct vuser_region_caps - the capabilities of a region
 * @struct_size: sizeof(struct vuser_region_caps)
 * @has_sparse: the region has a sparse mmap capability: @nr_areas and @areas
 * @has_type: the region has a type capability: @type and @subtype
 * @type: VFIO_REGION_TYPE_*
 * @subtype: VFIO_REGION_SUBTYPE_*
 * @nr_areas: entries of @areas
 * @areas: offsets from the start of the region. The encoder does not compare them with
 *         the size of the region. The decoder checks and sorts them; they do not
 *         overlap.
 */
struct vuser_region_caps {
	size_t struct_size;
	bool has_sparse;
	bool has_type;
	uint32_t type;
	uint32_t subtype;
	uint32_t nr_areas;
	struct vfio_user_sparse_area areas[VUSER_MAX_AREAS];
};

/**
 * vuser_encode_region_info - encode a DEVICE_GET_REGION_INFO command
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @index: of the region
 * @argsz: longest payload of the reply to accept, bytes
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_region_info(void *buf, size_t size, uint32_t index,
				 uint32_t argsz);

/**
 * vuser_decode_region_info - decode a DEVICE_GET_REGION_INFO command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @info: result
 *
 * Return: as all decoders.
 */
int vuser_decode_region_info(const void *buf, size_t len,
			     struct vfio_user_region_info *info);

/**
 * vuser_encode_region_info_reply - encode a reply to DEVICE_GET_REGION_INFO
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @argsz: of the command. When the capabilities do not fit, they are left out,
 *         and argsz of the reply is the length that they need.
 * @info: index, size, offset, and flags without FLAG_CAPS are used
 * @caps: NULL for none
 *
 * Return: as all encoders; -E2BIG for a bad struct_size.
 */
ssize_t vuser_encode_region_info_reply(void *buf, size_t size, uint32_t argsz,
				       const struct vfio_user_region_info *info,
				       const struct vuser_region_caps *caps);

/**
 * vuser_decode_region_info_reply - decode a reply to DEVICE_GET_REGION_INFO
 * @buf: the payload
 * @len: length of @buf, bytes
 * @index: of the command
 * @info: result
 * @caps: result; struct_size must be set
 *
 * Return: 0; the argsz to repeat the command with, when the server left out the
 * capabilities because argsz was too small; -EMSGSIZE; -EINVAL, also when the
 * list of capabilities exceeds the payload or loops, and when areas exceed the
 * region, overlap or are too many.
 */
int vuser_decode_region_info_reply(const void *buf, size_t len, uint32_t index,
				   struct vfio_user_region_info *info,
				   struct vuser_region_caps *caps);

/* "VFIO_USER_DEVICE_GET_REGION_IO_FDS" */

/**
 * vuser_encode_region_io_fds - encode a DEVICE_GET_REGION_IO_FDS command
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @index: of the region
 * @argsz: longest payload of the reply to accept, bytes
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_region_io_fds(void *buf, size_t size, uint32_t index,
				   uint32_t argsz);

/**
 * vuser_decode_region_io_fds - decode a DEVICE_GET_REGION_IO_FDS command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @req: result
 *
 * Return: as all decoders.
 */
int vuser_decode_region_io_fds(const void *buf, size_t len,
			       struct vfio_user_region_io_fds *req);

/**
 * vuser_encode_region_io_fds_reply - encode a reply to DEVICE_GET_REGION_IO_FDS
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @argsz: of the command. When the entries do not fit, they are left out, and
 *         argsz of the reply is the length that they need.
 * @index: of the region
 * @io_fds: the entries
 * @count: entries of @io_fds
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_region_io_fds_reply(void *buf, size_t size, uint32_t argsz,
					 uint32_t index,
					 const struct vfio_user_io_fd *io_fds,
					 uint32_t count);

/**
 * vuser_decode_region_io_fds_reply - decode a reply to DEVICE_GET_REGION_IO_FDS
 * @buf: the payload
 * @len: length of @buf, bytes
 * @index: of the command
 * @region_size: all entries must be inside the region
 * @nr_fds: file descriptors that came with the reply
 * @io_fds: result
 * @max: size of @io_fds, entries
 *
 * The entries of the reply are of struct vfio_user_io_fd, or of struct
 * vfio_user_io_fd_shadow; their size follows from the length of the reply. Entries of
 * types other than VFIO_USER_IO_FD_TYPE_IOEVENTFD and _IOREGIONFD are left out of
 * @io_fds.
 *
 * Return: the number of entries in @io_fds; -EMSGSIZE for entries of another size;
 * -EINVAL.
 */
int vuser_decode_region_io_fds_reply(const void *buf, size_t len,
				     uint32_t index, uint64_t region_size,
				     uint32_t nr_fds,
				     struct vfio_user_io_fd *io_fds,
				     uint32_t max);

/* "VFIO_USER_DEVICE_GET_IRQ_INFO" */

/**
 * vuser_encode_irq_info - encode a DEVICE_GET_IRQ_INFO command or reply
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @index: the interrupt type
 * @flags: VFIO_IRQ_INFO_*; 0 in the command
 * @count: number of interrupts; 0 in the command
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_irq_info(void *buf, size_t size, uint32_t index,
			      uint32_t flags, uint32_t count);

/**
 * vuser_decode_irq_info - decode a DEVICE_GET_IRQ_INFO command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @info: result
 *
 * Return: as all decoders.
 */
int vuser_decode_irq_info(const void *buf, size_t len,
			  struct vfio_user_irq_info *info);

/**
 * vuser_decode_irq_info_reply - decode a reply to DEVICE_GET_IRQ_INFO
 * @buf: the payload
 * @len: length of @buf, bytes
 * @index: of the command
 * @info: result
 *
 * Return: as all decoders.
 */
int vuser_decode_irq_info_reply(const void *buf, size_t len, uint32_t index,
				struct vfio_user_irq_info *info);

/* "VFIO_USER_DEVICE_SET_IRQS" */

/**
 * vuser_encode_irq_set - encode a SET_IRQS command
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @flags: one VFIO_IRQ_SET_DATA_* and one VFIO_IRQ_SET_ACTION_*
 * @index: the interrupt type
 * @start: the first interrupt
 * @count: number of interrupts
 * @bools: with DATA_BOOL @count bytes, else NULL
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_irq_set(void *buf, size_t size, uint32_t flags,
			     uint32_t index, uint32_t start, uint32_t count,
			     const uint8_t *bools);

/**
 * vuser_decode_irq_set - decode a SET_IRQS command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @nr_fds: file descriptors that came with the command: with DATA_EVENTFD none,
 *          or one for each interrupt; else none
 * @set: result
 * @bools: result: with DATA_BOOL set->count bytes, else NULL
 *
 * Does not know the number of interrupts of the device: the caller must check the
 * range.
 *
 * Return: as all decoders.
 */
int vuser_decode_irq_set(const void *buf, size_t len, uint32_t nr_fds,
			 struct vfio_user_irq_set *set, const uint8_t **bools);

/*
 * "VFIO_USER_REGION_READ", "VFIO_USER_REGION_WRITE", "VFIO_USER_DMA_READ",
 * "VFIO_USER_DMA_WRITE". Encoders write the fixed part only; the data follow it as a
 * separate part of the message.
 */

/**
 * vuser_encode_region_access - encode a REGION_READ or REGION_WRITE, command or reply
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @region: index of the region
 * @offset: from the start of the region, bytes
 * @count: bytes of data
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_region_access(void *buf, size_t size, uint32_t region,
				   uint64_t offset, uint32_t count);

/**
 * vuser_decode_region_access - decode a REGION_READ command or a reply to REGION_WRITE
 * @buf: the payload
 * @len: length of @buf, bytes
 * @max_count: most bytes of data to accept
 * @access: result; count is 1 to @max_count
 *
 * Return: as all decoders.
 */
int vuser_decode_region_access(const void *buf, size_t len, uint32_t max_count,
			       struct vfio_user_region_access *access);

/**
 * vuser_decode_region_access_data - decode a REGION_WRITE command or a
 * reply to REGION_READ
 * @buf: the payload
 * @len: length of @buf, bytes
 * @max_count: most bytes of data to accept
 * @access: result; count is 1 to @max_count
 * @data: result: access->count bytes
 *
 * Return: as all decoders.
 */
int vuser_decode_region_access_data(const void *buf, size_t len,
				    uint32_t max_count,
				    struct vfio_user_region_access *access,
				    const void **data);

/**
 * vuser_decode_region_read_reply - decode a reply to REGION_READ, which
 * repeats the command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @region: of the command
 * @offset: of the command
 * @count: of the command
 * @data: result: @count bytes
 *
 * Return: as all decoders.
 */
int vuser_decode_region_read_reply(const void *buf, size_t len, uint32_t region,
				   uint64_t offset, uint32_t count,
				   const void **data);

/**
 * vuser_decode_region_write_reply - decode a reply to REGION_WRITE, which
 * repeats the command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @region: of the command
 * @offset: of the command
 * @count: of the command
 *
 * Return: as all decoders.
 */
int vuser_decode_region_write_reply(const void *buf, size_t len,
				    uint32_t region, uint64_t offset,
				    uint32_t count);

/**
 * vuser_encode_dma_access - encode a DMA_READ or DMA_WRITE, command or reply
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @address: first address
 * @count: bytes of data
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_dma_access(void *buf, size_t size, uint64_t address,
				uint64_t count);

/**
 * vuser_decode_dma_access - decode a DMA_READ command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @max_count: most bytes of data to accept
 * @access: result; count is 1 to @max_count
 *
 * Return: as all decoders.
 */
int vuser_decode_dma_access(const void *buf, size_t len, uint32_t max_count,
			    struct vfio_user_dma_access *access);

/**
 * vuser_decode_dma_access_data - decode a DMA_WRITE command or a reply to DMA_READ
 * @buf: the payload
 * @len: length of @buf, bytes
 * @max_count: most bytes of data to accept
 * @access: result; count is 1 to @max_count
 * @data: result: access->count bytes
 *
 * Return: as all decoders.
 */
int vuser_decode_dma_access_data(const void *buf, size_t len,
				 uint32_t max_count,
				 struct vfio_user_dma_access *access,
				 const void **data);

/**
 * vuser_decode_dma_read_reply - decode a reply to DMA_READ, which repeats the command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @address: of the command
 * @count: of the command
 * @data: result: @count bytes
 *
 * Return: as all decoders.
 */
int vuser_decode_dma_read_reply(const void *buf, size_t len, uint64_t address,
				uint64_t count, const void **data);

/**
 * vuser_decode_dma_write_reply - decode a reply to DMA_WRITE, which repeats the command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @address: of the command
 * @count: of the command
 *
 * Accepts the reply of 12 bytes of the specification and the reply of 16 bytes
 * that implementations send.
 *
 * Return: as all decoders.
 */
int vuser_decode_dma_write_reply(const void *buf, size_t len, uint64_t address,
				 uint64_t count);

/* "VFIO_USER_DEVICE_RESET" */

/**
 * vuser_decode_empty - check a payload that must be empty
 * @buf: the payload
 * @len: length of @buf, bytes
 *
 * Return: as all decoders.
 */
int vuser_decode_empty(const void *buf, size_t len);

/* "VFIO_USER_REGION_WRITE_MULTI" */

/**
 * vuser_encode_write_multi - encode a REGION_WRITE_MULTI command
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @wrs: the writes
 * @count: entries of @wrs
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_write_multi(void *buf, size_t size,
				 const struct vfio_user_single_write *wrs,
				 uint64_t count);

/**
 * vuser_decode_write_multi - decode a REGION_WRITE_MULTI command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @wrs: result: the writes
 *
 * Return: the number of writes; -EMSGSIZE; -EINVAL.
 */
ssize_t vuser_decode_write_multi(const void *buf, size_t len,
				 const struct vfio_user_single_write **wrs);

/**
 * vuser_encode_write_multi_reply - encode a reply to REGION_WRITE_MULTI
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @count: number of writes that were completed
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_write_multi_reply(void *buf, size_t size, uint64_t count);

/**
 * vuser_decode_write_multi_reply - decode a reply to REGION_WRITE_MULTI
 * @buf: the payload
 * @len: length of @buf, bytes
 * @max: number of writes in the command
 * @count: result: number of writes that were completed
 *
 * Return: as all decoders.
 */
int vuser_decode_write_multi_reply(const void *buf, size_t len, uint64_t max,
				   uint64_t *count);

/* "VFIO_USER_DEVICE_FEATURE" */

/**
 * vuser_encode_feature - encode a DEVICE_FEATURE command or reply
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @argsz: longest payload of the reply to accept, bytes; in a reply, the length of the
 *         reply with all of its data
 * @flags: VFIO_DEVICE_FEATURE_GET, _SET, _PROBE and the index of the feature
 * @data: data after the fixed part; may already be at its place in @buf
 * @data_len: length of @data, bytes
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_feature(void *buf, size_t size, uint32_t argsz,
			     uint32_t flags, const void *data, size_t data_len);

/**
 * vuser_decode_feature - decode a DEVICE_FEATURE command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @feature: result: the fixed part
 * @data: result: the data after it
 * @data_len: result: length of @data, bytes
 *
 * Return: as all decoders.
 */
int vuser_decode_feature(const void *buf, size_t len,
			 struct vfio_user_device_feature *feature,
			 const void **data, size_t *data_len);

/**
 * vuser_decode_feature_reply - decode a reply to DEVICE_FEATURE
 * @buf: the payload
 * @len: length of @buf, bytes
 * @flags: of the command
 * @data: result
 * @data_len: result: length of @data, bytes
 *
 * Return: as all decoders.
 */
int vuser_decode_feature_reply(const void *buf, size_t len, uint32_t flags,
			       const void **data, size_t *data_len);

/* "VFIO_USER_MIG_DATA_READ", "VFIO_USER_MIG_DATA_WRITE" */

/**
 * vuser_encode_mig_read - encode a MIG_DATA_READ command
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @count: most bytes to receive
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_mig_read(void *buf, size_t size, uint32_t count);

/**
 * vuser_decode_mig_read - decode a MIG_DATA_READ command
 * @buf: the payload
 * @len: length of @buf, bytes
 * @max_count: most bytes of data to accept
 * @count: result
 *
 * Return: as all decoders.
 */
int vuser_decode_mig_read(const void *buf, size_t len, uint32_t max_count,
			  uint32_t *count);

/**
 * vuser_encode_mig_data - encode the fixed part of MIG_DATA_WRITE or of a reply to
 * MIG_DATA_READ
 * @buf: result: the payload
 * @size: size of @buf, bytes
 * @count: bytes of data, which follow as a separate part of the message
 *
 * Return: as all encoders.
 */
ssize_t vuser_encode_mig_data(void *buf, size_t size, uint32_t count);

/**
 * vuser_decode_mig_data - decode a MIG_DATA_WRITE command or a reply to MIG_DATA_READ
 * @buf: the payload
 * @len: length of @buf, bytes
 * @max_count: most bytes of data to accept
 * @count: result
 * @data: result: @count bytes
 *
 * Return: as all decoders.
 */
int vuser_decode_mig_data(const void *buf, size_t len, uint32_t max_count,
			  uint32_t *count, const void **data);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_PROTO_H */
