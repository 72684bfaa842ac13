/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvuser: vfio-user messages as typed structures.
 *
 * Pure functions from (buffer, length) to a checked structure and back; none
 * does I/O, keeps state or logs.  "Payload" is what follows the header of a
 * message.
 *
 * Decoders return 0 or a negative errno: -EMSGSIZE when the payload is shorter
 * or longer than the command allows, -EINVAL when a field is out of range.
 * A decoder that was given a shorter structure never reads behind it, and
 * leaves its result undefined on an error.  Pointers in results point into the
 * payload.
 *
 * Encoders return the length of the payload they wrote, -ENOBUFS when it does
 * not fit, or -EINVAL when the peer would have to refuse it.
 */
#ifndef VUSER_PROTO_H
#define VUSER_PROTO_H

#include <linux/vfio.h>
#include <vuser/vfio_user.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What one side may claim; the kernel module has the same limits. */
#define VUSER_MAX_REGIONS     32
#define VUSER_MAX_AREAS	      64
#define VUSER_MAX_IOEVENTFDS  1024
#define VUSER_MAX_IRQ_INDEXES 16
#define VUSER_MAX_IRQS	      4096

/* SCM_MAX_FD of the kernel: no message can carry more. */
#define VUSER_MAX_MSG_FDS 253

/* The largest message taken from a peer, whatever was negotiated. */
#define VUSER_MAX_XFER_SIZE (16 * 1024 * 1024)

/* "VFIO_USER_DEVICE_GET_REGION_IO_FDS", largest reply payload */
#define VUSER_MAX_IO_FDS_SIZE                     \
	(sizeof(struct vfio_user_region_io_fds) + \
	 VUSER_MAX_IOEVENTFDS * sizeof(struct vfio_user_io_fd))

/**
 * vuser_command_name - name of a command for messages to a person
 * @command: VFIO_USER_*
 *
 * Return: "REGION_READ" and the like; "?" for one that is not known.
 */
const char *vuser_command_name(uint16_t command);

/* "Header" */

/**
 * vuser_header_text - a header for the log, in the words of the kernel module
 * @buf: for the text, with its NUL; cut where it does not fit
 * @size: of @buf
 * @hdr: any
 */
void vuser_header_text(char *buf, size_t size,
		       const struct vfio_user_header *hdr);

/**
 * vuser_decode_header - check the header of a message
 * @buf: sizeof(struct vfio_user_header) bytes as received
 * @max_size: largest msg_size taken
 * @hdr: result
 *
 * Reserved flag bits are ignored.
 *
 * Return: 0; -EINVAL when the type is neither command nor reply or msg_size is
 * less than a header; -EMSGSIZE when it is more than @max_size.
 */
int vuser_decode_header(const void *buf, uint32_t max_size,
			struct vfio_user_header *hdr);

/* "VFIO_USER_VERSION" */

/**
 * struct vuser_caps - the capabilities in the JSON of a version message
 * @max_msg_fds: the sender takes so many fds in one message
 * @max_data_xfer_size: the sender takes so many bytes of data in one message
 * @max_dma_maps: DMA regions at one time
 * @pgsizes: of DMA maps, or'ed
 * @migration_pgsize: smallest page of dirty tracking, 0 when not given
 * @twin_supported: twin_socket.supported
 * @twin_fd_index: twin_socket.fd_index, -1 when not given
 * @write_multiple: REGION_WRITE_MULTI may be sent
 * @has_max_dma_maps: @max_dma_maps was given and is not just the default
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
 * @struct_size: sizeof(struct vuser_version), also where it is a result
 * @major: 0
 * @minor: any
 * @caps: defaults where the sender gave nothing
 */
struct vuser_version {
	size_t struct_size;
	uint16_t major;
	uint16_t minor;
	struct vuser_caps caps;
};

/**
 * vuser_version_default - the version of a peer that sent no JSON
 * @version: result; struct_size must be set
 *
 * Return: 0; -EINVAL for a bad struct_size.
 */
int vuser_version_default(struct vuser_version *version);

/**
 * vuser_encode_version - a version message, command or reply
 * @buf: for the payload
 * @size: of @buf; VFIO_USER_VERSION_DATA_MAX + 4 is enough for any
 * @version: what to send; JSON is always written
 */
ssize_t vuser_encode_version(void *buf, size_t size,
			     const struct vuser_version *version);

/**
 * vuser_decode_version - a version message, command or reply
 * @buf: payload
 * @len: of @buf
 * @version: result
 *
 * Unknown capabilities are ignored.  Numbers too large for their field are cut
 * to its largest value; max_data_xfer_size to VUSER_MAX_XFER_SIZE.
 *
 * Return: 0; -EMSGSIZE; -EINVAL when the text has no NUL at its end or is no
 * JSON object, or a value has the wrong type or is negative, or 0 where that
 * makes no sense; -EPROTONOSUPPORT when major is not 0.
 */
int vuser_decode_version(const void *buf, size_t len,
			 struct vuser_version *version);

