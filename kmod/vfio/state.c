// SPDX-License-Identifier: GPL-2.0
/*
 * The states of a device, and the functions that change them.
 *
 *	created --attach--> attached --open--> open <-----resumed----+
 *	   ^                 |    ^             |                    |
 *	   +-----detach------+    +----close----+                    |
 *	   ^                 |    ^             |                    |
 *	   |                 |    +-----------------close------- resuming
 *	   |                 |                  |                 |     ^
 *	   +--detach-- lost <+------lost--------+------lost-------+     |
 *	                 |                                              |
 *	                 +--------------attach, while open--------------+
 *
 * A device whose server is lost while the device is open stays lost until another
 * server is attached to it, or until it is closed.  Detach is refused until then.  In
 * state resuming, the work item of resume.c makes the other server serve the device.
 *
 * An open device stays open while the work item of replace.c puts another server in the
 * place of the one in use.
 */
#include <linux/kernel.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "dma/dma.h"
#include "region/pci.h"
#include "server/channel.h"
#include "server/conn.h"
#include "server/serve_dma.h"
#include "server/server.h"
#include "trace.h"
#include "vfio/device.h"
#include "vfio/event.h"
#include "vfio/irq.h"
#include "vfio/state.h"

/* For each state, a bitmap of the states that may follow it. */
static const u32 vuser_next_states[] = {
	[VUSER_STATE_CREATED] = BIT(VUSER_STATE_ATTACHED),
	[VUSER_STATE_ATTACHED] = BIT(VUSER_STATE_OPEN) |
				 BIT(VUSER_STATE_LOST) |
				 BIT(VUSER_STATE_CREATED),
	[VUSER_STATE_OPEN] = BIT(VUSER_STATE_ATTACHED) |
			     BIT(VUSER_STATE_LOST),
	[VUSER_STATE_LOST] = BIT(VUSER_STATE_CREATED) |
			     BIT(VUSER_STATE_RESUMING),
	[VUSER_STATE_RESUMING] = BIT(VUSER_STATE_OPEN) |
				 BIT(VUSER_STATE_ATTACHED) |
				 BIT(VUSER_STATE_LOST),
};

/*
 * Changes the state of a device and reports the change.  Only this function
 * changes the state.  Returns -EINVAL when @state may not follow the current state.
 */
static int vuser_state_set(struct vuser_device *dev, u32 state)
{
	lockdep_assert_held(&dev->lock);
	if (!(vuser_next_states[dev->state] & BIT(state)))
		return -EINVAL;
	trace_vuser_state(dev->id, dev->state, state);
	WRITE_ONCE(dev->state, state);
	/* Wake threads that wait in poll(2) on the attribute. */
	sysfs_notify(&dev->vdev.dev->kobj, "vuser", "state");
	vuser_event_changed(dev);
	return 0;
}

/* The loss of an open device's server ---------------------------------------- */

/* Lets accesses wait for another server as long as the setting says. */
static void vuser_state_start_timer(struct vuser_device *dev)
{
	u32 ms = READ_ONCE(dev->settings.reconnect_timeout_ms);

	lockdep_assert_held(&dev->lock);
	if (dev->resumable && !dev->conn.failed)
		queue_delayed_work(vuser_wq, &dev->loss_work, msecs_to_jiffies(ms));
}

/* Ends a replacement; @why is NULL, or says why it failed. */
static void vuser_state_end_replace(struct vuser_device *dev, const char *why)
{
	struct vuser_replace *replace = &dev->replace;

	lockdep_assert_held(&dev->lock);
	replace->running = false;
	kfree(replace->endpoint);
	replace->endpoint = NULL;
	kfree(replace->error);
	replace->error = why ? kstrndup(why, VUSER_ERROR_MAX, GFP_KERNEL) : NULL;
	replace->state = why ? VUSER_REPLACING_FAILED : VUSER_REPLACING_DONE;
	vuser_event_changed(dev);
}

/* Ends a replacement whose server is not attached yet, since the device has changed. */
static void vuser_state_cancel_replace(struct vuser_device *dev, const char *why)
{
	lockdep_assert_held(&dev->lock);
	if (dev->replace.state == VUSER_REPLACING_PENDING && !dev->replace.running)
		vuser_state_end_replace(dev, why);
}

