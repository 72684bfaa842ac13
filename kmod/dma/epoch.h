/* SPDX-License-Identifier: GPL-2.0 */
/* The time in which the shared areas of an open device have one set of files. */
#ifndef VUSER_EPOCH_H
#define VUSER_EPOCH_H

#include <linux/kref.h>
#include <linux/rwsem.h>
#include <linux/types.h>

/**
 * struct vuser_epoch - one set of files of an open device's shared areas
 * @ref: held by the device while it has these files, and by each DMA mapping that holds
 *	pages of them
 * @lock: protects @over.  DMA holds it for reading while it copies from or to a page of
 *	the files.  Taken inside the locks of DMA maps and of shared areas; innermost
 * @over: the server that gave the files was replaced.  Never becomes false again
 */
struct vuser_epoch {
	struct kref ref;
	struct rw_semaphore lock;	/* over */
	bool over;
};

struct vuser_epoch *vuser_epoch_alloc(void);
void vuser_epoch_get(struct vuser_epoch *epoch);
void vuser_epoch_put(struct vuser_epoch *epoch);
bool vuser_epoch_lock(struct vuser_epoch *epoch);
void vuser_epoch_unlock(struct vuser_epoch *epoch);
void vuser_epoch_end(struct vuser_epoch *epoch);

#endif /* VUSER_EPOCH_H */
