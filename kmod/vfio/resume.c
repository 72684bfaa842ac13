// SPDX-License-Identifier: GPL-2.0
/*
 * Makes another server serve an open device whose server is lost.
 *
 * Attach compares the description of the new server with the device as opened, and
 * queues a work item.  The work item gives the new server what the consumer gave to the
 * lost one: files of shared areas are replaced, and the server gets a reset, the DMA map,
 * the stores that the lost server has not carried out, the files that signal interrupts,
 * and the registers of configuration space that the kernel owns.  Then accesses go on.  If
 * a step fails, the new server is lost, too.
 */
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "dma/dma.h"
#include "region/pci.h"
#include "region/shared.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/conn.h"
#include "server/desc.h"
#include "server/replay.h"
#include "server/serve_dma.h"
#include "server/server.h"
#include "vfio/device.h"
#include "vfio/intx.h"
#include "vfio/irq.h"
#include "vfio/mig.h"
#include "vfio/resume.h"
#include "vfio/state.h"

/* Steps ------------------------------------------------------------------- */

/**
 * vuser_resume_end_dma() - wait until no DMA of a lost server runs
 * @dev: an open device
 * @lost: the channel of the lost server
 * @chan: the channel of the server that is to take its place
 *
 * DMA from before the loss must not reach memory after the device was resumed.
 *
 * Context: process, a work item that lets another server serve the device; sleeps, as long
 * as a server may take to answer.
 * Return: as vuser_serve_dma_wait_end().
 */
int vuser_resume_end_dma(struct vuser_device *dev, struct vuser_channel *lost,
			 struct vuser_channel *chan)
{
	int ret;

	mutex_lock(&dev->lock);
	dev->ending = lost;
	mutex_unlock(&dev->lock);
	ret = vuser_serve_dma_wait_end(lost, chan, vuser_channel_deadline(chan));
	mutex_lock(&dev->lock);
	dev->ending = NULL;
	mutex_unlock(&dev->lock);
	return ret;
}

/**
 * vuser_resume_reset_device() - reset the device of a new server
 * @dev: an open device
 * @chan: the channel of the new server
 *
 * A server that was started just now has reset its device.  A server that only lost a
 * connection may not have.
 *
 * Context: process, a work item that lets another server serve the device; waits for the
 * server.
 * Return: 0, also if the device cannot be reset; or as vuser_cmd_reset().
 */
int vuser_resume_reset_device(struct vuser_device *dev, struct vuser_channel *chan)
{
	int ret;

	if (!(chan->desc->flags & VFIO_DEVICE_FLAGS_RESET) ||
	    READ_ONCE(dev->settings.reset_never))
		return 0;
	ret = vuser_cmd_reset(chan, vuser_channel_deadline(chan), true);
	return ret == -EOPNOTSUPP || ret == -ENOTTY || ret == -EINVAL ? 0 : ret;
}

/*
 * Sends the posted writes that the lost server had not carried out.  A server that keeps
 * its state knows them.  If it does not say, they are gone.  Sets @gone if they are too
 * many to be recorded.
 */
static int vuser_resume_writes(struct vuser_device *dev, bool state_kept, bool *gone)
{
	struct vfio_user_last_write last = { .msg_id = VFIO_USER_NO_WRITE };
	struct vuser_channel *chan = dev->conn.chan;
	size_t size;
	int ret;

	if (!state_kept) {
		vuser_replay_clear(chan);
		return 0;
	}
	ret = vuser_cmd_feature(chan, VFIO_DEVICE_FEATURE_GET |
				VFIO_USER_FEATURE_LAST_WRITE, &last, sizeof(last),
				&size);
	if (ret == -ENOTTY || ret == -EINVAL) {
		vuser_replay_clear(chan);
		return 0;
	}
	if (!ret && size != sizeof(last))
		ret = -EPROTO;
	if (!ret)
		ret = vuser_replay_resume(chan, last.msg_id);
	if (ret != -ENODATA)
		return ret;
	dev_warn(dev->vdev.dev, "the server's state lacks too many stores\n");
	vuser_replay_clear(chan);
	*gone = true;
	return 0;
}

