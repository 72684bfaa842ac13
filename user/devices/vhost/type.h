/* SPDX-License-Identifier: GPL-2.0 */
/* The kinds of virtio device, as far as they differ here. */
#ifndef VHOST_TYPE_H
#define VHOST_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#define VHOST_CONFIG_MAX 256

/**
 * struct vhost_type - a kind of device
 * @name: for --device
 * @id: virtio's number of it
 * @class: of PCI, 24 bits
 * @config_size: bytes of its configuration
 * @count_at: where in the configuration the number of queues is
 * @count_size: bytes of that number, 0 where there is none
 * @mq: the feature that makes the number valid, -1: it always is
 * @queues: those that @count_at does not count
 * @stateless: a back-end keeps nothing that is not in rings, or on the disk
 *	that the next one has as well: it can migrate without DEVICE_STATE
 * @selects: what the configuration says depends on what was written to it
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
	bool stateless;
	bool selects;
};

int vhost_type_find(const char *name, struct vhost_type *type);

#endif
