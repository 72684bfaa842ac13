/* SPDX-License-Identifier: GPL-2.0 */
/* Memory fds: files that show pinned memory to a server. */
#ifndef VUSER_MEMORY_H
#define VUSER_MEMORY_H

#include <linux/types.h>

struct file;
struct vuser_backing;

struct file *vuser_memory_open(u64 size, bool write, bool guard);
int vuser_memory_add(struct file *file, u64 offset, struct vuser_backing *back,
		     u64 first, u64 size);
bool vuser_memory_del(struct file *file, u64 offset, u64 size);

#endif /* VUSER_MEMORY_H */
