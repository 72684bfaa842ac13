/* SPDX-License-Identifier: GPL-2.0 */
/* The server map of an open device: the dma regions that its server has. */
#ifndef VUSER_SERVER_MAP_H
#define VUSER_SERVER_MAP_H

#include <linux/ktime.h>

struct list_head;
struct vuser_dma_map;
struct vuser_mapping;
struct vuser_server_map;
struct vuser_channel;
struct vuser_settings;

struct vuser_server_map *
vuser_server_map_open(struct vuser_dma_map *dmap, struct vuser_channel *chan,
		      const struct vuser_settings *settings);
int vuser_server_map_replay(struct vuser_server_map *sm);
void vuser_server_map_drop(struct vuser_server_map *sm);
void vuser_server_map_close(struct vuser_server_map *sm, ktime_t deadline);
void vuser_server_map_get(struct vuser_server_map *sm);
void vuser_server_map_put(struct vuser_server_map *sm);

int vuser_server_map_map(struct vuser_server_map *sm,
			 struct vuser_mapping *map);
void vuser_server_map_switch(struct vuser_server_map *sm, struct vuser_channel *chan);
int vuser_server_map_resume(struct vuser_server_map *sm);
void vuser_server_map_join(struct vuser_server_map *sm);
int vuser_server_map_unmap(struct vuser_server_map *sm,
			   struct list_head *dying, bool log);

#endif /* VUSER_SERVER_MAP_H */
