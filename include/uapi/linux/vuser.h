/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/vuser.yaml */
/* YNL-GEN uapi header */
/* To regenerate run: Documentation/netlink/regen.sh */

#ifndef _UAPI_LINUX_VUSER_H
#define _UAPI_LINUX_VUSER_H

#define VUSER_FAMILY_NAME	"vuser"
#define VUSER_FAMILY_VERSION	1

#define VUSER_MAX_XFER		32768
#define VUSER_ENDPOINT_MAX	4095
#define VUSER_ERROR_MAX		255
#define VUSER_CONFIG_MAX	4096
#define VUSER_UUID_LEN		16
#define VUSER_LATENCY_SHIFT	10
#define VUSER_LATENCY_BUCKETS	28
#define VUSER_SERVER_USER_ANY	4294967295

/**
 * enum vuser_state - The states of a device.
 * @VUSER_STATE_CREATED: The device has no server.
 * @VUSER_STATE_ATTACHED: A server is attached, and no consumer has the device
 *   open.
 * @VUSER_STATE_OPEN: A consumer has the device open.
 * @VUSER_STATE_LOST: The server closed its socket, broke the protocol or timed
 *   out.
 * @VUSER_STATE_RESUMING: The device is open, its server was lost, and another
 *   server is attached that does not serve the consumer yet.
 */
enum vuser_state {
	VUSER_STATE_CREATED,
	VUSER_STATE_ATTACHED,
	VUSER_STATE_OPEN,
	VUSER_STATE_LOST,
	VUSER_STATE_RESUMING,

	/* private: */
	__VUSER_STATE_MAX,
	VUSER_STATE_MAX = (__VUSER_STATE_MAX - 1)
};

/**
 * enum vuser_mmap_policy - How a consumer may map regions.
 * @VUSER_MMAP_POLICY_AUTO: Sparse if KVM is attached when the device is
 *   opened, otherwise trap.
 * @VUSER_MMAP_POLICY_TRAP: The whole region is mappable; accesses outside
 *   shared areas trap.
 * @VUSER_MMAP_POLICY_SPARSE: Only the shared areas are mappable.
 */
enum vuser_mmap_policy {
	VUSER_MMAP_POLICY_AUTO,
	VUSER_MMAP_POLICY_TRAP,
	VUSER_MMAP_POLICY_SPARSE,
};

/**
 * enum vuser_reset_policy - Whether the kernel sends DEVICE_RESET to the
 *   server.
 * @VUSER_RESET_POLICY_AUTO: Send it if the server supports reset
 *   (VFIO_DEVICE_FLAGS_RESET).
 * @VUSER_RESET_POLICY_NEVER: Never send it; for servers that fail when they
 *   receive it.
 */
enum vuser_reset_policy {
	VUSER_RESET_POLICY_AUTO,
	VUSER_RESET_POLICY_NEVER,
};

/**
 * enum vuser_pci_setup - Whether the kernel sets up the device as firmware and
 *   a PCI core do: BAR addresses, decoding, and interrupts in configuration
 *   space.
 * @VUSER_PCI_SETUP_AUTO: Set up the device at open, after a reset and in
 *   SET_IRQS.
 * @VUSER_PCI_SETUP_NEVER: Leave configuration space to the consumer and the
 *   server.
 */
enum vuser_pci_setup {
	VUSER_PCI_SETUP_AUTO,
	VUSER_PCI_SETUP_NEVER,
};

/**
 * enum vuser_dma_backing - The file that a server gets for a mapping of the
 *   consumer.
 * @VUSER_DMA_BACKING_AUTO: The consumer's own file for a mapping of a file
 *   that has no neighbour. One memory fd of vuser for adjacent mappings.
 * @VUSER_DMA_BACKING_MEMORY: Always a memory fd of vuser, never the consumer's
 *   own file.
 * @VUSER_DMA_BACKING_FILE: The consumer's own file wherever possible. Each
 *   mapping is a dma region; the server cannot access two of them as one
 *   buffer.
 */
enum vuser_dma_backing {
	VUSER_DMA_BACKING_AUTO,
	VUSER_DMA_BACKING_MEMORY,
	VUSER_DMA_BACKING_FILE,
};

/**
 * enum vuser_dma_holes - The view of a server on those parts of a memory fd
 *   that have no mapping.
 * @VUSER_DMA_HOLES_SCRATCH: A scratch page.
 * @VUSER_DMA_HOLES_FAULT: Nothing; an access is SIGBUS.
 */
enum vuser_dma_holes {
	VUSER_DMA_HOLES_SCRATCH,
	VUSER_DMA_HOLES_FAULT,
};

