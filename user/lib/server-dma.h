/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory of the client: its DMA regions, and accesses to them. */
#ifndef VUSER_SERVER_DMA_H
#define VUSER_SERVER_DMA_H

#include "server-state.h"

/* Handlers of commands. Return: the length of server->reply, or -errno. */
ssize_t vu_server_dma_map(struct vuser_server *server, struct vuser_msg *msg);
ssize_t vu_server_dma_unmap(struct vuser_server *server, struct vuser_msg *msg);

/*
 * Unmap all DMA regions. Regions that the device still uses are removed later, by
 * vu_server_dma_settle().
 */
void vu_server_dma_clear(struct vuser_server *server);

/*
 * Remove the DMA regions that are being unmapped and that the device has released. While
 * the server is being freed, wait until the device has released them. Return: whether
 * none is left.
 */
bool vu_server_dma_settle(struct vuser_server *server);

/* Reply to the DMA_UNMAP that is suspended. */
void vu_server_dma_resume(struct vuser_server *server);

#endif /* VUSER_SERVER_DMA_H */
