// SPDX-License-Identifier: GPL-2.0
/*
 * The time in which the shared areas of an open device have one set of files.
 *
 * A consumer may map a shared area of one device for DMA of another device.  The kernel
 * holds the pages for that DMA, also after the consumer has unmapped them.  When the server
 * that gave the files is replaced, these pages are not the device's any more, and the DMA
 * must not reach them.
 */
#include <linux/slab.h>

#include "dma/epoch.h"

/**
 * vuser_epoch_alloc() - begin an epoch
 *
 * Context: process; may sleep for memory.
 * Return: the epoch with one reference, or NULL if there is no memory.
 */
struct vuser_epoch *vuser_epoch_alloc(void)
{
	struct vuser_epoch *epoch = kzalloc(sizeof(*epoch), GFP_KERNEL_ACCOUNT);

	if (!epoch)
		return NULL;
	kref_init(&epoch->ref);
	init_rwsem(&epoch->lock);
	return epoch;
}

/**
 * vuser_epoch_get() - take a reference
 * @epoch: the epoch; another reference keeps it alive during the call
 *
 * Context: any.
 */
void vuser_epoch_get(struct vuser_epoch *epoch)
{
	kref_get(&epoch->ref);
}

static void vuser_epoch_release(struct kref *ref)
{
	kfree(container_of(ref, struct vuser_epoch, ref));
}

/**
 * vuser_epoch_put() - drop a reference
 * @epoch: the epoch, or NULL
 *
 * Context: any.
 */
void vuser_epoch_put(struct vuser_epoch *epoch)
{
	if (epoch)
		kref_put(&epoch->ref, vuser_epoch_release);
}

/**
 * vuser_epoch_lock() - keep an epoch from ending
 * @epoch: the epoch
 *
 * Context: process; may sleep for a short time.
 * Return: true, and the caller must call vuser_epoch_unlock(); false if the epoch is over.
 */
bool vuser_epoch_lock(struct vuser_epoch *epoch)
{
	down_read(&epoch->lock);
	if (!epoch->over)
		return true;
	up_read(&epoch->lock);
	return false;
}

/**
 * vuser_epoch_unlock() - allow that an epoch ends
 * @epoch: the epoch, after vuser_epoch_lock() has returned true
 *
 * Context: process.
 */
void vuser_epoch_unlock(struct vuser_epoch *epoch)
{
	up_read(&epoch->lock);
}

/**
 * vuser_epoch_end() - end an epoch
 * @epoch: the epoch
 *
 * On return no DMA copies from or to a page of its files, and none will.
 *
 * Context: process; sleeps until copies that run now have ended.
 */
void vuser_epoch_end(struct vuser_epoch *epoch)
{
	down_write(&epoch->lock);
	epoch->over = true;
	up_write(&epoch->lock);
}
