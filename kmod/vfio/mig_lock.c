// SPDX-License-Identifier: GPL-2.0
/*
 * The lock of the migration of a device, and the users of its files.
 *
 * A file of migration may outlive the consumer's file of the device.  So its functions count
 * themselves, and close waits for them.
 */
#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/wait_bit.h>

#include "server/channel.h"
#include "server/conn.h"
#include "vfio/device.h"
#include "vfio/mig_lock.h"
#include "vuser.h"

/**
 * vuser_mig_lock() - let no other thread migrate or reset an open device
 * @dev: the device
 *
 * Context: process; sleeps killably: the lock is held while the server answers.
 * Return: 0, and the caller must call vuser_mig_lock_drop(); or -EINTR when killed.
 */
int vuser_mig_lock(struct vuser_device *dev)
{
	return mutex_lock_killable(&dev->mig.lock) ? -EINTR : 0;
}

/**
 * vuser_mig_lock_drop() - let other threads migrate or reset an open device
 * @dev: the device, after vuser_mig_lock()
 *
 * Context: process.
 */
void vuser_mig_lock_drop(struct vuser_device *dev)
{
	mutex_unlock(&dev->mig.lock);
}

static void vuser_mig_lock_uncount(struct vuser_mig *mig)
{
	if (atomic_dec_and_test(&mig->users))
		wake_up_var(&mig->users);
}

/**
 * vuser_mig_lock_enter() - begin an operation on a file of migration
 * @dev: the device; the caller has a reference
 *
 * Context: process; takes the lock of the migration killably.
 * Return: 0, and the caller must call vuser_mig_lock_leave(); -ENODEV when the device is not
 * open; or -EINTR when killed.
 */
int vuser_mig_lock_enter(struct vuser_device *dev)
{
	struct vuser_mig *mig = &dev->mig;
	int ret = -ENODEV;

	atomic_inc(&mig->users);
	/* vuser_mig_lock_wait_idle() sees the count, or this sees that @usable is false. */
	smp_mb__after_atomic();
	if (READ_ONCE(mig->usable))
		ret = vuser_mig_lock(dev);
	if (ret)
		vuser_mig_lock_uncount(mig);
	return ret;
}

/**
 * vuser_mig_lock_leave() - end an operation on a file of migration
 * @dev: the device, after vuser_mig_lock_enter()
 *
 * Context: process.
 */
void vuser_mig_lock_leave(struct vuser_device *dev)
{
	vuser_mig_lock_drop(dev);
	vuser_mig_lock_uncount(&dev->mig);
}

/**
 * vuser_mig_lock_wait_idle() - wait until no thread uses a file of migration
 * @dev: a device that is being closed; no other server can take the place of its server
 * @deadline: when to stop waiting for the server: then its channel is marked lost
 *
 * No such use begins after this.
 *
 * Context: process; takes the device's lock; sleeps, not interruptible.
 */
void vuser_mig_lock_wait_idle(struct vuser_device *dev, ktime_t deadline)
{
	struct vuser_mig *mig = &dev->mig;

	WRITE_ONCE(mig->usable, false);
	/* Pairs with the barrier in vuser_mig_lock_enter(). */
	smp_mb();
	/* Such a thread may wait for another server. */
	mutex_lock(&dev->lock);
	vuser_conn_fail(&dev->conn);
	mutex_unlock(&dev->lock);
	if (wait_var_event_timeout(&mig->users, !atomic_read(&mig->users),
				   vuser_jiffies_left(deadline)))
		return;
	vuser_channel_fail(dev->conn.chan, -ETIMEDOUT,
			   "the state of the device was read or written when the device was closed");
	wait_var_event(&mig->users, !atomic_read(&mig->users));
}
