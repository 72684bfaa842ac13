/* SPDX-License-Identifier: GPL-2.0 */
/* The types of virtio devices, and how they differ. */
#ifndef VHOST_TYPE_H
#define VHOST_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#define VHOST_CONFIG_MAX  256
#define VHOST_SELECT_SIZE 2

/**
 * struct vhost_type - a type of device
 * @name: argument of --device
 * @id: virtio device ID
 * @class: PCI class code, 24 bits
 * @config_size: bytes of the device configuration
 * @count_at: offset of the number of queues in the configuration
 * @count_size: bytes of this number; 0: the configuration has none
 * @mq: the feature that makes the number valid; -1: always valid
 * @queues: number of queues that @count_at does not include; 0 without
 *	@count_at: the back end reports the number
 * @queue_size: maximum number of entries of a queue that back ends of this type
 *	take; 0: the usual 256. vhost-user has no request that asks for it.
 * @stateless: a back end keeps no state besides the rings, and the disk that
 *	the next back end uses, too. So the device can migrate without
 *	DEVICE_STATE.
 * @lossy: the driver does not wait for a request that is lost, and a request may be done
 *	twice
 * @selects: the first VHOST_SELECT_SIZE bytes of the configuration select which
 *	content is read
 * @keeps_writes: writes to the configuration are not sent to the back end
 * @no_first_kick: kick a new ring only if the driver has kicked it. vhost-device-sound never
 *	handles another event after a kick of its event queue, which the driver fills but
 *	does not kick.
 * @completes: each buffer is a request, which the device completes without waiting for an
 *	event
 */
struct vhost_type {
	const char *name;
	uint16_t id;
	uint32_t class;
	uint16_t config_size;
	uint16_t count_at;
	uint8_t count_size;
	int mq;
	uint16_t queues;
	uint16_t queue_size;
	bool stateless;
	bool lossy;
	bool selects;
	bool keeps_writes;
	bool no_first_kick;
	bool completes;
};

uint32_t vhost_type_queue_size(const struct vhost_type *type);
int vhost_type_find(const char *name, struct vhost_type *type);

#endif