/* Returns true if accesses fail from now on, and did not before. */
static bool vuser_state_stop(struct vuser_device *dev)
{
	bool failed = !dev->conn.failed &&
		      dev->settings.on_loss == VUSER_ON_LOSS_FAIL;

	lockdep_assert_held(&dev->lock);
	vuser_conn_stop(&dev->conn, failed);
	vuser_state_start_timer(dev);
	return failed;
}

/* Calls from the channel --------------------------------------------------- */

/* The server of @chan is lost.  Does nothing if the device has another channel. */
static void vuser_state_lost(void *context, struct vuser_channel *chan)
{
	struct vuser_device *dev = context;
	bool failed = false;

	mutex_lock(&dev->lock);
	if (dev->chan == chan) {
		dev->resumed = false;
		if (dev->opened)
			failed = vuser_state_stop(dev);
		vuser_state_cancel_replace(dev, "the server in use was lost");
		if (dev->ending)
			vuser_serve_dma_wake(dev->ending);
		vuser_state_set(dev, VUSER_STATE_LOST);
	}
	mutex_unlock(&dev->lock);
	if (failed)
		vuser_irq_fire_err(dev);
}

static int vuser_state_dma_read(void *context, struct vuser_dma_caller *caller,
				u64 iova, void *buf, size_t len)
{
	struct vuser_device *dev = context;

	return vuser_dma_read(&dev->dma, caller, iova, buf, len);
}

static int vuser_state_dma_write(void *context, struct vuser_dma_caller *caller,
				 u64 iova, const void *buf, size_t len)
{
	struct vuser_device *dev = context;

	return vuser_dma_write(&dev->dma, caller, iova, buf, len);
}

static void vuser_state_notify(void *context, u64 fdmsg_id)
{
	vuser_event_fdmsg(context, fdmsg_id);
}

static void vuser_state_release(void *context)
{
	vuser_device_put(context);
}

static const struct vuser_server_ops vuser_state_server_ops = {
	.lost = vuser_state_lost,
	.dma_read = vuser_state_dma_read,
	.dma_write = vuser_state_dma_write,
	.notify = vuser_state_notify,
	.release = vuser_state_release,
};

static struct vuser_channel *vuser_state_open_channel(struct vuser_device *dev,
						      struct vuser_desc *desc,
						      struct socket *sock,
						      struct socket *twin)
{
	struct vuser_server_user user = {
		.ops = &vuser_state_server_ops,
		.context = dev,
		.dev = dev->vdev.dev,
		.id = dev->id,
		.request_timeout_ms = &dev->settings.request_timeout_ms,
		.counters = &dev->counters,
		.latency = dev->latency,
		.send_lock = &dev->lock,
	};
	struct vuser_channel *chan;

	vuser_device_get(dev);
	chan = vuser_server_open(&user, desc, sock, twin);
	if (IS_ERR(chan))
		vuser_device_put(dev);
	return chan;
}

/* Attach and detach -------------------------------------------------------- */

/* Explains what differs between the device as opened and a server's description. */
static const char *vuser_state_compare(struct vuser_device *dev,
				       const struct vuser_desc *desc, int *ret)
{
	const char *why = vuser_desc_differs(dev->conn.desc, desc);

	*ret = why ? -ENOTUNIQ : vuser_pci_compare(&dev->regions.pci, desc);
	return why ?: "its PCI capabilities or BARs differ";
}

/* Checks that a server can be attached now, and to this device. */
static int vuser_state_may_attach(struct vuser_device *dev,
				  const struct vuser_desc *desc, const char **why)
{
	int ret;

	if (dev->gone)
		return -EBUSY;
	if (dev->state == VUSER_STATE_CREATED)
		return 0;
	if (dev->state != VUSER_STATE_LOST || !dev->resumable)
		return -EBUSY;
	*why = vuser_state_compare(dev, desc, &ret);
	return ret;
}

/*
 * Puts a new channel in the place of the lost one; the consumer's paths still have the
 * lost one.  A reset that finds the new state waits for the work item.
 */
static void vuser_state_resume(struct vuser_device *dev)
{
	atomic_inc(&dev->resumes);
	if (!queue_work(vuser_wait_wq, &dev->resume_work))
		atomic_dec(&dev->resumes);
	vuser_state_set(dev, VUSER_STATE_RESUMING);
}

