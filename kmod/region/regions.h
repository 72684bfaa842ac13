/* SPDX-License-Identifier: GPL-2.0 */
/* The regions of an open device. */
#ifndef VUSER_REGIONS_H
#define VUSER_REGIONS_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "region/pci_state.h"

struct vuser_conn;
struct vuser_shared;

/**
 * struct vuser_regions - the regions of an open device
 * @conn: the device's connection; its description has the regions
 * @shared: the shared areas, and their pages that the consumer has accessed
 * @sparse: the consumer may map shared areas only
 * @accesses: number of accesses of other devices that run now; close waits for them
 * @pci: the PCI functions of the device; see struct vuser_pci for its locks
 *
 * vuser_region_open() sets @conn, @shared and @sparse.  They are constant until
 * vuser_region_close(), so the consumer's accesses read them without a lock.
 */
struct vuser_regions {
	struct vuser_conn *conn;
	struct vuser_shared *shared;
	bool sparse;
	atomic_t accesses;
	struct vuser_pci pci;
};

#endif /* VUSER_REGIONS_H */
