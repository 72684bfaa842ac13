// SPDX-License-Identifier: GPL-2.0
/*
 * A consumer that comes by iommufd.  Its memory is not pinned: each DMA is an
 * access of iommufd's, which finds a page, or waits until the consumer (or its
 * FUSE server, or userfaultfd) has brought it.  Nobody can say how long, and
 * the thread that reads the socket cannot be killed.  So no lock is held
 * meanwhile, and close waits to its deadline and no longer: what is not done
 * then keeps the access, which is destroyed when that is.
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
 * @ref: held by the device from bind to unbind, and by each DMA
 * @vdev: the device, which iommufd's callbacks are given; a reference
 * @access: iommufd's, destroyed with the last reference
 * @active: DMA that is being done
 * @idle: wakes who waits for its end
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
 * vuser_iommufd_bind() - a consumer gives the device to its iommufd
 * @vdev: not open
 * @ictx: the iommufd
 * @id: set to the number that iommufd has for the device
 * @out: set to the access to the consumer's memory, for vuser_iommufd_unbind()
 *
 * Context: process, under the lock of VFIO's device set.
 * Return: 0, -ENOMEM, or iommufd's error.
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
 * vuser_iommufd_unbind() - the device leaves the iommufd
 * @vdev: not open any more
 * @access: of vuser_iommufd_bind()
 *
 * As vfio_iommufd_emulated_unbind(), but for an access that is in use still.
 *
 * Context: process, under the lock of VFIO's device set.
 */
void vuser_iommufd_unbind(struct vfio_device *vdev,
			  struct vuser_iommufd_access *access)
{
	vdev->iommufd_access = NULL;
	vdev->iommufd_attached = false;
	kref_put(&access->ref, vuser_iommufd_release);
}

/**
 * vuser_iommufd_begin() - hold an access for one DMA
 * @access: of an open device, whose DMA lock is held
 *
 * Context: process.
 */
void vuser_iommufd_begin(struct vuser_iommufd_access *access)
{
	kref_get(&access->ref);
	atomic_inc(&access->active);
}

/**
 * vuser_iommufd_rw() - one DMA
 * @access: begun
 * @iova: where
 * @buf: kernel memory
 * @len: bytes, not 0; the range does not wrap
 * @write: to the consumer's memory; else from it
 *
 * What goes into a hole has been done up to there.
 *
 * Context: process, no lock held: may wait for the consumer's memory, without
 * limit in a worker.
 * Return: 0, -EFAULT where nothing is mapped, -EACCES, or iommufd's error.
 */
int vuser_iommufd_rw(struct vuser_iommufd_access *access, u64 iova, void *buf,
		     size_t len, bool write)
{
	unsigned int flags = write ? IOMMUFD_ACCESS_RW_WRITE :
				     IOMMUFD_ACCESS_RW_READ;
	int ret;

	/* A worker, or a thread of the consumer that waits for a reply. */
	if (!current->mm)
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
 * vuser_iommufd_end() - the DMA is done
 * @access: begun; not to be looked at any more
 *
 * Context: process, no lock held that iommufd's close takes.
 */
void vuser_iommufd_end(struct vuser_iommufd_access *access)
{
	if (atomic_dec_and_test(&access->active))
		wake_up(&access->idle);
	kref_put(&access->ref, vuser_iommufd_release);
}

/**
 * vuser_iommufd_idle() - wait until no DMA is being done
 * @access: of a device where none begins any more
 * @deadline: when to give up
 *
 * Context: process; not interruptible.
 * Return: false when some is.
 */
bool vuser_iommufd_idle(struct vuser_iommufd_access *access, ktime_t deadline)
{
	return wait_event_idle_timeout(access->idle,
				       !atomic_read(&access->active),
				       vuser_jiffies_left(deadline));
}
