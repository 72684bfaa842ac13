/* SPDX-License-Identifier: GPL-2.0 */
/* Makes the dma regions of a server as they should be. */
#ifndef VUSER_SERVER_SYNC_H
#define VUSER_SERVER_SYNC_H

#include <linux/types.h>

struct vuser_server_map;

/**
 * enum vuser_server_sync_mode - how vuser_server_sync() chooses the layout
 * @VUSER_SYNC_KEEP: replace a dma region only if that is necessary
 * @VUSER_SYNC_BEST: the best layout
 * @VUSER_SYNC_JOIN: the best layout, if it has fewer dma regions
 * @VUSER_SYNC_SINGLE: as @VUSER_SYNC_KEEP, and each new dma region has one mapping
 */
enum vuser_server_sync_mode {
	VUSER_SYNC_KEEP,
	VUSER_SYNC_BEST,
	VUSER_SYNC_JOIN,
	VUSER_SYNC_SINGLE,
};

int vuser_server_sync(struct vuser_server_map *sm, enum vuser_server_sync_mode mode);

void vuser_server_sync_reset_limit(struct vuser_server_map *sm);
bool vuser_server_sync_full(struct vuser_server_map *sm, int ret);
void vuser_server_sync_learn_limit(struct vuser_server_map *sm);

#endif /* VUSER_SERVER_SYNC_H */
