/* SPDX-License-Identifier: GPL-2.0 */
/* The log of writes that the server of an open device keeps. */
#ifndef VUSER_SERVER_LOG_H
#define VUSER_SERVER_LOG_H

#include <linux/ktime.h>
#include <linux/types.h>

struct vuser_server_map;

/* The callers of these functions hold the lock of the server map. */
int vuser_server_log_begin(struct vuser_server_map *sm);
void vuser_server_log_unmapped(struct vuser_server_map *sm, u64 first, u64 last);
void vuser_server_log_drop(struct vuser_server_map *sm);
void vuser_server_log_end(struct vuser_server_map *sm, ktime_t deadline);

/* These functions take the lock of the server map. */
int vuser_server_log_start(struct vuser_server_map *sm);
int vuser_server_log_stop(struct vuser_server_map *sm);
int vuser_server_log_report(struct vuser_server_map *sm, u64 first, u64 last);

#endif /* VUSER_SERVER_LOG_H */
