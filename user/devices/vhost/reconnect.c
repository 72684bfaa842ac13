// SPDX-License-Identifier: GPL-2.0
/*
 * A back end that connects again may offer less than the previous one. The device
 * accepts it if it has all that the driver and the client rely on: the features that
 * the driver has acknowledged, and what the client read when it connected. A back end
 * that is rejected connects again five times a second, so the reason is said once.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "features.h"
#include "inflight.h"
#include "migration.h"
#include "reconnect.h"
#include "say.h"

/* Say why the back end is rejected, unless this was the last thing said. */
__attribute__((format(printf, 2, 3))) static int
reject(struct vhost_device *dev, const char *fmt, ...)
{
	char text[sizeof(dev->rejection)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (strcmp(text, dev->rejection)) {
		vhost_say(dev, "back end rejected: it %s", text);
		memcpy(dev->rejection, text, sizeof(text));
	}
	return -EOPNOTSUPP;
}

/* Memory slots that max_dma_maps of vfio-user can announce. */
static uint16_t slots_of(const struct vhost_device *dev)
{
	uint64_t slots = vhost_backend_mem_slots(dev->conn.backend);

	return slots < UINT16_MAX ? slots : UINT16_MAX;
}

/**
 * vhost_reconnect_init - record what the first back end has
 * @dev: device whose registers are initialized
 */
void vhost_reconnect_init(struct vhost_device *dev)
{
	dev->virtio.offered = vhost_features_offer(dev);
	dev->can_log = vhost_features_can_log(dev);
	dev->can_migrate = vhost_migration_possible(dev);
	dev->config_needed = vhost_config_of_backend(dev);
	dev->slots = slots_of(dev);
	dev->connected = true;
}

/*
 * The features that a driver has acknowledged cannot change until it resets the
 * device. Every driver acknowledges VERSION_1.
 */
static int check_features(struct vhost_device *dev)
{
	uint64_t needed = VIRTIO_BIT(VIRTIO_F_VERSION_1);
	uint64_t missing;

	if (dev->virtio.status & VIRTIO_CONFIG_S_FEATURES_OK)
		needed |= dev->virtio.accepted;
	missing = needed & ~vhost_features_offer(dev);
	if (missing)
		return reject(dev, "lacks features %#jx, which the driver uses",
			      (uintmax_t)missing);
	return 0;
}

/* Features of the protocol that the device cannot do without any more. */
static int check_protocol(struct vhost_device *dev)
{
	const struct vhost_backend *b = dev->conn.backend;

	if (dev->can_log && !vhost_features_can_log(dev))
		return reject(dev, "cannot log writes, which the previous back "
				   "end could");
	if (dev->can_migrate && !vhost_migration_possible(dev))
		return reject(dev, "lacks DEVICE_STATE, which the previous "
				   "back end had");
	if (dev->config_needed && !vhost_config_of_backend(dev))
		return reject(dev, "lacks CONFIG, which the previous back end "
				   "had");
	if (dev->inflight_fd >= 0 && vhost_inflight_can_resume(dev) &&
	    !vhost_backend_has(b, VHOST_USER_PROTOCOL(INFLIGHT_SHMFD)))
		return reject(dev, "lacks INFLIGHT_SHMFD, and requests of the "
				   "previous back end are in flight");
	return 0;
}

/* The client knows the numbers of queues and of memory slots. */
static int check_numbers(struct vhost_device *dev)
{
	const struct vhost_backend *b = dev->conn.backend;
	uint64_t queues = vhost_backend_queues(b);
	uint32_t needed = dev->virtio.nr_queues;

	if (dev->net) {
		queues = queues ?: 1;
		needed = dev->net_dev.max_pairs;
	}
	if (queues && queues < needed)
		return reject(dev, "has %ju %s, but the device has %u",
			      (uintmax_t)queues,
			      dev->net ? "queue pairs" : "queues", needed);
	if (slots_of(dev) < dev->slots)
		return reject(dev, "has %u memory slots, but the device has %u",
			      slots_of(dev), dev->slots);
	return 0;
}

/**
 * vhost_reconnect_check - accept or reject a new back end
 * @dev: device, whose connection was opened again
 *
 * If the device accepts the back end, it offers the features of the back end from now
 * on.
 *
 * Return: 0, or -EOPNOTSUPP after reporting the reason.
 */
int vhost_reconnect_check(struct vhost_device *dev)
{
	int ret = check_features(dev);

	if (!ret)
		ret = check_protocol(dev);
	if (!ret)
		ret = check_numbers(dev);
	if (ret)
		return ret;
	dev->virtio.offered = vhost_features_offer(dev);
	dev->connected = true;
	dev->rejection[0] = '\0';
	return 0;
}
