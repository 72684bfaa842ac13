/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state of the device as it is in a state file.
 *
 * Three records, each in two copies, see state_file_put():
 *
 *   channel   all registers of the channel. Written under the channel's lock, before
 *             the copy thread or the client can see the change.
 *   progress  the position of the copy thread. Written by the thread before each
 *             descriptor, and after each descriptor before its completion is written.
 *             It is current if it belongs to the run of the channel's record and has
 *             a higher serial number than the position in that record.
 *   device    configuration space, the MSI-X table, and the registers that do not
 *             belong to the channel. Written by the thread that serves regions.
 */
#ifndef IOAT_KEPT_H
#define IOAT_KEPT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <vuser/pci.h>

#include "place.h"
#include "regs.h"

/* Increase this when the layout of struct ioat_kept or a meaning changes. */
#define IOAT_KEPT_VERSION 1

/**
 * struct ioat_kept_channel - all registers of the channel
 *
 * The members are those of struct ioat_channel.
 */
struct ioat_kept_channel {
	struct ioat_place place;
	uint32_t serial;
	uint32_t run;
	uint32_t state;
	uint32_t last_write;
	uint16_t count;
	uint16_t chanctrl;
	uint64_t chainaddr;
	uint64_t chancmp;
	uint32_t chanerr;
	uint32_t chanerrmask;
	uint32_t chanerr_int;
	uint32_t chanerrmask_int;
	bool suspending;
	bool armed;
	bool attention;
	bool chancmp_valid;
};

/**
 * struct ioat_kept_progress - the position of the copy thread
 * @place: position
 * @serial: number of the position
 * @run: run that the position belongs to
 */
struct ioat_kept_progress {
	struct ioat_place place;
	uint32_t serial;
	uint32_t run;
};

/**
 * struct ioat_kept_device - what does not belong to the channel
 * @cfg: configuration space
 * @table: MSI-X table
 * @pba: pending bits of MSI-X
 * @genctrl: GENCTRL
 * @intrctrl: the stored bits of INTRCTRL
 * @intrdelay: INTRDELAY
 */
struct ioat_kept_device {
	uint8_t cfg[VUSER_PCIE_CFG_SIZE];
	uint8_t table[IOAT_MSIX_VECTORS * PCI_MSIX_ENTRY_SIZE];
	uint8_t pba[8];
	uint8_t genctrl;
	uint8_t intrctrl;
	uint16_t intrdelay;
};

/**
 * struct ioat_kept - contents of the state file
 * @channel_now: current copy of @channel
 * @progress_now: current copy of @progress
 * @device_now: current copy of @device
 * @channel: registers of the channel
 * @progress: position of the copy thread
 * @device: what does not belong to the channel
 * @source: the source of a copy onto itself, see struct ioat_source
 */
struct ioat_kept {
	_Atomic uint32_t channel_now;
	_Atomic uint32_t progress_now;
	_Atomic uint32_t device_now;
	struct ioat_kept_channel channel[2];
	struct ioat_kept_progress progress[2];
	struct ioat_kept_device device[2];
	uint8_t source[IOAT_XFER_MAX];
};

#endif
