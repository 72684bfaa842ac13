/* SPDX-License-Identifier: GPL-2.0 */
/* The DMA_MAP and DMA_UNMAP messages of a server map. */
#ifndef VUSER_SERVER_MSG_H
#define VUSER_SERVER_MSG_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vuser_dma_region;
struct vuser_layout_region;
struct vuser_mapping;
struct vuser_server_map;

int vuser_server_msg_map(struct vuser_server_map *sm,
			 const struct vuser_layout_region *layout,
			 struct vuser_mapping **maps, size_t nr_maps);
int vuser_server_msg_unmap(struct vuser_server_map *sm,
			   struct vuser_dma_region *region);
int vuser_server_msg_unmap_leaving(struct vuser_server_map *sm, u64 first, u64 last);
int vuser_server_msg_clear(struct vuser_server_map *sm, u64 first, u64 last);
void vuser_server_msg_drop_all(struct vuser_server_map *sm);
void vuser_server_msg_unmap_all(struct vuser_server_map *sm, ktime_t deadline);
void vuser_server_msg_set_leaving(struct vuser_server_map *sm,
				  struct vuser_dma_region *region);

#endif /* VUSER_SERVER_MSG_H */
