/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * The vfio-user protocol on the wire.
 *
 * This file follows the "vfio-user Protocol Specification" (docs/interop/
 * vfio-user of QEMU).  The names in quotes below are the titles of its
 * sections.  All fields are in the byte order of the host, and all sizes are
 * in bytes.  Every structure is naturally aligned and has no holes, so none is
 * packed.  A payload directly follows its header, so it is aligned to 8 bytes
 * if the header is.
 *
 * The values of VFIO_DEVICE_FLAGS_*, VFIO_REGION_INFO_FLAG_*,
 * VFIO_REGION_INFO_CAP_*, VFIO_IRQ_INFO_*, VFIO_IRQ_SET_* and
 * VFIO_DEVICE_FEATURE_* are those of <linux/vfio.h>.
 */
#ifndef _UAPI_LINUX_VFIO_USER_H
#define _UAPI_LINUX_VFIO_USER_H

#include <linux/types.h>

/* The only major version that exists, and the newest minor known here. */
#define VFIO_USER_MAJOR		0
#define VFIO_USER_MINOR		1

/*
 * The first minor version whose servers know DEVICE_GET_REGION_IO_FDS,
 * DEVICE_FEATURE, MIG_DATA_READ and MIG_DATA_WRITE. A server of an older version
 * may not read the payload of these commands. It would then take the payload for
 * the next header.
 */
#define VFIO_USER_MINOR_EXTENDED	1

/* "Commands" */
#define VFIO_USER_VERSION			1
#define VFIO_USER_DMA_MAP			2
#define VFIO_USER_DMA_UNMAP			3
#define VFIO_USER_DEVICE_GET_INFO		4
#define VFIO_USER_DEVICE_GET_REGION_INFO	5
#define VFIO_USER_DEVICE_GET_REGION_IO_FDS	6
#define VFIO_USER_DEVICE_GET_IRQ_INFO		7
#define VFIO_USER_DEVICE_SET_IRQS		8
#define VFIO_USER_REGION_READ			9
#define VFIO_USER_REGION_WRITE			10
#define VFIO_USER_DMA_READ			11
#define VFIO_USER_DMA_WRITE			12
#define VFIO_USER_DEVICE_RESET			13
/* 14 was DIRTY_PAGES in drafts of the protocol. */
#define VFIO_USER_REGION_WRITE_MULTI		15
#define VFIO_USER_DEVICE_FEATURE		16
#define VFIO_USER_MIG_DATA_READ			17
#define VFIO_USER_MIG_DATA_WRITE		18
#define VFIO_USER_COMMAND_MAX			18

/* "Header": the bits of the flags */
#define VFIO_USER_FLAGS_TYPE_MASK	0xf
#define VFIO_USER_FLAGS_TYPE_COMMAND	0x0
#define VFIO_USER_FLAGS_TYPE_REPLY	0x1
#define VFIO_USER_FLAGS_NO_REPLY	(1 << 4)
#define VFIO_USER_FLAGS_ERROR		(1 << 5)

/* "VFIO_USER_VERSION": the defaults of capabilities that were not sent */
#define VFIO_USER_DEFAULT_MAX_MSG_FDS		1
#define VFIO_USER_DEFAULT_MAX_DATA_XFER_SIZE	(1024 * 1024)
#define VFIO_USER_DEFAULT_MAX_DMA_MAPS		65535
#define VFIO_USER_DEFAULT_PGSIZES		4096

/*
 * The longest version data that is accepted, including its NUL.  The protocol
 * has no limit; the capabilities defined today need less than 300 bytes.
 */
#define VFIO_USER_VERSION_DATA_MAX		4096

/**
 * struct vfio_user_header - "Header", the start of every message
 * @msg_id: chosen by the sender of a command, echoed in its reply
 * @command: VFIO_USER_*, repeated in the reply
 * @msg_size: size of the whole message, including this header
 * @flags: VFIO_USER_FLAGS_*
 * @error_no: an errno or 0 in a reply with VFIO_USER_FLAGS_ERROR, otherwise
 *            reserved
 */
struct vfio_user_header {
	__u16 msg_id;
	__u16 command;
	__u32 msg_size;
	__u32 flags;
	__u32 error_no;
};

/**
 * struct vfio_user_version - "VFIO_USER_VERSION", command and reply
 * @major: VFIO_USER_MAJOR
 * @minor: command: the proposed version; reply: this version or a lower one
 * @data: JSON text with its terminating NUL, or nothing
 */
