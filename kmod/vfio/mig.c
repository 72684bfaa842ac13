// SPDX-License-Identifier: GPL-2.0
/*
 * Migration of a device by its consumer: the states of migration.
 *
 * VFIO's core handles the features MIGRATION and MIG_DEVICE_STATE and calls the functions in
 * vuser_mig_ops.  Each change of the state is one of the direct transitions that VFIO defines,
 * and one command to the server.
 *
 * The kernel knows the state, because only this file changes it.  When the server fails a
 * command, the kernel asks the server for the state.  A device whose server does not answer, or
 * is lost while the device is not in state RUNNING, is in state ERROR.  A reset by the consumer
 * ends each state.
 *
 * The state changes only while its thread uses the connection (between vuser_conn_begin() and
 * vuser_conn_leave()), and in the work item that resumes the device, when no thread uses it.  So
 * the work item that replaces the server sees a constant state after vuser_conn_drain().
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/vfio.h>

#include "compat.h"
#include "region/pci.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/cmd_mig.h"
#include "server/conn.h"
#include "server/desc.h"
#include "vfio/device.h"
#include "vfio/irq.h"
#include "vfio/mig.h"
#include "vfio/mig_file.h"
#include "vfio/mig_lock.h"

/* States ------------------------------------------------------------------- */

/* Whether the device has a file for its state: VFIO's "data transfer session". */
static bool vuser_mig_has_file(u32 state)
{
	return vuser_mig_file_saves(state) || state == VFIO_DEVICE_STATE_RESUMING;
}

/* Ends the file of the state, which the consumer may still have open. */
static void vuser_mig_end_file(struct vuser_mig *mig)
{
	if (mig->file)
		fput(mig->file);
	mig->file = NULL;
}

static void vuser_mig_set(struct vuser_device *dev, u32 state)
{
	struct vuser_mig *mig = &dev->mig;

	if (!vuser_mig_has_file(state))
		vuser_mig_end_file(mig);
	WRITE_ONCE(mig->state, state);
}

/*
 * Finds out the state after a command has failed.  @ret: the result of the command.  After an
 * answer that did not come in time, the kernel cannot know what the server will do.
 */
static void vuser_mig_ask(struct vuser_device *dev, int ret)
{
	enum vfio_device_mig_state next;
	u32 state = VFIO_DEVICE_STATE_ERROR;

	if (ret != -EINTR && ret != -ETIMEDOUT && ret != -ENOTCONN &&
	    vuser_cmd_mig_get_state(dev->conn.chan, &state))
		state = VFIO_DEVICE_STATE_ERROR;
	/* The server may say anything: the device has the states of its flags only. */
	if (state >= VFIO_DEVICE_STATE_STOP && state != dev->mig.state &&
	    vfio_mig_get_next_state(&dev->vdev, VFIO_DEVICE_STATE_RUNNING, state, &next))
		state = VFIO_DEVICE_STATE_ERROR;
	/* Without its file, the consumer could not go on in such a state. */
	if (vuser_mig_has_file(state) &&
	    (!dev->mig.file ||
	     vuser_mig_file_saves(state) != vuser_mig_file_saves(dev->mig.state)))
		state = VFIO_DEVICE_STATE_ERROR;
	vuser_mig_set(dev, state);
}

/*
 * The device has loaded a state, and runs.  That state has the registers of configuration space
 * that the kernel owns, as they were in another device: write them.  An interrupt may have come
 * before its vector was enabled.
 */
static int vuser_mig_loaded(struct vuser_device *dev)
{
	int ret = vuser_pci_loaded(&dev->regions.pci);

	if (!ret)
		dev->mig.loaded = false;
	return ret;
}

static bool vuser_mig_runs(u32 state)
{
	return state == VFIO_DEVICE_STATE_RUNNING || state == VFIO_DEVICE_STATE_RUNNING_P2P;
}

/* Changes the state to @next directly.  Returns the new file, NULL, or an errno. */
static struct file *vuser_mig_step(struct vuser_device *dev, u32 next)
{
	struct vuser_mig *mig = &dev->mig;
	struct file *file = NULL;
	u32 state = mig->state;
	int ret;