/**
 * vuser_state_attach() - give the device a server
 * @dev: the device; its lock is held
 * @desc: the server's description, checked; its reference is taken over on
 *	success
 * @sock: connected AF_UNIX stream socket; taken over on success
 * @twin: connected twin socket, or NULL; taken over on success
 * @why: set after -ENOTUNIQ to a constant text that says what differs
 *
 * If the device is open and its server is lost, the new server takes the place of the
 * lost one.  Its device must be the same as the device as opened.
 *
 * If a socket cannot be polled, the device is attached nevertheless, and becomes
 * lost at once.
 *
 * Context: process, in the handler of dev-attach; may sleep, but does not wait for
 * the server.
 * Return: 0; -EBUSY when the device has a server already, or is being removed, opened or
 * closed; -ENOTUNIQ when the device is open and the description differs; -ENOMEM; or as
 * vuser_sock_take_all() when another process can use a socket.
 */
int vuser_state_attach(struct vuser_device *dev, struct vuser_desc *desc,
		       struct socket *sock, struct socket *twin, const char **why)
{
	struct vuser_channel *chan, *lost = dev->chan;
	int ret;

	lockdep_assert_held(&dev->lock);
	ret = vuser_state_may_attach(dev, desc, why);
	if (ret)
		return ret;
	chan = vuser_state_open_channel(dev, desc, sock, twin);
	if (IS_ERR(chan))
		return PTR_ERR(chan);

	kfree(dev->error);
	dev->error = NULL;
	dev->chan = chan;
	if (lost) {
		/* Otherwise accesses may use it; the work item ends it. */
		if (lost != READ_ONCE(dev->conn.chan))
			vuser_server_end(lost);
		vuser_state_resume(dev);
	} else {
		vuser_pci_attach(&dev->regions.pci, desc);
		vuser_state_set(dev, VUSER_STATE_ATTACHED);
	}
	if (vuser_server_start(chan))
		vuser_channel_fail(chan, -ENOTSOCK,
				   "the socket cannot be polled");
	return 0;
}

/**
 * vuser_state_detach() - take the server away from the device
 * @dev: the device; its lock is held
 * @error: text for the administrator that says why the device has no server;
 *	copied.  NULL or "" removes the text that was stored before
 *
 * If the device has no server, only @error is recorded.  If the device is open and its
 * server is lost, only an @error that is not empty is recorded.
 *
 * Context: process; may sleep, but does not wait for the server.
 * Return: 0, -EBUSY while the device is open, or -ENOMEM.
 */
int vuser_state_detach(struct vuser_device *dev, const char *error)
{
	struct vuser_channel *chan = dev->chan;
	char *copy = NULL;

	lockdep_assert_held(&dev->lock);
	if (error && *error) {
		copy = kstrndup(error, VUSER_ERROR_MAX, GFP_KERNEL);
		if (!copy)
			return -ENOMEM;
	}
	if (dev->opened && (dev->state != VUSER_STATE_LOST || !copy)) {
		kfree(copy);
		return -EBUSY;
	}
	kfree(dev->error);
	dev->error = copy;
	sysfs_notify(&dev->vdev.dev->kobj, "vuser", "error");
	if (dev->opened)
		return -EBUSY;
	dev->chan = NULL;
	if (chan) {
		vuser_state_set(dev, VUSER_STATE_CREATED);
		vuser_server_end(chan);
	}
	vuser_event_changed(dev);
	return 0;
}

/**
 * vuser_state_remove() - detach the server of a device that is being removed
 * @dev: the device; not open, and can no longer be opened
 *
 * Attach is refused after this.
 *
 * Context: process; takes the device's lock; may sleep.
 */
void vuser_state_remove(struct vuser_device *dev)
{
	mutex_lock(&dev->lock);
	dev->gone = true;
	vuser_state_detach(dev, NULL);
	mutex_unlock(&dev->lock);
}

/* Open and close ----------------------------------------------------------- */

/**
 * vuser_state_open() - change the state because a consumer opens the device
 * @dev: the device
 *
 * Context: process; takes the device's lock; may sleep.
 * Return: 0, or -ENODEV when no server is attached or the server is lost.
 */
int vuser_state_open(struct vuser_device *dev)
{
	int ret = -ENODEV;

	mutex_lock(&dev->lock);
	if (dev->state == VUSER_STATE_ATTACHED)
		ret = vuser_state_set(dev, VUSER_STATE_OPEN);
	if (!ret)
		vuser_conn_open(&dev->conn, dev->chan);
	dev->opened = !ret;
	dev->resumed = false;
	mutex_unlock(&dev->lock);
	return ret;
}