/*
 * Gives the new server all that the consumer gave to the lost one.  The order is that of
 * an open: memory before interrupts, and the command register, with bus mastering, last.
 * Sets @step to the step that failed, and @gone if stores are lost.
 */
static int vuser_resume_device(struct vuser_device *dev, bool state_kept,
			       bool *gone, const char **step)
{
	int ret, err;

	vuser_mig_lost(dev);
	*step = "the consumer could not migrate the device of this server";
	ret = vuser_mig_check(dev, dev->conn.chan);
	if (ret)
		return ret;
	*step = "the files of the server's shared areas cannot be used";
	ret = vuser_shared_replace(&dev->regions, dev->conn.chan->desc,
				   vuser_vfio_mapping(&dev->vdev));
	if (ret)
		return ret;
	*step = "the server does not reset its device";
	ret = state_kept ? 0 : vuser_resume_reset_device(dev, dev->conn.chan);
	if (ret)
		return ret;
	*step = "the server does not map the memory of the consumer";
	ret = vuser_dma_resume(&dev->dma);
	if (ret)
		return ret;
	*step = "the server does not take the stores that the lost server did not carry out";
	ret = vuser_resume_writes(dev, state_kept, gone);
	if (ret)
		return ret;
	*step = "the server does not accept the interrupts";
	ret = vuser_irq_prepare(dev, dev->conn.chan);
	err = vuser_irq_commit(dev);
	if (ret || err)
		return ret ? ret : err;
	*step = "the server does not take the registers of configuration space";
	ret = vuser_pci_resume(&dev->regions.pci, state_kept);
	if (ret)
		return ret;
	*step = "the server does not stop its device, which the consumer must reset";
	return vuser_mig_resume(dev);
}

/*
 * Puts the server of @chan in the place of the lost one.  Sets @step and @gone as
 * vuser_resume_device().
 */
static int vuser_resume_switch(struct vuser_device *dev, struct vuser_channel *chan,
			       bool state_kept, bool *gone, const char **step)
{
	struct vuser_channel *lost;
	int ret;

	*step = "DMA of the lost server does not end";
	/* A replacement whose new server is lost may still change the connection. */
	mutex_lock(&dev->irqs.lock);
	lost = dev->conn.chan;
	mutex_unlock(&dev->irqs.lock);
	ret = vuser_resume_end_dma(dev, lost, chan);
	if (ret)
		return ret;
	mutex_lock(&dev->irqs.lock);
	lost = vuser_conn_replace(&dev->conn, chan);
	vuser_dma_switch(&dev->dma, chan);
	vuser_server_end(lost);
	vuser_channel_put(lost);
	ret = vuser_resume_device(dev, state_kept, gone, step);
	mutex_unlock(&dev->irqs.lock);
	return ret;
}

/* Tries to make the server of @chan serve the device. */
static void vuser_resume_try(struct vuser_device *dev, struct vuser_channel *chan)
{
	bool state_kept = READ_ONCE(dev->settings.state_kept);
	bool gone = false;
	const char *step;
	int ret = vuser_resume_switch(dev, chan, state_kept, &gone, &step);

	if (ret) {
		if (!vuser_channel_lost(chan) && READ_ONCE(dev->resumable))
			dev_warn(dev->vdev.dev,
				 "cannot go on with another server: %s (%d)\n", step,
				 ret);
		vuser_channel_hang_up(chan, ret, "the open device could not be resumed");
		return;
	}
	if (!vuser_state_resumed(dev, chan))
		return;
	dev_info(dev->vdev.dev, "another server serves the open device\n");
	vuser_irq_repeat(dev);
	if (!state_kept || gone)
		vuser_irq_fire_err(dev);
}

