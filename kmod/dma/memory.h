/* SPDX-License-Identifier: GPL-2.0 */
/* Memory fds: what a server maps where it is not given the consumer's file. */
#ifndef VUSER_MEMORY_H
#define VUSER_MEMORY_H

#include <linux/types.h>

struct file;
struct vuser_backing;

struct file *vuser_memory_open(u64 size, bool write);
int vuser_memory_add(struct file *file, u64 offset,
		     struct vuser_backing *back);
void vuser_memory_del(struct file *file, u64 offset, u64 size);

#endif /* VUSER_MEMORY_H */