/**
 * vuser_state_opened() - let another server take the place of a lost one from now on
 * @dev: the device, which is open
 *
 * Context: process; takes the device's lock.
 */
void vuser_state_opened(struct vuser_device *dev)
{
	mutex_lock(&dev->lock);
	dev->resumable = true;
	if (dev->state == VUSER_STATE_LOST)
		vuser_state_start_timer(dev);
	mutex_unlock(&dev->lock);
}

/**
 * vuser_state_close() - change the state because the consumer closes the device
 * @dev: the device
 *
 * Context: process; takes the device's lock; may sleep.
 */
void vuser_state_close(struct vuser_device *dev)
{
	mutex_lock(&dev->lock);
	dev->opened = false;
	vuser_state_cancel_replace(dev, "the consumer closed the device");
	if (dev->conn.desc != dev->chan->desc)
		vuser_pci_attach(&dev->regions.pci, dev->chan->desc);
	if (dev->conn.chan != dev->chan)
		vuser_server_end(dev->conn.chan);
	vuser_conn_close(&dev->conn);
	if (dev->state == VUSER_STATE_OPEN ||
	    dev->state == VUSER_STATE_RESUMING)
		vuser_state_set(dev, vuser_channel_lost(dev->chan) ?
				VUSER_STATE_LOST :
				VUSER_STATE_ATTACHED);
	else
		vuser_event_changed(dev);
	mutex_unlock(&dev->lock);
}

/* Resume ------------------------------------------------------------------- */

/* The device serves its consumer again; the device's lock is held. */
static void vuser_state_go_on(struct vuser_device *dev)
{
	cancel_delayed_work(&dev->loss_work);
	/* First: a consumer that sees the new state may access the device at once. */
	vuser_conn_start(&dev->conn);
	vuser_state_set(dev, VUSER_STATE_OPEN);
}

/* Whether a new server is attached to the open device; the device's lock is held. */
static bool vuser_state_is_resuming(struct vuser_device *dev)
{
	return dev->state == VUSER_STATE_RESUMING && dev->resumable &&
	       !vuser_channel_lost(dev->chan);
}

/**
 * vuser_state_resuming() - get the channel that is to serve an open device
 * @dev: the device
 *
 * Context: process; takes the device's lock; may sleep.
 * Return: the channel with a reference for the caller; NULL if no new server is attached,
 * if the work item was queued twice and has served the new server already, or if the
 * device is being closed.
 */
struct vuser_channel *vuser_state_resuming(struct vuser_device *dev)
{
	struct vuser_channel *chan = NULL;

	mutex_lock(&dev->lock);
	if (vuser_state_is_resuming(dev) && dev->chan != dev->conn.chan) {
		chan = dev->chan;
		vuser_channel_get(chan);
	}
	mutex_unlock(&dev->lock);
	return chan;
}

/**
 * vuser_state_resumed() - change the state because a new server is ready
 * @dev: the device
 * @chan: the channel, from vuser_state_resuming()
 *
 * If accesses fail until the consumer resets the device, the state does not change.
 *
 * Context: process; takes the device's lock; may sleep.
 * Return: true if the device serves its consumer from now on.
 */
bool vuser_state_resumed(struct vuser_device *dev, struct vuser_channel *chan)
{
	bool open = false;

	mutex_lock(&dev->lock);
	if (vuser_state_is_resuming(dev) && dev->chan == chan) {
		dev->resumed = true;
		open = !dev->conn.failed;
		if (open)
			vuser_state_go_on(dev);
		else
			wake_up_all(&dev->conn.changed);
	}
	mutex_unlock(&dev->lock);
	return open;
}

/**
 * vuser_state_reset() - change the state because the consumer resets the device
 * @dev: an open device
 *
 * Context: process; takes the device's lock; may sleep.
 * Return: true if accesses have failed until now, and a new server serves the device
 * from now on.
 */
bool vuser_state_reset(struct vuser_device *dev)
{
	bool open;

	mutex_lock(&dev->lock);
	open = vuser_state_is_resuming(dev) && dev->resumed && dev->conn.failed;
	if (open)
		vuser_state_go_on(dev);
	mutex_unlock(&dev->lock);
	return open;
}

/* Replace ------------------------------------------------------------------ */

