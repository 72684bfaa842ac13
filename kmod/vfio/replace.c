// SPDX-License-Identifier: GPL-2.0
/*
 * Replaces the server of an open device by another one, while both run.
 *
 * dev-replace stores the endpoint of the new server, and the helper connects to it.  Attach
 * compares its description with the device as opened, and queues a work item.  The new
 * server gets the DMA map while the server in use serves the consumer.  Then accesses
 * pause.  The new server gets the rest of what the consumer gave to the server in use, which
 * is ended, and accesses go on.
 *
 * If a step before the end of the server in use fails, that server goes on.  A failure after
 * that is a loss of the new server.
 */
#include <linux/device.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/vfio.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "dma/dma.h"
#include "region/pci.h"
#include "region/shared.h"
#include "server/channel.h"
#include "server/cmd_mig.h"
#include "server/conn.h"
#include "server/desc.h"
#include "server/replay.h"
#include "server/server.h"
#include "vfio/device.h"
#include "vfio/irq.h"
#include "vfio/mig.h"
#include "vfio/replace.h"
#include "vfio/resume.h"
#include "vfio/state.h"

/**
 * struct vuser_replace_run - one replacement
 * @dev: the device
 * @old: channel of the server in use
 * @chan: channel of the new server
 * @move_state: the new server gets the state of the device
 * @state_kept: the new server has the state of the device
 * @mapped: the new server has the DMA map
 * @stopped: the device of the server in use was stopped
 * @shared: the consumer was shown the shared areas of the new server
 * @deadline: when the state must have moved, since accesses wait for it
 * @step: the step that runs or has failed
 */
struct vuser_replace_run {
	struct vuser_device *dev;
	struct vuser_channel *old;
	struct vuser_channel *chan;
	bool move_state;
	bool state_kept;
	bool mapped;
	bool stopped;
	bool shared;
	ktime_t deadline;
	const char *step;
};

/* The steps before the pause. */
static int vuser_replace_prepare(struct vuser_replace_run *run)
{
	int ret;

	run->step = "the consumer migrates the device";
	if (vuser_mig_is_busy(run->dev))
		return -EBUSY;
	run->step = "the consumer could not migrate the device of the new server";
	ret = vuser_mig_check(run->dev, run->chan);
	if (ret)
		return ret;
	if (run->move_state) {
		run->step = "the server in use cannot save the state of the device";
		ret = vuser_cmd_mig_copies(run->old);
		if (ret)
			return ret;
		run->step = "the new server cannot load the state of the device";
		ret = vuser_cmd_mig_copies(run->chan);
	} else if (!run->state_kept) {
		run->step = "the new server does not reset its device";
		ret = vuser_resume_reset_device(run->dev, run->chan);
	}
	if (ret)
		return ret;
	run->step = "the new server does not map the memory of the consumer";
	ret = vuser_dma_next_open(&run->dev->dma, run->chan);
	run->mapped = !ret;
	return ret;
}

/*
 * Accesses may wait as long as reconnect_timeout_ms says, and at least as long as a server
 * may take to answer.
 */
static ktime_t vuser_replace_deadline(struct vuser_replace_run *run)
{
	u32 ms = READ_ONCE(run->dev->settings.reconnect_timeout_ms);
	ktime_t answer = vuser_channel_deadline(run->old);
	ktime_t wait = ktime_add_ms(ktime_get(), ms);

	return ktime_after(wait, answer) ? wait : answer;
}

/* Ends the copy of a state that has no end, and the copy for a device that is closed. */
static int vuser_replace_check_time(struct vuser_replace_run *run)
{
	if (!READ_ONCE(run->dev->resumable))
		return -ENODEV;
	if (ktime_before(ktime_get(), run->deadline))
		return 0;
	run->step = "the state of the device does not move in reconnect_timeout_ms";
	return -ETIMEDOUT;
}

/* Copies the data of the state from the server in use to the new one. */
static int vuser_replace_copy(struct vuser_replace_run *run)
{
	size_t done, size = min3(run->old->desc->max_data_xfer_size,
				 run->chan->desc->max_data_xfer_size,
				 (u32)VUSER_MAX_XFER);
	void *buf = kvmalloc(size, GFP_KERNEL);
	int ret = 0;

	if (!buf)
		return -ENOMEM;
	if (!size)
		ret = -EINVAL;
	while (!ret) {
		done = 0;
		run->step = "the server in use does not give the state of the device";
		ret = vuser_cmd_mig_read(run->old, buf, size, &done);
		if (!ret && done) {
			run->step = "the new server does not take the state of the device";
			ret = vuser_cmd_mig_write(run->chan, buf, done);
		}
		cond_resched();
		if (!ret && !done)
			break;
		if (!ret)
			ret = vuser_replace_check_time(run);
	}
	kvfree(buf);
	return ret;
}

