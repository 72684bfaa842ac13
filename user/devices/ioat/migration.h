/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Migration: the state of the device as a stream of bytes, and the transfer of the
 * stream. The device is stopped meanwhile. Before it is stopped, in PRE_COPY, the stream
 * consists of its header, from which the destination sees whether it can load the state.
 */
#ifndef IOAT_MIGRATION_H
#define IOAT_MIGRATION_H

#include <stdint.h>
#include <sys/types.h>

#include "kept.h"

/**
 * struct ioat_stream - the stream, in the byte order of the machine
 * @magic: IOAT_STREAM_MAGIC
 * @version: IOAT_STREAM_VERSION
 * @size: sizeof(struct ioat_stream)
 * @next: see struct ioat_place
 * @current: see struct ioat_place
 * @completed: see struct ioat_place
 * @cmp_addr: see struct ioat_place
 * @cmp_value: see struct ioat_place
 * @cmp_before: see struct ioat_place
 * @chainaddr: see struct ioat_channel
 * @chancmp: see struct ioat_channel
 * @state: enum ioat_state
 * @chanerr: see struct ioat_channel
 * @chanerrmask: see struct ioat_channel
 * @chanerr_int: see struct ioat_channel
 * @chanerrmask_int: see struct ioat_channel
 * @flags: IOAT_STREAM_*
 * @count: see struct ioat_channel
 * @done: see struct ioat_place
 * @chanctrl: see struct ioat_channel
 * @intrdelay: see struct ioat_kept_device
 * @genctrl: see struct ioat_kept_device
 * @intrctrl: see struct ioat_kept_device
 * @reserved: 0
 * @pba: see struct ioat_kept_device
 * @table: see struct ioat_kept_device
 * @cfg: see struct ioat_kept_device
 */
struct ioat_stream {
	uint64_t magic;
	uint32_t version;
	uint32_t size;
	uint64_t next;
	uint64_t current;
	uint64_t completed;
	uint64_t cmp_addr;
	uint64_t cmp_value;
	uint64_t cmp_before;
	uint64_t chainaddr;
	uint64_t chancmp;
	uint32_t state;
	uint32_t chanerr;
	uint32_t chanerrmask;
	uint32_t chanerr_int;
	uint32_t chanerrmask_int;
	uint32_t flags;
	uint16_t count;
	uint16_t done;
	uint16_t chanctrl;
	uint16_t intrdelay;
	uint8_t genctrl;
	uint8_t intrctrl;
	uint8_t reserved[6];
	uint8_t pba[8];
	uint8_t table[IOAT_MSIX_VECTORS * PCI_MSIX_ENTRY_SIZE];
	uint8_t cfg[VUSER_PCIE_CFG_SIZE];
};

/* Bytes of the header: magic, version and size. */
#define IOAT_STREAM_HEADER 16

#define IOAT_STREAM_MAGIC 0x74616f6972657375ull /* "userioat" */
/* Increase this when the layout of struct ioat_stream or a meaning changes. */
#define IOAT_STREAM_VERSION 1

/* Flags of struct ioat_stream: members of struct ioat_place and struct ioat_channel. */
#define IOAT_STREAM_FIRST      0x01
#define IOAT_STREAM_COMPLETE   0x02
#define IOAT_STREAM_SUSPENDING 0x04
#define IOAT_STREAM_ARMED      0x08
#define IOAT_STREAM_ATTENTION  0x10
#define IOAT_STREAM_CMP_VALID  0x20
#define IOAT_STREAM_FLAGS      0x3f

/**
 * struct ioat_migration - the transfer of a stream
 * @stream: the stream, or the part of it that was received
 * @pos: number of bytes that were sent or received
 * @end: number of bytes of @stream that are valid, while it is sent
 */
struct ioat_migration {
	struct ioat_stream stream;
	size_t pos;
	size_t end;
};

void ioat_migration_begin(struct ioat_migration *m);

void ioat_migration_encode(struct ioat_migration *m,
			   const struct ioat_kept_channel *channel,
			   const struct ioat_kept_device *device);
int ioat_migration_decode(const struct ioat_migration *m,
			  struct ioat_kept_channel *channel,
			  struct ioat_kept_device *device, const char **why);
size_t ioat_migration_read(struct ioat_migration *m, void *buf, size_t count);
int ioat_migration_write(struct ioat_migration *m, const void *buf,
			 size_t count, const char **why);

#endif