	if (vuser_mig_has_file(next) && !vuser_mig_has_file(state)) {
		file = vuser_mig_file_open(dev, vuser_mig_file_saves(next));
		if (IS_ERR(file))
			return file;
	}
	/* Also if the server refuses: it may have loaded a part. */
	if (state == VFIO_DEVICE_STATE_RESUMING)
		mig->loaded = true;
	ret = vuser_cmd_mig_state(dev->conn.chan, next);
	if (ret) {
		if (file)
			fput(file);
		vuser_mig_ask(dev, ret);
		return ERR_PTR(ret);
	}
	vuser_mig_set(dev, next);
	if (file) {
		/* One reference for the consumer, one for @mig. */
		get_file(file);
		mig->file = file;
		WRITE_ONCE(mig->usable, true);
	}
	ret = mig->loaded && vuser_mig_runs(next) ? vuser_mig_loaded(dev) : 0;
	if (!ret)
		return file;
	/* The device lacks registers of the consumer. */
	vuser_mig_set(dev, VFIO_DEVICE_STATE_ERROR);
	return ERR_PTR(ret);
}

/* Changes the state to @new.  Returns as vuser_mig_step(). */
static struct file *vuser_mig_go(struct vuser_device *dev, enum vfio_device_mig_state new)
{
	enum vfio_device_mig_state next;
	struct file *file = NULL;
	int ret;

	/* VFIO's table has no transition from ERROR, and warns about it in the log. */
	if (dev->mig.state == VFIO_DEVICE_STATE_ERROR)
		return new == VFIO_DEVICE_STATE_ERROR ? NULL : ERR_PTR(-EINVAL);
	while (dev->mig.state != new) {
		/* Only the last step may have a file. */
		if (WARN_ON(file)) {
			fput(file);
			return ERR_PTR(-EIO);
		}
		ret = vfio_mig_get_next_state(&dev->vdev, dev->mig.state, new, &next);
		if (ret)
			return ERR_PTR(ret);
		file = vuser_mig_step(dev, next);
		if (IS_ERR(file))
			return file;
	}
	return file;
}

/* Callbacks of VFIO ---------------------------------------------------------- */

static struct file *vuser_mig_set_state(struct vfio_device *vdev,
					enum vfio_device_mig_state new)
{
	struct vuser_device *dev = to_vuser(vdev);
	bool loaded = false;
	struct file *file;
	int ret;

	ret = vuser_mig_lock(dev);
	if (ret)
		return ERR_PTR(ret);
	ret = vuser_conn_begin(&dev->conn);
	if (ret) {
		file = ERR_PTR(ret == -EINTR ? ret : -EIO);
		goto out_unlock;
	}
	loaded = dev->mig.loaded || dev->mig.state == VFIO_DEVICE_STATE_RESUMING;
	file = vuser_mig_go(dev, new);
	loaded = loaded && !dev->mig.loaded && vuser_mig_runs(dev->mig.state);
	if (IS_ERR(file) && PTR_ERR(file) == -ENOTCONN)
		file = ERR_PTR(-EIO);
	vuser_conn_leave(&dev->conn);
out_unlock:
	vuser_mig_lock_drop(dev);
	/*
	 * The device may have lost an interrupt before its vector was enabled.  Without the
	 * connection, since a work item that waits for its users has the lock of the
	 * interrupts.  There is no file after a step to a state that runs.
	 */
	ret = loaded ? vuser_irq_repeat_killable(dev) : 0;
	return ret ? ERR_PTR(ret) : file;
}

/* A device whose server is lost cannot go on in another state than RUNNING. */
static int vuser_mig_get_state(struct vfio_device *vdev, enum vfio_device_mig_state *state)
{
	struct vuser_device *dev = to_vuser(vdev);
	int ret;

	*state = READ_ONCE(dev->mig.state);
	if (*state == VFIO_DEVICE_STATE_RUNNING)
		return 0;
	ret = vuser_conn_begin(&dev->conn);
	if (ret == -EINTR)
		return ret;
	*state = ret ? VFIO_DEVICE_STATE_ERROR : READ_ONCE(dev->mig.state);
	if (!ret)
		vuser_conn_leave(&dev->conn);
	return 0;
}