/* Moves the state of the device to the new server, whose device stays stopped. */
static int vuser_replace_move_state(struct vuser_replace_run *run)
{
	int ret;

	/* Direct accesses to these areas do not pause. */
	run->step = "the consumer uses shared areas";
	if (vuser_shared_used(&run->dev->regions))
		return -EOPNOTSUPP;
	run->step = "the server in use does not stop its device";
	run->stopped = true;
	run->deadline = vuser_replace_deadline(run);
	ret = vuser_cmd_mig_state(run->old, VFIO_DEVICE_STATE_STOP_COPY);
	if (ret)
		return ret;
	run->step = "the new server does not load the state of the device";
	ret = vuser_cmd_mig_state(run->chan, VFIO_DEVICE_STATE_RESUMING);
	if (!ret)
		ret = vuser_replace_copy(run);
	if (ret)
		return ret;
	run->step = "the new server does not accept the state of the device";
	return vuser_cmd_mig_state(run->chan, VFIO_DEVICE_STATE_STOP);
}

/* Gives the interrupts to the new server, and stops the device of the server in use. */
static int vuser_replace_stop(struct vuser_replace_run *run)
{
	struct vuser_device *dev = run->dev;
	int ret;

	run->step = "the new server does not accept the interrupts";
	ret = vuser_irq_prepare(dev, run->chan);
	if (ret)
		return ret;
	run->step = "the server in use does not stop its device";
	run->stopped = true;
	return vuser_pci_pause(&dev->regions.pci);
}

/*
 * Shows the consumer the shared areas of the server of @chan.  Returns as
 * vuser_shared_replace().
 */
static int vuser_replace_show(struct vuser_replace_run *run, struct vuser_channel *chan)
{
	return vuser_shared_replace(&run->dev->regions, chan->desc,
				    vuser_vfio_mapping(&run->dev->vdev));
}

/* The steps in the pause that may fail. */
static int vuser_replace_move(struct vuser_replace_run *run)
{
	struct vuser_device *dev = run->dev;
	int ret;

	ret = run->move_state ? vuser_replace_move_state(run) : vuser_replace_stop(run);
	if (ret)
		return ret;
	run->step = "the files of the new server's shared areas cannot be used";
	/* The consumer may have begun to use them in the pause. */
	if (run->move_state && vuser_shared_used(&dev->regions))
		return -EOPNOTSUPP;
	ret = vuser_replace_show(run, run->chan);
	run->shared = !ret;
	return ret;
}

/* Puts the new server in the place of the one in use, and lets its device run. */
static int vuser_replace_switch(struct vuser_replace_run *run)
{
	struct vuser_device *dev = run->dev;
	int ret = 0, err;

	vuser_dma_next_commit(&dev->dma, run->chan);
	/* The caller has another reference to the channel of the server before. */
	vuser_channel_put(vuser_conn_replace(&dev->conn, run->chan));
	run->step = "the new server does not start its device";
	if (run->move_state)
		ret = vuser_cmd_mig_state(run->chan, VFIO_DEVICE_STATE_RUNNING);
	if (ret)
		goto out_irqs;
	run->step = "the new server does not accept the interrupts";
	/* The state that was loaded has the MSI-X table, so interrupts come after it. */
	if (run->move_state)
		ret = vuser_irq_prepare(dev, run->chan);
out_irqs:
	err = vuser_irq_commit(dev);
	if (ret || err)
		return ret ? ret : err;
	run->step = "the new server does not take the registers of configuration space";
	return vuser_pci_resume(&dev->regions.pci, run->state_kept);
}

/*
 * Ends the server in use, and lets the new one serve the device.  If DMA of the server
 * before does not end, the connection keeps the channel of that server.  The device is lost
 * then, and the server after the new one waits for the end of that DMA, too.
 */
static int vuser_replace_commit(struct vuser_replace_run *run)
{
	struct vuser_device *dev = run->dev;
	int ret;

	vuser_server_end(run->old);
	/* The server before has carried out all posted stores. */
	vuser_replay_clear(run->old);
	run->step = "DMA of the server before does not end";
	ret = vuser_resume_end_dma(dev, run->old, run->chan);
	if (!ret)
		return vuser_replace_switch(run);
	vuser_channel_hang_up(run->chan, ret, "DMA of the server before does not end");
	vuser_irq_abort(dev);
	vuser_dma_next_abort(&dev->dma, run->chan);
	return ret;
}

