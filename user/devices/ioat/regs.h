/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registers, descriptors and status bits of the I/OAT DMA engine, version 3.3.
 * Documentation/devices/ioat.rst describes each of them.
 */
#ifndef IOAT_REGS_H
#define IOAT_REGS_H

#include <stdint.h>

#define IOAT_BAR_SIZE	  0x10000
#define IOAT_MSIX_TABLE	  0x2000
#define IOAT_MSIX_PBA	  0x3000
#define IOAT_MSIX_VECTORS 1

/* General registers */
#define IOAT_CHANCNT	0x00 /* 1 byte */
#define IOAT_XFERCAP	0x01 /* 1 byte */
#define IOAT_GENCTRL	0x02 /* 1 byte */
#define IOAT_INTRCTRL	0x03 /* 1 byte */
#define IOAT_ATTNSTATUS 0x04 /* 4 bytes */
#define IOAT_CBVER	0x08 /* 1 byte */
#define IOAT_INTRDELAY	0x0c /* 2 bytes */
#define IOAT_CS_STATUS	0x0e /* 2 bytes */
#define IOAT_DMACAP	0x10 /* 4 bytes */

/* Registers of the channel */
#define IOAT_CHANCTRL	 0x80 /* 2 bytes */
#define IOAT_CHANCMD	 0x84 /* 1 byte */
#define IOAT_DMACOUNT	 0x86 /* 2 bytes */
#define IOAT_CHANSTS	 0x88 /* 8 bytes */
#define IOAT_CHAINADDR	 0x90 /* 8 bytes */
#define IOAT_CHANCMP	 0x98 /* 8 bytes */
#define IOAT_CDAR	 0xa0 /* 8 bytes */
#define IOAT_CHANERR	 0xa8 /* 4 bytes */
#define IOAT_CHANERRMASK 0xac /* 4 bytes */
#define IOAT_REGS_END	 0xb0

#define IOAT_CHANNELS	   1
#define IOAT_XFERCAP_ORDER 16
#define IOAT_XFER_MAX	   (1u << IOAT_XFERCAP_ORDER)
#define IOAT_VERSION	   0x33

#define IOAT_GENCTRL_BITS   0x01
#define IOAT_INTRDELAY_BITS 0x3fff
#define IOAT_DMACAP_FILL    0x40

#define IOAT_INTRCTRL_MASTER 0x01
#define IOAT_INTRCTRL_STATUS 0x02
#define IOAT_INTRCTRL_INT    0x04
#define IOAT_INTRCTRL_MSIX   0x08

#define IOAT_CHANCTRL_REARM	0x0001
#define IOAT_CHANCTRL_ERR_CMP	0x0004
#define IOAT_CHANCTRL_ERR_ABORT 0x0008
#define IOAT_CHANCTRL_ERR_INT	0x0010
#define IOAT_CHANCTRL_IN_USE	0x0100

#define IOAT_CHANCMD_SUSPEND 0x04
#define IOAT_CHANCMD_ABORT   0x08
#define IOAT_CHANCMD_RESUME  0x10
#define IOAT_CHANCMD_RESET   0x20

/* The state in the low bits of CHANSTS, and of the value written to CHANCMP. */
enum ioat_state {
	IOAT_ACTIVE = 0,
	IOAT_IDLE = 1,
	IOAT_SUSPENDED = 2,
	IOAT_HALTED = 3,
	IOAT_ARMED = 4,
};

#define IOAT_CHANSTS_STATE 0x07
#define IOAT_CHANCMP_ALIGN 8

#define IOAT_ERR_SOURCE	     (1u << 0)
#define IOAT_ERR_DESTINATION (1u << 1)
#define IOAT_ERR_NEXT	     (1u << 2)
#define IOAT_ERR_NEXT_ALIGN  (1u << 3)
#define IOAT_ERR_CHAIN	     (1u << 4)
#define IOAT_ERR_READ	     (1u << 8)
#define IOAT_ERR_WRITE	     (1u << 9)
#define IOAT_ERR_CONTROL     (1u << 10)
#define IOAT_ERR_LENGTH	     (1u << 11)
#define IOAT_ERR_COMPLETION  (1u << 12)

/* Registers in configuration space that only this device has */
#define IOAT_PCI_DMAUNCERRSTS	 0x148
#define IOAT_PCI_CHANERR_INT	 0x180
#define IOAT_PCI_CHANERRMASK_INT 0x184

#define IOAT_DESC_ALIGN	      64
#define IOAT_DESC_INT	      (1u << 0)
#define IOAT_DESC_COMPLETION  (1u << 3)
#define IOAT_DESC_FENCE	      (1u << 4)
#define IOAT_DESC_NULL	      (1u << 5)
#define IOAT_DESC_OP(control) ((control) >> 24)
#define IOAT_OP_COPY	      0x00
#define IOAT_OP_FILL	      0x01

/**
 * struct ioat_desc - the part of a 64-byte descriptor that the device reads
 * @size: bytes to transfer
 * @control: IOAT_DESC_* and the operation
 * @src: IOVA to read from, or the pattern of a fill
 * @dst: IOVA to write to
 * @next: IOVA of the next descriptor
 */
struct ioat_desc {
	uint32_t size;
	uint32_t control;
	uint64_t src;
	uint64_t dst;
	uint64_t next;
};

_Static_assert(sizeof(struct ioat_desc) == 32, "descriptor layout");
_Static_assert(
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	"registers and descriptors are little endian, and so is the host");

#endif