/* VFIO's core does not ask before Linux 6.2. */
static int __maybe_unused vuser_mig_get_size(struct vfio_device *vdev, unsigned long *length)
{
	struct vuser_device *dev = to_vuser(vdev);
	u64 size;
	int ret;

	ret = vuser_conn_begin(&dev->conn);
	if (ret)
		return ret == -EINTR ? ret : -EIO;
	ret = vuser_cmd_mig_size(dev->conn.chan, &size);
	vuser_conn_leave(&dev->conn);
	*length = size;
	return ret == -ENOTCONN ? -EIO : ret;
}

static const struct vfio_migration_ops vuser_mig_ops = {
	.migration_set_state = vuser_mig_set_state,
	.migration_get_state = vuser_mig_get_state,
	VUSER_MIGRATION_SIZE_OPS(vuser_mig_get_size)
};

/* Reset ---------------------------------------------------------------------- */

/**
 * vuser_mig_is_stopped() - tell whether a server may refuse a reset, because of the state
 * @dev: an open device
 *
 * Context: any.
 * Return: true if the device is in another state than RUNNING.
 */
bool vuser_mig_is_stopped(struct vuser_device *dev)
{
	return READ_ONCE(dev->mig.state) != VFIO_DEVICE_STATE_RUNNING;
}

/**
 * vuser_mig_run() - let a device run whose server has refused a reset
 * @dev: an open device; the lock of the migration is held, and the caller uses the connection
 *
 * libvfio-user refuses a reset in state STOP.
 *
 * Context: process; waits killably for the server.
 */
void vuser_mig_run(struct vuser_device *dev)
{
	vuser_cmd_mig_state(dev->conn.chan, VFIO_DEVICE_STATE_RUNNING);
}

/* Makes a server run its device, if the server does not say that it does. */
static int vuser_mig_make_run(struct vuser_channel *chan)
{
	u32 state;
	int ret = vuser_cmd_mig_get_state(chan, &state);

	if (ret || state == VFIO_DEVICE_STATE_RUNNING)
		return ret;
	return vuser_cmd_mig_state(chan, VFIO_DEVICE_STATE_RUNNING);
}

/**
 * vuser_mig_was_reset() - change the state to RUNNING, since the consumer has reset the device
 * @dev: an open device; the lock of the migration is held, and the caller uses the connection
 *
 * Context: process; waits killably for the server, if the state was another one.
 * Return: 0; -EINTR when killed; -ENOTCONN when the server is lost; or -EIO when the server
 * does not run its device: then the state is ERROR.
 */
int vuser_mig_was_reset(struct vuser_device *dev)
{
	int ret;

	if (!vuser_mig_is_stopped(dev))
		return 0;
	ret = vuser_mig_make_run(dev->conn.chan);
	dev->mig.loaded = false;
	vuser_mig_set(dev, ret ? VFIO_DEVICE_STATE_ERROR : VFIO_DEVICE_STATE_RUNNING);
	return ret && ret != -EINTR && ret != -ENOTCONN ? -EIO : ret;
}

/* Another server --------------------------------------------------------------- */

/**
 * vuser_mig_is_busy() - tell whether the consumer migrates the device
 * @dev: an open device
 *
 * Context: any.  The result is constant while no thread uses the connection.
 * Return: true if another server cannot take the place of the server in use.
 */
bool vuser_mig_is_busy(struct vuser_device *dev)
{
	return vuser_mig_is_stopped(dev);
}

/**
 * vuser_mig_check() - compare the migration of a server with that of the device as opened
 * @dev: an open device
 * @chan: the channel of another server
 *
 * Context: process; waits killably for the server of @chan.
 * Return: 0; -EOPNOTSUPP when that server lacks states that the consumer knows; or as
 * vuser_cmd_mig_flags().
 */
