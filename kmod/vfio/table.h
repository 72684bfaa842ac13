/* SPDX-License-Identifier: GPL-2.0 */
/* The table of devices. */
#ifndef VUSER_TABLE_H
#define VUSER_TABLE_H

#include <linux/types.h>
#include <linux/uuid.h>

struct vuser_device;

int vuser_table_add(struct vuser_device *dev);
void vuser_table_del(struct vuser_device *dev);
unsigned int vuser_table_count(void);
struct vuser_device *vuser_table_find_get(u32 id);
struct vuser_device *vuser_table_find_uuid_get(const guid_t *uuid);
struct vuser_device *vuser_table_next_get(u32 *id);
void vuser_table_exit(void);

#endif /* VUSER_TABLE_H */