/**
 * vuser_state_request() - ask the helper for another server of an open device
 * @dev: the device; its lock is held
 * @endpoint: path of the server's socket, allocated; taken over on success
 * @no_state: the server does not get the state of the device
 *
 * A request for which no server is attached yet is replaced.
 *
 * Context: process; may sleep.
 * Return: 0; or -EBUSY when the device is not open, or another server is attached already.
 */
int vuser_state_request(struct vuser_device *dev, char *endpoint, bool no_state)
{
	struct vuser_replace *replace = &dev->replace;

	lockdep_assert_held(&dev->lock);
	if (dev->gone || dev->state != VUSER_STATE_OPEN || !dev->resumable ||
	    replace->running)
		return -EBUSY;
	kfree(replace->endpoint);
	kfree(replace->error);
	replace->endpoint = endpoint;
	replace->error = NULL;
	replace->no_state = no_state;
	replace->pause_us = 0;
	replace->state = VUSER_REPLACING_PENDING;
	return 0;
}

/**
 * vuser_state_refuse() - end a replacement, because the helper has no server for it
 * @dev: the device; its lock is held
 * @why: the reason
 *
 * Context: process; may sleep.
 * Return: 0; or -EBUSY when no replacement waits for a server.
 */
int vuser_state_refuse(struct vuser_device *dev, const char *why)
{
	lockdep_assert_held(&dev->lock);
	if (dev->replace.state != VUSER_REPLACING_PENDING || dev->replace.running)
		return -EBUSY;
	vuser_state_end_replace(dev, why);
	return 0;
}

/**
 * vuser_state_attach_next() - give the device the server that vuser_state_request() wants
 * @dev: the device; its lock is held
 * @desc: as for vuser_state_attach()
 * @sock: as for vuser_state_attach()
 * @twin: as for vuser_state_attach()
 * @why: as for vuser_state_attach()
 *
 * Context: process, in the handler of dev-attach; may sleep, but does not wait for
 * the server.
 * Return: as vuser_state_attach(); -EBUSY when no replacement waits for a server.
 */
int vuser_state_attach_next(struct vuser_device *dev, struct vuser_desc *desc,
			    struct socket *sock, struct socket *twin, const char **why)
{
	struct vuser_replace *replace = &dev->replace;
	struct vuser_channel *chan;
	int ret;

	lockdep_assert_held(&dev->lock);
	if (replace->state != VUSER_REPLACING_PENDING || replace->running ||
	    dev->state != VUSER_STATE_OPEN || !dev->resumable)
		return -EBUSY;
	*why = vuser_state_compare(dev, desc, &ret);
	if (ret)
		return ret;
	chan = vuser_state_open_channel(dev, desc, sock, twin);
	if (IS_ERR(chan))
		return PTR_ERR(chan);
	/* Ids above those of the server in use. */
	chan->next_fdmsg = READ_ONCE(dev->chan->next_fdmsg) + BIT_ULL(32);
	replace->first_fdmsg = chan->next_fdmsg;
	replace->chan = chan;
	replace->running = true;
	replace->old = dev->chan;
	vuser_channel_get(replace->old);
	if (vuser_server_start(chan))
		vuser_channel_fail(chan, -ENOTSOCK, "the socket cannot be polled");
	atomic_inc(&dev->resumes);
	queue_work(vuser_wait_wq, &replace->work);
	return 0;
}

/**
 * vuser_state_pause() - let accesses wait for another server
 * @dev: the device
 * @old: the channel of the server in use
 *
 * Context: process, the work item that replaces the server; takes the device's lock.
 * Return: 0; or -ENOTCONN when the server in use is lost or the device is being closed.
 * In both cases the caller must call vuser_state_unpause().
 */
int vuser_state_pause(struct vuser_device *dev, struct vuser_channel *old)
{
	int ret = 0;

	mutex_lock(&dev->lock);
	if (dev->state == VUSER_STATE_OPEN && dev->resumable && dev->chan == old)
		vuser_conn_pause(&dev->conn);
	else
		ret = -ENOTCONN;
	mutex_unlock(&dev->lock);
	return ret;
}

/**
 * vuser_state_replace() - put the new server in the place of the one in use
 * @dev: the device, after vuser_state_pause()
 * @chan: the channel of the new server
 *
 * After success, the caller must end the channel of the server before.
 *
 * Context: process, the work item that replaces the server; takes the device's lock.
 * Return: 0; or -ENOTCONN when one of the servers is lost or the device is being closed.
 */
