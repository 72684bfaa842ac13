// SPDX-License-Identifier: GPL-2.0
/*
 * Access to the memory of a consumer that uses iommufd.
 *
 * The memory is not pinned.  Each DMA calls iommufd, which finds the pages.  If
 * a page is not present, iommufd waits until the consumer provides the page (or
 * the consumer's FUSE server or userfaultfd).  This wait has no time limit, and
 * a kernel worker that waits cannot be killed.
 *
 * So no lock is held during the wait, and close waits for running DMA only
 * until its deadline.  A DMA that still runs then holds a reference to the
 * access, and the access is destroyed when that DMA ends.
 */
#include <linux/atomic.h>
#include <linux/iommufd.h>
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vfio.h>
#include <linux/wait.h>

#include "compat.h"
#include "dma/iommufd.h"
#include "vuser.h"

VUSER_IMPORT_IOMMUFD;

/**
 * struct vuser_iommufd_access - access to the memory of an I/O address space
 * @ref: held by the device from bind to unbind, and by each running DMA
 * @vdev: the device; iommufd passes it to callbacks, so a reference is held
 * @access: iommufd's object; destroyed with the last reference
 * @active: number of DMA accesses that run now
 * @idle: close waits here until @active is 0
 */
struct vuser_iommufd_access {
	struct kref ref;
	struct vfio_device *vdev;
	struct iommufd_access *access;
	atomic_t active;
	wait_queue_head_t idle;
};

static void vuser_iommufd_release(struct kref *ref)
{
	struct vuser_iommufd_access *access = container_of(ref, struct vuser_iommufd_access,
							   ref);

	iommufd_access_destroy(access->access);
	put_device(&access->vdev->device);
	kfree(access);
}

/**
 * vuser_iommufd_bind() - bind a device to an iommufd
 * @vdev: the device, which is not open
 * @ictx: the iommufd
 * @id: set to iommufd's id of the device
 * @out: set to the access to the consumer's memory; to be released with
 *	vuser_iommufd_unbind()
 *
 * Context: process; may sleep; VFIO's core holds the lock of the device set.
 * Return: 0, -ENOMEM, or an error of iommufd.
 */
int vuser_iommufd_bind(struct vfio_device *vdev, struct iommufd_ctx *ictx,
		       u32 *id, struct vuser_iommufd_access **out)
{
	struct vuser_iommufd_access *access;
	int ret;

	access = kzalloc(sizeof(*access), GFP_KERNEL_ACCOUNT);
	if (!access)
		return -ENOMEM;
	ret = vfio_iommufd_emulated_bind(vdev, ictx, id);
	if (ret) {
		kfree(access);
		return ret;
	}
	kref_init(&access->ref);
	init_waitqueue_head(&access->idle);
	get_device(&vdev->device);
	access->vdev = vdev;
	access->access = vdev->iommufd_access;
	*out = access;
	return 0;
}

/**
 * vuser_iommufd_unbind() - unbind a device from its iommufd
 * @vdev: the device, which is not open any more
 * @access: the access from vuser_iommufd_bind(); the reference is dropped
 *
 * Does what vfio_iommufd_emulated_unbind() does, except that a DMA that still
 * runs keeps the access.
 *
 * Context: process; may sleep; VFIO's core holds the lock of the device set.
 */
void vuser_iommufd_unbind(struct vfio_device *vdev,
			  struct vuser_iommufd_access *access)
{
	vdev->iommufd_access = NULL;
	vdev->iommufd_attached = false;
	kref_put(&access->ref, vuser_iommufd_release);
}

/**
 * vuser_iommufd_begin() - take a reference to an access for one DMA
 * @access: the access of an open device
 *
 * Must be paired with vuser_iommufd_end().
 *
 * Context: the caller holds the DMA lock of the device (vuser_dma.lock).
 */
void vuser_iommufd_begin(struct vuser_iommufd_access *access)
{
	kref_get(&access->ref);
	atomic_inc(&access->active);
}

/**
 * vuser_iommufd_rw() - copy from or to the consumer's memory
 * @access: the access, between vuser_iommufd_begin() and vuser_iommufd_end()
 * @iova: address of the memory
 * @buf: kernel memory
 * @len: bytes, not 0; the range does not wrap
 * @write: true copies from @buf to the memory, false from the memory to @buf
 *
 * If the range reaches an address that is not mapped, the part before that
 * address is copied.
 *
 * Context: process; the caller does not hold the DMA lock.  May wait for the
 * consumer's memory; in a kernel worker, without a time limit.
 * Return: 0; -EFAULT when an address is not mapped; -EACCES when the mapping
 * does not allow the access; or an error of iommufd.
 */
int vuser_iommufd_rw(struct vuser_iommufd_access *access, u64 iova, void *buf,
		     size_t len, bool write)
{
	unsigned int flags = write ? IOMMUFD_ACCESS_RW_WRITE :
				     IOMMUFD_ACCESS_RW_READ;
	int ret;

	/*
	 * The thread that reads the socket is a kernel worker, or a thread of the
	 * consumer that waits for a reply.  A thread of the consumer that exits has
	 * no mm, but it must not use another mm either.
	 */
	if (current->flags & PF_KTHREAD)
		flags |= IOMMUFD_ACCESS_RW_KTHREAD;
	ret = iommufd_access_rw(access->access, iova, buf, len, flags);
	switch (ret) {
	case -ENOENT:
		return -EFAULT;
	case -EPERM:
		return -EACCES;
	default:
		return ret;
	}
}

/**
 * vuser_iommufd_end() - drop the reference of one DMA
 * @access: the access from vuser_iommufd_begin(); the caller must not use it
 *	any more
 *
 * Context: process; may sleep.  Destroys iommufd's object if the device was
 * unbound meanwhile, so the caller must not hold a lock that iommufd takes to
 * destroy it.
 */
void vuser_iommufd_end(struct vuser_iommufd_access *access)
{
	if (atomic_dec_and_test(&access->active))
		wake_up(&access->idle);
	kref_put(&access->ref, vuser_iommufd_release);
}

/**
 * vuser_iommufd_wait_idle() - wait until no DMA runs any more
 * @access: the access of a device for which no new DMA can begin
 * @deadline: when to stop waiting
 *
 * Context: process; sleeps, not interruptible.
 * Return: true when no DMA runs, false when a DMA still runs at @deadline.
 */
bool vuser_iommufd_wait_idle(struct vuser_iommufd_access *access,
			     ktime_t deadline)
{
	return wait_event_idle_timeout(access->idle,
				       !atomic_read(&access->active),
				       vuser_jiffies_left(deadline));
}