static void vuser_resume_work(struct work_struct *work)
{
	struct vuser_device *dev = container_of(work, struct vuser_device,
						resume_work);
	struct vuser_channel *chan;

	/* Close waits for @resumes only, and the device may be removed after that. */
	vuser_device_get(dev);
	chan = vuser_state_resuming(dev);
	if (chan) {
		vuser_resume_try(dev, chan);
		vuser_channel_put(chan);
	}
	vuser_resume_ended(dev);
	vuser_device_put(dev);
}

/* No server came back in time: accesses fail, and ERR is signalled. */
static void vuser_resume_loss_work(struct work_struct *work)
{
	struct vuser_device *dev = container_of(to_delayed_work(work),
						struct vuser_device, loss_work);
	bool failed;

	mutex_lock(&dev->lock);
	failed = dev->opened && !dev->conn.usable && !dev->conn.failed &&
		 dev->settings.on_loss != VUSER_ON_LOSS_ONES;
	if (failed)
		vuser_conn_fail(&dev->conn);
	mutex_unlock(&dev->lock);
	if (failed)
		vuser_irq_fire_err(dev);
}

/* Open, reset, close ------------------------------------------------------ */

/* Whether the work item of a device in state resuming has ended, or has no reason to run. */
static bool vuser_resume_done(struct vuser_device *dev)
{
	return READ_ONCE(dev->state) != VUSER_STATE_RESUMING ||
	       READ_ONCE(dev->resumed) || !atomic_read(&dev->resumes);
}

/**
 * vuser_resume_reset() - let the consumer's reset end the failure of accesses
 * @dev: an open device
 *
 * Context: process; sleeps killably while a new server is made to serve the device, which
 * each message of that server ends in request_timeout_ms at most.
 * Return: 1 if accesses have failed until now and work from now on; 0 if there is nothing
 * to do; or -EINTR when killed.
 */
int vuser_resume_reset(struct vuser_device *dev)
{
	if (!READ_ONCE(dev->conn.failed))
		return 0;
	if (wait_event_killable(dev->conn.changed, vuser_resume_done(dev)))
		return -EINTR;
	if (!vuser_state_reset(dev))
		return 0;
	/* INTx that the new server raised while accesses failed. */
	vuser_intx_go_on(dev);
	return 1;
}

/**
 * vuser_resume_ended() - report that a work item that is counted in @dev->resumes has ended
 * @dev: the device; the caller has a reference
 *
 * Context: process.
 */
void vuser_resume_ended(struct vuser_device *dev)
{
	if (atomic_dec_and_test(&dev->resumes))
		wake_up_var(&dev->resumes);
	wake_up_all(&dev->conn.changed);
}

/**
 * vuser_resume_stop() - end the work for a lost server, because the device is closed
 * @dev: the device
 * @deadline: when to stop waiting for a new server
 *
 * On return no other server can take the place of the device's server.
 *
 * Context: process; takes the device's lock; sleeps, not interruptible.
 */
void vuser_resume_stop(struct vuser_device *dev, ktime_t deadline)
{
	mutex_lock(&dev->lock);
	WRITE_ONCE(dev->resumable, false);
	mutex_unlock(&dev->lock);
	cancel_delayed_work_sync(&dev->loss_work);
	if (wait_var_event_timeout(&dev->resumes, !atomic_read(&dev->resumes),
				   vuser_jiffies_left(deadline)))
		return;
	vuser_channel_fail(dev->chan, -ETIMEDOUT,
			   "the device was closed before the server served it");
	mutex_lock(&dev->lock);
	if (dev->replace.chan)
		vuser_channel_fail(dev->replace.chan, -ETIMEDOUT,
				   "the device was closed before the server served it");
	if (dev->ending)
		vuser_serve_dma_wake(dev->ending);
	mutex_unlock(&dev->lock);
	wait_var_event(&dev->resumes, !atomic_read(&dev->resumes));
}

/**
 * vuser_resume_init() - initialise the works of a new device
 * @dev: the device, zeroed
 *
 * Context: any.
 */
void vuser_resume_init(struct vuser_device *dev)
{
	INIT_WORK(&dev->resume_work, vuser_resume_work);
	INIT_DELAYED_WORK(&dev->loss_work, vuser_resume_loss_work);
}