int vuser_state_replace(struct vuser_device *dev, struct vuser_channel *chan)
{
	int ret = -ENOTCONN;

	mutex_lock(&dev->lock);
	/* A loss of @chan from now on is reported after this has set @dev->chan. */
	if (dev->state == VUSER_STATE_OPEN && dev->resumable &&
	    !vuser_channel_lost(chan) && !vuser_channel_lost(dev->chan)) {
		dev->chan = chan;
		dev->replace.chan = NULL;
		/* The helper connects to this endpoint if the new server is lost. */
		swap(dev->endpoint, dev->replace.endpoint);
		ret = 0;
	}
	mutex_unlock(&dev->lock);
	return ret;
}

/**
 * vuser_state_unpause() - let accesses go on
 * @dev: the device, after vuser_state_pause()
 * @chan: the channel of the server that serves the device now
 *
 * If that server is lost, accesses act as the setting on_loss says.
 *
 * Context: process, the work item that replaces the server; takes the device's lock.
 */
void vuser_state_unpause(struct vuser_device *dev, struct vuser_channel *chan)
{
	mutex_lock(&dev->lock);
	if (dev->state == VUSER_STATE_OPEN && !vuser_channel_lost(chan))
		vuser_conn_start(&dev->conn);
	else
		vuser_conn_unpause(&dev->conn);
	mutex_unlock(&dev->lock);
}

/**
 * vuser_state_replaced() - report that the new server has taken the place of the other one
 * @dev: the device, after vuser_state_replace()
 * @pause_us: how long accesses have waited, microseconds
 *
 * Context: process, the work item that replaces the server; takes the device's lock.
 */
void vuser_state_replaced(struct vuser_device *dev, u64 pause_us)
{
	mutex_lock(&dev->lock);
	dev->replace.pause_us = pause_us;
	vuser_state_end_replace(dev, NULL);
	mutex_unlock(&dev->lock);
}

/**
 * vuser_state_not_replaced() - end a new server that cannot serve the device
 * @dev: the device
 * @chan: the channel of the new server
 * @step: the step that failed
 * @error: its error, a negative errno
 *
 * Context: process, the work item that replaces the server; takes the device's lock.
 */
void vuser_state_not_replaced(struct vuser_device *dev, struct vuser_channel *chan,
			      const char *step, int error)
{
	char why[VUSER_ERROR_MAX + 1];

	scnprintf(why, sizeof(why), "%s (%d)", step, error);
	mutex_lock(&dev->lock);
	dev->replace.chan = NULL;
	vuser_state_end_replace(dev, why);
	mutex_unlock(&dev->lock);
	vuser_server_end(chan);
}

/**
 * vuser_state_fdmsg_channel() - find the channel of an fdmsg
 * @dev: the device; its lock is held
 * @id: id of the fdmsg
 *
 * Context: any.
 * Return: the channel that has the fdmsg if it waits, or NULL.
 */
struct vuser_channel *vuser_state_fdmsg_channel(struct vuser_device *dev, u64 id)
{
	struct vuser_replace *replace = &dev->replace;

	lockdep_assert_held(&dev->lock);
	return replace->chan && id >= replace->first_fdmsg ? replace->chan : dev->chan;
}

/**
 * vuser_state_next_get() - get the channel of the server that is about to serve a device
 * @dev: the device; its lock is not held
 *
 * Context: process; takes the device's lock; may sleep.
 * Return: the channel with a reference for the caller, or NULL.
 */
struct vuser_channel *vuser_state_next_get(struct vuser_device *dev)
{
	struct vuser_channel *chan;

	mutex_lock(&dev->lock);
	chan = dev->replace.chan;
	if (chan)
		vuser_channel_get(chan);
	mutex_unlock(&dev->lock);
	return chan;
}

/**
 * vuser_state_channel_get() - get the channel of a device
 * @dev: the device; its lock is not held
 *
 * Context: process; takes the device's lock; may sleep.
 * Return: the channel with a reference for the caller, or NULL when no server
 * is attached.
 */
struct vuser_channel *vuser_state_channel_get(struct vuser_device *dev)
{
	struct vuser_channel *chan;

	mutex_lock(&dev->lock);
	chan = dev->chan;
	if (chan)
		vuser_channel_get(chan);
	mutex_unlock(&dev->lock);
	return chan;
}