/* Lets the device of the server in use run again, with its shared areas. */
static int vuser_replace_undo(struct vuser_replace_run *run)
{
	int ret = 0, err = 0;

	if (run->shared)
		ret = vuser_replace_show(run, run->old);
	if (run->stopped && run->move_state)
		err = vuser_cmd_mig_state(run->old, VFIO_DEVICE_STATE_RUNNING);
	else if (run->stopped)
		err = vuser_pci_unpause(&run->dev->regions.pci);
	return ret ? ret : err;
}

/*
 * Undoes what was done; the server in use goes on.  The new server is ended first, so that
 * the accesses that wait do not wait for it.
 */
static void vuser_replace_abort(struct vuser_replace_run *run)
{
	struct vuser_device *dev = run->dev;
	int ret;

	vuser_server_end(run->chan);
	vuser_irq_abort(dev);
	if (run->mapped)
		vuser_dma_next_abort(&dev->dma, run->chan);
	ret = vuser_replace_undo(run);
	if (ret)
		vuser_channel_hang_up(run->old, ret,
				      "the device could not run on after a replacement failed");
}

/* The replacement with the lock of the interrupts held. */
static int vuser_replace_locked(struct vuser_replace_run *run)
{
	struct vuser_device *dev = run->dev;
	ktime_t begin;
	int ret;

	run->step = "the server in use was lost, or the device is being closed";
	ret = vuser_state_pause(dev, run->old);
	begin = ktime_get();
	if (!ret) {
		vuser_conn_drain(&dev->conn);
		/* A migration may have begun since the server was prepared. */
		run->step = "the consumer migrates the device";
		ret = vuser_mig_is_busy(dev) ? -EBUSY : vuser_replace_move(run);
	}
	if (!ret) {
		run->step = "a server was lost, or the device is being closed";
		ret = vuser_state_replace(dev, run->chan);
	}
	if (ret) {
		vuser_replace_abort(run);
		vuser_state_unpause(dev, dev->conn.chan);
		return ret;
	}
	ret = vuser_replace_commit(run);
	if (ret) {
		dev_warn(dev->vdev.dev, "cannot go on with the new server: %s (%d)\n",
			 run->step, ret);
		vuser_channel_hang_up(run->chan, ret,
				      "the open device could not be resumed");
	} else {
		dev_info(dev->vdev.dev, "another server serves the open device\n");
	}
	vuser_state_unpause(dev, run->chan);
	vuser_state_replaced(dev, ktime_us_delta(ktime_get(), begin));
	return 0;
}

static void vuser_replace_run(struct vuser_device *dev, struct vuser_channel *chan)
{
	struct vuser_replace_run run = {
		.dev = dev,
		.old = dev->replace.old,
		.chan = chan,
		.move_state = !dev->replace.no_state,
		.state_kept = !dev->replace.no_state ||
			      READ_ONCE(dev->settings.state_kept),
	};
	int ret;

	ret = vuser_replace_prepare(&run);
	if (!ret) {
		mutex_lock(&dev->irqs.lock);
		ret = vuser_replace_locked(&run);
		mutex_unlock(&dev->irqs.lock);
	}
	vuser_channel_put(run.old);
	/* Interrupts were not delivered in the pause. */
	vuser_irq_repeat(dev);
	if (ret) {
		dev_warn(dev->vdev.dev, "the server is not replaced: %s (%d)\n",
			 run.step, ret);
		vuser_state_not_replaced(dev, chan, run.step, ret);
		return;
	}
	if (!run.state_kept)
		vuser_irq_fire_err(dev);
}

static void vuser_replace_work(struct work_struct *work)
{
	struct vuser_device *dev = container_of(work, struct vuser_device,
						replace.work);
	struct vuser_channel *chan;

	/* Close waits for @resumes only, and the device may be removed after that. */
	vuser_device_get(dev);
	/* Both are set before the work item is queued. */
	chan = dev->replace.chan;
	vuser_channel_get(chan);
	vuser_replace_run(dev, chan);
	vuser_channel_put(chan);
	vuser_resume_ended(dev);
	vuser_device_put(dev);
}

/**
 * vuser_replace_init() - initialise the replacement of a new device
 * @dev: the device, zeroed
 *
 * Context: any.
 */
void vuser_replace_init(struct vuser_device *dev)
{
	INIT_WORK(&dev->replace.work, vuser_replace_work);
}
