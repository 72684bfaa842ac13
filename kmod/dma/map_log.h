/* SPDX-License-Identifier: GPL-2.0 */
/* The log of writes to the memory of a container. */
#ifndef VUSER_MAP_LOG_H
#define VUSER_MAP_LOG_H

#include <linux/types.h>

struct vuser_dma_map;
struct vuser_mapping;

int vuser_map_log_start(struct vuser_dma_map *dmap);
void vuser_map_log_stop(struct vuser_dma_map *dmap);
int vuser_map_log_prepare(struct vuser_dma_map *dmap, struct vuser_mapping *map);
void vuser_map_log_mark(struct vuser_dma_map *dmap, u64 first, u64 last);
bool vuser_map_log_next(struct vuser_dma_map *dmap, u64 *iova, u64 last);
int vuser_map_log_put(struct vuser_dma_map *dmap, u64 first, u64 last, u64 __user *bitmap,
		      bool clear);

#endif /* VUSER_MAP_LOG_H */