/* "VFIO_USER_DMA_MAP", "VFIO_USER_DMA_UNMAP" */
ssize_t vuser_encode_dma_map(void *buf, size_t size, uint64_t address,
			     uint64_t length, uint64_t offset, uint32_t flags);
int vuser_decode_dma_map(const void *buf, size_t len,
			 struct vfio_user_dma_map *map);
ssize_t vuser_encode_dma_unmap(void *buf, size_t size, uint64_t address,
			       uint64_t length);
int vuser_decode_dma_unmap(const void *buf, size_t len,
			   struct vfio_user_dma_unmap *unmap);
/* @want: what was asked; the reply may be empty, else it must echo @want */
int vuser_decode_dma_unmap_reply(const void *buf, size_t len,
				 const struct vfio_user_dma_unmap *want);

/* "VFIO_USER_DEVICE_GET_INFO" */
ssize_t vuser_encode_device_info(void *buf, size_t size, uint32_t flags,
				 uint32_t num_regions, uint32_t num_irqs);
int vuser_decode_device_info(const void *buf, size_t len,
			     struct vfio_user_device_info *info);
int vuser_decode_device_info_reply(const void *buf, size_t len,
				   struct vfio_user_device_info *info);

/* "VFIO_USER_DEVICE_GET_REGION_INFO" */

/**
 * struct vuser_region_caps - the capabilities of a region
 * @struct_size: sizeof(struct vuser_region_caps), also where it is a result
 * @has_sparse: a sparse mmap capability was there
 * @has_type: a type capability was there
 * @type: VFIO_REGION_TYPE_*
 * @subtype: VFIO_REGION_SUBTYPE_*
 * @nr_areas: entries of @areas
 * @areas: from the start of the region; unchecked against its size on encode,
 *         checked, sorted and free of overlaps on decode
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

/* The command: @argsz is the largest reply payload taken. */
ssize_t vuser_encode_region_info(void *buf, size_t size, uint32_t index,
				 uint32_t argsz);
int vuser_decode_region_info(const void *buf, size_t len,
			     struct vfio_user_region_info *info);

/**
 * vuser_encode_region_info_reply - a region with its capabilities
 * @buf: for the payload
 * @size: of @buf
 * @argsz: of the command: when the capabilities do not fit in it they are left
 *         out, and argsz of the reply says how much is needed
 * @info: index, flags without FLAG_CAPS, size, offset are used
 * @caps: may be NULL
 */
ssize_t vuser_encode_region_info_reply(void *buf, size_t size, uint32_t argsz,
				       const struct vfio_user_region_info *info,
				       const struct vuser_region_caps *caps);

/**
 * vuser_decode_region_info_reply - a region with its capabilities
 * @buf: payload
 * @len: of @buf
 * @index: that was asked for
 * @info: result
 * @caps: result
 *
 * Return: 0; the size needed when the capabilities were left out because argsz
 * of the command was too small: ask again with it; -EMSGSIZE; -EINVAL for a
 * capability list that leaves the payload or loops, or areas that leave the
 * region, overlap or are too many.
 */
int vuser_decode_region_info_reply(const void *buf, size_t len, uint32_t index,
				   struct vfio_user_region_info *info,
				   struct vuser_region_caps *caps);

/* "VFIO_USER_DEVICE_GET_REGION_IO_FDS" */
ssize_t vuser_encode_region_io_fds(void *buf, size_t size, uint32_t index,
				   uint32_t argsz);
int vuser_decode_region_io_fds(const void *buf, size_t len,
			       struct vfio_user_region_io_fds *req);
ssize_t vuser_encode_region_io_fds_reply(void *buf, size_t size, uint32_t argsz,
					 uint32_t index,
					 const struct vfio_user_io_fd *io_fds,
					 uint32_t count);

/**
 * vuser_decode_region_io_fds_reply - the io fds of a region
 * @buf: payload
 * @len: of @buf
 * @index: that was asked for
 * @region_size: every sub-region must lie inside
 * @nr_fds: that came along
 * @io_fds: result, one after the other as the protocol wants entries to be
 *          spaced by the reply's own argsz
 * @max: entries of @io_fds
 *
 * Return: number of entries; -EMSGSIZE; -EINVAL.
 */
int vuser_decode_region_io_fds_reply(const void *buf, size_t len,
				     uint32_t index, uint64_t region_size,
				     uint32_t nr_fds,
				     struct vfio_user_io_fd *io_fds,
				     uint32_t max);

/* "VFIO_USER_DEVICE_GET_IRQ_INFO" */
ssize_t vuser_encode_irq_info(void *buf, size_t size, uint32_t index,
			      uint32_t flags, uint32_t count);
int vuser_decode_irq_info(const void *buf, size_t len,
			  struct vfio_user_irq_info *info);
int vuser_decode_irq_info_reply(const void *buf, size_t len, uint32_t index,
				struct vfio_user_irq_info *info);

/* "VFIO_USER_DEVICE_SET_IRQS" */

