/* SPDX-License-Identifier: GPL-2.0 */
/* Drops files that servers sent, in a thread of its own. */
#ifndef VUSER_DROP_H
#define VUSER_DROP_H

#include <linux/llist.h>
#include <linux/types.h>

struct file;

/**
 * struct vuser_drop - files whose references the thread drops
 * @node: entry in the list of the thread
 * @nr: number of entries in @files
 * @files: the files, a reference to each
 */
struct vuser_drop {
	struct llist_node node;
	u32 nr;
	struct file *files[];
};

int vuser_drop_init(void);
void vuser_drop_exit(void);
void vuser_drop_files(struct vuser_drop *drop);

#endif /* VUSER_DROP_H */