struct vfio_user_version {
	__u16 major;
	__u16 minor;
	__u8 data[];
};

/* struct vfio_user_dma_map: flags */
#define VFIO_USER_DMA_MAP_READ		(1 << 0)
#define VFIO_USER_DMA_MAP_WRITE		(1 << 1)

/**
 * struct vfio_user_dma_map - "VFIO_USER_DMA_MAP", command; no reply payload
 * @argsz: size of this structure
 * @flags: VFIO_USER_DMA_MAP_*
 * @offset: start of the DMA region in the file that comes with the message; 0
 *          without a file
 * @address: first address of the DMA region
 * @size: size of the DMA region
 */
struct vfio_user_dma_map {
	__u32 argsz;
	__u32 flags;
	__u64 offset;
	__u64 address;
	__u64 size;
};

/*
 * struct vfio_user_dma_unmap: flags.  UNMAP_ALL unmaps all DMA regions; address
 * and size are 0.  It is not in the specification, but QEMU sends it and
 * libvfio-user accepts it.
 */
#define VFIO_USER_DMA_UNMAP_ALL		(1 << 1)

/**
 * struct vfio_user_dma_unmap - "VFIO_USER_DMA_UNMAP", command and reply
 * @argsz: size of the largest accepted reply payload
 * @flags: 0 or VFIO_USER_DMA_UNMAP_ALL
 * @address: first address of a mapped DMA region
 * @size: size of this DMA region; parts cannot be unmapped
 *
 * Some servers reply with a bare header.
 */
struct vfio_user_dma_unmap {
	__u32 argsz;
	__u32 flags;
	__u64 address;
	__u64 size;
};

/**
 * struct vfio_user_device_info - "VFIO_USER_DEVICE_GET_INFO", command and reply
 * @argsz: command: size of the largest accepted reply payload; reply: its size
 * @flags: VFIO_DEVICE_FLAGS_*; 0 in the command
 * @num_regions: 0 in the command
 * @num_irqs: number of interrupt indexes; 0 in the command
 */
struct vfio_user_device_info {
	__u32 argsz;
	__u32 flags;
	__u32 num_regions;
	__u32 num_irqs;
};

/**
 * struct vfio_user_region_info - "VFIO_USER_DEVICE_GET_REGION_INFO", command and
 * reply
 * @argsz: command: size of the largest accepted reply payload; reply: size of
 *         the complete payload
 * @flags: VFIO_REGION_INFO_FLAG_*; 0 in the command
 * @index: index of the region
 * @cap_offset: offset of the first capability from the start of this structure
 * @size: size of the region
 * @offset: start of the region in the file that comes with the reply; only with
 *          VFIO_REGION_INFO_FLAG_MMAP
 */
struct vfio_user_region_info {
	__u32 argsz;
	__u32 flags;
	__u32 index;
	__u32 cap_offset;
	__u64 size;
	__u64 offset;
};

/**
 * struct vfio_user_cap_header - "VFIO cap header format"
 * @id: VFIO_REGION_INFO_CAP_*
 * @version: version of this capability
 * @next: offset of the next capability from the start of the region info; 0 ends
 *        the list
 */
struct vfio_user_cap_header {
	__u16 id;
	__u16 version;
	__u32 next;
};

/**
 * struct vfio_user_sparse_area - one area of a sparse mmap capability
 * @offset: offset from the start of the region
 * @size: size of the area
 */
struct vfio_user_sparse_area {
	__u64 offset;
	__u64 size;
};

/**
 * struct vfio_user_cap_sparse_mmap - "VFIO sparse mmap cap header"
 * @header: VFIO_REGION_INFO_CAP_SPARSE_MMAP, version 1
 * @nr_areas: entries of @areas
 * @reserved: 0
 * @areas: the mappable parts of the region
 */
struct vfio_user_cap_sparse_mmap {
	struct vfio_user_cap_header header;
	__u32 nr_areas;
	__u32 reserved;
	struct vfio_user_sparse_area areas[];
};

/**
 * struct vfio_user_cap_type - "Device-Specific Regions"
 * @header: VFIO_REGION_INFO_CAP_TYPE, version 1
 * @type: VFIO_REGION_TYPE_*
 * @subtype: VFIO_REGION_SUBTYPE_*
 */
struct vfio_user_cap_type {
	struct vfio_user_cap_header header;
	__u32 type;
	__u32 subtype;
};

