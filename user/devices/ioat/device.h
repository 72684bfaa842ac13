/* SPDX-License-Identifier: GPL-2.0 */
/* The device as a vfio-user server. */
#ifndef IOAT_DEVICE_H
#define IOAT_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

struct ioat_device;
struct ioat_kept;
struct sd_event;

/**
 * struct ioat_device_options - options of the device
 * @no_fd_dma: access the client's memory by messages only, even if the client
 *	sends file descriptors
 * @verbose: log when clients connect and disconnect
 * @hide_max_dma_maps: do not report @max_dma_maps to the client
 * @state: state that a new process takes over, in a state file, or NULL.
 *	 Must stay valid as long as the device exists.
 * @restore: @state has a state; otherwise it is new
 * @max_dma_maps: maximum number of dma regions at the same time, 0 for the
 *	default of libvuser
 */
struct ioat_device_options {
	bool no_fd_dma;
	bool verbose;
	bool hide_max_dma_maps;
	struct ioat_kept *state;
	bool restore;
	uint32_t max_dma_maps;
};

int ioat_device_new(const struct ioat_device_options *options,
		    struct ioat_device **device);
int ioat_device_serve(struct ioat_device *device, const char *path,
		      struct sd_event *event);
void ioat_device_free(struct ioat_device *device);

#endif