int vuser_mig_check(struct vuser_device *dev, struct vuser_channel *chan)
{
	u64 flags;
	int ret;

	if (!dev->vdev.migration_flags)
		return 0;
	ret = vuser_cmd_mig_flags(chan, &flags);
	return !ret && (dev->vdev.migration_flags & ~flags) ? -EOPNOTSUPP : ret;
}

/**
 * vuser_mig_lost() - change the state, because the server is lost
 * @dev: an open device; no thread uses the connection
 *
 * Context: the work item that resumes the device, before accesses use the new server.
 */
void vuser_mig_lost(struct vuser_device *dev)
{
	if (vuser_mig_is_stopped(dev))
		WRITE_ONCE(dev->mig.state, VFIO_DEVICE_STATE_ERROR);
}

/**
 * vuser_mig_resume() - let the device of another server run as the consumer expects
 * @dev: an open device, which another server serves from now on
 *
 * A device that the consumer had stopped does not run before the consumer resets it: it may
 * run in another place already.
 *
 * Context: the work item that resumes the device; waits for the server.
 * Return: 0; or as vuser_cmd_mig_state().
 */
int vuser_mig_resume(struct vuser_device *dev)
{
	if (!vuser_mig_is_stopped(dev))
		return 0;
	return vuser_cmd_mig_state(dev->conn.chan, VFIO_DEVICE_STATE_STOP);
}

/* Open and close ----------------------------------------------------------------- */

/**
 * vuser_mig_open() - ask whether a device that is being opened can be migrated
 * @dev: the device, which has been reset
 *
 * If its server has no migration, VFIO's core answers ENOTTY to the consumer.
 *
 * Context: process; waits killably for the server.
 * Return: 0; as vuser_cmd_mig_flags(); or an errno when the server does not run its device.
 */
int vuser_mig_open(struct vuser_device *dev)
{
	struct vuser_channel *chan = dev->conn.chan;
	struct vfio_device *vdev = &dev->vdev;
	u64 flags;
	int ret;

	vdev->mig_ops = NULL;
	ret = vuser_cmd_mig_flags(chan, &flags);
	if (!ret && flags)
		ret = vuser_mig_make_run(chan);
	if (ret)
		return ret;
	/* The consumer has no file of the device yet. */
	vdev->migration_flags = flags & VUSER_MIGRATION_FLAGS;
	if (flags)
		vdev->mig_ops = &vuser_mig_ops;
	dev->mig.state = VFIO_DEVICE_STATE_RUNNING;
	dev->mig.loaded = false;
	return 0;
}

/**
 * vuser_mig_close() - end the migration of a device that is being closed
 * @dev: the device; no other server can take the place of its server
 * @deadline: when to stop waiting for the server
 *
 * The consumer may still have a file of migration: its functions fail from now on.  The device
 * runs afterwards, because servers refuse commands in state STOP.
 *
 * Context: process; waits for the server uninterruptibly, but not beyond @deadline.
 */
void vuser_mig_close(struct vuser_device *dev, ktime_t deadline)
{
	struct vuser_channel *chan = dev->conn.chan;

	vuser_mig_lock_wait_idle(dev, deadline);
	if (vuser_mig_is_stopped(dev)) {
		if (!(dev->conn.desc->flags & VFIO_DEVICE_FLAGS_RESET) ||
		    READ_ONCE(dev->settings.reset_never) ||
		    vuser_cmd_reset(chan, deadline, false))
			vuser_cmd_mig_state_until(chan, VFIO_DEVICE_STATE_RUNNING, deadline,
						  false);
	}
	vuser_mig_set(dev, VFIO_DEVICE_STATE_RUNNING);
}

/**
 * vuser_mig_init() - initialise the migration of a new device
 * @dev: the device, zeroed
 *
 * Context: any.
 */
void vuser_mig_init(struct vuser_device *dev)
{
	mutex_init(&dev->mig.lock);
	dev->mig.state = VFIO_DEVICE_STATE_RUNNING;
}
