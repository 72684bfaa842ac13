// SPDX-License-Identifier: GPL-2.0
/*
 * A device with a state file and without memory of a client: the process was started
 * again, or the client has disconnected. The device is held: no ring runs until the client
 * has announced its memory.
 */
#include "hold.h"
#include "inflight.h"
#include "keep.h"
#include "pause.h"
#include "rings.h"

/**
 * vhost_hold_begin - stop the rings, because the client and its memory are gone
 * @dev: device with a state file
 */
void vhost_hold_begin(struct vhost_device *dev)
{
	if (dev->live)
		vhost_pause_hold(dev);
	dev->keep->held = true;
	dev->stopped = true;
	vhost_keep(dev);
}

/*
 * Whether the rings of the killed process can go on. With memory for requests in flight,
 * the back end knows them. Without, split rings continue at their used index: a back end
 * completes its requests when its front end disconnects. A back end that was started
 * again has lost them, which a network driver does not notice.
 */
static bool can_go_on(const struct vhost_device *dev)
{
	const struct vhost_keep *k = dev->keep;
	bool ran = false;
	uint16_t i;

	if (!k->restored || vhost_inflight_can_resume(dev))
		return true;
	if (!dev->options.type.stateless)
		return false;
	for (i = 0; i < dev->virtio.nr_queues; i++)
		ran = ran ||
		      (dev->virtio.queues[i].enabled && !dev->queues[i].paused);
	if (!ran)
		return true;
	return !virtio_has(&dev->virtio, VIRTIO_F_RING_PACKED) &&
	       (dev->net || vhost_keep_same_peer(dev));
}

/* Let the rings run. */
static void go_on(struct vhost_device *dev)
{
	int ret;

	if (!can_go_on(dev)) {
		virtio_need_reset(&dev->virtio);
		return;
	}
	ret = vhost_connection_reopen(&dev->conn);
	if (!ret)
		vhost_rings_resume(dev);
	else if (!vhost_inflight_can_resume(dev))
		virtio_need_reset(&dev->virtio);
}

/**
 * vhost_hold_end - let the rings run, because the client has announced its
 *	memory
 * @dev: device
 *
 * A client announces all its memory before it accesses a BAR or writes to configuration
 * space. Before that it may read configuration space.
 */
void vhost_hold_end(struct vhost_device *dev)
{
	struct vhost_keep *k = dev->keep;

	if (!k || !k->held)
		return;
	k->held = false;
	dev->stopped = false;
	if (virtio_running(&dev->virtio) &&
	    !(dev->virtio.status & VIRTIO_CONFIG_S_NEEDS_RESET))
		go_on(dev);
	k->restored = false;
	vhost_keep(dev);
}
