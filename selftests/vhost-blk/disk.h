/* SPDX-License-Identifier: GPL-2.0 */
/* A file as a virtio-blk disk. */
#ifndef VHOST_BLK_DISK_H
#define VHOST_BLK_DISK_H

#include <linux/virtio_blk.h>
#include <stdint.h>

#include "chain.h"

struct disk {
	int fd;
	uint64_t sectors;
};

/* Open the file; return 0 or -errno. */
int disk_open(struct disk *disk, const char *path);
uint64_t disk_features(void);
void disk_config(const struct disk *disk, uint16_t queues,
		 struct virtio_blk_config *config);
/*
 * Execute a request and set its status; @written is the number of bytes written
 * to the driver's buffers.  Return false if the header or the status does not
 * fit.
 */
bool disk_run(struct disk *disk, struct chain *chain, uint32_t *written);

#endif /* VHOST_BLK_DISK_H */