/**
 * vuser_encode_irq_set - a SET_IRQS command
 * @buf: for the payload
 * @size: of @buf
 * @flags: one VFIO_IRQ_SET_DATA_* and one VFIO_IRQ_SET_ACTION_*
 * @index: of the interrupt type
 * @start: first interrupt
 * @count: number of them
 * @bools: @count bytes with DATA_BOOL, else NULL
 */
ssize_t vuser_encode_irq_set(void *buf, size_t size, uint32_t flags,
			     uint32_t index, uint32_t start, uint32_t count,
			     const uint8_t *bools);

/**
 * vuser_decode_irq_set - a SET_IRQS command
 * @buf: payload
 * @len: of @buf
 * @nr_fds: that came along: with DATA_EVENTFD none or one for each interrupt,
 *          else none
 * @set: result, its data left in @buf
 * @bools: result: @set->count bytes with DATA_BOOL, else NULL
 *
 * Does not know how many interrupts there are: the caller checks the range.
 */
int vuser_decode_irq_set(const void *buf, size_t len, uint32_t nr_fds,
			 struct vfio_user_irq_set *set, const uint8_t **bools);

/*
 * "VFIO_USER_REGION_READ", "VFIO_USER_REGION_WRITE".  The encoders write the
 * fixed part only: data goes out behind it as a piece of its own.
 */
ssize_t vuser_encode_region_access(void *buf, size_t size, uint32_t region,
				   uint64_t offset, uint32_t count);
/* A read command or a write reply: no data.  0 < count <= @max_count. */
int vuser_decode_region_access(const void *buf, size_t len, uint32_t max_count,
			       struct vfio_user_region_access *access);
/* A write command or a read reply: exactly count bytes of data. */
int vuser_decode_region_access_data(const void *buf, size_t len,
				    uint32_t max_count,
				    struct vfio_user_region_access *access,
				    const void **data);
/* Replies must echo region, offset and count of the command. */
int vuser_decode_region_read_reply(const void *buf, size_t len, uint32_t region,
				   uint64_t offset, uint32_t count,
				   const void **data);
int vuser_decode_region_write_reply(const void *buf, size_t len,
				    uint32_t region, uint64_t offset,
				    uint32_t count);

/* "VFIO_USER_DMA_READ", "VFIO_USER_DMA_WRITE", likewise */
ssize_t vuser_encode_dma_access(void *buf, size_t size, uint64_t address,
				uint64_t count);
int vuser_decode_dma_access(const void *buf, size_t len, uint32_t max_count,
			    struct vfio_user_dma_access *access);
int vuser_decode_dma_access_data(const void *buf, size_t len,
				 uint32_t max_count,
				 struct vfio_user_dma_access *access,
				 const void **data);
int vuser_decode_dma_read_reply(const void *buf, size_t len, uint64_t address,
				uint64_t count, const void **data);
/* Takes the 12-byte reply of the specification and the 16-byte one in use. */
int vuser_decode_dma_write_reply(const void *buf, size_t len, uint64_t address,
				 uint64_t count);

/* "VFIO_USER_DEVICE_RESET": no payload either way */
int vuser_decode_empty(const void *buf, size_t len);

/* "VFIO_USER_REGION_WRITE_MULTI" */
ssize_t vuser_encode_write_multi(void *buf, size_t size,
				 const struct vfio_user_single_write *wrs,
				 uint64_t count);
/* Return: number of writes at @wrs; -EMSGSIZE; -EINVAL. */
ssize_t vuser_decode_write_multi(const void *buf, size_t len,
				 const struct vfio_user_single_write **wrs);
ssize_t vuser_encode_write_multi_reply(void *buf, size_t size, uint64_t count);
int vuser_decode_write_multi_reply(const void *buf, size_t len, uint64_t max,
				   uint64_t *count);

/* "VFIO_USER_DEVICE_FEATURE" */
ssize_t vuser_encode_feature(void *buf, size_t size, uint32_t argsz,
			     uint32_t flags, const void *data, size_t data_len);
/* @data_len: what follows the fixed part */
int vuser_decode_feature(const void *buf, size_t len,
			 struct vfio_user_device_feature *feature,
			 const void **data, size_t *data_len);
int vuser_decode_feature_reply(const void *buf, size_t len, uint32_t flags,
			       const void **data, size_t *data_len);

/* "VFIO_USER_MIG_DATA_READ", "VFIO_USER_MIG_DATA_WRITE" */
ssize_t vuser_encode_mig_read(void *buf, size_t size, uint32_t count);
int vuser_decode_mig_read(const void *buf, size_t len, uint32_t max_count,
			  uint32_t *count);
/* A write command or a read reply: the fixed part; data goes out behind it. */
ssize_t vuser_encode_mig_data(void *buf, size_t size, uint32_t count);
int vuser_decode_mig_data(const void *buf, size_t len, uint32_t max_count,
			  uint32_t *count, const void **data);

#ifdef __cplusplus
}
#endif

#endif /* VUSER_PROTO_H */
