/* SPDX-License-Identifier: GPL-2.0 */
/* The device as a vfio-user server: libvuser on one side, the parts on the other. */
#ifndef IOAT_DEVICE_H
#define IOAT_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

struct ioat_device;
struct sd_event;

/**
 * struct ioat_device_options - how to serve
 * @no_fd_dma: reach the client's memory by messages only, as if it never gave
 *	an fd
 * @verbose: log clients that come and go
 * @hide_max_dma_maps: do not tell the client about @max_dma_maps
 * @max_dma_maps: DMA regions taken at one time, 0 for libvuser's default
 */
struct ioat_device_options {
	bool no_fd_dma;
	bool verbose;
	bool hide_max_dma_maps;
	uint32_t max_dma_maps;
};

int ioat_device_new(const struct ioat_device_options *options,
		    struct ioat_device **device);
int ioat_device_serve(struct ioat_device *device, const char *path,
		      struct sd_event *event);
void ioat_device_free(struct ioat_device *device);

#endif
