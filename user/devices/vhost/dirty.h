/* SPDX-License-Identifier: GPL-2.0 */
/* The log of writes to the memory of the client. */
#ifndef VHOST_DIRTY_H
#define VHOST_DIRTY_H

#include "parts.h"

int vhost_dirty_start(void *data, uint64_t *page_size);
void vhost_dirty_stop(void *data);
int vhost_dirty_report(void *data, uint64_t iova, uint64_t len,
		       uint64_t page_size, uint64_t *bitmap);
int vhost_dirty_map(struct vhost_device *dev);
void vhost_dirty_all(struct vhost_device *dev);

#endif