/* struct vfio_user_io_fd: type */
#define VFIO_USER_IO_FD_TYPE_IOEVENTFD	0
#define VFIO_USER_IO_FD_TYPE_IOREGIONFD	1
/* Of libvfio-user, not of the specification: an ioeventfd with shadow memory */
#define VFIO_USER_IO_FD_TYPE_IOEVENTFD_SHADOW	2

/* struct vfio_user_io_fd: flags of an ioeventfd, those of KVM_IOEVENTFD */
#define VFIO_USER_IOEVENTFD_DATAMATCH	(1 << 0)
#define VFIO_USER_IOEVENTFD_PIO		(1 << 1)

/**
 * struct vfio_user_io_fd - "Sub-Region IO FD info format"
 * @offset: offset from the start of the region
 * @size: size of the access; 0 matches every size
 * @fd_index: index into the file descriptors of the reply
 * @type: VFIO_USER_IO_FD_TYPE_*
 * @flags: VFIO_USER_IOEVENTFD_*, or the flags of an ioregionfd
 * @padding: reserved
 * @data: ioeventfd: the value to match; ioregionfd: returned to the server
 */
struct vfio_user_io_fd {
	__u64 offset;
	__u64 size;
	__u32 fd_index;
	__u32 type;
	__u32 flags;
	__u32 padding;
	__u64 data;
};

/**
 * struct vfio_user_io_fd_shadow - struct vfio_user_io_fd in the layout of
 * libvfio-user, which differs from the specification
 * @offset: offset from the start of the region
 * @size: size of the access; 0 matches every size
 * @fd_index: index into the file descriptors of the reply
 * @type: VFIO_USER_IO_FD_TYPE_*
 * @flags: VFIO_USER_IOEVENTFD_*, or the flags of an ioregionfd
 * @shadow_mem_fd_index: with shadow memory: index of its file descriptor
 * @shadow_offset: with shadow memory: offset in this file, bytes
 * @data: ioeventfd: the value to match; ioregionfd: returned to the server
 */
struct vfio_user_io_fd_shadow {
	__u64 offset;
	__u64 size;
	__u32 fd_index;
	__u32 type;
	__u32 flags;
	__u32 shadow_mem_fd_index;
	__u64 shadow_offset;
	__u64 data;
};

/**
 * struct vfio_user_region_io_fds - "VFIO_USER_DEVICE_GET_REGION_IO_FDS"
 * @argsz: command: size of the largest accepted reply payload; reply: size of
 *         the complete payload
 * @flags: 0
 * @index: index of the region
 * @count: command: 0; reply: number of entries in @io_fds
 * @io_fds: only in the reply; the entries of libvfio-user are of struct
 *          vfio_user_io_fd_shadow. The size of an entry follows from @argsz
 *          and @count.
 */
struct vfio_user_region_io_fds {
	__u32 argsz;
	__u32 flags;
	__u32 index;
	__u32 count;
	struct vfio_user_io_fd io_fds[];
};

/**
 * struct vfio_user_irq_info - "VFIO_USER_DEVICE_GET_IRQ_INFO", command and reply
 * @argsz: command: size of the largest accepted reply payload; reply: its size
 * @flags: VFIO_IRQ_INFO_*; 0 in the command
 * @index: index of the interrupt type
 * @count: command: 0; reply: number of interrupts of this type
 */
struct vfio_user_irq_info {
	__u32 argsz;
	__u32 flags;
	__u32 index;
	__u32 count;
};

/**
 * struct vfio_user_irq_set - "VFIO_USER_DEVICE_SET_IRQS"; no reply payload
 * @argsz: size of this structure including @data
 * @flags: one VFIO_IRQ_SET_DATA_* and one VFIO_IRQ_SET_ACTION_*
 * @index: index of the interrupt type
 * @start: first interrupt
 * @count: number of interrupts
 * @data: @count bytes with VFIO_IRQ_SET_DATA_BOOL, otherwise nothing
 */
struct vfio_user_irq_set {
	__u32 argsz;
	__u32 flags;
	__u32 index;
	__u32 start;
	__u32 count;
	__u8 data[];
};

/**
 * struct vfio_user_region_access - "VFIO_USER_REGION_READ" and "_WRITE"
 * @offset: offset from the start of the region
 * @region: index of the region
 * @count: number of bytes, at most max_data_xfer_size
 * @data: in the command of a write and in the reply of a read
 */
