// SPDX-License-Identifier: GPL-2.0
/*
 * The states of a device, and the functions that change them.
 *
 *	created --attach--> attached --open--> open
 *	   ^                 |    ^             |
 *	   +-----detach------+    +----close----+
 *	   ^                 |                  |
 *	   +--detach-- lost <+------lost--------+
 *
 * A device whose server is lost while the device is open stays lost at least
 * until the device is closed: detach is refused until then.  A server cannot be
 * attached again while the device is open, so there is no transition from lost
 * to open.
 */
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "dma/dma.h"
#include "region/pci.h"
#include "server/channel.h"
#include "server/conn.h"
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
	[VUSER_STATE_LOST] = BIT(VUSER_STATE_CREATED),
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

/* Calls from the channel --------------------------------------------------- */

/* The server of @chan is lost.  Does nothing if the device has another channel. */
static void vuser_state_lost(void *context, struct vuser_channel *chan)
{
	struct vuser_device *dev = context;
	bool attached;

	mutex_lock(&dev->lock);
	attached = dev->chan == chan;
	if (attached && dev->opened)
		vuser_conn_stop(&dev->conn);
	if (attached)
		vuser_state_set(dev, VUSER_STATE_LOST);
	mutex_unlock(&dev->lock);
	if (attached)
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

/**
 * vuser_state_attach() - give the device a server
 * @dev: the device; its lock is held
 * @desc: the server's description, checked; its reference is taken over on
 *	success
 * @sock: connected AF_UNIX stream socket; taken over on success
 * @twin: connected twin socket, or NULL; taken over on success
 *
 * If a socket cannot be polled, the device is attached nevertheless, and becomes
 * lost at once.
 *
 * Context: process, in the handler of dev-attach; may sleep, but does not wait for
 * the server.
 * Return: 0; -EBUSY when the device has a server already or is being removed;
 * -ENOMEM; or as vuser_sock_take_all() when another process can use a socket.
 */
int vuser_state_attach(struct vuser_device *dev, struct vuser_desc *desc,
		       struct socket *sock, struct socket *twin)
{
	struct vuser_channel *chan;

	lockdep_assert_held(&dev->lock);
	if (dev->state != VUSER_STATE_CREATED || dev->gone)
		return -EBUSY;
	chan = vuser_state_open_channel(dev, desc, sock, twin);
	if (IS_ERR(chan))
		return PTR_ERR(chan);

	kfree(dev->error);
	dev->error = NULL;
	dev->chan = chan;
	vuser_pci_attach(&dev->regions.pci, desc);
	vuser_state_set(dev, VUSER_STATE_ATTACHED);
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
 * If the device has no server, only @error is recorded.
 *
 * Context: process; may sleep, but does not wait for the server.
 * Return: 0, -EBUSY while the device is open, or -ENOMEM.
 */
int vuser_state_detach(struct vuser_device *dev, const char *error)
{
	struct vuser_channel *chan = dev->chan;
	char *copy = NULL;

	lockdep_assert_held(&dev->lock);
	if (dev->opened)
		return -EBUSY;
	if (error && *error) {
		copy = kstrndup(error, VUSER_ERROR_MAX, GFP_KERNEL);
		if (!copy)
			return -ENOMEM;
	}
	kfree(dev->error);
	dev->error = copy;
	sysfs_notify(&dev->vdev.dev->kobj, "vuser", "error");
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
	mutex_unlock(&dev->lock);
	return ret;
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
	vuser_conn_close(&dev->conn);
	if (dev->state == VUSER_STATE_OPEN)
		vuser_state_set(dev, vuser_channel_lost(dev->chan) ?
				VUSER_STATE_LOST :
				VUSER_STATE_ATTACHED);
	else
		vuser_event_changed(dev);
	mutex_unlock(&dev->lock);
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
