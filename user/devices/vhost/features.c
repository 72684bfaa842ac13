// SPDX-License-Identifier: GPL-2.0
/* Which features the driver is offered, and which the back end gets. */
#include <linux/vhost_types.h>

#include "features.h"

/*
 * Bits that only vhost-user uses, or that this device cannot offer to a driver.
 */
#define NOT_OFFERED                                                  \
	(VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES) |                \
	 VIRTIO_BIT(VHOST_F_LOG_ALL) | VIRTIO_BIT(VIRTIO_F_SR_IOV) | \
	 VIRTIO_BIT(38 /* NOTIFICATION_DATA */) |                    \
	 VIRTIO_BIT(39 /* NOTIF_CONFIG_DATA */) |                    \
	 VIRTIO_BIT(41 /* ADMIN_VQ */))

/* Features of the transport, which this program implements. */
#define OF_TRANSPORT \
	(VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM) | VIRTIO_BIT(VIRTIO_F_RING_RESET))

/**
 * vhost_features_offer - features that the driver is offered
 * @dev: connected to its back end
 */
uint64_t vhost_features_offer(const struct vhost_device *dev)
{
	uint64_t features = vhost_backend_features(dev->conn.backend) &
			    ~NOT_OFFERED;

	if (dev->options.no_packed)
		features &= ~VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	if (dev->net)
		features = vhost_net_features(&dev->net_dev, features);
	return features | OF_TRANSPORT;
}

/**
 * vhost_features_pass - accepted features that are passed to the back end
 * @dev: device
 *
 * ACCESS_PLATFORM is left out. The addresses in rings are IOVAs, and the back
 * end knows the memory by IOVAs. So the back end must not translate addresses,
 * whatever the driver negotiated.
 */
uint64_t vhost_features_pass(const struct vhost_device *dev)
{
	uint64_t features = dev->virtio.accepted &
			    vhost_backend_features(dev->conn.backend) &
			    ~NOT_OFFERED &
			    ~VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM);

	if (vhost_log_on(&dev->log))
		features |= VIRTIO_BIT(VHOST_F_LOG_ALL);
	return features;
}

/** vhost_features_can_log - whether the back end can log its writes */
bool vhost_features_can_log(const struct vhost_device *dev)
{
	const struct vhost_backend *b = dev->conn.backend;

	return vhost_backend_has(b, VHOST_USER_PROTOCOL(LOG_SHMFD)) &&
	       vhost_backend_features(b) & VIRTIO_BIT(VHOST_F_LOG_ALL);
}