struct vfio_user_region_access {
	__u64 offset;
	__u32 region;
	__u32 count;
	__u8 data[];
};

/**
 * struct vfio_user_dma_access - "VFIO_USER_DMA_READ" and "VFIO_USER_DMA_WRITE"
 * @address: first address, in a mapped DMA region
 * @count: number of bytes, at most max_data_xfer_size
 * @data: in the command of a write and in the reply of a read
 *
 * The specification's table gives the count of a DMA_WRITE reply 4 bytes; the
 * implementations (libvfio-user, QEMU) use 8, and so does this structure.
 */
struct vfio_user_dma_access {
	__u64 address;
	__u64 count;
	__u8 data[];
};

/* "Single Device Write Format": the largest number of bytes in one write */
#define VFIO_USER_WRITE_MULTI_DATA_MAX	8

/**
 * struct vfio_user_single_write - "Single Device Write Format"
 * @offset: offset from the start of the region
 * @region: index of the region
 * @count: number of bytes to write, at most 8
 * @data: the first @count bytes are written
 */
struct vfio_user_single_write {
	__u64 offset;
	__u32 region;
	__u32 count;
	__u8 data[VFIO_USER_WRITE_MULTI_DATA_MAX];
};

/**
 * struct vfio_user_write_multi - "VFIO_USER_REGION_WRITE_MULTI"
 * @wr_cnt: command: number of entries in @wrs; reply: number of completed writes
 * @wrs: only in the command
 */
struct vfio_user_write_multi {
	__u64 wr_cnt;
	struct vfio_user_single_write wrs[];
};

/**
 * struct vfio_user_device_feature - "VFIO_USER_DEVICE_FEATURE", command and reply
 * @argsz: command: size of the largest accepted reply payload; reply: its size
 * @flags: VFIO_DEVICE_FEATURE_GET, _SET, _PROBE and the index of the feature
 * @data: data of the feature
 */
struct vfio_user_device_feature {
	__u32 argsz;
	__u32 flags;
	__u8 data[];
};

/**
 * struct vfio_user_log_range - a range in struct vfio_user_log_control
 * @iova: first address
 * @length: length of the range
 */
struct vfio_user_log_range {
	__u64 iova;
	__u64 length;
};

/*
 * Of vuser, not of the specification: a feature of a server that keeps the state of its
 * device. The client gets it after it has connected to such a server again.
 */
#define VFIO_USER_FEATURE_LAST_WRITE		0x7600
#define VFIO_USER_NO_WRITE			0xffffffff

/**
 * struct vfio_user_last_write - "VFIO_USER_FEATURE_LAST_WRITE", data of GET
 * @msg_id: message ID of the last REGION_WRITE without reply that the state of the device
 *          contains; VFIO_USER_NO_WRITE: none since the last DEVICE_RESET
 */
struct vfio_user_last_write {
	__u32 msg_id;
};

/**
 * struct vfio_user_log_control - "VFIO_DEVICE_FEATURE_DMA_LOGGING_START"
 * @page_size: command: the wanted number of bytes for each bit of the log; reply:
 *             the number in use
 * @num_ranges: number of entries in @ranges; 0 means all memory
 * @reserved: 0
 * @ranges: the ranges to log; <linux/vfio.h> has a pointer here instead
 */
struct vfio_user_log_control {
	__u64 page_size;
	__u32 num_ranges;
	__u32 reserved;
	struct vfio_user_log_range ranges[];
};

/**
 * struct vfio_user_log_report - "VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT"
 * @iova: first address
 * @length: length of the range
 * @page_size: number of bytes for each bit of @bitmap
 * @bitmap: only in the reply: one bit for each page, set if it was written;
 *          <linux/vfio.h> has a pointer here instead
 */
struct vfio_user_log_report {
	__u64 iova;
	__u64 length;
	__u64 page_size;
	__u64 bitmap[];
};

/**
 * struct vfio_user_mig_data - "VFIO_USER_MIG_DATA_READ" and "_WRITE"
 * @argsz: size of this structure including @data; in the command of a read, the
 *         size of the reply
 * @size: size of the migration data
 * @data: in the command of a write and in the reply of a read
 */
struct vfio_user_mig_data {
	__u32 argsz;
	__u32 size;
	__u8 data[];
};

#endif /* _UAPI_LINUX_VFIO_USER_H */