/**
 * enum vuser_on_loss - What loads and stores of a consumer do after the server
 *   of the open device is lost, until another server serves the device.
 * @VUSER_ON_LOSS_FAIL: Loads give all ones, stores vanish, pread and pwrite
 *   fail with EIO, until the consumer resets the device after a server is
 *   back.
 * @VUSER_ON_LOSS_WAIT: Wait for reconnect-timeout-ms at most, then as fail.
 * @VUSER_ON_LOSS_ONES: Loads and pread give all ones, stores and pwrite
 *   vanish, until a server is back.
 */
enum vuser_on_loss {
	VUSER_ON_LOSS_FAIL,
	VUSER_ON_LOSS_WAIT,
	VUSER_ON_LOSS_ONES,
};

/**
 * enum vuser_state_kept - Whether the device has its state when its server is
 *   back.
 * @VUSER_STATE_KEPT_NO: The device was reset: the kernel signals the ERR
 *   interrupt.
 * @VUSER_STATE_KEPT_YES: The server keeps the state of its device; the kernel
 *   does not signal ERR.
 */
enum vuser_state_kept {
	VUSER_STATE_KEPT_NO,
	VUSER_STATE_KEPT_YES,
};

/**
 * enum vuser_replacing - The state of the last dev-replace of a device since
 *   it was opened.
 * @VUSER_REPLACING_NONE: There was none.
 * @VUSER_REPLACING_PENDING: The helper connects to the new server, or the
 *   kernel moves to it.
 * @VUSER_REPLACING_DONE: The new server serves the device.
 * @VUSER_REPLACING_FAILED: The server before still serves the device; see
 *   replace-error.
 */
enum vuser_replacing {
	VUSER_REPLACING_NONE,
	VUSER_REPLACING_PENDING,
	VUSER_REPLACING_DONE,
	VUSER_REPLACING_FAILED,
};

enum {
	VUSER_A_DEV_ID = 1,
	VUSER_A_DEV_UUID,
	VUSER_A_DEV_STATE,
	VUSER_A_DEV_PCI_ADDRESS,
	VUSER_A_DEV_GROUP,
	VUSER_A_DEV_ENDPOINT,
	VUSER_A_DEV_ERROR,
	VUSER_A_DEV_OWNER,
	VUSER_A_DEV_TOKEN,
	VUSER_A_DEV_REQUEST_TIMEOUT_MS,
	VUSER_A_DEV_CLOSE_TIMEOUT_MS,
	VUSER_A_DEV_MMAP,
	VUSER_A_DEV_MAX_DMA_MAPS,
	VUSER_A_DEV_RESET,
	VUSER_A_DEV_PCI_SETUP,
	VUSER_A_DEV_DMA_BACKING,
	VUSER_A_DEV_DMA_HOLES,
	VUSER_A_DEV_SERVER_USER,
	VUSER_A_DEV_SOCKET_FD,
	VUSER_A_DEV_TWIN_FD,
	VUSER_A_DEV_MINOR,
	VUSER_A_DEV_MAX_MSG_FDS,
	VUSER_A_DEV_MAX_DATA_XFER_SIZE,
	VUSER_A_DEV_SERVER_MAX_DMA_MAPS,
	VUSER_A_DEV_FLAGS,
	VUSER_A_DEV_REGION,
	VUSER_A_DEV_IOEVENTFD,
	VUSER_A_DEV_IRQ,
	VUSER_A_DEV_CONFIG,
	VUSER_A_DEV_DMA_REGIONS,
	VUSER_A_DEV_COUNTERS,
	VUSER_A_DEV_SERVER_PID,
	VUSER_A_DEV_SERVER_UID,
	VUSER_A_DEV_SERVER_GID,
	VUSER_A_DEV_PAD,
	VUSER_A_DEV_ON_LOSS,
	VUSER_A_DEV_RECONNECT_TIMEOUT_MS,
	VUSER_A_DEV_STATE_KEPT,
	VUSER_A_DEV_REPLACING,
	VUSER_A_DEV_REPLACEMENT,
	VUSER_A_DEV_REPLACE,
	VUSER_A_DEV_NO_STATE,
	VUSER_A_DEV_REPLACE_ERROR,
	VUSER_A_DEV_REPLACE_PAUSE_US,
	VUSER_A_DEV_LATENCY,

	__VUSER_A_DEV_MAX,
	VUSER_A_DEV_MAX = (__VUSER_A_DEV_MAX - 1)
};

enum {
	VUSER_A_REGION_INDEX = 1,
	VUSER_A_REGION_SIZE,
	VUSER_A_REGION_FLAGS,
	VUSER_A_REGION_TYPE,
	VUSER_A_REGION_SUBTYPE,
	VUSER_A_REGION_POSTED,
	VUSER_A_REGION_AREA,
	VUSER_A_REGION_PAD,

