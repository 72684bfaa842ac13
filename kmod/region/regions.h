/* SPDX-License-Identifier: GPL-2.0 */
/* The regions of an open device. */
#ifndef VUSER_REGIONS_H
#define VUSER_REGIONS_H

#include <linux/types.h>

struct vuser_channel;
struct vuser_shared;

/**
 * struct vuser_regions - the regions of an open device
 * @chan: the device's channel, whose description has the regions
 * @shared: pages of shared areas that the consumer touched
 * @sparse: the consumer may map shared areas only
 *
 * Set by vuser_region_open(), and constant until vuser_region_close(): the consumer's
 * accesses read it without a lock.
 */
struct vuser_regions {
	struct vuser_channel *chan;
	struct vuser_shared *shared;
	bool sparse;
};

#endif /* VUSER_REGIONS_H */
