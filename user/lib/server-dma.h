/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory of the client: its DMA regions, and accesses to them. */
#ifndef VUSER_SERVER_DMA_H
#define VUSER_SERVER_DMA_H

#include "server-state.h"

/* Handlers of commands. Return: the length of server->reply, or -errno. */
ssize_t vu_server_dma_map(struct vuser_server *server, struct vuser_msg *msg);
ssize_t vu_server_dma_unmap(struct vuser_server *server, struct vuser_msg *msg);

/* Unmap all DMA regions; waits until their users have released them. */
void vu_server_dma_clear(struct vuser_server *server);

#endif /* VUSER_SERVER_DMA_H */