	__VUSER_A_REGION_MAX,
	VUSER_A_REGION_MAX = (__VUSER_A_REGION_MAX - 1)
};

enum {
	VUSER_A_AREA_OFFSET = 1,
	VUSER_A_AREA_SIZE,
	VUSER_A_AREA_FD,
	VUSER_A_AREA_FILE_OFFSET,

	__VUSER_A_AREA_MAX,
	VUSER_A_AREA_MAX = (__VUSER_A_AREA_MAX - 1)
};

enum {
	VUSER_A_IOEVENTFD_REGION = 1,
	VUSER_A_IOEVENTFD_OFFSET,
	VUSER_A_IOEVENTFD_SIZE,
	VUSER_A_IOEVENTFD_FLAGS,
	VUSER_A_IOEVENTFD_DATAMATCH,
	VUSER_A_IOEVENTFD_FD,

	__VUSER_A_IOEVENTFD_MAX,
	VUSER_A_IOEVENTFD_MAX = (__VUSER_A_IOEVENTFD_MAX - 1)
};

enum {
	VUSER_A_IRQ_INDEX = 1,
	VUSER_A_IRQ_FLAGS,
	VUSER_A_IRQ_COUNT,
	VUSER_A_IRQ_FD,

	__VUSER_A_IRQ_MAX,
	VUSER_A_IRQ_MAX = (__VUSER_A_IRQ_MAX - 1)
};

enum {
	VUSER_A_COUNTERS_REGION_READ = 1,
	VUSER_A_COUNTERS_REGION_WRITE,
	VUSER_A_COUNTERS_POSTED_WRITE,
	VUSER_A_COUNTERS_POSTED_ERROR,
	VUSER_A_COUNTERS_POSTED_REPLY,
	VUSER_A_COUNTERS_TRAP_LOAD,
	VUSER_A_COUNTERS_TRAP_STORE,
	VUSER_A_COUNTERS_TRAP_REFUSED,
	VUSER_A_COUNTERS_IOEVENTFD,
	VUSER_A_COUNTERS_DMA_READ,
	VUSER_A_COUNTERS_DMA_WRITE,
	VUSER_A_COUNTERS_DMA_MAP,
	VUSER_A_COUNTERS_DMA_UNMAP,
	VUSER_A_COUNTERS_SET_IRQS,
	VUSER_A_COUNTERS_RESET,
	VUSER_A_COUNTERS_UNSENT,
	VUSER_A_COUNTERS_PAD,

	__VUSER_A_COUNTERS_MAX,
	VUSER_A_COUNTERS_MAX = (__VUSER_A_COUNTERS_MAX - 1)
};

enum {
	VUSER_A_LATENCY_COMMAND = 1,
	VUSER_A_LATENCY_BUCKETS,

	__VUSER_A_LATENCY_MAX,
	VUSER_A_LATENCY_MAX = (__VUSER_A_LATENCY_MAX - 1)
};

enum {
	VUSER_A_FDMSG_DEV = 1,
	VUSER_A_FDMSG_ID,
	VUSER_A_FDMSG_TOKEN,
	VUSER_A_FDMSG_NULL_FD,
	VUSER_A_FDMSG_STATUS,
	VUSER_A_FDMSG_COMMAND,
	VUSER_A_FDMSG_NFDS,
	VUSER_A_FDMSG_IOVA,
	VUSER_A_FDMSG_SIZE,
	VUSER_A_FDMSG_INDEX,
	VUSER_A_FDMSG_START,
	VUSER_A_FDMSG_COUNT,
	VUSER_A_FDMSG_PAD,

	__VUSER_A_FDMSG_MAX,
	VUSER_A_FDMSG_MAX = (__VUSER_A_FDMSG_MAX - 1)
};

enum {
	VUSER_CMD_DEV_GET = 1,
	VUSER_CMD_DEV_NTF,
	VUSER_CMD_DEV_DEL_NTF,
	VUSER_CMD_DEV_SET,
	VUSER_CMD_DEV_CLAIM,
	VUSER_CMD_DEV_ATTACH,
	VUSER_CMD_DEV_DETACH,
	VUSER_CMD_FDMSG_NTF,
	VUSER_CMD_FDMSG_GET,
	VUSER_CMD_FDMSG_SEND,
	VUSER_CMD_FDMSG_DONE,
	VUSER_CMD_DEV_REPLACE,

	__VUSER_CMD_MAX,
	VUSER_CMD_MAX = (__VUSER_CMD_MAX - 1)
};

#define VUSER_MCGRP_DEVICES	"devices"

#endif /* _UAPI_LINUX_VUSER_H */
