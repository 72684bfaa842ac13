/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log of writes that the library keeps itself: of vuser_dma_write(), and of memory
 * to which the device has references for writing.
 *
 * The log is kept by address, so it still has the writes to DMA regions that were
 * unmapped meanwhile.
 */
#ifndef VUSER_SERVER_DIRTY_H
#define VUSER_SERVER_DIRTY_H

#include "server-state.h"

/* Bytes that one bit of the log stands for. */
#define VU_DIRTY_PAGE 4096

/* Whether the library keeps the log: the device has no callback for it. */
bool vu_server_dirty_is_used(const struct vuser_server *server);

/* Start logging writes, and stop it. */
void vu_server_dirty_start(struct vuser_server *server);
void vu_server_dirty_stop(struct vuser_server *server);

/* Report as the callback log_report does. */
void vu_server_dirty_report(struct vuser_server *server, uint64_t iova,
			    uint64_t len, uint64_t page_size, uint64_t *bitmap);

/* The device has written @len bytes, not 0. Any thread. */
void vu_server_dirty_mark(struct vuser_server *server, uint64_t iova,
			  uint64_t len);

/*
 * The device has got a reference to memory. The memory counts as written until the
 * reference is released, if @prot has PROT_WRITE. Any thread. Return: 0 or -ENOMEM.
 */
int vu_server_dirty_hold(struct vuser_server *server, const void *ptr,
			 uint64_t iova, uint64_t len, int prot);

/* The device releases a reference. Any thread. */
void vu_server_dirty_release(struct vuser_server *server, const void *ptr);

/* Free all. */
void vu_server_dirty_free(struct vuser_server *server);

#endif /* VUSER_SERVER_DIRTY_H */
